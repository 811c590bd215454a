/* SPDX-License-Identifier: Apache-2.0 */
/* YAML over SecLang: a directive holds unless the settings set the same thing. */
#ifndef SIDEGATE_SIDECAR_CONFIG_PRECEDENCE_H
#define SIDEGATE_SIDECAR_CONFIG_PRECEDENCE_H

#include "rules/base/fault.h"
#include "rules/inspection.h"
#include "rules/language/ruleset.h"
#include "sidecar/config/settings.h"

/* What inspections go by. `effective` is the settings' copy for the snapshot: what becomes of
 * bodies over the limit is changed in it where a directive holds. `ruleset` NULL: no inspection.
 * Warnings say which one won. */
struct inspection_options precedence_settle(struct settings *effective,
                                            const struct ruleset *ruleset, struct faults *faults);

#endif
