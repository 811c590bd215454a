/* SPDX-License-Identifier: Apache-2.0 */
/* One thread's events: descriptors (epoll), timers, tasks for the end of the turn, and mail from
 * other threads. Callbacks only wake somebody; they run one after another on the loop's thread and
 * never inside each other. */
#ifndef SIDEGATE_SIDECAR_LOOP_LOOP_H
#define SIDEGATE_SIDECAR_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/list.h"

struct loop;

/* Time, handed in: tests turn it by hand. */
struct clock {
    uint64_t (*monotonic_us)(void *context);
    uint64_t (*wall_us)(void *context); /* since 1970 */
    void *context;
};
const struct clock *clock_system(void);

/* `clock` is borrowed; NULL: the system's. NULL where the kernel gives no epoll. */
struct loop *loop_new(const struct clock *clock);
void loop_free(struct loop *loop);

/* Turns until loop_stop() has been called (from a callback; other threads send mail). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* One turn: waits at most `wait_us` for something (or the next timer, or not at all where tasks are
 * due), then runs what is ready: descriptors, mail, due timers, tasks. With a clock of one's own it
 * never waits. */
void loop_turn(struct loop *loop, uint64_t wait_us);

/* The time as of the beginning of the turn: one look per turn. */
uint64_t loop_now_us(const struct loop *loop);
uint64_t loop_wall_us(const struct loop *loop);
/* The time now, for measuring inside a turn. */
uint64_t loop_clock_us(const struct loop *loop);
/* How late the latest turn came: from the moment it was due to its beginning
 * (sidegate_loop_delay_seconds). */
uint64_t loop_delay_us(const struct loop *loop);

enum { WATCH_READ = 1, WATCH_WRITE = 2, WATCH_HANGUP = 4 }; /* HANGUP is always reported */

struct watch { /* embedded by its owner; lives until watch_remove */
    int fd;
    unsigned events;
    void (*on_ready)(struct watch *watch, unsigned events);
    struct loop *loop; /* NULL: not added */
};
bool watch_add(struct loop *loop, struct watch *watch, int fd, unsigned events,
               void (*on_ready)(struct watch *, unsigned));
void watch_change(struct watch *watch, unsigned events); /* cheap where nothing changes */
/* Safe inside any callback: events of this turn that were still waiting for it are dropped. */
void watch_remove(struct watch *watch);

struct timer { /* embedded by its owner */
    struct list link;
    uint64_t at_us;
    void (*on_fire)(struct timer *timer);
    struct loop *loop;
    unsigned place; /* of the wheel; 0: not armed */
};
void timer_init(struct timer *timer, struct loop *loop, void (*on_fire)(struct timer *));
/* Fires once, at or up to a millisecond after; armed already: moved. Cheap (a wheel): every request
 * arms several. */
void timer_arm(struct timer *timer, uint64_t at_us);
void timer_disarm(struct timer *timer); /* not armed: nothing */
static inline bool timer_is_armed(const struct timer *timer)
{
    return timer->place != 0;
}

struct task { /* embedded by its owner */
    struct list link;
    void (*run)(struct task *task);
};
void task_init(struct task *task, void (*run)(struct task *));
/* At the end of this turn, once, in order; posted already: nothing. A task posted by a task runs in
 * the next round of the same turn, but after at most 64 rounds descriptors get their turn. */
void loop_post(struct loop *loop, struct task *task);
void task_cancel(struct task *task);

/* Mail: the one way in from other threads. */
struct mail { /* owned by the sender until it is delivered */
    struct mail *next;
    void (*deliver)(struct mail *mail); /* on the loop's thread */
};
/* Any thread. Never blocks; order is kept per sender. */
void loop_send(struct loop *loop, struct mail *mail);

#endif
