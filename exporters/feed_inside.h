/* SPDX-License-Identifier: Apache-2.0 */
/* The feed's one object: feed.c is the sender's side of it, feed_disk.c the disk's. */
#ifndef SIDEGATE_EXPORTERS_FEED_INSIDE_H
#define SIDEGATE_EXPORTERS_FEED_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "exporters/feed.h"

enum { FEED_LANES = 2 };

enum feed_state {
    FEED_NOTHING,
    FEED_ASKED, /* `items` and `batch` are the disk thread's */
    FEED_READY, /* the sender's */
};
struct feed_lane {
    enum feed_state state;
    unsigned most;
    struct buf items, preamble;
    struct feed_batch batch;
};

struct feed_done {
    struct feed_batch batch;
    uint64_t lost;
    enum drop_reason reason;
    bool returned;
};

struct feed {
    struct queue *queue;
    char *name;
    struct feed_kind kind;
    int tell, wake; /* eventfds: the sender's, the disk thread's */
    pthread_t thread;
    atomic_bool running;

    pthread_mutex_t lock; /* guards what follows */
    char *path;           /* NULL: no spool */
    struct spool_settings settings;
    uint64_t ring;
    bool changed; /* path, settings or preamble */
    struct buf preamble;
    bool split, stop;
    uint64_t resent, direct_sent, direct_lost[DROP_REASONS]; /* not in the ledger yet; direct: from
                                                              the queue to the sender */
    struct feed_lane lanes[FEED_LANES];
    struct feed_done done[SPOOL_BATCHES];
    size_t done_count;
    uint64_t resting[SPOOL_BATCHES]; /* feed_rest(): first records of batches */
    size_t resting_count;
    uint64_t hand; /* the oldest item that was taken and is not committed; UINT64_MAX: none */
    bool tried;    /* to open it, since it was wanted */
    bool is_open, writes;
    unsigned epoch;
    struct feed_figures figures;

    /* the disk thread's own */
    struct spool *spool;       /* NULL: not open */
    char *spool_path;          /* of it */
    uint64_t now_us, again_us; /* again: when what failed is tried once more */
    bool told_open, told_write, told_ledger, carried;
    struct queue_early early;    /* what of it is passed on already */
    uint64_t lost[DROP_REASONS]; /* likewise */
    uint64_t ring_noted;
    struct buf item;
};

void *feed_disk_run(void *context); /* a struct feed */

#endif
