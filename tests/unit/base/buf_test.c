/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/buf.h"

#include "tests/check.h"
#include "tests/unit/base/suites.h"

TEST(a_buf_grows_with_what_is_added)
{
    struct buf buf;
    buf_init(&buf, 4096);
    check(buf_add(&buf, SPAN("")));
    check(buf.at == NULL);
    for (int i = 0; i < 300; i++)
        check(buf_add(&buf, SPAN("0123456789")));
    check_number(buf.len, 3000);
    check(buf_add_byte(&buf, 'x'));
    check(buf_add_number(&buf, -42));
    check(buf_format(&buf, "<%s>", "y"));
    check_span(span_from(buf_span(&buf), 2998), "89x-42<y>");
    buf_fini(&buf);
}

TEST(a_buf_is_full_at_its_ceiling_and_not_before)
{
    struct buf buf;
    buf_init(&buf, 5);
    check(buf_add(&buf, SPAN("abc")));
    check(buf_format(&buf, "%d", 12));
    check_span(buf_span(&buf), "abc12");
    check(!buf_is_full(&buf));
    check(!buf_add_byte(&buf, 'x'));
    check(buf_is_full(&buf));
    check_span(buf_span(&buf), "abc12");
    buf_clear(&buf);
    check(!buf_is_full(&buf) && buf.len == 0);
    check(buf_add(&buf, SPAN("vwxyz")));
    buf_fini(&buf);
}

TEST(what_does_not_fit_is_not_added_at_all_nor_is_anything_after_it)
{
    struct buf buf;
    buf_init(&buf, 4);
    check(buf_add(&buf, SPAN("ab")));
    check(!buf_add(&buf, SPAN("cde")));
    check(!buf_add(&buf, SPAN("c")));
    check(!buf_add(&buf, SPAN("")));
    check(!buf_format(&buf, "c"));
    check_span(buf_span(&buf), "ab");
    buf_fini(&buf);
}

TEST(room_is_counted_only_when_it_was_used)
{
    struct buf buf;
    buf_init(&buf, 1000);
    char *room = buf_room(&buf, 500);
    check(room != NULL && buf.len == 0);
    memcpy(room, "abc", 3);
    buf_grew(&buf, 3);
    check_span(buf_span(&buf), "abc");
    check(buf_room(&buf, 998) == NULL);
    check(buf_is_full(&buf));
    buf_fini(&buf);
}

TEST(dropping_moves_the_rest_to_the_front)
{
    struct buf buf;
    buf_init(&buf, 100);
    buf_add(&buf, SPAN("abcdef"));
    buf_drop(&buf, 2);
    check_span(buf_span(&buf), "cdef");
    buf_drop(&buf, 4);
    check_number(buf.len, 0);
    buf_drop(&buf, 0);
    buf_fini(&buf);
}

TEST(the_growth_that_a_test_refuses_makes_the_buf_full)
{
    struct buf buf;
    buf_init(&buf, 10000);
    buf_fail_nth(2);
    check(buf_add_byte(&buf, 'x'));
    char text[1000] = {0};
    check(!buf_add(&buf, span_make(text, sizeof text)));
    check(buf_is_full(&buf));
    check_span(buf_span(&buf), "x");
    buf_fail_nth(0);
    buf_clear(&buf);
    check(buf_add(&buf, span_make(text, sizeof text)));
    buf_fini(&buf);
}

TEST(text_of_ones_own_can_be_wiped)
{
    char own[] = "s3cret";
    span_wipe(span_make(own, 4));
    assert_memory_equal(own, "\0\0\0\0et", 6);
    span_wipe(span_make(NULL, 0));
}

int buf_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buf_grows_with_what_is_added),
        cmocka_unit_test(a_buf_is_full_at_its_ceiling_and_not_before),
        cmocka_unit_test(what_does_not_fit_is_not_added_at_all_nor_is_anything_after_it),
        cmocka_unit_test(room_is_counted_only_when_it_was_used),
        cmocka_unit_test(dropping_moves_the_rest_to_the_front),
        cmocka_unit_test(the_growth_that_a_test_refuses_makes_the_buf_full),
        cmocka_unit_test(text_of_ones_own_can_be_wiped),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
