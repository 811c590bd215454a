/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cloudwatch/json_scan.h"

#include <stdint.h>

enum { DEPTH_MOST = 64 };

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct span *text)
{
    while (text->len > 0 && is_space(text->at[0]))
        *text = span_from(*text, 1);
}

static bool take(struct span *text, char c)
{
    skip_space(text);
    bool there = text->len > 0 && text->at[0] == c;
    if (there)
        *text = span_from(*text, 1);
    return there;
}

/* What stands between the quotes, escapes and all. */
static bool take_string(struct span *text, struct span *inside)
{
    if (!take(text, '"'))
        return false;
    size_t i = 0;
    while (i < text->len && text->at[i] != '"')
        i += text->at[i] == '\\' ? 2 : 1;
    if (i >= text->len)
        return false;
    *inside = span_first(*text, i);
    *text = span_from(*text, i + 1);
    return true;
}

/* Lists and maps end where as many brackets were closed as opened. */
static bool skip_value(struct span *text)
{
    struct span string;
    unsigned depth = 0;
    do {
        skip_space(text);
        if (text->len == 0)
            return false;
        char c = text->at[0];
        if (c == '"') {
            if (!take_string(text, &string))
                return false;
            continue;
        }
        depth += c == '{' || c == '[';
        if (c == '}' || c == ']')
            depth--;
        size_t len = 1;
        bool is_word = span_find_byte(SPAN("{}[],:"), c) == SPAN_NONE;
        while (is_word && len < text->len &&
               span_find_byte(SPAN("{}[],: \t\r\n"), text->at[len]) == SPAN_NONE)
            len++;
        *text = span_from(*text, len);
    } while (depth > 0);
    return true;
}

static bool enter_map(struct span *text, struct span name)
{
    struct span key;
    if (!take(text, '{'))
        return false;
    while (take_string(text, &key) && take(text, ':')) {
        skip_space(text);
        if (span_is(key, name))
            return true;
        if (!skip_value(text) || !take(text, ','))
            return false;
    }
    return false;
}

static bool enter_list(struct span *text, uint64_t index)
{
    if (!take(text, '['))
        return false;
    skip_space(text);
    for (; index > 0; index--)
        if (!skip_value(text) || !take(text, ','))
            return false;
    skip_space(text);
    return text->len > 0 && text->at[0] != ']';
}

static bool enter(struct span *text, struct span *selector)
{
    if (selector->at[0] == '.') {
        size_t len = 1;
        while (len < selector->len && selector->at[len] != '.' && selector->at[len] != '[')
            len++;
        struct span name = span_from(span_first(*selector, len), 1);
        *selector = span_from(*selector, len);
        return enter_map(text, name);
    }
    uint64_t index = 0;
    *selector = span_from(*selector, 1);
    while (selector->len > 0 && byte_is_digit(selector->at[0]) && index < 100000) {
        index = index * 10 + (uint64_t)(selector->at[0] - '0');
        *selector = span_from(*selector, 1);
    }
    return take(selector, ']') && enter_list(text, index);
}

bool json_scan(struct span text, struct span selector, struct span *value)
{
    selector = span_from(selector, 1); /* $ */
    for (unsigned depth = 0; selector.len > 0; depth++)
        if (depth == DEPTH_MOST || !enter(&text, &selector))
            return false;
    skip_space(&text);
    struct span rest = text;
    if (!skip_value(&rest))
        return false;
    *value = span_first(text, text.len - rest.len);
    return true;
}
