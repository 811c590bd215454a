/* SPDX-License-Identifier: Apache-2.0 */
/* The sender's side of a feed: nothing here waits for a disk. */
#include "exporters/feed.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "exporters/feed_inside.h"
#include "exporters/say.h"
#include "rules/base/must.h"

enum {
    STOP_GRACE_US = 2000 * 1000, /* beyond the deadline: what is queued is worth some patience */
    ITEMS_BYTES = 1024 * 1024,
};

struct feed *feed_new(struct queue *queue, int tell, const char *name, struct feed_kind kind)
{
    struct feed *feed = must_alloc(sizeof *feed);
    feed->name = must_strdup(name);
    feed->kind = kind;
    must(pthread_mutex_init(&feed->lock, NULL) == 0);
    feed->queue = queue;
    feed->tell = tell >= 0 ? fcntl(tell, F_DUPFD_CLOEXEC, 3) : -1;
    feed->wake = -1;
    feed->hand = UINT64_MAX;
    buf_init(&feed->preamble, FRAME_PREAMBLE_BYTES);
    buf_init(&feed->item, QUEUE_LARGEST_BYTES);
    for (size_t i = 0; i < FEED_LANES; i++) {
        buf_init(&feed->lanes[i].items, ITEMS_BYTES);
        buf_init(&feed->lanes[i].preamble, FRAME_PREAMBLE_BYTES);
    }
    return feed;
}

static void feed_free(struct feed *feed)
{
    if (feed->tell >= 0)
        close(feed->tell);
    if (feed->wake >= 0)
        close(feed->wake);
    for (size_t i = 0; i < FEED_LANES; i++) {
        buf_fini(&feed->lanes[i].items);
        buf_fini(&feed->lanes[i].preamble);
    }
    buf_fini(&feed->preamble);
    buf_fini(&feed->item);
    pthread_mutex_destroy(&feed->lock);
    free(feed->path);
    free(feed->spool_path);
    free(feed->name);
    free(feed);
}

/* The thread hears no signal of the process. */
static bool thread_start(struct feed *feed)
{
    sigset_t all, before;
    feed->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (feed->wake < 0)
        return false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&feed->thread, NULL, feed_disk_run, feed) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void feed_wake(struct feed *feed)
{
    if (feed->running)
        eventfd_write(feed->wake, 1);
}

static bool is_same_path(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void feed_use(struct feed *feed, const struct feed_spool *settings)
{
    pthread_mutex_lock(&feed->lock);
    if (!is_same_path(feed->path, settings->path)) {
        free(feed->path);
        feed->path = settings->path != NULL ? must_strdup(settings->path) : NULL;
        feed->tried = false;
    }
    feed->settings = settings->spool;
    feed->ring = settings->ring;
    feed->changed = true;
    bool wanted = feed->path != NULL;
    pthread_mutex_unlock(&feed->lock);
    if (wanted && !feed->running) {
        feed->running = thread_start(feed);
        if (!feed->running) {
            feed->tried = true;
            say("%s: the spool's thread cannot be started, %s wait in memory", feed->name,
                feed->kind.units);
        }
    }
    feed_wake(feed);
}

void feed_preamble(struct feed *feed, struct span preamble)
{
    pthread_mutex_lock(&feed->lock);
    buf_clear(&feed->preamble);
    buf_add(&feed->preamble, preamble);
    feed->changed = true;
    pthread_mutex_unlock(&feed->lock);
    feed_wake(feed);
}

enum feed_end feed_stop(struct feed *feed, uint64_t deadline_us)
{
    if (feed == NULL)
        return FEED_ENDED;
    if (feed->running) {
        pthread_mutex_lock(&feed->lock);
        feed->stop = true;
        pthread_mutex_unlock(&feed->lock);
        feed_wake(feed);
        uint64_t now = clock_monotonic_us();
        struct timespec until =
            clock_real_time_of((deadline_us > now ? deadline_us : now) + STOP_GRACE_US);
        if (pthread_timedjoin_np(feed->thread, NULL, &until) != 0) {
            pthread_detach(feed->thread);
            return FEED_HANGS;
        }
    }
    queue_abandon(feed->queue, DROP_SHUTDOWN);
    bool waits = feed->figures.spool.waiting > 0;
    feed_free(feed);
    return waits ? FEED_WAITS : FEED_ENDED;
}

static bool is_on_disk(const struct feed *feed)
{
    return feed->path != NULL && (!feed->tried || (feed->is_open && feed->writes));
}

bool feed_is_on_disk(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool is = is_on_disk(feed);
    pthread_mutex_unlock(&feed->lock);
    return is;
}

uint64_t feed_safe(struct feed *feed)
{
    uint64_t safe;
    pthread_mutex_lock(&feed->lock);
    if (!is_on_disk(feed))
        safe = queue_put_count(feed->queue);
    else
        safe = feed->hand != UINT64_MAX ? feed->hand : queue_oldest(feed->queue);
    pthread_mutex_unlock(&feed->lock);
    return safe;
}

bool feed_is_settled(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool is = feed->hand == UINT64_MAX && (!is_on_disk(feed) || queue_units(feed->queue) == 0);
    pthread_mutex_unlock(&feed->lock);
    return is;
}

/* ---- taking ---- */

uint64_t feed_waiting(struct feed *feed, enum spool_lane which)
{
    pthread_mutex_lock(&feed->lock);
    const struct feed_lane *lane = &feed->lanes[which];
    uint64_t waiting = lane->state == FEED_READY ? lane->batch.units : 0;
    if (feed->is_open)
        waiting += feed->figures.spool.ready[which];
    if (which == SPOOL_FRESH)
        waiting += queue_units(feed->queue);
    pthread_mutex_unlock(&feed->lock);
    return waiting;
}

/* What is fresh and lies in no spool that it could be taken from. */
static bool take_queued(struct feed *feed, unsigned most, struct buf *items,
                        struct feed_batch *batch)
{
    *batch = (struct feed_batch){.units = queue_take(feed->queue, items, most)};
    return batch->units > 0;
}

bool feed_take(struct feed *feed, enum spool_lane which, unsigned most, struct buf *items,
               struct buf *preamble, struct feed_batch *batch)
{
    struct feed_lane *lane = &feed->lanes[which];
    bool taken = false, is_news = false;
    pthread_mutex_lock(&feed->lock);
    bool direct = which == SPOOL_FRESH && !is_on_disk(feed) &&
                  (!feed->is_open || feed->figures.spool.ready[which] == 0);
    if (lane->state == FEED_READY) {
        buf_add(items, buf_span(&lane->items));
        buf_add(preamble, buf_span(&lane->preamble));
        *batch = lane->batch;
        lane->state = FEED_NOTHING;
        taken = true;
        is_news = feed->resting_count > 0; /* it rested with them: tell_resting() */
    } else if (direct && lane->state == FEED_NOTHING) {
        taken = take_queued(feed, most, items, batch);
    } else if (lane->state == FEED_NOTHING && feed->running) {
        lane->state = FEED_ASKED;
        lane->most = most;
        is_news = true;
    }
    pthread_mutex_unlock(&feed->lock);
    if (is_news)
        feed_wake(feed);
    return taken;
}

bool feed_is_direct(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool is = feed->path == NULL && !feed->is_open && queue_units(feed->queue) == 0;
    pthread_mutex_unlock(&feed->lock);
    return is;
}

void feed_pass(struct feed *feed, struct feed_batch *batch, uint64_t units)
{
    queue_pass(feed->queue, units);
    batch->units += units;
}

void feed_queue(struct feed *feed, struct span item, unsigned units)
{
    queue_requeue(feed->queue, item, units);
}

/* Under the lock; whether that is new. */
static bool set_resting(struct feed *feed, const struct feed_batch *batch, bool rests)
{
    uint64_t sequence = batch->spool.range.from.sequence;
    size_t i = 0;
    if (batch->epoch != feed->epoch)
        return false;
    while (i < feed->resting_count && feed->resting[i] != sequence)
        i++;
    if (rests == (i < feed->resting_count) || i == SPOOL_BATCHES)
        return false;
    if (rests)
        feed->resting[feed->resting_count++] = sequence;
    else
        feed->resting[i] = feed->resting[--feed->resting_count];
    return true;
}

void feed_rest(struct feed *feed, const struct feed_batch *batch, bool rests)
{
    if (!batch->is_spooled)
        return;
    pthread_mutex_lock(&feed->lock);
    bool is_new = set_resting(feed, batch, rests);
    pthread_mutex_unlock(&feed->lock);
    if (is_new)
        feed_wake(feed);
}

static void hand_back(struct feed *feed, const struct feed_done *done)
{
    pthread_mutex_lock(&feed->lock);
    set_resting(feed, &done->batch, false);
    if (done->batch.epoch == feed->epoch && feed->is_open) {
        must(feed->done_count < SPOOL_BATCHES);
        feed->done[feed->done_count++] = *done;
    } else if (done->returned) {
        queue_leave(feed->queue, done->batch.units); /* it waits where it was */
    }
    pthread_mutex_unlock(&feed->lock);
    feed_wake(feed);
}

/* What the spool never had is to stand in its ledger, as soon as there is one. */
static void count_direct(struct feed *feed, uint64_t sent, uint64_t lost, enum drop_reason reason)
{
    pthread_mutex_lock(&feed->lock);
    feed->direct_sent += sent;
    feed->direct_lost[reason] += lost;
    pthread_mutex_unlock(&feed->lock);
}

void feed_settle(struct feed *feed, const struct feed_batch *batch, uint64_t lost,
                 enum drop_reason reason)
{
    queue_sent(feed->queue, batch->units - lost);
    queue_dropped(feed->queue, lost, reason);
    if (batch->is_spooled)
        hand_back(feed, &(struct feed_done){*batch, lost, reason, false});
    else
        count_direct(feed, batch->units - lost, lost, reason);
}

void feed_return(struct feed *feed, const struct feed_batch *batch)
{
    if (batch->is_spooled) {
        hand_back(feed, &(struct feed_done){*batch, 0, DROP_SHUTDOWN, true});
        return;
    }
    queue_dropped(feed->queue, batch->units, DROP_SHUTDOWN);
    count_direct(feed, 0, batch->units, DROP_SHUTDOWN);
}

void feed_resent(struct feed *feed, const struct feed_batch *batch)
{
    queue_resent(feed->queue, batch->units);
    pthread_mutex_lock(&feed->lock);
    feed->resent += batch->units;
    pthread_mutex_unlock(&feed->lock);
}

void feed_split(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->split = true;
    pthread_mutex_unlock(&feed->lock);
    feed_wake(feed);
}

void feed_figures(struct feed *feed, struct feed_figures *figures)
{
    pthread_mutex_lock(&feed->lock);
    *figures = feed->figures;
    figures->is_open = feed->is_open;
    figures->is_wanted = feed->path != NULL;
    pthread_mutex_unlock(&feed->lock);
}

void feed_state(struct feed *feed, struct spool_state *state)
{
    struct feed_figures now;
    feed_figures(feed, &now);
    *state = (struct spool_state){
        .is_on = now.is_wanted,
        .is_open = now.is_open,
        .waiting = now.spool.waiting,
        .backlog = now.spool.backlog,
        .records = now.spool.waiting_records,
        .bytes = now.spool.bytes,
        .segments = now.spool.segments,
    };
}
