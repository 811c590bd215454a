/* SPDX-License-Identifier: Apache-2.0 */
/* The system's clocks, for everybody who is not a test. */
#include <time.h>

#include "rules/base/must.h"
#include "sidecar/loop/loop.h"

static uint64_t read_us(clockid_t which)
{
    struct timespec now;
    must(clock_gettime(which, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t system_monotonic_us(void *context)
{
    (void)context;
    return read_us(CLOCK_MONOTONIC);
}

static uint64_t system_wall_us(void *context)
{
    (void)context;
    return read_us(CLOCK_REALTIME);
}

const struct clock *clock_system(void)
{
    static const struct clock system = {
        .monotonic_us = system_monotonic_us,
        .wall_us = system_wall_us,
    };
    return &system;
}
