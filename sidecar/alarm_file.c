/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/alarm_file.h"

#include <time.h>

#include "rules/base/number.h"
#include "sidecar/config/alarm_entry.h"
#include "sidecar/config/document.h"

static struct alarm_file *file_of(struct alarm_reading *reading)
{
    return reading->context;
}

static bool alarms_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    struct alarm_file *file = to;
    const struct node *entries = alarm_presets_put_in(reading, node);
    file->firsts = alarm_list_new(reading, entries, sizeof *file->firsts);
    return file->firsts != NULL &&
           alarm_entries_read(reading, entries, &file->alarms, &file->alarm_count);
}

/* ---- series ---- */

static bool number_read(const struct node *node, double *value)
{
    return node->kind == NODE_SCALAR && alarm_number_parse(node->text, value);
}

static bool samples_list_read(struct alarm_reading *reading, const struct node *node,
                              struct alarm_values *run)
{
    double *values = alarm_list_new(reading, node, sizeof *values);
    for (const struct node *n = node->first; values != NULL && n != NULL; n = n->next)
        if (!number_read(n, &values[run->value_count++]))
            return false;
    run->values = values;
    return true;
}

/* { value: 0.3, samples: 500 } */
static bool samples_map_read(const struct node *node, double *value, struct alarm_values *run)
{
    const struct node *v = tree_find(node, SPAN("value")), *s = tree_find(node, SPAN("samples"));
    return node->count == 2 && v != NULL && s != NULL && number_read(v, value) &&
           s->kind == NODE_SCALAR && number_parse(s->text, &run->samples) &&
           run->samples <= INT32_MAX;
}

static bool run_read(struct alarm_reading *reading, const struct node *node,
                     struct alarm_values *run)
{
    *run = (struct alarm_values){.samples = 1, .periods = 1};
    if (node->kind == NODE_LIST)
        return samples_list_read(reading, node, run);
    struct span text = alarm_repeated(node->text, &run->periods);
    if (node->kind == NODE_SCALAR && span_is(text, SPAN("missing")))
        return true;
    double *value = alarm_list_new(reading, node, sizeof *value);
    run->values = value;
    run->value_count = 1;
    return value != NULL && (node->kind == NODE_MAP ? samples_map_read(node, value, run)
                                                    : alarm_number_parse(text, value));
}

static bool series_metric_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_text_read(node, &((struct alarm_series *)to)->metric);
}

static bool every_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    struct alarm_series *series = to;
    return alarm_seconds_read(node, &series->every_s) && series->every_s > 0;
}

static bool values_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    struct alarm_series *series = to;
    if (node->kind != NODE_LIST)
        return false;
    struct alarm_values *runs = alarm_list_new(reading, node, sizeof *runs);
    for (const struct node *n = node->first; runs != NULL && n != NULL; n = n->next)
        if (!run_read(reading, n, &runs[series->run_count++]))
            alarm_refuse(
                reading, n->place,
                "expected a number, `missing`, a list of samples or { value: V, samples: N }; "
                "a number or `missing` may have x5 behind it");
    series->runs = runs;
    return true;
}

static const struct alarm_key series_keys[] = {
    {"metric", series_metric_read, "the name of a metric"},
    {"every", every_read, "a time with a unit, in whole seconds, like 60s"},
    {"values", values_read, "a list of values"},
};

static bool is_asked_for(const struct alarm_file *file, struct span metric)
{
    for (size_t i = 0; i < file->alarm_count; i++)
        for (size_t k = 0; k < file->alarms[i].metric_count; k++)
            if (span_is(file->alarms[i].metrics[k].metric, metric))
                return true;
    return false;
}

static bool series_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    struct alarm_file *file = to;
    if (node->kind != NODE_LIST)
        return false;
    file->series = alarm_list_new(reading, node, sizeof *file->series);
    for (const struct node *n = node->first; file->series != NULL && n != NULL; n = n->next) {
        struct alarm_series *series = &file->series[file->series_count++];
        *series = (struct alarm_series){.every_s = 60};
        alarm_map_read(reading, n, series_keys, sizeof series_keys / sizeof *series_keys, series);
    }
    return true;
}

/* ---- states and expectations ---- */

static bool states_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    (void)to;
    return node->kind == NODE_MAP;
}

static bool find_alarm(struct alarm_reading *reading, struct span name, struct place place,
                       size_t *index)
{
    const struct alarm_file *file = file_of(reading);
    const char *names[ALARM_NAMES_MOST];
    size_t count = 0;
    char hint[ALARM_HINT_BYTES];
    for (*index = 0; *index < file->alarm_count; ++*index) {
        if (span_is(file->alarms[*index].name, name))
            return true;
        if (count < ALARM_NAMES_MOST && file->alarms[*index].name.len > 0)
            names[count++] = file->alarms[*index].name.at;
    }
    fault_add(reading->faults, FAULT_ERROR, place,
              nearest_hint(name, names, count, hint, sizeof hint),
              "there is no alarm '" SPAN_FORMAT "'", span_arg(span_first(name, ALARM_SHOWN_BYTES)));
    return false;
}

static void firsts_read(struct alarm_reading *reading, const struct node *map)
{
    unsigned state;
    size_t index;
    for (const struct node *n = map != NULL ? map->first : NULL; n != NULL; n = n->next)
        if (find_alarm(reading, n->key, n->key_place, &index) &&
            alarm_word_read(reading, n, alarm_state_word, &state))
            file_of(reading)->firsts[index] = (struct alarm_states){(enum alarm_state)state, 1};
}

static bool expected_alarm_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_text_read(node, &((struct alarm_expectation *)to)->alarm);
}

static bool expected_states_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    struct alarm_expectation *expectation = to;
    if (node->kind != NODE_LIST || node->count == 0)
        return false;
    struct alarm_states *states = alarm_list_new(reading, node, sizeof *states);
    for (const struct node *n = node->first; states != NULL && n != NULL; n = n->next) {
        struct alarm_states *run = &states[expectation->state_count++];
        struct node word = *n;
        unsigned state;
        word.text = alarm_repeated(n->text, &run->evaluations);
        word.key = SPAN("states");
        if (!alarm_word_read(reading, &word, alarm_state_word, &state))
            return false;
        run->state = (enum alarm_state)state;
    }
    expectation->states = states;
    return true;
}

static bool at_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_seconds_read(node, &((struct alarm_expectation *)to)->at_s);
}

static bool state_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    unsigned state;
    return alarm_word_read(reading, node, alarm_state_word, &state) &&
           alarm_text_read(node, &((struct alarm_expectation *)to)->state);
}

static bool reason_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_text_read(node, &((struct alarm_expectation *)to)->reason);
}

static const char *actions_word(unsigned i)
{
    static const char *const words[] = {"any", "run", "suppressed", "none", NULL};
    return words[i];
}

static bool actions_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    unsigned index;
    if (!alarm_word_read(reading, node, actions_word, &index))
        return false;
    ((struct alarm_expectation *)to)->actions = (enum alarm_actions)index;
    return true;
}

static const struct alarm_key expectation_keys[] = {
    {"alarm", expected_alarm_read, "the name of an alarm"},
    {"states", expected_states_read, "a list of states, like [OK x5, ALARM]"},
    {"at", at_read, "a time after the start, like 5m"},
    {"state", state_read, "OK, ALARM or INSUFFICIENT_DATA"},
    {"reason", reason_read, "a part of the reason"},
    {"actions", actions_read, "run, suppressed or none"},
};

static void expectation_read(struct alarm_reading *reading, const struct node *node,
                             struct alarm_expectation *expectation)
{
    expectation->place = node->place;
    alarm_map_read(reading, node, expectation_keys,
                   sizeof expectation_keys / sizeof *expectation_keys, expectation);
    find_alarm(reading, expectation->alarm, node->place, &expectation->index);
    bool at_moment = expectation->state.len > 0 || expectation->reason.len > 0 ||
                     expectation->actions != ACTIONS_ANY;
    if ((expectation->state_count > 0) == at_moment ||
        (at_moment && tree_find(node, SPAN("at")) == NULL))
        alarm_refuse(reading, node->place,
                     "expected either `states`, or `at` with `state`, `reason` or `actions`");
}

static bool expect_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    struct alarm_file *file = to;
    if (node->kind != NODE_LIST)
        return false;
    file->expectations = alarm_list_new(reading, node, sizeof *file->expectations);
    return true;
}

static void expectations_read(struct alarm_reading *reading, const struct node *list)
{
    struct alarm_file *file = file_of(reading);
    for (const struct node *n = list != NULL ? list->first : NULL;
         file->expectations != NULL && n != NULL; n = n->next)
        expectation_read(reading, n, &file->expectations[file->expectation_count++]);
}

/* ---- the file ---- */

static bool start_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    struct tm tm = {0};
    const char *end =
        node->kind == NODE_SCALAR ? strptime(node->text.at, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
    if (end == NULL || *end != '\0' || tm.tm_sec != 0 || tm.tm_year < 70)
        return false;
    ((struct alarm_file *)to)->start_s = timegm(&tm);
    return true;
}

static bool until_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_seconds_read(node, &((struct alarm_file *)to)->until_s);
}

static const struct alarm_key file_keys[] = {
    {"start", start_read, "a full minute, like 2026-01-01T00:00:00Z"},
    {"until", until_read, "a time after the start, like 30m"},
    {"alarms", alarms_read, "a list of alarms"},
    {"states", states_read, "a map of alarms and states"},
    {"series", series_read, "a list of series"},
    {"expect", expect_read, "a list of expectations"},
};

static void series_check(struct alarm_reading *reading, const struct node *list)
{
    const struct alarm_file *file = file_of(reading);
    const struct node *n = list != NULL ? list->first : NULL;
    for (size_t i = 0; i < file->series_count && n != NULL; i++, n = n->next)
        if (!is_asked_for(file, file->series[i].metric))
            alarm_refuse(reading, n->place, "no alarm asks for this metric");
}

/* A configuration has other keys, and something else may be anything. */
static bool is_replay(const struct node *root)
{
    static const char *const theirs[] = {"version", "listeners", "upstreams", "service", "process"};
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        if (tree_find(root, span_text(theirs[i])) != NULL)
            return false;
    for (size_t i = 0; i < sizeof file_keys / sizeof *file_keys; i++)
        if (tree_find(root, span_text(file_keys[i].name)) != NULL)
            return true;
    return false;
}

bool alarm_file_read(struct arena *arena, struct span text, const char *name,
                     struct alarm_file *file, struct faults *faults)
{
    struct alarm_reading reading = {arena, faults, false, file};
    const struct document document = {arena, faults, name, ".", true, NULL, NULL};
    const struct node *root = document_parse(&document, text);
    *file = (struct alarm_file){0};
    if (root == NULL)
        return false;
    if (!is_replay(root)) {
        alarm_refuse(&reading, root->place,
                     "this is no file of `alarms test`: expected `alarms:` as a configuration has "
                     "them, `series:` of their metrics, and what is to be found: `expect:`");
        return false;
    }
    alarm_map_read(&reading, root, file_keys, sizeof file_keys / sizeof *file_keys, file);
    if (file->alarm_count == 0 && faults_count(faults, FAULT_ERROR) == 0)
        alarm_refuse(&reading, root->place, "`alarms` is missing");
    /* what names alarms may stand before them */
    firsts_read(&reading, tree_find(root, SPAN("states")));
    series_check(&reading, tree_find(root, SPAN("series")));
    expectations_read(&reading, tree_find(root, SPAN("expect")));
    return faults_count(faults, FAULT_ERROR) == 0;
}
