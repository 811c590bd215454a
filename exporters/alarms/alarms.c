/* SPDX-License-Identifier: Apache-2.0 */
/* One evaluation: samples to datapoints, datapoints to a state, states to those of composite
 * alarms.
 */
#include "exporters/alarms/alarms.h"

#include <math.h>

#include "exporters/alarms/alarms_inside.h"
#include "exporters/alarms/reason_data.h"
#include "rules/base/must.h"

enum alarm_state alarms_state(const struct alarms *alarms, size_t alarm)
{
    return alarms->list[alarm].state;
}

const struct alarm_told *alarms_told(const struct alarms *alarms, size_t alarm)
{
    return &alarms->told[alarm];
}

void alarms_set_state(struct alarms *alarms, size_t alarm, enum alarm_state state,
                      struct span reason)
{
    struct alarm *set = &alarms->list[alarm];
    set->state = alarms->states[alarm] = state;
    buf_clear(&set->reason);
    buf_clear(&set->data);
    buf_add(&set->reason, reason);
}

void alarms_restore(struct alarms *alarms, size_t alarm, const struct alarm_restored *restored,
                    int64_t known_from_s)
{
    struct alarm *to = &alarms->list[alarm];
    struct suppressor *suppressor = &to->suppressor;
    alarms_set_state(alarms, alarm, restored->state, restored->reason);
    buf_add(&to->data, restored->reason_data);
    to->since_s = restored->since_s;
    to->is_restored = true;
    to->known_from_s = known_from_s;
    if (restored->is_held && to->suppressed_by < alarms->count) {
        suppressor->by = SUPPRESSED_BY_WAIT_PERIOD;
        suppressor->until_s = restored->since_s + suppressor->wait_s;
    }
}

bool alarms_sample(struct alarms *alarms, struct span metric, int64_t time_s, double value,
                   uint64_t times)
{
    bool taken = false;
    for (size_t i = 0; i < alarms->feed_count; i++)
        if (span_is(alarms->feeds[i].what.metric, metric))
            taken = history_add(alarms->feeds[i].history, time_s, value, times) || taken;
    return taken;
}

size_t alarms_feed_count(const struct alarms *alarms)
{
    return alarms->feed_count;
}

struct alarm_feed alarms_feed(const struct alarms *alarms, size_t feed)
{
    return alarms->feeds[feed].what;
}

bool alarms_feed_add(struct alarms *alarms, size_t feed, int64_t time_s,
                     const struct sketch *samples)
{
    return history_merge(alarms->feeds[feed].history, time_s, samples);
}

bool alarms_feed_set(struct alarms *alarms, size_t feed, int64_t time_s,
                     const struct sketch *samples)
{
    return history_set(alarms->feeds[feed].history, time_s, samples);
}

struct span alarms_reason(const struct alarms *alarms, size_t alarm)
{
    return buf_span(&alarms->list[alarm].reason);
}

struct span alarms_reason_data(const struct alarms *alarms, size_t alarm)
{
    return buf_span(&alarms->list[alarm].data);
}

/* ---- taking over ---- */

bool alarm_feeds_are_same(const struct alarm_feed *a, const struct alarm_feed *b)
{
    if (a->resolution_s != b->resolution_s || a->ordered != b->ordered ||
        !span_is(a->namespace, b->namespace) || !span_is(a->metric, b->metric) ||
        a->dimension_count != b->dimension_count)
        return false;
    for (size_t i = 0; i < a->dimension_count; i++)
        if (!span_is(a->dimensions[i].name, b->dimensions[i].name) ||
            !span_is(a->dimensions[i].value, b->dimensions[i].value))
            return false;
    return true;
}

static void alarm_inherit(struct alarms *alarms, size_t index, struct alarm *earlier)
{
    struct alarm *alarm = &alarms->list[index];
    alarms_set_state(alarms, index, earlier->state, buf_span(&earlier->reason));
    buf_add(&alarm->data, buf_span(&earlier->data));
    alarm->since_s = earlier->since_s;
    alarm->has_run = earlier->has_run;
    alarm->is_restored = earlier->is_restored;
    alarm->known_from_s = earlier->known_from_s;
    alarm->suppressor = earlier->suppressor;
    for (size_t k = 0; k < alarm->settings->metric_count; k++) {
        struct band *band = alarm->bands[k]; /* what was learned goes over */
        alarm->bands[k] = earlier->bands[k];
        earlier->bands[k] = band;
    }
}

void alarms_inherit(struct alarms *alarms, struct alarms *earlier, bool with_samples)
{
    for (size_t i = 0; i < alarms->count; i++)
        for (size_t k = 0; k < earlier->count; k++)
            if (span_is(alarms->list[i].settings->text, earlier->list[k].settings->text))
                alarm_inherit(alarms, i, &earlier->list[k]);
    for (size_t i = 0; with_samples && i < alarms->feed_count; i++)
        for (size_t k = 0; k < earlier->feed_count; k++)
            if (alarm_feeds_are_same(&alarms->feeds[i].what, &earlier->feeds[k].what))
                history_take(alarms->feeds[i].history, earlier->feeds[k].history);
}

unsigned alarms_step_s(const struct alarms *alarms)
{
    for (size_t i = 0; i < alarms->count; i++)
        if (alarms->list[i].step_s == 10)
            return 10;
    return 60;
}

/* ---- datapoints ---- */

struct evaluation {
    struct alarms *alarms;
    struct alarm *alarm;
    struct math_inputs inputs;
    struct math_value *values; /* by metric */
};

/* One metric's values; a datapoint of a percentile with too few samples is marked. */
static void metric_fold(struct evaluation *evaluation, size_t i)
{
    struct alarm *alarm = evaluation->alarm;
    const struct alarm_settings *settings = alarm->settings;
    const struct statistic *statistic = &settings->metrics[i].statistic;
    const struct math_window *window = &evaluation->inputs.window;
    double *series = arena_alloc(evaluation->alarms->runs, window->count * sizeof *series);
    const double **one = arena_alloc(evaluation->alarms->runs, sizeof *one);
    struct sketch sketch;
    must(series != NULL && one != NULL);
    sketch_init(&sketch);
    for (size_t k = 0; k < window->count; k++) {
        int64_t from = window->start_s + (int64_t)(k * window->period_s);
        sketch_clear(&sketch);
        history_fold(alarm->histories[i], from, from + window->period_s, &sketch);
        if (!statistic_of(statistic, &sketch, &series[k]))
            series[k] = MATH_GAP;
        if (i == alarm->returned)
            alarm->points[k].samples = sketch.count;
        if (settings->few_keep_state && sketch.count > 0 &&
            (double)sketch.count < statistic_samples_needed(statistic))
            alarm->points[k].is_few = true;
    }
    sketch_fini(&sketch);
    *one = series;
    evaluation->values[i] = (struct math_value){MATH_SERIES, MATH_GAP, one, 1};
}

static const double *series_of(const struct math_value *value, size_t i)
{
    return i < value->series_count ? value->series[i] : NULL;
}

static void points_fill(struct evaluation *evaluation)
{
    static const struct math_value nothing = {.kind = MATH_ARRAY};
    struct alarm *alarm = evaluation->alarm;
    bool has_band = alarm->band < alarm->settings->metric_count;
    const struct math_value *band = has_band ? &evaluation->values[alarm->band] : &nothing;
    const double *values = series_of(&evaluation->values[alarm->returned], 0);
    const double *lower = series_of(band, 0), *upper = series_of(band, 1);
    for (size_t i = 0; i < alarm->range; i++) {
        struct datapoint *point = &alarm->points[i];
        point->value = values != NULL ? values[i] : MATH_GAP;
        point->lower = lower != NULL ? lower[i] : MATH_GAP;
        point->upper = upper != NULL ? upper[i] : MATH_GAP;
        point->is_there = !isnan(point->value) && (!has_band || !isnan(point->lower));
    }
}

static void points_find(struct alarms *alarms, struct alarm *alarm, int64_t now_s)
{
    const struct alarm_settings *settings = alarm->settings;
    int64_t period_s = settings->period_s, start_s = now_s - (int64_t)alarm->range * period_s;
    arena_reset(alarms->runs);
    struct math_value *values = arena_alloc(alarms->runs, settings->metric_count * sizeof *values);
    must(values != NULL);
    struct evaluation evaluation = {
        .alarms = alarms,
        .alarm = alarm,
        .inputs = {.window = {start_s, settings->period_s, alarm->range}, .values = values},
        .values = values};
    for (size_t i = 0; i < alarm->range; i++)
        alarm->points[i] = (struct datapoint){.time_s = start_s + (int64_t)i * period_s};
    for (size_t k = 0; k < settings->metric_count; k++) {
        size_t i = alarm->order[k];
        evaluation.inputs.band = alarm->bands[i];
        if (alarm->maths[i] == NULL)
            metric_fold(&evaluation, i);
        else
            values[i] = math_run(alarm->maths[i], &evaluation.inputs, alarms->runs);
    }
    points_fill(&evaluation);
}

/* ---- metric alarms ---- */

/* Of the N latest periods some lie before a restart: could what was lost there change the verdict?
 */
static bool is_unsure(struct alarm *alarm, const struct alarm_told *told)
{
    const struct alarm_test *test = &alarm->settings->test;
    int64_t period_s = alarm->settings->period_s, periods = test->evaluation_periods;
    int64_t lost_s = alarm->known_from_s - (told->time_s - periods * period_s);
    size_t lost = 0, breaching = 0;
    alarm->is_restored = lost_s > 0;
    if (!alarm->is_restored)
        return false;
    lost = (size_t)((lost_s + period_s - 1) / period_s);
    for (size_t i = alarm->range - test->evaluation_periods; i < alarm->range; i++)
        breaching += alarm->points[i].is_there && datapoint_breaches(test, &alarm->points[i]);
    if (told->verdict.state == ALARM_STATE_ALARM)
        return breaching < test->datapoints_to_alarm;
    return told->verdict.state != ALARM_STATE_OK || breaching + lost >= test->datapoints_to_alarm;
}

static void metric_alarm_run(struct alarms *alarms, size_t index, struct alarm_told *told)
{
    struct alarm *alarm = &alarms->list[index];
    points_find(alarms, alarm, told->time_s);
    alarm->has_run = true;
    told->verdict = alarm_decide(&alarm->settings->test, alarm->points, alarm->range, alarm->state);
    if (alarm->is_restored && is_unsure(alarm, told))
        told->verdict = (struct alarm_verdict){alarm->state, true};
    if (!told->verdict.is_kept) {
        buf_clear(&alarm->reason);
        buf_clear(&alarm->data);
        alarm_reason(&alarm->settings->test, alarm->points, alarm->range, told->verdict.state,
                     &alarm->reason);
        alarm_reason_data(alarm->settings, alarm->points, alarm->range, told->time_s, &alarm->data);
    }
    alarm->state = alarms->states[index] = told->verdict.state;
    told->actions_run = alarm->state != told->before;
}

/* ---- composite alarms ---- */

/* After all states have settled: the suppressor may be any alarm. */
static bool actions_settle(struct alarms *alarms, size_t index, struct alarm_told *told)
{
    struct alarm *alarm = &alarms->list[index];
    enum suppressed_by before = alarm->suppressor.by;
    bool changed = alarms->changed[index];
    if (alarm->suppressed_by == alarms->count) {
        told->actions_run = changed;
        return false;
    }
    told->actions_run = suppressor_step(&alarm->suppressor, told->time_s, changed,
                                        alarms->states[alarm->suppressed_by] == ALARM_STATE_ALARM);
    told->by = alarm->suppressor.by;
    return told->actions_run || told->by != before;
}

/* ---- a run ---- */

struct run {
    int64_t now_s;
    size_t forced; /* the alarm whose state is set by hand, and metrics are not looked at; none:
                      count */
    const struct alarm_restored *to;
};

/* True: the alarm was evaluated. */
static bool state_find(struct alarms *alarms, size_t index, const struct run *run)
{
    struct alarm *alarm = &alarms->list[index];
    struct alarm_told *told = &alarms->told[index];
    *told = (struct alarm_told){.alarm = index, .time_s = run->now_s, .before = alarm->state};
    if (run->to != NULL && run->forced == index) {
        alarms_set_state(alarms, index, run->to->state, run->to->reason);
        told->actions_run = alarm->state != told->before;
        alarm->has_run = true;
        return true;
    }
    if (alarm->rule != NULL)
        return composite_run(alarms, index);
    if (run->forced < alarms->count || run->now_s % alarm->step_s != 0)
        return false;
    metric_alarm_run(alarms, index, told);
    return true;
}

static void run_all(struct alarms *alarms, const struct run *run, alarm_tell *tell, void *context)
{
    for (size_t k = 0; k < alarms->count; k++) {
        size_t i = alarms->order[k];
        struct alarm *alarm = &alarms->list[i];
        bool is_new = !alarm->has_run && !alarm->is_restored;
        alarms->evaluated[i] = state_find(alarms, i, run);
        alarm->is_fresh = is_new && alarms->evaluated[i];
        alarms->changed[i] = alarm->state != alarms->told[i].before;
        if (alarms->changed[i])
            alarm->since_s = run->now_s;
    }
    for (size_t k = 0; k < alarms->count; k++) {
        size_t i = alarms->order[k];
        struct alarm_told *told = &alarms->told[i];
        bool has_news = alarms->list[i].rule != NULL && actions_settle(alarms, i, told);
        told->state = alarms->list[i].state;
        told->reason = buf_span(&alarms->list[i].reason);
        told->reason_data = buf_span(&alarms->list[i].data);
        if (alarms->evaluated[i] || has_news)
            tell(context, told);
    }
}

void alarms_run(struct alarms *alarms, int64_t now_s, alarm_tell *tell, void *context)
{
    const struct run run = {.now_s = now_s, .forced = alarms->count};
    run_all(alarms, &run, tell, context);
}

void alarms_force(struct alarms *alarms, size_t alarm, const struct alarm_restored *to,
                  alarm_tell *tell, void *context)
{
    const struct run run = {.now_s = to->since_s, .forced = alarm, .to = to};
    run_all(alarms, &run, tell, context);
}
