/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of answers: which are passed on, and where their bodies end. */
#include "sidecar/wire/h1.h"
#include "tests/check.h"
#include "tests/unit/wire/suites.h"

static const struct h1_limits limits = {.head_bytes = 256, .field_count = 4};

struct answer {
    enum h1_parse parse;
    struct answer_head head;
    size_t used;
    bool close;
};

/* Parsed whole and byte by byte: both come to the same. */
static struct answer read_answer(struct span bytes, const char *method)
{
    struct arena *arena = arena_new(NULL, 65536);
    struct answer whole, steps = {.parse = H1_MORE};
    size_t seen = 0;
    for (size_t len = 0; len <= bytes.len && steps.parse == H1_MORE; len++)
        steps.parse = h1_parse_answer(span_first(bytes, len), &seen, &limits, span_text(method),
                                      arena, &steps.head, &steps.used, &steps.close);
    seen = 0;
    whole.parse = h1_parse_answer(bytes, &seen, &limits, span_text(method), arena, &whole.head,
                                  &whole.used, &whole.close);
    check_number(whole.parse, steps.parse);
    check_number(whole.used, steps.used);
    check_number(whole.close, steps.close);
    check_number(whole.head.body_length, steps.head.body_length);
    whole.head.fields.at = NULL; /* not looked at behind the arena's end */
    arena_free(arena);
    return whole;
}

TEST(a_status_line_is_taken_apart)
{
    struct answer a =
        read_answer(SPAN("HTTP/1.1 404 Not Found here\r\nContent-Length: 3\r\n\r\nabc"), "GET");
    check_number(a.parse, H1_READY);
    check_number(a.head.status, 404);
    check_span(a.head.reason, "Not Found here");
    check_span(a.head.protocol, "HTTP/1.1");
    check_number(a.head.body_length, 3);
    check_number(a.used, 50);
    check(!a.close);
}

TEST(a_phrase_may_be_missing)
{
    check_number(read_answer(SPAN("HTTP/1.1 200\r\n\r\n"), "GET").parse, H1_READY);
    check_number(read_answer(SPAN("HTTP/1.1 200 \r\n\r\n"), "GET").parse, H1_READY);
}

TEST(what_is_no_answer_is_broken)
{
    static const char *const bad[] = {
        "HTTP/0.9 200 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1\t200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000\r\n\r\n",
        "HTTP/1.1 099 A\r\n\r\n",
        "HTTP/1.1 600 A\r\n\r\n",
        "HTTP/1.1 2x0 A\r\n\r\n",
        "HTTP/1.1 200\tOK\r\n\r\n",
        "HTTP/1.1 200 O\aK\r\n\r\n",
        "HTTP/1.1 200 OK\rX: 1\r\n\r\n",
        "HTTP/1.1 200 OK\n\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "<html>",
        "HTTP/1.1 200 OK\r\n X: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: 1\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \x01\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct answer a = read_answer(span_text(bad[i]), "GET");
        if (a.parse != H1_BROKEN)
            print_error("taken: %s\n", bad[i]);
        check_number(a.parse, H1_BROKEN);
        check(a.close);
    }
}

TEST(a_head_larger_than_the_limit_is_broken)
{
    static char text[300] = "HTTP/1.1 200 OK\r\nX: ";
    memset(text + 20, 'a', sizeof text - 20);
    check_number(read_answer(span_make(text, 255), "GET").parse, H1_MORE);
    check_number(read_answer(span_make(text, 256), "GET").parse, H1_BROKEN);
}

TEST(bodies_end_where_rfc_9112_6_3_says)
{
    static const struct {
        const char *text, *method;
        int64_t length;
        bool close;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", 5, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", 0, false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", BODY_UNKNOWN, false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD", 0, false},
        {"HTTP/1.1 200 OK\r\n\r\n", "GET", BODY_UNKNOWN, true},
        {"HTTP/1.1 200 OK\r\n\r\n", "HEAD", 0, false},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET", 0, false},
        {"HTTP/1.1 204 No Content\r\n\r\n", "GET", 0, false},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "GET", 0, false},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "GET", 0, true},
        {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", 0, true},
        {"HTTP/1.1 100 Continue\r\n\r\n", "PUT", 0, false},
        {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "GET", 0, false},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "GET", 0, true},
        {"HTTP/1.1 200 OK\r\n\r\n", "CONNECT", 0, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", "GET", 5, true},
        {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", 5, true},
        {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", "GET", 5, false},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", "GET", BODY_UNKNOWN, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer a = read_answer(span_text(rows[i].text), rows[i].method);
        if (a.head.body_length != rows[i].length || a.close != rows[i].close)
            print_error("%s for %s\n", rows[i].text, rows[i].method);
        check_number(a.parse, H1_READY);
        check_number(a.head.body_length, rows[i].length);
        check_number(a.close, rows[i].close);
    }
}

int h1_answer_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_line_is_taken_apart),
        cmocka_unit_test(a_phrase_may_be_missing),
        cmocka_unit_test(what_is_no_answer_is_broken),
        cmocka_unit_test(a_head_larger_than_the_limit_is_broken),
        cmocka_unit_test(bodies_end_where_rfc_9112_6_3_says),
    };
    return cmocka_run_group_tests_name("h1_answer", tests, NULL, NULL);
}
