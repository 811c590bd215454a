/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/glob.h"

#include "tests/check.h"
#include "tests/unit/base/suites.h"

static bool fits(const char *pattern, const char *text)
{
    return glob_matches(span_text(pattern), span_text(text));
}

TEST(a_pattern_without_stars_is_the_text_itself)
{
    check(fits("/login", "/login") && fits("", ""));
    check(!fits("/login", "/login/") && !fits("/login", "/Login") && !fits("", "x"));
}

TEST(a_star_is_any_run_also_none_and_over_slashes)
{
    check(fits("/a/*", "/a/") && fits("/a/*", "/a/b/c") && fits("*", ""));
    check(fits("*.example", "api.v1.example") && fits("a*b*c", "a-b-b-c"));
    check(!fits("/a/*", "/a") && !fits("a*b*c", "a-c-b"));
}

TEST(a_question_mark_is_one_byte)
{
    check(fits("v?", "v1") && fits("?*", "x") && fits("*?", "xyz"));
    check(!fits("v?", "v") && !fits("?*", ""));
}

TEST(letters_of_either_case_where_it_is_asked_for)
{
    check(glob_matches_nocase(SPAN("*.Example"), SPAN("API.EXAMPLE")));
    check(!glob_matches_nocase(SPAN("*.Example"), SPAN("API.EXAMPL")));
}

TEST(many_stars_take_no_exponential_time)
{
    char pattern[201], text[4001];
    for (unsigned i = 0; i < 200; i++)
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    pattern[199] = 'b';
    memset(text, 'a', 4000);
    check(!glob_matches(span_make(pattern, 200), span_make(text, 4000)));
}

int glob_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_without_stars_is_the_text_itself),
        cmocka_unit_test(a_star_is_any_run_also_none_and_over_slashes),
        cmocka_unit_test(a_question_mark_is_one_byte),
        cmocka_unit_test(letters_of_either_case_where_it_is_asked_for),
        cmocka_unit_test(many_stars_take_no_exponential_time),
    };
    return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
