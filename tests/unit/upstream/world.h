/* SPDX-License-Identifier: Apache-2.0 */
/* A loop with a clock that is turned by hand, a pool on it, and backends at the other ends of
 * streams in memory. */
#ifndef SIDEGATE_TESTS_UNIT_UPSTREAM_WORLD_H
#define SIDEGATE_TESTS_UNIT_UPSTREAM_WORLD_H

#include "sidecar/upstream/pool.h"
#include "tests/check.h"

enum { WORLD_TARGETS = 3, WORLD_STREAMS = 16 };
#define SECOND UINT64_C(1000000)

struct world {
    uint64_t now_us;
    struct clock clock;
    struct loop *loop;
    struct arena_chunks *chunks;
    struct pool_target targets[WORLD_TARGETS];
    bool refuses[WORLD_TARGETS];
    unsigned asked[WORLD_TARGETS];          /* how often each was to be connected */
    struct stream *backends[WORLD_STREAMS]; /* in the order of their making */
    size_t count;
    struct pool_options options;
    struct pool *pool;
    unsigned wakes; /* of all tickets */
};

void world_init(struct world *world);
/* Makes the pool of the options. */
void world_begin(struct world *world);
/* Frees what is left; the pool has been freed before. */
void world_fini(struct world *world);
void world_turn(struct world *world);
void world_pass(struct world *world, uint64_t us);

struct pool_ticket world_ticket(struct world *world);
/* The request goes out, the backend answers it, the server is released. */
void world_serve(struct world *world, struct pool_ticket *ticket, size_t backend);
/* Has the pool closed its end? */
bool world_is_closed(struct world *world, size_t backend);

#endif
