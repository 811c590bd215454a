/* SPDX-License-Identifier: Apache-2.0 */
/* Why an alarm is in its state, as figures: CloudWatch's StateReasonData. Of a metric alarm
 *
 *   {"version":"1.0","queryDate":..,"startDate":..,"statistic":"Average","period":60,
 *    "recentDatapoints":[0.0,1.0],"threshold":0.5,
 *    "evaluatedDatapoints":[{"timestamp":..,"sampleCount":4.0,"value":1.0},..]}
 *
 * The first list has the oldest first, the second one the newest. An expression has no statistic
 * and no sampleCount; a band has recentLowerThresholds and recentUpperThresholds instead of a
 * threshold. Of very long ranges the newest datapoints are named, so that it fits into the 4,000
 * bytes that CloudWatch gives it.
 *
 * A composite alarm has the children that speak for its state (composite.c), without a timestamp
 * where they never had another:
 *
 *   {"triggeringAlarms":[{"name":"errors","state":{"value":"ALARM","timestamp":..}},..]} */
#ifndef SIDEGATE_EXPORTERS_ALARMS_REASON_DATA_H
#define SIDEGATE_EXPORTERS_ALARMS_REASON_DATA_H

#include "exporters/alarms/alarms.h"

enum { ALARM_REASON_DATA_MOST = 4000 };

/* `points`: the whole range, oldest first, of which the N newest real ones are what was evaluated.
 */
void alarm_reason_data(const struct alarm_settings *settings, const struct datapoint *points,
                       size_t count, int64_t now_s, struct buf *to);
/* "2019-10-02T17:04:40.000+0000" with its quotes. */
void alarm_date_add(struct buf *to, int64_t time_s);

#endif
