/* SPDX-License-Identifier: Apache-2.0 */
/* Every figure of one moment, in the order of metrics.tbl, for whoever gives it a form: the pages
 * that Prometheus reads, OTLP. Sums over the workers; a histogram's count is the sum of its
 * buckets, so that it never contradicts them. */
#ifndef SIDEGATE_EXPORTERS_METRICS_WALK_H
#define SIDEGATE_EXPORTERS_METRICS_WALK_H

#include "exporters/exemplar.h"
#include "exporters/exponential.h"
#include "exporters/metrics.h"
#include "exporters/metrics_table.h"

struct metric {
    const char *name; /* as metrics.tbl has it */
    const char *sentence;
    enum metric_kind kind;
};

struct histogram_figures {
    uint64_t count, sum_us;
    uint64_t least_and_1_us, most_us;       /* since the start; 0: nothing yet */
    uint64_t buckets[BUCKETS + 1];          /* each by itself */
    struct exemplar exemplars[BUCKETS + 1]; /* wall 0: none */
    bool is_exponential;                    /* the same in these buckets, by seconds */
    struct exponential exponential;
};

struct figure {
    const struct pair *labels;
    size_t label_count;
    uint64_t value;                            /* of a number... */
    bool is_us;                                /* ...that is of microseconds, not as it stands */
    const struct histogram_figures *histogram; /* NULL: a number */
    const struct exemplar *exemplar;           /* of a counter; NULL: none */
    uint64_t start_wall_us; /* since when it counts; 0: since before this process */
};

/* All that is given is borrowed for the call. */
struct metric_sink {
    void *context;
    /* A metric begins: the figures that follow are its, until the next one. */
    void (*metric)(void *context, const struct metric *metric);
    void (*figure)(void *context, const struct metric *metric, const struct figure *figure);
};

/* Any thread. `exporter` NULL: without its rows. */
void metrics_walk(const struct metrics *metrics, const struct exporter *exporter,
                  const struct process_facts *facts, const struct metric_sink *sink);

#endif
