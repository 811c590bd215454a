/* SPDX-License-Identifier: Apache-2.0 */
/* Copied first and looked at then: eight bytes at once, in a place that has bytes to spare. */
#include "exporters/otlp_text.h"

#include "rules/base/copy.h"
#include "rules/base/eights.h"
#include "rules/base/encode.h"

static const char replacement[] = "\xef\xbf\xbd";
enum { REPLACEMENT_BYTES = 3 };

static uint64_t asks_for_repair(uint64_t eight)
{
    return eight_below(eight, 1) | (eight & EIGHT_HIGH);
}

bool otlp_text_copy(char *to, struct span text)
{
    copy_short(to, text.at, text.len);
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
