/* SPDX-License-Identifier: Apache-2.0 */
/* How metrics lie in memory.
 *
 *   family    label set 0 | 1 | 2 | ... | 1999 | overflow      names and values, met by any worker
 *                 :         :                     :
 *   worker 0  series 0   | 1 | - | ...                         numbers: written by this worker
 *   worker 1  series -   | 1 | 2 | ...                         only, read by anybody
 *
 * A label set is made under the family's lock, once; after that a worker finds its series in a map
 * of its own. */
#ifndef SIDEGATE_EXPORTERS_METRICS_TABLE_H
#define SIDEGATE_EXPORTERS_METRICS_TABLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "exporters/exemplar.h"
#include "exporters/exponential.h"
#include "exporters/metrics.h"
#include "rules/base/map.h"

enum { LABEL_SETS = 2000, OVERFLOW_SET = LABEL_SETS, LABELS_MOST = 5, STAGE_MEMO = 64 };

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum family_id {
#define FAMILY(id, name, kind, sentence) id,
#include "exporters/metrics.tbl"
    FAMILIES,
};

/* Upper bounds of all histograms: OpenTelemetry's for HTTP, and some below a millisecond. */
enum { BUCKETS = 19 };
extern const uint64_t bucket_bounds_us[BUCKETS];
extern const char *const bucket_names[BUCKETS + 1]; /* as `le` spells them */

struct series {
    _Atomic uint64_t sum;                    /* a counter's value; of a histogram in microseconds */
    _Atomic uint64_t least_and_1, most;      /* of a histogram, in microseconds; 0: nothing yet */
    _Atomic uint64_t buckets[BUCKETS + 1];   /* after the two: what is counted lies between them */
    struct exemplar_slot *_Atomic exemplars; /* one for each bucket, a counter's the first; NULL
                                                until a sampled request is counted */
    struct duration_buckets *_Atomic durations; /* NULL: exponential buckets are not wanted, or
                                                   nothing is counted yet */
};

struct label_set {
    unsigned number; /* of the set */
    unsigned label_count;
    struct pair labels[LABELS_MOST]; /* those that are not empty */
};

struct family {
    pthread_mutex_t lock;
    struct map *sets;       /* key -> struct label_set; under the lock */
    _Atomic unsigned count; /* of sets; those below it are never changed */
    struct label_set *list[LABEL_SETS];
};

struct share {
    struct map *known; /* key -> struct series, the worker's own; never of the overflow set */
    struct series *_Atomic series[LABEL_SETS + 1];
};

struct worker_metrics {
    struct metrics *whole;
    struct meter *meter; /* what alarms ask for */
    struct tally *tally; /* by route, method and rule */
    struct share shares[FAMILIES];
    _Atomic uint64_t gauges[GAUGE_COUNT], counters[COUNTER_COUNT];
    _Atomic uint64_t active[ACTIVE_PLACES]; /* one more than it is; 0: never told of */
    struct {
        const char *name;
        struct series *series;
    } stages[STAGE_MEMO]; /* names are static text: their address is enough to know them again */
};

struct metrics {
    struct family families[FAMILIES];
    unsigned workers;
    uint64_t began_wall_us;         /* since when all of them count */
    struct duration_bounds *bounds; /* NULL: exponential buckets are not wanted */
    struct worker_metrics *list[];
};

/* Only the worker's own thread. Never NULL: where there are too many sets, the overflow series.
 * Labels with empty values are left out. */
struct series *series_get(struct worker_metrics *worker, enum family_id family,
                          const struct pair *labels, size_t count);

/* One writer: no locked instruction is needed. */
static inline void figure_add(_Atomic uint64_t *figure, uint64_t n)
{
    atomic_store_explicit(figure, atomic_load_explicit(figure, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

#endif
