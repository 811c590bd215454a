/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics on disk, in an SQLite database, on a thread of its own: every ten seconds it writes the
 * minutes that have changed in memory; it answers what is asked of memory and disk together.
 *
 *   metrics  (id, key)                        a row for each metric
 *   minutes  (metric, minute, run, whole)     15 days: one sketch for each minute
 *   seconds  (metric, minute, run, seconds)   3 hours: those of its seconds
 *
 * `run` is a number of this start: what an earlier one wrote of the same minute stays beside it. A
 * kill loses ten seconds at the most. A database that is broken is put aside as metrics.db.broken,
 * and said; where nothing can be written, that is said and tried again, and memory goes on. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_ARCHIVE_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_ARCHIVE_H

#include "exporters/cloudwatch/metric_query.h"

struct archive_settings {
    const char *folder; /* NULL: memory alone */
    uint64_t bytes_most;
    uint64_t age_most_s;
};

struct archive;
/* The store is borrowed. NULL: no thread could be made. */
struct archive *archive_start(struct metric_store *store, const struct archive_settings *settings);
/* Runs what was asked for, writes what is left, until the deadline (monotonic clock). False: the
 * disk hangs, what is left is not written; the thread ends after the part that it is at, if ever,
 * the store must stay. NULL allowed. */
bool archive_stop(struct archive *archive, uint64_t deadline_us);

/* Calls `run` on the archive's thread with what memory and disk have. False: too many wait. */
typedef void archive_run(void *context, const struct metric_source *source);
bool archive_ask(struct archive *archive, archive_run *run, void *context);

struct archive_figures {
    uint64_t written;   /* minutes, again each time that they have changed */
    uint64_t failures;  /* attempts to write that failed: nothing of them is lost yet */
    uint64_t broken;    /* databases that were put aside, and minutes that could not be read */
    uint64_t forgotten; /* minutes that went before their time, for want of bytes */
    uint64_t bytes;     /* of the database */
};
struct archive_figures archive_figures(struct archive *archive);

#endif
