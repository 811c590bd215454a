/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules a ctl:ruleRemove... names, asked without a transaction: macros in tags and messages
 * stay as they were written. */
#ifndef SIDEGATE_RULES_LANGUAGE_NAMING_H
#define SIDEGATE_RULES_LANGUAGE_NAMING_H

#include "rules/language/ruleset.h"

/* By id, by tag, by message; ctl:ruleRemoveTarget... included. */
bool ctl_names_rule(const struct action *action, const struct rule *rule);
/* Does it remove whole rules, and not targets of them? */
bool ctl_removes_rules(const struct action *action);
/* ModSecurity 2 reads tags and messages as patterns, 3 as plain text. A text is compared as it
 * stands, and as a pattern only where it could mean more than itself; a dot alone does not make
 * one (PCI/6.5.10). */
bool ctl_text_is_pattern(struct span text);

#endif
