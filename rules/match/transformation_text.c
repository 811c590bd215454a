/* SPDX-License-Identifier: Apache-2.0 */
/* Transformations of letters, white space, NUL bytes and parity. */
#include "rules/match/transformation_rows.h"

#include <stdint.h>

#include "rules/base/number.h"

enum { NO_BREAK_SPACE = 0xa0, LENGTH_DIGITS = 21 };

static bool is_space_or_nbsp(char c)
{
    return byte_is_space(c) || (unsigned char)c == NO_BREAK_SPACE;
}

/* Eight bytes at a time: the top bit of each byte that is a letter of the alphabet that begins with
 * `first`. Adding carries into the top bit what lies beyond the bound; bytes beyond ASCII are none.
 */
static uint64_t letters(uint64_t eight, char first)
{
    const uint64_t ones = 0x0101010101010101U;
    uint64_t low = eight & 0x7f * ones;
    uint64_t from = low + (0x80U - (unsigned char)first) * ones;
    uint64_t beyond = low + (0x80U - (unsigned char)first - 26) * ones;

    return from & ~beyond & ~eight & 0x80 * ones;
}

static bool is_letter(char c, char first)
{
    return (unsigned char)(c - first) < 26;
}

/* Index of the first letter of the alphabet, or the length. */
static size_t find_letter(struct span in, char first)
{
    size_t i = 0;

    for (uint64_t eight; i + 8 <= in.len; i += 8) {
        memcpy(&eight, in.at + i, 8);
        if (letters(eight, first) != 0)
            break;
    }
    while (i < in.len && !is_letter(in.at[i], first))
        i++;
    return i;
}

/* Turns the case of every letter of the alphabet. */
static void turn_bytes(char *to, const char *from, size_t len, char first)
{
    size_t i = 0;

    for (uint64_t eight; i + 8 <= len; i += 8) {
        memcpy(&eight, from + i, 8);
        eight ^= letters(eight, first) >> 2;
        memcpy(to + i, &eight, 8);
    }
    for (; i < len; i++)
        to[i] = (char)(from[i] ^ (is_letter(from[i], first) ? 0x20 : 0));
}

static struct span turn_case(struct span in, struct arena *arena, char first)
{
    size_t start = find_letter(in, first);

    if (start == in.len)
        return in;

    struct writing to = writing_begin(arena, in, start, in.len);

    if (to.at == NULL)
        return span_make(NULL, 0);
    turn_bytes(to.at + start, in.at + start, in.len - start, first);
    return span_make(to.at, in.len);
}

struct span transformation_lowercase(struct span in, struct arena *arena)
{
    return turn_case(in, arena, 'A');
}

struct span transformation_uppercase(struct span in, struct arena *arena)
{
    return turn_case(in, arena, 'a');
}

static struct span without_leading_space(struct span in)
{
    while (in.len > 0 && byte_is_space(in.at[0]))
        in = span_from(in, 1);
    return in;
}

static struct span without_trailing_space(struct span in)
{
    while (in.len > 0 && byte_is_space(in.at[in.len - 1]))
        in.len--;
    return in;
}

/* A part of the value needs no memory: it is lent from the same text. */
struct span transformation_trim(struct span in, struct arena *arena)
{
    (void)arena;
    return without_trailing_space(without_leading_space(in));
}

struct span transformation_trim_left(struct span in, struct arena *arena)
{
    (void)arena;
    return without_leading_space(in);
}

struct span transformation_trim_right(struct span in, struct arena *arena)
{
    (void)arena;
    return without_trailing_space(in);
}

struct span transformation_remove_whitespace(struct span in, struct arena *arena)
{
    size_t start = 0;

    while (start < in.len && !is_space_or_nbsp(in.at[start]))
        start++;
    if (start == in.len)
        return in;

    struct writing to = writing_begin(arena, in, start, in.len);

    if (to.at == NULL)
        return span_make(NULL, 0);
    for (size_t i = start; i < in.len; i++) {
        to.at[to.len] = in.at[i]; /* overwritten by the next where it does not count */
        to.len += !is_space_or_nbsp(in.at[i]);
    }
    return writing_end(arena, in, &to);
}

struct span transformation_compress_whitespace(struct span in, struct arena *arena)
{
    size_t start = 0;

    while (start < in.len && !is_space_or_nbsp(in.at[start]))
        start++;
    if (start == in.len)
        return in;

    struct writing to = writing_begin(arena, in, start, in.len);
    bool in_run = false;

    if (to.at == NULL)
        return span_make(NULL, 0);
    for (size_t i = start; i < in.len; i++) {
        bool space = is_space_or_nbsp(in.at[i]);

        if (!space)
            writing_add(&to, in.at[i]);
        else if (!in_run)
            writing_add(&to, ' ');
        in_run = space;
    }
    return writing_end(arena, in, &to);
}

struct span transformation_remove_nulls(struct span in, struct arena *arena)
{
    size_t start = span_find_byte(in, '\0');

    if (start == SPAN_NONE)
        return in;

    struct writing to = writing_begin(arena, in, start, in.len);

    if (to.at == NULL)
        return span_make(NULL, 0);
    for (size_t i = start; i < in.len; i++)
        if (in.at[i] != '\0')
            writing_add(&to, in.at[i]);
    return writing_end(arena, in, &to);
}

struct span transformation_replace_nulls(struct span in, struct arena *arena)
{
    size_t start = span_find_byte(in, '\0');

    if (start == SPAN_NONE)
        return in;

    struct writing to = writing_begin(arena, in, start, in.len);

    if (to.at == NULL)
        return span_make(NULL, 0);
    for (size_t i = start; i < in.len; i++)
        writing_add(&to, (char)(in.at[i] == '\0' ? ' ' : in.at[i]));
    return writing_end(arena, in, &to);
}

struct span transformation_length(struct span in, struct arena *arena)
{
    struct writing to = writing_begin(arena, in, 0, LENGTH_DIGITS);

    if (to.at == NULL)
        return span_make(NULL, 0);
    to.len = number_write(to.at, (int64_t)in.len);
    return writing_end(arena, in, &to);
}

/* Sets each byte to what `of` makes of its lower seven bits. */
static struct span map_bytes(struct span in, struct arena *arena, unsigned (*of)(unsigned))
{
    struct writing to = writing_begin(arena, in, 0, in.len);

    if (to.at == NULL)
        return span_make(NULL, 0);
    for (size_t i = 0; i < in.len; i++)
        writing_add(&to, (char)(unsigned char)of((unsigned char)in.at[i] & 0x7fU));
    return writing_end(arena, in, &to);
}

static unsigned even(unsigned seven_bits)
{
    return seven_bits | (__builtin_parity(seven_bits) ? 0x80U : 0U);
}

static unsigned odd(unsigned seven_bits)
{
    return seven_bits | (__builtin_parity(seven_bits) ? 0U : 0x80U);
}

static unsigned zero(unsigned seven_bits)
{
    return seven_bits;
}

struct span transformation_parity_even_7bit(struct span in, struct arena *arena)
{
    return map_bytes(in, arena, even);
}

struct span transformation_parity_odd_7bit(struct span in, struct arena *arena)
{
    return map_bytes(in, arena, odd);
}

struct span transformation_parity_zero_7bit(struct span in, struct arena *arena)
{
    return map_bytes(in, arena, zero);
}
