/* SPDX-License-Identifier: Apache-2.0 */
/* The monotonic clock of the exporter's threads. */
#ifndef SIDEGATE_EXPORTERS_CLOCK_H
#define SIDEGATE_EXPORTERS_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* For poll(): until `deadline_us`, rounded up, within an int. */
static inline int clock_poll_ms(uint64_t deadline_us, uint64_t now_us)
{
    if (deadline_us <= now_us)
        return 0;
    uint64_t ms = (deadline_us - now_us + 999) / 1000;
    return ms < 60000 ? (int)ms : 60000;
}

#endif
