/* SPDX-License-Identifier: Apache-2.0 */
/* A request and its answer, walking the one line of stages (stages.tbl). An HTTP/2 stream will be
 * one like any other. Born when a client hands a head over (broken ones too), gone when it has been
 * accounted for; one thread. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_EXCHANGE_H
#define SIDEGATE_SIDECAR_EXCHANGE_EXCHANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "exporters/metrics.h"
#include "rules/base/arena.h"
#include "rules/base/list.h"
#include "rules/inspection.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/loop/loop.h"
#include "sidecar/upstream/pool.h"
#include "sidecar/wire/peer.h"

struct caller;
struct exchange;
struct ring;
struct exporter;
struct quotas;
struct sample_store;
struct samplers;

/* How short of memory the worker is; each level does what the ones before it do, too. */
enum overload {
    OVERLOAD_NONE,
    OVERLOAD_CLOSE_IDLE,    /* 85 %: idle connections close early */
    OVERLOAD_NO_KEEP_ALIVE, /* 92 %: each answer is its connection's last */
    OVERLOAD_REFUSE,        /* 95 %: new requests get 503 */
    OVERLOAD_NO_ACCEPT,     /* 97 %: nothing is accepted */
};

/* What an exchange finds around it on its worker. Borrowed; outlives all exchanges. */
struct surroundings {
    struct loop *loop;
    struct arena_chunks *chunks;
    struct worker_metrics *metrics;
    struct ring *ring;         /* NULL: records go nowhere (tests) */
    struct exporter *exporter; /* to be nudged; NULL: none */
    struct caller *caller;     /* for requests of ours; NULL: there is none (offline) */
    unsigned worker;
    struct inspection_world world;
    /* The worker's pool of an upstream; never NULL for one that a live snapshot names. */
    struct pool *(*pool)(void *context, const struct upstream_settings *upstream);
    /* One record, before it is folded; for tests. NULL: none. */
    void (*on_report)(void *context, const struct report *report);
    void *context;
    struct samplers *samplers;    /* X-Ray's sampling rules; NULL: nobody asks (offline) */
    struct sample_store *samples; /* requests that are kept of rules; NULL: none (offline) */
    struct quotas *quotas;        /* what API keys used; NULL: nobody counts */
    _Atomic unsigned *in_flight;  /* of the process: limits.requests_in_flight */
    uint64_t held_bytes; /* of bodies that are held for inspection, beside what arenas hold */
    enum overload overload;
    bool draining;
    struct list authorizer_calls; /* under way */
    struct list exchanges;        /* all that are alive */
    unsigned exchange_count;
    struct {
        unsigned now;
        bool met;            /* there was one */
    } active[ACTIVE_PLACES]; /* they, by active_place() */
    uint64_t random[4];      /* state of the generator of ids; seeded from the kernel */

    /* Inspections that used up their slice: each turn of the loop one of them goes on. */
    struct list behind;
    struct mail behind_mail;
    bool behind_sent;
};
/* Sets the lists, the mail and the generator up; the rest is the caller's. */
void surroundings_init(struct surroundings *around, struct loop *loop);

/* Who is at the other end of the connection. Borrowed until the client is released. */
struct connection_facts {
    const struct listener_settings *listener;
    struct span peer_address, server_address; /* text without port */
    unsigned peer_port, server_port;
    struct span scheme;
    const struct tls_facts *tls; /* NULL: without TLS */
    bool last;                   /* the answer is to be this connection's last (age, drain) */
};

/* Begins: takes a count of the snapshot, and the client until it releases it; runs as far as it
 * can. */
void exchange_begin(struct surroundings *around, struct snapshot *snapshot, struct client *client,
                    const struct connection_facts *facts);
/* The worker stops: ends every exchange now, each with its record. */
void exchanges_abort(struct surroundings *around);

/* Tells X-Ray of those that have lasted long. Cheap: nothing is asked of those that have not. */
void exchanges_say_progress(struct surroundings *around);

/* Keys of issuers were fetched, or could not be: who waits for them looks again. */
void exchanges_keys_came(struct surroundings *around);

/* For a death that explains itself: writes which stage each live exchange was in to stderr;
 * async-signal-safe. */
void surroundings_last_words(const struct surroundings *around);

/* An unpredictable number below `most` (0 where it is 0). */
uint64_t random_spread(struct surroundings *around, uint64_t most);

/* The table of stages as text, for the documentation: name, waits, sentence. */
struct buf;
void stages_print(struct buf *to);

#endif
