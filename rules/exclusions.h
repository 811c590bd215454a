/* SPDX-License-Identifier: Apache-2.0 */
/* ctl:ruleRemove...: rules and targets that this transaction does not look at any more. */
#ifndef SIDEGATE_RULES_EXCLUSIONS_H
#define SIDEGATE_RULES_EXCLUSIONS_H

#include "rules/transaction.h"

/* Runs one of the six ctl:ruleRemove... */
void exclusion_add(struct inspection *tx, const struct action *action);
bool exclusion_is_removed(const struct inspection *tx, const struct rule *rule);
/* Could any value of the variable be taken away from this link? */
bool exclusions_touch(const struct inspection *tx, const struct rule *link, enum variable variable);
/* Is the value taken away, by !TARGET of the link or by ctl? */
bool exclusion_holds(struct inspection *tx, const struct rule *link, enum variable variable,
                     const struct pair *value);

#endif
