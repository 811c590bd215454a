/* SPDX-License-Identifier: Apache-2.0 */
/* Files of certificates that servers are believed by where libcurl reads them, at each call: of
 * lists, key sets and authorizers. What is wrong with one is said when it is named. */
#ifndef SIDEGATE_SIDECAR_CONFIG_CA_FILES_H
#define SIDEGATE_SIDECAR_CONFIG_CA_FILES_H

#include <stdbool.h>

#include "rules/base/fault.h"
#include "sidecar/config/settings.h"

/* False: one cannot be read, others may write it, or there is no certificate in it; said. */
bool ca_files_check(const struct settings *settings, struct faults *faults);

#endif
