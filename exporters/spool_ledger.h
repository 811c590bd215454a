/* SPDX-License-Identifier: Apache-2.0 */
/* What became of every record of a spool: a row of numbers, of which each is settled (sent, or lost
 * for a reason) or not. Kept in a file of two slots that are written in turn, each with a checksum
 * and a number: a slot that is torn or flipped leaves the other one. Nothing grows: a full disk
 * does not stop it.
 *
 *   sequence   0 ========== settled ==========|  waiting  |== settled ==|  waiting ... | appended
 *
 * At every moment, in units:   appended + outside = sent + lost + waiting
 * (outside: sent or lost without ever having been appended, and part of `sent` or `lost`). */
#ifndef SIDEGATE_EXPORTERS_SPOOL_LEDGER_H
#define SIDEGATE_EXPORTERS_SPOOL_LEDGER_H

#include "exporters/exporter.h"
#include "exporters/spool_frame.h"

enum {
    LEDGER_RANGES = 16,      /* runs of settled records that do not touch */
    LEDGER_REASONS = 16,     /* room for enum drop_reason, whose numbers are kept */
    LEDGER_SLOT_BYTES = 4096 /* two of them make the file */
};
_Static_assert((int)DROP_REASONS <= (int)LEDGER_REASONS, "a ledger has room for all reasons");

struct spool_range {
    struct spool_position from, to;
};

/* Wall clocks jump. The spool's own time goes on with the monotonic clock, over restarts too as
 * long as the machine is not booted anew; then by what the wall clock says, but never back. */
struct spool_time {
    uint64_t monotonic_us, wall_us;
    uint8_t boot[16]; /* which start of the machine this is */
};

struct ledger {
    uint64_t generation;
    struct spool_position appended; /* where the next record stands */
    uint64_t sent, resent, outside, lost[LEDGER_REASONS];
    uint64_t out;    /* units that were under way */
    uint64_t now_us; /* the spool's time at `time` */
    struct spool_time time;
    uint64_t noted_whose, noted; /* the caller's: see spool_note() */
    uint64_t range_count;
    struct spool_range ranges[LEDGER_RANGES]; /* sorted, not touching; the first begins at 0 */
};

/* Nothing has ever been appended. */
void ledger_init(struct ledger *ledger);

enum ledger_found {
    LEDGER_NONE,   /* an empty file */
    LEDGER_SOUND,  /* both slots, or a file that was never written twice */
    LEDGER_MENDED, /* one of two: what happened last may be forgotten */
    LEDGER_BROKEN, /* there was one; `ledger` is as ledger_init() makes it */
};
/* From the bytes of the file. */
enum ledger_found ledger_read(struct span file, struct ledger *ledger);
/* The slot that `ledger` goes to, whole: LEDGER_SLOT_BYTES at *at. Counts its generation up. */
void ledger_write(struct ledger *ledger, struct buf *to, uint64_t *at);

/* The records of the range are settled; none of them was before. What they came to is counted by
 * the caller, in `sent` and `lost`. */
void ledger_settle(struct ledger *ledger, struct spool_range range);
/* The first record from `at` on that is not settled. */
struct spool_position ledger_skip(const struct ledger *ledger, struct spool_position at);
/* The first settled record from `at` on; `end` where there is none before it. */
struct spool_position ledger_next(const struct ledger *ledger, struct spool_position at,
                                  struct spool_position end);
uint64_t ledger_waiting(const struct ledger *ledger);         /* units */
uint64_t ledger_waiting_records(const struct ledger *ledger); /* a broken one counts as one */

/* The spool's time goes on to this moment. */
void ledger_tick(struct ledger *ledger, const struct spool_time *time);

#endif
