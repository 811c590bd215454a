/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of names, and macros. */
#include "rules/match/macro.h"
#include "rules/match/result.h"
#include "tests/unit/language/desk.h"
#include "tests/unit/language/suites.h"

TEST(every_name_of_a_table_is_found_by_itself_in_any_case)
{
    size_t count;
    const char *const *names = variable_names(&count);
    check_number(count, VARIABLE_COUNT);
    for (size_t i = 0; i < count; i++) {
        enum variable found = VARIABLE_COUNT;
        check(variable_find(span_text(names[i]), &found) && found == (enum variable)i);
        check_span(span_text(variable_row(found)->name), names[i]);
    }
    enum variable variable;
    enum action_name action;
    enum ctl_name option;
    check(variable_find(SPAN("request_Headers"), &variable) &&
          variable == VARIABLE_REQUEST_HEADERS);
    check(!variable_find(SPAN("REQUEST_HEADER"), &variable) && !variable_find(SPAN(""), &variable));
    check(action_find(SPAN("SKIPAFTER"), &action) && action == ACTION_SKIP_AFTER);
    check(!action_find(SPAN("skipAfte"), &action));
    check_number(action_row(ACTION_DENY)->group, GROUP_DISRUPTIVE);
    check(ctl_find(SPAN("ruleengine"), &option) && option == CTL_RULE_ENGINE);
    check(!ctl_find(SPAN("rule"), &option));
    names = action_names(&count);
    check_number(count, ACTION_COUNT);
    check_span(span_text(names[ACTION_MSG]), "msg");
    names = ctl_names(&count);
    check_number(count, CTL_COUNT);
    check_span(span_text(names[CTL_RULE_ENGINE]), "ruleEngine");
    check_span(span_text(limit_name(LIMIT_CPU_BUDGET)), "cpu_budget");
    check_span(span_text(limit_name(LIMIT_MEMORY)), "memory");
}

TEST(a_macro_is_cut_into_literals_and_variables)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct macro macro;
    size_t offset;
    struct span wrong;
    check(macro_parse(SPAN("a %{tx.score}%{REMOTE_ADDR} b"), arena, &macro, &offset, &wrong));
    check_number(macro.count, 4);
    check(macro.has_variables && !macro.parts[0].is_variable && macro.parts[1].is_variable);
    check_span(macro.parts[0].text, "a ");
    check_number(macro.parts[1].variable, VARIABLE_TX);
    check_span(macro.parts[1].key, "score");
    check_number(macro.parts[2].variable, VARIABLE_REMOTE_ADDR);
    check_number(macro.parts[2].key.len, 0);
    check_span(macro.parts[3].text, " b");
    check_span(macro.text, "a %{tx.score}%{REMOTE_ADDR} b");
    arena_free(arena);
}

TEST(a_macro_without_variables_is_its_text)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct macro macro;
    size_t offset;
    struct span wrong;
    check(macro_parse(SPAN("100%{"), arena, &macro, &offset, &wrong));
    check(!macro.has_variables && macro.count == 1);
    check_span(macro.text, "100%{");
    check(macro_parse(SPAN(""), arena, &macro, &offset, &wrong));
    check(!macro.has_variables && macro.count == 0 && macro.text.len == 0);
    check(macro_parse(SPAN("%{REQUEST_HEADERS:Host}"), arena, &macro, &offset, &wrong));
    check_span(macro.parts[0].key, "Host");
    arena_free(arena);
}

TEST(a_macro_says_which_name_is_no_variable)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct macro macro;
    size_t offset;
    struct span wrong;
    check(!macro_parse(SPAN("x %{tz.a}"), arena, &macro, &offset, &wrong));
    check_number(offset, 4);
    check_span(wrong, "tz.a");
    check(!macro_parse(SPAN("%{REMOTE_ADDR.x}"), arena, &macro, &offset, &wrong));
    check_span(wrong, "REMOTE_ADDR.x");
    arena_free(arena);
}

int names_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_of_a_table_is_found_by_itself_in_any_case),
        cmocka_unit_test(a_macro_is_cut_into_literals_and_variables),
        cmocka_unit_test(a_macro_without_variables_is_its_text),
        cmocka_unit_test(a_macro_says_which_name_is_no_variable),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
