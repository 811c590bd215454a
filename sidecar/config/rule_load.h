/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that the settings name, in the order they are loaded:
 *
 *   exclusions | base | before | baseline | crs-setup, the crs.* keys, plugins, rules | files |
 * after
 *
 * The crs.* keys become one SecAction behind crs-setup.conf, so that they win over what stands
 * there; it sets the names of CRS 3 and of CRS 4. What routes say of the same keys comes right
 * behind it, one rule a key that reads what the inspection was handed (route_rules.h), so that one
 * ruleset serves all routes. The ids 9990000 to 9990099 are kept for these.
 */
#ifndef SIDEGATE_SIDECAR_CONFIG_RULE_LOAD_H
#define SIDEGATE_SIDECAR_CONFIG_RULE_LOAD_H

#include <stdint.h>

#include "rules/base/fault.h"
#include "rules/language/ruleset.h"
#include "sidecar/config/rule_files.h"
#include "sidecar/config/settings.h"

/* NULL where there are errors; `files` notes what was read. */
struct ruleset *rules_load(const struct settings *settings, struct rule_files *files,
                           struct faults *faults);
/* Over all settings that rules_load() looks at. */
uint64_t rules_load_key(const struct settings *settings);

#endif
