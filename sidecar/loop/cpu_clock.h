/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's CPU time, cheap enough to be asked for all the time. The kernel's answer costs half a
 * microsecond, so it is read once a millisecond at the most; in between the steady clock goes on. A
 * thread that had to wait for its CPU is so charged for a millisecond of the wait at the most.
 * Where a host stops a whole machine and does not say so, its kernel has the time as the thread's,
 * and so have we. */
#ifndef SIDEGATE_SIDECAR_LOOP_CPU_CLOCK_H
#define SIDEGATE_SIDECAR_LOOP_CPU_CLOCK_H

#include <stdint.h>

struct cpu_clock {
    uint64_t (*thread_ns)(void *context); /* the kernel's answer */
    void *context;
    uint64_t read_at_us, read_ns; /* when it was asked last, and what it said */
    uint64_t last_ns;
};

/* The calling thread's clock; tests hand in a `thread_ns` of their own, others NULL. */
void cpu_clock_init(struct cpu_clock *clock, uint64_t (*thread_ns)(void *context), void *context);
/* `now_us` is the steady clock. Never goes back. To be asked by the clock's own thread. */
uint64_t cpu_clock_ns(struct cpu_clock *clock, uint64_t now_us);

#endif
