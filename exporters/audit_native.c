/* SPDX-License-Identifier: Apache-2.0 */
/* ModSecurity's own form: sections between lines that no request can forge, since they are made of
 * random digits of the request's id. */
#include "exporters/audit_log.h"
#include "exporters/rule_log.h"
#include "exporters/when.h"

enum { MARK_LENGTH = 8 };

/* A record under way. */
struct pen {
    struct buf *to;
    const struct report *report;
    char mark[MARK_LENGTH];
};

/* The last letters and digits of the id; its first ones may tell the time. */
static void mark_make(struct pen *pen)
{
    struct span id = pen->report->request_id;
    size_t left = id.len;
    for (size_t i = MARK_LENGTH; i > 0; i--) {
        while (left > 0 && !byte_is_alpha(id.at[left - 1]) && !byte_is_digit(id.at[left - 1]))
            left--;
        pen->mark[i - 1] = '0';
        if (left > 0)
            pen->mark[i - 1] = id.at[--left];
    }
}

static void begin_part(const struct pen *pen, char part)
{
    buf_add(pen->to, SPAN("---"));
    buf_add(pen->to, span_make(pen->mark, MARK_LENGTH));
    buf_format(pen->to, "---%c--\n", part);
}

/* Text that shall stay on its line. */
static void add_line_text(struct buf *to, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned byte = (unsigned char)text.at[i];
        if (byte < 0x20 || byte >= 0x7f)
            buf_format(to, "\\x%02x", byte);
        else
            buf_add_byte(to, text.at[i]);
    }
}

/* ...and between its quotes. */
static void add_quoted_text(struct buf *to, struct span text)
{
    buf_add_byte(to, '"');
    for (struct span rest = text; rest.at != NULL;) {
        add_line_text(to, span_cut(&rest, '"'));
        if (rest.at != NULL)
            buf_add(to, SPAN("\\x22"));
    }
    buf_add_byte(to, '"');
}

static void add_fields(struct buf *to, const struct pair *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_line_text(to, fields[i].name);
        buf_add(to, SPAN(": "));
        add_line_text(to, fields[i].value);
        buf_add_byte(to, '\n');
    }
}

static void part_a(const struct pen *pen)
{
    struct buf *to = pen->to;
    const struct report *report = pen->report;
    buf_add_byte(to, '[');
    when_add_clf(to, report->began_wall_us);
    buf_add(to, SPAN("] "));
    add_line_text(to, report->request_id);
    buf_add_byte(to, ' ');
    add_line_text(to, report->client_address);
    buf_format(to, " %u ", report->client_port);
    add_line_text(to, report->server_address);
    buf_format(to, " %u\n", report->server_port);
}

static void part_b(const struct pen *pen)
{
    add_line_text(pen->to, pen->report->method);
    buf_add_byte(pen->to, ' ');
    add_line_text(pen->to, pen->report->target);
    buf_add_byte(pen->to, ' ');
    add_line_text(pen->to, pen->report->protocol);
    buf_add_byte(pen->to, '\n');
    add_fields(pen->to, pen->report->audit.request_fields, pen->report->audit.request_field_count);
}

static void part_c(const struct pen *pen)
{
    buf_add(pen->to, pen->report->audit.request_body);
    buf_add_byte(pen->to, '\n');
}

static void part_e(const struct pen *pen)
{
    add_line_text(pen->to, pen->report->audit.response_body);
    buf_add_byte(pen->to, '\n');
}

static void part_f(const struct pen *pen)
{
    struct span protocol = pen->report->protocol.len > 0 ? pen->report->protocol : SPAN("HTTP/1.1");
    add_line_text(pen->to, protocol);
    buf_format(pen->to, " %u\n", pen->report->status);
    add_fields(pen->to, pen->report->audit.response_fields,
               pen->report->audit.response_field_count);
}

/* `Name: "text"` where there is one. */
static void add_quoted(struct buf *to, const char *name, struct span text)
{
    if (text.len == 0)
        return;
    buf_format(to, "%s: ", name);
    add_quoted_text(to, text);
    buf_add_byte(to, '\n');
}

/* Of the parts that are written. */
static void add_cuts(struct buf *to, const struct report *report)
{
    if (report->audit.request_is_cut && audit_has(report, 'C'))
        buf_add(to, SPAN("Request-Body-Cut: only its beginning was inspected and kept\n"));
    if (report->audit.response_is_cut && audit_has(report, 'E'))
        buf_add(to, SPAN("Response-Body-Cut: only its beginning was inspected and kept\n"));
}

static void part_h(const struct pen *pen)
{
    struct buf *to = pen->to;
    const struct report *report = pen->report;
    for (size_t i = 0; i < report->waf.match_count; i++) {
        if (!report->waf.matches[i].audit)
            continue;
        rule_message_add(to, report, i);
        buf_add_byte(to, '\n');
        if (report->waf.matches[i].disruptive && report->waf.action == WAF_BLOCK)
            buf_format(to, "Action: Intercepted (phase %u)\n",
                       (unsigned)report->waf.matches[i].phase);
    }
    add_quoted(to, "WebApp-Info", report->audit.web_app_id);
    add_quoted(to, "Sensor-Id", report->audit.sensor_id);
    add_cuts(to, report);
    buf_format(to, "Stopwatch: %llu %llu (- - -)\n", (unsigned long long)report->began_wall_us,
               (unsigned long long)report->duration_us);
    buf_add(to, SPAN("Producer: Sidegate " SIDEGATE_VERSION));
    if (report->audit.components.len > 0)
        buf_add(to, SPAN("; "));
    add_line_text(to, report->audit.components);
    buf_add(to, SPAN(".\nServer: "));
    add_line_text(to, report->listener);
    buf_add(to, SPAN("\nEngine-Mode: \""));
    buf_add(to, audit_engine_name(report));
    buf_add(to, SPAN("\"\n"));
}

static void part_i(const struct pen *pen)
{
    buf_add(pen->to, pen->report->audit.fields_of_form);
    buf_add_byte(pen->to, '\n');
}

static void part_j(const struct pen *pen)
{
    uint64_t total = 0;
    for (size_t i = 0; i < pen->report->audit.file_count; i++) {
        const struct report_file *file = &pen->report->audit.files[i];
        buf_format(pen->to, "%zu,%llu,", i + 1, (unsigned long long)file->bytes);
        add_quoted_text(pen->to, file->name);
        buf_add_byte(pen->to, ',');
        add_quoted_text(pen->to, file->field);
        buf_add_byte(pen->to, '\n');
        total += file->bytes;
    }
    buf_format(pen->to, "Total,%llu\n", (unsigned long long)total);
}

static void part_k(const struct pen *pen)
{
    for (size_t i = 0; i < pen->report->waf.match_count; i++) {
        rule_text_add(pen->to, &pen->report->waf.matches[i]);
        buf_add_byte(pen->to, '\n');
    }
}

static const struct part {
    char letter;
    bool always;
    void (*add)(const struct pen *pen);
} parts[] = {
    {'A', true, part_a},  {'B', false, part_b}, {'C', false, part_c},
    {'E', false, part_e}, {'F', false, part_f}, {'H', false, part_h},
    {'I', false, part_i}, {'J', false, part_j}, {'K', false, part_k},
};

void audit_add_native(struct buf *to, const struct report *report)
{
    struct pen pen = {.to = to, .report = report};
    mark_make(&pen);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        bool is_empty = parts[i].letter == 'C' && report->audit.request_body.len == 0;
        if (is_empty || (!parts[i].always && !audit_has(report, parts[i].letter)))
            continue;
        begin_part(&pen, parts[i].letter);
        parts[i].add(&pen);
        if (parts[i].letter != 'A')
            buf_add_byte(to, '\n');
    }
    begin_part(&pen, 'Z');
    buf_add_byte(to, '\n');
}
