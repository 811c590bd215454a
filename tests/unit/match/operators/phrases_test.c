/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/match/phrases.h"

#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/match/operators/suites.h"

static struct span find(const struct span *list, size_t count, const char *text)
{
    struct phrases *phrases = phrases_new(list, count);
    struct span found = {NULL, 0};

    if (!phrases_find(phrases, span_text(text), &found))
        found = (struct span){NULL, 0};
    phrases_free(phrases);
    return found;
}

TEST(no_phrase_is_in_no_text)
{
    check(find(NULL, 0, "anything").at == NULL);
}

TEST(the_first_phrase_to_end_is_found)
{
    const struct span list[] = {SPAN("hers"), SPAN("he"), SPAN("she"), SPAN("his")};

    check_span(find(list, 4, "ushers"), "she"); /* the longest of those that end there */
    check_span(find(list, 4, "xhis"), "his");
    check(find(list, 4, "hrs").at == NULL);
}

TEST(a_phrase_inside_of_one_that_fails_is_found)
{
    const struct span list[] = {SPAN("abcd"), SPAN("bc"), SPAN("cx")};

    check_span(find(list, 3, "abce"), "bc");
    check_span(find(list, 3, "abx cx"), "cx");
}

TEST(case_does_not_matter_on_either_side)
{
    const struct span list[] = {SPAN("SeLeCt")};
    const struct span other[] = {SPAN("\xc4x[")};

    check_span(find(list, 1, "a sElEcT"), "sElEcT");
    check(find(other, 1, "\xe4x[").at == NULL); /* beyond ASCII it does */
    check(find(other, 1, "\xc4x{").at == NULL); /* [ and { differ by the same bit as letters */
}

TEST(equal_and_empty_phrases_do_no_harm)
{
    const struct span list[] = {SPAN("ab"), SPAN(""), SPAN("AB"), SPAN("a")};

    check_span(find(list, 4, "xxab"), "a");
}

TEST(any_byte_may_stand_in_a_phrase)
{
    const struct span list[] = {SPAN("a\0b"), SPAN("\xff\xfe")};
    struct phrases *phrases = phrases_new(list, 2);
    struct span found;

    check(phrases_find(phrases, SPAN("xa\0b"), &found) && found.len == 3);
    check(phrases_find(phrases, SPAN("\xff\xff\xfe"), &found) && found.len == 2);
    phrases_free(phrases);
}

/* Each text of two letters up to twelve long against a straightforward search: what is found ends
 * first of all, and is the longest that ends there. */
static void check_agrees(const struct span *list, size_t count)
{
    struct phrases *phrases = phrases_new(list, count);

    for (unsigned len = 0; len <= 12; len++)
        for (unsigned bits = 0; bits < 1U << len; bits++) {
            char text[12];
            struct span found = {NULL, 0};
            size_t end = SPAN_NONE, longest = 0;

            for (unsigned i = 0; i < len; i++)
                text[i] = (bits >> i & 1) != 0 ? 'b' : 'a';
            for (size_t i = 0; i < count; i++) {
                size_t at = span_find(span_make(text, len), list[i]);
                if (at == SPAN_NONE || at + list[i].len > end)
                    continue;
                longest = at + list[i].len < end || list[i].len > longest ? list[i].len : longest;
                end = at + list[i].len;
            }
            check(phrases_find(phrases, span_make(text, len), &found) == (end != SPAN_NONE));
            check(found.len == longest);
            check(found.len == 0 || found.at + found.len == text + end);
        }
    phrases_free(phrases);
}

TEST(the_automaton_agrees_with_looking_for_each)
{
    const struct span list[] = {SPAN("aab"), SPAN("abab"), SPAN("bb"), SPAN("babb"), SPAN("aaaa")};

    check_agrees(list, 5);
}

TEST(passing_over_places_where_none_begins_changes_nothing)
{
    const struct span list[] = {SPAN("aabb"), SPAN("ababa"), SPAN("bbbb"), SPAN("babab"),
                                SPAN("aaaaaab")};

    for (size_t count = 1; count <= 5; count++)
        check_agrees(list, count);
}

TEST(a_phrase_is_found_behind_any_number_of_bytes)
{
    const struct span list[] = {SPAN("eval"), SPAN("Exec"), SPAN("lua")};
    char text[64];

    for (size_t at = 0; at <= 59; at++) {
        memset(text, 'e', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        memcpy(text + at, "EVAL", 4);
        check_span(find(list, 3, text), "EVAL");
        memcpy(text + at, "EXEC", 4);
        check_span(find(list, 3, text), "EXEC");
    }
    check(find(list, 3, "evaexelu").at == NULL);
    check_span(find(list, 3, "evalua"), "eval");
    check_span(find(list, 3, "evlua"), "lua");
}

TEST(a_state_takes_little_memory)
{
    struct span list[1000];
    char text[1000][16];
    struct phrases *phrases;

    for (unsigned i = 0; i < 1000; i++) {
        int len = snprintf(text[i], sizeof(text[i]), "phrase %u", i);

        list[i] = span_make(text[i], (size_t)len);
    }
    phrases = phrases_new(list, 1000);
    check(phrases_bytes(phrases) < 24000);
    phrases_free(phrases);
}

int phrases_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_phrase_is_in_no_text),
        cmocka_unit_test(the_first_phrase_to_end_is_found),
        cmocka_unit_test(a_phrase_inside_of_one_that_fails_is_found),
        cmocka_unit_test(case_does_not_matter_on_either_side),
        cmocka_unit_test(equal_and_empty_phrases_do_no_harm),
        cmocka_unit_test(any_byte_may_stand_in_a_phrase),
        cmocka_unit_test(the_automaton_agrees_with_looking_for_each),
        cmocka_unit_test(passing_over_places_where_none_begins_changes_nothing),
        cmocka_unit_test(a_phrase_is_found_behind_any_number_of_bytes),
        cmocka_unit_test(a_state_takes_little_memory),
    };
    return cmocka_run_group_tests_name("phrases", tests, NULL, NULL);
}
