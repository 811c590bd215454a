/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics as CloudWatch has them: a namespace, a name, up to 30 dimensions; and the samples of each
 * second of the last three hours as packed sketches, minute by minute:
 *
 *   metric   minute 29754123 | 29754124 | ...     at most MINUTES_KEPT
 *               :
 *            second 7, packed sketch | second 8, packed sketch | ...
 *
 * Any thread; everything stands under one lock, which no worker meets, and which is held for no
 * longer than a minute's bytes are copied, or a list is walked. The store is bounded in
 * metrics and in bytes: a metric that finds no room is counted; for want of bytes the oldest
 * minutes of all metrics are put together, so that nothing shorter is known of them, and then
 * dropped. Where the clock was set back by more than is kept, the third second that comes late
 * shows it: minutes beyond it go. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_METRIC_STORE_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_METRIC_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/alarms/math.h"
#include "exporters/alarms/sketch.h"
#include "rules/base/buf.h"
#include "rules/base/span.h"

enum {
    METRIC_MINUTES_KEPT = 180,
    METRIC_DIMENSIONS_MOST = 30,
    METRIC_TEXT_MOST = 1024, /* of a namespace, a name, a dimension */
};

struct metric_id {
    struct span namespace, name;
    const struct pair *dimensions; /* in any order */
    size_t dimension_count;
};

struct metric_store;
struct metric_store *metric_store_new(size_t metrics_most, size_t bytes_most);
void metric_store_free(struct metric_store *store); /* NULL allowed */

/* False: there is no room for one more metric, or for more samples in its minute, or the time is
 * longer gone than what is kept. All are counted. */
bool metric_store_add(struct metric_store *store, const struct metric_id *id, int64_t second,
                      const struct sketch *samples);

struct metric_store_figures {
    size_t metrics, bytes;
    uint64_t refused;   /* times that a new metric found no room, or samples none in their minute */
    uint64_t joined;    /* minutes whose seconds were put together, for want of bytes */
    uint64_t forgotten; /* minutes that went before their time, for want of bytes */
    uint64_t late;      /* samples that came when their minute was gone; minutes that the clock took
                           back */
};
struct metric_store_figures metric_store_figures(struct metric_store *store);

/* Merges a metric's samples into `slots`, one for each period of the window; periods of
 * minutes begin with a minute. False: there is no such metric. `*oldest_s`: before that nothing is
 * kept here. */
bool metric_store_read(struct metric_store *store, const struct metric_id *id,
                       const struct math_window *window, struct sketch *slots, int64_t *oldest_s);

bool metric_store_has(struct metric_store *store, const struct metric_id *id);

/* Minutes that have changed, for who keeps them elsewhere; as metric_minute_read() has them.
 * Borrowed for the call; the visitor may not call the store. */
typedef void metric_store_changed(void *context, const struct metric_id *id, int64_t minute,
                                  struct span bytes);
/* How far one has come; zeroed but for `since`. */
struct metric_changes {
    uint64_t since; /* a number that an earlier walk gave; 0: all of them */
    uint64_t until; /* the next walk's, once this one is over: what has changed meanwhile comes
                       then, though it may have come now */
    uint64_t metric, end; /* the rest is the store's own: by the metrics' numbers */
    int64_t minute;
    bool begun;
};
/* The next of them, until it was `most_bytes` or all; so the lock is held for no longer. False:
 * that was the last part. Metrics that come or are given up between two parts neither repeat nor
 * lengthen the walk: what is new comes with the next one. */
bool metric_store_changes(struct metric_store *store, struct metric_changes *changes,
                          size_t most_bytes, metric_store_changed *visit, void *context);

/* A minute's bytes: second (60: of the whole minute), packed sketch, and so on. Merges what lies in
 * the window. False: these bytes are none. */
bool metric_minute_read(int64_t minute, struct span bytes, const struct math_window *window,
                        struct sketch *slots);
/* The same minute as one sketch. False: the bytes are none, or do not fit. */
bool metric_minute_join(struct span bytes, struct buf *to);

/* One spelling for one metric: namespace, name, dimensions by name. False: it does not fit. */
bool metric_key_make(struct buf *to, const struct metric_id *id);
/* The same back; borrows the key. False: it is none. */
bool metric_key_read(struct span key, struct metric_id *id,
                     struct pair dimensions[METRIC_DIMENSIONS_MOST]);

/* In the arena; once that is full, with less. */
struct metric_id metric_id_copy(struct arena *arena, const struct metric_id *id);

/* Every metric, by the order in which they came; texts are borrowed for the call, and the visitor
 * may not call the store. */
typedef void metric_store_visit(void *context, const struct metric_id *id);
void metric_store_each(struct metric_store *store, metric_store_visit *visit, void *context);

#endif
