/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics of a period, in CloudWatch's words: Average, Sum, Minimum, Maximum, SampleCount,
 * p99.9, tm99, TM(10%:90%), TC(100:), TS, WM, PR(:300), IQM.
 *
 * Of n samples in order, a percentage p stands behind rank p*n: a range in percent keeps the ranks
 * above floor(low*n) up to ceil(high*n), and pNN is the last rank that (:NN%) keeps. A range of
 * values leaves its lower end out and its upper end in; PR is the share of the samples in it, in
 * percent. WM puts the values at the two ends in the place of what lies beyond. */
#ifndef SIDEGATE_EXPORTERS_ALARMS_STATISTIC_H
#define SIDEGATE_EXPORTERS_ALARMS_STATISTIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/alarms/sketch.h"
#include "rules/base/span.h"

enum statistic_kind {
#define STATISTIC(identifier, name, form) STATISTIC_##identifier,
#include "exporters/alarms/statistics.tbl"
#undef STATISTIC
    STATISTIC_KINDS
};

struct statistic {
    enum statistic_kind kind;
    bool in_percent;  /* low and high, from 0 to 100 */
    double low, high; /* not given: 0 and 100, or -inf and inf */
};

/* False: it is none; `hint` then has the nearest name, or is empty. `hint` may be NULL. */
bool statistic_parse(struct span text, struct statistic *statistic, char *hint, size_t hint_size);

/* False: there is no such value: no samples, or negative ones where an order is asked for. */
bool statistic_of(const struct statistic *statistic, const struct sketch *sketch, double *value);

/* Does it ask for the order of samples? Else a plain sketch will do. */
bool statistic_asks_order(const struct statistic *statistic);

/* How many samples a percentile needs to say something: 10/(1-p), or 10/p below the median; 0 for
 * every other statistic. */
double statistic_samples_needed(const struct statistic *statistic);

/* A number in decimals, sign and exponent allowed, and nothing else. */
bool alarm_number_parse(struct span text, double *value);

#endif
