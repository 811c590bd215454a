/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that compare numbers: the leading integer of either side, 0 where there is none. */
#include "rules/match/operator_rows.h"

#include "rules/base/number.h"

bool operator_compile_number(struct operator* op, struct operator_build *build)
{
    (void)build;
    op->number = number_leading(op->argument.text);
    return true;
}

/* Negative, zero or positive as the value is less than, equal to or greater than the argument. */
static int compare(const struct operator* op, const struct operator_run *run)
{
    int64_t argument = op->argument.has_variables ? number_leading(run->argument) : op->number;
    int64_t value = number_leading(run->value);

    return value < argument ? -1 : value > argument;
}

enum operator_answer operator_run_eq(const struct operator* op, struct operator_run *run)
{
    return operator_answer_of(compare(op, run) == 0);
}

enum operator_answer operator_run_ge(const struct operator* op, struct operator_run *run)
{
    return operator_answer_of(compare(op, run) >= 0);
}

enum operator_answer operator_run_gt(const struct operator* op, struct operator_run *run)
{
    return operator_answer_of(compare(op, run) > 0);
}

enum operator_answer operator_run_le(const struct operator* op, struct operator_run *run)
{
    return operator_answer_of(compare(op, run) <= 0);
}

enum operator_answer operator_run_lt(const struct operator* op, struct operator_run *run)
{
    return operator_answer_of(compare(op, run) < 0);
}
