/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of everybody who counts, when the metrics are read. */
#include "sidecar/figures.h"

#include <stdlib.h>

#include "exporters/cloudwatch/metric_filters.h"
#include "rules/base/must.h"
#include "sidecar/admin_inside.h"
#include "sidecar/alarm_duty.h"
#include "sidecar/block_lists.h"
#include "sidecar/process_inside.h"
#include "sidecar/sampling_service.h"
#include "sidecar/state/key_store.h"
#include "sidecar/state/rates.h"
#include "sidecar/usage_file.h"

static void name_plan_stores(const struct usage_plan_settings *plan, struct rate_figures *to)
{
    if (plan->throttle.how.limit > 0)
        to[plan->throttle.store] =
            (struct rate_figures){.control = "usage_plan", .name = plan->throttle.name};
    for (size_t i = 0; i < plan->route_count; i++) {
        const struct rate_settings *throttle = &plan->routes[i].throttle;
        to[throttle->store] =
            (struct rate_figures){.control = "usage_plan", .name = throttle->name};
    }
}

/* One for each store of the snapshot in force; the caller frees. */
static struct rate_figures *rate_figures(const struct snapshot *snapshot)
{
    const struct settings *settings = snapshot->settings;
    struct rate_figures *to = must_alloc((settings->rate_store_count + 1) * sizeof *to);
    for (size_t i = 0; i < settings->access_count; i++) {
        const struct access_entry *entry = &settings->access[i];
        if (entry->rate.how.limit > 0)
            to[entry->rate.store] = (struct rate_figures){.control = "access", .name = entry->name};
    }
    for (size_t i = 0; i < settings->rate_limit_count; i++) {
        const struct rate_limit_settings *limit = &settings->rate_limits[i];
        to[limit->rate.store] = (struct rate_figures){.control = "rate_limit", .name = limit->name};
    }
    for (size_t i = 0; i < settings->usage_plan_count; i++)
        name_plan_stores(&settings->usage_plans[i], to);
    for (size_t i = 0; i < settings->rate_store_count; i++)
        to[i].forgotten = rates_forgotten(snapshot->rates[i]);
    return to;
}

/* One for each authorizer whose keys are fetched; the caller frees. */
static struct key_set_figures *key_set_figures(const struct process *process, size_t *count)
{
    const struct snapshot *snapshot = process->snapshot;
    const struct settings *settings = snapshot->settings;
    struct key_set_figures *to = must_alloc((settings->authorizer_count + 1) * sizeof *to);
    uint64_t passed_us = loop_wall_us(process->loop) - loop_now_us(process->loop);
    for (size_t i = 0; i < settings->authorizer_count; i++) {
        if (settings->authorizers[i].keys.url.at == NULL)
            continue;
        struct key_store_figures figures = key_store_figures(snapshot->key_stores[i]);
        to[(*count)++] =
            (struct key_set_figures){settings->authorizers[i].name, figures.fetched, figures.failed,
                                     figures.fetched_us != 0 ? figures.fetched_us + passed_us : 0};
    }
    return to;
}

static void add_counts(struct process_facts *facts, const struct process *process)
{
    if (process->workers.block_lists != NULL) {
        struct block_list_figures figures = block_lists_figures(process->workers.block_lists);
        facts->dns_answered = figures.answered;
        facts->dns_failed = figures.failed;
        facts->dns_dropped = figures.dropped;
    }
    if (process->usage_file != NULL) {
        struct usage_figures figures = usage_file_figures(process->usage_file);
        facts->usage_written = figures.lines;
        facts->usage_failed = figures.failures;
        facts->usage_broken = figures.broken;
    }
    if (process->metric_store != NULL) {
        struct metric_store_figures figures = metric_store_figures(process->metric_store);
        facts->series.count = figures.metrics;
        facts->series.bytes = figures.bytes;
        facts->series.refused = figures.refused;
        facts->series.late = figures.late;
        facts->series.forgotten = figures.forgotten;
        facts->series.filters = metric_filters_lost(process->filters);
        facts->series.overflowed = collector_overflowed(process->collector);
    }
    if (process->archive != NULL) {
        struct archive_figures figures = archive_figures(process->archive);
        facts->series.disk_bytes = figures.bytes;
        facts->series.written = figures.written;
        facts->series.failures = figures.failures;
        facts->series.broken = figures.broken;
        facts->series.disk_forgotten = figures.forgotten;
    }
}

static void alarm_actions_fill(struct figures *figures, const struct process *process)
{
    const struct alarm_duty *duty = alarm_watch_duty(process->alarms);
    struct alarm_action_figures actions = alarm_duty_action_figures(duty);
    struct alarm_book_figures book = alarm_duty_book_figures(duty);
    struct process_facts *facts = &figures->facts;
    for (unsigned type = 0; alarm_action_type_word(type) != NULL; type++)
        for (unsigned outcome = 0; outcome < ALARM_OUTCOME_COUNT; outcome++)
            figures->alarm_actions[facts->alarm_action_count++] = (struct alarm_action_count){
                alarm_action_type_word(type), alarm_outcome_word((enum alarm_outcome)outcome),
                actions.counts[type][outcome]};
    facts->alarm_actions = figures->alarm_actions;
    facts->alarm_actions_waiting = actions.waiting;
    facts->alarm_action_retries = actions.retries;
    facts->alarm_book_failed = book.failures;
    facts->alarm_book_broken = book.broken;
}

void figures_begin(struct figures *figures, const struct process *process)
{
    struct process_facts *facts = &figures->facts;
    *facts = process->facts;
    add_counts(facts, process);
    facts->key_sets = figures->key_sets = key_set_figures(process, &facts->key_set_count);
    facts->rates = figures->rates = rate_figures(process->snapshot);
    facts->rate_count = process->snapshot->settings->rate_store_count;
    facts->ip_sets = figures->ip_sets = admin_ip_set_figures(process);
    facts->ip_set_count = process->snapshot->settings->ip_set_count;
    figures->sampling = sampling_service_figures(process->sampling, &facts->sampling);
    facts->alarms = figures->alarms = alarm_watch_figures(process->alarms, &facts->alarm_count);
    alarm_actions_fill(figures, process);
}

void figures_end(struct figures *figures)
{
    free(figures->alarms);
    free(figures->sampling);
    free(figures->ip_sets);
    free(figures->rates);
    free(figures->key_sets);
}
