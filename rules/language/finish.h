/* SPDX-License-Identifier: Apache-2.0 */
/* From drafts to the frozen ruleset. Private to the folder. */
#ifndef SIDEGATE_RULES_LANGUAGE_FINISH_H
#define SIDEGATE_RULES_LANGUAGE_FINISH_H

#include "rules/language/builder.h"

/* Settles every draft and fills the phases; markers that lead nowhere become faults. */
void finish_rules(struct ruleset_builder *builder, struct loaded *loaded);

#endif
