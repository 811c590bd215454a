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

/* Since 1970. */
static inline uint64_t clock_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
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

/* CLOCK_REALTIME, as pthread_timedjoin_np wants it, of a moment of the monotonic clock. */
static inline struct timespec clock_real_time_of(uint64_t monotonic_us)
{
    struct timespec real;
    uint64_t now = clock_monotonic_us();
    clock_gettime(CLOCK_REALTIME, &real);
    uint64_t ahead = (monotonic_us > now ? monotonic_us - now : 0) + (uint64_t)real.tv_nsec / 1000;
    real.tv_sec += (time_t)(ahead / 1000000);
    real.tv_nsec = (long)(ahead % 1000000) * 1000;
    return real;
}

#endif
