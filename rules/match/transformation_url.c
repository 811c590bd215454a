/* SPDX-License-Identifier: Apache-2.0 */
/* Transformations of URL encoding. Broken escapes stay as they are: a rule that wants them refused
 * uses @validateUrlEncoding. */
#include "rules/match/transformation.h"
#include "rules/match/transformation_rows.h"

#include "rules/base/encode.h"

struct span transformation_url_decode(struct span in, struct arena *arena)
{
    size_t start = span_find_either(in, '%', '+');

    if (start == SPAN_NONE)
        return in;

    struct writing to = writing_begin(arena, in, start, in.len);
    size_t i = start;

    if (to.at == NULL)
        return span_make(NULL, 0);
    while (i < in.len) {
        if (in.at[i] == '%' && span_is_hex(span_from(in, i + 1), 2)) {
            writing_add(&to, byte_of_hex(in.at + i + 1));
            i += 3;
        } else {
            writing_add(&to, (char)(in.at[i] == '+' ? ' ' : in.at[i]));
            i++;
        }
    }
    return writing_end(arena, in, &to);
}

/* The byte that four digits stand for: as the map has it, or as ModSecurity reads them without. */
static char best_fit(const char *four, const uint8_t *map)
{
    uint8_t bytes[2];

    if (map == NULL || !hex_read(span_make(four, 4), bytes, 2) ||
        map[bytes[0] << 8 | bytes[1]] == 0)
        return byte_of_code_point(four);
    return (char)map[bytes[0] << 8 | bytes[1]];
}

/* Decodes the escape that starts at the percent sign `rest.at`; returns how many bytes it took. */
static size_t decode_uni(struct span rest, const uint8_t *map, struct writing *to)
{
    if (rest.len >= 2 && byte_lower(rest.at[1]) == 'u') {
        if (span_is_hex(span_from(rest, 2), 4)) {
            writing_add(to, best_fit(rest.at + 2, map));
            return 6;
        }
        writing_add(to, rest.at[0]);
        writing_add(to, rest.at[1]);
        return 2;
    }
    if (span_is_hex(span_from(rest, 1), 2)) {
        writing_add(to, byte_of_hex(rest.at + 1));
        return 3;
    }
    writing_add(to, rest.at[0]);
    return 1;
}

struct span transformation_url_decode_uni(struct span in, struct arena *arena)
{
    return transformation_apply_map(in, NULL, arena);
}

struct span transformation_apply_map(struct span in, const uint8_t *map, struct arena *arena)
{
    size_t start = span_find_either(in, '%', '+');

    if (start == SPAN_NONE)
        return in;

    struct writing to = writing_begin(arena, in, start, in.len);
    size_t i = start;

    if (to.at == NULL)
        return span_make(NULL, 0);
    while (i < in.len) {
        if (in.at[i] == '%') {
            i += decode_uni(span_from(in, i), map, &to);
        } else {
            writing_add(&to, (char)(in.at[i] == '+' ? ' ' : in.at[i]));
            i++;
        }
    }
    return writing_end(arena, in, &to);
}

struct span transformation_url_encode(struct span in, struct arena *arena)
{
    struct writing to = writing_begin(arena, in, 0, 3 * in.len);

    if (to.at == NULL)
        return span_make(NULL, 0);
    for (size_t i = 0; i < in.len; i++) {
        char c = in.at[i];

        if (c == ' ') {
            writing_add(&to, '+');
        } else if (c == '*' || byte_is_digit(c) || byte_is_alpha(c)) {
            writing_add(&to, c);
        } else {
            writing_add(&to, '%');
            hex_write(to.at + to.len, (const uint8_t *)in.at + i, 1);
            to.len += 2;
        }
    }
    return writing_end(arena, in, &to);
}

/* How many bytes the character at the start claims to have, judged by the form of its bytes alone:
 * overlong forms and surrogates are decoded like any other, since they are what an attacker writes.
 * 0: no character. */
static size_t utf8_form(struct span s)
{
    unsigned char first = (unsigned char)s.at[0];
    size_t len = first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;

    if (len == 0 || s.len < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (((unsigned char)s.at[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static unsigned utf8_value(const char *at, size_t len)
{
    unsigned value = (unsigned char)at[0] & (0xffU >> (len + 1));

    for (size_t i = 1; i < len; i++)
        value = value << 6 | ((unsigned char)at[i] & 0x3fU);
    return value;
}

static void add_percent_u(struct writing *to, unsigned value)
{
    static const char digits[] = "0123456789abcdef";

    writing_add(to, '%');
    writing_add(to, 'u');
    for (int shift = value > 0xfffff ? 20 : value > 0xffff ? 16 : 12; shift >= 0; shift -= 4)
        writing_add(to, digits[value >> shift & 15]);
}

static size_t find_beyond_ascii(struct span in)
{
    size_t i = 0;

    while (i + 8 <= in.len) {
        unsigned long long eight;

        memcpy(&eight, in.at + i, 8);
        if ((eight & 0x8080808080808080ULL) != 0)
            break;
        i += 8;
    }
    while (i < in.len && (unsigned char)in.at[i] < 0x80)
        i++;
    return i;
}

struct span transformation_utf8_to_unicode(struct span in, struct arena *arena)
{
    size_t start = find_beyond_ascii(in);

    if (start == in.len)
        return in;

    /* Two bytes become six: nothing grows by more. */
    struct writing to = writing_begin(arena, in, start, start + 3 * (in.len - start));
    size_t i = start;

    if (to.at == NULL)
        return span_make(NULL, 0);
    while (i < in.len) {
        size_t len = utf8_form(span_from(in, i));

        if (len == 0) {
            writing_add(&to, in.at[i++]);
        } else {
            add_percent_u(&to, utf8_value(in.at + i, len));
            i += len;
        }
    }
    return writing_end(arena, in, &to);
}
