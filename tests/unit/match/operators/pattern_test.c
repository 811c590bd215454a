/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/match/pattern.h"

#include "tests/check.h"
#include "tests/unit/match/operators/suites.h"

static enum pattern_answer match(const char *text, unsigned flags, struct span subject,
                                 struct captures *captures)
{
    char why[128] = "";
    size_t offset;
    struct pattern *pattern = pattern_new(span_text(text), flags, &offset, why, sizeof(why));
    struct scratch *scratch = scratch_new();
    enum pattern_answer answer;

    check(pattern != NULL);
    answer = pattern_match(pattern, subject, scratch, captures);
    scratch_free(scratch);
    pattern_free(pattern);
    return answer;
}

static bool matches(const char *text, const char *subject)
{
    return match(text, PATTERN_RULE, span_text(subject), NULL) == PATTERN_YES;
}

TEST(a_dot_matches_a_line_feed)
{
    check(matches("a.b", "a\nb"));
}

TEST(a_dollar_is_the_very_end)
{
    check(matches("b$", "ab"));
    check(!matches("b$", "ab\n"));
    check(!matches("^b", "a\nb"));
}

TEST(case_counts_but_in_selectors)
{
    check(match("abc", PATTERN_RULE, SPAN("ABC"), NULL) == PATTERN_NO);
    check(match("abc", PATTERN_SELECTOR, SPAN("ABC"), NULL) == PATTERN_YES);
}

TEST(any_byte_is_a_character)
{
    check(match("^\\xff.$", PATTERN_RULE, SPAN("\xff\xc3"), NULL) == PATTERN_YES);
    check(match("^a\\x00b$", PATTERN_RULE, SPAN("a\0b"), NULL) == PATTERN_YES);
}

TEST(an_empty_subject_may_have_no_address)
{
    check(match("^$", PATTERN_RULE, (struct span){NULL, 0}, NULL) == PATTERN_YES);
}

TEST(captures_are_parts_of_the_subject)
{
    struct captures captures;
    struct span subject = SPAN("xacx");

    check(match("(a)(b)?(c)", PATTERN_RULE, subject, &captures) == PATTERN_YES);
    check_number(captures.count, 4);
    check_span(captures.at[0], "ac");
    check(captures.at[0].at == subject.at + 1);
    check_span(captures.at[2], "");
    check_span(captures.at[3], "c");
}

TEST(captures_beyond_the_tenth_are_left_out)
{
    struct captures captures;

    check(match("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)", PATTERN_RULE, SPAN("abcdefghijk"),
                &captures) == PATTERN_YES);
    check_number(captures.count, CAPTURES);
    check_span(captures.at[9], "i");
}

TEST(a_wrong_pattern_says_where_and_why)
{
    char why[128] = "";
    size_t offset = 0;

    check(pattern_new(SPAN("ab(c"), PATTERN_RULE, &offset, why, sizeof(why)) == NULL);
    check_number(offset, 4);
    check(why[0] != '\0');
    check(pattern_new(SPAN("(*UTF)a"), PATTERN_RULE, &offset, why, sizeof(why)) == NULL);
}

TEST(a_pattern_that_takes_too_long_hits_its_limit)
{
    char why[128];
    size_t offset;
    struct pattern *pattern = pattern_new(SPAN("^(a+)+$"), PATTERN_RULE, &offset, why, sizeof(why));
    struct scratch *scratch = scratch_new();

    check(pattern_match(pattern, SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), scratch,
                        NULL) == PATTERN_LIMIT);
    check(pattern_match(pattern, SPAN("aaaa"), scratch, NULL) == PATTERN_YES);
    scratch_set_match_limit(scratch, 1);
    check(pattern_match(pattern, SPAN("aaaaaaaab"), scratch, NULL) == PATTERN_LIMIT);
    scratch_free(scratch);
    pattern_free(pattern);
}

static bool at_once(void *context)
{
    unsigned *asked = context;
    ++*asked;
    return true;
}

/* In as many slices as there are windows; *asked says how many. */
static enum pattern_answer match_sliced(const char *text, struct span subject,
                                        struct captures *captures, unsigned *asked)
{
    char why[128];
    size_t offset, start = 0;
    struct pattern *pattern = pattern_new(span_text(text), PATTERN_RULE, &offset, why, sizeof(why));
    struct scratch *scratch = scratch_new();
    struct patience patience = {at_once, asked};
    enum pattern_answer answer;

    *asked = 0;
    do
        answer = pattern_match_slice(pattern, subject, &start, &patience, scratch, captures);
    while (answer == PATTERN_PAUSED);
    scratch_free(scratch);
    pattern_free(pattern);
    return answer;
}

TEST(a_search_in_slices_finds_what_one_search_finds)
{
    enum { LONG = 4 * PATTERN_WINDOW };
    static const char *const patterns[] = {"b+",      "a{9}b", "(?<=aab)b",   "\\Bb", "ab.*c",
                                           "^a",      "^.*?b", "(?s:.*)b(b)", "c$",   "$",
                                           "(?m:^c)", "a\\Gb", "z",           "bb|a", "(*COMMIT)b"};
    static const size_t places[] = {0,
                                    PATTERN_WINDOW - 2,
                                    PATTERN_WINDOW - 1,
                                    PATTERN_WINDOW,
                                    PATTERN_WINDOW + 1,
                                    2 * PATTERN_WINDOW - 1,
                                    LONG - 3};
    char *text = test_malloc(LONG);
    for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
        memset(text, 'a', LONG);
        memcpy(text + places[p], "bbc", 3);
        struct span subject = span_make(text, LONG);
        for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
            struct captures whole = {.count = 0}, sliced = {.count = 0};
            unsigned asked;
            enum pattern_answer want = match(patterns[i], PATTERN_RULE, subject, &whole);

            check(match_sliced(patterns[i], subject, &sliced, &asked) == want);
            check_number(sliced.count, whole.count);
            for (unsigned c = 0; c < whole.count; c++)
                check(sliced.at[c].at == whole.at[c].at && sliced.at[c].len == whole.at[c].len);
        }
    }
    test_free(text);
}

TEST(patience_is_asked_once_a_window_and_not_of_what_is_tried_only_once)
{
    enum { LONG = 4 * PATTERN_WINDOW };
    char *text = test_malloc(LONG);
    unsigned asked;

    memset(text, 'a', LONG);
    check(match_sliced("b", span_make(text, LONG), NULL, &asked) == PATTERN_NO);
    check_number(asked, 3);
    check(match_sliced("^b", span_make(text, LONG), NULL, &asked) == PATTERN_NO);
    check_number(asked, 0);
    check(match_sliced("b", span_make(text, PATTERN_WINDOW), NULL, &asked) == PATTERN_NO);
    check_number(asked, 0);
    test_free(text);
}

TEST(values_of_macros_are_text_but_their_bars_are_alternatives)
{
    struct arena *arena = arena_new(NULL, 4096);
    struct span plain = SPAN("utf");

    check(pattern_escape(plain, arena).at == plain.at);
    check_span(pattern_escape(SPAN("a.b|c+"), arena), "a\\.b|c\\+");
    arena_free(arena);
}

int pattern_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dot_matches_a_line_feed),
        cmocka_unit_test(a_dollar_is_the_very_end),
        cmocka_unit_test(case_counts_but_in_selectors),
        cmocka_unit_test(any_byte_is_a_character),
        cmocka_unit_test(an_empty_subject_may_have_no_address),
        cmocka_unit_test(captures_are_parts_of_the_subject),
        cmocka_unit_test(captures_beyond_the_tenth_are_left_out),
        cmocka_unit_test(a_wrong_pattern_says_where_and_why),
        cmocka_unit_test(a_pattern_that_takes_too_long_hits_its_limit),
        cmocka_unit_test(a_search_in_slices_finds_what_one_search_finds),
        cmocka_unit_test(patience_is_asked_once_a_window_and_not_of_what_is_tried_only_once),
        cmocka_unit_test(values_of_macros_are_text_but_their_bars_are_alternatives),
    };
    return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
