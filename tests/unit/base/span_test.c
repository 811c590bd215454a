/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/span.h"

#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/base/suites.h"

static const struct span none = {NULL, 0};

TEST(an_empty_span_equals_an_empty_span_wherever_it_points)
{
    check(span_is(none, SPAN("")));
    check(span_is_nocase(none, SPAN("")));
    check(!span_is(none, SPAN("a")));
    check_number(span_compare(none, SPAN("")), 0);
}

TEST(case_is_folded_for_ascii_letters_only)
{
    check(span_is_nocase(SPAN("Content-Type"), SPAN("cONTENT-tYPE")));
    check(!span_is_nocase(SPAN("a@"), SPAN("a`")));
    check(!span_is_nocase(SPAN("\xc4"), SPAN("\xe4")));
    check(!span_is_nocase(SPAN("abc"), SPAN("abcd")));
}

TEST(spans_are_ordered_by_bytes_then_by_length)
{
    check(span_compare(SPAN("a"), SPAN("b")) < 0);
    check(span_compare(SPAN("ab"), SPAN("a")) > 0);
    check(span_compare(SPAN("a\xff"), SPAN("a\x01")) > 0);
    check_number(span_compare(SPAN("a\0b"), SPAN("a\0b")), 0);
}

TEST(a_span_starts_and_ends_with_what_it_should)
{
    check(span_starts(SPAN("/admin/x"), SPAN("/admin")));
    check(!span_starts(SPAN("/ad"), SPAN("/admin")));
    check(span_starts_nocase(SPAN("BEARER x"), SPAN("bearer ")));
    check(span_ends(SPAN("a.php"), SPAN(".php")));
    check(!span_ends(SPAN("php"), SPAN(".php")));
    check(span_ends_nocase(SPAN("a.PHP"), SPAN(".php")));
    check(span_starts(none, none) && span_ends(none, none));
    check(span_starts(SPAN("a"), none) && span_ends(SPAN("a"), none));
}

TEST(bytes_are_found_from_both_ends)
{
    check_number(span_find_byte(SPAN("a.b.c"), '.'), 1);
    check_number(span_find_last_byte(SPAN("a.b.c"), '.'), 3);
    check(span_find_byte(SPAN("abc"), '.') == SPAN_NONE);
    check(span_find_byte(none, 'a') == SPAN_NONE);
    check(span_find_last_byte(none, 'a') == SPAN_NONE);
    check_number(span_find_byte(SPAN("a\0b"), '\0'), 1);
}

TEST(text_is_found_where_it_first_stands)
{
    check_number(span_find(SPAN("abcabc"), SPAN("bc")), 1);
    check_number(span_find(SPAN("aab"), SPAN("ab")), 1);
    check(span_find(SPAN("ab"), SPAN("abc")) == SPAN_NONE);
    check_number(span_find(none, none), 0);
    check_number(span_find_nocase(SPAN("x<SCRIPT"), SPAN("<script")), 1);
    check_number(span_find_nocase(SPAN("abcABD"), SPAN("abd")), 3);
    check(span_find_nocase(SPAN("ab"), SPAN("abc")) == SPAN_NONE);
    check_number(span_find_nocase(none, none), 0);
}

/* Against comparing at every place: words of two letters, which repeat themselves. */
TEST(text_in_any_case_is_found_as_by_comparing_everywhere)
{
    uint32_t dice = 1;
    for (uint32_t round = 0; round < 20000; round++) {
        char text[96], what[48];
        size_t text_len = 16 + round % 80, what_len = 16 + round % 7, expected = SPAN_NONE;
        for (size_t i = 0; i < text_len; i++)
            text[i] = "abABaaaa"[(dice = dice * 1664525 + 1013904223) >> 29];
        size_t from = (dice >> 8) % text_len;
        for (size_t i = 0; i < what_len; i++) {
            size_t at = round % 3 == 0 ? i % (2 + round % 5) : from + i;
            what[i] = text[at % text_len];
        }
        struct span s = span_make(text, text_len), word = span_make(what, what_len);
        for (size_t at = 0; at + what_len <= text_len && expected == SPAN_NONE; at++)
            if (span_is_nocase(span_make(text + at, what_len), word))
                expected = at;
        check(span_find_nocase(s, word) == expected);
    }
}

/* A search that compares everywhere makes 4,000,000,000,000 steps of this. */
TEST(a_long_text_that_almost_repeats_itself_is_searched_in_linear_time)
{
    enum { LONG = 4 * 1024 * 1024 };
    char *text = must_alloc(LONG), *what = must_alloc(LONG / 4);
    memset(text, 'a', LONG);
    memset(what, 'A', LONG / 4);
    what[LONG / 4 - 1] = 'b';
    check(span_find_nocase(span_make(text, LONG), span_make(what, LONG / 4)) == SPAN_NONE);
    what[LONG / 4 - 1] = 'a';
    what[0] = 'b';
    check(span_find_nocase(span_make(text, LONG), span_make(what, LONG / 4)) == SPAN_NONE);
    text[LONG / 2] = 'B';
    check_number(span_find_nocase(span_make(text, LONG), span_make(what, LONG / 4)), LONG / 2);
    free(text);
    free(what);
}

TEST(a_part_of_a_span_never_leaves_it)
{
    check_span(span_from(SPAN("abc"), 1), "bc");
    check_span(span_from(SPAN("abc"), 3), "");
    check_span(span_from(SPAN("abc"), 99), "");
    check_span(span_first(SPAN("abc"), 2), "ab");
    check_span(span_first(SPAN("abc"), 99), "abc");
}

TEST(trimming_takes_only_the_given_bytes_at_the_ends)
{
    check_span(span_trim(SPAN("\"a b\""), "\""), "a b");
    check_span(span_trim(SPAN("xxx"), "x"), "");
    check_span(span_trim_ows(SPAN(" \t a b\t ")), "a b");
    check_span(span_trim_ows(SPAN("\r\na")), "\r\na");
    check_span(span_trim_ows(SPAN("  ")), "");
    check_span(span_trim_ows(none), "");
}

TEST(cutting_gives_every_piece_and_then_says_that_it_is_over)
{
    struct span rest = SPAN("a,,b");
    check_span(span_cut(&rest, ','), "a");
    check_span(span_cut(&rest, ','), "");
    check_span(span_cut(&rest, ','), "b");
    check(rest.at == NULL && rest.len == 0);
    rest = SPAN("a,");
    check_span(span_cut(&rest, ','), "a");
    check(rest.at != NULL);
    check_span(span_cut(&rest, ','), "");
    check(rest.at == NULL);
}

TEST(a_hexadecimal_digit_has_its_value)
{
    check_number(byte_hex('0'), 0);
    check_number(byte_hex('9'), 9);
    check_number(byte_hex('a'), 10);
    check_number(byte_hex('F'), 15);
    check_number(byte_hex('g'), -1);
    check_number(byte_hex('\xff'), -1);
}

TEST(a_text_of_ones_own_is_terminated_and_never_null)
{
    char *copy = span_own(span_first(SPAN("abcdef"), 3)), *empty = span_own(span_make(NULL, 0));
    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    free(copy);
    free(empty);
}

int span_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_of_ones_own_is_terminated_and_never_null),
        cmocka_unit_test(an_empty_span_equals_an_empty_span_wherever_it_points),
        cmocka_unit_test(case_is_folded_for_ascii_letters_only),
        cmocka_unit_test(spans_are_ordered_by_bytes_then_by_length),
        cmocka_unit_test(a_span_starts_and_ends_with_what_it_should),
        cmocka_unit_test(bytes_are_found_from_both_ends),
        cmocka_unit_test(text_is_found_where_it_first_stands),
        cmocka_unit_test(text_in_any_case_is_found_as_by_comparing_everywhere),
        cmocka_unit_test(a_long_text_that_almost_repeats_itself_is_searched_in_linear_time),
        cmocka_unit_test(a_part_of_a_span_never_leaves_it),
        cmocka_unit_test(trimming_takes_only_the_given_bytes_at_the_ends),
        cmocka_unit_test(cutting_gives_every_piece_and_then_says_that_it_is_over),
        cmocka_unit_test(a_hexadecimal_digit_has_its_value),
    };
    return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
