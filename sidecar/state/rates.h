/* SPDX-License-Identifier: Apache-2.0 */
/* How often a key came lately: one store for one limit, shared by all workers and kept over a
 * reload for as long as the limit is the same. The clock is handed in.
 *
 * Bounded: room for `keys_most` keys, 64 bytes each (256 where everything is counted), made once.
 * Where no room is left, a key that has nothing counted any more gives its place up, else, of
 * sixteen, the one that is the furthest from its limit: it is forgotten, which refuses nobody. So a
 * flood of keys that were never seen before throws each other out, and not who is near the limit.
 * Two sets are open to each key, so that two thirds of the room are filled before anybody is
 * forgotten.
 *
 *   set, by the key:        [slot][slot][slot][slot][slot][slot][slot][slot]
 *   slot (64 bytes):        key 128 bits | at | ten counts; of RATE_COUNT 58 counts, 256 bytes
 */
#ifndef SIDEGATE_SIDECAR_STATE_RATES_H
#define SIDEGATE_SIDECAR_STATE_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

struct rates;

enum rate_algorithm {
    /* At most `limit` in any run of `window_us`. Counted in ninths of the window, and a ninth
     * counts until all of it is out: what has passed counts for up to a ninth longer, never
     * shorter. */
    RATE_SLIDING_WINDOW,
    /* `limit` tokens trickle in over `window_us`, up to `burst`; each request takes one. */
    RATE_TOKEN_BUCKET,
    /* Everything is counted, what is too much as well, and whoever asks compares: rates_count().
     * Counted in 57ths of the window, so that what has passed counts for up to a 57th longer,
     * never shorter. */
    RATE_COUNT,
};

struct rate_limit {
    enum rate_algorithm algorithm;
    unsigned limit;     /* from 1; of RATE_COUNT: nobody asks */
    unsigned burst;     /* of a token bucket, from 1 */
    uint64_t window_us; /* from 9; of RATE_COUNT from 57 */
    unsigned keys_most; /* rounded up to a power of two, at least 1024 */
};
/* May a store be made for it? False: numbers below the least ones, or a bucket that takes longer
 * than a year to fill. */
bool rate_limit_fits(const struct rate_limit *limit);

/* 128 bits of a keyed hash: nobody can choose two keys that collide. */
struct rate_key {
    uint64_t at[2];
};
struct rate_key rate_key_of(struct span text);
/* Of several in order; of one: itself. They never run together. */
struct rate_key rate_key_join(const struct rate_key *keys, size_t count);

struct rate_verdict {
    bool passes;
    unsigned remaining; /* that would pass at this moment, after this one */
    uint64_t retry_us;  /* refused: after this time one passes, if nobody else takes it */
};

/* Belongs to whoever takes it; the last one who gives it frees it. NULL: no memory. */
struct rates *rates_new(const struct rate_limit *limit);
struct rates *rates_take(struct rates *rates);
void rates_give(struct rates *rates); /* NULL allowed */

/* Any thread; exact over all of them. Counts what passes; who is refused is not counted, so that
 * trying again costs nothing. A clock that is a little behind another thread's is taken as equal.
 */
struct rate_verdict rates_ask(struct rates *rates, const struct rate_key *key, uint64_t now_us);

/* Of RATE_COUNT alone, by any thread and as exact: counts one more, and says how many that makes in
 * the window. */
uint64_t rates_count(struct rates *rates, const struct rate_key *key, uint64_t now_us);

/* Keys that were forgotten although something was still counted: the room was too small. */
uint64_t rates_forgotten(struct rates *rates);
/* What the store holds at the most, allocated at once, and resident as keys come. */
size_t rates_bytes(const struct rates *rates);

#endif
