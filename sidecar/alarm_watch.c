/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/alarm_watch.h"

#include <stdlib.h>

#include "exporters/alarms/alarms.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/alarm_duty.h"
#include "sidecar/alarm_samples.h"
#include "sidecar/http/date.h"
#include "sidecar/loop/loop.h"
#include "sidecar/program_log.h"

enum {
    SECOND_US = 1000000,
    SLOT_US = 10 * SECOND_US,
    AFTER_US = 200000,       /* behind a slot's end: who had ended by then has counted */
    LATE_AFTER_US = 1500000, /* and has been stored */
    BEHIND_MOST = 60,        /* evaluations that are made up for where time has leapt */
    WAIT_US = 60 * SECOND_US,
    LOOK_US = 200000, /* between two looks at whether the folder is free */
    BACK_MOST_S = 60  /* a clock that was set back by more than this begins anew */
};

struct alarm_watch {
    struct loop *loop;
    struct program_log *const *log;
    struct alarm_samples *samples;
    const struct settings *settings;
    struct alarms *alarms; /* NULL: none */
    struct alarm_duty *duty;
    int64_t *since_s; /* by alarm: when it took its state; 0: it never changed */
    int64_t evaluated_s;
    struct timer timer;
    /* Until the folder is ours: */
    const char *folder; /* NULL: we do not wait */
    struct caller *caller;
    uint64_t waits_until_us;
    struct timer look;
};

/* ---- evaluations ---- */

static void on_told(void *context, const struct alarm_told *told)
{
    struct alarm_watch *watch = context;
    if (told->state != told->before) {
        watch->since_s[told->alarm] = told->time_s;
        program_log_say(*watch->log, told->state == ALARM_STATE_ALARM ? LOG_WARN : LOG_INFO,
                        "alarm " SPAN_FORMAT ": %s -> %s: " SPAN_FORMAT,
                        span_arg(watch->settings->alarms[told->alarm].name),
                        alarm_state_word(told->before), alarm_state_word(told->state),
                        span_arg(told->reason));
    }
    alarm_duty_told(watch->duty, told);
}

static int64_t wall_s(const struct alarm_watch *watch)
{
    return (int64_t)(loop_wall_us(watch->loop) / SECOND_US);
}

static int64_t due_s(const struct alarm_watch *watch)
{
    int64_t step_s = alarms_step_s(watch->alarms);
    return wall_s(watch) / step_s * step_s;
}

/* What was sampled lies in the future now; the states stay. */
static void begin_anew(struct alarm_watch *watch)
{
    struct faults *faults = faults_new();
    struct alarms *alarms =
        alarms_new(watch->settings->alarms, watch->settings->alarm_count, faults);
    must(alarms != NULL); /* the configuration was read */
    alarms_inherit(alarms, watch->alarms, false);
    alarm_samples_change(watch->samples, alarms);
    alarms_free(watch->alarms);
    watch->alarms = alarms;
    faults_free(faults);
}

static void evaluate(struct alarm_watch *watch)
{
    int64_t step_s = alarms_step_s(watch->alarms), now_s = due_s(watch);
    if (now_s < watch->evaluated_s - BACK_MOST_S) {
        begin_anew(watch);
        alarm_samples_take(watch->samples, wall_s(watch));
        watch->evaluated_s = now_s - step_s;
    }
    if (now_s - watch->evaluated_s > BEHIND_MOST * step_s)
        watch->evaluated_s = now_s - step_s;
    for (; watch->evaluated_s < now_s; watch->evaluated_s += step_s)
        alarms_run(watch->alarms, watch->evaluated_s + step_s, on_told, watch);
}

static void arm(struct alarm_watch *watch)
{
    uint64_t of_slot_us = loop_wall_us(watch->loop) % SLOT_US;
    uint64_t after_us = alarm_samples_come_late(watch->samples) ? LATE_AFTER_US : AFTER_US;
    uint64_t until_us = of_slot_us < after_us ? after_us : SLOT_US + after_us;
    timer_arm(&watch->timer, loop_now_us(watch->loop) + until_us - of_slot_us);
}

static void on_slot(struct timer *timer)
{
    struct alarm_watch *watch = list_entry(timer, struct alarm_watch, timer);
    alarm_samples_take(watch->samples, wall_s(watch));
    if (watch->folder == NULL) {
        evaluate(watch);
        alarm_duty_look(watch->duty);
    }
    arm(watch);
}

/* ---- the folder ---- */

static void restore(struct alarm_watch *watch)
{
    int64_t now_s = wall_s(watch);
    struct alarm_restored restored;
    for (size_t i = 0; watch->alarms != NULL && i < watch->settings->alarm_count; i++)
        if (alarm_duty_restored(watch->duty, i, &restored)) {
            alarms_restore(watch->alarms, i, &restored, now_s);
            watch->since_s[i] = restored.since_s;
        }
}

static void on_look(struct timer *timer)
{
    struct alarm_watch *watch = list_entry(timer, struct alarm_watch, look);
    bool is_over = loop_now_us(watch->loop) >= watch->waits_until_us;
    if (!alarm_duty_open(watch->duty, watch->folder, watch->caller) && !is_over) {
        timer_arm(&watch->look, loop_now_us(watch->loop) + LOOK_US);
        return;
    }
    if (!alarm_duty_is_open(watch->duty)) {
        program_log_say(*watch->log, LOG_ERROR,
                        "what happens to alarms is not kept: another program writes %s/alarms.log",
                        watch->folder);
        alarm_duty_open(watch->duty, NULL, watch->caller);
    }
    watch->folder = NULL;
    if (watch->alarms != NULL)
        watch->evaluated_s = due_s(watch);
    restore(watch);
}

void alarm_watch_open(struct alarm_watch *watch, const char *folder, struct caller *caller)
{
    if (alarm_duty_open(watch->duty, folder, caller)) {
        restore(watch);
        return;
    }
    watch->folder = folder;
    watch->caller = caller;
    watch->waits_until_us = loop_now_us(watch->loop) + WAIT_US;
    timer_arm(&watch->look, loop_now_us(watch->loop) + LOOK_US);
}

/* ---- life ---- */

struct alarm_watch *alarm_watch_new(struct loop *loop, struct program_log *const *log,
                                    struct metrics *metrics, unsigned workers)
{
    struct alarm_watch *watch = must_alloc(sizeof *watch);
    watch->loop = loop;
    watch->log = log;
    watch->samples = alarm_samples_new(metrics, workers);
    watch->duty = alarm_duty_new(loop, log);
    timer_init(&watch->timer, loop, on_slot);
    timer_init(&watch->look, loop, on_look);
    return watch;
}

bool alarm_watch_close(struct alarm_watch *watch, uint64_t deadline_us)
{
    if (watch == NULL)
        return true;
    timer_disarm(&watch->timer);
    timer_disarm(&watch->look);
    return alarm_duty_close(watch->duty, deadline_us);
}

void alarm_watch_free(struct alarm_watch *watch)
{
    if (watch == NULL)
        return;
    timer_disarm(&watch->timer);
    timer_disarm(&watch->look);
    alarm_duty_free(watch->duty);
    alarms_free(watch->alarms);
    alarm_samples_free(watch->samples);
    free(watch->since_s);
    free(watch);
}

void alarm_watch_use(struct alarm_watch *watch, struct metric_store *store)
{
    alarm_samples_use(watch->samples, store);
}

/* When alarms that are the same took their states. */
static int64_t *since_of(const struct alarm_watch *watch, const struct settings *settings)
{
    int64_t *since = must_alloc(settings->alarm_count * sizeof *since + 1);
    for (size_t i = 0; i < settings->alarm_count; i++)
        for (size_t k = 0; watch->settings != NULL && k < watch->settings->alarm_count; k++)
            if (span_is(settings->alarms[i].text, watch->settings->alarms[k].text))
                since[i] = watch->since_s[k];
    return since;
}

void alarm_watch_change(struct alarm_watch *watch, const struct settings *settings)
{
    struct faults *faults = faults_new();
    struct alarms *alarms = settings->alarm_count > 0
                                ? alarms_new(settings->alarms, settings->alarm_count, faults)
                                : NULL;
    int64_t *since = since_of(watch, settings);
    must(alarms != NULL || settings->alarm_count == 0); /* the configuration was read */
    alarm_samples_change(watch->samples, alarms);
    if (alarms != NULL && watch->alarms != NULL)
        alarms_inherit(alarms, watch->alarms, true);
    bool begins = alarms != NULL && watch->alarms == NULL;
    alarms_free(watch->alarms);
    free(watch->since_s);
    watch->since_s = since;
    watch->alarms = alarms;
    watch->settings = settings;
    alarm_duty_change(watch->duty, settings);
    timer_disarm(&watch->timer);
    if (begins)
        watch->evaluated_s = due_s(watch);
    if (alarms != NULL)
        arm(watch);
    faults_free(faults);
}

/* ---- by hand ---- */

struct alarm_duty *alarm_watch_duty(const struct alarm_watch *watch)
{
    return watch->duty;
}

bool alarm_watch_find(const struct alarm_watch *watch, struct span name, size_t *alarm)
{
    size_t count = watch->alarms != NULL ? watch->settings->alarm_count : 0;
    for (*alarm = 0; *alarm < count; ++*alarm)
        if (span_is(watch->settings->alarms[*alarm].name, name))
            return true;
    return false;
}

const char *alarm_watch_state_word(const struct alarm_watch *watch, size_t alarm)
{
    return alarm_state_word(alarms_state(watch->alarms, alarm));
}

void alarm_watch_set_state(struct alarm_watch *watch, size_t alarm, enum alarm_state state,
                           struct span reason)
{
    const struct alarm_restored to = {.state = state, .reason = reason, .since_s = wall_s(watch)};
    alarms_force(watch->alarms, alarm, &to, on_told, watch);
}

/* ---- what is said of them ---- */

static size_t count_of(const struct alarm_watch *watch)
{
    return watch->alarms != NULL ? watch->settings->alarm_count : 0;
}

struct alarm_figure *alarm_watch_figures(const struct alarm_watch *watch, size_t *count)
{
    *count = count_of(watch);
    struct alarm_figure *figures = must_alloc(*count * sizeof *figures + 1);
    for (size_t i = 0; i < *count; i++)
        figures[i] = (struct alarm_figure){watch->settings->alarms[i].name,
                                           alarm_state_word(alarms_state(watch->alarms, i))};
    return figures;
}

static void duty_print(const struct alarm_watch *watch, size_t i, struct buf *to)
{
    struct alarm_duty_facts facts = alarm_duty_facts(watch->duty, i);
    char time[TIMESTAMP_LENGTH];
    buf_format(to, ",\"actions_enabled\":%s,\"actions_held\":%s,\"muted_until\":",
               watch->settings->alarms[i].actions_off ? "false" : "true",
               facts.is_held ? "true" : "false");
    timestamp_write(time, facts.muted_until_us);
    if (facts.muted_until_us > 0)
        json_add_string(to, span_make(time, TIMESTAMP_LENGTH));
    else
        buf_add(to, SPAN("null"));
    if (facts.muted_until_us > 0 && facts.muted_why.len > 0) {
        buf_add(to, SPAN(",\"muted_because\":"));
        json_add_string(to, facts.muted_why);
    }
}

static void alarm_print(const struct alarm_watch *watch, size_t i, struct buf *to)
{
    const struct alarm_settings *settings = &watch->settings->alarms[i];
    char time[TIMESTAMP_LENGTH];
    buf_add(to, SPAN("{\"name\":"));
    json_add_string(to, settings->name);
    if (settings->description.len > 0) {
        buf_add(to, SPAN(",\"description\":"));
        json_add_string(to, settings->description);
    }
    buf_format(to,
               ",\"state\":\"%s\",\"since\":", alarm_state_word(alarms_state(watch->alarms, i)));
    timestamp_write(time, (uint64_t)watch->since_s[i] * SECOND_US);
    if (watch->since_s[i] > 0)
        json_add_string(to, span_make(time, TIMESTAMP_LENGTH));
    else
        buf_add(to, SPAN("null"));
    buf_add(to, SPAN(",\"reason\":"));
    json_add_string(to, alarms_reason(watch->alarms, i));
    if (alarms_reason_data(watch->alarms, i).len > 0)
        buf_format(to, ",\"reason_data\":" SPAN_FORMAT,
                   span_arg(alarms_reason_data(watch->alarms, i)));
    duty_print(watch, i, to);
    buf_add(to, SPAN(",\"definition\":"));
    json_add_string(to, settings->shown);
    buf_add_byte(to, '}');
}

void alarm_watch_print(const struct alarm_watch *watch, struct buf *to)
{
    buf_add(to, SPAN("{\"alarms\":["));
    for (size_t i = 0; i < count_of(watch); i++) {
        if (i > 0)
            buf_add_byte(to, ',');
        alarm_print(watch, i, to);
    }
    buf_add(to, SPAN("]}\n"));
}
