/* SPDX-License-Identifier: Apache-2.0 */
/* Field lines, RFC 9112 5: token names, no space before the colon, no folding, no control bytes. */
#include <string.h>

#include "sidecar/http/bytes.h"
#include "sidecar/wire/h1_parse.h"

#define EVERY_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Does any of the eight bytes lie below 0x20, or is it DEL? (The marks of single bytes may be wrong
 * behind the first, but there is one exactly where there ought to be.) */
static bool has_control(uint64_t eight)
{
    uint64_t deleted = eight ^ EVERY_BYTE(0x7f);
    uint64_t low = (eight - EVERY_BYTE(0x20)) & ~eight;
    uint64_t del = (deleted - EVERY_BYTE(0x01)) & ~deleted;
    return ((low | del) & EVERY_BYTE(0x80)) != 0;
}

const char *h1_value_end(const char *at, const char *end)
{
    while (at < end) {
        uint64_t eight;
        while ((size_t)(end - at) >= sizeof eight) {
            memcpy(&eight, at, sizeof eight);
            if (has_control(eight))
                break;
            at += sizeof eight;
        }
        /* Here is a tab, the end of the value, or the last few bytes. */
        const char *step = (size_t)(end - at) >= sizeof eight ? at + sizeof eight : end;
        for (; at < step; at++)
            if (!http_byte_is(*at, HTTP_VALUE))
                return at;
    }
    return end;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

static enum h1_line line_broken(const char **why, const char *word)
{
    *why = word;
    return H1_LINE_BROKEN;
}

enum h1_line h1_line_read(const char **at, const char *end, struct pair *field, const char **why)
{
    /* Neither loop below runs over the end: a carriage return stands before it, and it is neither
     * token nor space. */
    const char *name = *at, *p = name;
    while (http_byte_is(*p, HTTP_TOKEN))
        p++;
    if (p == name && p[0] == '\r' && p[1] == '\n') {
        *at = p + 2;
        return H1_LINE_END;
    }
    if (p == name || *p != ':')
        return line_broken(why, "bad_field_name");
    field->name = span_make(name, (size_t)(p - name));
    p++;
    while (is_space(*p))
        p++;
    const char *value = p;
    p = h1_value_end(p, end);
    if (p == end || p[0] != '\r' || p[1] != '\n')
        return line_broken(why, "bad_field_value");
    *at = p + 2;
    while (p > value && is_space(p[-1]))
        p--;
    field->value = span_make(value, (size_t)(p - value));
    return H1_LINE_FIELD;
}

static void note_singular(struct h1_singular *singular, struct span value)
{
    if (singular->count++ == 0)
        singular->value = value;
}

static void note_connection(struct h1_framing *framing, struct span members)
{
    while (members.at != NULL) {
        struct span member = span_trim_ows(span_cut(&members, ','));
        framing->wants_close |= span_is_nocase(member, SPAN("close"));
        framing->wants_keep_alive |= span_is_nocase(member, SPAN("keep-alive"));
    }
}

/* The length tells most names apart without a look at them. */
static void note_field(struct h1_framing *framing, const struct pair *field)
{
    switch (field->name.len) {
    case sizeof "Host" - 1:
        if (span_is_nocase(field->name, SPAN("Host")))
            note_singular(&framing->host, field->value);
        break;
    case sizeof "Expect" - 1:
        if (span_is_nocase(field->name, SPAN("Expect")))
            note_singular(&framing->expect, field->value);
        break;
    case sizeof "Connection" - 1:
        if (span_is_nocase(field->name, SPAN("Connection")))
            note_connection(framing, field->value);
        break;
    case sizeof "Content-Length" - 1:
        if (span_is_nocase(field->name, SPAN("Content-Length")))
            note_singular(&framing->length, field->value);
        break;
    case sizeof "Transfer-Encoding" - 1:
        if (span_is_nocase(field->name, SPAN("Transfer-Encoding")))
            note_singular(&framing->coding, field->value);
        break;
    default: break;
    }
}

struct refusal h1_fields_read(const char **at, const char *end, const struct h1_limits *limits,
                              struct arena *arena, struct fields *fields,
                              struct h1_framing *framing)
{
    for (;;) {
        struct pair field;
        const char *why = NULL;
        enum h1_line line = h1_line_read(at, end, &field, &why);
        if (line == H1_LINE_END)
            return (struct refusal){0};
        if (line == H1_LINE_BROKEN)
            return (struct refusal){.status = 400, .why = why};
        if (fields->count == limits->field_count)
            return (struct refusal){.status = 431, .why = "too_many_fields"};
        if (!fields_add(fields, arena, field.name, field.value))
            return (struct refusal){.status = 431, .why = "header_too_large"};
        note_field(framing, &field);
    }
}
