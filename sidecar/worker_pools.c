/* SPDX-License-Identifier: Apache-2.0 */
/* Pools by the name of their upstream. The texts and targets that a pool borrows are kept here, by
 * copy, because a connection may outlive the snapshot that named its target. */
#include "sidecar/worker_pools.h"

#include <stdlib.h>

#include "rules/base/list.h"
#include "rules/base/must.h"

enum { BUFFER_BYTES = 16 * 1024, ANSWER_HEAD_BYTES = 64 * 1024, ANSWER_FIELDS = 256 };

struct slot {
    struct list link;
    struct span name;
    struct pool *pool;
    struct tls_client *tls; /* NULL: without TLS */
    struct arena *texts;    /* of every target that it ever had */
    struct pool_figures counted;
};

struct worker_pools {
    struct loop *loop;
    unsigned workers;
    struct arena_chunks *chunks;
    struct list slots;
    uint64_t connect_timeout_us;
};

static struct slot *find(struct worker_pools *pools, struct span name)
{
    for (struct list *link = pools->slots.next; link != &pools->slots; link = link->next) {
        struct slot *slot = list_entry(link, struct slot, link);
        if (span_is(slot->name, name))
            return slot;
    }
    return NULL;
}

static unsigned share(unsigned whole, unsigned workers)
{
    return (whole + workers - 1) / workers;
}

/* "127.0.0.1:3000" and "[::1]:3000" without port and brackets. */
static struct span host_of(struct span target)
{
    struct span host = span_first(target, span_find_last_byte(target, ':'));
    bool bracketed = span_starts(host, SPAN("[")) && span_ends(host, SPAN("]"));
    return bracketed ? span_make(host.at + 1, host.len - 2) : host;
}

static struct pool_options options_of(const struct worker_pools *pools, struct slot *slot,
                                      const struct upstream_settings *upstream)
{
    struct pool_target *targets =
        arena_alloc(slot->texts, upstream->target_count * sizeof(struct pool_target));
    must(targets != NULL);
    for (size_t i = 0; i < upstream->target_count; i++) {
        targets[i].address = upstream->addresses[i];
        targets[i].name = arena_copy(slot->texts, upstream->targets[i]);
        targets[i].tls = slot->tls;
        struct span name = upstream->tls.server_name;
        targets[i].server_name =
            name.at != NULL ? arena_copy(slot->texts, name) : host_of(targets[i].name);
    }
    return (struct pool_options){
        .targets = targets,
        .target_count = upstream->target_count,
        .max_connections = share(upstream->max_connections, pools->workers),
        .max_pending = share(upstream->max_pending, pools->workers),
        .idle_timeout_us = upstream->idle_timeout_us,
        .connect_timeout_us = pools->connect_timeout_us,
        .client = {.limits = {.head_bytes = ANSWER_HEAD_BYTES, .field_count = ANSWER_FIELDS},
                   .buffer_bytes = BUFFER_BYTES,
                   .chunks = pools->chunks},
    };
}

void worker_pools_change(struct worker_pools *pools, const struct snapshot *snapshot)
{
    const struct settings *settings = snapshot->settings;
    pools->connect_timeout_us = settings->timeouts.connect_us;
    for (size_t i = 0; i < settings->upstream_count; i++) {
        const struct upstream_settings *upstream = &settings->upstreams[i];
        struct slot *slot = find(pools, upstream->name);
        bool is_new = slot == NULL;
        if (is_new) {
            slot = must_alloc(sizeof(*slot));
            slot->texts = arena_new(NULL, SIZE_MAX / 2);
            must(slot->texts != NULL);
            slot->name = arena_copy(slot->texts, upstream->name);
            list_add(&pools->slots, &slot->link);
        }
        struct tls_client *old = slot->tls, *tls = snapshot->tls_clients[i];
        slot->tls = tls != NULL ? tls_client_take(tls) : NULL;
        struct pool_options options = options_of(pools, slot, upstream);
        if (is_new)
            slot->pool = pool_new(pools->loop, &options);
        else
            pool_change(slot->pool, &options);
        tls_client_give(old);
    }
}

struct worker_pools *worker_pools_new(struct loop *loop, unsigned workers,
                                      struct arena_chunks *chunks, const struct snapshot *snapshot)
{
    struct worker_pools *pools = must_alloc(sizeof(*pools));
    *pools = (struct worker_pools){.loop = loop, .workers = workers, .chunks = chunks};
    list_init(&pools->slots);
    worker_pools_change(pools, snapshot);
    return pools;
}

void worker_pools_free(struct worker_pools *pools)
{
    for (struct list *first; (first = list_first(&pools->slots)) != NULL;) {
        struct slot *slot = list_entry(first, struct slot, link);
        list_remove(&slot->link);
        pool_free(slot->pool);
        for (unsigned turn = 0; turn < 4;
             turn++) /* its connections say goodbye in their own turn */
            loop_turn(pools->loop, 0);
        arena_free(slot->texts);
        tls_client_give(slot->tls);
        free(slot);
    }
    free(pools);
}

struct pool *worker_pools_find(struct worker_pools *pools, const struct upstream_settings *upstream)
{
    struct slot *slot = find(pools, upstream->name);
    must(slot != NULL);
    return slot->pool;
}

void worker_pools_close_idle(struct worker_pools *pools)
{
    for (struct list *link = pools->slots.next; link != &pools->slots; link = link->next)
        pool_close_idle(list_entry(link, struct slot, link)->pool);
}

void worker_pools_count(struct worker_pools *pools, struct worker_metrics *metrics)
{
    uint64_t idle = 0, busy = 0, pending = 0;
    for (struct list *link = pools->slots.next; link != &pools->slots; link = link->next) {
        struct slot *slot = list_entry(link, struct slot, link);
        struct pool_figures now = pool_figures(slot->pool);
        metrics_add(metrics, COUNTER_UPSTREAM_CONNECTS, now.connects - slot->counted.connects);
        metrics_add(metrics, COUNTER_UPSTREAM_CONNECT_FAILURES,
                    now.connect_failures - slot->counted.connect_failures);
        slot->counted = now;
        idle += now.idle;
        busy += now.busy;
        pending += now.pending;
    }
    metrics_gauge(metrics, GAUGE_UPSTREAM_IDLE, idle);
    metrics_gauge(metrics, GAUGE_UPSTREAM_BUSY, busy);
    metrics_gauge(metrics, GAUGE_UPSTREAM_PENDING, pending);
}
