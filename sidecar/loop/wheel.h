/* SPDX-License-Identifier: Apache-2.0 */
/* The timer wheel of a loop. Private to sidecar/loop. */
#ifndef SIDEGATE_SIDECAR_LOOP_WHEEL_H
#define SIDEGATE_SIDECAR_LOOP_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "sidecar/loop/loop.h"

enum { WHEEL_LEVELS = 7, WHEEL_SLOTS = 64 };

struct wheel {
    uint64_t now_ms; /* every timer up to here has been moved to `due` */
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
    uint64_t taken[WHEEL_LEVELS]; /* a bit for each slot that is not empty */
    struct list due;
    struct list last; /* a mark in `due` while timers fire */
};

void wheel_init(struct wheel *wheel, uint64_t now_us);
void wheel_add(struct wheel *wheel, struct timer *timer);    /* by its at_us; must not be armed */
void wheel_remove(struct wheel *wheel, struct timer *timer); /* must be armed */
/* When to look again; UINT64_MAX: no timer. May be too early, never too late. */
uint64_t wheel_next_us(const struct wheel *wheel);
/* Fires all that are due; a timer that is armed meanwhile waits for the next call. */
void wheel_fire(struct wheel *wheel, uint64_t now_us);

#endif
