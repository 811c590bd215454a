/* SPDX-License-Identifier: Apache-2.0 */
/* SecRuleRemoveBy... and SecRuleUpdate...: collected while reading, carried out on all rules
 * afterwards, so that their order in the files does not matter. Private to the folder. */
#ifndef SIDEGATE_RULES_LANGUAGE_UPDATE_H
#define SIDEGATE_RULES_LANGUAGE_UPDATE_H

#include "rules/language/builder.h"

/* Carries out all of them, in the order in which they were written. What names no rule is warned
 * about. */
void updates_apply(struct ruleset_builder *builder);

#endif
