/* SPDX-License-Identifier: Apache-2.0 */
/* Spans are written field by field, one behind the other as a repeated field, so that no tree of a
 * span, let alone of a batch, is ever built. */
#include "exporters/spans.h"

#include <stdlib.h>

#include "exporters/otlp_write.h"
#include "exporters/proto/otlp.pb-c.h"
#include "exporters/request_attributes.h"
#include "exporters/stage_spans.h"
#include "exporters/words.h"
#include "rules/base/must.h"
#include "rules/base/number.h"

enum {
    EVENTS_MOST = 16,
    SCRATCH_BYTES = 1024 * 1024,
};

/* Numbers of fields. */
enum of_span {
    SPAN_TRACE_ID = 1,
    SPAN_SPAN_ID = 2,
    SPAN_TRACE_STATE = 3,
    SPAN_PARENT_ID = 4,
    SPAN_NAME = 5,
    SPAN_KIND = 6,
    SPAN_START = 7,
    SPAN_END = 8,
    SPAN_ATTRIBUTES = 9,
    SPAN_DROPPED_ATTRIBUTES = 10,
    SPAN_EVENTS = 11,
    SPAN_DROPPED_EVENTS = 12,
    SPAN_LINKS = 13,
    SPAN_DROPPED_LINKS = 14,
    SPAN_STATUS = 15,
    SPAN_FLAGS = 16,
};
enum of_event {
    EVENT_TIME = 1,
    EVENT_NAME = 2,
    EVENT_ATTRIBUTES = 3,
    EVENT_DROPPED_ATTRIBUTES = 4
};
enum of_link { LINK_TRACE_ID = 1, LINK_SPAN_ID = 2, LINK_FLAGS = 6 };
enum { STATUS_CODE = 3 };

struct span_maker {
    struct stage_spans *stage_spans;
    struct buf scratch; /* names */
    uint64_t told;      /* the stages of the present report that are spans */
    struct span_limits limits;
};

struct span_maker *span_maker_new(void)
{
    struct span_maker *maker = must_alloc(sizeof *maker);
    maker->stage_spans = stage_spans_new();
    buf_init(&maker->scratch, SCRATCH_BYTES);
    span_maker_limit(maker, &(const struct span_limits)NO_SPAN_LIMITS);
    return maker;
}

void span_maker_limit(struct span_maker *maker, const struct span_limits *limits)
{
    maker->limits = *limits;
    if (limits->events > EVENTS_MOST)
        maker->limits.events = EVENTS_MOST;
}

void span_maker_free(struct span_maker *maker)
{
    if (maker == NULL)
        return;
    stage_spans_free(maker->stage_spans);
    buf_fini(&maker->scratch);
    free(maker);
}

static bool is_zero(const uint8_t id[8])
{
    static const uint8_t zero[8];
    return memcmp(id, zero, sizeof zero) == 0;
}

/* METHOD /route, METHOD alone, HTTP where the method is unknown. */
static void put_name(struct span_maker *maker, struct buf *to, struct span method,
                     struct span route)
{
    struct span known = method_known(method);
    if (!span_is(known, method))
        known = SPAN("HTTP");
    if (route.len == 0) {
        otlp_put_text(to, SPAN_NAME, known);
        return;
    }
    buf_add(&maker->scratch, known);
    buf_add_byte(&maker->scratch, ' ');
    buf_add(&maker->scratch, route);
    otlp_put_text(to, SPAN_NAME, buf_span(&maker->scratch));
    buf_clear(&maker->scratch);
}

/* ---- what happened within the request ---- */

static size_t open_event(struct buf *to, uint64_t time, struct span name)
{
    size_t opened = otlp_open(to, SPAN_EVENTS);
    otlp_put_fixed64(to, EVENT_TIME, time);
    otlp_put_text(to, EVENT_NAME, name);
    return opened;
}

static void close_event(struct buf *to, const struct attributes *attributes, size_t opened)
{
    otlp_put_number(to, EVENT_DROPPED_ATTRIBUTES, attributes->dropped);
    otlp_close(to, opened);
}

static void put_match(const struct span_maker *maker, struct buf *to, const struct report *report,
                      const struct rule_match *match)
{
    uint64_t time = stage_end_nano(report, phase_stage(match->phase));
    size_t opened = open_event(to, time, SPAN("waf.rule_match"));
    struct attributes attributes = {
        .to = to, .field = EVENT_ATTRIBUTES, .limits = &maker->limits.of_events};
    match_attributes_add(&attributes, match);
    close_event(to, &attributes, opened);
}

static void put_decision(const struct span_maker *maker, struct buf *to,
                         const struct report *report, const struct report_decision *decision)
{
    uint64_t time = stage_end_nano(report, span_text(decision->stage));
    size_t opened = open_event(to, time, SPAN("sidegate.decision"));
    struct attributes attributes = {
        .to = to, .field = EVENT_ATTRIBUTES, .limits = &maker->limits.of_events};
    decision_attributes_add(&attributes, decision);
    close_event(to, &attributes, opened);
}

static void put_events(const struct span_maker *maker, struct buf *to, const struct report *report)
{
    size_t most = maker->limits.events, count = 0, all = report->decision_count;
    for (size_t i = 0; i < report->decision_count && count < most; i++, count++)
        put_decision(maker, to, report, &report->decisions[i]);
    for (size_t i = 0; i < report->waf.match_count; i++) {
        if (report->waf.matches[i].audit_only)
            continue;
        all++;
        if (count < most) {
            put_match(maker, to, report, &report->waf.matches[i]);
            count++;
        }
    }
    otlp_put_number(to, SPAN_DROPPED_EVENTS, all - count);
}

/* To the caller's trace, where it was not taken over. */
static void put_link(const struct span_maker *maker, struct buf *to, const struct report *report)
{
    if (!report->is_linked)
        return;
    if (maker->limits.links == 0) {
        otlp_put_number(to, SPAN_DROPPED_LINKS, 1);
        return;
    }
    size_t opened = otlp_open(to, SPAN_LINKS);
    otlp_put_bytes(to, LINK_TRACE_ID, report->link_trace_id, 16);
    otlp_put_bytes(to, LINK_SPAN_ID, report->link_span_id, is_zero(report->link_span_id) ? 0 : 8);
    otlp_put_fixed32(to, LINK_FLAGS, FLAG_HAS_IS_REMOTE | FLAG_IS_REMOTE);
    otlp_close(to, opened);
}

static void put_status(struct buf *to, bool error)
{
    if (!error)
        return;
    size_t opened = otlp_open(to, SPAN_STATUS);
    otlp_put_number(to, STATUS_CODE, OTLP__STATUS__STATUS_CODE__STATUS_CODE_ERROR);
    otlp_close(to, opened);
}

/* ---- spans ---- */

static void put_ids(struct buf *to, const struct report *report, const uint8_t id[8],
                    const uint8_t parent[8])
{
    otlp_put_bytes(to, SPAN_TRACE_ID, report->trace_id, 16);
    otlp_put_bytes(to, SPAN_SPAN_ID, id, 8);
    otlp_put_text(to, SPAN_TRACE_STATE, report->trace_state);
    otlp_put_bytes(to, SPAN_PARENT_ID, parent, is_zero(parent) ? 0 : 8);
}

static void put_kind_and_times(struct buf *to, Otlp__Span__SpanKind kind, struct period period)
{
    otlp_put_number(to, SPAN_KIND, kind);
    otlp_put_fixed64(to, SPAN_START, period.start);
    otlp_put_fixed64(to, SPAN_END, period.end);
}

static struct attributes attributes_of(const struct span_maker *maker, struct buf *to)
{
    return (struct attributes){.to = to, .field = SPAN_ATTRIBUTES, .limits = &maker->limits.own};
}

static void add_server(struct span_maker *maker, struct buf *to, const struct report *report)
{
    bool root = is_zero(report->parent_id);
    size_t opened = otlp_open(to, SCOPE_SPANS_SPANS);
    put_ids(to, report, report->span_id, report->parent_id);
    put_name(maker, to, report->method, report->route);
    put_kind_and_times(to, OTLP__SPAN__SPAN_KIND__SPAN_KIND_SERVER,
                       period_of(report, 0, report->duration_us));
    struct attributes attributes = attributes_of(maker, to);
    request_attributes_add(&attributes, report);
    verdict_attributes_add(&attributes, report);
    otlp_put_number(to, SPAN_DROPPED_ATTRIBUTES, attributes.dropped);
    put_events(maker, to, report);
    put_link(maker, to, report);
    put_status(to, report->status >= 500);
    otlp_put_fixed32(to, SPAN_FLAGS,
                     FLAG_SAMPLED | FLAG_HAS_IS_REMOTE | (root ? 0 : FLAG_IS_REMOTE));
    otlp_close(to, opened);
}

/* A CLIENT span up to its attributes. */
static size_t open_call(struct span_maker *maker, struct buf *to, const struct report *report,
                        const struct report_attempt *attempt, struct span method)
{
    uint8_t parent[8];
    size_t stage, opened = otlp_open(to, SCOPE_SPANS_SPANS);
    memcpy(parent, report->span_id, sizeof parent);
    if (stage_around(report, maker->told, attempt, &stage))
        stage_span_id(report->span_id, stage, parent);
    put_ids(to, report, attempt->span_id, parent);
    put_name(maker, to, method, SPAN(""));
    put_kind_and_times(to, OTLP__SPAN__SPAN_KIND__SPAN_KIND_CLIENT,
                       period_of(report, attempt->start_us, attempt->duration_us));
    return opened;
}

static void close_call(struct buf *to, const struct report_attempt *attempt,
                       const struct attributes *attributes, size_t opened)
{
    otlp_put_number(to, SPAN_DROPPED_ATTRIBUTES, attributes->dropped);
    put_status(to, attempt->error.len > 0 || attempt->status >= 400);
    otlp_put_fixed32(to, SPAN_FLAGS, FLAG_SAMPLED | FLAG_HAS_IS_REMOTE);
    otlp_close(to, opened);
}

static void add_peer(struct attributes *to, struct span address)
{
    struct span host, port;
    uint64_t port_number = 0;
    address_split(address, &host, &port);
    number_parse(port, &port_number);
    attribute_text(to, SPAN("server.address"), host);
    attribute_number(to, SPAN("server.port"), port_number);
}

static void add_answer(struct attributes *to, const struct report_attempt *attempt)
{
    char digits[24];
    attribute_number(to, SPAN("http.response.status_code"), attempt->status);
    attribute_text(to, SPAN("error.type"),
                   error_type(attempt->error, attempt->status, 400, digits));
}

static void add_client(struct span_maker *maker, struct buf *to, const struct report *report,
                       size_t i)
{
    const struct report_attempt *attempt = &report->attempts[i];
    size_t opened = open_call(maker, to, report, attempt, report->method);
    struct attributes attributes = attributes_of(maker, to);
    method_attributes_add(&attributes, report->method);
    add_peer(&attributes, attempt->address);
    const struct span full[] = {attempt->tls ? SPAN("https://") : SPAN("http://"), attempt->address,
                                report->path, report->query.len > 0 ? SPAN("?") : SPAN(""),
                                report->query};
    attribute_pieces(&attributes, SPAN("url.full"), full, sizeof full / sizeof *full);
    add_answer(&attributes, attempt);
    attribute_number(&attributes, SPAN("http.request.resend_count"), i);
    attribute_number(&attributes, SPAN("sidegate.connect_us"), attempt->connect_us);
    close_call(to, attempt, &attributes, opened);
}

/* The question to an authorizer elsewhere. What it was about is the SERVER span's; its URL may name
 * more than a log should. */
static void add_authorizer(struct span_maker *maker, struct buf *to, const struct report *report)
{
    const struct report_attempt *call = &report->authorizer.call;
    size_t opened = open_call(maker, to, report, call, SPAN("POST"));
    struct attributes attributes = attributes_of(maker, to);
    attribute_text(&attributes, SPAN("http.request.method"), SPAN("POST"));
    add_peer(&attributes, call->address);
    attribute_text(&attributes, SPAN("sidegate.authorizer"), report->authorizer.name);
    attribute_text(&attributes, SPAN("sidegate.decision"), span_text(report->authorizer.word));
    add_answer(&attributes, call);
    close_call(to, call, &attributes, opened);
}

unsigned spans_add(struct span_maker *maker, struct buf *to, const struct report *report)
{
    maker->told = stages_told(report);
    add_server(maker, to, report);
    size_t stages = stage_spans_add(maker->stage_spans, to, report, maker->told);
    size_t attempts =
        report->attempt_count < REPORT_ATTEMPTS ? report->attempt_count : REPORT_ATTEMPTS;
    if (report->authorizer.is_called)
        add_authorizer(maker, to, report);
    for (size_t i = 0; i < attempts; i++)
        add_client(maker, to, report, i);
    return (unsigned)(1 + stages + report->authorizer.is_called + attempts);
}
