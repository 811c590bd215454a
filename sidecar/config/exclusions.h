/* SPDX-License-Identifier: Apache-2.0 */
/* rules.exclusions as rules. Each becomes one rule of phase 1 that stands before all others and
 * runs ctl:ruleRemove..., so that it holds for every phase and `explain` shows it like any other:
 *
 *   { rule: 942100, target: "ARGS:q", path: /search, expires: 2026-12-31 }
 *
 *   SecRule TIME_EPOCH "@lt 1798675200" "id:9990100,phase:1,...,chain"
 *     SecRule TX:sidegate_path "@streq /search" "ctl:'ruleRemoveTargetById=942100;ARGS:q'"
 *
 * The day is asked at each request, so that a running program stops honouring it when it comes. A
 * path is compared with the canonical one (route_rules.h). Their ids, 9990100 to 9999999, are kept
 * for them; the rule's place is that of the setting. */
#ifndef SIDEGATE_SIDECAR_CONFIG_EXCLUSIONS_H
#define SIDEGATE_SIDECAR_CONFIG_EXCLUSIONS_H

#include "rules/base/buf.h"
#include "rules/language/ruleset.h"
#include "sidecar/config/settings.h"

enum { EXCLUSION_FIRST_ID = 9990100, EXCLUSIONS_MOST = 9900 };

/* Adds their rules; called before any other text is added. */
void exclusions_add(const struct settings *settings, struct ruleset_builder *builder);
/* Warns of what names no rule that is loaded. */
void exclusions_warn(const struct settings *settings, const struct ruleset *ruleset,
                     struct faults *faults);
/* The one that this rule was made from; NULL: none. */
const struct exclusion_settings *exclusion_of(const struct settings *settings,
                                              const struct rule *rule);
/* How many loaded rules it names. */
size_t exclusion_rule_count(const struct exclusion_settings *exclusion,
                            const struct settings *settings, const struct ruleset *ruleset);
/* "942100, tag:x without ARGS:q at /search, until 2026-12-31: full text search". */
void exclusion_print(const struct exclusion_settings *exclusion, struct buf *to);
/* Over all that exclusions_add() looks at. */
void exclusions_key(const struct settings *settings, struct buf *to);

#endif
