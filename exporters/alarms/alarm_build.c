/* SPDX-License-Identifier: Apache-2.0 */
/* Settings to alarms: what is wrong is said, all of it. */
#include <stdlib.h>

#include "exporters/alarms/alarms_inside.h"
#include "exporters/alarms/reason_data.h"
#include "rules/base/must.h"

enum {
    ARENA_BYTES = 256 << 20,
    RUN_BYTES = 64 << 20,
    REASON_BYTES = 16384,
    SHOWN_BYTES = 100,
    HINT_BYTES = 300,
    DAY_S = 86400,
    WEEK_S = 7 * DAY_S,
    HOUR_S = 3600,
    MINUTE_S = 60,
    FINE_S = 10,
    ENTRIES_MOST = 2 * ALARM_METRICS_MOST
};

struct builder {
    struct alarms *alarms;
    struct faults *faults;
    const char **names; /* of all alarms, terminated */
};

static bool refuse(struct builder *builder, struct place place, const char *message)
{
    fault_add(builder->faults, FAULT_ERROR, place, SPAN(""), "%s", message);
    return false;
}

/* ---- places ---- */

const struct alarm_place *alarm_place_find(const struct alarm_places *places, struct span key)
{
    for (size_t i = 0; i < places->count; i++)
        if (span_is(places->list[i].key, key))
            return &places->list[i];
    return NULL;
}

struct place alarm_place_of(const struct alarm_places *places, const char *key, struct place whole)
{
    const struct alarm_place *found = alarm_place_find(places, span_text(key));
    return found != NULL ? found->of_value : whole;
}

static bool refuse_key(struct builder *builder, const struct alarm_settings *settings,
                       const char *key, const char *message)
{
    return refuse(builder, alarm_place_of(&settings->places, key, settings->place), message);
}

/* ---- numbers ---- */

static bool period_fits(unsigned period_s)
{
    return period_s == 10 || period_s == 20 || period_s == 30 ||
           (period_s > 0 && period_s % MINUTE_S == 0 && period_s <= ALARM_PERIOD_MOST_S);
}

static bool numbers_fit(struct builder *builder, const struct alarm_settings *settings)
{
    const struct alarm_test *test = &settings->test;
    if (!period_fits(settings->period_s))
        return refuse_key(builder, settings, "period",
                          "period: expected 10s, 20s, 30s or a number of minutes, up to a day");
    if (test->evaluation_periods < 1 || test->evaluation_periods > WEEK_S / FINE_S)
        return refuse_key(builder, settings, "evaluation_periods",
                          "evaluation_periods: expected 1 or more");
    if (test->datapoints_to_alarm < 1 || test->datapoints_to_alarm > test->evaluation_periods)
        return refuse_key(builder, settings, "datapoints_to_alarm",
                          "datapoints_to_alarm: expected 1 to evaluation_periods");
    uint64_t most = settings->period_s >= HOUR_S ? WEEK_S : DAY_S;
    if ((uint64_t)test->evaluation_periods * settings->period_s > most)
        return refuse_key(
            builder, settings, "evaluation_periods",
            "evaluation_periods times period: a day at most, a week where a period has an "
            "hour or more");
    return true;
}

static unsigned step_of(const struct alarm_settings *settings)
{
    if (settings->period_s < MINUTE_S)
        return FINE_S;
    return settings->test.evaluation_periods * settings->period_s > DAY_S ? HOUR_S : MINUTE_S;
}

/* ---- metrics and expressions ---- */

static size_t find_id(const struct alarm_settings *settings, struct span id)
{
    size_t i = 0;
    while (i < settings->metric_count && !span_is(settings->metrics[i].id, id))
        i++;
    return i;
}

static bool ids_fit(struct builder *builder, const struct alarm_settings *settings)
{
    size_t metrics = 0;
    for (size_t i = 0; i < settings->metric_count; i++) {
        const struct alarm_metric *metric = &settings->metrics[i];
        struct place at = alarm_place_of(&metric->places, "id", metric->place);
        metrics += metric->expression.len == 0;
        if (settings->metric_count == 1 && metric->id.len == 0 && metric->expression.len == 0)
            return true;
        if (!math_id_is_good(metric->id))
            return refuse(builder, at,
                          "id: expected a lower-case letter, then letters, digits and _");
        if (find_id(settings, metric->id) != i)
            return refuse(builder, at, "id: it stands twice");
    }
    return metrics <= ALARM_METRICS_MOST && settings->metric_count <= ENTRIES_MOST
               ? true
               : refuse_key(builder, settings, "metrics",
                            "metrics: 10 metrics and 10 expressions at most");
}

static bool is_ready(const struct alarm *alarm, const bool *done, size_t i)
{
    const struct alarm_settings *settings = alarm->settings;
    for (size_t k = 0; k < settings->metric_count; k++)
        if (!done[k] && settings->metrics[k].expression.len > 0 &&
            math_mentions(settings->metrics[i].expression, settings->metrics[k].id))
            return false;
    return true;
}

static bool expression_parse(struct builder *builder, struct alarm *alarm, size_t i)
{
    const struct alarm_settings *settings = alarm->settings;
    const struct alarm_metric *metric = &settings->metrics[i];
    alarm->maths[i] = math_parse(builder->alarms->arena, metric->expression, metric->place,
                                 alarm->names, settings->metric_count, builder->faults);
    if (alarm->maths[i] == NULL)
        return false;
    alarm->names[i].kind = math_kind(alarm->maths[i]);
    if (math_mentions(metric->expression, SPAN("ANOMALY_DETECTION_BAND")))
        alarm->bands[i] = band_new(settings->period_s);
    return true;
}

/* Expressions in an order in which what they name comes first. */
static bool expressions_parse(struct builder *builder, struct alarm *alarm)
{
    const struct alarm_settings *settings = alarm->settings;
    bool done[ENTRIES_MOST] = {false};
    size_t count = 0, before;
    for (size_t i = 0; i < settings->metric_count; i++)
        if (settings->metrics[i].expression.len == 0) {
            done[i] = true;
            alarm->order[count++] = i;
        }
    do {
        before = count;
        for (size_t i = 0; i < settings->metric_count; i++)
            if (!done[i] && is_ready(alarm, done, i)) {
                if (!expression_parse(builder, alarm, i))
                    return false;
                done[i] = true;
                alarm->order[count++] = i;
            }
    } while (count > before);
    if (count == settings->metric_count)
        return true;
    size_t left = 0;
    while (done[left])
        left++;
    return refuse(builder, settings->metrics[left].place,
                  "the expression names itself, at once or by others");
}

static bool returned_find(struct builder *builder, struct alarm *alarm)
{
    const struct alarm_settings *settings = alarm->settings;
    size_t count = 0;
    for (size_t i = 0; i < settings->metric_count; i++) {
        if (i == alarm->band || (!settings->metrics[i].returns && settings->metric_count > 1))
            continue;
        alarm->returned = i;
        count++;
    }
    if (count != 1) {
        struct place list = alarm_place_of(&settings->places, "metrics", settings->place);
        const struct alarm_metric *second = &settings->metrics[alarm->returned];
        return refuse(builder,
                      count > 1 ? alarm_place_of(&second->places, "return_data", list) : list,
                      "metrics: exactly one has `return_data: true`");
    }
    if (alarm->names[alarm->returned].kind == MATH_SERIES)
        return true;
    return refuse(builder, settings->metrics[alarm->returned].place,
                  alarm->names[alarm->returned].kind == MATH_NUMBER
                      ? "the result is one number, not a series: TIME_SERIES(...) makes it one"
                      : "the result is several series; an alarm looks at one");
}

static bool band_find(struct builder *builder, struct alarm *alarm)
{
    const struct alarm_settings *settings = alarm->settings;
    bool wanted = alarm_operator_is_band(settings->test.comparison);
    alarm->band = settings->metric_count;
    if (settings->band_id.len == 0 && !wanted)
        return true;
    if (!wanted)
        return refuse_key(builder, settings, "threshold_metric_id",
                          "threshold_metric_id: this comparison_operator asks for a threshold");
    alarm->band = find_id(settings, settings->band_id);
    if (alarm->band < settings->metric_count && alarm->bands[alarm->band] != NULL)
        return true;
    return refuse_key(builder, settings,
                      settings->band_id.len > 0 ? "threshold_metric_id" : "comparison_operator",
                      "threshold_metric_id: expected the id of an ANOMALY_DETECTION_BAND");
}

/* ---- histories ---- */

static struct feed *feed_for(struct alarms *alarms, const struct alarm_metric *metric,
                             unsigned resolution_s, size_t buckets)
{
    const struct alarm_feed what = {metric->namespace,  metric->metric,
                                    metric->dimensions, metric->dimension_count,
                                    resolution_s,       statistic_asks_order(&metric->statistic)};
    size_t i = 0;
    while (i < alarms->feed_count && !alarm_feeds_are_same(&alarms->feeds[i].what, &what))
        i++;
    if (i == alarms->feed_count) {
        alarms->feeds = must_realloc(alarms->feeds, ++alarms->feed_count * sizeof *alarms->feeds);
        alarms->feeds[i] = (struct feed){.what = what};
    }
    if (alarms->feeds[i].buckets < buckets)
        alarms->feeds[i].buckets = buckets;
    return &alarms->feeds[i];
}

static unsigned resolution_of(const struct alarm_settings *settings)
{
    return settings->period_s < MINUTE_S ? FINE_S : MINUTE_S;
}

static void feeds_ask(struct alarms *alarms, const struct alarm *alarm)
{
    const struct alarm_settings *settings = alarm->settings;
    unsigned resolution_s = resolution_of(settings);
    size_t seconds = alarm->range * settings->period_s + alarm->step_s + resolution_s;
    for (size_t i = 0; i < settings->metric_count; i++)
        if (settings->metrics[i].expression.len == 0)
            feed_for(alarms, &settings->metrics[i], resolution_s, seconds / resolution_s + 1);
}

static void feeds_give(struct alarms *alarms)
{
    for (size_t i = 0; i < alarms->feed_count; i++)
        alarms->feeds[i].history =
            history_new(alarms->feeds[i].what.resolution_s, alarms->feeds[i].buckets,
                        alarms->feeds[i].what.ordered);
    for (size_t i = 0; i < alarms->count; i++) {
        const struct alarm_settings *settings = alarms->list[i].settings;
        for (size_t k = 0; k < settings->metric_count; k++)
            if (settings->metrics[k].expression.len == 0)
                alarms->list[i].histories[k] =
                    feed_for(alarms, &settings->metrics[k], resolution_of(settings), 0)->history;
    }
}

/* ---- metric alarms ---- */

static bool metric_alarm_build(struct builder *builder, struct alarm *alarm)
{
    const struct alarm_settings *settings = alarm->settings;
    struct arena *arena = builder->alarms->arena;
    size_t count = settings->metric_count;
    if (!numbers_fit(builder, settings) || !ids_fit(builder, settings))
        return false;
    alarm->range = alarm_range(&settings->test);
    alarm->step_s = step_of(settings);
    alarm->names = arena_alloc(arena, count * sizeof *alarm->names);
    alarm->maths = arena_alloc(arena, count * sizeof(struct math *));
    alarm->histories = arena_alloc(arena, count * sizeof(struct history *));
    alarm->bands = arena_alloc(arena, count * sizeof(struct band *));
    alarm->order = arena_alloc(arena, count * sizeof *alarm->order);
    alarm->points = arena_alloc(arena, alarm->range * sizeof *alarm->points);
    if (arena_is_full(arena))
        return refuse(builder, settings->place, "the alarms do not fit into memory");
    for (size_t i = 0; i < count; i++)
        alarm->names[i] = (struct math_name){settings->metrics[i].id, MATH_SERIES,
                                             settings->metrics[i].expression.len == 0};
    if (!expressions_parse(builder, alarm) || !band_find(builder, alarm) ||
        !returned_find(builder, alarm))
        return false;
    feeds_ask(builder->alarms, alarm);
    return true;
}

/* ---- composite alarms ---- */

static bool composite_build(struct builder *builder, struct alarm *alarm)
{
    const struct alarm_settings *settings = alarm->settings;
    struct alarms *alarms = builder->alarms;
    char hint[HINT_BYTES];
    alarm->rule = alarm_rule_parse(alarms->arena, settings->rule, settings->rule_place,
                                   builder->names, alarms->count, builder->faults);
    alarm->suppressor =
        (struct suppressor){.wait_s = settings->wait_s, .extension_s = settings->extension_s};
    for (alarm->suppressed_by = 0; alarm->suppressed_by < alarms->count; alarm->suppressed_by++)
        if (span_is(settings->suppressor, alarms->list[alarm->suppressed_by].settings->name))
            break;
    if (settings->suppressor.len > 0 && alarm->suppressed_by == alarms->count) {
        fault_add(
            builder->faults, FAULT_ERROR,
            alarm_place_of(&settings->places, "actions_suppressor", settings->place),
            nearest_hint(settings->suppressor, builder->names, alarms->count, hint, sizeof hint),
            "actions_suppressor: there is no alarm '" SPAN_FORMAT "'",
            span_arg(span_first(settings->suppressor, SHOWN_BYTES)));
        return false;
    }
    return alarm->rule != NULL;
}

static bool is_placed(const struct alarms *alarms, size_t placed, size_t alarm)
{
    for (size_t i = 0; i < placed; i++)
        if (alarms->order[i] == alarm)
            return true;
    return false;
}

static bool children_are_placed(const struct alarms *alarms, size_t placed, size_t i)
{
    const struct alarm_rule *rule = alarms->list[i].rule;
    for (size_t k = 0; rule != NULL && k < rule->child_count; k++)
        if (!is_placed(alarms, placed, rule->children[k]))
            return false;
    return true;
}

/* Children first; what is left over asks for itself in a ring. */
static bool order_find(struct builder *builder)
{
    struct alarms *alarms = builder->alarms;
    size_t placed = 0, before;
    do {
        before = placed;
        for (size_t i = 0; i < alarms->count; i++)
            if (!is_placed(alarms, placed, i) && children_are_placed(alarms, placed, i))
                alarms->order[placed++] = i;
    } while (placed > before);
    for (size_t i = 0; i < alarms->count && placed < alarms->count; i++)
        if (!is_placed(alarms, placed, i))
            return refuse(builder, alarms->list[i].settings->rule_place,
                          "the rule asks for its own alarm, at once or by others");
    return true;
}

/* ---- the set ---- */

static bool name_fits(struct builder *builder, size_t i)
{
    const struct alarms *alarms = builder->alarms;
    const struct alarm_settings *settings = alarms->list[i].settings;
    if (settings->name.len == 0 || settings->name.len > 255)
        return refuse_key(builder, settings, "name", "name: expected 1 to 255 bytes");
    for (size_t k = 0; k < i; k++)
        if (span_is(alarms->list[k].settings->name, settings->name))
            return refuse_key(builder, settings, "name", "name: another alarm is called so");
    return true;
}

static bool set_build(struct builder *builder)
{
    struct alarms *alarms = builder->alarms;
    bool well = true;
    if (alarms->count > ALARMS_MOST)
        return refuse(builder, alarms->list[ALARMS_MOST].settings->place, "alarms: 1,000 at most");
    for (size_t i = 0; i < alarms->count; i++) {
        const struct alarm_settings *settings = alarms->list[i].settings;
        well = name_fits(builder, i) && well;
        if (settings->metric_count > 0)
            well = metric_alarm_build(builder, &alarms->list[i]) && well;
        else
            well = composite_build(builder, &alarms->list[i]) && well;
    }
    return well && order_find(builder);
}

struct alarms *alarms_new(const struct alarm_settings *settings, size_t count,
                          struct faults *faults)
{
    struct alarms *alarms = must_alloc(sizeof *alarms);
    struct builder builder = {.alarms = alarms, .faults = faults};
    alarms->arena = arena_new(NULL, ARENA_BYTES);
    alarms->runs = arena_new(NULL, RUN_BYTES);
    must(alarms->arena != NULL && alarms->runs != NULL);
    alarms->count = count;
    alarms->list = must_alloc(count * sizeof *alarms->list + 1);
    alarms->states = must_alloc(count * sizeof *alarms->states + 1);
    alarms->changed = must_alloc(count * sizeof *alarms->changed + 1);
    alarms->evaluated = must_alloc(count * sizeof *alarms->evaluated + 1);
    alarms->speaks = must_alloc(count * sizeof *alarms->speaks + 1);
    alarms->told = must_alloc(count * sizeof *alarms->told + 1);
    alarms->order = must_alloc(count * sizeof *alarms->order + 1);
    builder.names = must_alloc(count * sizeof *builder.names + 1);
    for (size_t i = 0; i < count; i++) {
        alarms->list[i] = (struct alarm){.settings = &settings[i]};
        buf_init(&alarms->list[i].reason, REASON_BYTES);
        buf_init(&alarms->list[i].data, ALARM_REASON_DATA_MOST);
        builder.names[i] = arena_string(alarms->arena, settings[i].name);
        alarms_set_state(alarms, i, ALARM_STATE_INSUFFICIENT_DATA, SPAN(ALARM_REASON_FIRST));
    }
    bool well = set_build(&builder);
    free(builder.names);
    if (well) {
        feeds_give(alarms);
        return alarms;
    }
    alarms_free(alarms);
    return NULL;
}

void alarms_free(struct alarms *alarms)
{
    if (alarms == NULL)
        return;
    for (size_t i = 0; i < alarms->count; i++) {
        struct alarm *alarm = &alarms->list[i];
        buf_fini(&alarm->reason);
        buf_fini(&alarm->data);
        for (size_t k = 0; alarm->bands != NULL && k < alarm->settings->metric_count; k++)
            band_free(alarm->bands[k]);
    }
    for (size_t i = 0; i < alarms->feed_count; i++)
        history_free(alarms->feeds[i].history);
    arena_free(alarms->arena);
    arena_free(alarms->runs);
    free(alarms->feeds);
    free(alarms->order);
    free(alarms->told);
    free(alarms->evaluated);
    free(alarms->speaks);
    free(alarms->changed);
    free(alarms->states);
    free(alarms->list);
    free(alarms);
}
