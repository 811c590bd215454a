/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"
#include "tests/unit/body/story.h"
#include "tests/unit/body/suites.h"

#define FORM(literal) (&(struct input){.kind = BODY_URLENCODED, .text = SPAN_INIT(literal)})

TEST(pairs_are_cut_and_decoded)
{
    check_story(FORM("a=1&b=x%20y+z&c=%e2%82%ac"), "arg a=1\narg b=x y z\narg c=\xe2\x82\xac\n");
    check_story(FORM("%61%3d=%26"), "arg a==&\n");
}

TEST(only_the_first_equals_sign_cuts)
{
    check_story(FORM("a=b=c&=d&e&f="), "arg a=b=c\narg =d\narg e=\narg f=\n");
}

TEST(empty_pieces_are_skipped)
{
    check_story(FORM("&&a=1&&"), "arg a=1\n");
    check_story(FORM("&"), "");
    check_story(FORM(""), "");
}

TEST(a_broken_escape_stays_as_it_is_and_is_reported)
{
    check_story(FORM("a=100%&b=%2"), "arg a=100%\narg b=%2\nflag urlencoded_error\n");
    check_story(FORM("a=%zz%41"), "arg a=%zzA\nflag urlencoded_error\n");
    check_story(FORM("a%=1"), "arg a%=1\nflag urlencoded_error\n");
    check_story(FORM("a=%%41"), "arg a=%A\nflag urlencoded_error\n");
    check_story(FORM("a=%2&b=%4"), "arg a=%2\narg b=%4\nflag urlencoded_error\n");
}

TEST(a_nul_byte_is_a_byte_like_any_other)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    size_t count;
    bool broken;
    struct pair *pairs = urlencoded_parse(SPAN("a=x%00y"), '&', 10, arena, &count, &broken);
    check_number(count, 1);
    check(span_is(pairs[0].value, SPAN("x\0y")));
    check(!broken);
    arena_free(arena);
}

TEST(arguments_beyond_the_limit_are_counted_out)
{
    struct input input = {.kind = BODY_URLENCODED,
                          .text = SPAN_INIT("a=1&b=2&c=3"),
                          .limits = {.arguments = 2, .separator = '&'}};
    check_story(&input, "arg a=1\narg b=2\nflag too_many_arguments\n");
    input.limits.arguments = 3;
    check_story(&input, "arg a=1\narg b=2\narg c=3\n");
}

TEST(the_separator_can_be_another)
{
    struct input input = {.kind = BODY_URLENCODED,
                          .text = SPAN_INIT("a=1&x;b=2"),
                          .limits = {.arguments = 9, .separator = ';'}};
    check_story(&input, "arg a=1&x\narg b=2\n");
}

TEST(a_body_that_was_cut_is_read_as_far_as_it_goes)
{
    struct input input = {.kind = BODY_URLENCODED, .text = SPAN_INIT("a=1&b=2%4"), .cut = true};
    check_story(&input, "arg a=1\narg b=2%4\nflag urlencoded_error\n");
}

TEST(a_query_is_parsed_into_its_arena)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    size_t count = 7;
    bool broken = true;
    char query[] = "a=1&&b=%";
    struct pair *pairs = urlencoded_parse(span_text(query), '&', 10, arena, &count, &broken);
    memset(query, '?', sizeof query - 1); /* nothing points into the text that was given */
    check_number(count, 2);
    check(broken);
    check_span(pairs[0].name, "a");
    check_span(pairs[0].value, "1");
    check_span(pairs[1].name, "b");
    check_span(pairs[1].value, "%");
    urlencoded_parse(SPAN("a&b&c"), '&', 2, arena, &count, &broken);
    check_number(count, 2);
    urlencoded_parse((struct span){NULL, 0}, '&', 2, arena, &count, &broken);
    check_number(count, 0);
    arena_text(arena, 1 << 20);
    check(urlencoded_parse(SPAN("a"), '&', 2, arena, &count, &broken) == NULL);
    check_number(count, 0);
    arena_free(arena);
}

int urlencoded_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_cut_and_decoded),
        cmocka_unit_test(only_the_first_equals_sign_cuts),
        cmocka_unit_test(empty_pieces_are_skipped),
        cmocka_unit_test(a_broken_escape_stays_as_it_is_and_is_reported),
        cmocka_unit_test(a_nul_byte_is_a_byte_like_any_other),
        cmocka_unit_test(arguments_beyond_the_limit_are_counted_out),
        cmocka_unit_test(the_separator_can_be_another),
        cmocka_unit_test(a_body_that_was_cut_is_read_as_far_as_it_goes),
        cmocka_unit_test(a_query_is_parsed_into_its_arena),
    };
    return cmocka_run_group_tests_name("urlencoded", tests, NULL, NULL);
}
