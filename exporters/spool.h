/* SPDX-License-Identifier: Apache-2.0 */
/* Records on disk, from when they are made until they are sent: segments that are only ever
 * appended to, and a ledger of what became of every record.
 *
 *   folder   ledger | 0000000000000000-5bd1e995.spool | 00000000000004d2-9c1b03f7.spool | ...
 *                     first sequence   salt
 *
 *   append, commit --> segment --> read --> batch --> settle: sent, or lost for a reason
 *                                             |
 *                                             +--> return: it is read again
 *
 * Two lanes are read: what is fresh, and the backlog (what an earlier process left, or an outage
 * piled up: spool_split()), so that an old pile holds nothing new up. Both are in order.
 *
 * What it survives: a kill at any moment (a frame half written is cut off; the ledger has two
 * slots), broken bytes (a record is lost and counted, its neighbours are not), a full disk (nothing
 * is written half), jumps of the clock. What was sent without having been settled in the ledger is
 * sent again. One process at a time: the folder is locked.
 *
 * One thread. It may block on the disk. */
#ifndef SIDEGATE_EXPORTERS_SPOOL_H
#define SIDEGATE_EXPORTERS_SPOOL_H

#include <sys/types.h>

#include "exporters/spool_ledger.h"

struct spool;

struct spool_settings {
    uint64_t most_bytes;  /* of all segments; the oldest are lost first ("spool_full") */
    uint64_t most_age_us; /* of a record, by the spool's own time ("expired") */
    enum spool_fsync fsync;
};

/* How bytes are written, as pwrite(); for tests, whose disks are full when they say so. */
struct spool_disk {
    ssize_t (*write)(void *context, int fd, const void *bytes, size_t len, off_t at);
    void *context;
};

enum spool_opened {
    SPOOL_OPENED,
    SPOOL_BUSY,     /* another process has it */
    SPOOL_UNUSABLE, /* errno; what lies there is as it was, and may be tried again */
};
/* What was found there; to be told. */
struct spool_found {
    uint64_t waiting, waiting_records, waiting_bytes;
    uint64_t torn_bytes; /* cut off behind the last whole record */
    enum ledger_found ledger;
};
/* `folder` is a descriptor of the folder; it is taken over, whatever comes of it. `disk` NULL: the
 * system's own. */
enum spool_opened spool_open(int folder, const struct spool_settings *settings,
                             const struct spool_disk *disk, const struct spool_time *now,
                             struct spool **out, struct spool_found *found);
void spool_change(struct spool *spool, const struct spool_settings *settings);
/* Saves the ledger; what was appended and not committed is forgotten. NULL allowed. */
void spool_close(struct spool *spool);

/* What stands at the head of every segment from now on (copied) and comes back with its batches. */
void spool_preamble(struct spool *spool, struct span preamble);

/* To be called first whenever something is done: time goes on; what is too old is lost. */
void spool_tick(struct spool *spool, const struct spool_time *now);
/* What there is to do now and then: fsync by the interval, the ledger where it has changed,
 * segments that are done with. False: the ledger could not be written (errno). */
bool spool_keep(struct spool *spool);
/* Until the next fsync is due, in microseconds; UINT64_MAX: never. */
uint64_t spool_due_us(const struct spool *spool);

/* A record of `units` that are not 0. False: it is longer than FRAME_RECORD_BYTES, or there is no
 * room for it beside what is pending. It is on disk once spool_commit() has said so. */
bool spool_append(struct spool *spool, struct span record, unsigned units, unsigned signal);
bool spool_has_room(const struct spool *spool);    /* for any record, before the next commit */
uint64_t spool_pending(const struct spool *spool); /* units that are appended, not committed */
enum spool_commit {
    SPOOL_COMMITTED,
    SPOOL_NO_ROOM, /* the disk is full: nothing was written, all of it stays pending */
    SPOOL_FAILED,  /* likewise; errno */
};
enum spool_commit spool_commit(struct spool *spool);
/* Units that never came to the spool, and stand in its ledger all the same. */
void spool_lost(struct spool *spool, uint64_t units, enum drop_reason reason);
void spool_sent(struct spool *spool, uint64_t units);

enum spool_lane { SPOOL_BACKLOG, SPOOL_FRESH };
enum { SPOOL_BATCHES = 8 }; /* at most so many are out at once */
struct spool_batch {
    struct spool_range range; /* all that it settles: its records, and those lost on the way */
    uint64_t units, records;
    uint64_t corrupt, expired; /* units of the range that are lost already */
    unsigned signal;
    struct span preamble; /* empty where it was broken; borrowed until the next read */
};
/* Appends records of one segment and one signal to `to`, one behind the other: at most `most_units`
 * and what fits, but one at least. False: there is nothing now, or nothing that can be read now
 * (too many open files, a disk that fails): it goes on waiting. The batch is out until it is
 * settled or returned. */
bool spool_read(struct spool *spool, enum spool_lane lane, unsigned most_units, struct buf *to,
                struct spool_batch *batch);
/* Of its units `lost` were refused, for `reason`; all others were sent. */
void spool_settle(struct spool *spool, const struct spool_batch *batch, uint64_t lost,
                  enum drop_reason reason);
void spool_return(struct spool *spool, const struct spool_batch *batch);
/* Of the batches that are out, these (by their first record): nothing of them is under way or can
 * have arrived, so that a kill now doubles nothing. All others may be doubled. */
void spool_rest(struct spool *spool, const uint64_t *sequences, size_t count);
/* Units that may have arrived twice. */
void spool_resent(struct spool *spool, uint64_t units);
/* What waits now is the backlog, what comes from now on is fresh. */
void spool_split(struct spool *spool);

/* A number of the caller's that is saved with the ledger, and belongs to `whose`; spool_noted(): 0
 * where the ledger's belongs to somebody else. */
void spool_note(struct spool *spool, uint64_t whose, uint64_t number);
uint64_t spool_noted(const struct spool *spool, uint64_t whose);

struct spool_figures {
    uint64_t produced, sent, resent, lost[DROP_REASONS], waiting; /* units */
    uint64_t waiting_records, backlog, bytes, segments;           /* backlog: units of that lane */
    uint64_t ready[2]; /* of each lane, that are not out */
};
/* produced = sent + all that is lost + waiting */
void spool_figures(const struct spool *spool, struct spool_figures *figures);

#endif
