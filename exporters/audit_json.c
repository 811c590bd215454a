/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of ModSecurity 3 in their order; rule ids, lines and severities are texts there. A field
 * that a head has several times is a list, so that no value is lost to a reader. */
#include "exporters/audit_log.h"
#include "exporters/rule_log.h"
#include "exporters/when.h"
#include "rules/base/encode.h"

/* `,"key":"text"`; the comma only where something stands before. */
static void add_key(struct buf *to, const char *key)
{
    if (to->len > 0 && to->at[to->len - 1] != '{')
        buf_add_byte(to, ',');
    buf_format(to, "\"%s\":", key);
}

static void add_text(struct buf *to, const char *key, struct span text)
{
    add_key(to, key);
    json_add_string(to, text);
}

static void add_number(struct buf *to, const char *key, uint64_t number)
{
    add_key(to, key);
    buf_format(to, "%llu", (unsigned long long)number);
}

static void add_number_text(struct buf *to, const char *key, uint64_t number)
{
    add_key(to, key);
    buf_format(to, "\"%llu\"", (unsigned long long)number);
}

/* Whether an earlier field has this name. */
static bool is_repeated(const struct pair *fields, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (span_is_nocase(fields[j].name, fields[i].name))
            return true;
    return false;
}

static void add_field(struct buf *to, const struct pair *fields, size_t count, size_t i)
{
    size_t same = 0, at = to->len;
    for (size_t j = i; j < count; j++) {
        if (!span_is_nocase(fields[j].name, fields[i].name))
            continue;
        if (same++ > 0)
            buf_add_byte(to, ',');
        json_add_string(to, fields[j].value);
    }
    if (same < 2 || !buf_add(to, SPAN("[]")))
        return;
    memmove(to->at + at + 1, to->at + at, to->len - at - 2);
    to->at[at] = '[';
    to->at[to->len - 1] = ']';
}

static void add_fields(struct buf *to, const struct pair *fields, size_t count)
{
    add_key(to, "headers");
    buf_add_byte(to, '{');
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (is_repeated(fields, i))
            continue;
        if (any)
            buf_add_byte(to, ',');
        any = true;
        json_add_string(to, fields[i].name);
        buf_add_byte(to, ':');
        add_field(to, fields, count, i);
    }
    buf_add_byte(to, '}');
}

/* "HTTP/1.1" is the number 1.1; what is no such text is 0. */
static void add_version(struct buf *to, struct span protocol)
{
    struct span number = span_from(protocol, span_find_byte(protocol, '/') + 1);
    bool fits = protocol.len > 5 && number.len > 0 && byte_is_digit(number.at[0]);
    add_key(to, "http_version");
    if (fits && number.len == 3 && number.at[1] == '.' && byte_is_digit(number.at[2]))
        buf_add(to, number);
    else
        buf_format(to, "%c", fits && number.len == 1 ? number.at[0] : '0');
}

/* Where only the beginning of a body is known. */
static void add_cut(struct buf *to, bool is_cut)
{
    if (!is_cut)
        return;
    add_key(to, "body_cut");
    buf_add(to, SPAN("true"));
}

static void add_request(struct buf *to, const struct report *report)
{
    const struct report_audit *audit = &report->audit;
    add_key(to, "request");
    buf_add_byte(to, '{');
    add_text(to, "method", report->method);
    add_version(to, report->protocol);
    add_text(to, "uri", report->target);
    if (audit_has(report, 'C'))
        add_text(to, "body", audit->request_body);
    if (audit_has(report, 'I'))
        add_text(to, "fake_body", audit->fields_of_form);
    if (audit_has(report, 'B'))
        add_fields(to, audit->request_fields, audit->request_field_count);
    add_cut(to, audit->request_is_cut && audit_has(report, 'C'));
    buf_add_byte(to, '}');
}

static void add_response(struct buf *to, const struct report *report)
{
    const struct report_audit *audit = &report->audit;
    add_key(to, "response");
    buf_add_byte(to, '{');
    if (audit_has(report, 'E'))
        add_text(to, "body", audit->response_body);
    add_number(to, "http_code", report->status);
    if (audit_has(report, 'F'))
        add_fields(to, audit->response_fields, audit->response_field_count);
    add_cut(to, audit->response_is_cut && audit_has(report, 'E'));
    buf_add_byte(to, '}');
}

static void add_producer(struct buf *to, const struct report *report)
{
    add_key(to, "producer");
    buf_add_byte(to, '{');
    add_text(to, "modsecurity", SPAN("Sidegate " SIDEGATE_VERSION));
    add_text(to, "connector", SPAN("Sidegate " SIDEGATE_VERSION));
    add_text(to, "secrules_engine", audit_engine_name(report));
    add_key(to, "components");
    buf_add_byte(to, '[');
    if (report->audit.components.len > 0)
        json_add_string(to, report->audit.components);
    buf_add_byte(to, ']');
    if (report->audit.web_app_id.len > 0)
        add_text(to, "webapp_id", report->audit.web_app_id);
    if (report->audit.sensor_id.len > 0)
        add_text(to, "sensor_id", report->audit.sensor_id);
    buf_add_byte(to, '}');
}

static void add_tags(struct buf *to, const struct rule_match *match)
{
    add_key(to, "tags");
    buf_add_byte(to, '[');
    for (size_t i = 0; i < match->tag_count; i++) {
        if (i > 0)
            buf_add_byte(to, ',');
        json_add_string(to, match->tags[i]);
    }
    buf_add_byte(to, ']');
}

static void add_message(struct buf *to, const struct rule_match *match, struct buf *scratch)
{
    buf_clear(scratch);
    rule_reason_add(scratch, match, false);
    buf_add_byte(to, '{');
    add_text(to, "message", match->message);
    add_key(to, "details");
    buf_add_byte(to, '{');
    add_text(to, "match", buf_span(scratch));
    add_text(to, "reference", SPAN(""));
    add_number_text(to, "ruleId", match->rule_id);
    add_text(to, "file", span_text(match->file));
    add_number_text(to, "lineNumber", match->line);
    add_text(to, "data", match->data);
    if (match->severity < SEVERITY_NONE)
        add_number_text(to, "severity", match->severity);
    else
        add_text(to, "severity", SPAN(""));
    add_text(to, "ver", match->version);
    add_text(to, "rev", match->revision);
    add_tags(to, match);
    add_number_text(to, "maturity", match->maturity);
    add_number_text(to, "accuracy", match->accuracy);
    buf_add(to, SPAN("}}"));
}

static void add_messages(struct buf *to, const struct report *report, struct buf *scratch)
{
    add_key(to, "messages");
    buf_add_byte(to, '[');
    bool any = false;
    for (size_t i = 0; i < report->waf.match_count; i++) {
        if (!report->waf.matches[i].audit)
            continue;
        if (any)
            buf_add_byte(to, ',');
        any = true;
        add_message(to, &report->waf.matches[i], scratch);
    }
    buf_add_byte(to, ']');
}

static void add_uploads(struct buf *to, const struct report *report)
{
    uint64_t total = 0;
    add_key(to, "uploads");
    buf_add(to, SPAN("{\"info\":["));
    for (size_t i = 0; i < report->audit.file_count; i++) {
        const struct report_file *file = &report->audit.files[i];
        buf_add(to, i > 0 ? SPAN(",{") : SPAN("{"));
        add_number(to, "file_size", file->bytes);
        add_text(to, "file_name", file->name);
        add_text(to, "field", file->field);
        buf_add_byte(to, '}');
        total += file->bytes;
    }
    buf_add_byte(to, ']');
    add_number(to, "total", total);
    buf_add_byte(to, '}');
}

static void add_matched_rules(struct buf *to, const struct report *report, struct buf *scratch)
{
    add_key(to, "matched_rules");
    buf_add_byte(to, '[');
    for (size_t i = 0; i < report->waf.match_count; i++) {
        const struct rule_match *match = &report->waf.matches[i];
        buf_clear(scratch);
        rule_text_add(scratch, match);
        buf_add(to, i > 0 ? SPAN(",{") : SPAN("{"));
        add_number_text(to, "ruleId", match->rule_id);
        add_number(to, "phase", (uint64_t)match->phase);
        add_text(to, "rule", buf_span(scratch));
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, ']');
}

static void add_head(struct buf *to, const struct report *report)
{
    add_text(to, "client_ip", report->client_address);
    add_key(to, "time_stamp");
    buf_add_byte(to, '"');
    when_add_asctime(to, report->began_wall_us);
    buf_add_byte(to, '"');
    add_text(to, "server_id", report->listener);
    add_number(to, "client_port", report->client_port);
    add_text(to, "host_ip", report->server_address);
    add_number(to, "host_port", report->server_port);
    add_text(to, "unique_id", report->request_id);
}

void audit_add_json(struct buf *to, const struct report *report, struct buf *scratch)
{
    buf_add(to, SPAN("{\"transaction\":{"));
    add_head(to, report);
    add_request(to, report);
    add_response(to, report);
    if (audit_has(report, 'H')) {
        add_producer(to, report);
        add_messages(to, report, scratch);
    }
    if (audit_has(report, 'J'))
        add_uploads(to, report);
    if (audit_has(report, 'K'))
        add_matched_rules(to, report, scratch);
    buf_add(to, SPAN("}}\n"));
}
