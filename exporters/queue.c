/* SPDX-License-Identifier: Apache-2.0 */
/* Items lie one behind the other in a circle of bytes, each behind its head:
 *
 *   |....| head | text | head | text |......|        head: bytes, units
 *        ^ first                     ^ end            both only grow; the place is modulo size
 *
 * The circle is reserved once and touched only as far as it is filled: an empty queue begins at the
 * front again, and pages that a long outage touched are given back. */
#include "exporters/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "rules/base/must.h"

enum {
    QUEUE_RECORD_BYTES = 2048, /* the room that an item has on average */
    QUEUE_BYTES_LEAST = 2 * QUEUE_LARGEST_BYTES,
    QUEUE_BYTES_MOST = 64 * 1024 * 1024,
    QUEUE_KEEP_BYTES = 4 * 1024 * 1024, /* kept warm when the queue is empty */
};

struct item_head {
    uint32_t bytes;
    uint32_t units;
};

struct queue {
    pthread_mutex_t lock;
    char *circle;
    size_t size;
    uint64_t first, end, highest; /* highest: how far `end` came since the circle was given back */
    size_t records, limit;
    uint64_t most_units; /* queued; 0: any number */
    uint64_t queued, in_hand;
    struct queue_account *account, own; /* where it stands: here, or where it outlives us */
    struct queue_early early;           /* part of it */
    uint64_t carried[DROP_REASONS];     /* part of dropped */
    uint64_t puts, put_units;           /* items, and what they were worth */
};

/* Adding without a locked instruction: one thread at a time has the queue's lock. */
static void grow(_Atomic uint64_t *number, uint64_t by)
{
    uint64_t now = atomic_load_explicit(number, memory_order_relaxed);
    atomic_store_explicit(number, now + by, memory_order_relaxed);
}

static uint64_t value(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static size_t circle_size(size_t records)
{
    if (records > QUEUE_BYTES_MOST / QUEUE_RECORD_BYTES)
        return QUEUE_BYTES_MOST;
    size_t bytes = records * QUEUE_RECORD_BYTES;
    return bytes > QUEUE_BYTES_LEAST ? bytes : QUEUE_BYTES_LEAST;
}

static char *circle_new(size_t bytes)
{
    char *circle = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(circle != MAP_FAILED);
    return circle;
}

struct queue *queue_new(size_t records)
{
    struct queue *queue = must_alloc(sizeof *queue);
    must(pthread_mutex_init(&queue->lock, NULL) == 0);
    queue->account = &queue->own;
    queue->limit = records > 0 ? records : 1;
    queue->size = circle_size(records);
    queue->circle = circle_new(queue->size);
    return queue;
}

void queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    munmap(queue->circle, queue->size);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

static void circle_write(struct queue *queue, const void *bytes, size_t len)
{
    size_t at = queue->end % queue->size;
    size_t front = len < queue->size - at ? len : queue->size - at;
    memcpy(queue->circle + at, bytes, front);
    if (front < len)
        memcpy(queue->circle, (const char *)bytes + front, len - front);
    queue->end += len;
}

static void circle_read(const struct queue *queue, uint64_t from, void *to, size_t len)
{
    size_t at = from % queue->size;
    size_t front = len < queue->size - at ? len : queue->size - at;
    memcpy(to, queue->circle + at, front);
    if (front < len)
        memcpy((char *)to + front, queue->circle, len - front);
}

static struct item_head first_head(const struct queue *queue)
{
    struct item_head head;
    must(queue->records > 0);
    circle_read(queue, queue->first, &head, sizeof head);
    return head;
}

static void begin_at_the_front(struct queue *queue)
{
    if (queue->highest > QUEUE_KEEP_BYTES) {
        size_t touched = queue->highest < queue->size ? queue->highest : queue->size;
        if (touched > QUEUE_KEEP_BYTES)
            madvise(queue->circle + QUEUE_KEEP_BYTES, touched - QUEUE_KEEP_BYTES, MADV_DONTNEED);
    }
    queue->first = queue->end = queue->highest = 0;
}

static void remove_first(struct queue *queue, struct item_head head)
{
    queue->first += sizeof head + head.bytes;
    queue->records--;
    queue->queued -= head.units;
    if (queue->end > queue->highest)
        queue->highest = queue->end;
    if (queue->records == 0)
        begin_at_the_front(queue);
}

static void drop_first(struct queue *queue, enum drop_reason reason)
{
    struct item_head head = first_head(queue);
    grow(&queue->account->dropped[reason], head.units);
    queue->early.dropped[reason] += head.units;
    remove_first(queue, head);
}

static bool has_room(const struct queue *queue, size_t bytes, unsigned units)
{
    bool fits = queue->most_units == 0 || queue->queued + units <= queue->most_units;
    return queue->records < queue->limit && queue->end - queue->first + bytes <= queue->size &&
           (fits || queue->records == 0);
}

/* With the lock held; its units are counted as produced. */
static void put_item(struct queue *queue, struct span item, unsigned units)
{
    struct item_head head = {(uint32_t)item.len, units};
    if (item.len > QUEUE_LARGEST_BYTES) {
        grow(&queue->account->dropped[DROP_QUEUE_FULL], units);
        queue->early.dropped[DROP_QUEUE_FULL] += units;
    } else {
        while (!has_room(queue, sizeof head + item.len, units))
            drop_first(queue, DROP_QUEUE_FULL);
        circle_write(queue, &head, sizeof head);
        circle_write(queue, item.at, item.len);
        queue->records++;
        queue->puts++;
        queue->put_units += units;
        queue->queued += units;
    }
}

void queue_put(struct queue *queue, struct span item, unsigned units)
{
    pthread_mutex_lock(&queue->lock);
    grow(&queue->account->produced, units);
    put_item(queue, item, units);
    pthread_mutex_unlock(&queue->lock);
}

void queue_pass(struct queue *queue, uint64_t units)
{
    pthread_mutex_lock(&queue->lock);
    grow(&queue->account->produced, units);
    queue->in_hand += units;
    pthread_mutex_unlock(&queue->lock);
}

void queue_requeue(struct queue *queue, struct span item, unsigned units)
{
    pthread_mutex_lock(&queue->lock);
    must(units <= queue->in_hand);
    queue->in_hand -= units;
    put_item(queue, item, units);
    pthread_mutex_unlock(&queue->lock);
}

/* What had been produced and neither sent nor dropped was in the memory of whoever had the account.
 */
static void take_over(struct queue_account *account, enum drop_reason reason)
{
    uint64_t settled = value(&account->sent);
    for (size_t i = 0; i < DROP_REASONS; i++)
        settled += value(&account->dropped[i]);
    uint64_t produced = value(&account->produced);
    if (produced > settled)
        grow(&account->dropped[reason], produced - settled);
    else
        grow(&account->produced, settled - produced); /* it was killed between the two */
}

void queue_keep(struct queue *queue, struct queue_account *at, enum drop_reason reason)
{
    pthread_mutex_lock(&queue->lock);
    must(value(&queue->own.produced) == 0);
    take_over(at, reason);
    queue->early = (struct queue_early){.sent = value(&at->sent), .resent = value(&at->resent)};
    for (size_t i = 0; i < DROP_REASONS; i++)
        queue->carried[i] = queue->early.dropped[i] = value(&at->dropped[i]);
    queue->account = at;
    pthread_mutex_unlock(&queue->lock);
}

void queue_forget_ring_full(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    uint64_t units = queue->carried[DROP_RING_FULL];
    grow(&queue->account->produced, 0 - units);
    grow(&queue->account->dropped[DROP_RING_FULL], 0 - units);
    queue->carried[DROP_RING_FULL] = queue->early.dropped[DROP_RING_FULL] = 0;
    pthread_mutex_unlock(&queue->lock);
}

static void let_go(struct queue *queue, bool clears)
{
    pthread_mutex_lock(&queue->lock);
    struct queue_account *kept = queue->account;
    if (kept != &queue->own)
        memcpy(&queue->own, kept, sizeof queue->own);
    if (kept != &queue->own && clears)
        memset(kept, 0, sizeof *kept);
    queue->account = &queue->own;
    pthread_mutex_unlock(&queue->lock);
}

void queue_let_go(struct queue *queue)
{
    let_go(queue, false);
}

void queue_take_back(struct queue *queue)
{
    let_go(queue, true);
}

void queue_limit(struct queue *queue, size_t records)
{
    pthread_mutex_lock(&queue->lock);
    queue->limit = records > 0 ? records : 1;
    while (queue->records > queue->limit)
        drop_first(queue, DROP_QUEUE_FULL);
    pthread_mutex_unlock(&queue->lock);
}

void queue_limit_units(struct queue *queue, uint64_t units)
{
    pthread_mutex_lock(&queue->lock);
    queue->most_units = units;
    while (units > 0 && queue->records > 1 && queue->queued > units)
        drop_first(queue, DROP_QUEUE_FULL);
    pthread_mutex_unlock(&queue->lock);
}

void queue_lost(struct queue *queue, uint64_t units, enum drop_reason reason)
{
    pthread_mutex_lock(&queue->lock);
    grow(&queue->account->produced, units);
    grow(&queue->account->dropped[reason], units);
    queue->early.dropped[reason] += units;
    pthread_mutex_unlock(&queue->lock);
}

/* A few items that are left go to the front: the same bytes of memory are used again and again
 * then, which are near, instead of the whole circle. */
static void begin_anew_with_the_rest(struct queue *queue)
{
    size_t held = (size_t)(queue->end - queue->first), at = queue->first % queue->size;
    if (held == 0 || held > QUEUE_KEEP_BYTES / 4 || at < held || at + held > queue->size)
        return;
    memcpy(queue->circle, queue->circle + at, held);
    queue->first = 0;
    queue->end = held;
}

unsigned queue_take(struct queue *queue, struct buf *to, unsigned most)
{
    unsigned units = 0;
    pthread_mutex_lock(&queue->lock);
    while (queue->records > 0) {
        struct item_head head = first_head(queue);
        if (units > 0 && (units + head.units > most || head.bytes > to->ceiling - to->len))
            break;
        char *room = buf_room(to, head.bytes);
        if (room == NULL) {
            to->full = false;
            if (units > 0)
                break;
            drop_first(queue, DROP_QUEUE_FULL); /* no buffer is large enough for it */
            continue;
        }
        circle_read(queue, queue->first + sizeof head, room, head.bytes);
        buf_grew(to, head.bytes);
        units += head.units;
        remove_first(queue, head);
    }
    queue->in_hand += units;
    begin_anew_with_the_rest(queue);
    pthread_mutex_unlock(&queue->lock);
    return units;
}

void queue_sent(struct queue *queue, uint64_t units)
{
    pthread_mutex_lock(&queue->lock);
    must(units <= queue->in_hand);
    queue->in_hand -= units;
    grow(&queue->account->sent, units);
    pthread_mutex_unlock(&queue->lock);
}

void queue_dropped(struct queue *queue, uint64_t units, enum drop_reason reason)
{
    pthread_mutex_lock(&queue->lock);
    must(units <= queue->in_hand);
    queue->in_hand -= units;
    grow(&queue->account->dropped[reason], units);
    pthread_mutex_unlock(&queue->lock);
}

uint64_t queue_abandon(struct queue *queue, enum drop_reason reason)
{
    pthread_mutex_lock(&queue->lock);
    uint64_t before = value(&queue->account->dropped[reason]);
    while (queue->records > 0)
        drop_first(queue, reason);
    uint64_t units = value(&queue->account->dropped[reason]) - before;
    pthread_mutex_unlock(&queue->lock);
    return units;
}

uint64_t queue_units(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    uint64_t units = queue->queued;
    pthread_mutex_unlock(&queue->lock);
    return units;
}

size_t queue_bytes(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t bytes = (size_t)(queue->end - queue->first);
    pthread_mutex_unlock(&queue->lock);
    return bytes;
}

void queue_resize(struct queue *queue, size_t bytes)
{
    if (bytes < QUEUE_BYTES_LEAST)
        bytes = QUEUE_BYTES_LEAST;
    pthread_mutex_lock(&queue->lock);
    queue->limit = SIZE_MAX;
    if (bytes != queue->size) {
        while (queue->end - queue->first > bytes)
            drop_first(queue, DROP_QUEUE_FULL);
        char *circle = circle_new(bytes);
        size_t held = (size_t)(queue->end - queue->first);
        circle_read(queue, queue->first, circle, held);
        munmap(queue->circle, queue->size);
        queue->circle = circle;
        queue->size = bytes;
        queue->first = 0;
        queue->end = queue->highest = held;
    }
    pthread_mutex_unlock(&queue->lock);
}

uint64_t queue_put_count(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    uint64_t puts = queue->puts;
    pthread_mutex_unlock(&queue->lock);
    return puts;
}

uint64_t queue_put_units(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    uint64_t units = queue->put_units;
    pthread_mutex_unlock(&queue->lock);
    return units;
}

uint64_t queue_oldest(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    uint64_t oldest = queue->puts - queue->records;
    pthread_mutex_unlock(&queue->lock);
    return oldest;
}

void queue_carry(struct queue *queue, const struct destination_figures *earlier)
{
    pthread_mutex_lock(&queue->lock);
    grow(&queue->account->produced, earlier->produced);
    grow(&queue->account->sent, earlier->sent);
    grow(&queue->account->resent, earlier->resent);
    queue->in_hand += earlier->waiting;
    for (size_t i = 0; i < DROP_REASONS; i++) {
        grow(&queue->account->dropped[i], earlier->dropped[i]);
        queue->carried[i] += earlier->dropped[i];
    }
    pthread_mutex_unlock(&queue->lock);
}

uint64_t queue_dropped_here(struct queue *queue, enum drop_reason reason)
{
    pthread_mutex_lock(&queue->lock);
    uint64_t units = value(&queue->account->dropped[reason]) - queue->carried[reason];
    pthread_mutex_unlock(&queue->lock);
    return units;
}

void queue_leave(struct queue *queue, uint64_t units)
{
    pthread_mutex_lock(&queue->lock);
    must(units <= queue->in_hand);
    queue->in_hand -= units;
    grow(&queue->account->produced, 0 - units);
    pthread_mutex_unlock(&queue->lock);
}

void queue_early(struct queue *queue, struct queue_early *early)
{
    pthread_mutex_lock(&queue->lock);
    *early = queue->early;
    pthread_mutex_unlock(&queue->lock);
}

void queue_resent(struct queue *queue, uint64_t units)
{
    pthread_mutex_lock(&queue->lock);
    grow(&queue->account->resent, units);
    pthread_mutex_unlock(&queue->lock);
}

void queue_figures(struct queue *queue, struct destination_figures *out)
{
    pthread_mutex_lock(&queue->lock);
    out->produced = value(&queue->account->produced);
    out->sent = value(&queue->account->sent);
    for (size_t i = 0; i < DROP_REASONS; i++)
        out->dropped[i] = value(&queue->account->dropped[i]);
    out->waiting = queue->queued + queue->in_hand;
    out->resent = value(&queue->account->resent);
    pthread_mutex_unlock(&queue->lock);
}
