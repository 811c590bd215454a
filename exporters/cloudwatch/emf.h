/* SPDX-License-Identifier: Apache-2.0 */
/* Lines in CloudWatch's Embedded Metric Format: for each set of dimensions and minute one, or as
 * many as it takes, for a line has at most 100 values of a metric; CloudWatch adds them up.
 *
 * What counts is its sum. A metric filter's samples are all there, so that SampleCount and Sum are
 * exact; where they are more than EMF_SAMPLES_MOST in a minute, or one is negative, their sum
 * stands for them. Latencies are all there up to EMF_LATENCIES_MOST, else so many of them, evenly
 * apart: percentiles and averages hold then, and SampleCount does not (Count has it). */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_EMF_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_EMF_H

#include "exporters/cloudwatch/metric_store.h"

enum {
    EMF_VALUES_MOST = 100, /* of a metric in a line: the format's */
    EMF_LATENCIES_MOST = 1000,
    EMF_SAMPLES_MOST = 10000,
};

typedef void emf_line(void *context, struct span line);
/* Everything that the store has of the minute (time / 60). `namespace` stands in the place of
 * ours. */
void emf_write(struct metric_store *store, int64_t minute, struct span namespace, emf_line *put,
               void *context);

#endif
