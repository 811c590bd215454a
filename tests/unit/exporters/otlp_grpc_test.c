/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP over gRPC: the words, and a receiver over HTTP/2 in the same thread. */
#include "exporters/otlp_grpc.h"

#include <stdio.h>
#include <stdlib.h>

#include <zlib.h>

#include "exporters/proto/otlp.pb-c.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/grpc_collector.h"
#include "tests/unit/exporters/otlp_scene.h"
#include "tests/unit/exporters/sample.h"

struct fixture {
    struct grpc_collector collector;
    struct otlp_scene way;
    struct pair header;
    unsigned wanted; /* what a question waits for */
};

static struct fixture *set_up(bool gzip)
{
    struct fixture *f = must_alloc(sizeof *f);
    grpc_collector_init(&f->collector);
    otlp_scene_begin(&f->way, span_text(f->collector.url), otlp_signal_row(OTLP_TRACES)->grpc_path);
    f->header = (struct pair){SPAN("authorization"), SPAN("Bearer t0ken")};
    f->way.to.protocol = OTLP_GRPC;
    f->way.to.headers = &f->header;
    f->way.to.header_count = 1;
    f->way.to.gzip = gzip;
    f->way.flush = true;
    otlp_scene_start(&f->way);
    return f;
}

static void tear_down(struct fixture *f)
{
    otlp_scene_end(&f->way);
    grpc_collector_fini(&f->collector);
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
    grpc_collector_step(&f->collector);
}

static bool all_is_settled(void *context)
{
    struct fixture *f = context;
    step(f);
    return figures(f).waiting == 0;
}

static bool requests_came(void *context)
{
    struct fixture *f = context;
    step(f);
    return f->collector.requests >= f->wanted;
}

static bool it_is_answered(void *context)
{
    struct fixture *f = context;
    step(f);
    return otlp_is_stuck(f->way.otlp) || figures(f).waiting == 0;
}

static void nothing_moves(struct fixture *f)
{
    unsigned requests = f->collector.requests;
    for (unsigned i = 0; i < 200; i++)
        step(f);
    check_number(f->collector.requests, requests);
}

static void unzip(struct buf *bytes, struct buf *to)
{
    z_stream stream = {0};
    must(inflateInit2(&stream, 15 + 16) == Z_OK);
    stream.next_in = (unsigned char *)bytes->at + 5;
    stream.avail_in = (unsigned)bytes->len - 5;
    stream.next_out = (unsigned char *)buf_room(to, 1 << 20);
    stream.avail_out = 1 << 20;
    must(inflate(&stream, Z_FINISH) == Z_STREAM_END);
    buf_grew(to, stream.total_out);
    inflateEnd(&stream);
}

static size_t spans_in(struct span message)
{
    Otlp__ExportTraceServiceRequest *request =
        otlp__export_trace_service_request__unpack(NULL, message.len, (const uint8_t *)message.at);
    check(request != NULL);
    size_t count = request->resource_spans[0]->scope_spans[0]->n_spans;
    otlp__export_trace_service_request__free_unpacked(request, NULL);
    return count;
}

static bool head_has(struct fixture *f, const char *line)
{
    return span_find(buf_span(&f->collector.head), span_text(line)) != SPAN_NONE;
}

TEST(a_batch_is_one_framed_message_of_a_call_of_the_signals_service)
{
    struct fixture *f = set_up(false);
    put(f, 2);
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, 2 * SPANS);
    check(head_has(f, ":method: POST\n"));
    check(head_has(f, ":path: /opentelemetry.proto.collector.trace.v1.TraceService/Export\n"));
    check(head_has(f, "content-type: application/grpc\n"));
    check(head_has(f, "te: trailers\n"));
    check(head_has(f, "grpc-timeout: 10000m\n"));
    check(head_has(f, "authorization: Bearer t0ken\n"));
    check(!head_has(f, "grpc-encoding"));
    check_number(spans_in(grpc_message(buf_span(&f->collector.last))), 2 * SPANS);
    tear_down(f);
}

TEST(messages_may_be_compressed_and_say_so)
{
    struct fixture *f = set_up(true);
    struct buf plain;
    buf_init(&plain, 1 << 21);
    put(f, 20);
    check(comes_true(all_is_settled, f));
    check(head_has(f, "grpc-encoding: gzip\n"));
    check_number(f->collector.last.at[0], 1);
    unzip(&f->collector.last, &plain);
    check_number(spans_in(buf_span(&plain)), 20 * SPANS);
    buf_fini(&plain);
    tear_down(f);
}

TEST(each_status_is_tried_again_or_final_as_otlp_says)
{
    static const bool again[] = {
        [1] = true, [4] = true, [10] = true, [11] = true, [14] = true, [15] = true};
    for (unsigned status = 1; status <= 16; status++) {
        struct fixture *f = set_up(false);
        char text[8];
        bool is_again = status < sizeof again && again[status];
        snprintf(text, sizeof text, "%u", status);
        f->collector.status = text;
        f->collector.body = SPAN(""); /* trailers alone */
        put(f, 1);
        check(comes_true(it_is_answered, f));
        nothing_moves(f);
        check_number(figures(f).waiting, is_again ? SPANS : 0);
        check_number(figures(f).dropped[DROP_REJECTED], is_again ? 0 : SPANS);
        f->collector.status = "0";
        f->collector.body = SPAN("\0\0\0\0\0");
        f->way.now_us += 2 * SECOND;
        check(comes_true(all_is_settled, f));
        check_number(figures(f).sent, is_again ? SPANS : 0);
        tear_down(f);
    }
}

/* google.rpc.Status { 8, "later", RetryInfo { 20.5 s } }, in base64 without padding. */
static const char retry_info[] = "CAgSBWxhdGVyGjYKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5SZXRye"
                                 "UluZm8SCgoICBQQgMq17gE";

TEST(resource_exhausted_is_tried_again_where_the_receiver_says_when)
{
    struct fixture *f = set_up(false);
    f->collector.status = "8";
    f->collector.details = retry_info;
    put(f, 1);
    check(comes_true(it_is_answered, f));
    nothing_moves(f);
    check_number(figures(f).waiting, SPANS);
    f->collector.status = "0";
    f->way.now_us += 20 * SECOND;
    nothing_moves(f);
    f->way.now_us += SECOND;
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, SPANS);
    tear_down(f);
}

TEST(a_partial_success_counts_what_was_refused)
{
    struct fixture *f = set_up(false);
    /* ExportTraceServiceResponse { partial_success { 2, "old" } } */
    f->collector.body = SPAN("\0\0\0\0\x09\x0a\x07\x08\x02\x12\x03old");
    put(f, 1);
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, SPANS - 2);
    check_number(figures(f).dropped[DROP_REJECTED], 2);
    check_number(f->collector.requests, 1);
    tear_down(f);
}

TEST(a_stream_that_is_reset_is_tried_again)
{
    struct fixture *f = set_up(false);
    f->collector.status = NULL;
    put(f, 1);
    check(comes_true(it_is_answered, f));
    check_number(figures(f).waiting, SPANS);
    f->collector.status = "0";
    f->way.now_us += 40 * SECOND;
    check(comes_true(all_is_settled, f));
    check_number(figures(f).sent, SPANS);
    tear_down(f);
}

TEST(what_is_larger_than_the_receiver_takes_is_halved)
{
    struct fixture *f = set_up(false);
    f->collector.status = "8";
    f->collector.body = SPAN("");
    f->collector.message = "grpc: received message larger than max (5000000 vs. 4194304)";
    put(f, 2);
    f->wanted = 1;
    check(comes_true(requests_came, f));
    check_number(spans_in(grpc_message(buf_span(&f->collector.last))), 2 * SPANS);
    f->wanted = 2;
    check(comes_true(requests_came, f));
    check_number(spans_in(grpc_message(buf_span(&f->collector.last))), SPANS);
    f->collector.status = "0";
    f->collector.body = SPAN("\0\0\0\0\0");
    check(comes_true(all_is_settled, f));
    check(figures(f).sent >= 2 * SPANS - 3);
    tear_down(f);
}

TEST(trailers_are_read_whatever_their_spelling)
{
    struct grpc_end end;
    grpc_end_init(&end);
    check_number(end.status, GRPC_NO_STATUS);
    grpc_end_line(&end, SPAN("Grpc-Status: 14\r\n"));
    grpc_end_line(&end, SPAN("grpc-message: too%20much: 50%\r\n"));
    check_number(end.status, 14);
    assert_string_equal(end.message, "too much: 50%");
    check(grpc_is_transient(&end) && !end.may_retry);
    grpc_end_line(&end, SPAN("grpc-status: seven\r\n"));
    check_number(end.status, GRPC_UNKNOWN);
    grpc_end_line(&end, SPAN("grpc-status: 99\r\n"));
    check_number(end.status, GRPC_UNKNOWN);
    check(!grpc_is_transient(&end));
    grpc_end_line(&end, SPAN("grpc-status-details-bin: !!!\r\n"));
    check(!end.may_retry);
}

TEST(a_frame_that_is_broken_holds_nothing)
{
    check_number(grpc_message(SPAN("\0\0\0\0\x02hi")).len, 2);
    check_number(grpc_message(SPAN("\0\0\0\0\x03hi")).len, 0);
    check_number(grpc_message(SPAN("\1\0\0\0\x02hi")).len, 0);
    check_number(grpc_message(SPAN("\0\0\0")).len, 0);
}

int otlp_grpc_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_one_framed_message_of_a_call_of_the_signals_service),
        cmocka_unit_test(messages_may_be_compressed_and_say_so),
        cmocka_unit_test(each_status_is_tried_again_or_final_as_otlp_says),
        cmocka_unit_test(resource_exhausted_is_tried_again_where_the_receiver_says_when),
        cmocka_unit_test(a_partial_success_counts_what_was_refused),
        cmocka_unit_test(a_stream_that_is_reset_is_tried_again),
        cmocka_unit_test(what_is_larger_than_the_receiver_takes_is_halved),
        cmocka_unit_test(trailers_are_read_whatever_their_spelling),
        cmocka_unit_test(a_frame_that_is_broken_holds_nothing),
    };
    return cmocka_run_group_tests_name("otlp over grpc", tests, NULL, NULL);
}
