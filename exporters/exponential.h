/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms whose buckets grow by a constant factor, as OpenTelemetry has them: bucket i of scale
 * s holds values above base^i up to base^(i + 1), where base = 2^(2^-s). Each step down in scale
 * joins neighbours two by two, so that nothing is counted in a wrong bucket by it.
 *
 *   scale 1   |  8  |  9  | 10  | 11  |         offset 8
 *   scale 0   |     4     |     5     |         offset 4 */
#ifndef SIDEGATE_EXPORTERS_EXPONENTIAL_H
#define SIDEGATE_EXPORTERS_EXPONENTIAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { EXPONENTIAL_BUCKETS = 160, EXPONENTIAL_SCALE_MOST = 20, EXPONENTIAL_SCALE_LEAST = -10 };

struct exponential {
    int scale;
    uint64_t zero_count; /* of values that are 0 */
    int offset;          /* the index of counts[0] */
    unsigned used;       /* of the counts; those behind are 0 */
    uint64_t counts[EXPONENTIAL_BUCKETS];
};

/* Empty, at this scale; it goes down by itself where values lie further apart than it has buckets.
 */
void exponential_init(struct exponential *histogram, int scale);
uint64_t exponential_count(const struct exponential *histogram);
/* Of a value above 0, at this scale. */
int exponential_index(double value, int scale);
void exponential_add(struct exponential *histogram, double value, uint64_t times); /* value >= 0 */
/* The same for a bucket of another scale, which must not be a coarser one. */
void exponential_add_bucket(struct exponential *histogram, int scale, int index, uint64_t times);
void exponential_downscale(struct exponential *histogram, unsigned steps);
/* All of `other` too; the scale becomes the lower one of both, or less. */
void exponential_merge(struct exponential *histogram, const struct exponential *other);
/* What came since it was `earlier`: that must be part of it. */
void exponential_subtract(struct exponential *histogram, const struct exponential *earlier);

/* Durations of one series: one writer, any readers. Its scale is fixed, so that no bucket ever
 * moves; octaves are made when they are met. */
enum {
    DURATION_SCALE = 4, /* buckets 4.4 % wide */
    DURATION_OCTAVE = 1 << DURATION_SCALE,
    DURATION_OCTAVES = 40,
    DURATION_FIRST = -20, /* from 2^-20 s, less than a microsecond... */
    DURATION_BUCKETS = DURATION_OCTAVES * DURATION_OCTAVE, /* ...to 2^20 s, twelve days */
};
struct duration_buckets {
    _Atomic uint64_t zeros;
    _Atomic(_Atomic uint64_t *) octaves[DURATION_OCTAVES];
};
/* The greatest duration in microseconds that each bucket holds: what durations are looked up in. */
struct duration_bounds {
    uint64_t us[DURATION_BUCKETS];
};

void duration_bounds_init(struct duration_bounds *bounds);
void duration_add(struct duration_buckets *buckets, const struct duration_bounds *bounds,
                  uint64_t us);
/* Adds all of it to `to`. */
void duration_sum(const struct duration_buckets *buckets, struct exponential *to);
void duration_buckets_fini(struct duration_buckets *buckets);

#endif
