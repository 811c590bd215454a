/* SPDX-License-Identifier: Apache-2.0 */
/* What must be there is written first, then subsegments as long as there is room, then metadata,
 * for which room was kept. */
#include "exporters/xray.h"

#include <string.h>

#include "exporters/stage_spans.h"
#include "exporters/words.h"
#include "exporters/xray_json.h"
#include "rules/base/encode.h"

enum {
    METADATA_BYTES = 12 * 1024, /* kept for it, the document's end included */
    LIST_BYTES = 4 * 1024,      /* of each list in it */
    EXCEPTION_IDS = 1 << 16,    /* beyond the ids of stages: stage_span_id() */
};

/* ---- what became of it ---- */

/* 4xx: error, 429: throttle too, 5xx: fault. Without an answer it is whose doing it was. */
static void add_flags(struct buf *to, unsigned status, struct span error)
{
    bool is_clients = status == 0 && span_starts(error, SPAN("client_"));
    xray_true(to, "error", (status >= 400 && status < 500) || is_clients);
    xray_true(to, "throttle", status == 429);
    xray_true(to, "fault", status >= 500 || (status == 0 && error.len > 0 && !is_clients));
}

struct exception {
    uint8_t id[8];
    struct span type, message;
    bool is_remote;       /* a server's answer is the cause */
    const uint8_t *cause; /* the exception of an attempt; NULL: none */
};

static void add_cause(struct buf *to, const struct exception *exception)
{
    xray_open(to, "cause", '{');
    xray_open(to, "exceptions", '[');
    buf_add_byte(to, '{');
    xray_id(to, "id", exception->id);
    xray_text(to, "type", exception->type);
    xray_text(to, "message", exception->message);
    xray_true(to, "remote", exception->is_remote);
    if (exception->cause != NULL)
        xray_id(to, "cause", exception->cause);
    buf_add(to, SPAN("}]}"));
}

static bool attempt_failed(const struct report_attempt *attempt)
{
    return attempt->error.len > 0 || attempt->status >= 500;
}

/* Never the same as a subsegment's. */
static void exception_id(const uint8_t span_id[8], uint8_t id[8])
{
    stage_span_id(span_id, EXCEPTION_IDS, id);
}

/* What the rule says that decided, where one did. */
static struct span rule_message(const struct report *report)
{
    for (size_t i = 0; i < report->waf.match_count; i++)
        if (report->waf.matches[i].rule_id == report->waf.decided_by)
            return report->waf.matches[i].message;
    return SPAN("");
}

static void add_segment_cause(struct buf *to, const struct report *report)
{
    const struct report_attempt *last =
        report->attempt_count > 0 ? &report->attempts[report->attempt_count - 1] : NULL;
    struct exception exception = {.type = report->error, .message = report->error_message};
    uint8_t cause[8];
    char digits[24];
    if (last != NULL && attempt_failed(last)) {
        exception_id(last->span_id, cause);
        exception.cause = cause;
        exception.is_remote = last->error.len == 0;
    }
    if (exception.type.len == 0 && exception.cause != NULL)
        exception.type = error_type(last->error, report->status, 500, digits);
    if (exception.type.len == 0)
        return;
    if (exception.message.len == 0 && report->waf.action == WAF_BLOCK)
        exception.message = rule_message(report);
    if (exception.message.len == 0)
        exception.message = exception.type;
    exception_id(report->span_id, exception.id);
    add_cause(to, &exception);
}

/* ---- subsegments ---- */

static void add_response(struct buf *to, unsigned status)
{
    if (status == 0)
        return;
    xray_open(to, "response", '{');
    xray_number(to, "status", status);
    buf_add_byte(to, '}');
}

struct call {
    const struct report_attempt *attempt;
    struct span method, url;
    struct span authorizer; /* empty: it is an attempt at the backend */
};

static void add_call_http(struct buf *to, const struct call *call)
{
    xray_open(to, "http", '{');
    xray_open(to, "request", '{');
    xray_text(to, "method", call->method);
    xray_text(to, "url", call->url);
    buf_add_byte(to, '}');
    add_response(to, call->attempt->status);
    buf_add_byte(to, '}');
}

static void add_call(struct buf *to, const struct report *report, const struct call *call)
{
    const struct report_attempt *attempt = call->attempt;
    char digits[24];
    xray_comma(to);
    buf_add_byte(to, '{');
    xray_id(to, "id", attempt->span_id);
    xray_name(to, attempt->address);
    xray_times(to, period_of(report, attempt->start_us, attempt->duration_us));
    buf_add(to, SPAN(",\"namespace\":\"remote\""));
    add_call_http(to, call);
    add_flags(to, attempt->status, attempt->error);
    if (attempt_failed(attempt)) {
        struct exception exception = {.type =
                                          error_type(attempt->error, attempt->status, 500, digits),
                                      .is_remote = attempt->error.len == 0};
        exception.message = exception.type;
        exception_id(attempt->span_id, exception.id);
        add_cause(to, &exception);
    }
    if (call->authorizer.len > 0) {
        xray_open(to, "annotations", '{');
        xray_text(to, "authorizer", call->authorizer);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, '}');
}

/* The document under construction. */
struct maker {
    struct buf *to;
    const struct report *report;
    uint64_t told;      /* the stages that are subsegments */
    size_t most, start; /* where it begins in `to`, and how long it may get without metadata */
    uint64_t cut;
    bool goes_on; /* it is not over yet */
};

/* Is there still room, after what was written since `mark`? Else it is taken back and counted. */
static void keep_or_cut(struct maker *m, size_t mark, unsigned subsegments)
{
    if (m->to->len - m->start + sizeof "]}" <= m->most)
        return;
    m->to->len = mark;
    m->cut += subsegments;
}

/* As much of a URL as a document shows. */
struct url {
    char text[XRAY_TEXT_CHARACTERS * XRAY_CHARACTER_BYTES];
    size_t len;
};

static void url_add(struct url *url, struct span part)
{
    size_t len = part.len < sizeof url->text - url->len ? part.len : sizeof url->text - url->len;
    if (len > 0)
        memcpy(url->text + url->len, part.at, len);
    url->len += len;
}

static struct span url_make(struct url *url, bool tls, struct span host, const struct maker *m)
{
    url->len = 0;
    url_add(url, tls ? SPAN("https://") : SPAN("http://"));
    url_add(url, host);
    url_add(url, m->report->path);
    url_add(url, m->report->query.len > 0 ? SPAN("?") : SPAN(""));
    url_add(url, m->report->query);
    return span_make(url->text, url->len);
}

static void add_attempt(struct maker *m, const struct report_attempt *attempt)
{
    size_t mark = m->to->len;
    struct url url;
    add_call(m->to, m->report,
             &(struct call){.attempt = attempt,
                            .method = m->report->method,
                            .url = url_make(&url, attempt->tls, attempt->address, m)});
    keep_or_cut(m, mark, 1);
}

/* What it was asked is the segment's; its URL may name more than a log should. */
static void add_authorizer(struct maker *m)
{
    size_t mark = m->to->len;
    add_call(m->to, m->report,
             &(struct call){.attempt = &m->report->authorizer.call,
                            .method = SPAN("POST"),
                            .authorizer = m->report->authorizer.name});
    keep_or_cut(m, mark, 1);
}

static const size_t no_stage = SIZE_MAX; /* of calls that lie within none */

static size_t stage_of(const struct maker *m, const struct report_attempt *attempt)
{
    size_t stage;
    return stage_around(m->report, m->told, attempt, &stage) ? stage : no_stage;
}

static void add_calls_of(struct maker *m, size_t stage)
{
    const struct report *report = m->report;
    if (report->authorizer.is_called && stage_of(m, &report->authorizer.call) == stage)
        add_authorizer(m);
    for (size_t i = 0; i < report->attempt_count && i < REPORT_ATTEMPTS; i++)
        if (stage_of(m, &report->attempts[i]) == stage)
            add_attempt(m, &report->attempts[i]);
}

static void add_stage(struct maker *m, size_t i)
{
    static const struct span within = SPAN_INIT(",\"subsegments\":[");
    const struct report_stage *stage = &m->report->stages[i];
    uint8_t id[8];
    size_t mark = m->to->len;
    stage_span_id(m->report->span_id, i, id);
    xray_comma(m->to);
    buf_add_byte(m->to, '{');
    xray_id(m->to, "id", id);
    xray_name(m->to, stage->name);
    xray_times(m->to, period_of(m->report, stage->start_us, stage->duration_us));
    keep_or_cut(m, mark, 1);
    if (m->to->len == mark) {
        add_calls_of(m, i); /* where they have room, without what is around them */
        return;
    }
    size_t head = m->to->len;
    buf_add(m->to, within);
    add_calls_of(m, i);
    if (m->to->len == head + within.len)
        m->to->len = head;
    else
        buf_add_byte(m->to, ']');
    buf_add_byte(m->to, '}');
}

static void add_subsegments(struct maker *m)
{
    xray_open(m->to, "subsegments", '[');
    for (uint64_t told = m->told; told != 0; told &= told - 1)
        add_stage(m, stage_first(told));
    add_calls_of(m, no_stage);
    buf_add_byte(m->to, ']');
}

/* ---- the segment ---- */

static bool is_zero(const uint8_t id[8])
{
    static const uint8_t zero[8];
    return memcmp(id, zero, sizeof zero) == 0;
}

static void add_http(struct maker *m)
{
    const struct report *report = m->report;
    struct buf *to = m->to;
    struct span host = report->authority.len > 0 ? report->authority : report->server_address;
    struct url url;
    xray_open(to, "http", '{');
    xray_open(to, "request", '{');
    xray_text(to, "method", report->method);
    xray_text(to, "url", url_make(&url, span_is(report->scheme, SPAN("https")), host, m));
    xray_text(to, "client_ip", report->client_address);
    xray_true(to, "x_forwarded_for", !span_is(report->client_address, report->peer_address));
    xray_text(to, "user_agent", report->user_agent);
    buf_add_byte(to, '}');
    if (report->status > 0) {
        xray_open(to, "response", '{');
        xray_number(to, "status", report->status);
        xray_number(to, "content_length", report->bytes_out);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, '}');
}

static void add_aws(struct buf *to, const struct report *report, const struct xray_service *service)
{
    xray_open(to, "aws", '{');
    if (service->account.len > 0) {
        xray_text(to, "account_id", service->account);
        xray_open(to, "api_gateway", '{');
        xray_text(to, "account_id", service->account);
        xray_text(to, "rest_api_id", service->api);
        xray_text(to, "stage", service->stage);
        xray_text(to, "request_id", report->request_id);
        buf_add_byte(to, '}');
    }
    xray_open(to, "xray", '{');
    xray_text(to, "sdk", SPAN("Sidegate"));
    xray_text(to, "sdk_version", SPAN(SIDEGATE_VERSION));
    xray_text(to, "sampling_rule_name", report->sampling_rule);
    buf_add(to, SPAN("}}"));
}

/* What traces can be searched by. */
static void add_annotations(struct buf *to, const struct report *report,
                            const struct xray_service *service)
{
    char digits[24];
    xray_open(to, "annotations", '{');
    if (service->account.len > 0) {
        xray_text(to, "aws:api_id", service->api);
        xray_text(to, "aws:api_stage", service->stage);
    }
    xray_text(to, "environment", service->environment);
    xray_text(to, "request_id", report->request_id);
    xray_text(to, "listener", report->listener);
    xray_text(to, "http_route", report->route);
    if (!report_goes_on(report))
        xray_text(to, "error_type", error_type(report->error, report->status, 500, digits));
    xray_text(to, "waf_action", waf_action_word(report->waf.action));
    if (report->waf.decided_by > 0)
        xray_number(to, "waf_rule_id", report->waf.decided_by);
    if (report->waf.score > 0)
        xray_number(to, "waf_score", (uint64_t)report->waf.score);
    xray_text(to, "authorizer", report->authorizer.name);
    xray_text(to, "authorizer_decision", span_text(report->authorizer.word));
    xray_text(to, "api_key_id", report->api_key_id);
    xray_text(to, "usage_plan", report->usage_plan);
    xray_text(to, "client_country", report->client_country);
    if (report->client_asn > 0)
        xray_number(to, "client_asn", report->client_asn);
    buf_add_byte(to, '}');
}

static void add_link(struct buf *to, const struct report *report)
{
    if (!report->is_linked)
        return;
    xray_open(to, "links", '[');
    buf_add_byte(to, '{');
    xray_trace_id(to, "trace_id", report->link_trace_id);
    if (!is_zero(report->link_span_id))
        xray_id(to, "id", report->link_span_id);
    buf_add(to, SPAN("}]"));
}

static void add_head(struct maker *m, const struct xray_service *service)
{
    const struct report *report = m->report;
    struct buf *to = m->to;
    xray_name(to, service->name);
    xray_id(to, "id", report->span_id);
    xray_trace_id(to, "trace_id", report->trace_id);
    if (!is_zero(report->parent_id))
        xray_id(to, "parent_id", report->parent_id);
    struct period period = period_of(report, 0, report->duration_us);
    if (m->goes_on)
        xray_since(to, period.start);
    else
        xray_times(to, period);
    xray_text(to, "origin", service->origin);
    if (service->account.len > 0) {
        xray_key(to, "resource_arn");
        buf_add(to, SPAN("\"arn:aws:apigateway:"));
        json_add_escaped(to, service->region);
        buf_add(to, SPAN("::/restapis/"));
        json_add_escaped(to, service->api);
        buf_add(to, SPAN("/stages/"));
        json_add_escaped(to, service->stage);
        buf_add_byte(to, '"');
    }
    xray_open(to, "service", '{');
    xray_text(to, "version", SPAN(SIDEGATE_VERSION));
    buf_add_byte(to, '}');
    xray_text(to, "user", report->authorizer.principal);
}

/* ---- metadata ---- */

/* True: what was written since `mark` fits into the list that began at `start`. */
static bool fits_list(struct buf *to, size_t start, size_t mark)
{
    if (to->len - start <= LIST_BYTES)
        return true;
    to->len = mark;
    return false;
}

static void add_rules(struct buf *to, const struct report *report)
{
    xray_open(to, "rules", '[');
    size_t start = to->len;
    for (size_t i = 0; i < report->waf.match_count; i++) {
        const struct rule_match *match = &report->waf.matches[i];
        size_t mark = to->len;
        if (match->audit_only)
            continue;
        xray_comma(to);
        buf_add_byte(to, '{');
        xray_number(to, "id", match->rule_id);
        xray_text(to, "message", match->message);
        xray_text(to, "variable", match->variable_name);
        buf_add_byte(to, '}');
        if (!fits_list(to, start, mark))
            break;
    }
    buf_add_byte(to, ']');
}

static void add_decisions(struct buf *to, const struct report *report)
{
    xray_open(to, "decisions", '[');
    size_t start = to->len;
    for (size_t i = 0; i < report->decision_count; i++) {
        const struct report_decision *decision = &report->decisions[i];
        size_t mark = to->len;
        xray_comma(to);
        buf_add_byte(to, '{');
        xray_text(to, "control", span_text(decision->control));
        xray_text(to, "name", decision->name);
        xray_text(to, "decision", span_text(decision->word));
        xray_text(to, "reason", decision->reason);
        buf_add_byte(to, '}');
        if (!fits_list(to, start, mark))
            break;
    }
    buf_add_byte(to, ']');
}

static void add_metadata(struct maker *m)
{
    struct buf *to = m->to;
    xray_open(to, "metadata", '{');
    xray_open(to, "default", '{');
    xray_text(to, "request_id", m->report->request_id);
    xray_text(to, "extended_request_id", m->report->request_id);
    buf_add_byte(to, '}');
    xray_open(to, "sidegate", '{');
    xray_text(to, "protocol", m->report->protocol);
    xray_text(to, "tls_version", m->report->tls.version);
    xray_text(to, "tls_cipher", m->report->tls.cipher);
    add_rules(to, m->report);
    add_decisions(to, m->report);
    if (m->cut > 0)
        xray_number(to, "subsegments_cut", m->cut);
    buf_add(to, SPAN("}}"));
}

void xray_add(struct buf *to, const struct report *report, const struct xray_service *service,
              size_t most)
{
    struct maker m = {.to = to, .report = report, .start = to->len, .most = most - METADATA_BYTES};
    m.goes_on = report_goes_on(report);
    m.told = stages_told(report);
    buf_add_byte(to, '{');
    add_head(&m, service);
    add_http(&m);
    add_aws(to, report, service);
    if (!m.goes_on) {
        add_flags(to, report->status, report->error);
        add_segment_cause(to, report);
    }
    add_annotations(to, report, service);
    add_link(to, report);
    if (!m.goes_on)
        add_subsegments(&m);
    add_metadata(&m);
    buf_add(to, SPAN("}\n"));
}
