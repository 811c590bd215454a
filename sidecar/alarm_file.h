/* SPDX-License-Identifier: Apache-2.0 */
/* What `sidegate alarms test` reads: alarms, series of a metric, and what is expected of them.
 *
 *   start: 2026-01-01T00:00:00Z                      # a full minute; not given: 1970
 *   alarms:
 *     - { name: errors, metric: 5XXError, statistic: Average, period: 60s, evaluation_periods: 3,
 *         threshold: 0.05, comparison_operator: GreaterThanThreshold }
 *   states: { errors: OK }                           # what they begin with
 *   series:
 *     - { metric: 5XXError, every: 60s, values: [0 x5, missing, 1, [0, 1], { value: 0, samples: 9
 * }] } until: 10m                                       # not given: to the end of the longest
 * series expect:
 *     - { alarm: errors, states: [OK x7, ALARM] }    # evaluation by evaluation
 *     - { alarm: errors, at: 8m, state: ALARM, reason: was greater than, actions: run } */
#ifndef SIDEGATE_SIDECAR_ALARM_FILE_H
#define SIDEGATE_SIDECAR_ALARM_FILE_H

#include "exporters/alarms/alarms.h"
#include "rules/base/arena.h"

/* The samples of one or more periods that are alike; 0 samples: missing. */
struct alarm_values {
    const double *values;
    size_t value_count;
    uint64_t samples; /* of each value */
    uint64_t periods;
};

struct alarm_series {
    struct span metric;
    uint64_t every_s;
    const struct alarm_values *runs;
    size_t run_count;
};

/* `states` stand for so many evaluations each; or one moment is asked for. */
struct alarm_states {
    enum alarm_state state;
    uint64_t evaluations;
};
enum alarm_actions { ACTIONS_ANY, ACTIONS_RUN, ACTIONS_SUPPRESSED, ACTIONS_NONE };
struct alarm_expectation {
    struct place place;
    struct span alarm;
    size_t index; /* of the alarm */
    const struct alarm_states *states;
    size_t state_count; /* 0: at a moment */
    uint64_t at_s;      /* after the start */
    struct span state;  /* empty: any */
    struct span reason; /* a part of the sentence; empty: any */
    enum alarm_actions actions;
};

struct alarm_file {
    int64_t start_s;
    uint64_t until_s; /* after the start; 0: not given */
    struct alarm_settings *alarms;
    size_t alarm_count;
    struct alarm_states *firsts; /* by alarm; 0 evaluations: not given */
    struct alarm_series *series;
    size_t series_count;
    struct alarm_expectation *expectations;
    size_t expectation_count;
};

/* In the arena. False: something is wrong, and said. */
bool alarm_file_read(struct arena *arena, struct span text, const char *name,
                     struct alarm_file *file, struct faults *faults);

#endif
