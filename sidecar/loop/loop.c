/* SPDX-License-Identifier: Apache-2.0 */
/* The loop itself: descriptors, tasks, and the order of a turn. */
#include "sidecar/loop/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/loop/mailbox.h"
#include "sidecar/loop/wheel.h"

enum { EVENTS_A_TURN = 256, TASK_ROUNDS = 64, READY_AT_ONCE_US = 20 };

struct loop {
    const struct clock *clock;
    bool own_clock; /* a test's: never wait */
    bool stopped;
    int epoll;
    uint64_t now_us, wall_us, delay_us;
    struct wheel wheel;
    struct mailbox box;
    struct watch bell; /* of the mailbox */
    bool rung;
    struct list tasks;
    struct list last_task;                   /* a mark in `tasks` while they run */
    struct epoll_event ready[EVENTS_A_TURN]; /* of this turn; data.ptr NULL: dropped */
    int ready_count, ready_at;
};

static void on_bell(struct watch *watch, unsigned events)
{
    (void)events;
    watch->loop->rung = true; /* mail has its place in the turn: after the descriptors */
}

struct loop *loop_new(const struct clock *clock)
{
    struct loop *loop = must_alloc(sizeof *loop);
    loop->clock = clock != NULL ? clock : clock_system();
    loop->own_clock = loop->clock != clock_system();
    loop->now_us = loop_clock_us(loop);
    loop->wall_us = loop->clock->wall_us(loop->clock->context);
    wheel_init(&loop->wheel, loop->now_us);
    list_init(&loop->tasks);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        goto no_epoll;
    if (!mailbox_open(&loop->box))
        goto no_mailbox;
    if (!watch_add(loop, &loop->bell, loop->box.fd, WATCH_READ, on_bell))
        goto no_bell;
    return loop;

no_bell:
    mailbox_close(&loop->box);
no_mailbox:
    close(loop->epoll);
no_epoll:
    free(loop);
    return NULL;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    watch_remove(&loop->bell);
    mailbox_close(&loop->box);
    close(loop->epoll);
    free(loop);
}

uint64_t loop_now_us(const struct loop *loop)
{
    return loop->now_us;
}

uint64_t loop_wall_us(const struct loop *loop)
{
    return loop->wall_us;
}

uint64_t loop_clock_us(const struct loop *loop)
{
    return loop->clock->monotonic_us(loop->clock->context);
}

uint64_t loop_delay_us(const struct loop *loop)
{
    return loop->delay_us;
}

void loop_send(struct loop *loop, struct mail *mail)
{
    mailbox_put(&loop->box, mail);
}

/* ---- descriptors ---- */

static bool watch_control(struct watch *watch, int operation)
{
    struct epoll_event event = {
        .events = (watch->events & WATCH_READ ? EPOLLIN : 0U) |
                  (watch->events & WATCH_WRITE ? EPOLLOUT : 0U),
        .data.ptr = watch,
    };
    return epoll_ctl(watch->loop->epoll, operation, watch->fd, &event) == 0;
}

bool watch_add(struct loop *loop, struct watch *watch, int fd, unsigned events,
               void (*on_ready)(struct watch *, unsigned))
{
    *watch = (struct watch){
        .fd = fd, .events = events & ~(unsigned)WATCH_HANGUP, .on_ready = on_ready, .loop = loop};
    if (watch_control(watch, EPOLL_CTL_ADD))
        return true;
    watch->loop = NULL;
    return false;
}

void watch_change(struct watch *watch, unsigned events)
{
    must(watch->loop != NULL);
    events &= ~(unsigned)WATCH_HANGUP;
    if (events == watch->events)
        return;
    watch->events = events;
    must(watch_control(watch, EPOLL_CTL_MOD));
}

void watch_remove(struct watch *watch)
{
    struct loop *loop = watch->loop;
    if (loop == NULL)
        return;
    must(watch_control(watch, EPOLL_CTL_DEL));
    for (int i = loop->ready_at; i < loop->ready_count; i++)
        if (loop->ready[i].data.ptr == watch)
            loop->ready[i].data.ptr = NULL;
    watch->loop = NULL;
}

static void run_descriptors(struct loop *loop)
{
    while (loop->ready_at < loop->ready_count) {
        const struct epoll_event *event = &loop->ready[loop->ready_at++];
        struct watch *watch = event->data.ptr;
        if (watch == NULL)
            continue;
        unsigned events = (event->events & EPOLLIN ? WATCH_READ : 0U) |
                          (event->events & EPOLLOUT ? WATCH_WRITE : 0U) |
                          (event->events & (EPOLLHUP | EPOLLERR) ? WATCH_HANGUP : 0U);
        watch->on_ready(watch, events);
    }
}

/* ---- timers ---- */

void timer_init(struct timer *timer, struct loop *loop, void (*on_fire)(struct timer *))
{
    *timer = (struct timer){.loop = loop, .on_fire = on_fire};
    list_init(&timer->link);
}

void timer_arm(struct timer *timer, uint64_t at_us)
{
    if (timer_is_armed(timer))
        wheel_remove(&timer->loop->wheel, timer);
    timer->at_us = at_us;
    wheel_add(&timer->loop->wheel, timer);
}

void timer_disarm(struct timer *timer)
{
    if (timer_is_armed(timer))
        wheel_remove(&timer->loop->wheel, timer);
}

/* ---- tasks ---- */

void task_init(struct task *task, void (*run)(struct task *))
{
    list_init(&task->link);
    task->run = run;
}

void loop_post(struct loop *loop, struct task *task)
{
    if (!list_is_linked(&task->link))
        list_add(&loop->tasks, &task->link);
}

void task_cancel(struct task *task)
{
    if (list_is_linked(&task->link))
        list_remove(&task->link);
}

/* Each round runs what stood in the list when it began: `last_task` marks that place. */
static void run_tasks(struct loop *loop)
{
    struct list *last = &loop->last_task;
    for (int round = 0; round < TASK_ROUNDS && !list_is_empty(&loop->tasks); round++) {
        list_add(&loop->tasks, last);
        while (loop->tasks.next != last) {
            struct task *task = list_entry(loop->tasks.next, struct task, link);
            list_remove(&task->link);
            task->run(task);
        }
        list_remove(last);
    }
}

/* ---- the turn ---- */

/* How long epoll may sleep, in its milliseconds: rounded up, for a timer must not be woken for in
 * vain. */
static int sleep_ms(uint64_t wait_us)
{
    uint64_t ms = wait_us / 1000 + (wait_us % 1000 != 0);
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* How late it is: by the timer that was due, or, where events lay there when we asked for them,
 * since the beginning of the turn before (they may have come right after it). */
static uint64_t delay_of(const struct loop *loop, uint64_t before_us, uint64_t asked_us,
                         uint64_t due_us)
{
    uint64_t timer_us = loop->now_us > due_us ? loop->now_us - due_us : 0;
    bool lay_there = loop->ready_count > 0 && loop->now_us - asked_us < READY_AT_ONCE_US;
    uint64_t events_us = lay_there ? asked_us - before_us : 0;
    return timer_us > events_us ? timer_us : events_us;
}

static void wait_for_events(struct loop *loop, uint64_t wait_us)
{
    uint64_t asked_us = loop_clock_us(loop);
    uint64_t due_us = wheel_next_us(&loop->wheel);
    uint64_t until_due_us = due_us > asked_us ? due_us - asked_us : 0;
    if (until_due_us < wait_us)
        wait_us = until_due_us;
    if (loop->own_clock || !list_is_empty(&loop->tasks))
        wait_us = 0;
    int count = epoll_wait(loop->epoll, loop->ready, EVENTS_A_TURN, sleep_ms(wait_us));
    must(count >= 0 || errno == EINTR);
    loop->ready_count = count > 0 ? count : 0;
    loop->ready_at = 0;
    uint64_t before_us = loop->now_us;
    loop->now_us = loop_clock_us(loop);
    loop->wall_us = loop->clock->wall_us(loop->clock->context);
    loop->delay_us = delay_of(loop, before_us, asked_us, due_us);
}

void loop_turn(struct loop *loop, uint64_t wait_us)
{
    wait_for_events(loop, wait_us);
    run_descriptors(loop);
    if (loop->rung) {
        loop->rung = false;
        mailbox_deliver(&loop->box);
    }
    wheel_fire(&loop->wheel, loop->now_us);
    run_tasks(loop);
}

void loop_run(struct loop *loop)
{
    while (!loop->stopped)
        loop_turn(loop, UINT64_MAX);
    loop->stopped = false;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}
