/* SPDX-License-Identifier: Apache-2.0 */
/* One signal to one receiver of OTLP, over HTTP (http/protobuf): nothing here ever blocks. One
 * thread, which turns the carrier.
 *
 *   item -- nothing waits before it --> filling -- full, or old enough --+
 *     | else                                                              |
 *   queue -- take ---------------------------------------------------> flying <----- again, when
 *                                                                         |     the quiet time
 *      2xx -----------------> sent (what a partial success refuses:       |     is over
 *                                   rejected) <---------------------------+              |
 *      429, 502, 503, 504, no answer ----> resting <----------------------+--------------+
 *      any other status -----------------> rejected <---------------------+
 *
 * A batch has at most 8,192 units (or one item's) and 2 MiB, and leaves at the latest a second
 * after its first item came, where the channel's settings say nothing else. Three are under way
 * at most; while the receiver cannot be reached they rest, for longer and longer and for as long as
 * Retry-After says. What waits, waits in the feed: in memory, where the oldest is dropped first, or
 * in a spool.
 *
 * After an outage what piled up in the spool is sent in its order, at most 4 MiB a second, and what
 * is fresh beside it. */
#ifndef SIDEGATE_EXPORTERS_OTLP_H
#define SIDEGATE_EXPORTERS_OTLP_H

#include "exporters/carrier.h"
#include "exporters/feed.h"
#include "exporters/otlp_body.h"

struct otlp;

struct otlp_settings { /* copied */
    const struct channel_settings *to;
    struct resource resource;
};

/* `feed` and `carrier` are borrowed. The feed's items are runs of the field that the signal has in
 * its Scope message: what spans_add() appends. `random`: 16 bytes, for the instance's id and the
 * jitter. */
struct otlp *otlp_new(struct feed *feed, struct carrier *carrier,
                      const struct otlp_settings *settings, const uint8_t random[16]);
/* For all requests from now on. */
void otlp_change(struct otlp *otlp, const struct otlp_settings *settings);
/* What is under way is returned to the feed. NULL allowed. */
void otlp_free(struct otlp *otlp);

/* Where an item can be written to as it comes: behind all that is in it. NULL: it has to wait in
 * the queue. */
struct buf *otlp_open_batch(struct otlp *otlp);
/* So many units came to what otlp_open_batch() gave, beginning at `from`. Where they are too many
 * for the batch they are the next one's. False: there is none, or no memory: the buf has them no
 * more, though their bytes are still there. */
bool otlp_filled(struct otlp *otlp, size_t from, unsigned units);

/* What was filled and has not left goes to the queue: a spool wants it now. */
void otlp_queue_filled(struct otlp *otlp);

/* Hands the carrier what is due at this time of the monotonic clock. `flush`: batches need not wait
 * to be full. */
void otlp_step(struct otlp *otlp, uint64_t now_us, bool flush);
/* Nothing is under way, resting or waiting. */
bool otlp_is_idle(struct otlp *otlp);
/* The receiver does not take anything: what was tried last came to nothing. */
bool otlp_is_stuck(const struct otlp *otlp);
/* Ends the quiet time: what rests is tried once more at the next step. */
void otlp_hurry(struct otlp *otlp);

#endif
