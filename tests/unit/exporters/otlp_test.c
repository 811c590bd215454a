/* SPDX-License-Identifier: Apache-2.0 */
/* Sending, against a receiver in the same thread and a clock in the test's hand. */
#include "exporters/otlp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exporters/otlp_body.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/otlp_pair.h"
#include "tests/unit/exporters/sample.h"

TEST(spans_arrive_with_resource_and_scope_after_a_second)
{
    struct otlp_pair *f = otlp_pair_new(false);
    otlp_pair_put(f, 2);
    otlp_pair_stands_still(f);
    f->way.now_us += SECOND;
    check(comes_true(otlp_pair_is_settled, f));
    check_number(f->collector.requests, 1);
    check_number(otlp_pair_figures(f).sent, 2 * SPANS);
    struct span head = buf_span(&f->collector.head);
    check(span_starts(head, SPAN("POST /base/v1/traces HTTP/1.1\r\n")));
    check(span_find(head, SPAN("Content-Type: application/x-protobuf\r\n")) != SPAN_NONE);
    check(span_find(head, SPAN("User-Agent: OTel-OTLP-Exporter-C/")) != SPAN_NONE);
    check(span_find_nocase(head, SPAN("Expect:")) == SPAN_NONE);
    Otlp__ExportTraceServiceRequest *request = otlp__export_trace_service_request__unpack(
        NULL, f->collector.last.len, (const uint8_t *)f->collector.last.at);
    check(request != NULL);
    const Otlp__ResourceSpans *spans = request->resource_spans[0];
    assert_string_equal(spans->resource->attributes[0]->key, "service.name");
    assert_string_equal(spans->resource->attributes[0]->value->string_value, "shop-sidecar");
    assert_string_equal(spans->resource->attributes[2]->key, "service.instance.id");
    assert_string_equal(spans->resource->attributes[2]->value->string_value,
                        "01020304-0506-4708-890a-0b0c0d0e0f10");
    assert_string_equal(spans->scope_spans[0]->scope->name, "sidegate");
    check_number(spans->scope_spans[0]->n_spans, 2 * SPANS);
    assert_string_equal(spans->scope_spans[0]->spans[0]->name, "GET /orders/{id}");
    otlp__export_trace_service_request__free_unpacked(request, NULL);
    otlp_pair_free(f);
}

TEST(a_batch_has_at_most_so_many_spans_and_does_not_wait_when_it_is_full)
{
    struct otlp_pair *f = otlp_pair_new(false);
    otlp_pair_put(f, 100); /* 600 spans */
    f->wanted = 1;
    check(comes_true(otlp_pair_has_come, f));
    check_number(f->collector.spans, 510);
    otlp_pair_stands_still(f); /* 90 spans wait for more, or for their second */
    f->way.now_us += SECOND;
    check(comes_true(otlp_pair_is_settled, f));
    check_number(f->collector.spans, 600);
    otlp_pair_free(f);
}

TEST(batches_are_as_large_and_as_late_as_the_settings_say)
{
    struct otlp_pair *f = otlp_pair_new(false);
    f->way.to.batch = (struct otlp_batch){.delay_us = 10 * SECOND, .units = 4 * SPANS};
    otlp_change(f->way.otlp, &f->way.settings);
    otlp_pair_put(f, 5);
    f->wanted = 1;
    check(comes_true(otlp_pair_has_come, f));
    check_number(f->collector.spans, 4 * SPANS);
    f->way.now_us += 9 * SECOND;
    otlp_pair_stands_still(f);
    f->way.now_us += SECOND;
    check(comes_true(otlp_pair_is_settled, f));
    check_number(f->collector.spans, 5 * SPANS);
    otlp_pair_free(f);
}

TEST(bodies_may_be_compressed)
{
    struct otlp_pair *f = otlp_pair_new(true);
    f->way.flush = true;
    otlp_pair_put(f, 50);
    check(comes_true(otlp_pair_is_settled, f));
    check(span_find(buf_span(&f->collector.head), SPAN("Content-Encoding: gzip")) != SPAN_NONE);
    check_number(f->collector.spans, 50 * SPANS);
    otlp_pair_free(f);
}

TEST(a_plain_500_is_final_and_counted)
{
    struct otlp_pair *f = otlp_pair_new(false);
    f->way.flush = true;
    f->collector.answer = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
    otlp_pair_put(f, 3);
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).dropped[DROP_REJECTED], 3 * SPANS);
    check_number(f->collector.requests, 1);
    otlp_pair_free(f);
}

TEST(each_of_the_four_statuses_is_tried_again_and_no_other)
{
    static const struct {
        const char *answer;
        bool again;
    } cases[] = {
        {"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", false},
        {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", false},
        {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", false},
        {"HTTP/1.1 302 No\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", false},
        {"HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n", false},
        {"HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n", true},
        {"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", true},
        {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", true},
        {"HTTP/1.1 504 No\r\nContent-Length: 0\r\n\r\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct otlp_pair *f = otlp_pair_new(false);
        const char *well = f->collector.answer;
        f->way.flush = true;
        f->collector.answer = cases[i].answer;
        otlp_pair_put(f, 1);
        f->wanted = 1;
        check(comes_true(otlp_pair_has_come, f));
        otlp_pair_stands_still(f);
        check_number(otlp_pair_figures(f).waiting, cases[i].again ? SPANS : 0);
        f->collector.answer = well;
        f->way.now_us += 2 * SECOND;
        check(comes_true(otlp_pair_is_settled, f));
        check_number(otlp_pair_figures(f).sent, cases[i].again ? SPANS : 0);
        check_number(otlp_pair_figures(f).dropped[DROP_REJECTED], cases[i].again ? 0 : SPANS);
        otlp_pair_free(f);
    }
}

TEST(retry_after_is_obeyed_in_seconds)
{
    struct otlp_pair *f = otlp_pair_new(false);
    const char *well = f->collector.answer;
    f->way.flush = true;
    f->collector.answer = "HTTP/1.1 503 No\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n";
    otlp_pair_put(f, 1);
    f->wanted = 1;
    check(comes_true(otlp_pair_has_come, f));
    otlp_pair_stands_still(f);
    f->collector.answer = well;
    f->way.now_us += 19 * SECOND;
    otlp_pair_stands_still(f);
    f->way.now_us += SECOND;
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).sent, SPANS);
    otlp_pair_free(f);
}

TEST(retry_after_is_obeyed_as_a_date)
{
    struct otlp_pair *f = otlp_pair_new(false);
    const char *well = f->collector.answer;
    f->way.flush = true;
    f->collector.answer = "HTTP/1.1 429 No\r\nRetry-After: Fri, 31 Dec 2199 23:59:59 GMT\r\n"
                          "Content-Length: 0\r\n\r\n";
    otlp_pair_put(f, 1);
    f->wanted = 1;
    check(comes_true(otlp_pair_has_come, f));
    f->collector.answer = well;
    otlp_pair_stands_still(f);
    f->way.now_us += 299 * SECOND; /* five minutes are the most that anybody may ask for */
    otlp_pair_stands_still(f);
    f->way.now_us += SECOND;
    check(comes_true(otlp_pair_is_settled, f));
    otlp_pair_free(f);
}

TEST(pauses_grow_and_end_with_the_trouble)
{
    struct otlp_pair *f = otlp_pair_new(false);
    const char *well = f->collector.answer;
    f->way.flush = true;
    f->collector.answer = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
    otlp_pair_put(f, 1);
    for (unsigned i = 1; i <= 12; i++) {
        f->wanted = i;
        check(comes_true(otlp_pair_has_come, f));
        otlp_pair_stands_still(f);
        f->way.now_us += 45 * SECOND; /* the longest pause of 30 s, and half of it as jitter */
    }
    f->collector.answer = well;
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).sent, SPANS);
    otlp_pair_free(f);
}

TEST(a_connection_that_is_closed_without_an_answer_is_tried_again)
{
    struct otlp_pair *f = otlp_pair_new(false);
    const char *well = f->collector.answer;
    f->way.flush = true;
    f->collector.answer = "";
    otlp_pair_put(f, 1);
    f->wanted = 1;
    check(comes_true(otlp_pair_has_come, f));
    otlp_pair_stands_still(f);
    check_number(otlp_pair_figures(f).waiting, SPANS);
    f->collector.answer = well;
    f->way.now_us += 2 * SECOND;
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).sent, SPANS);
    otlp_pair_free(f);
}

TEST(while_nobody_listens_spans_wait_and_the_oldest_go)
{
    struct otlp_pair *f = otlp_pair_new(false);
    close(f->collector.listener);
    f->collector.listener = -1;
    f->way.flush = true;
    queue_limit(f->way.queue, 100);
    for (unsigned i = 0; i < 50; i++) {
        otlp_pair_put(f, 20);
        otlp_pair_step(f);
        f->way.now_us += SECOND;
    }
    struct destination_figures now = otlp_pair_figures(f);
    check_number(now.produced, 1000 * SPANS);
    check_number(now.sent, 0);
    check(now.waiting >= UINT64_C(100) * SPANS && now.waiting <= UINT64_C(100) * SPANS + 1024);
    check(now.dropped[DROP_QUEUE_FULL] > 0);
    otlp_pair_free(f);
}

static bool all_have_left(void *context)
{
    struct otlp_pair *f = context;
    otlp_pair_step(f);
    return f->collector.departures >= 3;
}

TEST(a_receiver_that_hangs_is_left_when_the_time_is_up)
{
    struct otlp_pair *f = otlp_pair_new(false);
    const char *well = f->collector.answer;
    f->way.flush = true;
    f->way.to.timeout_us = 20000;
    otlp_change(f->way.otlp, &f->way.settings);
    f->collector.answer = NULL;
    otlp_pair_put(f, 300); /* three batches fly, a fourth waits */
    for (unsigned i = 0; i < 50; i++)
        otlp_pair_step(f);
    check_number(queue_units(f->way.queue), 1800 - 3 * 510);
    check_number(f->collector.requests, 0);
    check(comes_true(all_have_left, f));
    check_number(f->collector.requests, 0);
    f->collector.answer = well;
    f->way.to.timeout_us = 0;
    otlp_change(f->way.otlp, &f->way.settings);
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).sent, 1800);
    otlp_pair_free(f);
}

/* With loopback's own the kernel takes all of a batch at once. */
static void narrow(struct otlp_pair *f, int window, int segment)
{
    int to = f->collector.listener;
    check(setsockopt(to, SOL_SOCKET, SO_RCVBUF, &window, sizeof window) == 0);
    check(setsockopt(to, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment) == 0);
}

/* Time goes on, so that what rests is tried again and again. */
static bool arrivals_came(void *context)
{
    struct otlp_pair *f = context;
    otlp_pair_step(f);
    f->way.now_us += SECOND;
    return f->collector.arrivals >= f->wanted;
}

TEST(a_batch_that_a_slow_line_cannot_take_in_time_is_sent_in_halves)
{
    struct otlp_pair *f = otlp_pair_new(false);
    narrow(f, 4096, 536);
    f->way.flush = true;
    f->way.to.timeout_us = 200000;
    f->way.to.batch = (struct otlp_batch){.units = 8192};
    otlp_change(f->way.otlp, &f->way.settings);
    f->collector.is_deaf = true;
    otlp_pair_put(f, 500);
    f->wanted = 4; /* on a machine that stands still a try may be over before a byte has left */
    check(comes_true(arrivals_came, f));
    f->collector.is_deaf = false;
    narrow(f, 1 << 20, 32767);
    f->way.to.timeout_us = 0;
    otlp_change(f->way.otlp, &f->way.settings);
    check(comes_true(otlp_pair_is_settled, f));
    check(f->collector.requests > 1);
    check_number(f->collector.spans, 500 * SPANS);
    check_number(otlp_pair_figures(f).sent, 500 * SPANS);
    otlp_pair_free(f);
}

static struct span partial_success(int64_t rejected, uint8_t *to)
{
    Otlp__ExportTraceServiceResponse response = OTLP__EXPORT_TRACE_SERVICE_RESPONSE__INIT;
    Otlp__ExportTracePartialSuccess partial;
    otlp__export_trace_partial_success__init(&partial);
    char message[] = "too old";
    partial.rejected_spans = rejected;
    partial.error_message = message;
    response.partial_success = &partial;
    return span_make((const char *)to, otlp__export_trace_service_response__pack(&response, to));
}

TEST(a_partial_success_is_counted_and_not_repeated)
{
    struct otlp_pair *f = otlp_pair_new(false);
    uint8_t bytes[64];
    char head[64];
    f->way.flush = true;
    f->collector.body = partial_success(4, bytes);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
             f->collector.body.len);
    f->collector.answer = head;
    otlp_pair_put(f, 1);
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).sent, SPANS - 4);
    check_number(otlp_pair_figures(f).dropped[DROP_REJECTED], 4);
    check_number(f->collector.requests, 1);
    otlp_pair_free(f);
}

static bool spool_is_open(void *context)
{
    struct otlp_pair *f = context;
    struct feed_figures state;
    feed_figures(f->way.feed, &state);
    return state.is_open && feed_safe(f->way.feed) == queue_put_count(f->way.queue);
}

/* The service.name of the last request's spans. */
static void check_service(struct otlp_pair *f, const char *name)
{
    Otlp__ExportTraceServiceRequest *request = otlp__export_trace_service_request__unpack(
        NULL, f->collector.last.len, (const uint8_t *)f->collector.last.at);
    check(request != NULL);
    assert_string_equal(request->resource_spans[0]->resource->attributes[0]->value->string_value,
                        name);
    otlp__export_trace_service_request__free_unpacked(request, NULL);
}

TEST(spans_of_an_earlier_process_are_sent_as_its_own_and_beside_fresh_ones)
{
    struct otlp_pair *f = otlp_pair_new(false);
    char path[256];
    folder_make(path, sizeof path);
    struct feed_spool spool = {.path = path, .spool = {1 << 26, 1ULL << 40, SPOOL_FSYNC_OFF}};
    feed_use(f->way.feed, &spool);
    otlp_pair_put(f, 3);
    check(comes_true(spool_is_open, f));
    otlp_free(f->way.otlp);
    check_number(feed_stop(f->way.feed, UINT64_MAX / 2), FEED_WAITS);
    queue_free(f->way.queue);
    f->way.settings.resource.service_name = SPAN("another-name");
    otlp_scene_start(&f->way);
    feed_use(f->way.feed, &spool);
    check(comes_true(spool_is_open, f));
    f->wanted = 1; /* the backlog is in no need to wait for a full batch */
    check(comes_true(otlp_pair_has_come, f));
    check_service(f, "shop-sidecar");
    otlp_pair_put(f, 100);
    f->wanted = 2;
    check(comes_true(otlp_pair_has_come, f));
    check_service(f, "another-name");
    f->way.now_us += SECOND;
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).sent, 103 * SPANS);
    check_number(otlp_pair_figures(f).resent, 0);
    otlp_pair_free(f);
    folder_remove(path);
}

static bool all_is_settled_in_time(void *context)
{
    struct otlp_pair *f = context;
    f->way.now_us += SECOND / 10;
    return otlp_pair_is_settled(f);
}

TEST(a_backlog_is_sent_at_4_mib_a_second_at_most)
{
    struct otlp_pair *f = otlp_pair_new(false);
    char path[256];
    folder_make(path, sizeof path);
    struct feed_spool spool = {.path = path, .spool = {1 << 26, 1ULL << 40, SPOOL_FSYNC_OFF}};
    feed_use(f->way.feed, &spool);
    otlp_pair_put(f, 1000);
    check(comes_true(spool_is_open, f));
    otlp_free(f->way.otlp);
    feed_stop(f->way.feed, UINT64_MAX / 2);
    queue_free(f->way.queue);
    otlp_scene_start(&f->way);
    feed_use(f->way.feed, &spool);
    check(comes_true(spool_is_open, f));
    f->wanted = 1;
    check(comes_true(otlp_pair_has_come, f));
    otlp_pair_stands_still(f); /* the clock stands */
    uint64_t bytes = f->collector.last.len;
    f->way.now_us += bytes * SECOND / (4 << 20) * 9 / 10;
    otlp_pair_stands_still(f);
    f->way.now_us += bytes * SECOND / (4 << 20) * 2 / 10;
    f->wanted = 2;
    check(comes_true(otlp_pair_has_come, f));
    check(comes_true(all_is_settled_in_time, f));
    otlp_pair_free(f);
    folder_remove(path);
}

TEST(what_is_sent_again_without_an_answer_is_counted_apart)
{
    struct otlp_pair *f = otlp_pair_new(false);
    const char *well = f->collector.answer;
    f->way.flush = true;
    f->collector.answer = ""; /* hangs up once it has all */
    otlp_pair_put(f, 1);
    f->wanted = 1;
    check(comes_true(otlp_pair_has_come, f));
    otlp_pair_stands_still(f);
    check_number(otlp_pair_figures(f).resent, 0); /* not yet */
    f->collector.answer = well;
    f->way.now_us += 2 * SECOND;
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).resent, SPANS);
    check_number(otlp_pair_figures(f).sent, SPANS);
    otlp_pair_free(f);
}

TEST(an_answer_longer_than_anybody_reads_counts_by_its_status)
{
    struct otlp_pair *f = otlp_pair_new(false);
    char *large = must_alloc(100000);
    memset(large, 'x', 100000);
    f->way.flush = true;
    f->collector.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    f->collector.body = span_make(large, 100000);
    otlp_pair_put(f, 1);
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).sent, SPANS);
    free(large);
    otlp_pair_free(f);
}

TEST(an_address_that_is_none_loses_spans_and_says_so)
{
    struct otlp_pair *f = otlp_pair_new(false);
    f->way.flush = true;
    f->way.to.url = SPAN("ftp://127.0.0.1");
    otlp_change(f->way.otlp, &f->way.settings);
    otlp_pair_put(f, 1);
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).dropped[DROP_REJECTED], SPANS);
    otlp_pair_free(f);
}

int otlp_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_arrive_with_resource_and_scope_after_a_second),
        cmocka_unit_test(a_batch_has_at_most_so_many_spans_and_does_not_wait_when_it_is_full),
        cmocka_unit_test(batches_are_as_large_and_as_late_as_the_settings_say),
        cmocka_unit_test(bodies_may_be_compressed),
        cmocka_unit_test(a_plain_500_is_final_and_counted),
        cmocka_unit_test(each_of_the_four_statuses_is_tried_again_and_no_other),
        cmocka_unit_test(retry_after_is_obeyed_in_seconds),
        cmocka_unit_test(retry_after_is_obeyed_as_a_date),
        cmocka_unit_test(pauses_grow_and_end_with_the_trouble),
        cmocka_unit_test(a_connection_that_is_closed_without_an_answer_is_tried_again),
        cmocka_unit_test(while_nobody_listens_spans_wait_and_the_oldest_go),
        cmocka_unit_test(a_receiver_that_hangs_is_left_when_the_time_is_up),
        cmocka_unit_test(a_batch_that_a_slow_line_cannot_take_in_time_is_sent_in_halves),
        cmocka_unit_test(a_partial_success_is_counted_and_not_repeated),
        cmocka_unit_test(spans_of_an_earlier_process_are_sent_as_its_own_and_beside_fresh_ones),
        cmocka_unit_test(a_backlog_is_sent_at_4_mib_a_second_at_most),
        cmocka_unit_test(what_is_sent_again_without_an_answer_is_counted_apart),
        cmocka_unit_test(an_answer_longer_than_anybody_reads_counts_by_its_status),
        cmocka_unit_test(an_address_that_is_none_loses_spans_and_says_so),
    };
    return cmocka_run_group_tests_name("otlp", tests, NULL, NULL) +
           cmocka_run_group_tests_name("otlp, past the queue", tests, otlp_scene_past_the_queue,
                                       otlp_scene_by_the_queue);
}
