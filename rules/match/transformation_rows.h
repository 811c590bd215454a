/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind the table of transformations, and what they share. Private to
 * transformation*.c: others go through transformation_find(). */
#ifndef SIDEGATE_RULES_MATCH_TRANSFORMATION_ROWS_H
#define SIDEGATE_RULES_MATCH_TRANSFORMATION_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

typedef struct span transformation_function(struct span in, struct arena *arena);

transformation_function transformation_base64_decode, transformation_base64_decode_ext,
    transformation_base64_encode, transformation_cmd_line, transformation_compress_whitespace,
    transformation_css_decode, transformation_escape_seq_decode, transformation_hex_decode,
    transformation_hex_encode, transformation_html_entity_decode, transformation_js_decode,
    transformation_length, transformation_lowercase, transformation_md5, transformation_none,
    transformation_normalize_path, transformation_normalize_path_win,
    transformation_parity_even_7bit, transformation_parity_odd_7bit,
    transformation_parity_zero_7bit, transformation_remove_comments,
    transformation_remove_comments_char, transformation_remove_nulls,
    transformation_remove_whitespace, transformation_replace_comments, transformation_replace_nulls,
    transformation_sha1, transformation_sql_hex_decode, transformation_trim,
    transformation_trim_left, transformation_trim_right, transformation_uppercase,
    transformation_url_decode, transformation_url_decode_uni, transformation_url_encode,
    transformation_utf8_to_unicode;

/* Text that is being written: as many bytes as were asked for lie at `at`. */
struct writing {
    char *at; /* NULL: the arena is full */
    size_t len;
};

/* Room for `size` bytes, the first `same` of which are the input's own. */
static inline struct writing writing_begin(struct arena *arena, struct span in, size_t same,
                                           size_t size)
{
    struct writing to = {arena_text(arena, size), 0};

    if (to.at != NULL && same > 0) {
        memcpy(to.at, in.at, same);
        to.len = same;
    }
    return to;
}

static inline void writing_add(struct writing *to, char byte)
{
    to->at[to->len++] = byte;
}

/* What was written, or `in` where that is the same bytes. */
static inline struct span writing_end(struct arena *arena, struct span in, const struct writing *to)
{
    bool same = span_is(span_make(to->at, to->len), in);

    arena_trim(arena, to->at, same ? 0 : to->len);
    return same ? in : span_make(to->at, to->len);
}

/* Index of the first byte that is `a` or `b`, or SPAN_NONE. */
static inline size_t span_find_either(struct span s, char a, char b)
{
    size_t first = span_find_byte(s, a);
    size_t second = span_find_byte(span_first(s, first), b);

    return second == SPAN_NONE ? first : second;
}

/* White space as isspace() in the C locale. */
static inline bool byte_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
/* The digit's value as ModSecurity reads it where it does not check that it is one: only the case
 * is folded. */
static inline unsigned byte_hex_unchecked(char c)
{
    unsigned value = (unsigned char)c;

    return value >= 'A' ? (value & 0xdfU) - 'A' + 10 : value - '0';
}
static inline char byte_of_hex(const char *two)
{
    return (char)(unsigned char)((byte_hex_unchecked(two[0]) << 4) + byte_hex_unchecked(two[1]));
}
/* Are the first `count` bytes hexadecimal digits? */
static inline bool span_is_hex(struct span s, size_t count)
{
    if (s.len < count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (byte_hex(s.at[i]) < 0)
            return false;
    return true;
}
/* The byte that four hexadecimal digits of a code point stand for: its low one, but the full-width
 * forms U+FF01 to U+FF5E are the ASCII characters that they look like. */
static inline char byte_of_code_point(const char *four)
{
    unsigned low = (unsigned char)byte_of_hex(four + 2);

    if (byte_lower(four[0]) == 'f' && byte_lower(four[1]) == 'f' && low > 0x00 && low < 0x5f)
        low += 0x20;
    return (char)(unsigned char)low;
}

#endif
