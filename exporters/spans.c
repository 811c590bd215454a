/* SPDX-License-Identifier: Apache-2.0 */
/* Each span is packed by itself and laid behind the others as a repeated field, so that no tree of
 * a whole batch is ever built. */
#include "exporters/spans.h"

#include <stdlib.h>

#include "exporters/attributes.h"
#include "exporters/mask.h"
#include "exporters/request_attributes.h"
#include "exporters/span_pack.h"
#include "exporters/stage_spans.h"
#include "exporters/words.h"
#include "rules/base/must.h"
#include "rules/base/number.h"

enum {
    EVENTS_MOST = 16,
    TEXT_BYTES = 1024 * 1024, /* of one request's texts */
    KEEP_CHUNKS = 16,
    PACKED_BYTES = 16 * 1024, /* of a span without the texts in the arena */
};

struct span_maker {
    struct stage_spans *stage_spans;
    struct arena_chunks *chunks;
    struct arena *arena;
    struct buf scratch; /* masked queries */
    struct attributes attributes;
    struct rule_ids rule_ids;
    struct attributes of_events[EVENTS_MOST];
    Otlp__Span__Event events[EVENTS_MOST], *event_list[EVENTS_MOST];
    Otlp__Status status;
    struct span_limits limits;
};

struct span_maker *span_maker_new(void)
{
    struct span_maker *maker = must_alloc(sizeof *maker);
    maker->stage_spans = stage_spans_new();
    maker->chunks = arena_chunks_new(KEEP_CHUNKS);
    maker->arena = arena_new(maker->chunks, TEXT_BYTES);
    must(maker->arena != NULL);
    buf_init(&maker->scratch, TEXT_BYTES);
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
    arena_free(maker->arena);
    arena_chunks_free(maker->chunks);
    buf_fini(&maker->scratch);
    free(maker);
}

static ProtobufCBinaryData id_data(uint8_t *id, size_t len)
{
    return (ProtobufCBinaryData){len, id};
}

static bool is_zero(const uint8_t id[8])
{
    static const uint8_t zero[8];
    return memcmp(id, zero, sizeof zero) == 0;
}

static void set_times(Otlp__Span *span, struct period period)
{
    span->start_time_unix_nano = period.start;
    span->end_time_unix_nano = period.end;
}

/* Keys, numbers and ids are within PACKED_BYTES by their counts; all other texts lie in the arena,
 * so that the span need not be measured before it is packed. */
static void add_span(struct span_maker *maker, struct buf *to, const Otlp__Span *span)
{
    size_t longest = PACKED_BYTES + arena_used(maker->arena);
    uint8_t *room = span_room(to, longest);
    if (room == NULL)
        return;
    size_t len = span_pack(span, room + longest);
    must(len <= longest);
    memmove(room, room + longest - len, len);
    span_done(to, room, len);
}

/* METHOD /route, METHOD alone, HTTP where the method is unknown. */
static struct span span_name(struct span_maker *maker, struct span method, struct span route)
{
    struct span known = method_known(method);
    if (!span_is(known, method))
        known = SPAN("HTTP");
    if (route.len == 0)
        return known;
    return arena_join(maker->arena, (const struct span[]){known, SPAN(" "), route}, 3);
}

static void set_match(struct span_maker *maker, size_t i, const struct report *report,
                      const struct rule_match *match)
{
    struct attributes *to = &maker->of_events[i];
    Otlp__Span__Event *event = &maker->events[i];
    attributes_begin(to, maker->arena, &maker->limits.of_events);
    match_attributes_add(to, match);
    otlp__span__event__init(event);
    event->time_unix_nano = stage_end_nano(report, phase_stage(match->phase));
    event->name = otlp_lend("waf.rule_match");
    event->n_attributes = to->count;
    event->attributes = to->list;
    event->dropped_attributes_count = to->dropped;
    maker->event_list[i] = event;
}

static void set_decision(struct span_maker *maker, size_t i, const struct report *report,
                         const struct report_decision *decision)
{
    struct attributes *to = &maker->of_events[i];
    Otlp__Span__Event *event = &maker->events[i];
    attributes_begin(to, maker->arena, &maker->limits.of_events);
    decision_attributes_add(to, decision);
    otlp__span__event__init(event);
    event->time_unix_nano = stage_end_nano(report, span_text(decision->stage));
    event->name = otlp_lend("sidegate.decision");
    event->n_attributes = to->count;
    event->attributes = to->list;
    event->dropped_attributes_count = to->dropped;
    maker->event_list[i] = event;
}

static void add_events(struct span_maker *maker, Otlp__Span *span, const struct report *report)
{
    size_t count = 0, all = report->decision_count;
    for (size_t i = 0; i < report->decision_count && count < maker->limits.events; i++, count++)
        set_decision(maker, count, report, &report->decisions[i]);
    for (size_t i = 0; i < report->waf.match_count; i++) {
        if (report->waf.matches[i].audit_only)
            continue;
        if (count < maker->limits.events)
            set_match(maker, count++, report, &report->waf.matches[i]);
        all++;
    }
    span->n_events = count;
    span->events = maker->event_list;
    span->dropped_events_count = (uint32_t)(all - count);
}

static void set_status(struct span_maker *maker, Otlp__Span *span, bool error)
{
    if (!error)
        return;
    otlp__status__init(&maker->status);
    maker->status.code = OTLP__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
    span->status = &maker->status;
}

/* To the caller's trace, where it was not taken over. */
static void set_link(const struct span_maker *maker, Otlp__Span *span, Otlp__Span__Link *link,
                     Otlp__Span__Link **list, struct report *report)
{
    span->dropped_links_count = report->is_linked && maker->limits.links == 0;
    if (!report->is_linked || maker->limits.links == 0)
        return;
    otlp__span__link__init(link);
    link->trace_id = id_data(report->link_trace_id, 16);
    link->span_id = id_data(report->link_span_id, is_zero(report->link_span_id) ? 0 : 8);
    link->flags = FLAG_HAS_IS_REMOTE | FLAG_IS_REMOTE;
    *list = link;
    span->n_links = 1;
    span->links = list;
}

static void add_server(struct span_maker *maker, struct buf *to, struct report *report)
{
    Otlp__Span__Link link, *links[1];
    Otlp__Span span;
    otlp__span__init(&span);
    bool root = is_zero(report->parent_id);
    span.trace_id = id_data(report->trace_id, 16);
    span.span_id = id_data(report->span_id, 8);
    span.parent_span_id = id_data(report->parent_id, root ? 0 : 8);
    span.trace_state = otlp_text(maker->arena, report->trace_state);
    span.flags = FLAG_SAMPLED | FLAG_HAS_IS_REMOTE | (root ? 0 : FLAG_IS_REMOTE);
    span.name = otlp_text(maker->arena, span_name(maker, report->method, report->route));
    span.kind = OTLP__SPAN__SPAN_KIND__SPAN_KIND_SERVER;
    set_times(&span, period_of(report, 0, report->duration_us));
    attributes_begin(&maker->attributes, maker->arena, &maker->limits.own);
    request_attributes_add(&maker->attributes, report, &maker->scratch);
    verdict_attributes_add(&maker->attributes, &maker->rule_ids, report);
    span.n_attributes = maker->attributes.count;
    span.attributes = maker->attributes.list;
    span.dropped_attributes_count = maker->attributes.dropped;
    add_events(maker, &span, report);
    set_link(maker, &span, &link, links, report);
    set_status(maker, &span, report->status >= 500);
    add_span(maker, to, &span);
}

static void add_client_attributes(struct span_maker *maker, const struct report *report, size_t i)
{
    const struct report_attempt *attempt = &report->attempts[i];
    struct attributes *to = &maker->attributes;
    struct span host, port, query = query_masked(report->query, &maker->scratch);
    uint64_t port_number = 0;
    char digits[24];
    attributes_begin(to, maker->arena, &maker->limits.own);
    method_attributes_add(to, report->method);
    address_split(attempt->address, &host, &port);
    number_parse(port, &port_number);
    attribute_text(to, "server.address", host);
    attribute_number(to, "server.port", port_number);
    const struct span full[] = {attempt->tls ? SPAN("https://") : SPAN("http://"), attempt->address,
                                report->path, query.len > 0 ? SPAN("?") : SPAN(""), query};
    attribute_text(to, "url.full", arena_join(maker->arena, full, sizeof full / sizeof *full));
    buf_clear(&maker->scratch);
    attribute_number(to, "http.response.status_code", attempt->status);
    attribute_text(to, "error.type", error_type(attempt->error, attempt->status, 400, digits));
    attribute_number(to, "http.request.resend_count", i);
    attribute_number(to, "sidegate.connect_us", attempt->connect_us);
}

/* A CLIENT span out of the attributes that lie ready. */
static void add_call(struct span_maker *maker, struct buf *to, struct report *report,
                     struct report_attempt *attempt, struct span name)
{
    Otlp__Span span;
    otlp__span__init(&span);
    uint8_t parent[8];
    size_t stage;
    memcpy(parent, report->span_id, sizeof parent);
    if (stage_around(report, attempt, &stage))
        stage_span_id(report->span_id, stage, parent);
    span.trace_id = id_data(report->trace_id, 16);
    span.span_id = id_data(attempt->span_id, 8);
    span.parent_span_id = id_data(parent, 8);
    span.trace_state = otlp_text(maker->arena, report->trace_state);
    span.flags = FLAG_SAMPLED | FLAG_HAS_IS_REMOTE;
    span.name = otlp_text(maker->arena, name);
    span.kind = OTLP__SPAN__SPAN_KIND__SPAN_KIND_CLIENT;
    set_times(&span, period_of(report, attempt->start_us, attempt->duration_us));
    span.n_attributes = maker->attributes.count;
    span.attributes = maker->attributes.list;
    span.dropped_attributes_count = maker->attributes.dropped;
    set_status(maker, &span, attempt->error.len > 0 || attempt->status >= 400);
    add_span(maker, to, &span);
}

static void add_client(struct span_maker *maker, struct buf *to, struct report *report, size_t i)
{
    add_client_attributes(maker, report, i);
    add_call(maker, to, report, &report->attempts[i], span_name(maker, report->method, SPAN("")));
}

/* The question to an authorizer elsewhere. What it was about is the SERVER span's; its URL may name
 * more than a log should. */
static void add_authorizer(struct span_maker *maker, struct buf *to, struct report *report)
{
    struct report_attempt *call = &report->authorizer.call;
    struct attributes *attributes = &maker->attributes;
    struct span host, port;
    uint64_t port_number = 0;
    char digits[24];
    attributes_begin(attributes, maker->arena, &maker->limits.own);
    attribute_text(attributes, "http.request.method", SPAN("POST"));
    address_split(call->address, &host, &port);
    number_parse(port, &port_number);
    attribute_text(attributes, "server.address", host);
    attribute_number(attributes, "server.port", port_number);
    attribute_text(attributes, "sidegate.authorizer", report->authorizer.name);
    attribute_text(attributes, "sidegate.decision", span_text(report->authorizer.word));
    attribute_number(attributes, "http.response.status_code", call->status);
    attribute_text(attributes, "error.type", error_type(call->error, call->status, 400, digits));
    add_call(maker, to, report, call, SPAN("POST"));
}

unsigned spans_add(struct span_maker *maker, struct buf *to, const struct report *report)
{
    struct report own = *report; /* protobuf-c wants its bytes writable */
    arena_reset(maker->arena);
    add_server(maker, to, &own);
    stage_spans_add(maker->stage_spans, to, report);
    size_t attempts = own.attempt_count < REPORT_ATTEMPTS ? own.attempt_count : REPORT_ATTEMPTS;
    if (own.authorizer.is_called)
        add_authorizer(maker, to, &own);
    for (size_t i = 0; i < attempts; i++)
        add_client(maker, to, &own, i);
    return (unsigned)(1 + own.stage_count + own.authorizer.is_called + attempts);
}
