/* SPDX-License-Identifier: Apache-2.0 */
/* All metrics of one moment in OTLP's encoding: counters as monotonic sums, gauges, histograms with
 * explicit or exponential buckets, each point with the sampled requests that stand for it.
 *
 *   cumulative   |=====================>|     since the process began
 *   delta        |       |       |=====>|     since the reading before; what did not change is left
 *                                             out. Gauges, and sums that also fall, are as always.
 */
#ifndef SIDEGATE_EXPORTERS_METRICS_OTLP_H
#define SIDEGATE_EXPORTERS_METRICS_OTLP_H

#include "exporters/metrics.h"

struct metrics_otlp; /* one thread; remembers the reading before */

/* Who reads: bytes that are `metrics` fields of a ScopeMetrics message, and how many data points
 * they hold; borrowed for the call. Such runs of bytes may be put one behind the other. */
struct metrics_taker {
    void *context;
    void (*take)(void *context, struct span metrics, unsigned points);
};

/* What counts before now is no part of deltas: `now_wall_us` is when the first one begins. */
struct metrics_otlp *metrics_otlp_new(bool is_delta, uint64_t now_wall_us);
void metrics_otlp_free(struct metrics_otlp *otlp); /* NULL allowed */

/* Where it is for deltas, the first reading only remembers. No run of bytes is longer than 512 KiB.
 */
void metrics_otlp_read(struct metrics_otlp *otlp, const struct metrics *metrics,
                       const struct exporter *exporter, const struct process_facts *facts,
                       uint64_t now_wall_us, const struct metrics_taker *taker);

#endif
