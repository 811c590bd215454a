/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/alarm_entry.h"

#include "sidecar/config/zone_files.h"

static bool name_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_text_read(node, &((struct alarm_settings *)to)->name);
}

/* `metric` and its like beside the alarm's name: alarm_metric_beside_read(). */
static bool later_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    (void)to;
    return node->kind == NODE_SCALAR && node->text.len > 0;
}

static bool dimensions_later(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    (void)to;
    return node->kind == NODE_MAP;
}

/* ---- actions ---- */

bool alarm_actions_key(struct span key, enum alarm_state *state)
{
    static const char *const names[ALARM_STATES] = {[ALARM_STATE_INSUFFICIENT_DATA] =
                                                        "insufficient_data_actions",
                                                    [ALARM_STATE_OK] = "ok_actions",
                                                    [ALARM_STATE_ALARM] = "actions"};
    for (unsigned i = 0; i < ALARM_STATES; i++) {
        *state = (enum alarm_state)i;
        if (span_is(key, span_text(names[i])))
            return true;
    }
    return false;
}

/* An alert ends where its alarm does: it is told of both by `actions`. */
static void no_alerts_check(struct alarm_reading *reading, const struct node *node,
                            const struct alarm_action_list *actions)
{
    for (size_t i = 0; i < actions->count; i++)
        if (actions->list[i].type == ALARM_ACTION_WEBHOOK &&
            actions->list[i].format == ALARM_FORMAT_ALERTMANAGER)
            alarm_refuse(reading, node->key_place,
                         "format alertmanager stands in `actions` alone, and is told there when "
                         "the alarm is over");
}

/* A test carries nothing out. */
static bool actions_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    enum alarm_state state = ALARM_STATE_ALARM;
    if (!reading->is_live || !alarm_actions_key(node->key, &state))
        return true;
    struct alarm_action_list *actions = &((struct alarm_settings *)to)->actions[state];
    bool well = alarm_actions_read(reading, node, actions);
    if (state != ALARM_STATE_ALARM)
        no_alerts_check(reading, node, actions);
    return well;
}

static bool enabled_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    bool enabled, well = alarm_flag_read(node, &enabled);
    ((struct alarm_settings *)to)->actions_off = !enabled;
    return well;
}

static bool schedule_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return node->kind == NODE_SCALAR && mute_schedule_parse(node->text, to);
}

static bool duration_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    uint64_t seconds;
    if (!alarm_seconds_read(node, &seconds) || seconds < 60 || seconds > MUTE_SECONDS_MOST)
        return false;
    ((struct mute_window *)to)->duration_s = (int64_t)seconds;
    return true;
}

static bool zone_name_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    const char *why = NULL;
    if (node->kind != NODE_SCALAR)
        return false;
    if (span_is(node->text, SPAN("UTC"))) /* wherever there are no zones */
        return true;
    ((struct mute_window *)to)->zone = zone_file_read(reading->arena, node->text, &why);
    if (why != NULL)
        fault_add(reading->faults, FAULT_ERROR, node->place, SPAN("like Europe/Berlin, or UTC"),
                  "timezone: '" SPAN_FORMAT "': %s",
                  span_arg(span_first(node->text, ALARM_SHOWN_BYTES)), why);
    return true;
}

static const struct alarm_key mute_keys[] = {
    {"schedule", schedule_read, "cron(0 2 * * MON-FRI) or at(2026-12-24T18:00)"},
    {"duration", duration_read, "a time from 1m to 15d"},
    {"timezone", zone_name_read, "an IANA name of a time zone, like Europe/Berlin"},
};

static bool mutes_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    struct alarm_settings *settings = to;
    if (node->kind != NODE_LIST || node->count > MUTE_WINDOWS_MOST)
        return false;
    struct mute_window *windows = alarm_list_new(reading, node, sizeof *windows);
    for (const struct node *n = node->first; windows != NULL && n != NULL; n = n->next) {
        size_t before = alarm_said(reading);
        alarm_map_read(reading, n, mute_keys, sizeof mute_keys / sizeof *mute_keys,
                       &windows[settings->mute_count++]);
        bool is_whole = n->kind == NODE_MAP && tree_find(n, SPAN("schedule")) != NULL &&
                        tree_find(n, SPAN("duration")) != NULL;
        if (alarm_said(reading) == before && !is_whole)
            alarm_refuse(reading, n->place, "expected `schedule` and `duration`");
    }
    settings->mutes = windows;
    return true;
}

static bool description_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_text_read(node, &((struct alarm_settings *)to)->description);
}

static bool period_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    uint64_t seconds;
    if (!alarm_seconds_read(node, &seconds))
        return false;
    ((struct alarm_settings *)to)->period_s = (unsigned)seconds;
    return true;
}

static bool periods_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_count_read(node, &((struct alarm_settings *)to)->test.evaluation_periods);
}

static bool datapoints_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_count_read(node, &((struct alarm_settings *)to)->test.datapoints_to_alarm);
}

static bool threshold_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return node->kind == NODE_SCALAR &&
           alarm_number_parse(node->text, &((struct alarm_settings *)to)->test.threshold);
}

static bool comparison_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    unsigned index;
    if (!alarm_word_read(reading, node, alarm_operator_word, &index))
        return false;
    ((struct alarm_settings *)to)->test.comparison = (enum alarm_operator)index;
    return true;
}

static bool missing_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    unsigned index;
    if (!alarm_word_read(reading, node, alarm_missing_word, &index))
        return false;
    ((struct alarm_settings *)to)->test.missing = (enum alarm_missing)index;
    return true;
}

static const char *few_word(unsigned i)
{
    static const char *const words[] = {"evaluate", "ignore", NULL};
    return words[i];
}

static bool few_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    unsigned index;
    if (!alarm_word_read(reading, node, few_word, &index))
        return false;
    ((struct alarm_settings *)to)->few_keep_state = index == 1;
    return true;
}

static bool band_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_text_read(node, &((struct alarm_settings *)to)->band_id);
}

static bool rule_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    ((struct alarm_settings *)to)->rule_place = alarm_text_place(node);
    return alarm_text_read(node, &((struct alarm_settings *)to)->rule);
}

static bool suppressor_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_text_read(node, &((struct alarm_settings *)to)->suppressor);
}

static bool wait_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    uint64_t seconds = 0;
    bool well = alarm_seconds_read(node, &seconds);
    ((struct alarm_settings *)to)->wait_s = (unsigned)seconds;
    return well;
}

static bool extension_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    uint64_t seconds = 0;
    bool well = alarm_seconds_read(node, &seconds);
    ((struct alarm_settings *)to)->extension_s = (unsigned)seconds;
    return well;
}

static const struct alarm_key alarm_keys[] = {
    {"name", name_read, "a name"},
    {"description", description_read, "a text"},
    {"actions", actions_read, "a list of five actions at the most"},
    {"ok_actions", actions_read, "a list of five actions at the most"},
    {"insufficient_data_actions", actions_read, "a list of five actions at the most"},
    {"actions_enabled", enabled_read, "true or false"},
    {"mute", mutes_read,
     "a list of ten windows at the most, like [{ schedule: cron(0 2 * * *), duration: 2h }]"},
    {"namespace", later_read, "the namespace of a metric"},
    {"metric", later_read, "the name of a metric"},
    {"statistic", later_read, "a statistic, like Average or p99"},
    {"dimensions", dimensions_later, "a map, like { route: /pets, method: GET }"},
    {"metrics", alarm_metrics_read, "a list of metrics and expressions"},
    {"period", period_read, "a time with a unit, in whole seconds, like 60s"},
    {"evaluation_periods", periods_read, "a whole number from 1"},
    {"datapoints_to_alarm", datapoints_read, "a whole number from 1 to evaluation_periods"},
    {"threshold", threshold_read, "a number"},
    {"threshold_metric_id", band_read, "the id of an ANOMALY_DETECTION_BAND"},
    {"comparison_operator", comparison_read, "an operator, like GreaterThanThreshold"},
    {"treat_missing_data", missing_read, "missing, ignore, breaching or notBreaching"},
    {"evaluate_low_sample_count_percentile", few_read, "evaluate or ignore"},
    {"rule", rule_read, "a rule, like ALARM(a) AND NOT OK(b)"},
    {"actions_suppressor", suppressor_read, "the name of an alarm"},
    {"actions_suppressor_wait_period", wait_read, "a time with a unit, like 60s"},
    {"actions_suppressor_extension_period", extension_read, "a time with a unit, like 60s"},
};

/* What means something to one kind of alarm alone. */
static const struct {
    const char *key;
    bool is_of_metrics, is_must;
} owned[] = {
    {"period", true, true},
    {"evaluation_periods", true, true},
    {"comparison_operator", true, true},
    {"datapoints_to_alarm", true, false},
    {"threshold", true, false},
    {"threshold_metric_id", true, false},
    {"treat_missing_data", true, false},
    {"evaluate_low_sample_count_percentile", true, false},
    {"namespace", true, false},
    {"statistic", true, false},
    {"dimensions", true, false},
    {"actions_suppressor", false, false},
    {"actions_suppressor_wait_period", false, false},
    {"actions_suppressor_extension_period", false, false},
};

static void refuse_without_meaning(struct alarm_reading *reading, const struct node *node,
                                   const char *why)
{
    fault_add(reading->faults, FAULT_ERROR, node->key_place, SPAN(""),
              "`" SPAN_FORMAT "` has no meaning %s", span_arg(node->key), why);
}

static void owned_check(struct alarm_reading *reading, const struct node *node, bool is_composite)
{
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
        const struct node *n = tree_find(node, span_text(owned[i].key));
        if (n != NULL && owned[i].is_of_metrics == is_composite)
            refuse_without_meaning(reading, n, is_composite ? "beside `rule`" : "without `rule`");
        if (n == NULL && owned[i].is_must && !is_composite)
            fault_add(reading->faults, FAULT_ERROR, node->place, SPAN(""), "`%s` is missing",
                      owned[i].key);
    }
}

/* The times that a suppressor's state is waited for. */
static void suppressor_check(struct alarm_reading *reading, const struct node *node)
{
    static const char *const keys[] = {"actions_suppressor_wait_period",
                                       "actions_suppressor_extension_period"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct node *n = tree_find(node, span_text(keys[i]));
        if (n != NULL && tree_find(node, SPAN("actions_suppressor")) == NULL)
            refuse_without_meaning(reading, n, "without `actions_suppressor`");
    }
}

/* They belong to the one metric whose name stands beside them. */
static void beside_check(struct alarm_reading *reading, const struct node *node)
{
    static const char *const keys[] = {"namespace", "statistic", "dimensions"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct node *n = tree_find(node, span_text(keys[i]));
        if (n != NULL && tree_find(node, SPAN("metrics")) != NULL)
            refuse_without_meaning(reading, n, "beside `metrics`");
    }
}

static void alarm_check(struct alarm_reading *reading, const struct node *node,
                        struct alarm_settings *settings)
{
    const struct node *rule = tree_find(node, SPAN("rule"));
    bool is_composite = settings->rule.len > 0;
    if (is_composite == (settings->metric_count > 0)) {
        alarm_refuse(reading, rule != NULL ? rule->key_place : node->place,
                     "expected one of `metric`, `metrics` and `rule`");
        return;
    }
    if (settings->name.len == 0)
        alarm_refuse(reading, node->place, "`name` is missing");
    owned_check(reading, node, is_composite);
    if (is_composite)
        suppressor_check(reading, node);
    if (tree_find(node, SPAN("metric")) == NULL)
        beside_check(reading, node);
    if (!is_composite && settings->band_id.len == 0 && tree_find(node, SPAN("threshold")) == NULL)
        alarm_refuse(reading, node->place, "`threshold` is missing");
    if (tree_find(node, SPAN("datapoints_to_alarm")) == NULL)
        settings->test.datapoints_to_alarm = settings->test.evaluation_periods;
}

bool alarm_entries_read(struct alarm_reading *reading, const struct node *node,
                        struct alarm_settings **list, size_t *count)
{
    if (node->kind != NODE_LIST || (node->count == 0 && !reading->is_live))
        return false;
    *list = alarm_list_new(reading, node, sizeof **list);
    for (const struct node *n = node->first; *list != NULL && n != NULL; n = n->next) {
        struct alarm_settings *settings = &(*list)[(*count)++];
        size_t before = alarm_said(reading);
        settings->place = n->place;
        alarm_map_read(reading, n, alarm_keys, sizeof alarm_keys / sizeof *alarm_keys, settings);
        if (n->kind != NODE_MAP)
            continue;
        settings->places = alarm_places_of(reading, n);
        bool is_said = alarm_said(reading) > before;
        alarm_metric_beside_read(reading, n, settings, is_said);
        if (!is_said)
            alarm_check(reading, n, settings);
    }
    return true;
}
