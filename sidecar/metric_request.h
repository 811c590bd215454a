/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about metrics as JSON, in the shapes of CloudWatch's GetMetricData and ListMetrics:
 *
 *   {"MetricDataQueries": [{"Id": "m1", "MetricStat": {"Metric": {"Namespace", "MetricName",
 *      "Dimensions": [{"Name", "Value"}]}, "Period": 60, "Stat": "p99"}},
 *     {"Id": "e1", "Expression": "..", "Label": "..", "Period": 60, "ReturnData": true}],
 *    "StartTime": "2026-11-21T20:00:00Z", "EndTime": .., "ScanBy": .., "MaxDatapoints": ..,
 *    "NextToken": as the answer before gave it, the rest of the request being the same}
 *   {"Namespace", "MetricName", "Dimensions": [{"Name", "Value"}]}
 *
 * Labels are taken as they are: ${...} (of dynamic labels) and LabelOptions, the time zone of such,
 * are refused. Without a namespace it is ours, as AWS/ApiGateway and AWS/WAFV2 are. A time is text
 * as RFC 3339 has it, or seconds since 1970. */
#ifndef SIDEGATE_SIDECAR_METRIC_REQUEST_H
#define SIDEGATE_SIDECAR_METRIC_REQUEST_H

#include "exporters/cloudwatch/metric_query.h"
#include "rules/base/buf.h"

/* A message's code: a SEARCH found metrics, and no value of theirs in the time that was asked for.
 */
#define METRIC_NO_SAMPLES "NoSamples"

struct metric_asked {
    bool is_list; /* ListMetrics: the metric's namespace, name and dimensions, as far as given */
    struct metric_id listed; /* a dimension without a value: any */
    struct metric_request data;
    bool ascending;
    size_t most;       /* points of all results */
    uint64_t skipped;  /* points that earlier answers have given */
    uint32_t identity; /* of the request without its NextToken: whom a token belongs to */
};
/* From the JSON, or where it is empty from the members as arguments of a query
 * (?MetricName=Latency; values of lists are JSON). Lies in the arena. False: said. */
bool metric_request_read(struct span json, struct span query, struct arena *arena,
                         struct metric_asked *asked, struct faults *faults);

/* Answers 200 and the JSON in `to`, or 400 and what is wrong, a line for each. Any thread. */
unsigned metric_request_answer(struct span json, struct span query,
                               const struct metric_source *source, struct buf *to);

/* "2026-11-21T20:00:00Z", a fraction or +00:00 allowed, or seconds. */
bool metric_time_parse(struct span text, int64_t *seconds);

#endif
