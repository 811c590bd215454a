/* SPDX-License-Identifier: Apache-2.0 */
/* Most texts are a word or two: they are copied by their ends, which may overlap, and looked at on
 * the way, eight bytes at once. */
#include "exporters/otlp_text.h"

#include <string.h>

#include "rules/base/eights.h"
#include "rules/base/encode.h"

static const char replacement[] = "\xef\xbf\xbd";
enum { REPLACEMENT_BYTES = 3 };

static uint64_t asks_for_repair(uint64_t eight)
{
    return eight_below(eight, 1) | (eight & EIGHT_HIGH);
}

enum { EIGHT = 8, FOUR = 4, TWO_EIGHTS = 2 * EIGHT, FOUR_EIGHTS = 4 * EIGHT };

static inline uint64_t copy_eight(char *to, const char *from)
{
    uint64_t eight;
    memcpy(&eight, from, sizeof eight);
    memcpy(to, &eight, sizeof eight);
    return asks_for_repair(eight);
}

/* Four bytes to eight. */
static inline uint64_t copy_fours(char *to, const char *from, size_t len)
{
    uint32_t first, last;
    memcpy(&first, from, sizeof first);
    memcpy(&last, from + len - FOUR, sizeof last);
    memcpy(to, &first, sizeof first);
    memcpy(to + len - FOUR, &last, sizeof last);
    return asks_for_repair(first | (uint64_t)last << 32);
}

/* What was found of 4 * EIGHT bytes at most. */
static inline uint64_t copy_word(char *to, const char *from, size_t len)
{
    uint64_t found;
    if (len >= EIGHT) {
        found = copy_eight(to, from) | copy_eight(to + len - EIGHT, from + len - EIGHT);
        if (len > TWO_EIGHTS)
            found |= copy_eight(to + EIGHT, from + EIGHT) |
                     copy_eight(to + len - TWO_EIGHTS, from + len - TWO_EIGHTS);
        return found;
    }
    if (len >= FOUR)
        return copy_fours(to, from, len);
    found = 0;
    for (size_t i = 0; i < len; i++) {
        to[i] = from[i];
        found |= from[i] == '\0' || ((unsigned char)from[i] & 0x80) != 0;
    }
    return found;
}

bool otlp_text_copy(char *to, struct span text)
{
    if (text.len <= FOUR_EIGHTS)
        return copy_word(to, text.at, text.len) == 0;
    memcpy(to, text.at, text.len);
    return !eights_any(to, text.len, asks_for_repair);
}

/* Length of a good character at the start, or 0. */
static size_t good_length(struct span text)
{
    return text.at[0] != '\0' ? utf8_length(text) : 0;
}

size_t otlp_text_size(struct span text)
{
    size_t size = 0;
    while (text.len > 0) {
        size_t good = good_length(text);
        size += good > 0 ? good : REPLACEMENT_BYTES;
        text = span_from(text, good > 0 ? good : 1);
    }
    return size;
}

struct span otlp_text_cut(struct span text, size_t *left)
{
    size_t len = 0;
    for (; *left > 0 && len < text.len; --*left) {
        size_t good = good_length(span_from(text, len));
        len += good > 0 ? good : 1;
    }
    return span_first(text, len);
}

char *otlp_text_repair(char *to, struct span text)
{
    while (text.len > 0) {
        size_t good = good_length(text), bytes = good > 0 ? good : REPLACEMENT_BYTES;
        memcpy(to, good > 0 ? text.at : replacement, bytes);
        to += bytes;
        text = span_from(text, good > 0 ? good : 1);
    }
    return to;
}
