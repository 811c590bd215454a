/* SPDX-License-Identifier: Apache-2.0 */
/* Log records, written one by one. */
#include "exporters/log_records.h"

#include <stdlib.h>
#include <string.h>

#include "exporters/otlp_write.h"
#include "exporters/proto/otlp.pb-c.h"
#include "exporters/record.h"
#include "exporters/request_attributes.h"
#include "exporters/words.h"
#include "rules/base/must.h"

enum {
    LOG_RECORDS_FIELD = 2, /* of ScopeLogs */
    TEXT_BYTES = 1024 * 1024,
    FLAG_SAMPLED = 1,
};
/* Numbers of fields. */
enum of_record {
    RECORD_TIME = 1,
    RECORD_SEVERITY = 2,
    RECORD_SEVERITY_TEXT = 3,
    RECORD_BODY = 5,
    RECORD_ATTRIBUTES = 6,
    RECORD_DROPPED_ATTRIBUTES = 7,
    RECORD_FLAGS = 8,
    RECORD_TRACE_ID = 9,
    RECORD_SPAN_ID = 10,
    RECORD_SEEN = 11,
    RECORD_EVENT_NAME = 12,
};
enum { VALUE_TEXT = 1 }; /* of AnyValue */

struct log_maker {
    struct buf body;
    struct attribute_limits limits;
};

struct log_maker *log_maker_new(void)
{
    struct log_maker *maker = must_alloc(sizeof *maker);
    buf_init(&maker->body, TEXT_BYTES);
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
    buf_fini(&maker->body);
    free(maker);
}

enum severity { SEVERITY_INFO, SEVERITY_WARN, SEVERITY_ERROR };

/* What a record is about, beside its attributes. */
struct happening {
    struct span name; /* of the event */
    enum severity severity;
    uint64_t time_nano, seen_nano;
    struct span body;
};

static bool is_zero(const uint8_t *id, size_t len)
{
    static const uint8_t zero[16];
    return memcmp(id, zero, len) == 0;
}

static void put_id(struct buf *to, unsigned field, const uint8_t *id, size_t len)
{
    otlp_put_bytes(to, field, id, is_zero(id, len) ? 0 : len);
}

static void put_body(struct buf *to, struct span text)
{
    size_t opened = otlp_open(to, RECORD_BODY);
    otlp_put_text(to, VALUE_TEXT, text);
    otlp_close(to, opened);
}

/* A record up to its attributes. */
static size_t open_record(struct buf *to, const struct happening *happening)
{
    static const struct {
        Otlp__SeverityNumber number;
        struct span text;
    } severities[] = {
        [SEVERITY_INFO] = {OTLP__SEVERITY_NUMBER__SEVERITY_NUMBER_INFO, SPAN_INIT("INFO")},
        [SEVERITY_WARN] = {OTLP__SEVERITY_NUMBER__SEVERITY_NUMBER_WARN, SPAN_INIT("WARN")},
        [SEVERITY_ERROR] = {OTLP__SEVERITY_NUMBER__SEVERITY_NUMBER_ERROR, SPAN_INIT("ERROR")},
    };
    size_t opened = otlp_open(to, LOG_RECORDS_FIELD);
    otlp_put_fixed64(to, RECORD_TIME, happening->time_nano);
    otlp_put_number(to, RECORD_SEVERITY, severities[happening->severity].number);
    otlp_put_text(to, RECORD_SEVERITY_TEXT, severities[happening->severity].text);
    put_body(to, happening->body);
    return opened;
}

static struct attributes attributes_of(const struct log_maker *maker, struct buf *to)
{
    return (struct attributes){.to = to, .field = RECORD_ATTRIBUTES, .limits = &maker->limits};
}

static void close_record(struct buf *to, const struct report *report,
                         const struct happening *happening, const struct attributes *attributes,
                         size_t opened)
{
    otlp_put_number(to, RECORD_DROPPED_ATTRIBUTES, attributes->dropped);
    otlp_put_fixed32(to, RECORD_FLAGS, report->sampled ? FLAG_SAMPLED : 0);
    put_id(to, RECORD_TRACE_ID, report->trace_id, sizeof report->trace_id);
    put_id(to, RECORD_SPAN_ID, report->span_id, sizeof report->span_id);
    otlp_put_fixed64(to, RECORD_SEEN, happening->seen_nano);
    otlp_put_text(to, RECORD_EVENT_NAME, happening->name);
    otlp_close(to, opened);
}

static uint64_t end_nano(const struct report *report)
{
    return (report->began_wall_us + report->duration_us) * 1000;
}

/* "GET /orders/7?q=1 200" */
static struct span request_body(struct log_maker *maker, const struct report *report)
{
    buf_clear(&maker->body);
    buf_add(&maker->body, report->method);
    buf_add_byte(&maker->body, ' ');
    buf_add(&maker->body, report->path);
    if (report->query.len > 0)
        buf_add_byte(&maker->body, '?');
    buf_add(&maker->body, report->query);
    buf_add_byte(&maker->body, ' ');
    buf_add_number(&maker->body, report->status);
    return span_trim(buf_span(&maker->body), " ");
}

unsigned log_request_add(struct log_maker *maker, struct buf *to, const struct report *report)
{
    const struct happening happening = {
        .name = SPAN("sidegate.request"),
        .severity = report->status >= 500 ? SEVERITY_ERROR : SEVERITY_INFO,
        .time_nano = end_nano(report),
        .seen_nano = end_nano(report),
        .body = request_body(maker, report),
    };
    struct attributes attributes = attributes_of(maker, to);
    size_t opened = open_record(to, &happening);
    request_attributes_add(&attributes, report);
    verdict_attributes_add(&attributes, report);
    attribute_number(&attributes, SPAN("sidegate.duration_us"), report->duration_us);
    close_record(to, report, &happening, &attributes, opened);
    return 1;
}

/* ---- events ---- */

/* Whose request it was: enough to find the rest. */
static void add_whose(struct attributes *to, const struct report *report)
{
    attribute_text(to, SPAN("sidegate.request_id"), report->request_id);
    method_attributes_add(to, report->method);
    attribute_text(to, SPAN("url.path"), report->path);
    attribute_text(to, SPAN("http.route"), report->route);
    attribute_text(to, SPAN("client.address"), report->client_address);
}

static void add_match(struct log_maker *maker, struct buf *to, const struct report *report,
                      const struct rule_match *match)
{
    bool refused = match->disruptive && report->waf.action == WAF_BLOCK;
    const struct happening happening = {
        .name = SPAN("waf.rule_match"),
        .severity = refused ? SEVERITY_WARN : SEVERITY_INFO,
        .time_nano = stage_end_nano(report, phase_stage(match->phase)),
        .seen_nano = end_nano(report),
        .body = match->message.len > 0 ? match->message : SPAN("a rule matched"),
    };
    struct attributes attributes = attributes_of(maker, to);
    size_t opened = open_record(to, &happening);
    add_whose(&attributes, report);
    match_attributes_add(&attributes, match);
    close_record(to, report, &happening, &attributes, opened);
}

/* "access abroad: block" */
static struct span decision_body(struct log_maker *maker, const struct report_decision *decision)
{
    buf_clear(&maker->body);
    buf_add(&maker->body, span_text(decision->control));
    buf_add_byte(&maker->body, ' ');
    buf_add(&maker->body, decision->name);
    buf_add(&maker->body, SPAN(": "));
    buf_add(&maker->body, span_text(decision->word));
    return buf_span(&maker->body);
}

static void add_decision(struct log_maker *maker, struct buf *to, const struct report *report,
                         const struct report_decision *decision)
{
    bool refused = span_is(span_text(decision->word), SPAN("block"));
    const struct happening happening = {
        .name = SPAN("sidegate.decision"),
        .severity = refused ? SEVERITY_WARN : SEVERITY_INFO,
        .time_nano = stage_end_nano(report, span_text(decision->stage)),
        .seen_nano = end_nano(report),
        .body = decision_body(maker, decision),
    };
    struct attributes attributes = attributes_of(maker, to);
    size_t opened = open_record(to, &happening);
    add_whose(&attributes, report);
    decision_attributes_add(&attributes, decision);
    close_record(to, report, &happening, &attributes, opened);
}

static bool has_verdict(const struct report *report)
{
    return report->waf.action == WAF_BLOCK || report->waf.action == WAF_WOULD_BLOCK;
}

static void add_verdict(struct log_maker *maker, struct buf *to, const struct report *report)
{
    bool refused = report->waf.action == WAF_BLOCK;
    const struct happening happening = {
        .name = SPAN("waf.decision"),
        .severity = refused ? SEVERITY_WARN : SEVERITY_INFO,
        .time_nano = end_nano(report),
        .seen_nano = end_nano(report),
        .body = refused ? SPAN("the rules refused the request")
                        : SPAN("the rules would have refused the request"),
    };
    struct attributes attributes = attributes_of(maker, to);
    size_t opened = open_record(to, &happening);
    add_whose(&attributes, report);
    verdict_attributes_add(&attributes, report);
    close_record(to, report, &happening, &attributes, opened);
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
