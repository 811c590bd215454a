/* SPDX-License-Identifier: Apache-2.0 */
/* When a server last answered anybody in a way that makes sense, so that its trouble with one
 * request can be told from its own: whoever writes a request may know how to make it hang, crash or
 * stammer over that one, again and again. Any thread. */
#ifndef SIDEGATE_SIDECAR_STATE_PULSE_H
#define SIDEGATE_SIDECAR_STATE_PULSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pulse {
    _Atomic uint64_t answered_us; /* monotonic clock; 0: never */
};

static inline void pulse_beat(struct pulse *pulse, uint64_t now_us)
{
    atomic_store_explicit(&pulse->answered_us, now_us, memory_order_relaxed);
}

/* Has it answered somebody since `within_us` before a call began that failed now? */
static inline bool pulse_is_there(const struct pulse *pulse, uint64_t began_us, uint64_t within_us)
{
    uint64_t answered_us = atomic_load_explicit(&pulse->answered_us, memory_order_relaxed);
    return answered_us > 0 && answered_us + within_us >= began_us;
}

#endif
