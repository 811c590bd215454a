/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/escape.h"

#include "rules/base/encode.h"

static bool is_printable(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f;
}

void escape_set_init(struct escape_set *set)
{
    for (unsigned byte = 0; byte <= UCHAR_MAX; byte++)
        set->has[byte] = !is_printable((unsigned char)byte) || byte == '\\';
}

void escape_set_add(struct escape_set *set, const char *bytes)
{
    for (; *bytes != '\0'; bytes++)
        set->has[(unsigned char)*bytes] = true;
}

static void add_byte(struct buf *to, unsigned char byte)
{
    char text[4] = "\\x";
    if (byte == '\\' || byte == '"') {
        buf_add_byte(to, '\\');
        buf_add_byte(to, (char)byte);
        return;
    }
    hex_write(text + 2, &byte, 1);
    buf_add(to, span_make(text, sizeof text));
}

void escape_add(struct buf *to, struct span text, const struct escape_set *set)
{
    size_t start = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (!set->has[byte])
            continue;
        buf_add(to, span_make(text.at + start, i - start));
        add_byte(to, byte);
        start = i + 1;
    }
    buf_add(to, span_from(text, start));
}

static bool has_any(struct span text, const char *bytes)
{
    for (; *bytes != '\0'; bytes++) {
        if (span_find_byte(text, *bytes) != SPAN_NONE)
            return true;
    }
    return false;
}

/* A byte as it stands in the form: `special` where it is one of the form's own. */
static void add_plain(struct buf *to, unsigned char byte)
{
    if (is_printable(byte) && byte != '\\')
        buf_add_byte(to, (char)byte);
    else
        add_byte(to, byte);
}

void escape_add_csv(struct buf *to, struct span text)
{
    bool quoted = has_any(text, ",\"");
    if (quoted)
        buf_add_byte(to, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"')
            buf_add(to, SPAN("\"\""));
        else
            add_plain(to, (unsigned char)text.at[i]);
    }
    if (quoted)
        buf_add_byte(to, '"');
}

void escape_add_xml(struct buf *to, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.at[i]) {
        case '&': buf_add(to, SPAN("&amp;")); break;
        case '<': buf_add(to, SPAN("&lt;")); break;
        case '>': buf_add(to, SPAN("&gt;")); break;
        case '"': buf_add(to, SPAN("&quot;")); break;
        case '\'': buf_add(to, SPAN("&apos;")); break;
        default: add_plain(to, (unsigned char)text.at[i]);
        }
    }
}
