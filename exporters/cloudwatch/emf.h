/* SPDX-License-Identifier: Apache-2.0 */
/* Lines in CloudWatch's Embedded Metric Format: one for each set of dimensions and minute.
 *
 * What counts is its sum. Latencies are a list: each of up to 100 samples, else 100 of them, a
 * hundredth of all apart; so that percentiles and averages hold, and SampleCount does not. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_EMF_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_EMF_H

#include "exporters/cloudwatch/metric_store.h"

enum { EMF_VALUES_MOST = 100 };

typedef void emf_line(void *context, struct span line);
/* Everything that the store has of the minute (time / 60). `namespace` stands in the place of
 * ours. */
void emf_write(struct metric_store *store, int64_t minute, struct span namespace, emf_line *put,
               void *context);

#endif
