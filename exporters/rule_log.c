/* SPDX-License-Identifier: Apache-2.0 */
/* [when] [security2:error] [client IP] ModSecurity: Warning. REASON [file ""] [line ""] [id ""] ...
 *
 * Reason and fields are escaped as ModSecurity does: no byte of a request can end a line, a quote
 * or a field. */
#include "exporters/rule_log.h"

#include "exporters/when.h"

enum { DATA_LONGEST = 512, VALUE_LONGEST = 200, ARGUMENT_LONGEST = 200 };

/* The letter of the escape, 'x' for a hexadecimal one, 0 for a byte that stands as it is. */
static char escape_of(char byte)
{
    switch (byte) {
    case '"':
    case '\\': return byte;
    case '\b': return 'b';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\v': return 'v';
    default: return (unsigned char)byte < 0x20 || (unsigned char)byte >= 0x7f ? 'x' : 0;
    }
}

static void add_escape(struct buf *to, char byte, char escape)
{
    static const char digits[] = "0123456789abcdef";
    unsigned value = (unsigned char)byte;
    char text[] = {'\\', escape, digits[value >> 4], digits[value & 15]};
    buf_add(to, span_make(text, escape == 'x' ? 4 : 2));
}

typedef void add_text(struct buf *to, struct span text);

void line_add_escaped(struct buf *to, struct span text)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.len; i++) {
        char escape = escape_of(text.at[i]);
        if (escape == 0)
            continue;
        buf_add(to, span_make(text.at + plain, i - plain));
        add_escape(to, text.at[i], escape);
        plain = i + 1;
    }
    buf_add(to, span_from(text, plain));
}

/* ` [name "value"]`, or nothing where there is no value. */
static void add_field(struct buf *to, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    buf_add(to, SPAN(" ["));
    buf_add(to, span_text(name));
    buf_add(to, SPAN(" \""));
    line_add_escaped(to, value);
    buf_add(to, SPAN("\"]"));
}

static void add_number_field(struct buf *to, const char *name, uint64_t value)
{
    buf_format(to, " [%s \"%llu\"]", name, (unsigned long long)value);
}

static void add_cut(struct buf *to, struct span text, size_t longest, add_text *add)
{
    add(to, span_first(text, longest));
    if (text.len > longest)
        buf_add(to, SPAN("..."));
}

static void add_plain(struct buf *to, struct span text)
{
    buf_add(to, text);
}

void rule_reason_add(struct buf *to, const struct rule_match *match, bool escaped)
{
    add_text *add = escaped ? line_add_escaped : add_plain;
    if (match->operator_text.len == 0) {
        buf_add(to, SPAN("Unconditional match in SecAction."));
        return;
    }
    buf_add(to, SPAN("Matched \"Operator `"));
    if (match->negated)
        buf_add_byte(to, '!');
    add(to, match->operator_text);
    buf_add(to, SPAN("' with parameter `"));
    add_cut(to, match->operator_argument, ARGUMENT_LONGEST, add);
    buf_add(to, SPAN("' against variable `"));
    add(to, match->variable_name);
    buf_add(to, SPAN("' (Value: `"));
    add_cut(to, match->variable_value, VALUE_LONGEST, add);
    buf_add(to, SPAN("' )"));
}

static void add_verdict(struct buf *to, const struct report *report, const struct rule_match *match)
{
    if (match->disruptive && report->waf.action == WAF_BLOCK)
        buf_format(to, "Access denied with code %u (phase %u). ", report->status,
                   (unsigned)match->phase);
    else
        buf_add(to, SPAN("Warning. "));
}

static struct span severity_name(unsigned severity)
{
    static const char *const names[SEVERITY_NONE] = {"EMERGENCY", "ALERT",  "CRITICAL", "ERROR",
                                                     "WARNING",   "NOTICE", "INFO",     "DEBUG"};
    return severity < SEVERITY_NONE ? span_text(names[severity]) : SPAN("");
}

/* The authority without its port. */
static struct span host_of(struct span authority)
{
    size_t colon = span_find_last_byte(authority, ':');
    size_t bracket = span_find_last_byte(authority, ']');
    if (colon == SPAN_NONE || (bracket != SPAN_NONE && bracket > colon))
        return authority;
    return span_first(authority, colon);
}

static void add_fields_of_rule(struct buf *to, const struct rule_match *match)
{
    if (match->file != NULL)
        add_field(to, "file", span_text(match->file));
    add_number_field(to, "line", match->line);
    add_number_field(to, "id", match->rule_id);
    add_field(to, "rev", match->revision);
    add_field(to, "msg", match->message);
    add_field(to, "data", span_first(match->data, DATA_LONGEST));
    add_field(to, "severity", severity_name(match->severity));
    add_field(to, "ver", match->version);
    if (match->maturity > 0)
        add_number_field(to, "maturity", match->maturity);
    if (match->accuracy > 0)
        add_number_field(to, "accuracy", match->accuracy);
    for (size_t i = 0; i < match->tag_count; i++)
        add_field(to, "tag", match->tags[i]);
}

void rule_message_add(struct buf *to, const struct report *report, size_t i)
{
    const struct rule_match *match = &report->waf.matches[i];
    buf_add(to, SPAN("ModSecurity: "));
    add_verdict(to, report, match);
    rule_reason_add(to, match, true);
    add_fields_of_rule(to, match);
    add_field(to, "hostname", host_of(report->authority));
    add_field(to, "uri", report->path.len > 0 ? report->path : report->target);
    add_field(to, "unique_id", report->request_id);
}

void rule_log_add(struct buf *to, const struct report *report, size_t i)
{
    buf_add_byte(to, '[');
    when_add_apache(to, report->began_wall_us);
    buf_add(to, SPAN("] [security2:error] [client "));
    line_add_escaped(to, report->client_address);
    buf_add(to, SPAN("] "));
    rule_message_add(to, report, i);
    buf_add_byte(to, '\n');
}

/* `,name:'value'`, or nothing where there is no value. */
static void add_action(struct buf *to, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    buf_format(to, ",%s:'", name);
    line_add_escaped(to, value);
    buf_add_byte(to, '\'');
}

void rule_text_add(struct buf *to, const struct rule_match *match)
{
    if (match->operator_text.len == 0) {
        buf_add(to, SPAN("SecAction \""));
    } else {
        buf_add(to, SPAN("SecRule \""));
        line_add_escaped(to, match->variable_name);
        buf_add(to, match->negated ? SPAN("\" \"!@") : SPAN("\" \"@"));
        line_add_escaped(to, match->operator_text);
        buf_add_byte(to, ' ');
        line_add_escaped(to, match->operator_argument);
        buf_add(to, SPAN("\" \""));
    }
    buf_format(to, "phase:%u,id:%llu", (unsigned)match->phase, (unsigned long long)match->rule_id);
    buf_add(to, match->audit ? SPAN(",auditlog") : SPAN(",noauditlog"));
    add_action(to, "msg", match->message);
    add_action(to, "logdata", match->data);
    add_action(to, "severity", severity_name(match->severity));
    add_action(to, "rev", match->revision);
    add_action(to, "ver", match->version);
    for (size_t i = 0; i < match->tag_count; i++)
        add_action(to, "tag", match->tags[i]);
    buf_add_byte(to, '"');
}
