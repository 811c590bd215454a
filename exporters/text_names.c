/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/text_names.h"

#include <string.h>

#include "exporters/secret_letters.h"
#include "exporters/secret_names.h"
#include "exporters/secret_values.h"
#include "exporters/secret_words.h"

enum { NAME_LONGEST = TEXT_NAME_LONGEST };

/* ---- names before a separator ---- */

static bool is_name_byte(char c)
{
    static const bool names[256] = {
        ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['_'] = true,
        ['-'] = true,         ['%'] = true,         ['.'] = true,         ['['] = true,
        [']'] = true,         ['$'] = true,         ['@'] = true,         ['~'] = true,
        ['+'] = true,         ['*'] = true};
    return names[(unsigned char)c];
}

/* Where a name can begin at all that ends there. */
static size_t earliest(size_t floor, size_t end)
{
    return end - floor > NAME_LONGEST ? end - NAME_LONGEST : floor;
}

/* "password" whose closing quote is at `quote`: what stands between the two. */
static struct span quoted_name(const char *text, size_t floor, size_t quote)
{
    size_t end = quote, first = earliest(floor, quote);
    while (end > first && text[end - 1] == '\\')
        end--;
    size_t start = end;
    while (start > first && text[start - 1] != text[quote])
        start--;
    return span_make(text + start, end - start);
}

static struct span plain_name(const char *text, size_t floor, size_t end)
{
    size_t start = end, first = earliest(floor, end);
    while (start > first && is_name_byte(text[start - 1]))
        start--;
    return span_make(text + start, end - start);
}

/* Two hexadecimal digits; false: they are none. */
static bool hex_pair(const char *two, char *byte)
{
    int high = byte_hex(two[0]), low = byte_hex(two[1]);
    if (high < 0 || low < 0)
        return false;
    *byte = (char)((unsigned)high << 4 | (unsigned)low);
    return true;
}

/* \u0070assword undone. Other backslashes go, or, where names part there, what they stand for is
 * there: in \nauth that ends a line, \token is the word. `to` has NAME_LONGEST bytes. */
static struct span unescaped(struct span name, bool parts, char *to)
{
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '\\')
            continue;
        bool is_escape = i > 0 && name.at[i - 1] == '\\';
        if (is_escape && c == 'u' && name.len - i > 4 && hex_pair(name.at + i + 3, &c))
            i += 4;
        else if (is_escape && parts && behind_escape(name, i) > i)
            c = '\n';
        to[len++] = c;
    }
    return span_make(to, len);
}

/* Of a%26b%3D1%26password: the last one, its escapes undone. */
static struct span last_of_escaped(struct span name, char *to)
{
    struct span plain = percent_undone(name, to);
    for (int i = 0; i < 2 && span_find_byte(plain, '%') != SPAN_NONE; i++)
        plain = percent_undone(plain, to);
    plain = span_trim(plain, "\"' \t\r\n");
    for (size_t i = plain.len; i > 0; i--)
        if (strchr("&?;=,{<>\"'\n", plain.at[i - 1]) != NULL)
            return span_from(plain, i);
    return plain;
}

struct span spelled_name_plain(struct span name, char *to)
{
    return span_find_byte(name, '\\') == SPAN_NONE ? name : unescaped(name, false, to);
}

bool spelled_name_is_secret(struct span name)
{
    char plain[NAME_LONGEST], to[NAME_LONGEST];
    if (word_length(name) == name.len && !name_may_be_secret(name)) /* most are none */
        return false;
    if (span_find_byte(name, '%') != SPAN_NONE)
        name = last_of_escaped(name, plain);
    if (text_name_is_secret(spelled_name_plain(name, to)))
        return true;
    return span_find_byte(name, '\\') != SPAN_NONE &&
           text_name_is_secret(unescaped(name, true, to));
}

bool text_name_find_secret(struct span text, struct span *name)
{
    size_t at = (size_t)(name->at - text.at);
    if (at > 0 && name->at[-1] == '\\') {
        struct span behind = span_from(*name, behind_escape(text, at) - at);
        if (behind.len < name->len && spelled_name_is_secret(behind)) {
            *name = behind;
            return true;
        }
    }
    return spelled_name_is_secret(*name);
}

/* How much of the text's end is a quote that JSON or XML escapes: "password&quot;" */
static size_t quote_before(struct span text)
{
    struct letter letter = letter_before(text);
    return byte_is_quote(letter.c) ? letter.len : 0;
}

/* Where what is in front of spaces and tabs ends, which JSON may have escaped. */
static size_t before_spaces(struct span text, size_t first, size_t end)
{
    for (;;) {
        if (end > first && byte_is_space(text.at[end - 1]))
            end--;
        else if (end - first > 1 && text.at[end - 1] == 't' && text.at[end - 2] == '\\')
            end -= 2;
        else
            return end;
    }
}

struct span text_name_before(struct span text, size_t floor, size_t at)
{
    size_t first = earliest(floor, at), end = before_spaces(text, first, at);
    if (end > first && byte_is_quote(text.at[end - 1]))
        return quoted_name(text.at, floor, end - 1);
    end -= quote_before(span_make(text.at + first, end - first));
    struct span name = plain_name(text.at, floor, end);
    bool is_far = end < at && span_find_byte(span_make(text.at + end, at - end), '\n') != SPAN_NONE;
    return is_far ? span_make(text.at + end, 0) : name;
}

/* ---- names before escaped signs ---- */

size_t text_sign_escaped(struct span text)
{
    size_t at = 1;
    while (span_starts(span_from(text, at), SPAN("25")))
        at += 2;
    if (at + 1 >= text.len || text.at[at] != '3')
        return 0;
    char c = byte_lower(text.at[at + 1]);
    return c == 'a' || c == 'd' || c == 'e' ? at + 2 : 0;
}

struct span text_name_before_escape(struct span text, size_t floor, size_t end)
{
    size_t start = end, first = earliest(floor, end);
    for (; start > first && is_name_byte(text.at[start - 1]); start--) {
        char byte;
        if (text.at[start - 1] != '%')
            continue;
        size_t sign = text_sign_escaped(span_make(text.at + start - 1, end - start + 1));
        if (sign > 0)
            return span_make(text.at + start - 1 + sign, end - start + 1 - sign);
        if (end - start > 1 && hex_pair(text.at + start, &byte) &&
            strchr("&?;=:,{<>", byte) != NULL)
            return span_make(text.at + start + 2, end - start - 2);
    }
    return span_make(text.at + start, end - start);
}

/* ---- names of elements ---- */

struct span text_name_of_tag(struct span text, size_t at)
{
    enum { TAG_LONGEST = 192 };
    size_t end = at;
    while (end < text.len && end - at < TAG_LONGEST &&
           ((is_name_byte(text.at[end]) && text.at[end] != '%') || text.at[end] == ':'))
        end++;
    return span_make(text.at + at, end - at);
}
