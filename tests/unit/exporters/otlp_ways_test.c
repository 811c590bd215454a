/* SPDX-License-Identifier: Apache-2.0 */
/* What a receiver is sent besides spans, what it says besides a status, and batches that are too
 * large for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/otlp_call.h"
#include "exporters/otlp_pieces.h"
#include "exporters/proto_read.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/collector.h"
#include "tests/unit/exporters/otlp_scene.h"
#include "tests/unit/exporters/sample.h"

struct fixture {
    struct collector collector;
    struct otlp_scene way;
    struct pair headers[2];
};

static struct fixture *set_up(void)
{
    struct fixture *f = must_alloc(sizeof *f);
    collector_init(&f->collector);
    otlp_scene_begin(&f->way, span_text(f->collector.url), "");
    f->way.to.gzip = f->way.flush = true;
    return f;
}

static void start(struct fixture *f)
{
    otlp_scene_start(&f->way);
}

static void tear_down(struct fixture *f)
{
    otlp_scene_end(&f->way);
    collector_fini(&f->collector);
    free(f);
}

static void put(struct fixture *f, unsigned requests)
{
    otlp_scene_put(&f->way, requests);
}

static struct destination_figures figures(const struct fixture *f)
{
    return otlp_scene_figures(&f->way);
}

static bool all_is_settled(void *context)
{
    struct fixture *f = context;
    otlp_scene_step(&f->way);
    collector_step(&f->collector);
    return figures(f).waiting == 0;
}

/* ---- fields ---- */

TEST(fields_of_the_settings_go_with_each_request)
{
    struct fixture *f = set_up();
    f->headers[0] = (struct pair){SPAN("Authorization"), SPAN("Bearer t0ken")};
    f->headers[1] = (struct pair){SPAN("x-tenant"), SPAN("shop: a, b")};
    f->way.to.headers = f->headers;
    f->way.to.header_count = 2;
    start(f);
    put(f, 1);
    check(comes_true(all_is_settled, f));
    struct span head = buf_span(&f->collector.head);
    check(span_find(head, SPAN("\r\nAuthorization: Bearer t0ken\r\n")) != SPAN_NONE);
    check(span_find(head, SPAN("\r\nx-tenant: shop: a, b\r\n")) != SPAN_NONE);
    f->headers[0].value = SPAN("Bearer an0ther");
    f->way.to.header_count = 1;
    otlp_change(f->way.otlp, &f->way.settings);
    put(f, 1);
    check(comes_true(all_is_settled, f));
    head = buf_span(&f->collector.head);
    check(span_find(head, SPAN("\r\nAuthorization: Bearer an0ther\r\n")) != SPAN_NONE);
    check(span_find(head, SPAN("x-tenant")) == SPAN_NONE);
    tear_down(f);
}

/* ---- answers ---- */

struct heard {
    bool is_done;
    struct otlp_way *way;
    struct otlp_answer answer;
};
static struct heard *hears; /* of the one call below */

static void on_done(struct flight *flight, int result, uint64_t now_us)
{
    (void)now_us;
    otlp_call_answer((struct otlp_call *)(void *)flight, hears->way, result, &hears->answer);
    hears->is_done = true;
}

struct asking {
    struct carrier *carrier;
    struct collector collector;
    struct heard heard;
};

static bool it_is_answered(void *context)
{
    struct asking *asking = context;
    carrier_turn(asking->carrier, 1);
    collector_step(&asking->collector);
    return asking->heard.is_done;
}

/* What one request comes to that is answered like this. */
static struct otlp_answer ask(const char *head, struct span body)
{
    struct asking asking = {.carrier = carrier_new()};
    struct pair header = {SPAN("Authorization"), SPAN("Bearer t0ken")};
    struct otlp_call call;
    collector_init(&asking.collector);
    asking.collector.answer = head;
    asking.collector.body = body;
    struct channel_settings to = {
        .url = span_text(asking.collector.url), .headers = &header, .header_count = 1};
    asking.heard.way = otlp_way_new(&to);
    hears = &asking.heard;
    otlp_call_init(&call, on_done);
    check(otlp_call_load(&call, asking.heard.way, SPAN("\x0a\x04\x12\x02\x12\x00")));
    otlp_call_aim(&call, asking.heard.way);
    carrier_send(asking.carrier, &call.flight);
    check(comes_true(it_is_answered, &asking));
    otlp_call_fini(&call);
    otlp_way_free(asking.heard.way);
    carrier_free(asking.carrier);
    collector_fini(&asking.collector);
    return asking.heard.answer;
}

TEST(what_a_receiver_says_is_told_and_made_printable)
{
    struct otlp_answer answer =
        ask("HTTP/1.1 400 No\r\nContent-Type: application/x-protobuf\r\nContent-Length: 11\r\n\r\n",
            SPAN("\x08\x03\x12\x07no\nway\x1b"));
    check_number(answer.verdict, OTLP_REFUSED);
    assert_string_equal(answer.why, "400: no?way?");
    answer =
        ask("HTTP/1.1 401 No\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n", SPAN("hi"));
    assert_string_equal(answer.why, "401");
}

TEST(a_receiver_that_repeats_a_secret_of_ours_is_not_quoted)
{
    struct otlp_answer answer =
        ask("HTTP/1.1 401 No\r\nContent-Type: application/x-protobuf\r\nContent-Length: 18\r\n\r\n",
            SPAN("\x08\x10\x12\x0e"
                 "Bearer t0ken ?"));
    check_number(answer.verdict, OTLP_REFUSED);
    assert_string_equal(answer.why, "401");
    answer =
        ask("HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 20\r\n\r\n",
            SPAN("\x0a\x12\x08\x02\x12\x0e"
                 "Bearer t0ken ?"));
    check_number(answer.verdict, OTLP_TAKEN);
    check_number(answer.rejected, 2);
    assert_string_equal(answer.why, "");
    answer = /* without the scheme in front of it */
        ask("HTTP/1.1 401 No\r\nContent-Type: application/x-protobuf\r\nContent-Length: 14\r\n\r\n",
            SPAN("\x08\x10\x12\x0a"
                 "not t0ken!"));
    assert_string_equal(answer.why, "401");
}

TEST(words_that_were_cut_may_end_within_a_secret_and_are_not_told)
{
    struct buf body;
    buf_init(&body, 1024);
    buf_add(&body, SPAN("\x0a\xd0\x01\x08\x02\x12\xcb\x01")); /* 203 bytes of words */
    for (unsigned i = 0; i < 196; i++)
        buf_add_byte(&body, '.');
    buf_add(&body, SPAN("t0ken??"));
    struct otlp_answer answer = ask(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 211\r\n\r\n",
        buf_span(&body));
    buf_fini(&body);
    check_number(answer.verdict, OTLP_TAKEN);
    check_number(answer.rejected, 2);
    assert_string_equal(answer.why, "");
}

TEST(an_answer_of_any_length_is_judged_by_its_status)
{
    enum { BYTES = 70000 };
    char *body = must_alloc(BYTES);
    memset(body, 'x', BYTES);
    struct otlp_answer answer = ask("HTTP/1.1 503 No\r\nContent-Type: text/html\r\n"
                                    "Content-Length: 70000\r\n\r\n",
                                    span_make(body, BYTES));
    check_number(answer.verdict, OTLP_LATER);
    assert_string_equal(answer.why, "503");
    answer = ask("HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n", span_make(body, BYTES));
    check_number(answer.verdict, OTLP_TAKEN);
    free(body);
}

TEST(what_a_status_means)
{
    static const struct {
        const char *head;
        enum otlp_verdict verdict;
        uint64_t pause_us;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", OTLP_TAKEN, 0},
        {"HTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n", OTLP_TAKEN, 0},
        {"HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n", OTLP_LATER, 0},
        {"HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", OTLP_LATER, 7000000},
        {"HTTP/1.1 503 No\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n", OTLP_LATER,
         300000000},
        {"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n", OTLP_TOO_LARGE, 0},
        {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", OTLP_REFUSED, 0},
        {"", OTLP_UNREACHABLE, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct otlp_answer answer = ask(cases[i].head, SPAN(""));
        check_number(answer.verdict, cases[i].verdict);
        check_number(answer.pause_us, cases[i].pause_us);
        check(answer.is_doubtful == (cases[i].verdict == OTLP_UNREACHABLE));
    }
}

/* ---- too large ---- */

TEST(a_batch_that_is_too_large_is_halved_until_it_is_taken_and_later_ones_are_smaller)
{
    struct fixture *f = set_up();
    f->collector.most_spans = 100;
    start(f);
    put(f, 80); /* 480 spans */
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, 480);
    check_number(f->collector.spans, 480);
    unsigned refused = f->collector.refusals;
    check(refused >= 3);
    put(f, 80);
    check(comes_true(all_is_settled, f));
    check_number(f->collector.spans, 960);
    check_number(f->collector.refusals, refused); /* it was learned */
    check_number(figures(f).resent, 0);
    tear_down(f);
}

TEST(a_single_span_that_is_too_large_is_refused_alone)
{
    struct fixture *f = set_up();
    f->collector.answer = "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n";
    start(f);
    put(f, 2);
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, 0);
    check_number(figures(f).dropped[DROP_REJECTED], 2 * SPANS);
    tear_down(f);
}

TEST(one_span_that_is_too_large_makes_later_batches_no_smaller)
{
    struct fixture *f = set_up();
    f->collector.answer = "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n";
    start(f);
    put(f, 2);
    check(comes_true(all_is_settled, f));
    f->collector.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    unsigned before = f->collector.requests;
    put(f, 80); /* 480 spans */
    check(comes_true(all_is_settled, f));
    check_number(f->collector.spans, 480);
    check_number(f->collector.requests, before + 1);
    tear_down(f);
}

TEST(a_receiver_that_takes_more_again_is_sent_more_again)
{
    struct fixture *f = set_up();
    f->collector.most_spans = 100;
    start(f);
    put(f, 80); /* 480 spans */
    check(comes_true(all_is_settled, f));
    f->collector.most_spans = 0;
    unsigned before = 0;
    for (unsigned i = 0; i < 40; i++) {
        before = f->collector.requests;
        put(f, 80);
        check(comes_true(all_is_settled, f));
    }
    check_number(f->collector.requests, before + 1);
    check_number(f->collector.spans, 41 * 480);
    tear_down(f);
}

/* ---- pieces ---- */

TEST(a_run_of_fields_is_halved_between_two_of_them)
{
    struct span three = SPAN("\x12\x01"
                             "a"
                             "\x12\x01"
                             "b"
                             "\x12\x01"
                             "c");
    check_number(otlp_half(three), 6);
    check_number(otlp_half(span_first(three, 6)), 3);
    check_number(otlp_half(span_first(three, 3)), 0);
    check_number(otlp_half(SPAN("")), 0);
    check_number(otlp_half(SPAN("\xff\xff")), 0);
    struct span large = SPAN("\x12\x05"
                             "aaaaa"
                             "\x12\x01"
                             "b");
    check_number(otlp_half(large), 7);
}

TEST(units_are_spans_log_records_and_data_points)
{
    struct span two = SPAN("\x12\x01"
                           "a"
                           "\x12\x01"
                           "b");
    check_number(otlp_units(OTLP_TRACES, two), 2);
    check_number(otlp_units(OTLP_LOGS, two), 2);
    /* a sum with two points and whether it is monotonic; a gauge with one; one with a name alone */
    struct span metrics = SPAN("\x12\x0c\x0a\x01n\x3a\x07\x0a\x01x\x0a\x00\x18\x01"
                               "\x12\x04\x2a\x02\x0a\x00"
                               "\x12\x03\x0a\x01n");
    check_number(otlp_units(OTLP_METRICS, metrics), 3);
}

TEST(fields_that_are_cut_off_are_not_read_beyond_their_end)
{
    static const char *const broken[] = {"\x12\x05zz", "\x09\x01\x02", "\x0d\x01",
                                         "\x08\xff",   "\x0b",         "\x07"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct span rest = span_text(broken[i]);
        struct proto_field field;
        check(!proto_next(&rest, &field) && rest.len > 0);
    }
    struct span whole =
        SPAN("\x08\x96\x01\x11\x01\x00\x00\x00\x00\x00\x00\x00\x1d\x02\x00\x00\x00");
    struct proto_field field;
    check(proto_next(&whole, &field) && field.number == 1 && field.value == 150);
    check(proto_next(&whole, &field) && field.number == 2 && field.value == 1);
    check(proto_next(&whole, &field) && field.number == 3 && field.value == 2);
    check(!proto_next(&whole, &field) && whole.len == 0);
}

int otlp_ways_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_the_settings_go_with_each_request),
        cmocka_unit_test(what_a_receiver_says_is_told_and_made_printable),
        cmocka_unit_test(a_receiver_that_repeats_a_secret_of_ours_is_not_quoted),
        cmocka_unit_test(words_that_were_cut_may_end_within_a_secret_and_are_not_told),
        cmocka_unit_test(an_answer_of_any_length_is_judged_by_its_status),
        cmocka_unit_test(what_a_status_means),
        cmocka_unit_test(
            a_batch_that_is_too_large_is_halved_until_it_is_taken_and_later_ones_are_smaller),
        cmocka_unit_test(a_single_span_that_is_too_large_is_refused_alone),
        cmocka_unit_test(one_span_that_is_too_large_makes_later_batches_no_smaller),
        cmocka_unit_test(a_receiver_that_takes_more_again_is_sent_more_again),
        cmocka_unit_test(a_run_of_fields_is_halved_between_two_of_them),
        cmocka_unit_test(units_are_spans_log_records_and_data_points),
        cmocka_unit_test(fields_that_are_cut_off_are_not_read_beyond_their_end),
    };
    return cmocka_run_group_tests_name("otlp's ways", tests, NULL, NULL);
}
