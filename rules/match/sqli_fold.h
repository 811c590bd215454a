/* SPDX-License-Identifier: Apache-2.0 */
/* A text as a short row of tokens: what does not change how a statement reads is taken away.
 *
 *   comments between tokens                     gone
 *   + - ~ ! NOT before an operand               gone, the operand is marked
 *   'a' 'b'                                     one string
 *   1+2*3                                       one number
 *   a.b.c  `a`.`b`                              one name
 *   1,2,3,4                                     1,4
 *   UNION ALL, SELECT DISTINCT, SELECT TOP 3    UNION, SELECT
 *   ORDER BY, SOUNDS LIKE, IS NOT, NOT IN       one token
 *   a function's name without (                 a name
 *   (1)  behind an operator                     1
 *   IN BOOLEAN MODE, FOR UPDATE                 gone
 *   MATCH a AGAINST (, MATCH(a) AGAINST (       a call, a comparison
 *
 * Private to sqli*.c. */
#ifndef SIDEGATE_RULES_MATCH_SQLI_FOLD_H
#define SIDEGATE_RULES_MATCH_SQLI_FOLD_H

#include "rules/match/sqli_tokens.h"

enum { SQLI_ROW = 64 };

struct sqli_row {
    struct sqli_token at[SQLI_ROW + 1]; /* the last is an SQLI_END */
    size_t count;
    bool telling; /* holds more than operands and what joins them: words of SQL, parentheses... */
    bool dialects_differ, hidden, nested; /* as in sqli_lexer */
};

/* `quote`: '\'' or '"' where the text begins in such a string, else 0. */
void sqli_fold(struct span text, char quote, bool mysql, struct sqli_row *row);

/* Does the token end an operand, so that an operator has to follow? */
bool sqli_ends_operand(const struct sqli_token *token);

#endif
