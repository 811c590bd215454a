/* SPDX-License-Identifier: Apache-2.0 */
/* A template of the access log (up to the first line feed), then what a client sent. Whatever both
 * are, a template that is taken makes one line, and no value changes how the line falls apart. */
#include <stdint.h>

#include "exporters/access_template.h"
#include "rules/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE_BYTES = 1 << 20 };

static struct report report_of(struct span value)
{
    struct report report = {.request_id = SPAN("1"), .status = 200};
    report.method = report.path = report.user_agent = report.authority = value;
    report.protocol = report.route = report.client_address = report.error = value;
    report.authorizer.principal = report.caller.user = value;
    return report;
}

static void check_is_a_line(struct span line)
{
    must(line.len > 0 && span_find_byte(line, '\n') == line.len - 1);
    for (size_t i = 0; i + 1 < line.len; i++)
        must((unsigned char)line.at[i] >= 0x20 && line.at[i] != 0x7f);
}

/* How often the byte stands outside double quotes; `escape`: what the next byte stays behind. */
static size_t outside_quotes(struct span line, char byte, char escape)
{
    size_t count = 0;
    bool quoted = false;
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] == escape)
            i++;
        else if (line.at[i] == '"')
            quoted = !quoted;
        else
            count += !quoted && line.at[i] == byte;
    }
    must(!quoted);
    return count;
}

static size_t count_of(struct span line, char byte)
{
    size_t count = 0;
    for (size_t i = 0; i < line.len; i++)
        count += line.at[i] == byte;
    return count;
}

static struct span line_of(struct span format, struct span value, struct buf *line)
{
    struct access_template_fault fault;
    struct buf scratch;
    const struct report report = report_of(value);
    struct access_template *made = access_template_new(format, &fault);
    if (made == NULL) {
        must(fault.message[0] != '\0');
        return span_make(NULL, 0);
    }
    buf_init(&scratch, LINE_BYTES);
    buf_clear(line);
    access_template_add(made, line, &report, &scratch);
    buf_fini(&scratch);
    access_template_free(made);
    if (buf_is_full(line))
        return span_make(NULL, 0);
    check_is_a_line(buf_span(line));
    return buf_span(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span value = span_make((const char *)data, size);
    struct span format = span_cut(&value, '\n');
    struct buf line;
    buf_init(&line, LINE_BYTES);
    line_of(format, value, &line);
    struct span text = line_of(SPAN("clf"), value, &line);
    must(text.at == NULL || outside_quotes(text, ' ', '\\') == 9);
    text = line_of(SPAN("csv"), value, &line);
    must(text.at == NULL || outside_quotes(text, ',', '\0') == 10);
    text = line_of(SPAN("xml"), value, &line);
    must(text.at == NULL || (count_of(text, '<') == 22 && count_of(text, '>') == 22));
    buf_fini(&line);
    return 0;
}
