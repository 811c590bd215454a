/* SPDX-License-Identifier: Apache-2.0 */
/* Spans to an OTLP receiver, over HTTP (http/protobuf), by libcurl's multi interface: nothing here
 * ever blocks. One thread.
 *
 *   queue -- take --> flying -- 2xx ---------------------> sent (what a partial success refuses:
 *                     |    ^                                     rejected)
 *                     |    +--- again, when the quiet time is over <--+
 *                     |                                               |
 *                     +-- 429, 502, 503, 504, no answer -----> resting
 *                     +-- any other status ------------------> rejected
 *
 * A batch has at most 512 spans (or one request's) and 1 MiB, and leaves at the latest a second
 * after its first span came. Two are under way at most; while the receiver cannot be reached they
 * rest, for longer and longer and for as long as Retry-After says. What waits, waits in the feed:
 * in memory, where the oldest is dropped first, or in a spool.
 *
 * After an outage what piled up in the spool is sent in its order, at most 4 MiB a second, and what
 * is fresh beside it. */
#ifndef SIDEGATE_EXPORTERS_OTLP_H
#define SIDEGATE_EXPORTERS_OTLP_H

#include "exporters/feed.h"

struct otlp;

struct otlp_settings {    /* copied */
    const char *endpoint; /* base URL */
    struct span service_name, environment;
    uint64_t timeout_us; /* of one request; 0: 10 s */
    bool gzip;
};

/* `feed` is borrowed: its items are what spans_add() appends. `random`: 16 bytes, for the
 * instance's id and the jitter. */
struct otlp *otlp_new(struct feed *feed, const struct otlp_settings *settings,
                      const uint8_t random[16]);
/* For all requests from now on. */
void otlp_change(struct otlp *otlp, const struct otlp_settings *settings);
/* What is under way is returned to the feed. NULL allowed. */
void otlp_free(struct otlp *otlp);

/* Moves everything that can be moved at this time of the monotonic clock. `flush`: batches need not
 * wait to be full. */
void otlp_step(struct otlp *otlp, uint64_t now_us, bool flush);
/* Waits until a socket or `fd` is ready, at most so long; true: `fd` is. */
bool otlp_wait(struct otlp *otlp, int fd, int timeout_ms);
/* Nothing is under way, resting or waiting. */
bool otlp_is_idle(struct otlp *otlp);
/* The receiver does not take anything: what was tried last came to nothing. */
bool otlp_is_stuck(const struct otlp *otlp);
/* Ends the quiet time: what rests is tried once more at the next step. */
void otlp_hurry(struct otlp *otlp);

#endif
