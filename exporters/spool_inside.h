/* SPDX-License-Identifier: Apache-2.0 */
/* The spool's one object, for the files that make it up: spool.c (its life, the ledger),
 * spool_write.c (appending, limits), spool_read.c (lanes and batches). */
#ifndef SIDEGATE_EXPORTERS_SPOOL_INSIDE_H
#define SIDEGATE_EXPORTERS_SPOOL_INSIDE_H

#include "exporters/spool.h"
#include "exporters/spool_segment.h"

enum { SPOOL_LANES = 2 };

/* Where a lane reads: `at` is what stands at `offset` of the segment. */
struct spool_cursor {
    struct window window;
    struct spool_position at;
    uint64_t named, offset; /* offset 0: not known */
};

struct spool {
    int folder, ledger_file;
    struct spool_settings settings;
    struct spool_disk disk;
    uint32_t salt; /* of segments that are made from now on */

    struct ledger ledger;
    bool dirty;            /* the ledger has changed since it was saved */
    uint64_t saved_now_us; /* when that was, by the spool's time */
    struct buf slot;       /* while it is saved */
    struct spool_found found;

    struct segment *segments; /* in order; the last one may be open */
    size_t segment_count, segment_room;
    uint64_t bytes; /* of all of them */

    int open;      /* the last segment, for appending; -1: the next commit makes one */
    bool unsynced; /* something of it is not on the disk yet */
    bool folder_unsynced;
    uint64_t unsynced_us; /* since when */
    struct buf pending;   /* frames, in front of them room for a segment's head */
    struct spool_position pending_end;
    struct buf head, preamble;

    struct spool_cursor cursors[SPOOL_LANES];
    struct spool_position split; /* the fresh lane begins here */
    struct spool_range out[SPOOL_BATCHES];
    size_t out_count;
    uint64_t resting[SPOOL_BATCHES]; /* of them: spool_rest() */
    size_t resting_count;
    struct buf batch_preamble;
    uint64_t batch_preamble_of; /* named; UINT64_MAX: none */
};

/* ---- spool.c ---- */

bool spool_save(struct spool *spool);
/* Where the i-th segment's records end. */
struct spool_position spool_segment_end(const struct spool *spool, size_t i);

/* ---- spool_write.c ---- */

void spool_sync(struct spool *spool);
/* The open segment is appended to no more. */
void spool_roll(struct spool *spool);
/* The first segment goes; what of it is neither settled nor out is lost. */
void spool_drop_first(struct spool *spool, enum drop_reason reason);
/* The i-th one goes: all of it is settled. */
void spool_forget(struct spool *spool, size_t i);

/* ---- spool_read.c ---- */

/* The first record from `at` on that is neither settled nor out. */
struct spool_position spool_free_from(const struct spool *spool, struct spool_position at);
/* Where what begins at `at` and is free comes to its end, `end` at the latest. */
struct spool_position spool_free_to(const struct spool *spool, struct spool_position at,
                                    struct spool_position end);

#endif
