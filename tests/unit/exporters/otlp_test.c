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
#include "tests/unit/exporters/collector.h"
#include "tests/unit/exporters/otlp_scene.h"
#include "tests/unit/exporters/sample.h"

struct fixture {
    struct collector collector;
    struct otlp_scene way;
    unsigned wanted; /* what a question waits for */
};

static struct fixture *set_up(bool gzip)
{
    struct fixture *f = must_alloc(sizeof *f);
    collector_init(&f->collector);
    otlp_scene_begin(&f->way, span_text(f->collector.url), "v1/traces");
    f->way.to.gzip = gzip;
    otlp_scene_start(&f->way);
    return f;
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

static void step(struct fixture *f)
{
    otlp_scene_step(&f->way);
    collector_step(&f->collector);
    figures(f);
}

static bool requests_came(void *context)
{
    struct fixture *f = context;
    step(f);
    return f->collector.requests >= f->wanted;
}

static bool all_is_settled(void *context)
{
    struct fixture *f = context;
    step(f);
    return figures(f).waiting == 0;
}

/* The clock stands: whatever is under way has time to arrive, but nothing new may start. */
static void nothing_moves(struct fixture *f)
{
    unsigned requests = f->collector.requests;
    for (unsigned i = 0; i < 200; i++)
        step(f);
    check_number(f->collector.requests, requests);
}

TEST(spans_arrive_with_resource_and_scope_after_a_second)
{
    struct fixture *f = set_up(false);
    put(f, 2);
    nothing_moves(f);
    f->way.now_us += SECOND;
    check(comes_true(all_is_settled, f));
    check_number(f->collector.requests, 1);
    check_number(figures(f).sent, 2 * SPANS);
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
    tear_down(f);
}

TEST(a_batch_has_at_most_so_many_spans_and_does_not_wait_when_it_is_full)
{
    struct fixture *f = set_up(false);
    put(f, 100); /* 600 spans */
    f->wanted = 1;
    check(comes_true(requests_came, f));
    check_number(f->collector.spans, 510);
    nothing_moves(f); /* 90 spans wait for more, or for their second */
    f->way.now_us += SECOND;
    check(comes_true(all_is_settled, f));
    check_number(f->collector.spans, 600);
    tear_down(f);
}

TEST(batches_are_as_large_and_as_late_as_the_settings_say)
{
    struct fixture *f = set_up(false);
    f->way.to.batch = (struct otlp_batch){.delay_us = 10 * SECOND, .units = 4 * SPANS};
    otlp_change(f->way.otlp, &f->way.settings);
    put(f, 5);
    f->wanted = 1;
    check(comes_true(requests_came, f));
    check_number(f->collector.spans, 4 * SPANS);
    f->way.now_us += 9 * SECOND;
    nothing_moves(f);
    f->way.now_us += SECOND;
    check(comes_true(all_is_settled, f));
    check_number(f->collector.spans, 5 * SPANS);
    tear_down(f);
}

TEST(bodies_may_be_compressed)
{
    struct fixture *f = set_up(true);
    f->way.flush = true;
    put(f, 50);
    check(comes_true(all_is_settled, f));
    check(span_find(buf_span(&f->collector.head), SPAN("Content-Encoding: gzip")) != SPAN_NONE);
    check_number(f->collector.spans, 50 * SPANS);
    tear_down(f);
}

TEST(a_plain_500_is_final_and_counted)
{
    struct fixture *f = set_up(false);
    f->way.flush = true;
    f->collector.answer = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
    put(f, 3);
    check(comes_true(all_is_settled, f));
    check_number(figures(f).dropped[DROP_REJECTED], 3 * SPANS);
    check_number(f->collector.requests, 1);
    tear_down(f);
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
        struct fixture *f = set_up(false);
        const char *well = f->collector.answer;
        f->way.flush = true;
        f->collector.answer = cases[i].answer;
        put(f, 1);
        f->wanted = 1;
        check(comes_true(requests_came, f));
        nothing_moves(f);
        check_number(figures(f).waiting, cases[i].again ? SPANS : 0);
        f->collector.answer = well;
        f->way.now_us += 2 * SECOND;
        check(comes_true(all_is_settled, f));
        check_number(figures(f).sent, cases[i].again ? SPANS : 0);
        check_number(figures(f).dropped[DROP_REJECTED], cases[i].again ? 0 : SPANS);
        tear_down(f);
    }
}

TEST(retry_after_is_obeyed_in_seconds)
{
    struct fixture *f = set_up(false);
    const char *well = f->collector.answer;
    f->way.flush = true;
    f->collector.answer = "HTTP/1.1 503 No\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n";
    put(f, 1);
    f->wanted = 1;
    check(comes_true(requests_came, f));
    nothing_moves(f);
    f->collector.answer = well;
    f->way.now_us += 19 * SECOND;
    nothing_moves(f);
    f->way.now_us += SECOND;
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, SPANS);
    tear_down(f);
}

TEST(retry_after_is_obeyed_as_a_date)
{
    struct fixture *f = set_up(false);
    const char *well = f->collector.answer;
    f->way.flush = true;
    f->collector.answer = "HTTP/1.1 429 No\r\nRetry-After: Fri, 31 Dec 2199 23:59:59 GMT\r\n"
                          "Content-Length: 0\r\n\r\n";
    put(f, 1);
    f->wanted = 1;
    check(comes_true(requests_came, f));
    f->collector.answer = well;
    nothing_moves(f);
    f->way.now_us += 299 * SECOND; /* five minutes are the most that anybody may ask for */
    nothing_moves(f);
    f->way.now_us += SECOND;
    check(comes_true(all_is_settled, f));
    tear_down(f);
}

TEST(pauses_grow_and_end_with_the_trouble)
{
    struct fixture *f = set_up(false);
    const char *well = f->collector.answer;
    f->way.flush = true;
    f->collector.answer = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
    put(f, 1);
    for (unsigned i = 1; i <= 12; i++) {
        f->wanted = i;
        check(comes_true(requests_came, f));
        nothing_moves(f);
        f->way.now_us += 45 * SECOND; /* the longest pause of 30 s, and half of it as jitter */
    }
    f->collector.answer = well;
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, SPANS);
    tear_down(f);
}

TEST(a_connection_that_is_closed_without_an_answer_is_tried_again)
{
    struct fixture *f = set_up(false);
    const char *well = f->collector.answer;
    f->way.flush = true;
    f->collector.answer = "";
    put(f, 1);
    f->wanted = 1;
    check(comes_true(requests_came, f));
    nothing_moves(f);
    check_number(figures(f).waiting, SPANS);
    f->collector.answer = well;
    f->way.now_us += 2 * SECOND;
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, SPANS);
    tear_down(f);
}

TEST(while_nobody_listens_spans_wait_and_the_oldest_go)
{
    struct fixture *f = set_up(false);
    close(f->collector.listener);
    f->collector.listener = -1;
    f->way.flush = true;
    queue_limit(f->way.queue, 100);
    for (unsigned i = 0; i < 50; i++) {
        put(f, 20);
        step(f);
        f->way.now_us += SECOND;
    }
    struct destination_figures now = figures(f);
    check_number(now.produced, 1000 * SPANS);
    check_number(now.sent, 0);
    check(now.waiting >= UINT64_C(100) * SPANS && now.waiting <= UINT64_C(100) * SPANS + 1024);
    check(now.dropped[DROP_QUEUE_FULL] > 0);
    tear_down(f);
}

static bool all_have_left(void *context)
{
    struct fixture *f = context;
    step(f);
    return f->collector.departures >= 3;
}

TEST(a_receiver_that_hangs_is_left_when_the_time_is_up)
{
    struct fixture *f = set_up(false);
    const char *well = f->collector.answer;
    f->way.flush = true;
    f->way.to.timeout_us = 20000;
    otlp_change(f->way.otlp, &f->way.settings);
    f->collector.answer = NULL;
    put(f, 300); /* three batches fly, a fourth waits */
    for (unsigned i = 0; i < 50; i++)
        step(f);
    check_number(queue_units(f->way.queue), 1800 - 3 * 510);
    check_number(f->collector.requests, 0);
    check(comes_true(all_have_left, f));
    check_number(f->collector.requests, 0);
    f->collector.answer = well;
    f->way.to.timeout_us = 0;
    otlp_change(f->way.otlp, &f->way.settings);
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, 1800);
    tear_down(f);
}

/* With loopback's own the kernel takes all of a batch at once. */
static void narrow(struct fixture *f, int window, int segment)
{
    int to = f->collector.listener;
    check(setsockopt(to, SOL_SOCKET, SO_RCVBUF, &window, sizeof window) == 0);
    check(setsockopt(to, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment) == 0);
}

/* Time goes on, so that what rests is tried again and again. */
static bool arrivals_came(void *context)
{
    struct fixture *f = context;
    step(f);
    f->way.now_us += SECOND;
    return f->collector.arrivals >= f->wanted;
}

TEST(a_batch_that_a_slow_line_cannot_take_in_time_is_sent_in_halves)
{
    struct fixture *f = set_up(false);
    narrow(f, 4096, 536);
    f->way.flush = true;
    f->way.to.timeout_us = 200000;
    f->way.to.batch = (struct otlp_batch){.units = 8192};
    otlp_change(f->way.otlp, &f->way.settings);
    f->collector.is_deaf = true;
    put(f, 500);
    f->wanted = 4; /* on a machine that stands still a try may be over before a byte has left */
    check(comes_true(arrivals_came, f));
    f->collector.is_deaf = false;
    narrow(f, 1 << 20, 32767);
    f->way.to.timeout_us = 0;
    otlp_change(f->way.otlp, &f->way.settings);
    check(comes_true(all_is_settled, f));
    check(f->collector.requests > 1);
    check_number(f->collector.spans, 500 * SPANS);
    check_number(figures(f).sent, 500 * SPANS);
    tear_down(f);
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
    struct fixture *f = set_up(false);
    uint8_t bytes[64];
    char head[64];
    f->way.flush = true;
    f->collector.body = partial_success(4, bytes);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
             f->collector.body.len);
    f->collector.answer = head;
    put(f, 1);
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, SPANS - 4);
    check_number(figures(f).dropped[DROP_REJECTED], 4);
    check_number(f->collector.requests, 1);
    tear_down(f);
}

static bool spool_is_open(void *context)
{
    struct fixture *f = context;
    struct feed_figures state;
    feed_figures(f->way.feed, &state);
    return state.is_open && feed_safe(f->way.feed) == queue_put_count(f->way.queue);
}

/* The service.name of the last request's spans. */
static void check_service(struct fixture *f, const char *name)
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
    struct fixture *f = set_up(false);
    char path[256];
    folder_make(path, sizeof path);
    struct feed_spool spool = {.path = path, .spool = {1 << 26, 1ULL << 40, SPOOL_FSYNC_OFF}};
    feed_use(f->way.feed, &spool);
    put(f, 3);
    check(comes_true(spool_is_open, f));
    otlp_free(f->way.otlp);
    check_number(feed_stop(f->way.feed, UINT64_MAX / 2), FEED_WAITS);
    queue_free(f->way.queue);
    f->way.settings.resource.service_name = SPAN("another-name");
    otlp_scene_start(&f->way);
    feed_use(f->way.feed, &spool);
    check(comes_true(spool_is_open, f));
    f->wanted = 1; /* the backlog is in no need to wait for a full batch */
    check(comes_true(requests_came, f));
    check_service(f, "shop-sidecar");
    put(f, 100);
    f->wanted = 2;
    check(comes_true(requests_came, f));
    check_service(f, "another-name");
    f->way.now_us += SECOND;
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, 103 * SPANS);
    check_number(figures(f).resent, 0);
    tear_down(f);
    folder_remove(path);
}

static bool all_is_settled_in_time(void *context)
{
    struct fixture *f = context;
    f->way.now_us += SECOND / 10;
    return all_is_settled(f);
}

TEST(a_backlog_is_sent_at_4_mib_a_second_at_most)
{
    struct fixture *f = set_up(false);
    char path[256];
    folder_make(path, sizeof path);
    struct feed_spool spool = {.path = path, .spool = {1 << 26, 1ULL << 40, SPOOL_FSYNC_OFF}};
    feed_use(f->way.feed, &spool);
    put(f, 1000);
    check(comes_true(spool_is_open, f));
    otlp_free(f->way.otlp);
    feed_stop(f->way.feed, UINT64_MAX / 2);
    queue_free(f->way.queue);
    otlp_scene_start(&f->way);
    feed_use(f->way.feed, &spool);
    check(comes_true(spool_is_open, f));
    f->wanted = 1;
    check(comes_true(requests_came, f));
    nothing_moves(f); /* the clock stands */
    uint64_t bytes = f->collector.last.len;
    f->way.now_us += bytes * SECOND / (4 << 20) * 9 / 10;
    nothing_moves(f);
    f->way.now_us += bytes * SECOND / (4 << 20) * 2 / 10;
    f->wanted = 2;
    check(comes_true(requests_came, f));
    check(comes_true(all_is_settled_in_time, f));
    tear_down(f);
    folder_remove(path);
}

TEST(what_is_sent_again_without_an_answer_is_counted_apart)
{
    struct fixture *f = set_up(false);
    const char *well = f->collector.answer;
    f->way.flush = true;
    f->collector.answer = ""; /* hangs up once it has all */
    put(f, 1);
    f->wanted = 1;
    check(comes_true(requests_came, f));
    nothing_moves(f);
    check_number(figures(f).resent, 0); /* not yet */
    f->collector.answer = well;
    f->way.now_us += 2 * SECOND;
    check(comes_true(all_is_settled, f));
    check_number(figures(f).resent, SPANS);
    check_number(figures(f).sent, SPANS);
    tear_down(f);
}

TEST(an_answer_longer_than_anybody_reads_counts_by_its_status)
{
    struct fixture *f = set_up(false);
    char *large = must_alloc(100000);
    memset(large, 'x', 100000);
    f->way.flush = true;
    f->collector.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    f->collector.body = span_make(large, 100000);
    put(f, 1);
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, SPANS);
    free(large);
    tear_down(f);
}

TEST(an_address_that_is_none_loses_spans_and_says_so)
{
    struct fixture *f = set_up(false);
    f->way.flush = true;
    f->way.to.url = SPAN("ftp://127.0.0.1");
    otlp_change(f->way.otlp, &f->way.settings);
    put(f, 1);
    check(comes_true(all_is_settled, f));
    check_number(figures(f).dropped[DROP_REJECTED], SPANS);
    tear_down(f);
}

static bool is_stuck(void *context)
{
    struct fixture *f = context;
    step(f);
    return otlp_is_stuck(f->way.otlp);
}

TEST(an_empty_batch_that_lacks_memory_for_its_first_item_stays_open)
{
    struct fixture *f = set_up(false);
    struct buf *batch = otlp_open_batch(f->way.otlp);
    check(batch != NULL);
    size_t from = batch->len;
    check(buf_add(batch, buf_span(&f->way.item)));
    buf_fail_nth(1); /* for the item's size */
    check(!otlp_filled(f->way.otlp, from, SPANS));
    buf_fail_nth(0);
    buf_cut(batch, from);
    queue_put(f->way.queue, buf_span(&f->way.item), SPANS);
    check(otlp_open_batch(f->way.otlp) == batch);
    step(f); /* from now on it is a second */
    f->way.now_us += SECOND;
    check(comes_true(all_is_settled, f));
    f->way.now_us += SECOND;
    nothing_moves(f);
    check_number(f->collector.requests, 1); /* the queue's, and none without spans */
    check_number(figures(f).sent, SPANS);
    put(f, 1);
    step(f);
    f->way.now_us += SECOND;
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, 2 * SPANS);
    tear_down(f);
}

TEST(spans_go_past_the_queue_while_nothing_waits_and_the_receiver_is_there)
{
    struct fixture *f = set_up(false);
    put(f, 1);
    check_number(queue_units(f->way.queue), 0);
    check_number(figures(f).waiting, SPANS);
    step(f); /* from now on it is a second */
    f->way.now_us += SECOND;
    check(comes_true(all_is_settled, f));
    f->collector.answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    put(f, 1);
    step(f);
    f->way.now_us += SECOND;
    check(comes_true(is_stuck, f));
    put(f, 2);
    check_number(queue_units(f->way.queue), 2 * SPANS);
    tear_down(f);
}

TEST(what_is_too_much_for_a_batch_begins_the_next_and_nothing_waits_in_the_queue)
{
    struct fixture *f = set_up(false);
    f->way.to.batch = (struct otlp_batch){.units = 3 * SPANS - 1};
    otlp_change(f->way.otlp, &f->way.settings);
    put(f, 3);
    check_number(queue_units(f->way.queue), 0);
    check_number(figures(f).waiting, 3 * SPANS);
    f->wanted = 1;
    check(comes_true(requests_came, f)); /* it is full: at once */
    check_number(f->collector.spans, 2 * SPANS);
    nothing_moves(f);
    f->way.now_us += SECOND;
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, 3 * SPANS);
    check_number(f->collector.spans, 3 * SPANS);
    tear_down(f);
}

TEST(where_no_batch_is_free_what_is_too_much_waits_in_the_queue)
{
    struct fixture *f = set_up(false);
    f->way.to.batch = (struct otlp_batch){.units = 2 * SPANS - 1};
    otlp_change(f->way.otlp, &f->way.settings);
    put(f, 5); /* three may be under way */
    check_number(queue_units(f->way.queue), 2 * SPANS);
    check_number(figures(f).waiting, 5 * SPANS);
    f->way.flush = true;
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, 5 * SPANS);
    check_number(f->collector.spans, 5 * SPANS);
    tear_down(f);
}

TEST(a_next_batch_that_lacks_memory_leaves_its_item_to_the_queue)
{
    for (unsigned nth = 1; nth <= 2; nth++) { /* for the item, for its size */
        struct fixture *f = set_up(false);
        f->way.to.batch = (struct otlp_batch){.units = 2 * SPANS - 1};
        otlp_change(f->way.otlp, &f->way.settings);
        put(f, 1);
        struct buf *batch = otlp_open_batch(f->way.otlp);
        size_t from = batch->len;
        check(buf_add(batch, buf_span(&f->way.item)));
        buf_fail_nth(1 + nth); /* the first is for what a request begins with */
        check(!otlp_filled(f->way.otlp, from, SPANS));
        buf_fail_nth(0);
        check_number(batch->len, from);
        queue_put(f->way.queue, buf_span(&f->way.item), SPANS);
        put(f, 1); /* there is memory again */
        f->way.flush = true;
        check(comes_true(all_is_settled, f));
        check_number(figures(f).sent, 3 * SPANS);
        check_number(f->collector.spans, 3 * SPANS);
        tear_down(f);
    }
}

TEST(what_was_filled_is_queued_after_all_where_a_spool_comes)
{
    struct fixture *f = set_up(false);
    f->way.to.batch = (struct otlp_batch){.units = 4096};
    otlp_change(f->way.otlp, &f->way.settings);
    put(f, 600); /* more than one item may be */
    check_number(queue_units(f->way.queue), 0);
    otlp_queue_filled(f->way.otlp);
    check_number(queue_units(f->way.queue), 600 * SPANS);
    check_number(figures(f).waiting, 600 * SPANS);
    f->way.flush = true;
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, 600 * SPANS);
    check_number(f->collector.spans, 600 * SPANS);
    tear_down(f);
}

int otlp_tests(void)
{
    const struct CMUnitTest past[] = {
        cmocka_unit_test(an_empty_batch_that_lacks_memory_for_its_first_item_stays_open),
        cmocka_unit_test(spans_go_past_the_queue_while_nothing_waits_and_the_receiver_is_there),
        cmocka_unit_test(
            what_is_too_much_for_a_batch_begins_the_next_and_nothing_waits_in_the_queue),
        cmocka_unit_test(where_no_batch_is_free_what_is_too_much_waits_in_the_queue),
        cmocka_unit_test(a_next_batch_that_lacks_memory_leaves_its_item_to_the_queue),
        cmocka_unit_test(what_was_filled_is_queued_after_all_where_a_spool_comes),
    };
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
                                       otlp_scene_by_the_queue) +
           cmocka_run_group_tests_name("past the queue", past, otlp_scene_past_the_queue,
                                       otlp_scene_by_the_queue);
}
