/* SPDX-License-Identifier: Apache-2.0 */
/* The bits of a double are its bucket: the eleven of the exponent and seven of the mantissa. */
#include "exporters/alarms/sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"

enum { MANTISSA_BITS = 52, BUCKET_BITS = 7, FIRST_ROOM = 16 };

static uint32_t index_of(double value)
{
    const double least = 0x1p-32, most = 0x1.ffp63;
    uint64_t bits;
    double held = value < least ? least : value > most ? most : value;
    memcpy(&bits, &held, sizeof bits);
    return (uint32_t)(bits >> (MANTISSA_BITS - BUCKET_BITS));
}

void sketch_init(struct sketch *sketch)
{
    *sketch = (struct sketch){0};
}

void sketch_fini(struct sketch *sketch)
{
    free(sketch->buckets);
    sketch_init(sketch);
}

void sketch_clear(struct sketch *sketch)
{
    struct sketch_bucket *buckets = sketch->buckets;
    size_t room = sketch->bucket_room;
    *sketch =
        (struct sketch){.is_plain = sketch->is_plain, .buckets = buckets, .bucket_room = room};
}

/* Where the index stands, or would stand. */
static size_t find(const struct sketch *sketch, uint32_t index)
{
    size_t low = 0, high = sketch->bucket_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (sketch->buckets[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void sketch_add_bucket(struct sketch *sketch, struct sketch_bucket bucket)
{
    size_t at = find(sketch, bucket.index);
    if (at < sketch->bucket_count && sketch->buckets[at].index == bucket.index) {
        sketch->buckets[at].count += bucket.count;
        sketch->buckets[at].sum += bucket.sum;
        return;
    }
    if (sketch->bucket_count == sketch->bucket_room) {
        sketch->bucket_room = sketch->bucket_room > 0 ? sketch->bucket_room * 2 : FIRST_ROOM;
        sketch->buckets =
            must_realloc(sketch->buckets, sketch->bucket_room * sizeof *sketch->buckets);
    }
    memmove(sketch->buckets + at + 1, sketch->buckets + at,
            (sketch->bucket_count - at) * sizeof *sketch->buckets);
    sketch->buckets[at] = bucket;
    sketch->bucket_count++;
}

/* Count, sum and the outermost values; the histogram aside. */
static void totals_add(struct sketch *to, const struct sketch *from)
{
    if (from->count == 0)
        return;
    to->least = to->count == 0 || from->least < to->least ? from->least : to->least;
    to->most = to->count == 0 || from->most > to->most ? from->most : to->most;
    to->count += from->count;
    to->zeros += from->zeros;
    to->sum += from->sum;
    to->has_negative = to->has_negative || from->has_negative;
}

void sketch_add(struct sketch *sketch, double value, uint64_t times)
{
    if (!isfinite(value) || times == 0)
        return;
    double sum = value * (double)times;
    const struct sketch one = {.count = times,
                               .zeros = value == 0 ? times : 0,
                               .sum = sum,
                               .least = value,
                               .most = value,
                               .has_negative = value < 0};
    totals_add(sketch, &one);
    if (value > 0 && !sketch->is_plain)
        sketch_add_bucket(sketch, (struct sketch_bucket){index_of(value), times, sum});
}

void sketch_merge(struct sketch *to, const struct sketch *from)
{
    totals_add(to, from);
    for (size_t i = 0; !to->is_plain && i < from->bucket_count; i++)
        sketch_add_bucket(to, from->buckets[i]);
}

static double mean_of(const struct sketch_bucket *bucket)
{
    return bucket->sum / (double)bucket->count;
}

double sketch_at_rank(const struct sketch *sketch, uint64_t rank)
{
    must(rank >= 1 && rank <= sketch->count && !sketch->has_negative);
    uint64_t seen = sketch->zeros;
    if (rank == sketch->count)
        return sketch->most;
    if (rank == 1 || rank <= seen)
        return rank <= seen ? 0 : sketch->least;
    for (size_t i = 0; i < sketch->bucket_count; i++) {
        seen += sketch->buckets[i].count;
        if (rank <= seen)
            return mean_of(&sketch->buckets[i]);
    }
    return sketch->most;
}

struct sketch_part sketch_ranks(const struct sketch *sketch, uint64_t from, uint64_t to)
{
    struct sketch_part part = {0};
    uint64_t before = 0, after = sketch->zeros;
    for (size_t i = 0; i <= sketch->bucket_count; i++) {
        uint64_t first = before > from ? before : from, last = after < to ? after : to;
        if (last > first) {
            double count = (double)(last - first);
            part.count += count;
            part.sum += i == 0 ? 0 : count * mean_of(&sketch->buckets[i - 1]);
        }
        before = after;
        after += i < sketch->bucket_count ? sketch->buckets[i].count : 0;
    }
    return part;
}

struct sketch_part sketch_values(const struct sketch *sketch, double low, double high)
{
    struct sketch_part part = {0};
    if (low < 0 && high >= 0)
        part.count = (double)sketch->zeros;
    for (size_t i = 0; i < sketch->bucket_count; i++) {
        double mean = mean_of(&sketch->buckets[i]);
        if (mean > low && mean <= high) {
            part.count += (double)sketch->buckets[i].count;
            part.sum += sketch->buckets[i].sum;
        }
    }
    return part;
}
