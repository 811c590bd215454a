/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's connections to one upstream: reuse with an idle timeout, a maximum, a bounded queue
 * before it. */
#ifndef SIDEGATE_SIDECAR_UPSTREAM_POOL_H
#define SIDEGATE_SIDECAR_UPSTREAM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/list.h"
#include "rules/base/span.h"
#include "sidecar/loop/loop.h"
#include "sidecar/wire/h1.h"
#include "sidecar/wire/stream.h"
#include "sidecar/wire/tls.h"

struct pool;

struct pool_target {
    struct address address;
    struct span name;        /* "127.0.0.1:3000", for logs; borrowed */
    struct tls_client *tls;  /* NULL: without TLS; borrowed like the rest */
    struct span server_name; /* TLS: whose certificate it must show; borrowed */
};

struct pool_options { /* copied; what it points to is borrowed */
    const struct pool_target
        *targets; /* taken in turn; one that refused a connection is passed over for a second */
    size_t target_count;
    unsigned max_connections; /* of this worker */
    unsigned max_pending;     /* who waits for a connection */
    uint64_t idle_timeout_us;
    uint64_t connect_timeout_us;
    struct h1_client_options client;
    /* How a connection is opened; NULL: a socket. Tests hand in memory streams. NULL from it:
     * refused. */
    struct stream *(*open)(void *context, const struct pool_target *target);
    void *context;
};

struct pool *pool_new(struct loop *loop, const struct pool_options *options);
/* New settings; connections whose target is still there stay. */
void pool_change(struct pool *pool, const struct pool_options *options);
/* Idle connections close now, busy ones at their end; then the pool frees itself. */
void pool_free(struct pool *pool);

enum pool_answer {
    POOL_WAIT,    /* it will come: ticket->wake */
    POOL_READY,   /* ticket->server is there */
    POOL_FULL,    /* max_pending wait already: 503 */
    POOL_REFUSED, /* no target could be connected: 502; ticket->error says why */
    POOL_TIMEOUT, /* connecting took too long: 504 */
};
struct pool_ticket { /* embedded in who asks */
    struct list link;
    void (*wake)(void *exchange);
    void *exchange;
    struct server *server;            /* READY; the asker releases it */
    const struct pool_target *target; /* READY; REFUSED, TIMEOUT: the last one tried, or NULL */
    const char *error; /* "connection_refused", "connect_timeout", "upstream_tls_..." */
    bool fresh;        /* in: only a new connection will do (a retry after a stale one) */
    enum pool_answer answer;
    uint64_t connect_us; /* how long connecting took; 0 where reused */
    uint64_t since_us;   /* when it was asked for */
    struct pool *pool;
};
enum pool_answer pool_ask(struct pool *pool, struct pool_ticket *ticket);
/* Look again after a wake; WAIT while nothing has come. */
enum pool_answer pool_poll(struct pool_ticket *ticket);
/* Not wanted any more, before it was READY. */
void pool_drop(struct pool_ticket *ticket);

struct pool_figures {
    unsigned idle, busy, connecting, pending;
    uint64_t connects, connect_failures, reuses, stale, rejected;
};
struct pool_figures pool_figures(const struct pool *pool);
/* Under memory pressure: idle connections go. */
void pool_close_idle(struct pool *pool);

#endif
