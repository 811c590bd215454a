/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests: what is taken, what is refused with which word. */
#include "tests/unit/wire/h1_reading.h"
#include "tests/unit/wire/suites.h"

TEST(a_head_is_taken_apart)
{
    struct reading r = read_request(SPAN("POST /a?b=c HTTP/1.1\r\nHost: example.com:8080\r\n"
                                         "Content-Length: 12\r\nX-Empty:\r\nX-Tab: \t a\tb \t\r\n"
                                         "\r\nbody"));
    check_number(r.parse, H1_READY);
    check_number(r.refusal.status, 0);
    check(!r.close);
    check_span(r.head.line, "POST /a?b=c HTTP/1.1");
    check_span(r.head.method, "POST");
    check_span(r.head.target, "/a?b=c");
    check_span(r.head.protocol, "HTTP/1.1");
    check_span(r.head.authority, "example.com:8080");
    check_number(r.head.version, HTTP_1_1);
    check_number(r.head.body_length, 12);
    check_number(r.head.fields.count, 4);
    check_span(fields_get(&r.head.fields, SPAN("x-empty")), "");
    check_span(fields_get(&r.head.fields, SPAN("x-tab")), "a\tb");
    check_number(r.used, sizeof "POST /a?b=c HTTP/1.1\r\nHost: example.com:8080\r\n"
                                "Content-Length: 12\r\nX-Empty:\r\nX-Tab: \t a\tb \t\r\n\r\n" -
                             1);
    reading_end(&r);
}

TEST(a_head_that_is_not_whole_waits)
{
    static const char *const beginnings[] = {
        "",
        "\r",
        "\r\n",
        "G",
        "GET / HTTP/1.1",
        "GET / HTTP/1.1\r",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r",
    };
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        struct reading r = read_request(span_text(beginnings[i]));
        check_number(r.parse, H1_MORE);
        reading_end(&r);
    }
}

TEST(empty_lines_before_a_request_are_skipped)
{
    struct reading r = read_request(SPAN("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    check_number(r.parse, H1_READY);
    check_span(r.head.line, "GET / HTTP/1.1");
    check_number(r.used, 31);
    reading_end(&r);
    r = read_request(SPAN("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    check_number(r.parse, H1_BROKEN);
    reading_end(&r);
}

TEST(values_may_hold_bytes_from_0x80_up_and_so_may_targets)
{
    struct reading r = read_request(SPAN("GET /caf\xc3\xa9?\xff HTTP/1.1\r\nHost: a\r\n"
                                         "X: \x80\xff eight bytes and more\r\n\r\n"));
    check_number(r.parse, H1_READY);
    check_span(r.head.target, "/caf\xc3\xa9?\xff");
    check_span(fields_get(&r.head.fields, SPAN("X")), "\x80\xff eight bytes and more");
    reading_end(&r);
}

TEST(names_with_underscores_stay_in_the_head)
{
    struct reading r = read_request(SPAN("GET / HTTP/1.1\r\nHost: a\r\nX_Y: 1\r\n\r\n"));
    check_span(fields_get(&r.head.fields, SPAN("x_y")), "1");
    reading_end(&r);
}

struct judged {
    const char *what;
    struct span bytes;
    enum h1_parse parse;
    unsigned status;
    const char *why;
};

static void check_judged(const struct judged *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct judged *row = &rows[i];
        struct reading r = read_request(row->bytes);
        if (r.parse != row->parse || r.refusal.status != row->status ||
            !span_is(span_text(r.refusal.why), span_text(row->why)))
            print_error("%s: parse %d status %u why %s\n", row->what, (int)r.parse,
                        r.refusal.status, r.refusal.why ? r.refusal.why : "-");
        check_number(r.parse, row->parse);
        check_number(r.refusal.status, row->status);
        check(span_is(span_text(r.refusal.why), span_text(row->why)));
        check(r.close || r.refusal.status == 0);
        reading_end(&r);
    }
}
#define check_all(rows) check_judged(rows, sizeof(rows) / sizeof *(rows))

#define WITH(lines)     SPAN_INIT("GET / HTTP/1.1\r\nHost: a\r\n" lines "\r\n\r\n")
#define LINE(line)      SPAN_INIT(line "\r\nHost: a\r\n\r\n")

TEST(request_lines_are_strict)
{
    static const struct judged rows[] = {
        {"no target", LINE("GET"), H1_BROKEN, 400, "bad_request_line"},
        {"no target, a space", LINE("GET "), H1_BROKEN, 400, "bad_request_line"},
        {"two spaces", LINE("GET  / HTTP/1.1"), H1_BROKEN, 400, "bad_request_line"},
        {"tab for space", LINE("GET\t/ HTTP/1.1"), H1_BROKEN, 400, "bad_request_line"},
        {"two spaces before the version", LINE("GET /  HTTP/1.1"), H1_BROKEN, 400, "bad_version"},
        {"space at the end", LINE("GET / HTTP/1.1 "), H1_BROKEN, 400, "bad_version"},
        {"space in the target", LINE("GET /a b HTTP/1.1"), H1_BROKEN, 400, "bad_version"},
        {"control byte in the target", LINE("GET /\x01 HTTP/1.1"), H1_BROKEN, 400, "bad_target"},
        {"tab in the target", LINE("GET /\t HTTP/1.1"), H1_BROKEN, 400, "bad_target"},
        {"NUL in the target", LINE("GET /\0 HTTP/1.1"), H1_BROKEN, 400, "bad_target"},
        {"DEL in the target", LINE("GET /\x7f HTTP/1.1"), H1_BROKEN, 400, "bad_target"},
        {"fragment", LINE("GET /#a HTTP/1.1"), H1_BROKEN, 400, "bad_target"},
        {"bare CR in the line", LINE("GET /\r HTTP/1.1"), H1_BROKEN, 400, "bad_target"},
        {"no slash", LINE("GET a HTTP/1.1"), H1_BROKEN, 400, "bad_target"},
        {"asterisk for GET", LINE("GET * HTTP/1.1"), H1_BROKEN, 400, "bad_target"},
        {"asterisk for OPTIONS", LINE("OPTIONS * HTTP/1.1"), H1_READY, 0, NULL},
        {"another scheme", LINE("GET ftp://a/ HTTP/1.1"), H1_BROKEN, 400, "bad_target"},
        {"user in the target", LINE("GET http://u@a/ HTTP/1.1"), H1_BROKEN, 400, "bad_target"},
        {"the target's host is Host", LINE("GET http://A:80/ HTTP/1.1"), H1_READY, 0, NULL},
        {"the target's host is another", LINE("GET http://b/ HTTP/1.1"), H1_READY, 400,
         "host_mismatch"},
        {"CONNECT", LINE("CONNECT a:443 HTTP/1.1"), H1_READY, 0, NULL},
        {"CONNECT without port", LINE("CONNECT a HTTP/1.1"), H1_BROKEN, 400, "bad_target"},
        {"lower-case method", LINE("get / HTTP/1.1"), H1_READY, 0, NULL},
        {"a method nobody knows", LINE("M-SEARCH|x / HTTP/1.1"), H1_READY, 0, NULL},
        {"method with a bracket", LINE("GE[T / HTTP/1.1"), H1_BROKEN, 400, "bad_request_line"},
        {"TLS on a plain port", SPAN_INIT("\x16\x03\x01"), H1_BROKEN, 400, "bad_request_line"},
        {"bare LF", SPAN_INIT("GET / HTTP/1.1\nHost: a\n\n"), H1_BROKEN, 400, "bare_line_feed"},
        {"LF at the start", SPAN_INIT("\nGET / HTTP/1.1\r\n"), H1_BROKEN, 400, "bare_line_feed"},
        {"CR at the start", SPAN_INIT("\rGET / HTTP/1.1\r\n"), H1_BROKEN, 400, "bad_request_line"},
        {"HTTP/2's preface", SPAN_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), H1_BROKEN, 400,
         "bad_target"},
    };
    check_all(rows);
}

TEST(versions_but_1_0_and_1_1_are_refused)
{
    static const struct judged rows[] = {
        {"1.0", LINE("GET / HTTP/1.0"), H1_READY, 0, NULL},
        {"1.2", LINE("GET / HTTP/1.2"), H1_READY, 505, "unsupported_version"},
        {"2.0", LINE("GET / HTTP/2.0"), H1_READY, 505, "unsupported_version"},
        {"2", LINE("GET / HTTP/2"), H1_READY, 505, "unsupported_version"},
        {"9.9", LINE("GET / HTTP/9.9"), H1_READY, 505, "unsupported_version"},
        {"0.9 said aloud", LINE("GET / HTTP/0.9"), H1_BROKEN, 400, "bad_version"},
        {"lower case", LINE("GET / http/1.1"), H1_BROKEN, 400, "bad_version"},
        {"two digits", LINE("GET / HTTP/1.10"), H1_BROKEN, 400, "bad_version"},
        {"comma", LINE("GET / HTTP/1,1"), H1_BROKEN, 400, "bad_version"},
        {"letters", LINE("GET / HTTP/1.x"), H1_BROKEN, 400, "bad_version"},
        {"no number", LINE("GET / HTTP/"), H1_BROKEN, 400, "bad_version"},
        {"another protocol", LINE("GET / RTSP/1.0"), H1_BROKEN, 400, "bad_version"},
    };
    check_all(rows);
}

TEST(a_line_without_version_is_closed_in_silence)
{
    static const char *const lines[] = {"GET /\r\n", "GET / \r\nHost: a\r\n\r\n",
                                        "hello world\r\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct reading r = read_request(span_text(lines[i]));
        check_number(r.parse, H1_BROKEN);
        check(r.refusal.silent && r.close);
        check_span(span_text(r.refusal.why), "no_version");
        check_span(r.head.protocol, "HTTP/0.9");
        check(r.head.method.len > 0 && r.head.target.len > 0);
        reading_end(&r);
    }
}

TEST(field_lines_are_strict)
{
    static const struct judged rows[] = {
        {"space before the colon", WITH("X : 1"), H1_BROKEN, 400, "bad_field_name"},
        {"tab before the colon", WITH("X\t: 1"), H1_BROKEN, 400, "bad_field_name"},
        {"space before the name", WITH(" X: 1"), H1_BROKEN, 400, "bad_field_name"},
        {"folded", WITH("X: 1\r\n 2"), H1_BROKEN, 400, "bad_field_name"},
        {"folded with a tab", WITH("X: 1\r\n\t2"), H1_BROKEN, 400, "bad_field_name"},
        {"no colon", WITH("X"), H1_BROKEN, 400, "bad_field_name"},
        {"no name", WITH(": 1"), H1_BROKEN, 400, "bad_field_name"},
        {"quoted name", WITH("\"X\": 1"), H1_BROKEN, 400, "bad_field_name"},
        {"8 bit in the name", WITH("X\xe9: 1"), H1_BROKEN, 400, "bad_field_name"},
        {"NUL in the name", WITH("X\0: 1"), H1_BROKEN, 400, "bad_field_name"},
        {"NUL in the value", WITH("X: 12345678\0"), H1_BROKEN, 400, "bad_field_value"},
        {"bell in the value", WITH("X: \a"), H1_BROKEN, 400, "bad_field_value"},
        {"escape in the value", WITH("X: 1\x1b[0m"), H1_BROKEN, 400, "bad_field_value"},
        {"DEL in the value", WITH("X: 1\x7f"), H1_BROKEN, 400, "bad_field_value"},
        {"vertical tab before it", WITH("X:\v1"), H1_BROKEN, 400, "bad_field_value"},
        {"bare CR in the value", WITH("X: 1\rY: 2"), H1_BROKEN, 400, "bad_field_value"},
        {"two CR", WITH("X: 1\r"), H1_BROKEN, 400, "bad_field_value"},
        {"bare LF in the value", WITH("X: 1\nY: 2"), H1_BROKEN, 400, "bare_line_feed"},
        {"bare CR for the empty line", WITH("\rX: 1"), H1_BROKEN, 400, "bad_field_name"},
    };
    check_all(rows);
}

TEST(one_host_and_a_good_one)
{
#define HOST(lines) SPAN_INIT("GET / HTTP/1.1\r\n" lines "\r\n")
    static const struct judged rows[] = {
        {"none", HOST(""), H1_READY, 400, "no_host"},
        {"none in 1.0", SPAN_INIT("GET / HTTP/1.0\r\n\r\n"), H1_READY, 0, NULL},
        {"empty in 1.0", SPAN_INIT("GET / HTTP/1.0\r\nHost:\r\n\r\n"), H1_READY, 0, NULL},
        {"empty", HOST("Host:\r\n"), H1_READY, 400, "bad_host"},
        {"two", HOST("Host: a\r\nHost: b\r\n"), H1_READY, 400, "many_hosts"},
        {"two equal", HOST("Host: a\r\nhost: a\r\n"), H1_READY, 400, "many_hosts"},
        {"two in 1.0", SPAN_INIT("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), H1_READY, 400,
         "many_hosts"},
        {"a list", HOST("Host: a, b\r\n"), H1_READY, 400, "bad_host"},
        {"a path", HOST("Host: a/b\r\n"), H1_READY, 400, "bad_host"},
        {"a user", HOST("Host: u@a\r\n"), H1_READY, 400, "bad_host"},
        {"8 bit", HOST("Host: caf\xc3\xa9\r\n"), H1_READY, 400, "bad_host"},
        {"IPv6", HOST("Host: [::1]:80\r\n"), H1_READY, 0, NULL},
    };
    check_all(rows);
}

TEST(content_length_is_digits_once)
{
#define LENGTH(value) WITH("Content-Length: " value)
    static const struct judged rows[] = {
        {"zeros", LENGTH("0007"), H1_READY, 0, NULL},
        {"the largest", LENGTH("9223372036854775807"), H1_READY, 0, NULL},
        {"one more", LENGTH("9223372036854775808"), H1_BROKEN, 400, "bad_content_length"},
        {"2^64", LENGTH("18446744073709551616"), H1_BROKEN, 400, "bad_content_length"},
        {"empty", LENGTH(""), H1_BROKEN, 400, "bad_content_length"},
        {"plus", LENGTH("+1"), H1_BROKEN, 400, "bad_content_length"},
        {"minus", LENGTH("-1"), H1_BROKEN, 400, "bad_content_length"},
        {"hexadecimal", LENGTH("0x1"), H1_BROKEN, 400, "bad_content_length"},
        {"underscore", LENGTH("1_0"), H1_BROKEN, 400, "bad_content_length"},
        {"space inside", LENGTH("1 0"), H1_BROKEN, 400, "bad_content_length"},
        {"a list", LENGTH("5, 5"), H1_BROKEN, 400, "bad_content_length"},
        {"a fraction", LENGTH("1.0"), H1_BROKEN, 400, "bad_content_length"},
        {"twice, equal", LENGTH("5\r\nContent-Length: 5"), H1_BROKEN, 400, "many_content_lengths"},
        {"twice", LENGTH("5\r\ncontent-length: 6"), H1_BROKEN, 400, "many_content_lengths"},
    };
    check_all(rows);
}

TEST(transfer_encoding_is_chunked_once_and_alone)
{
#define CODING(value) WITH("Transfer-Encoding: " value)
    static const struct judged rows[] = {
        {"chunked", CODING("chunked"), H1_READY, 0, NULL},
        {"upper case", CODING("CHUNKED"), H1_READY, 0, NULL},
        {"empty", CODING(""), H1_BROKEN, 400, "bad_transfer_encoding"},
        {"comma before", CODING(",chunked"), H1_BROKEN, 400, "bad_transfer_encoding"},
        {"comma after", CODING("chunked,"), H1_BROKEN, 400, "bad_transfer_encoding"},
        {"twice in a line", CODING("chunked, chunked"), H1_BROKEN, 400, "bad_transfer_encoding"},
        {"twice in lines", CODING("chunked\r\nTransfer-Encoding: chunked"), H1_BROKEN, 400,
         "bad_transfer_encoding"},
        {"hidden in a second line", CODING("chunked\r\nTransfer-Encoding: x"), H1_BROKEN, 400,
         "bad_transfer_encoding"},
        {"not last", CODING("chunked, gzip"), H1_BROKEN, 400, "bad_transfer_encoding"},
        {"with a parameter", CODING("chunked;q=1"), H1_BROKEN, 400, "bad_transfer_encoding"},
        {"quoted", CODING("\"chunked\""), H1_BROKEN, 400, "bad_transfer_encoding"},
        {"vertical tab", CODING("\vchunked"), H1_BROKEN, 400, "bad_field_value"},
        {"another", CODING("xchunked"), H1_BROKEN, 501, "unknown_transfer_encoding"},
        {"identity", CODING("identity"), H1_BROKEN, 501, "unknown_transfer_encoding"},
        {"gzip before", CODING("gzip, chunked"), H1_BROKEN, 501, "unknown_transfer_encoding"},
        {"with a length", CODING("chunked\r\nContent-Length: 5"), H1_BROKEN, 400, "both_lengths"},
        {"after a length", WITH("Content-Length: 5\r\nTransfer-Encoding: identity"), H1_BROKEN, 400,
         "both_lengths"},
        {"in 1.0", SPAN_INIT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), H1_BROKEN,
         400, "transfer_encoding_in_1_0"},
        {"space before its colon", WITH("Transfer-Encoding : chunked"), H1_BROKEN, 400,
         "bad_field_name"},
    };
    check_all(rows);
}

TEST(a_chunked_request_has_no_length)
{
    struct reading r = read_request(SPAN("PUT / HTTP/1.1\r\nHost: a\r\n"
                                         "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
    check_number(r.head.body_length, BODY_UNKNOWN);
    check(!r.close);
    reading_end(&r);
}

TEST(both_lengths_are_framed_anew_where_the_settings_say_so)
{
    struct h1_limits limits = reading_limits;
    limits.reframe_both_lengths = true;
    struct reading r = read_request_within(
        SPAN(
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        &limits);
    check_number(r.parse, H1_READY);
    check_number(r.head.body_length, BODY_UNKNOWN);
    check_number(fields_count(&r.head.fields, SPAN("Content-Length")), 0);
    check(r.close);
    reading_end(&r);
    r = read_request_within(
        SPAN("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\n\r\n"),
        &limits);
    check_number(r.parse, H1_BROKEN);
    check_number(r.refusal.status, 501);
    reading_end(&r);
}

TEST(only_100_continue_is_expected)
{
    static const struct judged rows[] = {
        {"unknown", WITH("Expect: 200-ok"), H1_READY, 417, "unknown_expectation"},
        {"empty", WITH("Expect:"), H1_READY, 417, "unknown_expectation"},
        {"and more", WITH("Expect: 100-continue, x"), H1_READY, 417, "unknown_expectation"},
        {"twice", WITH("Expect: 100-continue\r\nExpect: 100-continue"), H1_READY, 417,
         "unknown_expectation"},
    };
    check_all(rows);
    struct reading r = read_request(SPAN("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                                         "Expect: 100-Continue\r\n\r\n"));
    check(r.head.expects_continue && r.refusal.status == 0);
    reading_end(&r);
    r = read_request(SPAN("PUT / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
    check(!r.head.expects_continue && r.refusal.status == 0);
    reading_end(&r);
}

TEST(connections_close_by_version_and_by_word)
{
    struct reading r =
        read_request(SPAN("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"));
    check(r.close);
    reading_end(&r);
    r = read_request(SPAN("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    check(!r.close);
    reading_end(&r);
    r = read_request(SPAN("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"));
    check(r.close);
    reading_end(&r);
    r = read_request(SPAN("GET / HTTP/1.0\r\n\r\n"));
    check(r.close);
    reading_end(&r);
}

TEST(limits_hold_at_their_byte)
{
    struct h1_limits limits = {.head_bytes = 64, .field_count = 2, .target_bytes = 16};
    struct reading r =
        read_request_within(SPAN("GET /aaaaaaaaaaaaaaa HTTP/1.1\r\nHost: a\r\n\r\n"), &limits);
    check_number(r.parse, H1_READY);
    reading_end(&r);
    r = read_request_within(SPAN("GET /aaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: a\r\n\r\n"), &limits);
    check_number(r.refusal.status, 414);
    reading_end(&r);
    r = read_request_within(SPAN("GET / HTTP/1.1\r\nHost: a\r\nB: 2\r\nC: 3\r\n\r\n"), &limits);
    check_number(r.refusal.status, 431);
    check_span(span_text(r.refusal.why), "too_many_fields");
    reading_end(&r);
    r = read_request_within(
        SPAN("GET / HTTP/1.1\r\nHost: a\r\nB: 1234567890123456789012345678901234567890\r\n\r\n"),
        &limits);
    check_number(r.refusal.status, 431);
    check_span(span_text(r.refusal.why), "header_too_large");
    check_number(r.head.method.len, 3);
    reading_end(&r);
}

TEST(a_broken_head_keeps_what_could_be_read)
{
    struct reading r = read_request(SPAN("GET /a HTTP/1.1\nHost: a\r\n"));
    check_span(r.head.line, "GET /a HTTP/1.1");
    check_span(r.head.method, "GET");
    reading_end(&r);
    r = read_request(SPAN("GET /a HTTP/1.1\r\nHost: a\r\nB: 1\nC: 2\r\n\r\n"));
    check_span(r.head.target, "/a");
    reading_end(&r);
    r = read_request(SPAN("GET /a HTTP/1.1\r\nHost: a\r\nB : 1\r\n\r\n"));
    check_number(r.head.fields.count, 1);
    reading_end(&r);
    r = read_request(SPAN("GET /a<b> c HTTP/1.1\r\n\r\n"));
    check_span(r.head.line, "GET /a<b> c HTTP/1.1");
    check_span(r.head.target, "/a<b>");
    reading_end(&r);
}

TEST(a_target_without_end_is_refused_before_its_line_ends)
{
    static char text[20000];
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    struct reading r = reading_whole(span_make(text, sizeof text), &reading_limits);
    check_number(r.parse, H1_BROKEN);
    check_number(r.refusal.status, 414);
    reading_end(&r);
    text[8192 + 300] = '\n';
    r = reading_whole(span_make(text, sizeof text), &reading_limits);
    check_number(r.refusal.status, 414);
    reading_end(&r);
}

TEST(an_arena_that_is_full_refuses_the_head)
{
    struct arena *arena = arena_new(NULL, 4096);
    check(arena_alloc(arena, 3600) != NULL);
    struct request_head head;
    struct refusal refusal;
    size_t seen = 0, used;
    bool close;
    check_number(h1_parse_request(SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &seen, &reading_limits,
                                  arena, &head, &used, &refusal, &close),
                 H1_BROKEN);
    check_number(refusal.status, 431);
    arena_free(arena);
}

int h1_request_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_taken_apart),
        cmocka_unit_test(a_head_that_is_not_whole_waits),
        cmocka_unit_test(empty_lines_before_a_request_are_skipped),
        cmocka_unit_test(values_may_hold_bytes_from_0x80_up_and_so_may_targets),
        cmocka_unit_test(names_with_underscores_stay_in_the_head),
        cmocka_unit_test(request_lines_are_strict),
        cmocka_unit_test(versions_but_1_0_and_1_1_are_refused),
        cmocka_unit_test(a_line_without_version_is_closed_in_silence),
        cmocka_unit_test(field_lines_are_strict),
        cmocka_unit_test(one_host_and_a_good_one),
        cmocka_unit_test(content_length_is_digits_once),
        cmocka_unit_test(transfer_encoding_is_chunked_once_and_alone),
        cmocka_unit_test(a_chunked_request_has_no_length),
        cmocka_unit_test(both_lengths_are_framed_anew_where_the_settings_say_so),
        cmocka_unit_test(only_100_continue_is_expected),
        cmocka_unit_test(connections_close_by_version_and_by_word),
        cmocka_unit_test(limits_hold_at_their_byte),
        cmocka_unit_test(a_broken_head_keeps_what_could_be_read),
        cmocka_unit_test(a_target_without_end_is_refused_before_its_line_ends),
        cmocka_unit_test(an_arena_that_is_full_refuses_the_head),
    };
    return cmocka_run_group_tests_name("h1_request", tests, NULL, NULL);
}
