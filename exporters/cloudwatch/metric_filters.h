/* SPDX-License-Identifier: Apache-2.0 */
/* Metric filters: lines of the access log that fit a pattern become samples of a metric, as
 * CloudWatch Logs has it. Lines come from the exporter's thread; the collector takes what they came
 * to each second. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_METRIC_FILTERS_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_METRIC_FILTERS_H

#include "exporters/cloudwatch/metric_store.h"

enum { METRIC_FILTERS_MOST = 100, FILTER_DIMENSIONS_MOST = 3 };

struct metric_filter {
    struct span pattern;
    struct span namespace, metric;
    struct span value; /* a number, or a selector of one: lines without it give no sample */
    bool has_default;
    double default_value;          /* a sample of each second in which lines came and none fitted */
    const struct pair *dimensions; /* name, selector: lines without one of them give no sample */
    size_t dimension_count;
};

struct metric_filters;
struct metric_filters *metric_filters_new(void);
void metric_filters_free(struct metric_filters *filters); /* NULL allowed */
/* From now on these; copied. Any thread. */
void metric_filters_change(struct metric_filters *filters, const struct metric_filter *list,
                           size_t count);
/* A line of the log, of an exchange that ended in this second. */
void metric_filters_line(struct metric_filters *filters, int64_t second, struct span line);
/* Stores what lines have come to since the last time, and default values of seconds that were over
 * a second before `now_s`. */
void metric_filters_take(struct metric_filters *filters, struct metric_store *store, int64_t now_s);

/* Samples that were not gathered: their value is no number, or there were too many metrics within a
 * second. Any thread. */
uint64_t metric_filters_lost(const struct metric_filters *filters);

#endif
