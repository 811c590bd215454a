/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's pools, one for each upstream that has ever been named; they outlive reloads. */
#ifndef SIDEGATE_SIDECAR_WORKER_POOLS_H
#define SIDEGATE_SIDECAR_WORKER_POOLS_H

#include "exporters/metrics.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/upstream/pool.h"

struct worker_pools;

/* `workers`: among how many the upstreams' maxima are divided. */
struct worker_pools *worker_pools_new(struct loop *loop, unsigned workers,
                                      struct arena_chunks *chunks, const struct snapshot *snapshot);
void worker_pools_free(struct worker_pools *pools);
/* After a reload: new upstreams, new targets, new maxima. */
void worker_pools_change(struct worker_pools *pools, const struct snapshot *snapshot);
struct pool *worker_pools_find(struct worker_pools *pools,
                               const struct upstream_settings *upstream);
void worker_pools_close_idle(struct worker_pools *pools);
/* Adds what has happened since the last call to the counters, and sets the gauges. */
void worker_pools_count(struct worker_pools *pools, struct worker_metrics *metrics);

#endif
