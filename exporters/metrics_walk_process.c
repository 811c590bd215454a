/* SPDX-License-Identifier: Apache-2.0 */
/* What the process says of itself: numbers as they stand in its facts are rows of a table, the
 * others have a function each. */
#include <stddef.h>
#include <string.h>

#include "exporters/alarms/state.h"
#include "exporters/metrics_walk_inside.h"
#include "rules/base/must.h"

enum process_id {
#define PROCESS(id, name, kind, sentence) id,
#include "exporters/metrics.tbl"
    PROCESS_ROWS,
};

/* One figure with one label of static text. */
static void give_one(struct walk *walk, const char *name, const char *value, uint64_t figure)
{
    const struct pair label = {span_text(name), span_text(value)};
    walk_give(walk, &label, 1, figure);
}

/* One figure of something that has a name, and a label of static text. */
static void give_of(struct walk *walk, struct pair of, const char *name, const char *value,
                    uint64_t figure)
{
    const struct pair labels[] = {of, {span_text(name), span_text(value)}};
    walk_give(walk, labels, 2, figure);
}

static void walk_rates(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->rate_count; i++) {
        const struct rate_figures *rate = &facts->rates[i];
        const struct pair labels[] = {{SPAN("control"), span_text(rate->control)},
                                      {SPAN("name"), rate->name}};
        walk_give(walk, labels, 2, rate->forgotten);
    }
}

static void walk_ip_set_entries(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->ip_set_count; i++) {
        const struct ip_set_figures *set = &facts->ip_sets[i];
        const struct pair label = {SPAN("ip_set"), set->name};
        give_of(walk, label, "kind", "configured", set->configured);
        give_of(walk, label, "kind", "live", set->live);
    }
}

static void walk_ip_set_fetches(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->ip_set_count; i++) {
        const struct ip_set_figures *set = &facts->ip_sets[i];
        const struct pair label = {SPAN("ip_set"), set->name};
        for (size_t n = 0; n < set->count; n++)
            give_of(walk, label, "result", set->words[n], set->counts[n]);
    }
}

static void walk_ip_set_ages(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->ip_set_count; i++) {
        const struct ip_set_figures *set = &facts->ip_sets[i];
        const struct pair label = {SPAN("ip_set"), set->name};
        if (set->is_fetched && set->came)
            walk_give_us(walk, &label, 1, set->age_us);
    }
}

static void walk_key_fetches(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->key_set_count; i++) {
        const struct key_set_figures *keys = &facts->key_sets[i];
        const struct pair label = {SPAN("authorizer"), keys->name};
        give_of(walk, label, "result", "fetched", keys->fetched);
        give_of(walk, label, "result", "failed", keys->failed);
    }
}

static void walk_key_ages(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->key_set_count; i++) {
        const struct key_set_figures *keys = &facts->key_sets[i];
        const struct pair label = {SPAN("authorizer"), keys->name};
        if (keys->fetched_wall_us != 0)
            walk_give_us(walk, &label, 1, keys->fetched_wall_us);
    }
}

static void walk_sampling(struct walk *walk, const struct process_facts *all)
{
    const struct sampling_facts *facts = &all->sampling;
    for (size_t i = 0; i < facts->rule_count; i++) {
        const struct sampling_figure *rule = &facts->rules[i];
        const struct pair label = {SPAN("rule"), span_make(rule->name, rule->name_length)};
        for (unsigned n = 0; n < SAMPLING_DECISIONS; n++)
            give_of(walk, label, "decision", facts->decision(n), rule->decisions[n]);
    }
}

static void walk_sampling_rules(struct walk *walk, const struct process_facts *facts)
{
    if (facts->sampling.source != NULL)
        give_one(walk, "source", facts->sampling.source, facts->sampling.rule_count);
}

static void walk_sampling_calls(struct walk *walk, const struct process_facts *all)
{
    const struct sampling_facts *facts = &all->sampling;
    const struct {
        struct pair call;
        uint64_t answered, failed;
    } rows[] = {{{SPAN("call"), SPAN("rules")}, facts->rules_fetched, facts->rules_failed},
                {{SPAN("call"), SPAN("targets")}, facts->targets_fetched, facts->targets_failed}};
    for (size_t i = 0; facts->source != NULL && i < sizeof rows / sizeof *rows; i++) {
        give_of(walk, rows[i].call, "result", "answered", rows[i].answered);
        give_of(walk, rows[i].call, "result", "failed", rows[i].failed);
    }
}

static void walk_waf(struct walk *walk, const struct process_facts *facts)
{
    walk_give(walk, NULL, 0, facts->waf_effective);
    for (size_t i = 0; i < facts->waf_route_count; i++) {
        const struct waf_route *route = &facts->waf_routes[i];
        const struct pair labels[] = {{SPAN("http_request_method"), route->method},
                                      {SPAN("http_route"), route->template}};
        walk_give(walk, labels, 2, route->effective);
    }
}

static void walk_certificates(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->certificate_count; i++) {
        const struct certificate_expiry *certificate = &facts->certificates[i];
        const struct pair labels[] = {{SPAN("listener"), certificate->listener},
                                      {SPAN("name"), certificate->name}};
        walk_give(walk, labels, 2,
                  certificate->not_after_s > 0 ? (uint64_t)certificate->not_after_s : 0);
    }
}

/* One series for each state, so that a query can ask for one by name. */
static void walk_alarms(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->alarm_count; i++) {
        const struct pair label = {SPAN("alarm"), facts->alarms[i].name};
        const char *word;
        for (unsigned state = 0; (word = alarm_state_word(state)) != NULL; state++)
            give_of(walk, label, "state", word, strcmp(word, facts->alarms[i].state) == 0);
    }
}

static void walk_alarm_actions(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->alarm_action_count; i++) {
        const struct alarm_action_count *count = &facts->alarm_actions[i];
        const struct pair label = {SPAN("type"), span_text(count->type)};
        give_of(walk, label, "outcome", count->outcome, count->count);
    }
}

static void walk_reload(struct walk *walk, const struct process_facts *facts)
{
    walk_give(walk, NULL, 0, facts->last_reload_successful);
}

static void walk_reload_time(struct walk *walk, const struct process_facts *facts)
{
    walk_give_us(walk, NULL, 0, facts->last_reload_wall_us);
}

static void walk_build(struct walk *walk, const struct process_facts *facts)
{
    give_one(walk, "version", facts->version != NULL ? facts->version : "", 1);
}

/* Rows that are numbers of the facts as they stand there. */
static const struct {
    enum process_id id;
    const char *label, *value; /* "": none */
    size_t at;
} numbers[] = {
#define FACT(id, label, value, member)                           \
    {                                                            \
        id, label, value, offsetof(struct process_facts, member) \
    }
    FACT(PROCESS_SNAPSHOT, "", "", snapshot_number),
    FACT(PROCESS_RESTARTS, "", "", child_restarts),
    FACT(PROCESS_DNS, "result", "answered", dns_answered),
    FACT(PROCESS_DNS, "result", "failed", dns_failed),
    FACT(PROCESS_DNS, "result", "dropped", dns_dropped),
    FACT(PROCESS_USAGE, "result", "written", usage_written),
    FACT(PROCESS_USAGE, "result", "failed", usage_failed),
    FACT(PROCESS_USAGE, "result", "broken", usage_broken),
    FACT(PROCESS_SERIES, "", "", series.count),
    FACT(PROCESS_SERIES_BYTES, "", "", series.bytes),
    FACT(PROCESS_SERIES_LOST, "reason", "metrics", series.refused),
    FACT(PROCESS_SERIES_LOST, "reason", "rows", series.overflowed),
    FACT(PROCESS_SERIES_LOST, "reason", "late", series.late),
    FACT(PROCESS_SERIES_LOST, "reason", "bytes", series.forgotten),
    FACT(PROCESS_SERIES_LOST, "reason", "filters", series.filters),
    FACT(PROCESS_SERIES_LOST, "reason", "disk", series.disk_forgotten),
    FACT(PROCESS_SERIES_LOST, "reason", "broken", series.broken),
    FACT(PROCESS_SERIES_DISK, "", "", series.disk_bytes),
    FACT(PROCESS_SERIES_WRITTEN, "result", "written", series.written),
    FACT(PROCESS_SERIES_WRITTEN, "result", "failed", series.failures),
    FACT(PROCESS_CHANGES_REFUSED, "", "", changes_refused),
    FACT(PROCESS_CHANGE_LOG, "", "", change_log_failed),
    FACT(PROCESS_ALARM_WAITING, "", "", alarm_actions_waiting),
    FACT(PROCESS_ALARM_RETRIES, "", "", alarm_action_retries),
    FACT(PROCESS_ALARM_BOOK, "what", "write", alarm_book_failed),
    FACT(PROCESS_ALARM_BOOK, "what", "read", alarm_book_broken),
#undef FACT
};

/* The others; NULL: above. */
static void (*const walks[PROCESS_ROWS])(struct walk *walk, const struct process_facts *facts) = {
    [PROCESS_WAF] = walk_waf,
    [PROCESS_RATES] = walk_rates,
    [PROCESS_RELOAD] = walk_reload,
    [PROCESS_RELOAD_TIME] = walk_reload_time,
    [PROCESS_IP_SETS] = walk_ip_set_entries,
    [PROCESS_IP_SET_FETCHES] = walk_ip_set_fetches,
    [PROCESS_IP_SET_AGE] = walk_ip_set_ages,
    [PROCESS_KEY_FETCHES] = walk_key_fetches,
    [PROCESS_KEY_AGE] = walk_key_ages,
    [PROCESS_SAMPLING] = walk_sampling,
    [PROCESS_SAMPLING_RULES] = walk_sampling_rules,
    [PROCESS_SAMPLING_CALLS] = walk_sampling_calls,
    [PROCESS_CERTIFICATES] = walk_certificates,
    [PROCESS_ALARMS] = walk_alarms,
    [PROCESS_ALARM_ACTIONS] = walk_alarm_actions,
    [PROCESS_BUILD] = walk_build,
};

static bool walk_numbers(struct walk *walk, enum process_id id, const struct process_facts *facts)
{
    bool any = false;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct pair label = {span_text(numbers[i].label), span_text(numbers[i].value)};
        uint64_t number;
        if (numbers[i].id != id)
            continue;
        memcpy(&number, (const char *)facts + numbers[i].at, sizeof number);
        walk_give(walk, &label, label.name.len > 0 ? 1 : 0, number);
        any = true;
    }
    return any;
}

static void walk_process_row(struct walk *walk, enum process_id id,
                             const struct process_facts *facts)
{
    if (walks[id] != NULL)
        walks[id](walk, facts);
    else
        must(walk_numbers(walk, id, facts));
}

void walk_process(struct walk *walk, const struct process_facts *facts)
{
    static const struct metric rows[PROCESS_ROWS] = {
#define PROCESS(id, name, kind, sentence) [id] = {name, sentence, METRIC_##kind},
#include "exporters/metrics.tbl"
    };
    for (unsigned row = 0; row < PROCESS_ROWS; row++) {
        walk_begin(walk, rows[row].name, rows[row].kind, rows[row].sentence);
        walk_process_row(walk, (enum process_id)row, facts);
    }
}
