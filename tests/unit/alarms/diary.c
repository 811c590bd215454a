/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/alarms/diary.h"

#include <stdio.h>

#include "tests/check.h"

void write_down(void *context, const struct alarm_told *told)
{
    struct diary *diary = context;
    diary->evaluations[told->alarm]++;
    snprintf(diary->reason, sizeof diary->reason, SPAN_FORMAT, span_arg(told->reason));
    if (told->state == told->before && !told->actions_run)
        return;
    check(diary->count < TOLD_MOST);
    diary->changes[diary->count++] = (struct change){(told->time_s - start) / MINUTE_S, told->alarm,
                                                     told->state, told->actions_run};
}

struct alarms *built(const struct alarm_settings *settings, size_t count)
{
    struct faults *faults = faults_new();
    struct alarms *alarms = alarms_new(settings, count, faults);
    for (size_t i = 0; faults_at(faults, i) != NULL; i++)
        print_error("%s\n", faults_at(faults, i)->message);
    check(alarms != NULL);
    faults_free(faults);
    return alarms;
}

struct alarm_metric metric(const char *name, const char *statistic)
{
    struct alarm_metric made = {.metric = span_text(name), .returns = true};
    check(statistic_parse(span_text(statistic), &made.statistic, NULL, 0));
    return made;
}

struct alarm_settings over(const char *name, const struct alarm_metric *metrics, unsigned period_s,
                           struct alarm_test test)
{
    return (struct alarm_settings){.name = span_text(name),
                                   .metrics = metrics,
                                   .metric_count = 1,
                                   .period_s = period_s,
                                   .test = test};
}

void check_changes(const struct diary *diary, const struct change *want, size_t count)
{
    for (size_t i = 0; i < diary->count && i < count; i++) {
        const struct change *got = &diary->changes[i];
        bool same = got->minute == want[i].minute && got->alarm == want[i].alarm &&
                    got->state == want[i].state && got->actions_run == want[i].actions_run;
        if (!same)
            print_error("change %zu: minute %lld, alarm %zu, %s, run %d\n", i,
                        (long long)got->minute, got->alarm, alarm_state_word(got->state),
                        got->actions_run);
        check(same);
    }
    check_number(diary->count, count);
}
