/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/sampled_request.h"

#include <string.h>

#include "exporters/mask.h"
#include "exporters/sample_store.h"
#include "exporters/when.h"
#include "rules/base/encode.h"

enum {
    URI_MOST = 2048,
    VALUE_MOST = 1024,
    WORD_MOST = 128,
    INNER_MOST = 256,
    /* how long it may be behind the request's fields, behind those that were inserted, in all */
    FIELDS_END = 6 * 1024,
    INSERTED_END = FIELDS_END + 768,
    LABELS_END = SAMPLE_TEXT_MOST - 64,
};

/* As much of the text as takes `most` bytes with its escapes. */
static void add_string(struct buf *to, struct span text, size_t most)
{
    size_t start = to->len;
    text = span_first(text, most);
    json_add_string(to, text);
    while (to->len - start > most + 2) {
        to->len = start;
        text = span_first(text, text.len / 2);
        json_add_string(to, text);
    }
}

static void add_text(struct buf *to, const char *key, struct span text, size_t most)
{
    if (to->at[to->len - 1] != '{')
        buf_add_byte(to, ',');
    buf_format(to, "\"%s\":", key);
    add_string(to, text, most);
}

/* What would go beyond `end` is left out, with all that follows. */
static bool fits(struct buf *to, size_t start, size_t end)
{
    if (to->len < end)
        return true;
    to->len = start;
    return false;
}

static bool add_pair(struct buf *to, struct span name, struct span value, size_t end)
{
    size_t start = to->len;
    if (to->at[to->len - 1] != '[')
        buf_add_byte(to, ',');
    buf_add_byte(to, '{');
    add_text(to, "Name", name, WORD_MOST);
    if (value.at != NULL)
        add_text(to, "Value", value, VALUE_MOST);
    buf_add_byte(to, '}');
    return fits(to, start, end);
}

static void add_fields(struct buf *to, const struct report *report,
                       const struct waf_redaction *redaction, struct buf *scratch)
{
    buf_add(to, SPAN(",\"Headers\":["));
    bool fit = true;
    for (size_t i = 0; i < report->audit.request_field_count && fit; i++) {
        const struct pair *field = &report->audit.request_fields[i];
        struct span value = waf_field_shown(redaction, field, scratch);
        fit = add_pair(to, field->name, value.at != NULL ? value : SPAN(""), FIELDS_END);
        buf_clear(scratch);
    }
    buf_add_byte(to, ']');
}

/* Path and query: an attack often stands in the latter. */
static void add_uri(struct buf *to, const struct report *report,
                    const struct waf_redaction *redaction, struct buf *scratch)
{
    struct span uri = report->target, query = report->query;
    uri = span_cut(&uri, '?');
    char text[URI_MOST];
    size_t len = 0;
    const struct span parts[] = {
        redaction->uri_path ? SPAN(MASK) : uri, query.at != NULL ? SPAN("?") : SPAN(""),
        redaction->query_string && query.len > 0 ? SPAN(MASK) : query_masked(query, scratch)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct span part = span_first(parts[i], sizeof text - len);
        if (part.len > 0)
            memcpy(text + len, part.at, part.len);
        len += part.len;
    }
    add_text(to, "URI", span_make(text, len), URI_MOST);
    buf_clear(scratch);
}

static void add_request(struct buf *to, const struct report *report,
                        const struct waf_redaction *redaction, struct buf *scratch)
{
    buf_add(to, SPAN("\"Request\":{"));
    add_text(to, "ClientIP", report->client_address, WORD_MOST);
    add_text(to, "Country", report->client_country.len > 0 ? report->client_country : SPAN("-"),
             WORD_MOST);
    add_uri(to, report, redaction, scratch);
    add_text(to, "Method", redaction->method ? SPAN(MASK) : report->method, WORD_MOST);
    add_text(to, "HTTPVersion", report->protocol, WORD_MOST);
    add_fields(to, report, redaction, scratch);
    buf_add_byte(to, '}');
}

static void add_inserted(struct buf *to, const struct report *report)
{
    if (report->waf_log.inserted_count == 0)
        return;
    buf_add(to, SPAN(",\"RequestHeadersInserted\":["));
    bool fit = true;
    for (size_t i = 0; i < report->waf_log.inserted_count && fit; i++)
        fit = add_pair(to, report->waf_log.inserted[i].name, report->waf_log.inserted[i].value,
                       INSERTED_END);
    buf_add_byte(to, ']');
}

static void add_labels(struct buf *to, const struct report *report)
{
    if (report->waf_log.label_count == 0)
        return;
    buf_add(to, SPAN(",\"Labels\":["));
    bool fit = true;
    for (size_t i = 0; i < report->waf_log.label_count && fit; i++)
        fit = add_pair(to, report->waf_log.labels[i], span_make(NULL, 0), LABELS_END);
    buf_add_byte(to, ']');
}

void sampled_request_add(struct buf *to, const struct report *report, const struct sampled_by *by,
                         const struct waf_redaction *redaction, struct buf *scratch)
{
    buf_add_byte(to, '{');
    add_request(to, report, redaction, scratch);
    buf_add(to, SPAN(",\"Timestamp\":\""));
    when_add_rfc3339(to, report->began_wall_us);
    buf_add_byte(to, '"');
    add_text(to, "Action", span_text(by->action), WORD_MOST);
    if (by->inner.len > 0)
        add_text(to, "RuleNameWithinRuleGroup", by->inner, INNER_MOST);
    if (by->overridden[0] != '\0')
        add_text(to, "OverriddenAction", span_text(by->overridden), WORD_MOST);
    if (strcmp(by->action, "BLOCK") == 0 && report->status > 0)
        buf_format(to, ",\"ResponseCodeSent\":%u", report->status);
    add_inserted(to, report);
    add_labels(to, report);
}
