/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies: the grammar, the limits, and any way to cut them. */
#include "sidecar/wire/h1.h"
#include "tests/check.h"
#include "tests/unit/wire/suites.h"

struct body {
    enum h1_chunk end;
    size_t used;
    struct buf data;
    struct fields trailers;
    struct arena *arena;
};

/* Hands the decoder at most `step` new bytes at a time, and again what it left. */
static struct body decode(struct span bytes, size_t step)
{
    struct body body = {.end = H1_CHUNK_MORE, .arena = arena_new(NULL, 65536)};
    struct h1_chunked chunked;
    buf_init(&body.data, 65536);
    h1_chunked_init(&chunked);
    size_t here = 0;
    for (;;) {
        struct span data;
        size_t used;
        body.end = h1_chunked_next(&chunked, span_make(bytes.at + body.used, here - body.used),
                                   &used, &data, &body.trailers, body.arena);
        body.used += used;
        buf_add(&body.data, data);
        if (body.end == H1_CHUNK_DATA)
            continue;
        if (body.end != H1_CHUNK_MORE || here == bytes.len)
            return body;
        here = bytes.len - here > step ? here + step : bytes.len;
    }
}

static void body_end(struct body *body)
{
    buf_fini(&body->data);
    arena_free(body->arena);
}

TEST(chunks_are_joined_however_they_are_cut)
{
    struct span bytes =
        SPAN("5\r\nhello\r\n007;a;b=c;d=\"e \\\" f\"\r\n, world\r\nA\r\n0123456789\r\n"
             "0;x=y\r\nVary: *\r\nContent-Length: 5\r\nX-Sum:  1 \r\n\r\nNEXT");
    for (size_t step = 1; step <= bytes.len; step++) {
        struct body body = decode(bytes, step);
        check_number(body.end, H1_CHUNK_END);
        check_number(body.used, bytes.len - 4);
        check_span(buf_span(&body.data), "hello, world0123456789");
        check_number(body.trailers.count, 2);
        check_span(fields_get(&body.trailers, SPAN("vary")), "*");
        check_span(fields_get(&body.trailers, SPAN("x-sum")), "1");
        body_end(&body);
    }
}

TEST(a_body_that_ends_early_is_not_whole)
{
    struct span bytes = SPAN("3\r\nabc\r\n0\r\nA: b\r\n\r\n");
    for (size_t len = 0; len < bytes.len; len++) {
        struct body body = decode(span_first(bytes, len), len + 1);
        check_number(body.end, H1_CHUNK_MORE);
        body_end(&body);
    }
}

TEST(after_the_end_nothing_is_taken)
{
    struct h1_chunked chunked;
    struct span data;
    size_t used;
    h1_chunked_init(&chunked);
    check_number(h1_chunked_next(&chunked, SPAN("0\r\n\r\nGET"), &used, &data, NULL, NULL),
                 H1_CHUNK_END);
    check_number(used, 5);
    check_number(h1_chunked_next(&chunked, SPAN("GET"), &used, &data, NULL, NULL), H1_CHUNK_END);
    check_number(used, 0);
}

TEST(bodies_against_the_grammar_are_broken)
{
    static const struct span bad[] = {
        SPAN_INIT("\r\n"),
        SPAN_INIT("x"),
        SPAN_INIT("0x5\r\nhello\r\n"),
        SPAN_INIT("+5\r\n"),
        SPAN_INIT("-5\r\n"),
        SPAN_INIT("5_0\r\n"),
        SPAN_INIT(" 5\r\n"),
        SPAN_INIT("5 \r\n"),
        SPAN_INIT("5\t\r\n"),
        SPAN_INIT("5\n"),
        SPAN_INIT("5\rX"),
        SPAN_INIT("5\r\r\n"),
        SPAN_INIT("8000000000000000\r\n"),
        SPAN_INIT("10000000000000000\r\n"),
        SPAN_INIT("00000000000000001\r\n"),
        SPAN_INIT("5;\r\n"),
        SPAN_INIT("5;a=\r\n"),
        SPAN_INIT("5;a\n"),
        SPAN_INIT("5;a\rb\r\n"),
        SPAN_INIT("5; a\r\n"),
        SPAN_INIT("5;a =b\r\n"),
        SPAN_INIT("5;a= b\r\n"),
        SPAN_INIT("5;=b\r\n"),
        SPAN_INIT("5;;\r\n"),
        SPAN_INIT("5;a=\"b\r\n"),
        SPAN_INIT("5;a=\"b\"c\r\n"),
        SPAN_INIT("5;a=\"\\\r\n"),
        SPAN_INIT("5;a=\"\x01\"\r\n"),
        SPAN_INIT("5;a\0\r\n"),
        SPAN_INIT("3\r\nabcd"),
        SPAN_INIT("3\r\nabc\n"),
        SPAN_INIT("3\r\nabc\rX"),
        SPAN_INIT("3\r\nabc\r\n\r\n"),
        SPAN_INIT("0\r\nA\r\n"),
        SPAN_INIT("0\r\nA : b\r\n"),
        SPAN_INIT("0\r\n\n"),
        SPAN_INIT("0\r\nA: b\n"),
        SPAN_INIT("0\r\n b\r\n"),
        SPAN_INIT("0\r\nA: \rb\r\n"),
        SPAN_INIT("0\r\nA: \x01\r\n"),
        SPAN_INIT("0\r\n\r\r\n"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t step = 1; step <= bad[i].len; step += bad[i].len) {
            struct body body = decode(bad[i], step);
            if (body.end != H1_CHUNK_BROKEN)
                print_error("taken: %s\n", bad[i].at);
            check_number(body.end, H1_CHUNK_BROKEN);
            body_end(&body);
        }
}

TEST(the_largest_size_is_2_to_63_less_one)
{
    struct h1_chunked chunked;
    struct span data;
    size_t used;
    h1_chunked_init(&chunked);
    check_number(
        h1_chunked_next(&chunked, SPAN("7fffffffffffffff\r\nab"), &used, &data, NULL, NULL),
        H1_CHUNK_DATA);
    check_span(data, "ab");
    check(chunked.left == (uint64_t)INT64_MAX - 2);
}

TEST(extensions_are_bounded_over_the_whole_body)
{
    struct buf text;
    buf_init(&text, 65536);
    for (int i = 0; i < 409; i++)
        buf_add(&text, SPAN("1;extension\r\na\r\n")); /* ten bytes each */
    struct body body = decode(buf_span(&text), 1000);
    check_number(body.end, H1_CHUNK_MORE);
    body_end(&body);
    buf_add(&text, SPAN("1;extension\r\na\r\n"));
    body = decode(buf_span(&text), 1000);
    check_number(body.end, H1_CHUNK_BROKEN);
    body_end(&body);
    buf_fini(&text);
}

TEST(trailers_are_bounded)
{
    struct buf text;
    buf_init(&text, 65536);
    buf_add(&text, SPAN("0\r\n"));
    for (int i = 0; i < 820; i++)
        buf_add(&text, SPAN("A: bcdef\r\n"));
    struct body body = decode(buf_span(&text), 1000);
    check_number(body.end, H1_CHUNK_BROKEN);
    body_end(&body);
    buf_clear(&text);
    buf_add(&text, SPAN("0\r\nA: "));
    for (int i = 0; i < 9000; i++)
        buf_add_byte(&text, 'a');
    body = decode(buf_span(&text), 1000);
    check_number(body.end, H1_CHUNK_BROKEN);
    body_end(&body);
    buf_fini(&text);
}

int h1_chunked_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_joined_however_they_are_cut),
        cmocka_unit_test(a_body_that_ends_early_is_not_whole),
        cmocka_unit_test(after_the_end_nothing_is_taken),
        cmocka_unit_test(bodies_against_the_grammar_are_broken),
        cmocka_unit_test(the_largest_size_is_2_to_63_less_one),
        cmocka_unit_test(extensions_are_bounded_over_the_whole_body),
        cmocka_unit_test(trailers_are_bounded),
    };
    return cmocka_run_group_tests_name("h1_chunked", tests, NULL, NULL);
}
