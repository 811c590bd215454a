/* SPDX-License-Identifier: Apache-2.0 */
/* Is what stands at a place of the row a statement, or prose that happens to begin with the same
 * word? Private to sqli*.c. `at` points into a row, which ends in an SQLI_END. */
#ifndef SIDEGATE_RULES_MATCH_SQLI_STATEMENT_H
#define SIDEGATE_RULES_MATCH_SQLI_STATEMENT_H

#include "rules/match/sqli_tokens.h"

enum sqli_list {
    LIST_NONE,    /* no list of a SELECT */
    LIST_NAMES,   /* names, as prose has them too */
    LIST_SERIOUS, /* numbers, strings, variables, calls, * */
};

/* Does the row, up to a semicolon, hold one of the role, of the class? */
bool sqli_has_role(const struct sqli_token *at, enum sqli_role role);
bool sqli_has_class(const struct sqli_token *at, enum sqli_class class);

/* What follows SELECT. */
enum sqli_list sqli_select_list(const struct sqli_token *at);

/* `at` is the statement's first word; somebody else's statement stands before it. */
bool sqli_is_statement(const struct sqli_token *at);
/* The same where the text begins with it: many sentences do, so more is asked. */
bool sqli_is_whole_statement(const struct sqli_token *at);
/* The same of a row that the grammar took whole: a SELECT with parentheses, or one that ends as
 * one. */
bool sqli_is_whole_select(const struct sqli_token *at);

/* A call that is hardly ever anything but an attack. */
bool sqli_is_strong(const struct sqli_token *at);

#endif
