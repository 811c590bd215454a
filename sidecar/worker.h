/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: one thread with its loop, its listeners, its connections and its pools. Everything that
 * other threads want of it comes as mail. */
#ifndef SIDEGATE_SIDECAR_WORKER_H
#define SIDEGATE_SIDECAR_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "exporters/exporter.h"
#include "exporters/metrics.h"
#include "sidecar/config/snapshot.h"

struct worker;
struct quotas;
struct sample_store;
struct samplers;

enum { WORKER_CLOSING_US = 200000 }; /* how long worker_stop_accepting takes at the most */

/* What the workers of a process share. The process owns it; it outlives them. */
struct workers {
    struct worker **at;
    unsigned count;
    struct metrics *metrics;
    struct ring *ring;               /* NULL: records go nowhere */
    struct exporter *exporter;       /* NULL: none */
    struct collections *collections; /* SecLang's persistent ones */
    struct quotas *quotas;           /* what API keys used */
    struct sample_store **samples;   /* of each worker: requests that are kept of rules */
    struct samplers *samplers;       /* X-Ray's sampling rules */
    struct pair *environment;        /* what SecLang's ENV holds */
    size_t environment_count;
    uint64_t memory_bytes;           /* of all workers; each has its share */
    struct block_lists *block_lists; /* what @rbl asks; NULL: nothing is known */
    struct caller *caller;           /* requests of ours: sidecar/upstream/call.h */
    _Atomic unsigned in_flight;
    _Atomic unsigned connections;
};

struct worker_listener {
    const struct listener_settings *settings; /* of the snapshot that is current */
    int fd; /* listening; the worker dups nothing and closes nothing */
};

/* Makes worker `number`, which stands in workers->at from then on; all must be made before the
 * first is started, because they look at each other. `listeners` is copied: one for each listener
 * of the snapshot, in its order. The worker takes a count of the snapshot. */
struct worker *worker_new(struct workers *workers, unsigned number, struct snapshot *snapshot,
                          const struct worker_listener *listeners, size_t count);
/* Starts its thread. False: none could be made. */
bool worker_start(struct worker *worker);
/* From now on new requests go by this one; takes a count of it. `listeners` as at the start. */
void worker_swap(struct worker *worker, struct snapshot *snapshot,
                 const struct worker_listener *listeners, size_t count);
/* Keys of issuers were fetched, or could not be: who waits for them looks again. */
void worker_keys_came(struct worker *worker);
/* Each answer is its connection's last from now on. */
void worker_begin_drain(struct worker *worker);
/* Nothing is accepted any more, but who had begun to connect is still served; idle connections
 * close. */
void worker_stop_accepting(struct worker *worker);
/* Open connections; any thread. */
unsigned worker_connections(const struct worker *worker);
/* Loop time of the latest turn, monotonic: /livez looks whether it moves. Any thread. */
uint64_t worker_heartbeat_us(const struct worker *worker);
/* Ends every exchange, each with its record, and then the thread; one that was not started:
 * nothing. */
void worker_stop(struct worker *worker);
/* When all are stopped. */
void worker_free(struct worker *worker);

#endif
