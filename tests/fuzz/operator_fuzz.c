/* SPDX-License-Identifier: Apache-2.0 */
/* One operator with any argument, run on any value:
 *   - a fault has a sentence, and a place inside of the argument,
 *   - the same value gets the same answer again, with the same captures; "!" turns it round,
 *   - nothing beyond the value is read, and captures are parts of it (detectors: in the arena),
 *   - what is not matched captures nothing.
 *
 *   input:  name SP argument LF value */
#include <stdint.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/match/operator.h"

enum { CEILING = 4 << 20, MATCH_LIMIT = 20000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every file that an operator names holds the same few lines. */
static bool lines_read(void *context, struct span name, struct buf *to, char *why, size_t size)
{
    (void)context;
    (void)name;
    if (size > 0)
        why[0] = '\0';
    return buf_add(to, SPAN("# some\nunion select\n|65 66|x\n10.0.0.0/8\n2001:db8::/32\n"));
}

static struct operator*
    compile(struct span name, bool negated, struct span argument, struct operator_build *build)
{
    struct operator* op = operator_compile(name, negated, argument, build);
    must(build->offset <= argument.len);
    must(memchr(build->why, '\0', sizeof build->why) != NULL);
    must(op != NULL || build->why[0] != '\0' || build->wrong.at != NULL);
    return op;
}

static bool is_inside(struct span part, struct span text)
{
    return part.len == 0 ||
           (part.at >= text.at && part.len <= text.len && part.at + part.len <= text.at + text.len);
}

/* Operators that capture what they were built with or made themselves. */
static bool captures_own_text(const struct operator* op)
{
    static const char *const names[] = {"detectSQLi", "detectXSS", "validateSchema", "validateDTD"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(operator_name(op), names[i]) == 0)
            return true;
    return false;
}

static void must_be_same(const struct captures *a, const struct captures *b)
{
    must(a->count == b->count);
    for (unsigned i = 0; i < a->count; i++)
        must(span_is(a->at[i], b->at[i]));
}

static enum operator_answer try_value(const struct operator* op, struct operator_run *run)
{
    struct operator_run again = *run;
    enum operator_answer answer = operator_run(op, run);
    must(operator_run(op, &again) == answer);
    must(run->captures.count <= CAPTURES);
    must(answer == OPERATOR_YES || operator_is_negated(op) || run->captures.count == 0);
    if (arena_is_full(run->arena))
        return answer;
    must_be_same(&run->captures, &again.captures);
    for (unsigned i = 0; i < run->captures.count && !captures_own_text(op); i++)
        must(is_inside(run->captures.at[i], run->value));
    return answer;
}

static void try_both(struct span name, struct span argument, struct span value,
                     struct operator_build *build, struct scratch *scratch)
{
    struct operator* plain = compile(name, false, argument, build);
    struct operator* negated = compile(name, true, argument, build);
    must((plain == NULL) == (negated == NULL));
    if (plain != NULL) {
        struct operator_run run = {
            .value = value, .argument = argument, .scratch = scratch, .arena = build->arena};
        struct operator_run other = run;
        enum operator_answer yes = try_value(plain, &run);
        enum operator_answer no = try_value(negated, &other);
        bool is_said = yes == OPERATOR_YES || yes == OPERATOR_NO; /* a limit, or not known: both */
        must(is_said ? no == (yes == OPERATOR_YES ? OPERATOR_NO : OPERATOR_YES) : no == yes);
    }
    operator_free(plain);
    operator_free(negated);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span given = span_make((const char *)data, size);
    struct span argument = span_cut(&given, '\n');
    struct span name = span_cut(&argument, ' ');
    char *value = malloc(given.len);
    must(value != NULL || given.len == 0);
    if (given.len > 0)
        memcpy(value, given.at, given.len);
    struct scratch *scratch = scratch_new();
    struct operator_build build = {.arena = arena_new(NULL, CEILING), .read_file = lines_read};
    must(build.arena != NULL);
    scratch_set_match_limit(scratch, MATCH_LIMIT);
    try_both(name, argument, span_make(value, given.len), &build, scratch);
    must(given.len == 0 || memcmp(value, given.at, given.len) == 0);
    scratch_free(scratch);
    arena_free(build.arena);
    free(value);
    return 0;
}
