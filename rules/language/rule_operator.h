/* SPDX-License-Identifier: Apache-2.0 */
/* "!@rx ^a$" and the like. Private to the folder. */
#ifndef SIDEGATE_RULES_LANGUAGE_RULE_OPERATOR_H
#define SIDEGATE_RULES_LANGUAGE_RULE_OPERATOR_H

#include "rules/language/builder.h"

/* Compiles the operator of a SecRule; NULL and a fault where it is wrong. The builder owns it. */
const struct operator*
    rule_operator(struct ruleset_builder *builder, struct line *line, struct span text);

#endif
