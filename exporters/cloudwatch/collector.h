/* SPDX-License-Identifier: Apache-2.0 */
/* From the workers' tallies to metrics, each second, on a thread of its own:
 *
 *   Count, 4XXError, 5XXError, Latency, IntegrationLatency      {ApiName} {ApiName, Stage}
 *                                                   {ApiName, Stage, Resource, Method}
 *   AllowedRequests, BlockedRequests, CountedRequests           {WebACL, Rule}
 *
 * ApiName and WebACL are the service's name, Stage is its environment (not given: no such
 * dimension), Resource the route's template. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_COLLECTOR_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_COLLECTOR_H

#include "exporters/cloudwatch/emf.h"
#include "exporters/cloudwatch/metric_store.h"
#include "exporters/metrics.h"

#define COLLECTOR_NAMESPACE "Sidegate"

struct collector_names {
    struct span service, environment; /* environment empty: none */
    struct span emf_namespace;        /* of lines in EMF, each minute; empty: none are made */
};

struct collector;
/* All are borrowed, the names copied. `put` takes lines in EMF, on the collector's thread. */
struct collector *collector_new(struct metric_store *store, struct metrics *metrics,
                                unsigned workers, emf_line *put, void *context);
struct metric_filters;
/* What these gathered is stored with the rest; before the thread starts. */
void collector_watch(struct collector *collector, struct metric_filters *filters);
/* From now on these, and whether anything is counted at all. Any thread. */
void collector_change(struct collector *collector, const struct collector_names *names, bool on);
/* False: no thread could be made. */
bool collector_start(struct collector *collector);
void collector_free(struct collector *collector); /* takes and says what is left; NULL allowed */

/* What the thread does once a second: takes what lies before `now_s`; says in EMF what a minute
 * that has been over for two seconds came to. */
void collector_turn(struct collector *collector, int64_t now_s);

/* "Count" or "Milliseconds", of a metric that is counted here; empty: it is none of these. */
struct span collector_unit(const struct metric_id *id);
/* What is counted here, sampled yet or not; NULL: there are no more. */
const char *collector_metric_name(size_t i);

/* Requests and rules that found no row in a worker's tally, and are in the totals alone. */
uint64_t collector_overflowed(const struct collector *collector);

#endif
