/* SPDX-License-Identifier: Apache-2.0 */
/* The resource policy that `policies.resource` names, read: a part of a snapshot. */
#ifndef SIDEGATE_SIDECAR_CONFIG_POLICY_FILE_H
#define SIDEGATE_SIDECAR_CONFIG_POLICY_FILE_H

#include <stdint.h>

#include "rules/base/fault.h"
#include "sidecar/config/settings.h"
#include "sidecar/guard/policy.h"

struct policy_file;

/* NULL where the file cannot be read or is no policy: its faults are among the others. */
struct policy_file *policy_file_new(const struct settings *settings, struct faults *faults);
void policy_file_free(struct policy_file *file); /* NULL allowed */
/* NULL: none is named. */
const struct policy *policy_file_policy(const struct policy_file *file);
/* Over its bytes. */
uint64_t policy_file_hash(const struct policy_file *file);

#endif
