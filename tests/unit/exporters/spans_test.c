/* SPDX-License-Identifier: Apache-2.0 */
/* Spans as a receiver reads them. */
#include "exporters/spans.h"

#include <stdlib.h>

#include "exporters/destinations.h"
#include "exporters/proto/otlp.pb-c.h"
#include "exporters/sanitise.h"
#include "exporters/stage_spans.h"
#include "rules/base/arena.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

struct fixture {
    struct span_maker *maker;
    struct buf bytes;
    Otlp__ScopeSpans *read;
};

/* Makes the spans of both reports one behind the other, and reads them as one message. */
static struct fixture make(const struct report *first, const struct report *second)
{
    struct fixture f = {.maker = span_maker_new()};
    buf_init(&f.bytes, (size_t)1 << 20);
    unsigned spans = spans_add(f.maker, &f.bytes, first);
    spans += second != NULL ? spans_add(f.maker, &f.bytes, second) : 0;
    check(!buf_is_full(&f.bytes));
    f.read = otlp__scope_spans__unpack(NULL, f.bytes.len, (const uint8_t *)f.bytes.at);
    check(f.read != NULL);
    check_number(f.read->n_spans, spans);
    return f;
}

static void drop(struct fixture *f)
{
    otlp__scope_spans__free_unpacked(f->read, NULL);
    buf_fini(&f->bytes);
    span_maker_free(f->maker);
}

static const Otlp__AnyValue *find(const Otlp__Span *span, const char *key)
{
    for (size_t i = 0; i < span->n_attributes; i++) {
        if (strcmp(span->attributes[i]->key, key) == 0)
            return span->attributes[i]->value;
    }
    return NULL;
}

static const char *text(const Otlp__Span *span, const char *key)
{
    const Otlp__AnyValue *value = find(span, key);
    if (value == NULL)
        return "(none)";
    check_number(value->value_case, OTLP__ANY_VALUE__VALUE_STRING_VALUE);
    return value->string_value;
}

static int64_t number(const Otlp__Span *span, const char *key)
{
    const Otlp__AnyValue *value = find(span, key);
    if (value == NULL)
        return -1;
    check_number(value->value_case, OTLP__ANY_VALUE__VALUE_INT_VALUE);
    return value->int_value;
}

static bool same_id(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

TEST(the_server_span_says_what_the_conventions_ask_for)
{
    struct report report = sample_report();
    struct fixture f = make(&report, NULL);
    const Otlp__Span *span = f.read->spans[0];
    assert_string_equal(span->name, "GET /orders/{id}");
    check_number(span->kind, OTLP__SPAN__SPAN_KIND__SPAN_KIND_SERVER);
    check_number(span->trace_id.len, 16);
    check_number(span->trace_id.data[0], 0x4b);
    check_number(span->parent_span_id.len, 8);
    check_number(span->flags, 0x301);
    assert_string_equal(span->trace_state, "vendor=1");
    check(span->start_time_unix_nano == UINT64_C(1795254000123456000));
    check(span->end_time_unix_nano - span->start_time_unix_nano == 1000000);
    assert_string_equal(text(span, "http.request.method"), "GET");
    assert_string_equal(text(span, "url.path"), "/orders/7");
    assert_string_equal(text(span, "url.query"), "q=1");
    assert_string_equal(text(span, "url.scheme"), "https");
    assert_string_equal(text(span, "http.route"), "/orders/{id}");
    assert_string_equal(text(span, "client.address"), "203.0.113.9");
    assert_string_equal(text(span, "network.peer.address"), "10.0.0.1");
    assert_string_equal(text(span, "network.protocol.version"), "1.1");
    assert_string_equal(text(span, "tls.protocol.version"), "1.3");
    assert_string_equal(text(span, "tls.cipher"), "TLS_AES_128_GCM_SHA256");
    assert_string_equal(text(span, "tls.client.server_name"), "shop.example");
    assert_string_equal(text(span, "tls.client.subject"), "CN=till");
    assert_string_equal(text(span, "user_agent.original"), "curl/7.88.1");
    assert_string_equal(text(span, "waf.action"), "pass");
    check_number(number(span, "http.response.status_code"), 200);
    check_number(number(span, "server.port"), 8443);
    check_number(number(span, "network.peer.port"), 40000);
    check(find(span, "error.type") == NULL);
    check(span->status == NULL);
    drop(&f);
}

TEST(children_nest_within_their_parents_and_stages_sum_to_the_whole)
{
    struct report report = sample_report();
    struct fixture f = make(&report, NULL);
    const Otlp__Span *server = f.read->spans[0];
    uint64_t stages_ns = 0;
    check_number(f.read->n_spans, 6);
    for (size_t i = 1; i < f.read->n_spans; i++) {
        const Otlp__Span *span = f.read->spans[i], *parent = NULL;
        check(same_id(span->trace_id, server->trace_id));
        for (size_t j = 0; j < f.read->n_spans; j++) {
            if (same_id(f.read->spans[j]->span_id, span->parent_span_id))
                parent = f.read->spans[j];
            check(i == j || !same_id(f.read->spans[j]->span_id, span->span_id));
        }
        check(parent != NULL && parent != span);
        check(span->start_time_unix_nano >= parent->start_time_unix_nano);
        check(span->end_time_unix_nano <= parent->end_time_unix_nano);
        if (span->kind == OTLP__SPAN__SPAN_KIND__SPAN_KIND_INTERNAL)
            stages_ns += span->end_time_unix_nano - span->start_time_unix_nano;
    }
    check(stages_ns == server->end_time_unix_nano - server->start_time_unix_nano);
    drop(&f);
}

TEST(attempts_are_client_spans_inside_the_stage_that_holds_them)
{
    struct report report = sample_report();
    struct fixture f = make(&report, NULL);
    const Otlp__Span *await = f.read->spans[2], *failed = f.read->spans[4];
    const Otlp__Span *second = f.read->spans[5];
    assert_string_equal(await->name, "await_answer");
    assert_string_equal(failed->name, "GET");
    check_number(failed->kind, OTLP__SPAN__SPAN_KIND__SPAN_KIND_CLIENT);
    check(same_id(failed->parent_span_id, await->span_id));
    check_number(failed->span_id.data[0], 1);
    assert_string_equal(text(failed, "error.type"), "connection_refused");
    assert_string_equal(text(failed, "server.address"), "127.0.0.1");
    check_number(number(failed, "server.port"), 3000);
    check_number(failed->status->code, OTLP__STATUS__STATUS_CODE__STATUS_CODE_ERROR);
    check(same_id(second->parent_span_id, await->span_id));
    assert_string_equal(text(second, "url.full"), "http://127.0.0.1:3001/orders/7?q=1");
    check_number(number(second, "http.request.resend_count"), 1);
    check_number(number(second, "http.response.status_code"), 200);
    check(second->status == NULL);
    drop(&f);
}

TEST(the_call_to_an_authorizer_is_a_client_span_and_names_no_path)
{
    struct report report = sample_report();
    report.authorizer.name = SPAN("custom");
    report.authorizer.word = "block";
    report.authorizer.is_called = true;
    report.authorizer.call = (struct report_attempt){.address = SPAN("127.0.0.1:9001"),
                                                     .start_us = report.stages[0].start_us,
                                                     .status = 500,
                                                     .error = SPAN("bad_status"),
                                                     .span_id = {9}};
    struct fixture f = make(&report, NULL);
    const Otlp__Span *call = f.read->spans[4];
    assert_string_equal(call->name, "POST");
    check_number(call->kind, OTLP__SPAN__SPAN_KIND__SPAN_KIND_CLIENT);
    check(same_id(call->parent_span_id, f.read->spans[1]->span_id));
    check_number(call->span_id.data[0], 9);
    assert_string_equal(text(call, "sidegate.authorizer"), "custom");
    assert_string_equal(text(call, "error.type"), "bad_status");
    check_number(number(call, "server.port"), 9001);
    check_number(number(call, "http.response.status_code"), 500);
    check_number(call->status->code, OTLP__STATUS__STATUS_CODE__STATUS_CODE_ERROR);
    drop(&f);
}

TEST(an_attempt_longer_than_any_stage_is_the_servers_own_child)
{
    struct report report = sample_report();
    report.attempts[1].duration_us = 5000; /* beyond the whole: cut at its end */
    struct fixture f = make(&report, NULL);
    const Otlp__Span *server = f.read->spans[0], *second = f.read->spans[5];
    check(same_id(second->parent_span_id, server->span_id));
    check(second->end_time_unix_nano == server->end_time_unix_nano);
    drop(&f);
}

static const struct report_stage with_idle_ones[] = {{SPAN_INIT("read_head"), 0, 90},
                                                     {SPAN_INIT("connect"), 90, 91},
                                                     {SPAN_INIT("await_answer"), 181, 900},
                                                     {SPAN_INIT("respond"), 1081, 9}};

TEST(stages_under_a_hundredth_are_no_spans_until_a_sixty_fourth_is_left_out)
{
    struct report report = sample_report();
    report.duration_us = 10000;
    report.stages = with_idle_ones;
    report.stage_count = 4;
    report.attempts[0].start_us = 1081; /* in respond, which is none */
    report.attempts[0].duration_us = 0;
    struct fixture f = make(&report, NULL);
    check_number(f.read->n_spans, 1 + 2 + 2);
    check_number(report_units(&report, DESTINATION_TRACES), 1 + 2 + 2);
    assert_string_equal(f.read->spans[1]->name, "connect");
    assert_string_equal(f.read->spans[2]->name, "await_answer");
    check(same_id(f.read->spans[3]->parent_span_id, f.read->spans[2]->span_id));
    drop(&f);
    static const struct report_stage brief[] = {{SPAN_INIT("match"), 0, 1},
                                                {SPAN_INIT("respond"), 1, 2}};
    report.duration_us = 199;
    report.stages = brief;
    report.stage_count = 2;
    check_number(stages_told(&report), 1U << 1); /* 1 of 199 is less than a hundredth */
}

TEST(an_attempt_that_took_no_time_lasts_a_nanosecond_inside_its_parent)
{
    struct report report = sample_report();
    report.duration_us = 10000;
    report.stages = with_idle_ones;
    report.stage_count = 4;
    report.attempts[0].start_us = 181; /* where connect ends and await_answer begins */
    report.attempts[0].duration_us = 0;
    struct fixture f = make(&report, NULL);
    const Otlp__Span *server = f.read->spans[0], *await = f.read->spans[2];
    const Otlp__Span *attempt = f.read->spans[3];
    for (size_t i = 1; i < f.read->n_spans; i++) {
        const Otlp__Span *span = f.read->spans[i];
        check(span->start_time_unix_nano < span->end_time_unix_nano);
        check(span->start_time_unix_nano >= server->start_time_unix_nano);
        check(span->end_time_unix_nano <= server->end_time_unix_nano);
    }
    check(attempt->end_time_unix_nano - attempt->start_time_unix_nano == 1);
    check(same_id(attempt->parent_span_id, await->span_id));
    drop(&f);
    report.duration_us = 0;
    f = make(&report, NULL);
    server = f.read->spans[0];
    check(server->end_time_unix_nano - server->start_time_unix_nano == 1);
    drop(&f);
}

TEST(a_block_is_no_error_but_says_everything)
{
    struct report report = sample_report();
    report.waf.action = WAF_BLOCK;
    report.status = 403;
    report.error = SPAN("waf_blocked");
    struct fixture f = make(&report, NULL);
    const Otlp__Span *span = f.read->spans[0];
    check(span->status == NULL);
    assert_string_equal(text(span, "waf.action"), "block");
    assert_string_equal(text(span, "error.type"), "waf_blocked");
    check_number(number(span, "waf.score.inbound"), 5);
    check_number(number(span, "waf.rule_id"), 949110);
    const Otlp__AnyValue *ids = find(span, "waf.rule_ids");
    check(ids != NULL && ids->value_case == OTLP__ANY_VALUE__VALUE_ARRAY_VALUE);
    check_number(ids->array_value->n_values, 2);
    check_number(ids->array_value->values[0]->int_value, 942100);
    check_number(span->n_events, 3);
    assert_string_equal(span->events[0]->name, "sidegate.decision");
    assert_string_equal(span->events[1]->name, "waf.rule_match");
    check(span->events[0]->time_unix_nano >= span->start_time_unix_nano);
    check(span->events[0]->time_unix_nano <= span->end_time_unix_nano);
    drop(&f);
}

TEST(a_5xx_is_an_error_of_the_server)
{
    struct report report = plain_report();
    report.status = 502;
    report.parent_id[7] = 0;
    struct fixture f = make(&report, NULL);
    const Otlp__Span *span = f.read->spans[0];
    check_number(span->status->code, OTLP__STATUS__STATUS_CODE__STATUS_CODE_ERROR);
    assert_string_equal(text(span, "error.type"), "502");
    check_number(span->parent_span_id.len, 0);
    check_number(span->flags, 0x101);
    drop(&f);
}

TEST(sixteen_events_and_then_a_count)
{
    struct report report = sample_report();
    struct rule_match matches[20];
    for (size_t i = 0; i < 20; i++)
        matches[i] = report.waf.matches[0];
    report.waf.matches = matches;
    report.waf.match_count = 20;
    struct fixture f = make(&report, NULL);
    check_number(f.read->spans[0]->n_events, 16);
    check_number(f.read->spans[0]->dropped_events_count, 5);
    drop(&f);
}

TEST(unknown_methods_and_missing_routes_have_their_names)
{
    struct report report = plain_report();
    report.method = SPAN("BREW");
    report.route = SPAN("");
    struct fixture f = make(&report, NULL);
    assert_string_equal(f.read->spans[0]->name, "HTTP");
    assert_string_equal(text(f.read->spans[0], "http.request.method"), "_OTHER");
    assert_string_equal(text(f.read->spans[0], "http.request.method_original"), "BREW");
    drop(&f);
}

TEST(texts_are_valid_utf8_and_secrets_are_masked)
{
    struct report report = sample_report();
    char every[256];
    for (size_t i = 0; i < sizeof every; i++)
        every[i] = (char)i;
    report.path = report.user_agent = report.route = report.method = span_make(every, sizeof every);
    report.trace_state = report.request_id = span_make(every, sizeof every);
    report.query = SPAN("token=abc&x=\xff");
    struct arena *arena = arena_new(NULL, 1 << 16);
    report_sanitise(&report, NULL, 0, arena);
    struct fixture f = make(&report, NULL);
    for (size_t i = 0; i < f.read->n_spans; i++) {
        const Otlp__Span *span = f.read->spans[i];
        check(utf8_is_valid(span_text(span->name)));
        check(utf8_is_valid(span_text(span->trace_state)));
        for (size_t j = 0; j < span->n_attributes; j++) {
            const Otlp__AnyValue *value = span->attributes[j]->value;
            if (value->value_case == OTLP__ANY_VALUE__VALUE_STRING_VALUE)
                check(utf8_is_valid(span_text(value->string_value)));
        }
    }
    assert_string_equal(text(f.read->spans[0], "url.query"), "token=REDACTED&x=\xef\xbf\xbd");
    check_number(strlen(text(f.read->spans[0], "url.path")), 128 + 3 * 128 + 2);
    drop(&f);
    arena_free(arena);
}

TEST(runs_of_spans_may_be_put_one_behind_the_other)
{
    struct report first = sample_report(), second = plain_report();
    second.status = 404;
    struct fixture f = make(&first, &second);
    check_number(f.read->n_spans, 7);
    check_number(number(f.read->spans[6], "http.response.status_code"), 404);
    check(f.read->spans[6]->status == NULL);
    drop(&f);
}

TEST(beyond_its_limits_a_span_says_less_and_how_much_less)
{
    struct report report = sample_report();
    struct fixture f = {.maker = span_maker_new()};
    const struct span_limits limits = {
        .own = {.length = 3, .most = 4}, .of_events = {.length = 2, .most = 1}, .events = 1};
    report.is_linked = true;
    report.method = SPAN("GET");
    report.scheme = SPAN("h\xc3\xa4\xc3\xa4ps"); /* cut between characters, not bytes */
    buf_init(&f.bytes, (size_t)1 << 20);
    span_maker_limit(f.maker, &limits);
    check_number(spans_add(f.maker, &f.bytes, &report), 6);
    span_maker_limit(f.maker, &(const struct span_limits)NO_SPAN_LIMITS);
    check_number(spans_add(f.maker, &f.bytes, &report), 6);
    f.read = otlp__scope_spans__unpack(NULL, f.bytes.len, (const uint8_t *)f.bytes.at);
    check(f.read != NULL);
    const Otlp__Span *less = f.read->spans[0], *all = f.read->spans[6];
    check_number(less->n_attributes, 4);
    check_number(less->dropped_attributes_count, all->n_attributes - 4);
    check_number(all->dropped_attributes_count, 0);
    assert_string_equal(text(less, "url.scheme"), "h\xc3\xa4\xc3\xa4");
    assert_string_equal(text(less, "http.request.method"), "GET");
    check_number(less->n_links, 0);
    check_number(less->dropped_links_count, 1);
    check_number(all->n_links, 1);
    check(all->n_events > 1);
    check_number(less->n_events, 1);
    check_number(less->dropped_events_count, all->n_events - 1);
    check_number(less->events[0]->n_attributes, 1);
    check_number(less->events[0]->dropped_attributes_count, all->events[0]->n_attributes - 1);
    drop(&f);
}

TEST(without_memory_spans_lack_texts_but_not_their_shape)
{
    struct report report = sample_report();
    char large[6000];
    memset(large, 'a', sizeof large);
    report.path = report.user_agent = span_make(large, sizeof large);
    struct fixture f = {.maker = span_maker_new()};
    for (unsigned n = 1; n < 6; n++) {
        buf_init(&f.bytes, (size_t)1 << 20);
        arena_fail_nth(n);
        check_number(spans_add(f.maker, &f.bytes, &report), 6);
        arena_fail_nth(0);
        f.read = otlp__scope_spans__unpack(NULL, f.bytes.len, (const uint8_t *)f.bytes.at);
        check(f.read != NULL);
        check_number(f.read->n_spans, 6);
        otlp__scope_spans__free_unpacked(f.read, NULL);
        buf_fini(&f.bytes);
    }
    span_maker_free(f.maker);
}

int spans_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_span_says_what_the_conventions_ask_for),
        cmocka_unit_test(children_nest_within_their_parents_and_stages_sum_to_the_whole),
        cmocka_unit_test(attempts_are_client_spans_inside_the_stage_that_holds_them),
        cmocka_unit_test(the_call_to_an_authorizer_is_a_client_span_and_names_no_path),
        cmocka_unit_test(an_attempt_longer_than_any_stage_is_the_servers_own_child),
        cmocka_unit_test(stages_under_a_hundredth_are_no_spans_until_a_sixty_fourth_is_left_out),
        cmocka_unit_test(an_attempt_that_took_no_time_lasts_a_nanosecond_inside_its_parent),
        cmocka_unit_test(a_block_is_no_error_but_says_everything),
        cmocka_unit_test(a_5xx_is_an_error_of_the_server),
        cmocka_unit_test(sixteen_events_and_then_a_count),
        cmocka_unit_test(unknown_methods_and_missing_routes_have_their_names),
        cmocka_unit_test(texts_are_valid_utf8_and_secrets_are_masked),
        cmocka_unit_test(runs_of_spans_may_be_put_one_behind_the_other),
        cmocka_unit_test(beyond_its_limits_a_span_says_less_and_how_much_less),
        cmocka_unit_test(without_memory_spans_lack_texts_but_not_their_shape),
    };
    return cmocka_run_group_tests_name("spans", tests, NULL, NULL);
}
