/* SPDX-License-Identifier: Apache-2.0 */
/* Where alarms have their samples from: what the workers' meters count (Count, 5XXError, ... by
 * route and method), and every other metric from the store of metrics in CloudWatch's way. Those
 * are read anew for the last minutes each time, for a line of a log may come late; an alarm that is
 * new looks back over what the store keeps. The main thread's. */
#ifndef SIDEGATE_SIDECAR_ALARM_SAMPLES_H
#define SIDEGATE_SIDECAR_ALARM_SAMPLES_H

#include "exporters/alarms/alarms.h"
#include "exporters/metrics.h"

struct alarm_samples;
struct metric_store;

/* The metrics are borrowed. */
struct alarm_samples *alarm_samples_new(struct metrics *metrics, unsigned workers);
void alarm_samples_free(struct alarm_samples *samples); /* NULL allowed */
/* Borrowed; without one there are no samples but the meters'. */
void alarm_samples_use(struct alarm_samples *samples, struct metric_store *store);

/* From now on for these (NULL: none), borrowed; what was counted until now goes to those of before.
 */
void alarm_samples_change(struct alarm_samples *samples, struct alarms *alarms);
/* What has come up to now, to the alarms. */
void alarm_samples_take(struct alarm_samples *samples, int64_t now_s);
/* Some come from the store, which has a second's samples, default values of metric filters among
 * them, only when the second after it is over. */
bool alarm_samples_come_late(const struct alarm_samples *samples);

#endif
