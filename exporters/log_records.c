/* SPDX-License-Identifier: Apache-2.0 */
/* Log records, packed one by one. */
#include "exporters/log_records.h"

#include <stdlib.h>
#include <string.h>

#include "exporters/mask.h"
#include "exporters/otlp_fields.h"
#include "exporters/record.h"
#include "exporters/request_attributes.h"
#include "exporters/words.h"
#include "rules/base/must.h"
#include "rules/base/number.h"

enum {
    LOG_RECORDS_FIELD = 2, /* of ScopeLogs */
    TEXT_BYTES = 1024 * 1024,
    KEEP_CHUNKS = 16,
    FLAG_SAMPLED = 1,
};

struct log_maker {
    struct arena_chunks *chunks;
    struct arena *arena;
    struct buf scratch; /* masked queries */
    struct attributes attributes;
    struct attribute_limits limits;
    struct rule_ids rule_ids;
    uint8_t trace_id[16], span_id[8];
};

struct log_maker *log_maker_new(void)
{
    struct log_maker *maker = must_alloc(sizeof *maker);
    maker->chunks = arena_chunks_new(KEEP_CHUNKS);
    maker->arena = arena_new(maker->chunks, TEXT_BYTES);
    must(maker->arena != NULL);
    buf_init(&maker->scratch, TEXT_BYTES);
    log_maker_limit(maker, &(const struct attribute_limits)NO_ATTRIBUTE_LIMITS);
    return maker;
}

void log_maker_limit(struct log_maker *maker, const struct attribute_limits *limits)
{
    maker->limits = *limits;
}

void log_maker_free(struct log_maker *maker)
{
    if (maker == NULL)
        return;
    arena_free(maker->arena);
    arena_chunks_free(maker->chunks);
    buf_fini(&maker->scratch);
    free(maker);
}

enum severity { SEVERITY_INFO, SEVERITY_WARN, SEVERITY_ERROR };

/* What a record is about, beside the attributes that lie ready. */
struct happening {
    const char *name; /* of the event */
    enum severity severity;
    uint64_t time_nano, seen_nano;
    struct span body;
};

static bool is_zero(const uint8_t *id, size_t len)
{
    static const uint8_t zero[16];
    return memcmp(id, zero, len) == 0;
}

static void set_ids(struct log_maker *maker, Otlp__LogRecord *to, const struct report *report)
{
    memcpy(maker->trace_id, report->trace_id, sizeof maker->trace_id);
    memcpy(maker->span_id, report->span_id, sizeof maker->span_id);
    to->trace_id = (ProtobufCBinaryData){is_zero(maker->trace_id, 16) ? 0 : 16, maker->trace_id};
    to->span_id = (ProtobufCBinaryData){is_zero(maker->span_id, 8) ? 0 : 8, maker->span_id};
    to->flags = report->sampled ? FLAG_SAMPLED : 0;
}

static void add_record(struct log_maker *maker, struct buf *to, const struct report *report,
                       const struct happening *happening)
{
    static const struct {
        Otlp__SeverityNumber number;
        const char *text;
    } severities[] = {
        [SEVERITY_INFO] = {OTLP__SEVERITY_NUMBER__SEVERITY_NUMBER_INFO, "INFO"},
        [SEVERITY_WARN] = {OTLP__SEVERITY_NUMBER__SEVERITY_NUMBER_WARN, "WARN"},
        [SEVERITY_ERROR] = {OTLP__SEVERITY_NUMBER__SEVERITY_NUMBER_ERROR, "ERROR"},
    };
    Otlp__LogRecord record;
    Otlp__AnyValue body = OTLP__ANY_VALUE__INIT;
    otlp__log_record__init(&record);
    body.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    body.string_value = otlp_text(maker->arena, happening->body);
    record.body = &body;
    record.event_name = otlp_lend(happening->name);
    record.severity_number = severities[happening->severity].number;
    record.severity_text = otlp_lend(severities[happening->severity].text);
    record.time_unix_nano = happening->time_nano;
    record.observed_time_unix_nano = happening->seen_nano;
    record.n_attributes = maker->attributes.count;
    record.attributes = maker->attributes.list;
    record.dropped_attributes_count = maker->attributes.dropped;
    set_ids(maker, &record, report);
    otlp_field_add(to, LOG_RECORDS_FIELD, &record.base);
}

static uint64_t end_nano(const struct report *report)
{
    return (report->began_wall_us + report->duration_us) * 1000;
}

/* "GET /orders/7?q=1 200" */
static struct span request_body(struct log_maker *maker, const struct report *report)
{
    char digits[24];
    struct span query = query_masked(report->query, &maker->scratch);
    const struct span parts[] = {report->method,
                                 SPAN(" "),
                                 report->path,
                                 query.len > 0 ? SPAN("?") : SPAN(""),
                                 query,
                                 SPAN(" "),
                                 span_make(digits, number_write(digits, report->status))};
    struct span body = arena_join(maker->arena, parts, sizeof parts / sizeof *parts);
    buf_clear(&maker->scratch);
    return span_trim(body, " ");
}

unsigned log_request_add(struct log_maker *maker, struct buf *to, const struct report *report)
{
    arena_reset(maker->arena);
    attributes_begin(&maker->attributes, maker->arena, &maker->limits);
    request_attributes_add(&maker->attributes, report, &maker->scratch);
    verdict_attributes_add(&maker->attributes, &maker->rule_ids, report);
    attribute_number(&maker->attributes, "sidegate.duration_us", report->duration_us);
    const struct happening happening = {
        .name = "sidegate.request",
        .severity = report->status >= 500 ? SEVERITY_ERROR : SEVERITY_INFO,
        .time_nano = end_nano(report),
        .seen_nano = end_nano(report),
        .body = request_body(maker, report),
    };
    add_record(maker, to, report, &happening);
    return 1;
}

/* ---- events ---- */

/* Whose request it was: enough to find the rest. */
static void begin_event(struct log_maker *maker, const struct report *report)
{
    arena_reset(maker->arena);
    attributes_begin(&maker->attributes, maker->arena, &maker->limits);
    attribute_text(&maker->attributes, "sidegate.request_id", report->request_id);
    method_attributes_add(&maker->attributes, report->method);
    attribute_text(&maker->attributes, "url.path", report->path);
    attribute_text(&maker->attributes, "http.route", report->route);
    attribute_text(&maker->attributes, "client.address", report->client_address);
}

static void add_match(struct log_maker *maker, struct buf *to, const struct report *report,
                      const struct rule_match *match)
{
    bool refused = match->disruptive && report->waf.action == WAF_BLOCK;
    begin_event(maker, report);
    match_attributes_add(&maker->attributes, match);
    const struct happening happening = {
        .name = "waf.rule_match",
        .severity = refused ? SEVERITY_WARN : SEVERITY_INFO,
        .time_nano = stage_end_nano(report, phase_stage(match->phase)),
        .seen_nano = end_nano(report),
        .body = match->message.len > 0 ? match->message : SPAN("a rule matched"),
    };
    add_record(maker, to, report, &happening);
}

static void add_decision(struct log_maker *maker, struct buf *to, const struct report *report,
                         const struct report_decision *decision)
{
    bool refused = span_is(span_text(decision->word), SPAN("block"));
    begin_event(maker, report);
    decision_attributes_add(&maker->attributes, decision);
    const struct span parts[] = {span_text(decision->control), SPAN(" "), decision->name,
                                 SPAN(": "), span_text(decision->word)};
    const struct happening happening = {
        .name = "sidegate.decision",
        .severity = refused ? SEVERITY_WARN : SEVERITY_INFO,
        .time_nano = stage_end_nano(report, span_text(decision->stage)),
        .seen_nano = end_nano(report),
        .body = arena_join(maker->arena, parts, sizeof parts / sizeof *parts),
    };
    add_record(maker, to, report, &happening);
}

static bool has_verdict(const struct report *report)
{
    return report->waf.action == WAF_BLOCK || report->waf.action == WAF_WOULD_BLOCK;
}

static void add_verdict(struct log_maker *maker, struct buf *to, const struct report *report)
{
    bool refused = report->waf.action == WAF_BLOCK;
    begin_event(maker, report);
    verdict_attributes_add(&maker->attributes, &maker->rule_ids, report);
    const struct happening happening = {
        .name = "waf.decision",
        .severity = refused ? SEVERITY_WARN : SEVERITY_INFO,
        .time_nano = end_nano(report),
        .seen_nano = end_nano(report),
        .body = refused ? SPAN("the rules refused the request")
                        : SPAN("the rules would have refused the request"),
    };
    add_record(maker, to, report, &happening);
}

unsigned log_events_count(const struct report *report)
{
    unsigned count = has_verdict(report) ? 1 : 0;
    for (size_t i = 0; i < report->waf.match_count && i < RECORD_MATCHES; i++)
        count += report->waf.matches[i].audit_only ? 0 : 1;
    for (size_t i = 0; i < report->decision_count && i < REPORT_DECISIONS; i++)
        count++;
    return count;
}

unsigned log_events_add(struct log_maker *maker, struct buf *to, const struct report *report)
{
    for (size_t i = 0; i < report->decision_count && i < REPORT_DECISIONS; i++)
        add_decision(maker, to, report, &report->decisions[i]);
    for (size_t i = 0; i < report->waf.match_count && i < RECORD_MATCHES; i++)
        if (!report->waf.matches[i].audit_only)
            add_match(maker, to, report, &report->waf.matches[i]);
    if (has_verdict(report))
        add_verdict(maker, to, report);
    return log_events_count(report);
}
