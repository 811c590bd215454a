/* SPDX-License-Identifier: Apache-2.0 */
/* Does a text read as something that was meant to change an SQL statement?
 *
 * A value can stand in three places of a statement: bare (id = VALUE), in single quotes, in double
 * quotes. For each place that the value could have been written for, it is cut into tokens as
 * databases do (sqli_tokens), folded to a short row of classes (sqli_fold), and that row is walked
 * by a grammar of "how a statement goes on from here" (sqli_walk):
 *
 *   bare      1 or 1=1          1 & 1 = 1          the value is an operand, then goes on
 *   single    x' or '1'='1      s & s = s~         the first token is what closes the string
 *   double    x" union select 2 s U E 1
 *
 * The walk knows two states, "an operand has to come" and "an operand stood here". Prose breaks it
 * at once (two words in a row are no SQL), and where it breaks, what follows counts no more. On its
 * way it notes facts: a comparison of constants after AND/OR, a SELECT with a list, a second
 * statement, a comment that cuts the rest off, a string that is opened again... The table of
 * decisions in sqli.c says which facts together are an attack; each row has a name and a sentence.
 * Beside the walk there are marks (sqli_marks): neighbouring tokens that count wherever the grammar
 * breaks, since no sentence has them (sleep(5), waitfor delay '..', -1 union, {`a` 1}).
 *
 * Classes in a fingerprint: 1 number, s string, n name, v variable, l literal, f function, o
 * operator, = comparison, & logic, ! not, U union, E select, S other statement, k keyword, B
 * order/group by, c comment to the end, X hidden comment; ( ) , ; . : { } stand for themselves, ?
 * is any other byte; ~ behind a string: it has no end. */
#ifndef SIDEGATE_RULES_MATCH_SQLI_H
#define SIDEGATE_RULES_MATCH_SQLI_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/span.h"

enum { SQLI_FINGERPRINT = 16 };

struct sqli_finding {
    const char *decision; /* the name of the row that decided: "union", "tautology"... */
    const char *sentence; /* what it says: "a comparison behind AND or OR" */
    char fingerprint[SQLI_FINGERPRINT + 1];
    struct span parts[SQLI_FINGERPRINT]; /* of the text: the tokens behind it, strings without
                                            their quotes */
    size_t part_count;
};

/* `finding` may be NULL. Linear in the text; no memory. */
bool sqli_detect(struct span text, struct sqli_finding *finding);

#endif
