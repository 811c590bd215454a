/* SPDX-License-Identifier: Apache-2.0 */
/* @rx and @rxGlobal. A pattern with macros is compiled for each value that is looked at: rare
 * enough that keeping them would be more code than it saves time. */
#include "rules/match/operator_rows.h"

bool operator_compile_pattern(struct operator* op, struct operator_build *build)
{
    op->pattern = pattern_new(op->argument.text, PATTERN_RULE, &build->offset, build->why,
                              sizeof(build->why));
    return op->pattern != NULL;
}

bool operator_compile_rx(struct operator* op, struct operator_build *build)
{
    return op->argument.has_variables || operator_compile_pattern(op, build);
}

void operator_release_pattern(struct operator* op)
{
    pattern_free(op->pattern);
}

static enum operator_answer answer_of(enum pattern_answer answer)
{
    switch (answer) {
    case PATTERN_NO: return OPERATOR_NO;
    case PATTERN_YES: return OPERATOR_YES;
    case PATTERN_PAUSED: return OPERATOR_PAUSED;
    case PATTERN_LIMIT: break;
    }
    return OPERATOR_LIMIT;
}

/* The pattern to use; *own is what has to be freed. A value that makes it wrong gives NULL. */
static const struct pattern *pattern_of(const struct operator* op, const struct operator_run *run,
                                        struct pattern **own)
{
    char why[128];
    size_t offset;

    *own = NULL;
    if (!op->argument.has_variables)
        return op->pattern;
    *own = pattern_new(run->argument, PATTERN_RULE, &offset, why, sizeof(why));
    return *own;
}

enum operator_answer operator_run_rx(const struct operator* op, struct operator_run *run)
{
    struct pattern *own;
    const struct pattern *pattern = pattern_of(op, run, &own);
    enum pattern_answer answer = PATTERN_LIMIT;

    if (pattern != NULL)
        answer = pattern_match_slice(pattern, run->value, &run->start, &run->patience, run->scratch,
                                     &run->captures);
    pattern_free(own);
    return answer_of(answer);
}

/* Appends as many as there is room for. */
static void captures_append(struct captures *to, const struct captures *more)
{
    for (unsigned i = 0; i < more->count && to->count < CAPTURES; i++)
        to->at[to->count++] = more->at[i];
}

/* Empty matches count only where there is no other. */
static enum pattern_answer match_all(const struct pattern *pattern, struct operator_run *run)
{
    struct captures empty = {.count = 0};
    size_t start = 0;

    while (start <= run->value.len && run->captures.count < CAPTURES) {
        struct captures found;
        enum pattern_answer answer =
            pattern_match_from(pattern, run->value, start, run->scratch, &found);

        if (answer == PATTERN_LIMIT && run->captures.count == 0)
            return PATTERN_LIMIT;
        if (answer != PATTERN_YES)
            break;
        if (found.at[0].len > 0)
            captures_append(&run->captures, &found);
        else if (empty.count == 0)
            empty = found;
        if (run->value.len == 0)
            break;
        start =
            (size_t)(found.at[0].at - run->value.at) + (found.at[0].len > 0 ? found.at[0].len : 1);
    }
    if (run->captures.count == 0)
        run->captures = empty;
    return run->captures.count > 0 ? PATTERN_YES : PATTERN_NO;
}

enum operator_answer operator_run_rx_global(const struct operator* op, struct operator_run *run)
{
    struct pattern *own;
    const struct pattern *pattern = pattern_of(op, run, &own);
    enum pattern_answer answer = PATTERN_LIMIT;

    if (pattern != NULL)
        answer = match_all(pattern, run);
    pattern_free(own);
    return answer_of(answer);
}
