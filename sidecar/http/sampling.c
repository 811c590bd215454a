/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http/sampling.h"

#include <string.h>

#include "rules/base/encode.h"

enum { BYTES = 7, DIGITS = 2 * BYTES, MEMBER_MOST = 256 };

static uint64_t number_of(const uint8_t bytes[BYTES])
{
    uint64_t number = 0;
    for (size_t i = 0; i < BYTES; i++)
        number = number << 8 | bytes[i];
    return number;
}

uint64_t sampling_threshold(unsigned ratio)
{
    if (ratio >= SAMPLING_WHOLE)
        return 0;
    uint64_t part = SAMPLING_NOTHING / SAMPLING_WHOLE, rest = SAMPLING_NOTHING % SAMPLING_WHOLE;
    return SAMPLING_NOTHING - (part * ratio + rest * ratio / SAMPLING_WHOLE);
}

/* The next `key:value` of the member; key.at == NULL: there is none. */
static struct pair next_part(struct span *rest)
{
    struct span value = span_cut(rest, ';'), key = span_cut(&value, ':');
    return (struct pair){key, value};
}

static bool random_of(struct span ot, uint8_t to[BYTES])
{
    while (ot.at != NULL) {
        struct pair part = next_part(&ot);
        if (span_is(part.name, SPAN("rv")))
            return hex_read(part.value, to, BYTES);
    }
    return false;
}

bool sampling_keeps(uint64_t threshold, const uint8_t trace_id[16], struct span ot)
{
    uint8_t random[BYTES];
    if (!random_of(ot, random))
        memcpy(random, trace_id + 16 - BYTES, BYTES);
    return number_of(random) >= threshold;
}

/* Without its zeros at the end, but one digit at least. */
static void add_threshold(struct buf *to, uint64_t threshold)
{
    uint8_t bytes[BYTES];
    char digits[DIGITS];
    size_t len = DIGITS;
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(threshold >> (8 * (BYTES - 1 - i)));
    hex_write(digits, bytes, BYTES);
    while (len > 1 && digits[len - 1] == '0')
        len--;
    buf_add(to, SPAN("th:"));
    buf_add(to, span_make(digits, len));
}

struct span sampling_member(struct span ot, uint64_t threshold, struct arena *arena)
{
    struct buf text;
    buf_init(&text, MEMBER_MOST + DIGITS);
    if (threshold < SAMPLING_NOTHING)
        add_threshold(&text, threshold);
    while (ot.at != NULL) {
        struct pair part = next_part(&ot);
        if (part.value.len == 0 || span_is(part.name, SPAN("th")))
            continue;
        if (text.len + part.name.len + part.value.len + 2 > MEMBER_MOST)
            break;
        if (text.len > 0)
            buf_add_byte(&text, ';');
        buf_add(&text, part.name);
        buf_add_byte(&text, ':');
        buf_add(&text, part.value);
    }
    struct span copy = text.len > 0 ? arena_copy(arena, buf_span(&text)) : SPAN("");
    buf_fini(&text);
    return copy;
}
