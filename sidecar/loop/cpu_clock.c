/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/loop/cpu_clock.h"

#include <time.h>

#include "rules/base/must.h"

enum { READ_EVERY_US = 1000 };

static uint64_t kernel_ns(void *context)
{
    (void)context;
    struct timespec used;
    must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

void cpu_clock_init(struct cpu_clock *clock, uint64_t (*thread_ns)(void *context), void *context)
{
    *clock = (struct cpu_clock){
        .thread_ns = thread_ns != NULL ? thread_ns : kernel_ns,
        .context = context,
    };
}

uint64_t cpu_clock_ns(struct cpu_clock *clock, uint64_t now_us)
{
    if (now_us - clock->read_at_us >= READ_EVERY_US) {
        clock->read_ns = clock->thread_ns(clock->context);
        clock->read_at_us = now_us;
    }
    uint64_t ns = clock->read_ns + (now_us - clock->read_at_us) * 1000;
    if (ns > clock->last_ns)
        clock->last_ns = ns;
    return clock->last_ns;
}
