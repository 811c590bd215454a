/* SPDX-License-Identifier: Apache-2.0 */
/* Heads as text: what a head holds, and never a second head. */
#include "sidecar/wire/h1.h"
#include "tests/check.h"
#include "tests/unit/wire/suites.h"

TEST(a_request_is_written_as_it_is)
{
    struct pair pairs[] = {{SPAN("Host"), SPAN("a")}, {SPAN("X-Empty"), SPAN("")}};
    struct request_head head = {.method = SPAN("GET"),
                                .target = SPAN("/caf\xc3\xa9?q"),
                                .fields = {.at = pairs, .count = 2, .size = 2}};
    struct buf to;
    buf_init(&to, 1024);
    h1_write_request(&to, &head);
    check_span(buf_span(&to), "GET /caf\xc3\xa9?q HTTP/1.1\r\nHost: a\r\nX-Empty: \r\n\r\n");
    buf_fini(&to);
}

TEST(an_answer_gets_the_standard_phrase_where_it_has_none)
{
    struct answer_head head = {.status = 404};
    struct buf to;
    buf_init(&to, 1024);
    h1_write_answer(&to, &head);
    check_span(buf_span(&to), "HTTP/1.1 404 Not Found\r\n\r\n");
    buf_clear(&to);
    head = (struct answer_head){.status = 299, .reason = SPAN("Fine by me")};
    h1_write_answer(&to, &head);
    check_span(buf_span(&to), "HTTP/1.1 299 Fine by me\r\n\r\n");
    buf_clear(&to);
    head = (struct answer_head){.status = 298};
    h1_write_answer(&to, &head);
    check_span(buf_span(&to), "HTTP/1.1 298 \r\n\r\n");
    buf_fini(&to);
}

TEST(no_value_makes_a_second_line)
{
    struct pair pairs[] = {
        {SPAN("Location"), SPAN("/a\r\nSet-Cookie: b=c\r\n\r\n<html>")},
        {SPAN("X\r\nY"), SPAN("left out")},
        {SPAN(""), SPAN("left out")},
        {SPAN("Nul"), SPAN("1234567\0\0abc\x7f")},
    };
    struct answer_head head = {.status = 302,
                               .reason = SPAN("Found\r\nX: 1"),
                               .fields = {.at = pairs, .count = 4, .size = 4}};
    struct buf to;
    buf_init(&to, 1024);
    h1_write_answer(&to, &head);
    check_span(buf_span(&to), "HTTP/1.1 302 Found  X: 1\r\n"
                              "Location: /a  Set-Cookie: b=c    <html>\r\n"
                              "Nul: 1234567  abc \r\n\r\n");
    buf_clear(&to);
    struct request_head request = {.method = SPAN("GE T"), .target = SPAN("/ HTTP/1.1\r\nX: 1")};
    h1_write_request(&to, &request);
    check_span(buf_span(&to), "GE_T /_HTTP/1.1__X:_1 HTTP/1.1\r\n\r\n");
    buf_fini(&to);
}

TEST(a_head_that_does_not_fit_marks_the_buffer_full)
{
    struct answer_head head = {.status = 200};
    struct buf to;
    buf_init(&to, 8);
    h1_write_answer(&to, &head);
    check(buf_is_full(&to));
    check_number(to.len, 0);
    buf_fini(&to);
}

int h1_write_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_written_as_it_is),
        cmocka_unit_test(an_answer_gets_the_standard_phrase_where_it_has_none),
        cmocka_unit_test(no_value_makes_a_second_line),
        cmocka_unit_test(a_head_that_does_not_fit_marks_the_buffer_full),
    };
    return cmocka_run_group_tests_name("h1_write", tests, NULL, NULL);
}
