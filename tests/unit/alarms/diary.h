/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of alarms by a clock of the test's own, and a diary of what they told. */
#ifndef SIDEGATE_TESTS_UNIT_ALARMS_DIARY_H
#define SIDEGATE_TESTS_UNIT_ALARMS_DIARY_H

#include "exporters/alarms/alarms.h"

enum { TOLD_MOST = 20000, DIARY_ALARMS = 4, MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };
static const int64_t start = 1767225600; /* Thursday 2026-01-01 */

struct change {
    int64_t minute; /* since the start */
    size_t alarm;
    enum alarm_state state;
    bool actions_run;
};

struct diary {
    struct change changes[TOLD_MOST];
    size_t count, evaluations[DIARY_ALARMS];
    char reason[1024]; /* the latest */
};

/* What alarms_run() tells, with a diary as its context. */
void write_down(void *context, const struct alarm_told *told);
/* These are all changes that were told. */
void check_changes(const struct diary *diary, const struct change *want, size_t count);

/* Nothing is wrong with them. */
struct alarms *built(const struct alarm_settings *settings, size_t count);
struct alarm_metric metric(const char *name, const char *statistic);
/* An alarm over one metric. */
struct alarm_settings over(const char *name, const struct alarm_metric *metrics, unsigned period_s,
                           struct alarm_test test);

#endif
