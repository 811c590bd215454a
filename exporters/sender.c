/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/sender.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>

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
    DISK_WAIT_US = 100 * 1000,
    SERVER_PAUSE_MOST_US = 300 * 1000 * 1000, /* what a receiver may ask for */
};

struct sender {
    pthread_t thread;
    struct sender_source from;
    const struct sender_kind *kind;
    const char *log, *name;
    atomic_bool stop, is_idle;
    _Atomic uint64_t deadline_us;

    pthread_mutex_t lock; /* guards next */
    struct log_settings *next;

    /* the thread's own */
    struct log_settings *settings;
    void *sink;
    struct buf batch, preamble;
    struct feed_batch taken;
    unsigned units, refused; /* of `taken`: in hand yet; refused so far */
    uint64_t pause_us;
    bool told;     /* the present trouble has been said */
    bool is_stuck; /* told to stop, it has tried in vain */
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
    return sender->from.wake;
}

static bool is_over(const struct sender *sender)
{
    return atomic_load(&sender->stop) && clock_monotonic_us() >= atomic_load(&sender->deadline_us);
}

bool sender_look(struct sender *sender)
{
    eventfd_t count;
    eventfd_read(sender->from.wake, &count);
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
    struct pollfd fds[] = {{.fd = sender->from.wake, .events = POLLIN},
                           {.fd = fd, .events = events}};
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

/* In the feed or in hand. */
static uint64_t waiting(const struct sender *s)
{
    struct destination_figures figures;
    queue_figures(s->from.queue, &figures);
    return figures.waiting;
}

/* Of another program, or of another version's, or broken: nobody can read them. */
static bool is_strange(const struct sender *s)
{
    return s->taken.is_spooled && (s->taken.spool.signal != ENTRY_ON_DISK ||
                                   !entries_are_sound(buf_span(&s->batch), s->units));
}

static void refuse_strangers(struct sender *s)
{
    const char *how = s->taken.spool.signal != ENTRY_ON_DISK ? "of another kind" : "broken";
    say("%s.%s: %u %s in the spool are given up", s->log, s->name, s->units, how);
    feed_settle(s->from.feed, &s->taken, s->taken.units, DROP_REJECTED);
    buf_clear(&s->batch);
    s->units = 0;
}

/* What is old goes first, so that the order is kept. */
static bool take(struct sender *s)
{
    enum spool_lane lane =
        feed_waiting(s->from.feed, SPOOL_BACKLOG) > 0 ? SPOOL_BACKLOG : SPOOL_FRESH;
    buf_clear(&s->batch);
    buf_clear(&s->preamble);
    if (!feed_take(s->from.feed, lane, s->kind->full_units, &s->batch, &s->preamble, &s->taken))
        return false;
    s->units = (unsigned)s->taken.units;
    s->refused = 0;
    if (is_strange(s))
        refuse_strangers(s);
    return true;
}

/* Nothing is in hand: waits for something, and for more of it. `is_idle` is set before the queue is
 * looked at for the last time, and who has put looks at `is_idle` afterwards. */
static void gather(struct sender *s)
{
    atomic_store(&s->is_idle, true);
    if (waiting(s) == 0 && !atomic_load(&s->stop))
        sender_wait(s, -1, 0, UINT64_MAX);
    uint64_t until = clock_monotonic_us() + s->kind->gather_us;
    while (waiting(s) > 0 && waiting(s) < s->kind->full_units &&
           queue_bytes(s->from.queue) < s->kind->full_bytes && !atomic_load(&s->stop) &&
           clock_monotonic_us() < until)
        sender_wait(s, -1, 0, until);
    atomic_store(&s->is_idle, false);
    if (!take(s) && waiting(s) > 0) /* the disk is asked, and tells */
        sender_wait(s, -1, 0, clock_monotonic_us() + DISK_WAIT_US);
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

/* What came from memory is a number and no more: it is settled in parts. */
static void count(struct sender *s, const struct delivery *delivery)
{
    struct feed_batch part = s->taken;
    s->refused += delivery->refused;
    if (s->taken.is_spooled) {
        if (s->units == 0)
            feed_settle(s->from.feed, &s->taken, s->refused, DROP_REJECTED);
        return;
    }
    part.units = delivery->sent + delivery->refused;
    feed_settle(s->from.feed, &part, delivery->refused, DROP_REJECTED);
    s->taken.units -= part.units;
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

/* Told to stop, and there is nothing left, or what is left is safe and nobody takes it. */
static bool is_done(struct sender *s)
{
    if (!atomic_load(&s->stop))
        return false;
    return waiting(s) == 0 || (s->is_stuck && feed_is_on_disk(s->from.feed));
}

static void deliver(struct sender *s)
{
    struct delivery delivery = {0};
    bool was_told = atomic_load(&s->stop);
    feed_rest(s->from.feed, &s->taken, false);
    s->kind->deliver(s->sink, s, buf_span(&s->batch), &delivery);
    must(delivery.sent + delivery.refused <= s->units);
    feed_resent(s->from.feed, &(struct feed_batch){.units = delivery.resent});
    settle(s, delivery.sent + delivery.refused);
    count(s, &delivery);
    if (delivery.sent > 0) {
        if (s->told)
            say("%s.%s: goes on", s->log, s->name);
        s->told = false;
        s->pause_us = 0;
    }
    if (delivery.again && delivery.is_unsent && s->units == s->taken.units)
        feed_rest(s->from.feed, &s->taken, true);
    s->is_stuck = was_told && delivery.again;
    if (delivery.again && !is_done(s))
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
        if (is_done(s))
            break;
    }
    s->kind->end(s->sink);
    return NULL;
}

static void sender_free(struct sender *s)
{
    pthread_mutex_destroy(&s->lock);
    buf_fini(&s->batch);
    buf_fini(&s->preamble);
    log_settings_free(s->next);
    log_settings_free(s->settings);
    free(s);
}

struct sender *sender_new(const struct sender_source *source, enum log_sink sink, const char *log,
                          const struct log_settings *settings)
{
    struct sender *s = must_alloc(sizeof *s);
    must(pthread_mutex_init(&s->lock, NULL) == 0);
    s->from = *source;
    s->kind = sender_kind(sink);
    s->log = log;
    s->name = sink_name(sink);
    s->settings = log_settings_copy(settings);
    buf_init(&s->batch, QUEUE_LARGEST_BYTES);
    buf_init(&s->preamble, FRAME_PREAMBLE_BYTES);
    if (thread_start(&s->thread, sender_run, s))
        return s;
    sender_free(s);
    return NULL;
}

void sender_wake(struct sender *s)
{
    if (queue_units(s->from.queue) > 0)
        feed_wake(s->from.feed);
    if (atomic_load(&s->is_idle) && waiting(s) > 0) /* the disk's thread may have it already */
        eventfd_write(s->from.wake, 1);
}

void sender_change(struct sender *s, const struct log_settings *settings)
{
    pthread_mutex_lock(&s->lock);
    log_settings_free(s->next);
    s->next = log_settings_copy(settings);
    pthread_mutex_unlock(&s->lock);
    eventfd_write(s->from.wake, 1);
}

/* All of what came from a spool goes back there, with what of it was sent already. */
static void give_back(struct sender *s)
{
    uint64_t sent = s->taken.is_spooled ? s->taken.units - s->units - s->refused : 0;
    feed_resent(s->from.feed, &(struct feed_batch){.units = sent});
    feed_return(s->from.feed, &s->taken);
}

bool sender_stop(struct sender *s, uint64_t deadline_us)
{
    atomic_store(&s->deadline_us, deadline_us);
    atomic_store(&s->stop, true);
    eventfd_write(s->from.wake, 1);
    if (!thread_join(s->thread, deadline_us))
        return false;
    if (s->units > 0)
        give_back(s);
    sender_free(s);
    return true;
}
