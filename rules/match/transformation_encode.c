/* SPDX-License-Identifier: Apache-2.0 */
/* Transformations of base64 and hexadecimal text. */
#include "rules/match/transformation_rows.h"

#include "rules/base/encode.h"

/* The state between characters: bits that are no whole byte yet. */
struct base64_rest {
    unsigned bits;
    unsigned count;
};

static void base64_add_value(struct base64_rest *rest, int value, struct writing *to)
{
    rest->bits = rest->bits << 6 | (unsigned)value;
    rest->count += 6;
    if (rest->count >= 8) {
        rest->count -= 8;
        writing_add(to, (char)(unsigned char)(rest->bits >> rest->count));
    }
}

struct span transformation_base64_decode(struct span in, struct arena *arena)
{
    struct writing to = writing_begin(arena, in, 0, in.len);
    struct base64_rest rest = {0, 0};

    if (to.at == NULL)
        return span_make(NULL, 0);
    for (size_t i = 0; i < in.len && base64_digit(in.at[i]) >= 0; i++)
        base64_add_value(&rest, base64_digit(in.at[i]), &to);
    return writing_end(arena, in, &to);
}

struct span transformation_base64_decode_ext(struct span in, struct arena *arena)
{
    struct writing to = writing_begin(arena, in, 0, in.len);
    struct base64_rest rest = {0, 0};
    size_t taken = 0;

    if (to.at == NULL)
        return span_make(NULL, 0);
    for (size_t i = 0; i < in.len; i++) {
        int value = base64_digit(in.at[i]);

        /* Padding behind a lone character: no base64 at all, as PHP's decoder has it. */
        if (in.at[i] == '=' && taken % 4 == 1 && (i + 1 == in.len || in.at[i + 1] != '=')) {
            to.len = 0;
            break;
        }
        if (value < 0)
            continue;
        base64_add_value(&rest, value, &to);
        taken++;
    }
    return writing_end(arena, in, &to);
}

struct span transformation_base64_encode(struct span in, struct arena *arena)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct writing to = writing_begin(arena, in, 0, (in.len + 2) / 3 * 4);

    if (to.at == NULL)
        return span_make(NULL, 0);
    for (size_t i = 0; i < in.len; i += 3) {
        size_t have = in.len - i < 3 ? in.len - i : 3;
        unsigned group = 0;

        for (size_t j = 0; j < 3; j++)
            group = group << 8 | (j < have ? (unsigned char)in.at[i + j] : 0U);
        for (unsigned j = 0; j < 4; j++)
            writing_add(&to, (char)(j <= have ? alphabet[group >> (18 - 6 * j) & 63] : '='));
    }
    return writing_end(arena, in, &to);
}

struct span transformation_hex_encode(struct span in, struct arena *arena)
{
    struct writing to = writing_begin(arena, in, 0, 2 * in.len);

    if (to.at == NULL)
        return span_make(NULL, 0);
    hex_write(to.at, (const uint8_t *)in.at, in.len);
    to.len = 2 * in.len;
    return writing_end(arena, in, &to);
}

/* Whole pairs only; what is no digit gives some byte, as in ModSecurity. */
struct span transformation_hex_decode(struct span in, struct arena *arena)
{
    struct writing to = writing_begin(arena, in, 0, in.len);

    if (to.at == NULL)
        return span_make(NULL, 0);
    for (size_t i = 0; i + 1 < in.len; i += 2)
        writing_add(&to, byte_of_hex(in.at + i));
    return writing_end(arena, in, &to);
}

/* 0x4142 is AB; a 0x without two digits behind it stays, as does an odd last digit. */
struct span transformation_sql_hex_decode(struct span in, struct arena *arena)
{
    size_t start = span_find_nocase(in, SPAN("0x"));

    if (start == SPAN_NONE)
        return in;

    struct writing to = writing_begin(arena, in, start, in.len);
    size_t i = start;

    if (to.at == NULL)
        return span_make(NULL, 0);
    while (i < in.len) {
        struct span rest = span_from(in, i);

        if (!span_starts_nocase(rest, SPAN("0x")) || !span_is_hex(span_from(rest, 2), 2)) {
            writing_add(&to, in.at[i++]);
            continue;
        }
        for (i += 2; span_is_hex(span_from(in, i), 2); i += 2)
            writing_add(&to, byte_of_hex(in.at + i));
    }
    return writing_end(arena, in, &to);
}
