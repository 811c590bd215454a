/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/execution_log.h"

#include <string.h>

#include "exporters/mask.h"
#include "rules/base/encode.h"

/* ---- which lines there are ---- */

static bool type_is(const struct report *report, const char *type)
{
    return span_is(report->error_type, span_text(type));
}

static bool always(const struct report *report)
{
    (void)report;
    return true;
}

static bool has_authorizer(const struct report *report)
{
    return report->authorizer.name.len > 0;
}

static bool has_identity(const struct report *report)
{
    return has_authorizer(report) && report->execution.identity.len > 0;
}

static bool calls_authorizer(const struct report *report)
{
    return has_authorizer(report) && report->authorizer.is_called;
}

static bool is_let_in(const struct report *report)
{
    return has_authorizer(report) && strcmp(report->authorizer.word, "allow") == 0;
}

static bool called_and_let_in(const struct report *report)
{
    return calls_authorizer(report) && is_let_in(report);
}

static bool is_unauthorized(const struct report *report)
{
    return type_is(report, "UNAUTHORIZED");
}

static bool is_denied(const struct report *report)
{
    return type_is(report, "ACCESS_DENIED");
}

static bool is_throttled(const struct report *report)
{
    return type_is(report, "THROTTLED");
}

static bool is_over_quota(const struct report *report)
{
    return type_is(report, "QUOTA_EXCEEDED");
}

static bool has_route(const struct report *report)
{
    return report->route.len > 0;
}

static bool has_method(const struct report *report)
{
    return report->method.len > 0;
}

static bool has_key(const struct report *report)
{
    return report->api_key_id.len > 0;
}

static bool has_no_key(const struct report *report)
{
    return has_route(report) && !has_key(report) && !type_is(report, "INVALID_API_KEY");
}

static bool plan_passed(const struct report *report)
{
    return has_route(report) && !is_throttled(report) && !is_over_quota(report) &&
           !type_is(report, "INVALID_API_KEY");
}

static bool has_attempt(const struct report *report)
{
    return report->attempt_count > 0;
}

static const struct report_attempt *last_attempt(const struct report *report)
{
    return &report->attempts[report->attempt_count - 1];
}

static bool has_response(const struct report *report)
{
    return has_attempt(report) && last_attempt(report)->status > 0;
}

static bool has_endpoint_head(const struct report *report)
{
    return report->execution.endpoint_headers.len > 0;
}

static bool has_endpoint_answer(const struct report *report)
{
    return has_response(report) && report->error_type.len == 0 && report->error.len == 0;
}

static bool has_status(const struct report *report)
{
    return report->status > 0;
}

/* One that has no line of its own. */
static bool has_failure(const struct report *report)
{
    return report->error.len > 0 && !is_unauthorized(report) && !is_denied(report) &&
           !is_throttled(report) && !is_over_quota(report);
}

static bool has_gateway_response(const struct report *report)
{
    return report->error_type.len > 0;
}

static bool is_well(const struct report *report)
{
    return has_status(report) && report->error.len == 0;
}

static bool has_endpoint_id(const struct report *report)
{
    return report->upstream_request_id.len > 0;
}

static bool is_traced(const struct report *report)
{
    return report->sampled;
}

/* ---- what they say ---- */

struct pencil {
    struct buf *to; /* the text behind the id */
    const struct report *report;
    const struct execution_place *place;
};

void execution_mask(struct buf *to, struct span secret)
{
    enum { SHOWN = 6, LONG = 20 };
    bool is_password = span_starts_nocase(secret, SPAN("basic "));
    size_t shown = secret.len >= LONG && !is_password ? SHOWN : 0;
    for (size_t i = 0; i < secret.len - shown; i++)
        buf_add_byte(to, '*');
    buf_add(to, span_from(secret, secret.len - shown));
}

/* The query's secrets are masked. */
static void add_uri(struct buf *to, const struct report_attempt *attempt, struct span target)
{
    struct span query = target, path = span_cut(&query, '?');
    struct buf scratch;
    if (!span_starts(attempt->address, SPAN("http")))
        buf_add(to, attempt->tls ? SPAN("https://") : SPAN("http://"));
    buf_add(to, attempt->address);
    buf_add(to, path);
    if (query.at == NULL)
        return;
    buf_init(&scratch, query.len * 3 + 64);
    buf_add_byte(to, '?');
    buf_add(to, query_masked(query, &scratch));
    buf_fini(&scratch);
}

static void add_place(const struct pencil *p)
{
    buf_add(p->to, p->place->api);
    buf_add_byte(p->to, '/');
    buf_add(p->to, p->place->stage);
}

#define TEXT(name) static void name(const struct pencil *p)

TEXT(extended_id)
{
    buf_add(p->to, SPAN("Extended Request Id: "));
    buf_add(p->to, p->report->request_id);
}

TEXT(starting_authorizer)
{
    buf_add(p->to, SPAN("Starting authorizer: "));
    buf_add(p->to, p->report->authorizer.name);
    buf_add(p->to, SPAN(" for request: "));
    buf_add(p->to, p->report->request_id);
}

TEXT(incoming_identity)
{
    buf_add(p->to, SPAN("Incoming identity: "));
    buf_add(p->to, p->report->execution.identity);
}

TEXT(authorizer_uri)
{
    buf_add(p->to, SPAN("Endpoint request URI: "));
    add_uri(p->to, &p->report->authorizer.call, SPAN(""));
}

TEXT(authorizer_sending)
{
    buf_add(p->to, SPAN("Sending request to "));
    add_uri(p->to, &p->report->authorizer.call, SPAN(""));
}

TEXT(unauthorized)
{
    buf_add(p->to, SPAN("Unauthorized request: "));
    buf_add(p->to, p->report->request_id);
}

TEXT(denied)
{
    buf_add(p->to, SPAN("The client is not authorized to perform this operation."));
}

TEXT(principal)
{
    buf_add(p->to, SPAN("Using valid authorizer policy for principal: "));
    execution_mask(p->to, p->report->authorizer.principal);
}

TEXT(authorizer_done)
{
    buf_add(p->to, SPAN("Successfully completed authorizer execution"));
}

TEXT(verifying_plan)
{
    buf_add(p->to, SPAN("Verifying Usage Plan for request: "));
    buf_add(p->to, p->report->request_id);
    buf_add(p->to, SPAN(". API Key: "));
    buf_add(p->to, p->report->api_key_id);
    buf_add(p->to, SPAN(" API Stage: "));
    add_place(p);
}

TEXT(needs_no_key)
{
    buf_add(p->to, SPAN("API Key  authorized because method '"));
    buf_add(p->to, p->report->route_key);
    buf_add(p->to, SPAN("' does not require API Key. Request will not contribute to throttle or "
                        "quota limits"));
}

TEXT(plan_succeeded)
{
    buf_add(p->to, SPAN("Usage Plan check succeeded for API Key "));
    buf_add(p->to, p->report->api_key_id);
    buf_add(p->to, SPAN(" and API Stage "));
    add_place(p);
}

static void add_limited(const struct pencil *p, const char *what)
{
    buf_format(p->to, "Key %s limit exceeded for RestApi ", what);
    buf_add(p->to, p->place->api);
    buf_add(p->to, SPAN(", Stage "));
    buf_add(p->to, p->place->stage);
    buf_add(p->to, SPAN(", Resource "));
    buf_add(p->to, p->report->route);
    buf_add(p->to, SPAN(", HttpMethod "));
    buf_add(p->to, p->report->method);
    buf_add_byte(p->to, '.');
}

TEXT(throttled)
{
    add_limited(p, "throttle");
    for (size_t i = p->report->decision_count; i-- > 0;) {
        const struct report_waf_rule *rule = p->report->decisions[i].rule;
        if (rule == NULL || rule->limit == 0)
            continue;
        uint64_t window = rule->window_s > 0 ? rule->window_s : 1;
        uint64_t hundredths = rule->limit * 100 / window;
        buf_format(p->to, " Limit: %llu.%02llu Burst: %llu", (unsigned long long)(hundredths / 100),
                   (unsigned long long)(hundredths % 100),
                   (unsigned long long)(rule->burst > 0 ? rule->burst : rule->limit));
        return;
    }
}

TEXT(over_quota)
{
    add_limited(p, "quota");
}

TEXT(starting)
{
    buf_add(p->to, SPAN("Starting execution for request: "));
    buf_add(p->to, p->report->request_id);
}

TEXT(method)
{
    buf_add(p->to, SPAN("HTTP Method: "));
    buf_add(p->to, p->report->method);
    buf_add(p->to, SPAN(", Resource Path: "));
    buf_add(p->to, p->report->path);
}

TEXT(api_key)
{
    buf_add(p->to, SPAN("API Key: "));
    buf_add(p->to, p->report->api_key_id);
}

TEXT(endpoint_uri)
{
    buf_add(p->to, SPAN("Endpoint request URI: "));
    add_uri(p->to, last_attempt(p->report), p->report->target);
}

TEXT(sending)
{
    buf_add(p->to, SPAN("Sending request to "));
    add_uri(p->to, last_attempt(p->report), p->report->target);
}

TEXT(received)
{
    const struct report_attempt *attempt = last_attempt(p->report);
    buf_format(p->to, "Received response. Status: %u, Integration latency: %llu ms",
               attempt->status, (unsigned long long)(attempt->duration_us / 1000));
}

#define DATA(name, words, member)                    \
    TEXT(name)                                       \
    {                                                \
        buf_add(p->to, SPAN(words));                 \
        buf_add(p->to, p->report->execution.member); \
    }
DATA(request_path, "Method request path: ", path)
DATA(request_query, "Method request query string: ", query)
DATA(request_headers, "Method request headers: ", request_headers)
DATA(request_body, "Method request body before transformations: ", request_body)
DATA(endpoint_headers, "Endpoint request headers: ", endpoint_headers)
DATA(endpoint_body, "Endpoint request body after transformations: ", request_body)
DATA(endpoint_answer_headers, "Endpoint response headers: ", endpoint_answer_headers)
DATA(endpoint_answer_body, "Endpoint response body before transformations: ", answer_body)
DATA(answer_body, "Method response body after transformations: ", answer_body)
DATA(answer_headers, "Method response headers: ", answer_headers)

TEXT(failure)
{
    static const struct {
        struct span error;
        const char *words;
    } rows[] = {
        {SPAN_INIT("upstream_timeout"), "a timeout error"},
        {SPAN_INIT("connect_timeout"), "a timeout error"},
        {SPAN_INIT("upstream_stalled"), "a timeout error"},
        {SPAN_INIT("authorizer_failed"), "configuration error: Authorizer error"},
        {SPAN_INIT("out_of_memory"), "an internal error"},
    };
    buf_add(p->to, SPAN("Execution failed due to "));
    if (type_is(p->report, "AUTHORIZER_FAILURE") ||
        type_is(p->report, "AUTHORIZER_CONFIGURATION_ERROR")) {
        buf_add(p->to, SPAN("configuration error: Authorizer error"));
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (span_is(p->report->error, rows[i].error)) {
            buf_add(p->to, span_text(rows[i].words));
            return;
        }
    if (has_attempt(p->report) && last_attempt(p->report)->error.len > 0) {
        buf_add(p->to, SPAN("a network error communicating with endpoint"));
        return;
    }
    buf_add(p->to, SPAN("an error: "));
    buf_add(p->to, p->report->error);
}

TEXT(gateway_response)
{
    buf_add(p->to, SPAN("Gateway response type: "));
    buf_add(p->to, p->report->error_type);
    buf_format(p->to, " with status code: %u", p->report->status);
}

TEXT(success)
{
    buf_add(p->to, SPAN("Successfully completed execution"));
}

TEXT(completed)
{
    buf_format(p->to, "Method completed with status: %u", p->report->status);
}

TEXT(endpoint_id)
{
    buf_add(p->to, SPAN("AWS Integration Endpoint RequestId : "));
    buf_add(p->to, p->report->upstream_request_id);
}

TEXT(tracing_id)
{
    char hex[2 * sizeof p->report->trace_id];
    hex_write(hex, p->report->trace_id, sizeof p->report->trace_id);
    buf_format(p->to, "X-ray Tracing ID : Root=1-%.8s-%.24s", hex, hex + 8);
}

/* ---- the lines ---- */

enum level { LEVEL_ERROR, LEVEL_INFO, LEVEL_TRACE };
static const struct line {
    enum level level;
    bool (*is_there)(const struct report *report);
    void (*add)(const struct pencil *p);
} lines[] = {
#define LINE(level, is_there, add) {LEVEL_##level, is_there, add},
#include "exporters/execution_log.tbl"
#undef LINE
};
enum { LINES = sizeof lines / sizeof *lines };

static bool is_wanted(const struct line *line, const struct report *report)
{
    switch (report->execution.level) {
    case EXECUTION_OFF: return false;
    case EXECUTION_ERROR:
        return line->level == LEVEL_ERROR &&
               (report->error.len > 0 || report->status >= 500 || report->status == 0) &&
               line->is_there(report);
    case EXECUTION_INFO: break;
    }
    return (line->level != LEVEL_TRACE || report->execution.traces) && line->is_there(report);
}

unsigned execution_log_lines(const struct report *report)
{
    unsigned count = 0;
    for (size_t i = 0; i < LINES && report->execution.level != EXECUTION_OFF; i++)
        count += is_wanted(&lines[i], report);
    return count;
}

/* One line of UTF-8, whatever is in it. */
static void add_plain(struct buf *to, struct span text)
{
    for (size_t len; text.len > 0; text = span_from(text, len > 0 ? len : 1)) {
        unsigned char byte = (unsigned char)text.at[0];
        len = utf8_length(text);
        if (len > 0 && byte >= ' ' && byte != 0x7f)
            buf_add(to, span_first(text, len));
        else if (byte == '\n')
            buf_add(to, SPAN("\\n"));
        else if (byte == '\r')
            buf_add(to, SPAN("\\r"));
        else
            buf_format(to, "\\x%02x", byte);
    }
}

/* As many as a line has, the last one whole. */
static struct span first_characters(struct span text)
{
    if (text.len <= EXECUTION_TEXT_BYTES)
        return text;
    size_t len = EXECUTION_TEXT_BYTES;
    for (size_t i = 1; i < 4; i++) /* does the last one go on behind? */
        if (utf8_length(span_from(text, len - i)) > i)
            return span_first(text, len - i);
    return span_first(text, len);
}

bool execution_log_next(struct buf *to, size_t *row, const struct report *report,
                        const struct execution_place *place, struct buf *scratch)
{
    while (*row < LINES && !is_wanted(&lines[*row], report))
        ++*row;
    if (*row == LINES)
        return false;
    struct pencil pencil = {scratch, report, place};
    buf_clear(scratch);
    lines[(*row)++].add(&pencil);
    struct span text = buf_span(scratch), cut = first_characters(text);
    buf_add_byte(to, '(');
    add_plain(to, report->request_id);
    buf_add(to, SPAN(") "));
    add_plain(to, cut);
    if (cut.len < text.len)
        buf_add(to, SPAN(" [TRUNCATED]"));
    buf_add_byte(to, '\n');
    buf_clear(scratch);
    return true;
}
