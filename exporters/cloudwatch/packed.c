/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cloudwatch/packed.h"

#include <math.h>
#include <string.h>

enum {
    FLAG_ONE = 1,      /* all samples have one value */
    FLAG_PLAIN = 2,    /* no histogram */
    FLAG_NEGATIVE = 4, /* there are negative samples */
    FLAG_ZEROS = 8,    /* some are zeros, and others are not */
    FLAGS = 15,
    SHIFT = 45, /* from a value's bits to its bucket */
    PART_BITS = 16,
    BUCKETS_MOST = 96 * 128,
    INDEX_MOST = (1 << 19) - 1,
};

/* ---- numbers ---- */

bool packed_number_add(struct buf *to, uint64_t number)
{
    while (number > 0x7f) {
        buf_add_byte(to, (char)(number | 0x80));
        number >>= 7;
    }
    return buf_add_byte(to, (char)number);
}

bool packed_number_read(struct span *text, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; shift < 64 && text->len > 0; shift += 7) {
        unsigned char byte = (unsigned char)text->at[0];
        *text = span_from(*text, 1);
        *number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static void bits_add(struct buf *to, uint64_t bits, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_add_byte(to, (char)(bits >> (8 * i)));
}

static bool bits_read(struct span *text, uint64_t *bits, unsigned bytes)
{
    *bits = 0;
    if (text->len < bytes)
        return false;
    for (unsigned i = 0; i < bytes; i++)
        *bits |= (uint64_t)(unsigned char)text->at[i] << (8 * i);
    *text = span_from(*text, bytes);
    return true;
}

static void double_add(struct buf *to, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits_add(to, bits, 8);
}

static bool double_read(struct span *text, double *value)
{
    uint64_t bits;
    if (!bits_read(text, &bits, 8))
        return false;
    memcpy(value, &bits, sizeof bits);
    return isfinite(*value);
}

/* ---- buckets ---- */

static double bound_of(uint64_t index)
{
    uint64_t bits = index << SHIFT;
    double bound;
    memcpy(&bound, &bits, sizeof bound);
    return bound;
}

static void bucket_add(struct buf *to, const struct sketch_bucket *bucket, uint32_t before)
{
    double from = bound_of(bucket->index), until = bound_of((uint64_t)bucket->index + 1);
    double mean = bucket->sum / (double)bucket->count;
    double part = (mean - from) / (until - from) * (1 << PART_BITS);
    part = part < 0 ? 0 : part > (1 << PART_BITS) - 1 ? (1 << PART_BITS) - 1 : floor(part + 0.5);
    packed_number_add(to, bucket->index - before);
    packed_number_add(to, bucket->count);
    bits_add(to, (uint64_t)part, 2);
}

static bool bucket_read(struct span *text, uint64_t *index, struct sketch *into)
{
    uint64_t beyond, count, part;
    if (!packed_number_read(text, &beyond) || !packed_number_read(text, &count) ||
        !bits_read(text, &part, 2))
        return false;
    *index += beyond;
    if (beyond > INDEX_MOST || *index > INDEX_MOST || count == 0)
        return false;
    double from = bound_of(*index), until = bound_of(*index + 1);
    double mean = from + (until - from) * (double)part / (1 << PART_BITS);
    sketch_add_bucket(into, (struct sketch_bucket){(uint32_t)*index, count, mean * (double)count});
    return true;
}

/* ---- the whole ---- */

bool packed_add(struct buf *to, const struct sketch *sketch)
{
    bool one = sketch->count > 0 && sketch->least == sketch->most; /* NOLINT: the same bits */
    bool zeros = !one && sketch->zeros > 0;
    unsigned flags = (one ? FLAG_ONE : 0) | (sketch->is_plain ? FLAG_PLAIN : 0) |
                     (sketch->has_negative ? FLAG_NEGATIVE : 0) | (zeros ? FLAG_ZEROS : 0);
    uint32_t before = 0;
    buf_add_byte(to, (char)flags);
    packed_number_add(to, sketch->count);
    if (zeros)
        packed_number_add(to, sketch->zeros);
    if (one) {
        double_add(to, sketch->least);
        return !buf_is_full(to);
    }
    double_add(to, sketch->sum);
    double_add(to, sketch->least);
    double_add(to, sketch->most);
    packed_number_add(to, sketch->is_plain ? 0 : sketch->bucket_count);
    for (size_t i = 0; !sketch->is_plain && i < sketch->bucket_count; i++) {
        bucket_add(to, &sketch->buckets[i], before);
        before = sketch->buckets[i].index;
    }
    return !buf_is_full(to);
}

static bool many_read(struct span *text, struct sketch *into, struct sketch *totals)
{
    uint64_t buckets, index = 0;
    if (!double_read(text, &totals->sum) || !double_read(text, &totals->least) ||
        !double_read(text, &totals->most) || !packed_number_read(text, &buckets) ||
        buckets > BUCKETS_MOST)
        return false;
    struct sketch ignored = {0};
    bool well = true;
    for (uint64_t i = 0; well && i < buckets; i++)
        well = bucket_read(text, &index, into->is_plain ? &ignored : into);
    sketch_fini(&ignored);
    return well;
}

bool packed_read(struct span *text, struct sketch *into)
{
    struct sketch totals = {0};
    uint64_t flags;
    double value;
    if (!bits_read(text, &flags, 1) || flags > FLAGS || !packed_number_read(text, &totals.count))
        return false;
    if ((flags & FLAG_ZEROS) != 0 && !packed_number_read(text, &totals.zeros))
        return false;
    totals.has_negative = (flags & FLAG_NEGATIVE) != 0;
    if ((flags & FLAG_ONE) != 0) {
        bool well = double_read(text, &value);
        if (well)
            sketch_add(into, value, totals.count);
        return well;
    }
    bool well = many_read(text, into, &totals);
    if (well)
        sketch_merge(into, &totals);
    return well;
}
