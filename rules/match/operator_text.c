/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that compare text with text: exact bytes, case counts. */
#include "rules/match/operator_rows.h"

enum operator_answer operator_run_streq(const struct operator* op, struct operator_run *run)
{
    (void)op;
    return operator_answer_of(span_is(run->value, run->argument));
}

enum operator_answer operator_run_begins_with(const struct operator* op, struct operator_run *run)
{
    (void)op;
    return operator_answer_of(span_starts(run->value, run->argument));
}

enum operator_answer operator_run_ends_with(const struct operator* op, struct operator_run *run)
{
    (void)op;
    return operator_answer_of(span_ends(run->value, run->argument));
}

enum operator_answer operator_run_contains(const struct operator* op, struct operator_run *run)
{
    (void)op;
    return operator_answer_of(span_find(run->value, run->argument) != SPAN_NONE);
}

enum operator_answer operator_run_within(const struct operator* op, struct operator_run *run)
{
    (void)op;
    return operator_answer_of(span_find(run->argument, run->value) != SPAN_NONE);
}

static bool is_word_byte(char c)
{
    return byte_is_alpha(c) || byte_is_digit(c) || c == '_';
}

enum operator_answer operator_run_contains_word(const struct operator* op, struct operator_run *run)
{
    struct span value = run->value;
    size_t len = run->argument.len;
    size_t at = 0;

    (void)op;
    if (len == 0)
        return OPERATOR_YES;
    for (;;) {
        size_t found = span_find(span_from(value, at), run->argument);

        if (found == SPAN_NONE)
            return OPERATOR_NO;
        at += found;
        if ((at == 0 || !is_word_byte(value.at[at - 1])) &&
            (at + len == value.len || !is_word_byte(value.at[at + len])))
            return OPERATOR_YES;
        at++;
    }
}
