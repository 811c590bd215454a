/* SPDX-License-Identifier: Apache-2.0 */
/* Each field is a row: its name, and field_NAME() appends its value. What a request did not have is
 * null. */
#include "exporters/access_log.h"

#include <string.h>

#include "exporters/when.h"
#include "rules/base/copy.h"
#include "rules/base/encode.h"
#include "rules/base/number.h"

static void add_text(struct buf *to, struct span text)
{
    if (text.len > 0)
        json_add_string(to, text);
    else
        BUF_PUT(to, "null");
}

static void add_unsigned(struct buf *to, uint64_t number)
{
    char *room = buf_room(to, NUMBER_TEXT_BYTES);
    if (room != NULL)
        buf_grew(to, number_write(room, number <= INT64_MAX ? (int64_t)number : INT64_MAX));
}

static void add_status(struct buf *to, unsigned status)
{
    if (status > 0)
        add_unsigned(to, status);
    else
        BUF_PUT(to, "null");
}

static void add_id(struct buf *to, const uint8_t *id, size_t len)
{
    char *room = buf_room(to, 2 * len + 2);
    if (room == NULL)
        return;
    room[0] = room[2 * len + 1] = '"';
    hex_write(room + 1, id, len);
    buf_grew(to, 2 * len + 2);
}

/* A value is appended from the report, in which nothing is secret (sanitise.h). */
#define TEXT_FIELD(name, member)                                          \
    static void field_##name(struct buf *to, const struct report *report) \
    {                                                                     \
        add_text(to, report->member);                                     \
    }
TEXT_FIELD(request_id, request_id)
TEXT_FIELD(client_address, client_address)
TEXT_FIELD(client_country, client_country)
TEXT_FIELD(listener, listener)
TEXT_FIELD(method, method)
TEXT_FIELD(authority, authority)
TEXT_FIELD(path, path)
TEXT_FIELD(protocol, protocol)
TEXT_FIELD(error, error)
TEXT_FIELD(route, route)
TEXT_FIELD(user_agent, user_agent)

#define NUMBER_FIELD(name)                                                \
    static void field_##name(struct buf *to, const struct report *report) \
    {                                                                     \
        add_unsigned(to, report->name);                                   \
    }
NUMBER_FIELD(duration_us)
NUMBER_FIELD(bytes_in)
NUMBER_FIELD(bytes_out)

#define FIELD(name) static void field_##name(struct buf *to, const struct report *report)

FIELD(client_asn)
{
    if (report->client_asn > 0)
        add_unsigned(to, report->client_asn);
    else
        BUF_PUT(to, "null");
}

static bool geo_is_on(const struct report *report)
{
    return report->geo_on;
}

FIELD(time)
{
    buf_add_byte(to, '"');
    when_add_rfc3339(to, report->began_wall_us);
    buf_add_byte(to, '"');
}

FIELD(trace_id)
{
    add_id(to, report->trace_id, sizeof report->trace_id);
}

FIELD(span_id)
{
    add_id(to, report->span_id, sizeof report->span_id);
}

TEXT_FIELD(query, query)

FIELD(status)
{
    add_status(to, report->status);
}

FIELD(upstream)
{
    if (report->attempt_count == 0) {
        BUF_PUT(to, "null");
        return;
    }
    const struct report_attempt *last = &report->attempts[report->attempt_count - 1];
    BUF_PUT(to, "{\"address\":");
    add_text(to, last->address);
    BUF_PUT(to, ",\"status\":");
    add_status(to, last->status);
    BUF_PUT(to, ",\"duration_us\":");
    add_unsigned(to, last->duration_us);
    BUF_PUT(to, ",\"attempts\":");
    add_unsigned(to, (uint64_t)report->resends + 1);
    BUF_PUT(to, ",\"error\":");
    add_text(to, last->error);
    buf_add_byte(to, '}');
}

FIELD(tls)
{
    if (report->tls.version.len == 0) {
        BUF_PUT(to, "null");
        return;
    }
    BUF_PUT(to, "{\"version\":");
    add_text(to, report->tls.version);
    BUF_PUT(to, ",\"cipher\":");
    add_text(to, report->tls.cipher);
    BUF_PUT(to, ",\"server_name\":");
    add_text(to, report->tls.server_name);
    buf_add(to, report->tls.resumed ? SPAN(",\"resumed\":true") : SPAN(",\"resumed\":false"));
    BUF_PUT(to, ",\"client\":");
    add_text(to, report->tls.client);
    BUF_PUT(to, ",\"client_fingerprint\":");
    add_text(to, report->tls.client_fingerprint);
    buf_add_byte(to, '}');
}

static struct span waf_action_name(enum waf_action action)
{
    switch (action) {
    case WAF_BLOCK: return SPAN("block");
    case WAF_WOULD_BLOCK: return SPAN("would_block");
    case WAF_OFF: /* `mode` says so */
    case WAF_PASS: break;
    }
    return SPAN("pass");
}

static struct span engine_name(enum rule_engine mode)
{
    switch (mode) {
    case ENGINE_ON: return SPAN("on");
    case ENGINE_DETECTION_ONLY: return SPAN("detection_only");
    case ENGINE_OFF: break;
    }
    return SPAN("off");
}

/* What stopped the rules, or a part of them, and where. */
static void add_struck(struct buf *to, const struct report *report)
{
    const struct limit_struck *struck = &report->waf.struck;
    if (!report->waf.is_struck) {
        BUF_PUT(to, "null");
        return;
    }
    buf_format(to, "{\"name\":\"%s\",\"phase\":%u,\"rule\":", limit_name(struck->kind),
               (unsigned)struck->phase);
    if (struck->rule_id > 0)
        add_unsigned(to, struck->rule_id);
    else
        BUF_PUT(to, "null");
    BUF_PUT(to, ",\"target\":");
    add_text(to, struck->target);
    buf_add_byte(to, '}');
}

FIELD(waf)
{
    BUF_PUT(to, "{\"action\":\"");
    buf_add(to, waf_action_name(report->waf.action));
    BUF_PUT(to, "\",\"mode\":\"");
    buf_add(to, engine_name(report->waf.mode));
    BUF_PUT(to, "\",\"score\":");
    buf_add_number(to, report->waf.score);
    BUF_PUT(to, ",\"rules\":[");
    const char *comma = "";
    for (size_t i = 0; i < report->waf.match_count; i++) {
        if (report->waf.matches[i].audit_only)
            continue;
        buf_add(to, span_text(comma));
        add_unsigned(to, report->waf.matches[i].rule_id);
        comma = ",";
    }
    BUF_PUT(to, "],\"cpu_us\":");
    add_unsigned(to, report->waf.cpu_ns / 1000);
    BUF_PUT(to, ",\"limit\":");
    add_struck(to, report);
    buf_add_byte(to, '}');
}

/* What controls beside the rules came to, in order. */
FIELD(decisions)
{
    buf_add_byte(to, '[');
    for (size_t i = 0; i < report->decision_count; i++) {
        const struct report_decision *decision = &report->decisions[i];
        buf_add(to, i > 0 ? SPAN(",{\"control\":") : SPAN("{\"control\":"));
        add_text(to, span_text(decision->control));
        BUF_PUT(to, ",\"name\":");
        add_text(to, decision->name);
        BUF_PUT(to, ",\"decision\":");
        add_text(to, span_text(decision->word));
        BUF_PUT(to, ",\"reason\":");
        add_text(to, decision->reason);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, ']');
}

FIELD(authorizer)
{
    if (report->authorizer.name.len == 0) {
        BUF_PUT(to, "null");
        return;
    }
    BUF_PUT(to, "{\"name\":");
    add_text(to, report->authorizer.name);
    BUF_PUT(to, ",\"type\":");
    add_text(to, report->authorizer.type);
    BUF_PUT(to, ",\"principal\":");
    add_text(to, report->authorizer.principal);
    BUF_PUT(to, ",\"decision\":");
    add_text(to, span_text(report->authorizer.word));
    if (report->authorizer.cache.len > 0) {
        BUF_PUT(to, ",\"cache\":");
        add_text(to, report->authorizer.cache);
    }
    if (report->authorizer.is_called) {
        const struct report_attempt *call = &report->authorizer.call;
        BUF_PUT(to, ",\"call\":{\"address\":");
        add_text(to, call->address);
        BUF_PUT(to, ",\"status\":");
        add_status(to, call->status);
        BUF_PUT(to, ",\"duration_us\":");
        add_unsigned(to, call->duration_us);
        BUF_PUT(to, ",\"error\":");
        add_text(to, call->error);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, '}');
}

FIELD(api_key_id)
{
    add_text(to, report->api_key_id);
}

FIELD(usage_plan)
{
    add_text(to, report->usage_plan);
}

static bool same_stage(const struct report *report, size_t i, size_t j)
{
    return span_is(report->stages[i].name, report->stages[j].name);
}

/* A retried request walks some stages again: an object has each name once, with the sum. */
static bool stage_sum(const struct report *report, size_t i, uint64_t *sum)
{
    *sum = report->stages[i].duration_us;
    if (report->resends == 0)
        return true;
    for (size_t j = 0; j < i; j++) {
        if (same_stage(report, i, j))
            return false;
    }
    for (size_t j = i + 1; j < report->stage_count; j++)
        *sum += same_stage(report, i, j) ? report->stages[j].duration_us : 0;
    return true;
}

TEXT_FIELD(referer, referer)

/* The most that all stages may take. */
static size_t stages_room(const struct report *report)
{
    size_t room = sizeof "{}";
    for (size_t i = 0; i < report->stage_count; i++)
        room += sizeof ",\"\":" + NUMBER_TEXT_BYTES + report->stages[i].name.len;
    return room;
}

FIELD(stage_us)
{
    char *room = buf_room(to, stages_room(report)), *at = room;
    if (room == NULL)
        return;
    *at++ = '{';
    for (size_t i = 0; i < report->stage_count; i++) {
        struct span name = report->stages[i].name;
        uint64_t sum;
        if (!stage_sum(report, i, &sum))
            continue;
        if (i > 0)
            *at++ = ',';
        *at++ = '"';
        copy_short(at, name.at, name.len); /* of the stage table: nothing in it to escape */
        at += name.len;
        *at++ = '"';
        *at++ = ':';
        at += number_write(at, (int64_t)sum);
    }
    *at++ = '}';
    buf_grew(to, (size_t)(at - room));
}

/* ALWAYS(name, sentence); WHERE(question, name, sentence): only in lines of requests of which it is
 * true. */
#define ACCESS_FIELDS(ALWAYS, WHERE)                                                              \
    ALWAYS(time, "when the first byte came; UTC, microseconds")                                   \
    ALWAYS(request_id, "the id that the client, the backend and all logs see")                    \
    ALWAYS(trace_id, "of the trace that the request belongs to")                                  \
    ALWAYS(span_id, "of the request's own span")                                                  \
    ALWAYS(client_address, "the rightmost address that no trusted proxy vouches for")             \
    WHERE(geo_is_on, client_country, "ISO 3166-1, where geo has a database; null: unknown")       \
    WHERE(geo_is_on, client_asn, "number of its autonomous system; the same")                     \
    ALWAYS(listener, "name of the listener that took the connection")                             \
    ALWAYS(method, "as it came")                                                                  \
    ALWAYS(authority, "Host or :authority")                                                       \
    ALWAYS(path, "the canonical path that was decided on")                                        \
    ALWAYS(query, "as it came, secrets masked")                                                   \
    ALWAYS(protocol, "HTTP/1.0, HTTP/1.1 or HTTP/2")                                              \
    ALWAYS(tls, "version, cipher, server_name, resumed, and subject and SHA-256 of the client's " \
                "certificate; null: without TLS")                                                 \
    ALWAYS(status, "what was answered; null: the connection was closed without an answer")        \
    ALWAYS(duration_us, "from the first byte of the request to the last of the answer")           \
    ALWAYS(bytes_in, "of the request's body")                                                     \
    ALWAYS(bytes_out, "of the answer's body")                                                     \
    ALWAYS(upstream,                                                                              \
           "the last attempt: address, status, duration_us, attempts, error; null: none")         \
    ALWAYS(                                                                                       \
        waf,                                                                                      \
        "action (pass, block, would_block), mode, inbound score, ids of the rules that matched, " \
        "cpu_us, and the limit that struck: name, phase, rule, target; null: none")               \
    ALWAYS(decisions, "what other controls came to: control, name, decision, reason")             \
    ALWAYS(authorizer,                                                                            \
           "name, type, principal, decision; asked elsewhere: cache, and the call: address, "     \
           "status, duration_us, error; null: none was asked")                                    \
    ALWAYS(api_key_id, "of the API key that came; null: none was asked for, or nobody knows it")  \
    ALWAYS(usage_plan, "whose limits hold for that key")                                          \
    ALWAYS(error, "what went wrong, in one word")                                                 \
    ALWAYS(route, "template of the route")                                                        \
    ALWAYS(user_agent, "as it came")                                                              \
    ALWAYS(referer, "secrets in its query masked")                                                \
    ALWAYS(stage_us, "how long each stage took; they sum to duration_us")

#define WORDS(name, sentence)                 {#name, sentence},
#define WORDS_WHERE(question, name, sentence) {#name, sentence},
static const struct access_field_words words[] = {ACCESS_FIELDS(WORDS, WORDS_WHERE)};
#undef WORDS
#undef WORDS_WHERE

bool access_log_field(size_t i, struct access_field_words *out)
{
    if (i >= sizeof words / sizeof *words)
        return false;
    *out = words[i];
    return true;
}

void access_log_add(struct buf *to, const struct report *report)
{
    size_t start = to->len;
#define ADD(name, sentence)         \
    BUF_PUT(to, ",\"" #name "\":"); \
    field_##name(to, report);
#define ADD_WHERE(question, name, sentence) \
    if (question(report)) {                 \
        ADD(name, sentence)                 \
    }
    ACCESS_FIELDS(ADD, ADD_WHERE)
#undef ADD
#undef ADD_WHERE
    BUF_PUT(to, "}\n");
    if (!buf_is_full(to))
        to->at[start] = '{'; /* in the place of the first comma */
}
