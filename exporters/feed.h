/* SPDX-License-Identifier: Apache-2.0 */
/* Where a sender takes from: a queue in memory, and behind it a spool on disk where one is wanted.
 * Everything that blocks on the disk is done by a thread of its own.
 *
 *   queue --> disk thread: append, commit --> spool --> batches that are asked for --> sender
 *     |                                        ^                                        |
 *     |                                        +---------- settled, returned <----------+
 *     +--------> sender, directly: no spool, or one that cannot be written to now; then, while
 *                nothing waits, also past the queue
 *
 * The queue's figures are those of the whole way, with what lay in the spool when it was opened. */
#ifndef SIDEGATE_EXPORTERS_FEED_H
#define SIDEGATE_EXPORTERS_FEED_H

#include "exporters/queue.h"
#include "exporters/spool.h"

struct feed;

/* What it carries: its number in the spool (not 0), and of what there are so and so many. */
struct feed_kind {
    unsigned number;
    const char *units; /* static */
};

struct feed_spool {   /* copied */
    const char *path; /* a folder that exists; NULL: no spool */
    struct spool_settings spool;
    uint64_t ring; /* whose losses the queue has counted: ring_id(); 0: nobody's */
};

/* `queue` is borrowed. `tell`: an eventfd that is written when a batch is ready, or something of an
 * earlier process was found; -1: none. `name` stands before what is said to the operator. The calls
 * below are one thread's; any thread's are feed_wake(), feed_safe(), feed_is_on_disk() and
 * feed_figures(), and feed_use() is, as long as one at a time calls it. */
struct feed *feed_new(struct queue *queue, int tell, const char *name, struct feed_kind kind);
/* Opens, changes or leaves the spool; what cannot be opened is said, and tried again each second.
 */
void feed_use(struct feed *feed, const struct feed_spool *settings);
/* What stands in front of records that come from now on: their batches bring it with them. */
void feed_preamble(struct feed *feed, struct span preamble);
enum feed_end {
    FEED_ENDED,
    FEED_WAITS, /* there is something in the spool */
    FEED_HANGS, /* the disk does not answer: the queue must not be freed, the thread uses it */
};
/* What is queued is written to the spool, if there is one, and waits there for the next process;
 * else it is given up (dropped, shutdown). Every batch has been settled or returned. Frees. */
enum feed_end feed_stop(struct feed *feed, uint64_t deadline_us);

/* There is something in the queue. Cheap. */
void feed_wake(struct feed *feed);
/* How many items of the queue, counted from its first one, cannot be lost by a kill any more:
 * committed, sent or dropped. All of them where there is no spool to wait for. */
uint64_t feed_safe(struct feed *feed);
bool feed_is_on_disk(struct feed *feed); /* there is a spool, and it is written to */

/* Units that a sender could take, in each lane. Without a spool all are fresh. */
uint64_t feed_waiting(struct feed *feed, enum spool_lane which);
struct feed_batch {
    bool is_spooled;
    unsigned epoch; /* of the spool that it came from: a reload may have changed to another */
    uint64_t units;
    struct spool_batch spool;
};
/* Appends items of at most `most` units (but one item at least), and what stood in front of them
 * (nothing: the present one holds). False: there is nothing yet; `tell` is written when there is.
 */
bool feed_take(struct feed *feed, enum spool_lane which, unsigned most, struct buf *items,
               struct buf *preamble, struct feed_batch *batch);
/* Nothing waits, and no spool is wanted: what comes now may go past the queue. */
bool feed_is_direct(struct feed *feed);
/* So many units did: the batch has them. */
void feed_pass(struct feed *feed, struct feed_batch *batch, uint64_t units);
/* They are to be queued after all: an item that feed_pass() counted. */
void feed_queue(struct feed *feed, struct span item, unsigned units);
/* Every batch that was taken: `lost` of its units were refused for `reason`, the others sent. */
void feed_settle(struct feed *feed, const struct feed_batch *batch, uint64_t lost,
                 enum drop_reason reason);
/* It was not sent, or nobody knows: from the spool it comes again, else it is dropped (shutdown).
 */
void feed_return(struct feed *feed, const struct feed_batch *batch);
/* Nothing of it is under way or can have arrived, until it is said to rest no more: were the
 * process killed now, nothing would come twice. */
void feed_rest(struct feed *feed, const struct feed_batch *batch, bool rests);
/* Its units are sent once more, and may arrive twice. */
void feed_resent(struct feed *feed, const struct feed_batch *batch);
/* The receiver is back: what piled up becomes the backlog. */
void feed_split(struct feed *feed);
/* Nothing is on its way from the queue to the spool. */
bool feed_is_settled(struct feed *feed);

struct feed_figures {
    bool is_wanted, is_open;
    struct spool_figures spool;
};
void feed_figures(struct feed *feed, struct feed_figures *figures); /* any thread */
void feed_state(struct feed *feed, struct spool_state *state);      /* the same, in brief */

#endif
