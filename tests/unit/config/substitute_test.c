/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/substitute.h"
#include "tests/check.h"
#include "tests/unit/config/suites.h"

static const char *two_variables(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "NAME") == 0 ? "value" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

struct seen {
    unsigned count;
    enum substitute_fault fault;
    struct span what;
};

static void on_fault(void *to, enum substitute_fault fault, struct span what)
{
    struct seen *seen = to;
    seen->count++;
    seen->fault = fault;
    seen->what = what;
}

static const struct {
    const char *text, *result;
} well[] = {
    {"", ""},
    {"plain", "plain"},
    {"$NAME $ {x}", "$NAME $ {x}"},
    {"${NAME}", "value"},
    {"a ${NAME} b ${NAME}", "a value b value"},
    {"${NOPE:-other}", "other"},
    {"${EMPTY:-other}", "other"},
    {"${EMPTY}", ""},
    {"${NAME:-other}", "value"},
    {"${NOPE:-}", ""},
    {"${NOPE:-http://x:1}", "http://x:1"},
    {"$${NAME}", "${NAME}"},
    {"$$${NAME}", "$${NAME}"},
    {"${stageVariables.x}", "${stageVariables.x}"},
    {"${NAME", "${NAME"},
    {"${NOPE}", "${NOPE}"},
    {"${}", "${}"},
    {"${a b}", "${a b}"},
    {"${1x}", "${1x}"},
};

TEST(variables_are_put_in_and_everything_else_stays)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct seen seen = {0};
    struct substitution how = {two_variables, NULL, on_fault, &seen};
    for (size_t i = 0; i < sizeof well / sizeof *well; i++)
        check_span(substitute(&how, arena, span_text(well[i].text)), well[i].result);
    check_number(seen.count, 5); /* the last ones */
    arena_free(arena);
}

TEST(a_value_is_not_looked_into_again)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct seen seen = {0};
    struct substitution how = {two_variables, NULL, on_fault, &seen};
    check_span(substitute(&how, arena, SPAN("${NOPE:-$${NAME}}")), "$${NAME}");
    arena_free(arena);
}

TEST(what_is_wrong_is_told_apart)
{
    static const struct {
        const char *text, *what;
        enum substitute_fault fault;
    } rows[] = {
        {"a ${NOPE} b", "${NOPE}", SUBSTITUTE_UNSET},
        {"a ${NAME", "${NAME", SUBSTITUTE_UNCLOSED},
        {"a ${} b", "${}", SUBSTITUTE_NAMELESS},
        {"a ${x-y:-z} b", "${x-y:-z}", SUBSTITUTE_NAMELESS},
    };
    struct arena *arena = arena_new(NULL, 1 << 16);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seen seen = {0};
        struct substitution how = {two_variables, NULL, on_fault, &seen};
        substitute(&how, arena, span_text(rows[i].text));
        check_number(seen.count, 1);
        check_number(seen.fault, rows[i].fault);
        check_span(seen.what, rows[i].what);
    }
    arena_free(arena);
}

int substitute_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_put_in_and_everything_else_stays),
        cmocka_unit_test(a_value_is_not_looked_into_again),
        cmocka_unit_test(what_is_wrong_is_told_apart),
    };
    return cmocka_run_group_tests_name("substitute", tests, NULL, NULL);
}
