/* SPDX-License-Identifier: Apache-2.0 */
/* The disk's side of a feed. One turn: orders, what the sender has settled, the queue into the
 * spool, batches that were asked for, the ledger; then it sleeps until it is woken or something is
 * due. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "exporters/feed_inside.h"
#include "exporters/say.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"

enum {
    AGAIN_US = 1000 * 1000, /* what failed is tried again */
    SLEEP_US = 1000 * 1000,
    COMMITS = 16, /* in one turn */
};

/* The reasons the spool itself has. */
static const enum drop_reason inner_reasons[] = {DROP_SPOOL_FULL, DROP_EXPIRED, DROP_CORRUPT};
enum { INNER_REASONS = sizeof inner_reasons / sizeof inner_reasons[0] };

static struct spool_time time_now(void)
{
    struct spool_time now = {.monotonic_us = clock_monotonic_us()};
    struct timespec wall;
    char text[37] = "";
    clock_gettime(CLOCK_REALTIME, &wall);
    now.wall_us = (uint64_t)wall.tv_sec * 1000000 + (uint64_t)wall.tv_nsec / 1000;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, 36) : -1;
    if (fd >= 0)
        close(fd);
    if (n == 36) /* of the UUID's digits, the first 16 tell enough */
        memcpy(now.boot, text, sizeof now.boot);
    else
        must(getrandom(now.boot, sizeof now.boot, 0) == (ssize_t)sizeof now.boot);
    return now;
}

/* ---- opening and leaving ---- */

/* A change may bring another one at any time. */
static uint64_t ring_of(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    uint64_t ring = feed->ring;
    pthread_mutex_unlock(&feed->lock);
    return ring;
}

/* What lies there counts as if it had come through the queue. A ring's losses that the ledger has
 * already are counted by the queue once more: they are taken out here. */
static void carry(struct feed *feed)
{
    struct spool_figures there;
    uint64_t ring = ring_of(feed);
    spool_figures(feed->spool, &there);
    struct destination_figures carried = {.waiting = there.waiting, .produced = there.waiting};
    feed->ring_noted = spool_noted(feed->spool, ring);
    if (!feed->carried) {
        carried.produced = there.produced - feed->ring_noted;
        carried.sent = there.sent;
        carried.resent = there.resent;
        memcpy(carried.dropped, there.lost, sizeof carried.dropped);
        carried.dropped[DROP_RING_FULL] -= feed->ring_noted;
        feed->early.dropped[DROP_RING_FULL] = feed->ring_noted;
    }
    feed->carried = true;
    queue_carry(feed->queue, &carried);
    for (size_t i = 0; i < DROP_REASONS; i++)
        feed->lost[i] = there.lost[i];
}

static void tell(const struct feed *feed)
{
    if (feed->tell >= 0)
        eventfd_write(feed->tell, 1);
}

static void tell_found(const struct feed *feed, const char *path, const struct spool_found *found)
{
    const char *units = feed->kind.units;
    if (found->torn_bytes > 0)
        say("%s: %s: %llu bytes of a record that was never finished are cut off", feed->name, path,
            (unsigned long long)found->torn_bytes);
    if (found->ledger == LEDGER_MENDED)
        say("%s: %s: half of the ledger is broken, the other half goes on", feed->name, path);
    if (found->ledger == LEDGER_BROKEN)
        say("%s: %s: the ledger is broken, what became of earlier %s is forgotten", feed->name,
            path, units);
    if (found->waiting > 0)
        say("%s: %s: %llu %s of earlier wait to be sent", feed->name, path,
            (unsigned long long)found->waiting, units);
}

static void tell_closed(struct feed *feed, const char *path, enum spool_opened why)
{
    char text[128];
    const char *units = feed->kind.units;
    if (!feed->told_open && why == SPOOL_BUSY)
        say("%s: the spool %s is another process's, %s wait in memory", feed->name, path, units);
    else if (!feed->told_open)
        say("%s: the spool %s cannot be used, %s wait in memory: %s", feed->name, path, units,
            strerror_r(errno, text, sizeof text));
    feed->told_open = true;
}

static void spool_begin(struct feed *feed, const char *path, const struct spool_settings *settings)
{
    struct spool_found found;
    struct spool_time now = time_now();
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum spool_opened opened = folder >= 0
                                   ? spool_open(folder, settings, NULL, &now, &feed->spool, &found)
                                   : SPOOL_UNUSABLE;
    if (opened != SPOOL_OPENED) {
        tell_closed(feed, path, opened);
        feed->again_us = feed->now_us + AGAIN_US;
        return;
    }
    free(feed->spool_path);
    feed->spool_path = must_strdup(path);
    tell_found(feed, path, &found);
    feed->told_open = feed->told_write = feed->told_ledger = false;
    feed->again_us = 0;
    carry(feed);
    if (found.waiting > 0)
        tell(feed);
}

/* Units of the spool that the sender has in hand. */
static uint64_t units_out(const struct feed *feed)
{
    struct spool_figures there;
    spool_figures(feed->spool, &there);
    return there.waiting - there.ready[SPOOL_BACKLOG] - there.ready[SPOOL_FRESH];
}

/* ---- the sender's words ---- */

/* Batches that were asked for and not fetched go back; under the lock. */
static void lanes_clear(struct feed *feed)
{
    for (size_t i = 0; i < FEED_LANES; i++) {
        struct feed_lane *lane = &feed->lanes[i];
        if (lane->state == FEED_READY)
            spool_return(feed->spool, &lane->batch.spool);
        lane->state = FEED_NOTHING;
    }
}

static void take_settled(struct feed *feed)
{
    struct feed_done done[SPOOL_BATCHES];
    pthread_mutex_lock(&feed->lock);
    size_t count = feed->done_count;
    memcpy(done, feed->done, count * sizeof done[0]);
    feed->done_count = 0;
    bool split = feed->split;
    feed->split = false;
    pthread_mutex_unlock(&feed->lock);
    for (size_t i = 0; i < count; i++) {
        if (done[i].returned)
            spool_return(feed->spool, &done[i].batch.spool);
        else
            spool_settle(feed->spool, &done[i].batch.spool, done[i].lost, done[i].reason);
    }
    if (split)
        spool_split(feed->spool);
}

/* What went from the queue to the sender. */
static void count_direct(struct feed *feed)
{
    uint64_t lost[DROP_REASONS];
    pthread_mutex_lock(&feed->lock);
    uint64_t resent = feed->resent, sent = feed->direct_sent;
    memcpy(lost, feed->direct_lost, sizeof lost);
    memset(feed->direct_lost, 0, sizeof feed->direct_lost);
    feed->resent = feed->direct_sent = 0;
    pthread_mutex_unlock(&feed->lock);
    if (resent > 0)
        spool_resent(feed->spool, resent);
    if (sent > 0)
        spool_sent(feed->spool, sent);
    for (unsigned i = 0; i < DROP_REASONS; i++) {
        if (lost[i] > 0)
            spool_lost(feed->spool, lost[i], (enum drop_reason)i);
    }
}

/* What the queue knows and nobody who took from it. */
static void count_early(struct feed *feed)
{
    struct queue_early now, *told = &feed->early;
    queue_early(feed->queue, &now);
    if (now.sent > told->sent)
        spool_sent(feed->spool, now.sent - told->sent);
    if (now.resent > told->resent)
        spool_resent(feed->spool, now.resent - told->resent);
    told->sent = now.sent;
    told->resent = now.resent;
    for (unsigned i = 0; i < DROP_REASONS; i++) {
        if (now.dropped[i] <= told->dropped[i])
            continue;
        spool_lost(feed->spool, now.dropped[i] - told->dropped[i], (enum drop_reason)i);
        told->dropped[i] = now.dropped[i];
    }
}

/* What never came to the spool, and what the spool lost by itself. */
static void count_losses(struct feed *feed)
{
    struct spool_figures there;
    uint64_t ring = ring_of(feed);
    count_direct(feed);
    count_early(feed);
    if (ring != 0)
        spool_note(feed->spool, ring, feed->early.dropped[DROP_RING_FULL]);
    spool_figures(feed->spool, &there);
    for (size_t i = 0; i < INNER_REASONS; i++) {
        enum drop_reason reason = inner_reasons[i];
        queue_dropped(feed->queue, there.lost[reason] - feed->lost[reason], reason);
        feed->lost[reason] = there.lost[reason];
    }
}

/* ---- the queue into the spool ---- */

static void set_hand(struct feed *feed, bool writes)
{
    pthread_mutex_lock(&feed->lock);
    feed->hand = UINT64_MAX;
    feed->is_open = feed->spool != NULL; /* before a batch can come back */
    feed->writes = writes;
    pthread_mutex_unlock(&feed->lock);
}

static bool commit(struct feed *feed)
{
    char text[128];
    enum spool_commit done = spool_commit(feed->spool);
    if (done == SPOOL_COMMITTED) {
        if (feed->told_write)
            say("%s: %s: there is room again", feed->name, feed->spool_path);
        feed->told_write = false;
        feed->again_us = 0;
        set_hand(feed, true);
        return true;
    }
    if (!feed->told_write)
        say("%s: %s: %s, %s wait in memory", feed->name, feed->spool_path,
            done == SPOOL_NO_ROOM ? "the disk is full" : strerror_r(errno, text, sizeof text),
            feed->kind.units);
    feed->told_write = true;
    feed->again_us = feed->now_us + AGAIN_US;
    set_hand(feed, false);
    return false;
}

/* One item; false: there is none. */
static bool move_one(struct feed *feed)
{
    buf_clear(&feed->item);
    pthread_mutex_lock(&feed->lock);
    uint64_t oldest = queue_oldest(feed->queue);
    unsigned units = queue_take(feed->queue, &feed->item, 1);
    if (units > 0 && feed->hand == UINT64_MAX)
        feed->hand = oldest;
    pthread_mutex_unlock(&feed->lock);
    if (units > 0 && !spool_append(feed->spool, buf_span(&feed->item), units, feed->kind.number)) {
        queue_dropped(feed->queue, units, DROP_REJECTED);
        spool_lost(feed->spool, units, DROP_REJECTED);
    }
    return units > 0;
}

/* True: there may be more. */
static bool move(struct feed *feed)
{
    if (spool_pending(feed->spool) > 0 && (feed->now_us < feed->again_us || !commit(feed)))
        return false;
    for (unsigned i = 0; i < COMMITS; i++) {
        bool more = true;
        while (more && spool_has_room(feed->spool))
            more = move_one(feed);
        if (!commit(feed) || !more)
            return false;
    }
    return true;
}

/* ---- batches ---- */

static void serve(struct feed *feed)
{
    for (size_t i = 0; i < FEED_LANES; i++) {
        struct feed_lane *lane = &feed->lanes[i];
        pthread_mutex_lock(&feed->lock);
        bool asked = lane->state == FEED_ASKED;
        pthread_mutex_unlock(&feed->lock);
        if (!asked)
            continue;
        struct spool_batch batch;
        buf_clear(&lane->items);
        buf_clear(&lane->preamble);
        bool found = spool_read(feed->spool, (enum spool_lane)i, lane->most, &lane->items, &batch);
        if (found)
            buf_add(&lane->preamble, batch.preamble);
        pthread_mutex_lock(&feed->lock);
        lane->batch = (struct feed_batch){true, feed->epoch, batch.units, batch};
        lane->state = found ? FEED_READY : FEED_NOTHING;
        pthread_mutex_unlock(&feed->lock);
        if (found)
            tell(feed);
    }
}

static void publish(struct feed *feed)
{
    struct feed_figures figures = {.is_open = feed->spool != NULL};
    if (feed->spool != NULL)
        spool_figures(feed->spool, &figures.spool);
    pthread_mutex_lock(&feed->lock);
    feed->figures = figures;
    for (size_t i = 0; feed->spool == NULL && i < FEED_LANES; i++)
        feed->lanes[i].state = FEED_NOTHING; /* whoever asked is to look elsewhere */
    feed->is_open = figures.is_open;
    feed->tried = true;
    pthread_mutex_unlock(&feed->lock);
}

static void keep(struct feed *feed)
{
    char text[128];
    bool kept = spool_keep(feed->spool);
    if (!kept && !feed->told_ledger)
        say("%s: %s: the ledger cannot be written: %s", feed->name, feed->spool_path,
            strerror_r(errno, text, sizeof text));
    feed->told_ledger = !kept;
}

/* Where something rests, what is ready and was not fetched is not under way either. */
static void tell_resting(struct feed *feed)
{
    uint64_t resting[SPOOL_BATCHES];
    pthread_mutex_lock(&feed->lock);
    size_t count = feed->resting_count;
    memcpy(resting, feed->resting, count * sizeof resting[0]);
    for (size_t i = 0; i < FEED_LANES && count > 0 && count < SPOOL_BATCHES; i++) {
        if (feed->lanes[i].state == FEED_READY)
            resting[count++] = feed->lanes[i].batch.spool.range.from.sequence;
    }
    pthread_mutex_unlock(&feed->lock);
    spool_rest(feed->spool, resting, count);
}

/* ---- turns ---- */

/* What could not be written is lost, and that is all that still can be written. */
static void give_up_pending(struct feed *feed)
{
    uint64_t units = spool_pending(feed->spool);
    if (units == 0)
        return;
    queue_dropped(feed->queue, units, DROP_SHUTDOWN);
    spool_lost(feed->spool, units, DROP_SHUTDOWN);
}

static void spool_end(struct feed *feed)
{
    take_settled(feed);
    pthread_mutex_lock(&feed->lock);
    lanes_clear(feed);
    feed->epoch++; /* what the sender has in hand is nobody's now */
    feed->resting_count = 0;
    pthread_mutex_unlock(&feed->lock);
    give_up_pending(feed);
    if (feed->stop && feed->told_write)
        queue_abandon(feed->queue, DROP_SHUTDOWN);
    count_losses(feed);
    struct spool_figures there;
    spool_figures(feed->spool, &there);
    if (!feed->stop)
        queue_leave(feed->queue, there.waiting - units_out(feed));
    spool_close(feed->spool);
    feed->spool = NULL;
    set_hand(feed, false);
}

/* Orders: true where the thread shall stop. */
static bool follow_orders(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool stop = feed->stop, changed = feed->changed;
    feed->changed = false;
    char *path = feed->path != NULL ? must_strdup(feed->path) : NULL;
    struct spool_settings settings = feed->settings;
    struct buf preamble;
    buf_init(&preamble, FRAME_PREAMBLE_BYTES);
    buf_add(&preamble, buf_span(&feed->preamble));
    pthread_mutex_unlock(&feed->lock);
    bool other = path == NULL || feed->spool_path == NULL || strcmp(path, feed->spool_path) != 0;
    if (feed->spool != NULL && other)
        spool_end(feed);
    if (changed)
        feed->told_open = false;
    bool due = changed || feed->now_us >= feed->again_us;
    if (feed->spool == NULL && path != NULL && due) {
        spool_begin(feed, path, &settings);
        changed = true;
        set_hand(feed, feed->spool != NULL);
    }
    if (feed->spool != NULL && changed) {
        spool_change(feed->spool, &settings);
        spool_preamble(feed->spool, buf_span(&preamble));
    }
    buf_fini(&preamble);
    free(path);
    return stop;
}

/* True: there is more to be done at once. */
static bool one_turn(struct feed *feed)
{
    bool more = false;
    if (feed->spool != NULL) {
        struct spool_time now = time_now();
        spool_tick(feed->spool, &now);
        take_settled(feed);
        more = move(feed);
        serve(feed);
        count_losses(feed);
        tell_resting(feed);
        keep(feed);
    }
    publish(feed);
    return more;
}

static void sleep_until_work(struct feed *feed)
{
    uint64_t wait_us = SLEEP_US;
    if (feed->spool != NULL && spool_due_us(feed->spool) < wait_us)
        wait_us = spool_due_us(feed->spool);
    struct pollfd fd = {.fd = feed->wake, .events = POLLIN};
    eventfd_t count;
    if (poll(&fd, 1, (int)((wait_us + 999) / 1000)) > 0)
        eventfd_read(feed->wake, &count);
}

void *feed_disk_run(void *context)
{
    struct feed *feed = context;
    for (;;) {
        feed->now_us = clock_monotonic_us();
        bool stop = follow_orders(feed);
        bool more = one_turn(feed);
        if (stop && !more)
            break;
        if (!more)
            sleep_until_work(feed);
    }
    if (feed->spool != NULL)
        spool_end(feed);
    return NULL;
}
