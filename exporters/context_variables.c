/* SPDX-License-Identifier: Apache-2.0 */
/* A phase of API Gateway (waf, authenticate, authorizer, authorize) is a stage or two of the
 * report: walked or not, its time, and the decision that ended the request in it. */
#include "exporters/context_variables.h"

#include <stddef.h>
#include <stdio.h>

#include "exporters/when.h"
#include "rules/base/encode.h"
#include "rules/base/fault.h"

enum { US_PER_MS = 1000, OK = 200 };

/* ---- phases ---- */

struct phase {
    bool is_walked;
    uint64_t us;
    const struct report_decision *block; /* NULL: it let the request pass */
};

static bool is_of(struct span stage, struct span a, struct span b)
{
    return span_is(stage, a) || span_is(stage, b);
}

/* `b`: a second stage of the phase, or `a` again. */
static struct phase phase_of(const struct report *report, struct span a, struct span b)
{
    struct phase phase = {.is_walked = false};
    for (size_t i = 0; i < report->stage_count; i++) {
        if (!is_of(report->stages[i].name, a, b))
            continue;
        phase.is_walked = true;
        phase.us += report->stages[i].duration_us;
    }
    for (size_t i = 0; i < report->decision_count; i++) {
        const struct report_decision *decision = &report->decisions[i];
        if (is_of(span_text(decision->stage), a, b) && strcmp(decision->word, "block") == 0)
            phase.block = decision;
    }
    return phase;
}

static bool phase_latency(const struct phase *phase, uint64_t *to)
{
    *to = phase->us / US_PER_MS;
    return phase->is_walked;
}

static bool phase_status(const struct phase *phase, const struct report *report, uint64_t *to)
{
    *to = phase->block != NULL ? report->status : OK;
    return phase->is_walked && *to > 0;
}

#define TEXT(name)                                       \
    static struct span name(const struct report *report, \
                            struct buf *scratch __attribute__((unused)))
#define NUMBER(name) static bool name(const struct report *report, uint64_t *to)

#define PHASE(name, stage)                                               \
    TEXT(name##_error)                                                   \
    {                                                                    \
        struct phase phase = phase_of(report, SPAN(stage), SPAN(stage)); \
        return phase.block != NULL ? phase.block->reason : SPAN("");     \
    }                                                                    \
    NUMBER(name##_latency)                                               \
    {                                                                    \
        struct phase phase = phase_of(report, SPAN(stage), SPAN(stage)); \
        return phase_latency(&phase, to);                                \
    }                                                                    \
    NUMBER(name##_status)                                                \
    {                                                                    \
        struct phase phase = phase_of(report, SPAN(stage), SPAN(stage)); \
        return phase_status(&phase, report, to);                         \
    }
PHASE(authenticate, "authenticate")
PHASE(authorizer, "authorizer")
PHASE(authorize, "authorize")

static struct phase waf_phase(const struct report *report)
{
    return phase_of(report, SPAN("inspect_head"), SPAN("inspect_body"));
}

static bool is_blocked(const struct report *report)
{
    return report->waf.action == WAF_BLOCK || waf_phase(report).block != NULL;
}

/* API Gateway has no request without a resource; readers of a log want what was asked for. */
TEXT(resource_path)
{
    return report->route.len > 0 ? report->route : report->path;
}

TEXT(waf_error)
{
    return report->waf.is_struck ? span_text(limit_name(report->waf.struck.kind)) : SPAN("");
}

NUMBER(waf_latency)
{
    struct phase phase = waf_phase(report);
    return phase_latency(&phase, to);
}

NUMBER(waf_status)
{
    *to = is_blocked(report) ? report->status : OK;
    return waf_phase(report).is_walked && *to > 0;
}

TEXT(waf_code)
{
    if (!waf_phase(report).is_walked)
        return SPAN("");
    return is_blocked(report) ? SPAN("WAF_BLOCK") : SPAN("WAF_ALLOW");
}

NUMBER(authorizer_call_latency)
{
    *to = report->authorizer.call.duration_us / US_PER_MS;
    return report->authorizer.is_called;
}

NUMBER(authorizer_call_status)
{
    *to = report->authorizer.call.status;
    return report->authorizer.is_called && *to > 0;
}

/* ---- the backend ---- */

static const struct report_attempt *last_attempt(const struct report *report)
{
    return report->attempt_count > 0 ? &report->attempts[report->attempt_count - 1] : NULL;
}

TEXT(integration_error)
{
    const struct report_attempt *last = last_attempt(report);
    return last != NULL ? last->error : SPAN("");
}

NUMBER(integration_status)
{
    const struct report_attempt *last = last_attempt(report);
    *to = last != NULL ? last->status : 0;
    return *to > 0;
}

NUMBER(integration_latency)
{
    const struct report_attempt *last = last_attempt(report);
    if (last == NULL)
        return false;
    uint64_t end = last->start_us + last->duration_us, start = report->attempts[0].start_us;
    *to = end > start ? (end - start) / US_PER_MS : 0;
    return true;
}

static const struct report_stage *stage_last(const struct report *report, struct span name)
{
    for (size_t i = report->stage_count; i-- > 0;) {
        if (span_is(report->stages[i].name, name))
            return &report->stages[i];
    }
    return NULL;
}

NUMBER(time_to_headers)
{
    const struct report_stage *connect = stage_last(report, SPAN("connect"));
    const struct report_stage *await = stage_last(report, SPAN("await_answer"));
    uint64_t status;
    if (connect == NULL || await == NULL || !integration_status(report, &status))
        return false;
    uint64_t end = await->start_us + await->duration_us;
    *to = end > connect->start_us ? (end - connect->start_us) / US_PER_MS : 0;
    return true;
}

TEXT(transfer_mode)
{
    uint64_t status;
    if (!integration_status(report, &status))
        return SPAN("");
    return stage_last(report, SPAN("gather_answer")) != NULL ? SPAN("BUFFERED") : SPAN("STREAMED");
}

/* ---- who ---- */

/* "shop.example:8443", "[::1]:80": without the port. */
TEXT(domain_name)
{
    struct span host = report->authority;
    size_t bracket = span_find_byte(host, ']');
    if (span_starts(host, SPAN("[")) && bracket != SPAN_NONE)
        return span_first(host, bracket + 1);
    size_t colon = span_find_byte(host, ':');
    return colon != SPAN_NONE ? span_first(host, colon) : host;
}

TEXT(domain_prefix)
{
    struct span host = domain_name(report, scratch);
    size_t dot = span_find_byte(host, '.');
    return dot != SPAN_NONE ? span_first(host, dot) : host;
}

TEXT(tls_version)
{
    if (report->tls.version.len == 0)
        return SPAN("");
    size_t start = scratch->len;
    buf_add(scratch, SPAN("TLSv"));
    buf_add(scratch, report->tls.version);
    return span_from(buf_span(scratch), start);
}

/* ---- what came of it ---- */

TEXT(error_message)
{
    return report->error_message.len > 0 ? report->error_message : report->error;
}

/* Of our own answers that are not in API Gateway's words. */
static struct span type_of_status(unsigned status)
{
    switch (status) {
    case 404: return SPAN("RESOURCE_NOT_FOUND");
    case 413: return SPAN("REQUEST_TOO_LARGE");
    case 429: return SPAN("THROTTLED");
    default: return status < 500 ? SPAN("DEFAULT_4XX") : SPAN("DEFAULT_5XX");
    }
}

TEXT(error_type)
{
    struct span error = report->error;
    if (report->error_type.len > 0)
        return report->error_type;
    if (error.len == 0 || report->status < 400)
        return SPAN("");
    if (is_blocked(report))
        return SPAN("WAF_FILTERED");
    if (span_is(error, SPAN("upstream_timeout")))
        return SPAN("INTEGRATION_TIMEOUT");
    if (span_starts(error, SPAN("upstream_")))
        return SPAN("INTEGRATION_FAILURE");
    return type_of_status(report->status);
}

NUMBER(status)
{
    *to = report->status;
    return *to > 0;
}

NUMBER(response_latency)
{
    *to = report->duration_us / US_PER_MS;
    return true;
}

NUMBER(response_length)
{
    *to = report->bytes_out;
    return true;
}

NUMBER(data_processed)
{
    *to = report->bytes_in + report->bytes_out;
    return true;
}

NUMBER(request_time_epoch)
{
    *to = report->began_wall_us / US_PER_MS;
    return true;
}

TEXT(request_time)
{
    size_t start = scratch->len;
    when_add_clf(scratch, report->began_wall_us);
    return span_from(buf_span(scratch), start);
}

TEXT(xray_trace_id)
{
    enum { DATE_BYTES = 4, DATE_AT = 2, DASH_AT = 10, REST_AT = 11, ALL = 35 };
    char *room = buf_room(scratch, ALL);
    if (room == NULL)
        return SPAN("");
    room[0] = '1';
    room[1] = room[DASH_AT] = '-';
    hex_write(room + DATE_AT, report->trace_id, DATE_BYTES);
    hex_write(room + REST_AT, report->trace_id + DATE_BYTES, sizeof report->trace_id - DATE_BYTES);
    buf_grew(scratch, ALL);
    return span_make(room, ALL);
}

/* ---- the table ---- */

static const struct context_variable variables[] = {
#define CONTEXT_TEXT(name, member, sentence) \
    {name, CONTEXT_KIND_TEXT, sentence, offsetof(struct report, member), NULL, NULL},
#define CONTEXT_MADE(name, function, sentence) \
    {name, CONTEXT_KIND_TEXT, sentence, 0, function, NULL},
#define CONTEXT_OURS(name, function, sentence) \
    {name, CONTEXT_KIND_OURS, sentence, 0, function, NULL},
#define CONTEXT_NUMBER(name, function, sentence) \
    {name, CONTEXT_KIND_NUMBER, sentence, 0, NULL, function},
#define CONTEXT_MEMBER(name, sentence)  {name, CONTEXT_KIND_MEMBER, sentence, 0, NULL, NULL},
#define CONTEXT_NOTHING(name, sentence) {name, CONTEXT_KIND_NOTHING, sentence, 0, NULL, NULL},
#include "exporters/context_variables.tbl"
#undef CONTEXT_TEXT
#undef CONTEXT_MADE
#undef CONTEXT_OURS
#undef CONTEXT_NUMBER
#undef CONTEXT_MEMBER
#undef CONTEXT_NOTHING
};
enum { VARIABLES = sizeof variables / sizeof *variables };

/* What the row's <...> stands for in the name; empty: it has none, or the name is another. */
static struct span member_of(const struct context_variable *variable, struct span name)
{
    struct span stem = span_text(variable->name);
    if (!span_ends(stem, SPAN("<...>")))
        return span_make(NULL, 0);
    stem.len -= SPAN("<...>").len;
    if (!span_starts(name, stem) || name.len == stem.len)
        return span_make(NULL, 0);
    return span_from(name, stem.len);
}

const struct context_variable *context_find(struct span name, struct span *member)
{
    const struct context_variable *found = NULL;
    *member = span_make(NULL, 0);
    for (size_t i = 0; i < VARIABLES; i++) {
        if (span_is(span_text(variables[i].name), name)) {
            *member = span_make(NULL, 0);
            return &variables[i];
        }
        struct span of = member_of(&variables[i], name);
        if (of.len > 0 && (found == NULL || of.len < member->len)) {
            found = &variables[i];
            *member = of;
        }
    }
    return found;
}

const struct context_variable *context_at(size_t i)
{
    return i < VARIABLES ? &variables[i] : NULL;
}

struct span context_hint(struct span wrong, char *to, size_t size)
{
    const char *names[VARIABLES];
    size_t count = 0;
    for (size_t i = 0; i < VARIABLES; i++) {
        if (variables[i].kind != CONTEXT_KIND_NOTHING && variables[i].kind != CONTEXT_KIND_MEMBER)
            names[count++] = variables[i].name;
    }
    const char *near = nearest_name(wrong, names, count);
    int len = near != NULL ? snprintf(to, size, "did you mean '$context.%s'?", near) : 0;
    return span_make(to, len > 0 && (size_t)len < size ? (size_t)len : 0);
}

struct span context_value(const struct context_variable *variable, struct span member,
                          const struct report *report, struct buf *scratch)
{
    if (variable->text != NULL)
        return variable->text(report, scratch);
    if (variable->kind != CONTEXT_KIND_MEMBER)
        return *(const struct span *)(const void *)((const char *)report + variable->at);
    for (size_t i = 0; i < report->authorizer.member_count; i++) {
        if (span_is(report->authorizer.members[i].name, member))
            return report->authorizer.members[i].value;
    }
    return SPAN("");
}
