/* SPDX-License-Identifier: Apache-2.0 */
/* Timers by the millisecond in a wheel of wheels. A level's slot is 64 times as long as one of the
 * level below, and a timer lies on the level of the highest digit (base 64) in which its time
 * differs from now:
 *
 *   level 0   |.|.|x|.| ...   1 ms a slot      fires
 *   level 1   |.|.|.|x| ...   64 ms a slot     moves down when its slot begins
 *   level 2   |.|x|.|.| ...   4 s a slot       ...
 *
 * So what lies on a level is always earlier than all that lies above, slots are never passed
 * without being emptied, and one bit scan a level finds the next: an idle loop with ten thousand
 * timers of a minute sleeps. */
#include "sidecar/loop/wheel.h"

#include "rules/base/must.h"

enum { SLOT_BITS = 6, PLACE_DUE = WHEEL_LEVELS * WHEEL_SLOTS + 1 };

/* Further away than this nothing is: 139 years. */
static const uint64_t wheel_end_ms = ((uint64_t)1 << (WHEEL_LEVELS * SLOT_BITS)) - 1;

static unsigned level_of(uint64_t now_ms, uint64_t at_ms)
{
    unsigned highest = 63U - (unsigned)__builtin_clzll(now_ms ^ at_ms);
    return highest / SLOT_BITS;
}

static unsigned slot_of(uint64_t ms, unsigned level)
{
    return (unsigned)(ms >> (level * SLOT_BITS)) % WHEEL_SLOTS;
}

void wheel_init(struct wheel *wheel, uint64_t now_us)
{
    wheel->now_ms = now_us / 1000;
    list_init(&wheel->due);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        wheel->taken[level] = 0;
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
    }
}

void wheel_add(struct wheel *wheel, struct timer *timer)
{
    uint64_t at_ms = timer->at_us / 1000 + (timer->at_us % 1000 != 0);
    if (at_ms > wheel_end_ms)
        at_ms = wheel_end_ms;
    if (at_ms <= wheel->now_ms) {
        timer->place = PLACE_DUE;
        list_add(&wheel->due, &timer->link);
        return;
    }
    unsigned level = level_of(wheel->now_ms, at_ms);
    unsigned slot = slot_of(at_ms, level);
    wheel->taken[level] |= (uint64_t)1 << slot;
    timer->place = level * WHEEL_SLOTS + slot + 1;
    list_add(&wheel->slots[level][slot], &timer->link);
}

void wheel_remove(struct wheel *wheel, struct timer *timer)
{
    must(timer->place != 0 && timer->place <= PLACE_DUE);
    list_remove(&timer->link);
    if (timer->place != PLACE_DUE) {
        unsigned level = (timer->place - 1) / WHEEL_SLOTS;
        unsigned slot = (timer->place - 1) % WHEEL_SLOTS;
        if (list_is_empty(&wheel->slots[level][slot]))
            wheel->taken[level] &= ~((uint64_t)1 << slot);
    }
    timer->place = 0;
}

/* The earliest slot that holds something, and when it begins; false: the wheel is empty. */
static bool wheel_first(const struct wheel *wheel, unsigned *level, unsigned *slot, uint64_t *at_ms)
{
    for (unsigned i = 0; i < WHEEL_LEVELS; i++) {
        if (wheel->taken[i] == 0)
            continue;
        *level = i;
        *slot = (unsigned)__builtin_ctzll(wheel->taken[i]);
        unsigned below = i * SLOT_BITS;
        uint64_t above = wheel->now_ms >> (below + SLOT_BITS) << (below + SLOT_BITS);
        *at_ms = above + ((uint64_t)*slot << below);
        return true;
    }
    return false;
}

uint64_t wheel_next_us(const struct wheel *wheel)
{
    unsigned level, slot;
    uint64_t at_ms;
    if (!list_is_empty(&wheel->due))
        return wheel->now_ms * 1000;
    return wheel_first(wheel, &level, &slot, &at_ms) ? at_ms * 1000 : UINT64_MAX;
}

/* Moves what has become due to `due`, slot by slot. */
static void wheel_advance(struct wheel *wheel, uint64_t now_ms)
{
    unsigned level, slot;
    uint64_t at_ms;
    while (wheel_first(wheel, &level, &slot, &at_ms) && at_ms <= now_ms) {
        wheel->now_ms = at_ms;
        struct list *from = &wheel->slots[level][slot];
        while (!list_is_empty(from)) {
            struct timer *timer = list_entry(from->next, struct timer, link);
            wheel_remove(wheel, timer);
            wheel_add(wheel, timer); /* to a lower level, or to `due` */
        }
    }
    if (now_ms > wheel->now_ms)
        wheel->now_ms = now_ms;
}

void wheel_fire(struct wheel *wheel, uint64_t now_us)
{
    wheel_advance(wheel, now_us / 1000);
    struct list *last = &wheel->last; /* those behind it came meanwhile */
    list_add(&wheel->due, last);
    while (wheel->due.next != last) {
        struct timer *timer = list_entry(wheel->due.next, struct timer, link);
        wheel_remove(wheel, timer);
        timer->on_fire(timer);
    }
    list_remove(last);
}
