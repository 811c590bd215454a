/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/json.h"

#include "rules/base/encode.h"

/* The rest behind the value; at == NULL: broken. */
static struct span json_value(struct span text);

static struct span json_broken(void)
{
    return span_make(NULL, 0);
}

static struct span json_string(struct span text)
{
    for (text = span_from(text, 1); text.len > 0;) {
        if (text.at[0] == '"')
            return span_from(text, 1);
        size_t len = text.at[0] == '\\' ? 2 : utf8_length(text);
        if (len == 0 || (unsigned char)text.at[0] < 0x20 || len > text.len)
            return json_broken();
        if (text.at[0] == '\\' && text.at[1] == 'u') {
            uint8_t bytes[2];
            if (!hex_read(span_first(span_from(text, 2), 4), bytes, 2))
                return json_broken();
            len = 6;
        } else if (text.at[0] == '\\' && strchr("\"\\/bfnrt", text.at[1]) == NULL) {
            return json_broken();
        }
        text = span_from(text, len);
    }
    return json_broken();
}

static struct span json_many(struct span text, char end)
{
    text = span_from(text, 1);
    if (text.len > 0 && text.at[0] == end)
        return span_from(text, 1);
    while (text.len > 0) {
        if (end == '}') {
            text = text.at[0] == '"' ? json_string(text) : json_broken();
            if (text.len == 0 || text.at[0] != ':')
                return json_broken();
            text = span_from(text, 1);
        }
        text = json_value(text);
        if (text.len > 0 && text.at[0] == end)
            return span_from(text, 1);
        if (text.len == 0 || text.at[0] != ',')
            return json_broken();
        text = span_from(text, 1);
    }
    return json_broken();
}

static struct span json_value(struct span text)
{
    if (text.len == 0)
        return json_broken();
    if (text.at[0] == '"')
        return json_string(text);
    if (text.at[0] == '{' || text.at[0] == '[')
        return json_many(text, text.at[0] == '{' ? '}' : ']');
    if (span_starts(text, SPAN("null")))
        return span_from(text, 4);
    if (span_starts(text, SPAN("true")) || span_starts(text, SPAN("false")))
        return span_from(text, text.at[0] == 't' ? 4 : 5);
    size_t digits = text.at[0] == '-';
    while (digits < text.len && byte_is_digit(text.at[digits]))
        digits++;
    if (digits + 1 < text.len && text.at[digits] == '.' && byte_is_digit(text.at[digits + 1]))
        for (digits++; digits < text.len && byte_is_digit(text.at[digits]);)
            digits++;
    return digits > 0 ? span_from(text, digits) : json_broken();
}

bool json_is_valid(struct span text)
{
    struct span rest = json_value(text);
    return rest.at != NULL && rest.len == 0;
}
