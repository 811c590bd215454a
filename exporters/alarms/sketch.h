/* SPDX-License-Identifier: Apache-2.0 */
/* What a period's samples leave behind: exact count, sum, least and most, and a log-linear
 * histogram for everything that asks for an order.
 *
 *   |  1  |  2  |  4  |  8  ...     each power of two is cut into 128 equal buckets, so that a
 * bucket
 *   |||||||||||||||||||||||||      is at most 1/128 of its values wide; it knows count and sum, and
 *                                   answers with their mean
 *
 * So a rank is within 0.8 % of the exact one, and exact where a bucket holds one value many times.
 * That holds from 2^-32 to 2^64; beyond, values fall into the outermost bucket. Zeros are counted
 * by themselves. Only buckets that were hit take memory: 24 bytes each, 294 KiB at the very most.
 */
#ifndef SIDEGATE_EXPORTERS_ALARMS_SKETCH_H
#define SIDEGATE_EXPORTERS_ALARMS_SKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sketch_bucket {
    uint32_t index; /* exponent and the first seven bits of the mantissa */
    uint64_t count;
    double sum;
};

struct sketch {
    uint64_t count, zeros;
    double sum, least, most;       /* without samples: 0 */
    bool is_plain;                 /* no histogram is kept: for who asks for no order */
    bool has_negative;             /* then nothing that asks for an order is answered */
    struct sketch_bucket *buckets; /* by index */
    size_t bucket_count, bucket_room;
};

void sketch_init(struct sketch *sketch);
void sketch_fini(struct sketch *sketch);
void sketch_clear(struct sketch *sketch); /* keeps the memory, and whether it is plain */

/* `times` samples of one value; a value that is no finite number is left out. */
void sketch_add(struct sketch *sketch, double value, uint64_t times);
/* Values that were sorted into a bucket elsewhere; the totals are the caller's to set. */
void sketch_add_bucket(struct sketch *sketch, struct sketch_bucket bucket);
void sketch_merge(struct sketch *to, const struct sketch *from);

/* The value of the rank (1: the least ... count: the most). Without negative values only. */
double sketch_at_rank(const struct sketch *sketch, uint64_t rank);

/* Count and sum of the ranks above `from` up to `to`. */
struct sketch_part {
    double count, sum;
};
struct sketch_part sketch_ranks(const struct sketch *sketch, uint64_t from, uint64_t to);
/* Count and sum of the values above `low` up to `high`; a bucket belongs to where its mean lies. */
struct sketch_part sketch_values(const struct sketch *sketch, double low, double high);

#endif
