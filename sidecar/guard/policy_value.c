/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/policy_value.h"

#include "rules/base/encode.h"
#include "rules/base/number.h"
#include "sidecar/http/date.h"

enum { SECOND = 1000000, DIGITS_OF_SECONDS = 12 };

static bool all_digits(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!byte_is_digit(text.at[i]))
            return false;
    return true;
}

bool decimal_parse(struct span text, struct decimal *out)
{
    *out = (struct decimal){0};
    if (text.len > 0 && (text.at[0] == '-' || text.at[0] == '+')) {
        out->negative = text.at[0] == '-';
        text = span_from(text, 1);
    }
    size_t point = span_find_byte(text, '.');
    out->whole = span_first(text, point);
    out->fraction = point == SPAN_NONE ? (struct span){0} : span_from(text, point + 1);
    if (out->whole.len == 0 || (point != SPAN_NONE && out->fraction.len == 0) ||
        !all_digits(out->whole) || !all_digits(out->fraction))
        return false;
    while (out->whole.len > 0 && out->whole.at[0] == '0')
        out->whole = span_from(out->whole, 1);
    while (out->fraction.len > 0 && out->fraction.at[out->fraction.len - 1] == '0')
        out->fraction.len--;
    if (out->whole.len == 0 && out->fraction.len == 0)
        out->negative = false;
    return true;
}

static int magnitude_compare(const struct decimal *a, const struct decimal *b)
{
    if (a->whole.len != b->whole.len)
        return a->whole.len < b->whole.len ? -1 : 1;
    int order = span_compare(a->whole, b->whole);
    return order != 0 ? order : span_compare(a->fraction, b->fraction);
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    return a->negative ? magnitude_compare(b, a) : magnitude_compare(a, b);
}

/* Two digits up to `most` behind the byte `before` (0: nothing stands before them); taken from the
 * front of `text`. */
static bool take_two(struct span *text, char before, unsigned most, int64_t *out)
{
    size_t skip = before != 0;
    if (text->len < skip + 2 || (skip == 1 && text->at[0] != before))
        return false;
    uint64_t number;
    if (!number_parse(span_first(span_from(*text, skip), 2), &number) || number > most)
        return false;
    *text = span_from(*text, skip + 2);
    *out = (int64_t)number;
    return true;
}

/* "Z", "+hh:mm", "-hh:mm", and nothing behind it: in minutes. */
static bool zone_parse(struct span text, int64_t *minutes)
{
    *minutes = 0;
    if (span_is(text, SPAN("Z")))
        return true;
    if (text.len == 0 || (text.at[0] != '+' && text.at[0] != '-'))
        return false;
    int64_t hour, minute;
    char sign = text.at[0];
    if (!take_two(&text, sign, 23, &hour) || !take_two(&text, ':', 59, &minute) || text.len != 0)
        return false;
    *minutes = (hour * 60 + minute) * (sign == '-' ? -1 : 1);
    return true;
}

/* ".123": what is finer than a microsecond is dropped. */
static bool take_fraction(struct span *text, int64_t *microseconds)
{
    *microseconds = 0;
    if (text->len == 0 || text->at[0] != '.')
        return true;
    size_t digits = 0;
    int64_t unit = SECOND;
    for (size_t i = 1; i < text->len && byte_is_digit(text->at[i]); i++, digits++) {
        unit /= 10;
        *microseconds += (text->at[i] - '0') * unit;
    }
    *text = span_from(*text, digits + 1);
    return digits > 0;
}

/* "09:30Z", "09:30:00.5+01:00". */
static bool time_parse(struct span text, int64_t *microseconds)
{
    int64_t hour, minute, second = 0, fraction = 0, zone;
    if (!take_two(&text, 0, 23, &hour) || !take_two(&text, ':', 59, &minute))
        return false;
    bool has_seconds = text.len > 0 && text.at[0] == ':';
    if (has_seconds && (!take_two(&text, ':', 60, &second) || !take_fraction(&text, &fraction)))
        return false;
    if (!zone_parse(text, &zone))
        return false;
    *microseconds = ((hour * 60 + minute - zone) * 60 + second) * SECOND + fraction;
    return true;
}

bool instant_parse(struct span text, int64_t *out)
{
    uint64_t seconds;
    if (text.len != 4 && number_parse(text, &seconds)) {
        *out = (int64_t)(seconds * SECOND);
        return text.len <= DIGITS_OF_SECONDS;
    }
    char day[] = "0000-01-01";
    size_t len = text.len < sizeof day - 1 ? text.len : sizeof day - 1;
    if (len != 4 && len != 7 && len != 10)
        return false;
    memcpy(day, text.at, len);
    if (!date_parse(span_text(day), &seconds))
        return false;
    int64_t time = 0;
    struct span rest = span_from(text, len);
    if (rest.len > 0 && (rest.at[0] != 'T' || !time_parse(span_from(rest, 1), &time)))
        return false;
    *out = (int64_t)(seconds * SECOND) + time;
    return true;
}

bool truth_parse(struct span text, bool *out)
{
    *out = span_is_nocase(text, SPAN("true"));
    return *out || span_is_nocase(text, SPAN("false"));
}

bool base64_parse(struct span text, struct arena *arena, struct span *out)
{
    char *bytes = arena_text(arena, text.len / 4 * 3 + 1);
    size_t len;
    if (bytes == NULL || !base64_read(text, (uint8_t *)bytes, &len))
        return false;
    *out = span_make(bytes, len);
    return true;
}

bool block_parse(struct span text, struct network *out)
{
    size_t slash = span_find_byte(text, '/');
    struct span address = span_first(text, slash);
    if (!ip_parse(address, &out->at))
        return false;
    bool v4 = span_find_byte(address, ':') == SPAN_NONE;
    unsigned most = v4 ? 32 : 128;
    uint64_t bits = most;
    if (slash != SPAN_NONE && (!number_parse(span_from(text, slash + 1), &bits) || bits > most))
        return false;
    out->bits = (unsigned)bits + (v4 ? IP_MAPPED_BITS : 0);
    for (unsigned i = out->bits; i < 8 * IP_BYTES; i++)
        out->at.at[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
    return true;
}

bool block_has(const struct network *block, const struct ip *ip)
{
    bool only_v6 = block->bits < IP_MAPPED_BITS;
    return !(only_v6 && ip_is_v4(ip)) && network_has(block, 1, ip);
}
