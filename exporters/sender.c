/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/sender.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "exporters/cloudwatch_logs.h"
#include "exporters/firehose.h"
#include "exporters/say.h"
#include "exporters/syslog.h"
#include "exporters/thread.h"
#include "rules/base/must.h"

enum {
    FIRST_PAUSE_US = 100 * 1000,
    LONGEST_PAUSE_US = 5 * 1000 * 1000,
    SERVER_PAUSE_MOST_US = 300 * 1000 * 1000, /* what a receiver may ask for */
};

struct sender {
    pthread_t thread;
    struct queue *queue;
    const struct sender_kind *kind;
    const char *log, *name;
    int wake; /* eventfd */
    atomic_bool stop, is_idle;
    _Atomic uint64_t deadline_us;

    pthread_mutex_t lock; /* guards next */
    struct log_settings *next;

    /* the thread's own */
    struct log_settings *settings;
    void *sink;
    struct buf batch;
    unsigned units;
    uint64_t pause_us;
    bool told; /* the present trouble has been said */
};

const struct sender_kind *sender_kind(enum log_sink sink)
{
    static const struct sender_kind *const kinds[SINKS] = {
        [SINK_SYSLOG] = &syslog_kind,
        [SINK_CLOUDWATCH_LOGS] = &cloudwatch_logs_kind,
        [SINK_FIREHOSE] = &firehose_kind,
    };
    must((unsigned)sink < SINKS && kinds[sink] != NULL);
    return kinds[sink];
}

int sender_fd(const struct sender *sender)
{
    return sender->wake;
}

static bool is_over(const struct sender *sender)
{
    return atomic_load(&sender->stop) && clock_monotonic_us() >= atomic_load(&sender->deadline_us);
}

bool sender_look(struct sender *sender)
{
    eventfd_t count;
    eventfd_read(sender->wake, &count);
    return is_over(sender);
}

uint64_t sender_time(const struct sender *sender, uint64_t most_us)
{
    uint64_t now = clock_monotonic_us(), deadline = atomic_load(&sender->deadline_us);
    if (!atomic_load(&sender->stop) || deadline >= now + most_us)
        return most_us;
    return deadline > now ? deadline - now : 0;
}

bool sender_wait(struct sender *sender, int fd, short events, uint64_t until_us)
{
    uint64_t now = clock_monotonic_us();
    if (atomic_load(&sender->stop) && atomic_load(&sender->deadline_us) < until_us)
        until_us = atomic_load(&sender->deadline_us);
    struct pollfd fds[] = {{.fd = sender->wake, .events = POLLIN}, {.fd = fd, .events = events}};
    if (poll(fds, 2, until_us == UINT64_MAX ? -1 : clock_poll_ms(until_us, now)) <= 0)
        return false;
    if (fds[0].revents != 0)
        sender_look(sender);
    return fds[1].revents != 0;
}

static void follow_orders(struct sender *s)
{
    pthread_mutex_lock(&s->lock);
    struct log_settings *next = s->next;
    s->next = NULL;
    pthread_mutex_unlock(&s->lock);
    if (next == NULL)
        return;
    s->kind->end(s->sink);
    log_settings_free(s->settings);
    s->settings = next;
    s->sink = s->kind->begin(next, s->log);
    s->pause_us = 0;
}

/* Nothing is in hand: waits for something, and for more of it. `is_idle` is set before the queue is
 * looked at for the last time, and who has put looks at `is_idle` afterwards. */
static void gather(struct sender *s)
{
    atomic_store(&s->is_idle, true);
    if (queue_units(s->queue) == 0 && !atomic_load(&s->stop))
        sender_wait(s, -1, 0, UINT64_MAX);
    uint64_t until = clock_monotonic_us() + s->kind->gather_us;
    while (queue_units(s->queue) > 0 && queue_units(s->queue) < s->kind->full_units &&
           queue_bytes(s->queue) < s->kind->full_bytes && !atomic_load(&s->stop) &&
           clock_monotonic_us() < until)
        sender_wait(s, -1, 0, until);
    atomic_store(&s->is_idle, false);
    s->units = queue_take(s->queue, &s->batch, s->kind->full_units);
}

/* Takes so many entries off the front of the batch. */
static void settle(struct sender *s, unsigned entries)
{
    struct span rest = buf_span(&s->batch);
    struct entry entry;
    for (unsigned i = 0; i < entries; i++)
        must(entry_next(&rest, &entry));
    buf_drop(&s->batch, s->batch.len - rest.len);
    s->units -= entries;
}

static void pause_after(struct sender *s, const struct delivery *delivery)
{
    if (!s->told)
        say("%s.%s: %s; trying again", s->log, s->name, delivery->why);
    s->told = true;
    s->pause_us = s->pause_us == 0 ? FIRST_PAUSE_US : s->pause_us * 2;
    if (s->pause_us > LONGEST_PAUSE_US)
        s->pause_us = LONGEST_PAUSE_US;
    uint64_t asked =
        delivery->pause_us < SERVER_PAUSE_MOST_US ? delivery->pause_us : SERVER_PAUSE_MOST_US;
    uint64_t until = clock_monotonic_us() + (asked > s->pause_us ? asked : s->pause_us);
    bool was_told = atomic_load(&s->stop);
    /* who is told to stop tries once more at once */
    while (clock_monotonic_us() < until && !is_over(s) && was_told == atomic_load(&s->stop))
        sender_wait(s, -1, 0, until);
}

static void tell_refused(struct sender *s, const struct delivery *delivery)
{
    if (!s->told)
        say("%s.%s: %u refused: %s", s->log, s->name, delivery->refused, delivery->why);
    s->told = true;
}

static void deliver(struct sender *s)
{
    struct delivery delivery = {0};
    s->kind->deliver(s->sink, s, buf_span(&s->batch), &delivery);
    must(delivery.sent + delivery.refused <= s->units);
    queue_sent(s->queue, delivery.sent);
    queue_dropped(s->queue, delivery.refused, DROP_REJECTED);
    queue_resent(s->queue, delivery.resent);
    settle(s, delivery.sent + delivery.refused);
    if (delivery.sent > 0) {
        if (s->told)
            say("%s.%s: goes on", s->log, s->name);
        s->told = false;
        s->pause_us = 0;
    }
    if (delivery.again)
        pause_after(s, &delivery);
    else if (delivery.refused > 0)
        tell_refused(s, &delivery);
}

static void *sender_run(void *context)
{
    struct sender *s = context;
    s->sink = s->kind->begin(s->settings, s->log);
    while (!is_over(s)) {
        follow_orders(s);
        if (s->units > 0)
            deliver(s);
        else
            gather(s);
        if (s->units == 0 && atomic_load(&s->stop) && queue_units(s->queue) == 0)
            break;
    }
    s->kind->end(s->sink);
    return NULL;
}

static void sender_free(struct sender *s)
{
    if (s->wake >= 0)
        close(s->wake);
    pthread_mutex_destroy(&s->lock);
    buf_fini(&s->batch);
    log_settings_free(s->next);
    log_settings_free(s->settings);
    free(s);
}

struct sender *sender_new(struct queue *queue, enum log_sink sink, const char *log,
                          const struct log_settings *settings)
{
    struct sender *s = must_alloc(sizeof *s);
    must(pthread_mutex_init(&s->lock, NULL) == 0);
    s->queue = queue;
    s->kind = sender_kind(sink);
    s->log = log;
    s->name = sink_name(sink);
    s->settings = log_settings_copy(settings);
    buf_init(&s->batch, QUEUE_LARGEST_BYTES);
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->wake >= 0 && thread_start(&s->thread, sender_run, s))
        return s;
    sender_free(s);
    return NULL;
}

void sender_wake(struct sender *s)
{
    if (atomic_load(&s->is_idle))
        eventfd_write(s->wake, 1);
}

void sender_change(struct sender *s, const struct log_settings *settings)
{
    pthread_mutex_lock(&s->lock);
    log_settings_free(s->next);
    s->next = log_settings_copy(settings);
    pthread_mutex_unlock(&s->lock);
    eventfd_write(s->wake, 1);
}

bool sender_stop(struct sender *s, uint64_t deadline_us)
{
    atomic_store(&s->deadline_us, deadline_us);
    atomic_store(&s->stop, true);
    eventfd_write(s->wake, 1);
    if (!thread_join(s->thread, deadline_us))
        return false;
    queue_dropped(s->queue, s->units, DROP_SHUTDOWN);
    queue_abandon(s->queue, DROP_SHUTDOWN);
    sender_free(s);
    return true;
}
