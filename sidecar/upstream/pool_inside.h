/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's two halves: who waits (pool.c) and what they wait for (pool_connection.c). Nobody else
 * includes it. */
#ifndef SIDEGATE_SIDECAR_UPSTREAM_POOL_INSIDE_H
#define SIDEGATE_SIDECAR_UPSTREAM_POOL_INSIDE_H

#include "sidecar/upstream/pool.h"

enum connection_state {
    CONNECTION_CONNECTING,
    CONNECTION_IDLE,
    CONNECTION_BUSY,
    CONNECTION_CLOSING, /* not counted any more; on_closed comes */
};
enum { CONNECTION_STATES = CONNECTION_CLOSING + 1 };

struct connection {
    struct list link; /* in its state's list */
    struct pool *pool;
    enum connection_state state;
    const struct pool_target *target; /* NULL: no longer wanted; closes when it is idle */
    struct timer timer;               /* of connecting, of being idle */
    struct watch watch;               /* while connecting a socket */
    struct stream *shaking;           /* connected, and shaking hands by TLS; NULL: not so */
    struct h1_client *client;         /* NULL while connecting */
    size_t tries;                     /* targets that this attempt has gone through */
    uint64_t began_us, connect_us;
    bool has_served;
};

struct pool {
    struct loop *loop;
    struct pool_options options;
    uint64_t *refused_until_us; /* of each target */
    size_t next_target;
    struct list connections[CONNECTION_STATES]; /* idle: the latest used first */
    unsigned counts[CONNECTION_STATES];
    struct list tickets; /* first come, first served */
    unsigned waiting;
    struct pool_ticket *asking; /* needs no wake: it is inside pool_ask */
    struct task work;           /* looks at everything again */
    bool ends;                  /* pool_free was called */
    struct pool_figures totals;
};

/* ---- pool_connection.c ---- */

/* Begins to connect; may be connected at once, or have failed at once. */
void connection_start(struct pool *pool);
/* The stream of the next request on an idle connection. */
struct server *connection_begin(struct connection *connection);
/* Whatever it is doing. Connecting: gone at once; else on_closed follows. */
void connection_close(struct connection *connection);
/* The one that was used longest ago, or NULL. */
struct connection *connection_oldest_idle(struct pool *pool);

/* ---- pool.c ---- */

/* A connection came, became idle or went: tickets may be served, at the end of the turn. */
void pool_look_again(struct pool *pool);
/* An attempt has failed, at this target last (NULL: new settings do not know it): tells the first
 * that waits, unless time was up for a connection that had begun before it came. */
void pool_failed(struct pool *pool, enum pool_answer answer, const char *error,
                 const struct pool_target *target);
/* The last connection is gone and nobody wants the pool. */
void pool_end(struct pool *pool);

#endif
