/* SPDX-License-Identifier: Apache-2.0 */
/* A question about metrics in the shape of CloudWatch's GetMetricData: statistics of metrics,
 * expressions over them, and SEARCH. Periods begin at multiples of their length, whatever the start
 * is; what expressions are made of has one period. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_METRIC_QUERY_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_METRIC_QUERY_H

#include "exporters/alarms/math.h"
#include "exporters/alarms/statistic.h"
#include "exporters/cloudwatch/metric_store.h"

enum {
    METRIC_QUERIES_MOST = 500,
    METRIC_POINTS_MOST = 100800, /* of one series, and of an answer unless it asks for less */
    METRIC_SEARCH_MOST = 500,    /* metrics that one SEARCH finds */
};

struct metric_query {
    struct span id;         /* a lower-case letter, then letters, digits and _ */
    struct span label;      /* empty: the metric's name, or the id */
    struct span expression; /* empty: a metric */
    struct place place;     /* of the expression, or of the whole */
    struct metric_id metric;
    struct statistic statistic;
    unsigned period_s; /* of an expression: where nothing in it has one; 0: not given */
    bool returns;
};

struct metric_request {
    const struct metric_query *queries;
    size_t count;
    int64_t start_s, end_s; /* points that begin before the end */
};

/* Where samples come from. `read` merges into slots as metric_store_read() does. */
struct metric_source {
    void (*read)(void *context, const struct metric_id *id, const struct math_window *window,
                 struct sketch *slots);
    void (*each)(void *context, metric_store_visit *visit, void *of_visit);
    void *context;
};

struct metric_series {
    struct span id, label;
    struct math_window window;
    const double *values; /* NaN: there is none */
};
struct metric_answer {
    struct metric_series *list; /* in the order of the queries; an array gives several */
    size_t count;
    bool found_too_many; /* a SEARCH found more than it may */
    bool found_empty;    /* a SEARCH found metrics, and no value of theirs in the window */
};

/* Lies in the arena and borrows the request. False: it cannot be answered, and said. */
bool metric_query_run(const struct metric_request *request, const struct metric_source *source,
                      struct arena *arena, struct metric_answer *answer, struct faults *faults);

/* 1, 5, 10, 20, 30, or a number of minutes up to a day. */
bool metric_period_is_good(uint64_t seconds);

#endif
