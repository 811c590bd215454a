/* SPDX-License-Identifier: Apache-2.0 */
/* Exponential histograms, and the buckets that workers count durations in. */
#include "exporters/exponential.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"

void exponential_init(struct exponential *histogram, int scale)
{
    must(scale >= EXPONENTIAL_SCALE_LEAST && scale <= EXPONENTIAL_SCALE_MOST);
    *histogram = (struct exponential){.scale = scale};
}

uint64_t exponential_count(const struct exponential *histogram)
{
    uint64_t count = histogram->zero_count;
    for (unsigned i = 0; i < histogram->used; i++)
        count += histogram->counts[i];
    return count;
}

/* Rounded down, whatever the sign. */
static int halved(int index, unsigned steps)
{
    return steps < 31 ? index >> steps : index < 0 ? -1 : 0;
}

/* frexp is exact, so powers of two, which are bounds at every scale, fall where they should; only
 * the bounds between them depend on how exact the logarithm is. */
int exponential_index(double value, int scale)
{
    int exponent;
    double fraction = frexp(value, &exponent); /* in [0.5, 1) */
    must(value > 0);
    bool is_power = fraction == 0.5;
    if (scale <= 0)
        return halved(is_power ? exponent - 2 : exponent - 1, (unsigned)-scale);
    int buckets = 1 << scale, first = (exponent - 1) * buckets;
    if (is_power)
        return first - 1;
    int in = (int)ceil((log2(fraction) + 1) * buckets) - 1;
    return first + (in < 0 ? 0 : in < buckets ? in : buckets - 1);
}

void exponential_downscale(struct exponential *histogram, unsigned steps)
{
    if (steps == 0)
        return;
    must(histogram->scale - (int)steps >= EXPONENTIAL_SCALE_LEAST);
    uint64_t counts[EXPONENTIAL_BUCKETS] = {0};
    int offset = halved(histogram->offset, steps);
    unsigned used = 0;
    for (unsigned i = 0; i < histogram->used; i++) {
        unsigned to = (unsigned)(halved(histogram->offset + (int)i, steps) - offset);
        counts[to] += histogram->counts[i];
        used = to + 1;
    }
    memcpy(histogram->counts, counts, sizeof counts);
    histogram->scale -= (int)steps;
    histogram->offset = used > 0 ? offset : 0;
    histogram->used = used;
}

/* How many steps down both ends of the range lie within the buckets. */
static unsigned steps_for(int low, int high)
{
    unsigned steps = 0;
    while (halved(high, steps) - halved(low, steps) >= EXPONENTIAL_BUCKETS)
        steps++;
    return steps;
}

/* Moves the counts up, so that `index` is the first. */
static void begin_at(struct exponential *histogram, int index)
{
    unsigned by = (unsigned)(histogram->offset - index);
    must(histogram->used + by <= EXPONENTIAL_BUCKETS);
    memmove(histogram->counts + by, histogram->counts, histogram->used * sizeof(uint64_t));
    memset(histogram->counts, 0, by * sizeof(uint64_t));
    histogram->offset = index;
    histogram->used += by;
}

void exponential_add_bucket(struct exponential *histogram, int scale, int index, uint64_t times)
{
    must(scale >= histogram->scale);
    if (times == 0)
        return;
    index = halved(index, (unsigned)(scale - histogram->scale));
    if (histogram->used == 0)
        histogram->offset = index;
    int first = histogram->offset, last = first + (int)histogram->used - 1;
    last = histogram->used > 0 ? last : index;
    unsigned steps = steps_for(index < first ? index : first, index > last ? index : last);
    exponential_downscale(histogram, steps);
    index = halved(index, steps);
    if (histogram->used == 0)
        histogram->offset = index;
    if (index < histogram->offset)
        begin_at(histogram, index);
    unsigned at = (unsigned)(index - histogram->offset);
    histogram->counts[at] += times;
    histogram->used = at < histogram->used ? histogram->used : at + 1;
}

void exponential_add(struct exponential *histogram, double value, uint64_t times)
{
    must(value >= 0);
    if (value == 0)
        histogram->zero_count += times;
    else
        exponential_add_bucket(histogram, histogram->scale,
                               exponential_index(value, histogram->scale), times);
}

void exponential_merge(struct exponential *histogram, const struct exponential *other)
{
    if (other->scale < histogram->scale)
        exponential_downscale(histogram, (unsigned)(histogram->scale - other->scale));
    histogram->zero_count += other->zero_count;
    for (unsigned i = 0; i < other->used; i++)
        exponential_add_bucket(histogram, other->scale, other->offset + (int)i, other->counts[i]);
}

/* Without the empty buckets at both ends. */
static void trim(struct exponential *histogram)
{
    unsigned empty = 0;
    while (histogram->used > 0 && histogram->counts[histogram->used - 1] == 0)
        histogram->used--;
    while (empty < histogram->used && histogram->counts[empty] == 0)
        empty++;
    histogram->used -= empty;
    histogram->offset = histogram->used > 0 ? histogram->offset + (int)empty : 0;
    memmove(histogram->counts, histogram->counts + empty, histogram->used * sizeof(uint64_t));
    memset(histogram->counts + histogram->used, 0, empty * sizeof(uint64_t));
}

void exponential_subtract(struct exponential *histogram, const struct exponential *earlier)
{
    must(earlier->scale >= histogram->scale && earlier->zero_count <= histogram->zero_count);
    unsigned steps = (unsigned)(earlier->scale - histogram->scale);
    histogram->zero_count -= earlier->zero_count;
    for (unsigned i = 0; i < earlier->used; i++) {
        int at = halved(earlier->offset + (int)i, steps) - histogram->offset;
        if (earlier->counts[i] == 0)
            continue;
        must(at >= 0 && at < (int)histogram->used && histogram->counts[at] >= earlier->counts[i]);
        histogram->counts[at] -= earlier->counts[i];
    }
    trim(histogram);
}

/* ---- durations ---- */

void duration_bounds_init(struct duration_bounds *bounds)
{
    for (int i = 0; i < DURATION_BUCKETS; i++)
        bounds->us[i] = (uint64_t)(1e6 * exp2(DURATION_FIRST + (double)(i + 1) / DURATION_OCTAVE));
}

/* The first bucket that reaches so far; the last one where none does. */
static unsigned bucket_of(const struct duration_bounds *bounds, uint64_t us)
{
    unsigned low = 0, high = DURATION_BUCKETS - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (us <= bounds->us[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void count_one(_Atomic uint64_t *count)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

void duration_add(struct duration_buckets *buckets, const struct duration_bounds *bounds,
                  uint64_t us)
{
    if (us == 0) {
        count_one(&buckets->zeros);
        return;
    }
    unsigned bucket = bucket_of(bounds, us), octave = bucket / DURATION_OCTAVE;
    _Atomic uint64_t *counts =
        atomic_load_explicit(&buckets->octaves[octave], memory_order_relaxed);
    if (counts == NULL) {
        counts = must_alloc(DURATION_OCTAVE * sizeof *counts);
        atomic_store_explicit(&buckets->octaves[octave], counts, memory_order_release);
    }
    count_one(&counts[bucket % DURATION_OCTAVE]);
}

void duration_sum(const struct duration_buckets *buckets, struct exponential *to)
{
    to->zero_count += atomic_load_explicit(&buckets->zeros, memory_order_relaxed);
    for (int octave = 0; octave < DURATION_OCTAVES; octave++) {
        _Atomic uint64_t *counts =
            atomic_load_explicit(&buckets->octaves[octave], memory_order_acquire);
        for (int i = 0; counts != NULL && i < DURATION_OCTAVE; i++)
            exponential_add_bucket(to, DURATION_SCALE,
                                   (DURATION_FIRST + octave) * DURATION_OCTAVE + i,
                                   atomic_load_explicit(&counts[i], memory_order_relaxed));
    }
}

void duration_buckets_fini(struct duration_buckets *buckets)
{
    for (int octave = 0; octave < DURATION_OCTAVES; octave++)
        free(atomic_load(&buckets->octaves[octave]));
}
