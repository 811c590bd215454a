/* SPDX-License-Identifier: Apache-2.0 */
/* Multipart by searching for its boundary: the rules' own parser has said already what is wrong
 * with it. */
#include "exporters/form.h"

#include "exporters/record.h"
#include "rules/base/buf.h"
#include "rules/base/encode.h"

enum { FORM_TEXT_BYTES = 64 * 1024, DELIMITER_LONGEST = 256 };

struct span pairs_get(const struct pair *pairs, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_is_nocase(pairs[i].name, name))
            return pairs[i].value;
    return span_make(NULL, 0);
}

bool form_is_urlencoded(struct span content_type)
{
    return span_starts_nocase(content_type, SPAN("application/x-www-form-urlencoded"));
}

/* The value of `; name=value` or `; name="value"`; at == NULL: there is none. */
static struct span parameter(struct span text, struct span name)
{
    struct span rest = text;
    (void)span_cut(&rest, ';');
    while (rest.at != NULL) {
        struct span one = span_trim_ows(rest);
        if (span_starts_nocase(one, name) && one.len > name.len && one.at[name.len] == '=') {
            one = span_from(one, name.len + 1);
            if (one.len > 0 && one.at[0] == '"') {
                one = span_from(one, 1);
                return span_first(one, span_find_byte(one, '"'));
            }
            return span_trim_ows(span_first(one, span_find_byte(one, ';')));
        }
        (void)span_cut(&rest, ';');
    }
    return span_make(NULL, 0);
}

struct span form_boundary(struct span content_type)
{
    if (!span_starts_nocase(content_type, SPAN("multipart/")))
        return span_make(NULL, 0);
    struct span boundary = parameter(content_type, SPAN("boundary"));
    return boundary.len > 0 && boundary.len <= DELIMITER_LONGEST ? boundary : span_make(NULL, 0);
}

/* Where the next "--boundary" begins at a line's start. */
static size_t delimiter_find(struct span text, struct span boundary)
{
    for (size_t at = 0;;) {
        size_t found = span_find(span_from(text, at), boundary);
        if (found == SPAN_NONE)
            return SPAN_NONE;
        at += found;
        if (at >= 2 && text.at[at - 1] == '-' && text.at[at - 2] == '-' &&
            (at == 2 || text.at[at - 3] == '\n'))
            return at - 2;
        at++;
    }
}

static void read_header(struct form_part *part, struct span line)
{
    if (!span_starts_nocase(line, SPAN("content-disposition:")))
        return;
    struct span filename = parameter(line, SPAN("filename"));
    part->name = parameter(line, SPAN("name"));
    part->filename = filename;
    part->is_file = filename.at != NULL;
}

/* The header lines up to the empty one. */
static struct span read_headers(struct span text, struct form_part *part)
{
    while (text.at != NULL) {
        struct span line = span_trim(span_cut(&text, '\n'), "\r");
        if (line.len == 0)
            break;
        read_header(part, line);
    }
    return text.at != NULL ? text : SPAN("");
}

bool form_next(struct span *rest, struct span boundary, struct form_part *part)
{
    *part = (struct form_part){.name = SPAN("")};
    size_t begin = delimiter_find(*rest, boundary);
    if (begin == SPAN_NONE)
        return false;
    struct span behind = span_from(*rest, begin + 2 + boundary.len);
    if (span_starts(behind, SPAN("--")))
        return false;
    (void)span_cut(&behind, '\n');
    if (behind.at == NULL)
        return false;
    size_t end = delimiter_find(behind, boundary);
    struct span content = read_headers(span_first(behind, end), part);
    if (end != SPAN_NONE && span_ends(content, SPAN("\n")))
        content.len -= span_ends(content, SPAN("\r\n")) ? 2 : 1;
    part->content = content;
    *rest = end != SPAN_NONE ? span_from(behind, end) : SPAN("");
    return true;
}

static void add_value(struct buf *to, const struct form_part *part)
{
    if (to->len > 0)
        buf_add_byte(to, '&');
    percent_add(to, part->name, "*");
    buf_add_byte(to, '=');
    percent_add(to, part->content, "*");
}

void form_fill(struct report_audit *audit, struct arena *arena)
{
    struct span type =
        pairs_get(audit->request_fields, audit->request_field_count, SPAN("content-type"));
    struct span boundary = form_boundary(type);
    audit->fields_of_form = audit->request_body;
    if (boundary.at == NULL)
        return;
    struct report_file *files = arena_alloc(arena, RECORD_FILES * sizeof(struct report_file));
    struct buf text;
    buf_init(&text, FORM_TEXT_BYTES);
    struct span rest = audit->request_body;
    struct form_part part;
    size_t count = 0;
    while (files != NULL && form_next(&rest, boundary, &part)) {
        if (!part.is_file)
            add_value(&text, &part);
        else if (count < RECORD_FILES)
            files[count++] = (struct report_file){part.name, part.filename, part.content.len};
    }
    audit->fields_of_form = arena_copy(arena, buf_span(&text));
    audit->files = files;
    audit->file_count = count;
    buf_fini(&text);
}
