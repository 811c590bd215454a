/* SPDX-License-Identifier: Apache-2.0 */
/* When the exporter's thread looks at the ring: while there is work every 100 ms, so that a round
 * takes many records; after a round that found nothing as soon as there is one. Times of the
 * monotonic clock. */
#ifndef SIDEGATE_EXPORTERS_ROUNDS_H
#define SIDEGATE_EXPORTERS_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

enum { ROUND_US = 100 * 1000 };

struct rounds {
    uint64_t due_us; /* the next one, at the latest */
    bool is_idle;    /* the last one found nothing */
};

static inline bool round_is_due(const struct rounds *rounds, uint64_t now_us)
{
    return now_us >= rounds->due_us;
}

/* A round is over. `more`: there is more than it took. */
static inline void round_is_over(struct rounds *rounds, unsigned records, bool more,
                                 uint64_t now_us)
{
    rounds->is_idle = records == 0;
    rounds->due_us = more ? now_us : now_us + ROUND_US;
}

/* Before the thread sleeps; workers may have put since the round was over. */
static inline void round_before_sleep(struct rounds *rounds, bool ring_is_empty)
{
    if (rounds->is_idle && !ring_is_empty)
        rounds->due_us = 0;
}

/* Somebody asks for one. */
static inline void round_now(struct rounds *rounds)
{
    rounds->due_us = 0;
}

#endif
