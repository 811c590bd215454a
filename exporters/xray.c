/* SPDX-License-Identifier: Apache-2.0 */
/* What must be there is written first, then subsegments as long as there is room, then metadata,
 * for which room was kept. */
#include "exporters/xray.h"

#include <string.h>

#include "exporters/mask.h"
#include "exporters/stage_spans.h"
#include "exporters/words.h"
#include "rules/base/encode.h"

enum {
    TEXT_CHARACTERS = 250,
    NAME_CHARACTERS = 200,
    CHARACTER_BYTES = 4,
    METADATA_BYTES = 12 * 1024, /* kept for it, the document's end included */
    LIST_BYTES = 4 * 1024,      /* of each list in it */
    EXCEPTION_IDS = 1 << 16,    /* beyond the ids of stages: stage_span_id() */
};

/* ---- JSON ---- */

/* A comma only where something stands before. No text ends with a bracket: its quote does. */
static void add_comma(struct buf *to)
{
    if (to->len > 0 && to->at[to->len - 1] != '{' && to->at[to->len - 1] != '[')
        buf_add_byte(to, ',');
}

static void add_key(struct buf *to, const char *key)
{
    add_comma(to);
    buf_format(to, "\"%s\":", key);
}

static void open_in(struct buf *to, const char *key, char bracket)
{
    add_key(to, key);
    buf_add_byte(to, bracket);
}

/* The first characters, whole ones; a byte that is none counts as one. */
static struct span first_characters(struct span text, size_t most)
{
    size_t bytes = 0;
    for (size_t i = 0; i < most && bytes < text.len; i++) {
        size_t len = utf8_length(span_from(text, bytes));
        bytes += len > 0 ? len : 1;
    }
    return span_first(text, bytes);
}

/* Empty texts say nothing and are left out. */
static void add_text(struct buf *to, const char *key, struct span text)
{
    if (text.len == 0)
        return;
    add_key(to, key);
    json_add_string(to, first_characters(text, TEXT_CHARACTERS));
}

static void add_number(struct buf *to, const char *key, uint64_t number)
{
    add_key(to, key);
    buf_format(to, "%llu", (unsigned long long)number);
}

static void add_true(struct buf *to, const char *key, bool holds)
{
    if (!holds)
        return;
    add_key(to, key);
    buf_add(to, SPAN("true"));
}

static void add_id(struct buf *to, const char *key, const uint8_t id[8])
{
    char digits[16];
    hex_write(digits, id, 8);
    add_text(to, key, span_make(digits, sizeof digits));
}

static void add_trace_id(struct buf *to, const char *key, const uint8_t id[16])
{
    char digits[32];
    hex_write(digits, id, 16);
    add_key(to, key);
    buf_format(to, "\"1-%.8s-%.24s\"", digits, digits + 8);
}

/* Seconds since 1970, to the microsecond. */
static void add_times(struct buf *to, struct period period)
{
    uint64_t start = period.start / 1000, end = period.end / 1000;
    add_key(to, "start_time");
    buf_format(to, "%llu.%06llu", (unsigned long long)(start / 1000000),
               (unsigned long long)(start % 1000000));
    add_key(to, "end_time");
    buf_format(to, "%llu.%06llu", (unsigned long long)(end / 1000000),
               (unsigned long long)(end % 1000000));
}

/* Names have letters, digits, blanks and a few signs; others go. */
static void add_name(struct buf *to, struct span text)
{
    char name[NAME_CHARACTERS * CHARACTER_BYTES];
    size_t len = 0, characters = 0;
    while (text.len > 0 && characters < NAME_CHARACTERS) {
        size_t bytes = utf8_length(text);
        bool fits = bytes > 1 || byte_is_alpha(text.at[0]) || byte_is_digit(text.at[0]) ||
                    span_find_byte(SPAN(" _.:/%&#=+\\-@"), text.at[0]) != SPAN_NONE;
        if (fits) {
            memcpy(name + len, text.at, bytes);
            len += bytes;
            characters++;
        }
        text = span_from(text, bytes > 0 ? bytes : 1);
    }
    add_key(to, "name");
    json_add_string(to, len > 0 ? span_make(name, len) : SPAN("unknown"));
}

/* ---- what became of it ---- */

/* 4xx: error, 429: throttle too, 5xx: fault. Without an answer it is whose doing it was. */
static void add_flags(struct buf *to, unsigned status, struct span error)
{
    bool is_clients = status == 0 && span_starts(error, SPAN("client_"));
    add_true(to, "error", (status >= 400 && status < 500) || is_clients);
    add_true(to, "throttle", status == 429);
    add_true(to, "fault", status >= 500 || (status == 0 && error.len > 0 && !is_clients));
}

struct exception {
    uint8_t id[8];
    struct span type, message;
    bool is_remote;       /* a server's answer is the cause */
    const uint8_t *cause; /* the exception of an attempt; NULL: none */
};

static void add_cause(struct buf *to, const struct exception *exception)
{
    open_in(to, "cause", '{');
    open_in(to, "exceptions", '[');
    buf_add_byte(to, '{');
    add_id(to, "id", exception->id);
    add_text(to, "type", exception->type);
    add_text(to, "message", exception->message);
    add_true(to, "remote", exception->is_remote);
    if (exception->cause != NULL)
        add_id(to, "cause", exception->cause);
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
    open_in(to, "response", '{');
    add_number(to, "status", status);
    buf_add_byte(to, '}');
}

struct call {
    const struct report_attempt *attempt;
    struct span method, url;
    struct span authorizer; /* empty: it is an attempt at the backend */
};

static void add_call_http(struct buf *to, const struct call *call)
{
    open_in(to, "http", '{');
    open_in(to, "request", '{');
    add_text(to, "method", call->method);
    add_text(to, "url", call->url);
    buf_add_byte(to, '}');
    add_response(to, call->attempt->status);
    buf_add_byte(to, '}');
}

static void add_call(struct buf *to, const struct report *report, const struct call *call)
{
    const struct report_attempt *attempt = call->attempt;
    char digits[24];
    add_comma(to);
    buf_add_byte(to, '{');
    add_id(to, "id", attempt->span_id);
    add_name(to, attempt->address);
    add_times(to, period_of(report, attempt->start_us, attempt->duration_us));
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
        open_in(to, "annotations", '{');
        add_text(to, "authorizer", call->authorizer);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, '}');
}

/* The document under construction. */
struct maker {
    struct buf *to;
    const struct report *report;
    struct span query;  /* masked */
    size_t most, start; /* where it begins in `to`, and how long it may get without metadata */
    uint64_t cut;
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
    char text[TEXT_CHARACTERS * CHARACTER_BYTES];
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
    url_add(url, m->query.len > 0 ? SPAN("?") : SPAN(""));
    url_add(url, m->query);
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

static size_t stage_of(const struct report *report, const struct report_attempt *attempt)
{
    size_t stage;
    return stage_around(report, attempt, &stage) ? stage : no_stage;
}

static void add_calls_of(struct maker *m, size_t stage)
{
    const struct report *report = m->report;
    if (report->authorizer.is_called && stage_of(report, &report->authorizer.call) == stage)
        add_authorizer(m);
    for (size_t i = 0; i < report->attempt_count && i < REPORT_ATTEMPTS; i++)
        if (stage_of(report, &report->attempts[i]) == stage)
            add_attempt(m, &report->attempts[i]);
}

static void add_stage(struct maker *m, size_t i)
{
    static const struct span within = SPAN_INIT(",\"subsegments\":[");
    const struct report_stage *stage = &m->report->stages[i];
    uint8_t id[8];
    size_t mark = m->to->len;
    stage_span_id(m->report->span_id, i, id);
    add_comma(m->to);
    buf_add_byte(m->to, '{');
    add_id(m->to, "id", id);
    add_name(m->to, span_text(stage->name));
    add_times(m->to, period_of(m->report, stage->start_us, stage->duration_us));
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
    open_in(m->to, "subsegments", '[');
    for (size_t i = 0; i < m->report->stage_count; i++)
        add_stage(m, i);
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
    open_in(to, "http", '{');
    open_in(to, "request", '{');
    add_text(to, "method", report->method);
    add_text(to, "url", url_make(&url, span_is(report->scheme, SPAN("https")), host, m));
    add_text(to, "client_ip", report->client_address);
    add_true(to, "x_forwarded_for", !span_is(report->client_address, report->peer_address));
    add_text(to, "user_agent", report->user_agent);
    buf_add_byte(to, '}');
    if (report->status > 0) {
        open_in(to, "response", '{');
        add_number(to, "status", report->status);
        add_number(to, "content_length", report->bytes_out);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, '}');
}

static void add_aws(struct buf *to, const struct report *report, const struct xray_service *service)
{
    open_in(to, "aws", '{');
    if (service->account.len > 0) {
        add_text(to, "account_id", service->account);
        open_in(to, "api_gateway", '{');
        add_text(to, "account_id", service->account);
        add_text(to, "rest_api_id", service->api);
        add_text(to, "stage", service->stage);
        add_text(to, "request_id", report->request_id);
        buf_add_byte(to, '}');
    }
    open_in(to, "xray", '{');
    add_text(to, "sdk", SPAN("Sidegate"));
    add_text(to, "sdk_version", SPAN(SIDEGATE_VERSION));
    add_text(to, "sampling_rule_name", report->sampling_rule);
    buf_add(to, SPAN("}}"));
}

/* What traces can be searched by. */
static void add_annotations(struct buf *to, const struct report *report,
                            const struct xray_service *service)
{
    char digits[24];
    open_in(to, "annotations", '{');
    if (service->account.len > 0) {
        add_text(to, "aws:api_id", service->api);
        add_text(to, "aws:api_stage", service->stage);
    }
    add_text(to, "environment", service->environment);
    add_text(to, "request_id", report->request_id);
    add_text(to, "listener", report->listener);
    add_text(to, "http_route", report->route);
    add_text(to, "error_type", error_type(report->error, report->status, 500, digits));
    add_text(to, "waf_action", waf_action_word(report->waf.action));
    if (report->waf.decided_by > 0)
        add_number(to, "waf_rule_id", report->waf.decided_by);
    if (report->waf.score > 0)
        add_number(to, "waf_score", (uint64_t)report->waf.score);
    add_text(to, "authorizer", report->authorizer.name);
    add_text(to, "authorizer_decision", span_text(report->authorizer.word));
    add_text(to, "api_key_id", report->api_key_id);
    add_text(to, "usage_plan", report->usage_plan);
    add_text(to, "client_country", report->client_country);
    if (report->client_asn > 0)
        add_number(to, "client_asn", report->client_asn);
    buf_add_byte(to, '}');
}

static void add_link(struct buf *to, const struct report *report)
{
    if (!report->is_linked)
        return;
    open_in(to, "links", '[');
    buf_add_byte(to, '{');
    add_trace_id(to, "trace_id", report->link_trace_id);
    if (!is_zero(report->link_span_id))
        add_id(to, "id", report->link_span_id);
    buf_add(to, SPAN("}]"));
}

static void add_head(struct maker *m, const struct xray_service *service)
{
    const struct report *report = m->report;
    struct buf *to = m->to;
    add_name(to, service->name);
    add_id(to, "id", report->span_id);
    add_trace_id(to, "trace_id", report->trace_id);
    if (!is_zero(report->parent_id))
        add_id(to, "parent_id", report->parent_id);
    add_times(to, period_of(report, 0, report->duration_us));
    add_text(to, "origin", service->origin);
    if (service->account.len > 0) {
        add_key(to, "resource_arn");
        buf_add(to, SPAN("\"arn:aws:apigateway:"));
        json_add_escaped(to, service->region);
        buf_add(to, SPAN("::/restapis/"));
        json_add_escaped(to, service->api);
        buf_add(to, SPAN("/stages/"));
        json_add_escaped(to, service->stage);
        buf_add_byte(to, '"');
    }
    open_in(to, "service", '{');
    add_text(to, "version", SPAN(SIDEGATE_VERSION));
    buf_add_byte(to, '}');
    add_text(to, "user", report->authorizer.principal);
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
    open_in(to, "rules", '[');
    size_t start = to->len;
    for (size_t i = 0; i < report->waf.match_count; i++) {
        const struct rule_match *match = &report->waf.matches[i];
        size_t mark = to->len;
        if (match->audit_only)
            continue;
        add_comma(to);
        buf_add_byte(to, '{');
        add_number(to, "id", match->rule_id);
        add_text(to, "message", match->message);
        add_text(to, "variable", match->variable_name);
        buf_add_byte(to, '}');
        if (!fits_list(to, start, mark))
            break;
    }
    buf_add_byte(to, ']');
}

static void add_decisions(struct buf *to, const struct report *report)
{
    open_in(to, "decisions", '[');
    size_t start = to->len;
    for (size_t i = 0; i < report->decision_count; i++) {
        const struct report_decision *decision = &report->decisions[i];
        size_t mark = to->len;
        add_comma(to);
        buf_add_byte(to, '{');
        add_text(to, "control", span_text(decision->control));
        add_text(to, "name", decision->name);
        add_text(to, "decision", span_text(decision->word));
        add_text(to, "reason", decision->reason);
        buf_add_byte(to, '}');
        if (!fits_list(to, start, mark))
            break;
    }
    buf_add_byte(to, ']');
}

static void add_metadata(struct maker *m)
{
    struct buf *to = m->to;
    open_in(to, "metadata", '{');
    open_in(to, "default", '{');
    add_text(to, "request_id", m->report->request_id);
    add_text(to, "extended_request_id", m->report->request_id);
    buf_add_byte(to, '}');
    open_in(to, "sidegate", '{');
    add_text(to, "protocol", m->report->protocol);
    add_text(to, "tls_version", m->report->tls.version);
    add_text(to, "tls_cipher", m->report->tls.cipher);
    add_rules(to, m->report);
    add_decisions(to, m->report);
    if (m->cut > 0)
        add_number(to, "subsegments_cut", m->cut);
    buf_add(to, SPAN("}}"));
}

void xray_add(struct buf *to, const struct report *report, const struct xray_service *service,
              size_t most, struct buf *scratch)
{
    struct maker m = {.to = to, .report = report, .start = to->len, .most = most - METADATA_BYTES};
    m.query = query_masked(report->query, scratch);
    buf_add_byte(to, '{');
    add_head(&m, service);
    add_http(&m);
    add_aws(to, report, service);
    add_flags(to, report->status, report->error);
    add_segment_cause(to, report);
    add_annotations(to, report, service);
    add_link(to, report);
    add_subsegments(&m);
    add_metadata(&m);
    buf_add(to, SPAN("}\n"));
    buf_clear(scratch);
}
