/* SPDX-License-Identifier: Apache-2.0 */
/* What a metric usually is at this hour: a model of our own, simple on purpose; CloudWatch's is not
 * documented.
 *
 * Each value is learned three times: for the hour of its week (168 of them), for the hour of its
 * day (24) and for all hours. Each keeps a mean and a variance that forget: the newest value weighs
 * at least 1/(two weeks' worth of values of that kind, 64 at the most). A band is mean +- sd *
 * deviation of the first of the three that has learned on two days or more, the last from fifteen
 * values on; before that there is none. The deviation is at least 0.1 % of the mean. What is
 * learned is first pulled to within six deviations, so that an outage does not become the rule.
 * Hours are UTC; trends are followed only by forgetting, holidays not at all. */
#ifndef SIDEGATE_EXPORTERS_ALARMS_BAND_H
#define SIDEGATE_EXPORTERS_ALARMS_BAND_H

#include <stdbool.h>
#include <stdint.h>

struct band;

struct band *band_new(unsigned period_s);
void band_free(struct band *band); /* NULL allowed */

/* The value of the period that begins at `time_s`; what overlaps the one learned last is left out.
 */
void band_learn(struct band *band, int64_t time_s, double value);
/* False: not enough was learned yet. */
bool band_at(const struct band *band, int64_t time_s, double deviations, double *lower,
             double *upper);

#endif
