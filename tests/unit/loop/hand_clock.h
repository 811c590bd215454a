/* SPDX-License-Identifier: Apache-2.0 */
/* A clock that is turned by hand. */
#ifndef SIDEGATE_TESTS_UNIT_LOOP_HAND_CLOCK_H
#define SIDEGATE_TESTS_UNIT_LOOP_HAND_CLOCK_H

#include "sidecar/loop/loop.h"

struct hand_clock {
    struct clock clock;
    uint64_t now_us, wall_us;
};

static inline uint64_t hand_monotonic_us(void *context)
{
    return ((struct hand_clock *)context)->now_us;
}

static inline uint64_t hand_wall_us(void *context)
{
    return ((struct hand_clock *)context)->wall_us;
}

static inline void hand_clock_init(struct hand_clock *hand)
{
    *hand = (struct hand_clock){
        .clock = {hand_monotonic_us, hand_wall_us, hand}, .now_us = 5000000, .wall_us = 77};
}

#endif
