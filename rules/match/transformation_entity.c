/* SPDX-License-Identifier: Apache-2.0 */
/* htmlEntityDecode: &#xHH; &#DD; &quot; &amp; &lt; &gt; &nbsp;, with or without the semicolon. A
 * number gives its low byte. */
#include "rules/match/transformation_rows.h"

#include <limits.h>

/* A name of letters and digits, and its byte. */
static const struct {
    struct span name;
    char byte;
} entities[] = {
    {SPAN_INIT("quot"), '"'}, {SPAN_INIT("amp"), '&'},     {SPAN_INIT("lt"), '<'},
    {SPAN_INIT("gt"), '>'},   {SPAN_INIT("nbsp"), '\xa0'},
};

/* The digits of the base at the start, and their value; too large ones are the largest. */
static size_t read_digits(struct span s, long base, long *value)
{
    size_t count = 0;

    *value = 0;
    for (; count < s.len; count++) {
        int digit = byte_hex(s.at[count]);

        if (digit < 0 || digit >= base)
            break;
        *value = *value > (LONG_MAX - digit) / base ? LONG_MAX : *value * base + digit;
    }
    return count;
}

/* Decodes what follows the ampersand; returns how many bytes it took without the semicolon, 0 where
 * it is no entity. */
static size_t decode_number(struct span after, char *byte)
{
    bool hexadecimal = after.len > 1 && byte_lower(after.at[1]) == 'x';
    size_t mark = hexadecimal ? 2 : 1;
    long value;
    size_t digits = read_digits(span_from(after, mark), hexadecimal ? 16 : 10, &value);

    *byte = (char)(unsigned char)((unsigned long)value & 0xff);
    return digits > 0 ? mark + digits : 0;
}

static size_t decode_name(struct span after, char *byte)
{
    struct span name = span_first(after, 0);

    while (name.len < after.len &&
           (byte_is_alpha(after.at[name.len]) || byte_is_digit(after.at[name.len])))
        name.len++;
    for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
        if (span_is_nocase(entities[i].name, name)) {
            *byte = entities[i].byte;
            return name.len;
        }
    return 0;
}

struct span transformation_html_entity_decode(struct span in, struct arena *arena)
{
    size_t start = span_find_byte(in, '&');

    if (start == SPAN_NONE)
        return in;

    struct writing to = writing_begin(arena, in, start, in.len);
    size_t i = start;

    if (to.at == NULL)
        return span_make(NULL, 0);
    while (i < in.len) {
        struct span after = span_from(in, i + 1);
        size_t len = 0;
        char byte = in.at[i];

        if (byte == '&' && after.len > 0)
            len = after.at[0] == '#' ? decode_number(after, &byte) : decode_name(after, &byte);
        writing_add(&to, (char)(len > 0 ? byte : in.at[i]));
        i += 1 + len;
        if (len > 0 && i < in.len && in.at[i] == ';')
            i++;
    }
    return writing_end(arena, in, &to);
}
