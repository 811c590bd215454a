/* SPDX-License-Identifier: Apache-2.0 */
/* What a finished exchange adds to the worker's own figures. */
#include "exporters/metrics.h"

#include <assert.h>
#include <string.h>

#include "exporters/meter.h"
#include "exporters/metrics_table.h"
#include "exporters/tally.h"
#include "exporters/words.h"
#include "rules/base/must.h"
#include "rules/base/number.h"

void metrics_gauge(struct worker_metrics *metrics, enum worker_gauge gauge, uint64_t value)
{
    must(gauge < GAUGE_COUNT && gauge != GAUGE_ACTIVE_REQUESTS);
    atomic_store_explicit(&metrics->gauges[gauge], value, memory_order_relaxed);
}

static_assert((int)ACTIVE_PLACES == 2 * (int)METHODS_KNOWN, "a place for each pair");

size_t active_place(struct span method, struct span scheme)
{
    return 2 * method_index(method) + span_is(scheme, SPAN("https"));
}

void metrics_active(struct worker_metrics *metrics, size_t place, uint64_t value)
{
    must(place < ACTIVE_PLACES);
    atomic_store_explicit(&metrics->active[place], value + 1, memory_order_relaxed);
}

void metrics_add(struct worker_metrics *metrics, enum worker_counter counter, uint64_t n)
{
    must(counter < COUNTER_COUNT);
    figure_add(&metrics->counters[counter], n);
}

static struct exemplar_slot *series_exemplars(struct series *series, size_t slots)
{
    struct exemplar_slot *exemplars =
        atomic_load_explicit(&series->exemplars, memory_order_relaxed);
    if (exemplars == NULL) {
        exemplars = must_alloc(slots * sizeof *exemplars);
        atomic_store_explicit(&series->exemplars, exemplars, memory_order_release);
    }
    return exemplars;
}

/* What a sampled request leaves behind with each figure that it adds to. `of`: its trace and span,
 * and when; NULL: it is not sampled. Seldom more than a look whether it is time. */
static inline void exemplar_add(struct series *series, size_t slots, size_t slot,
                                const struct exemplar *of, uint64_t value)
{
    if (of == NULL)
        return;
    struct exemplar_slot *exemplars = series_exemplars(series, slots);
    if (exemplar_is_due(&exemplars[slot], of->wall_us))
        exemplar_put(&exemplars[slot], of, value);
}

static void exponential_count_one(struct series *series, const struct duration_bounds *bounds,
                                  uint64_t us)
{
    struct duration_buckets *durations =
        atomic_load_explicit(&series->durations, memory_order_relaxed);
    if (durations == NULL) {
        durations = must_alloc(sizeof *durations);
        atomic_store_explicit(&series->durations, durations, memory_order_release);
    }
    duration_add(durations, bounds, us);
}

/* One writer, like figure_add(). */
static void extremes_add(struct series *series, uint64_t us)
{
    uint64_t least_and_1 = atomic_load_explicit(&series->least_and_1, memory_order_relaxed);
    if (least_and_1 == 0 || us < least_and_1 - 1)
        atomic_store_explicit(&series->least_and_1, us + 1, memory_order_relaxed);
    if (us > atomic_load_explicit(&series->most, memory_order_relaxed))
        atomic_store_explicit(&series->most, us, memory_order_relaxed);
}

static void histogram_add(struct worker_metrics *metrics, struct series *series, uint64_t us,
                          const struct exemplar *of)
{
    size_t bucket = 0;
    while (bucket < BUCKETS && us > bucket_bounds_us[bucket])
        bucket++;
    extremes_add(series, us);
    atomic_store_explicit(&series->buckets[bucket],
                          atomic_load_explicit(&series->buckets[bucket], memory_order_relaxed) + 1,
                          memory_order_release);
    figure_add(&series->sum, us);
    if (metrics->whole->bounds != NULL)
        exponential_count_one(series, metrics->whole->bounds, us);
    exemplar_add(series, BUCKETS + 1, bucket, of, us);
}

static void counter_add(struct series *series, uint64_t n, const struct exemplar *of)
{
    figure_add(&series->sum, n);
    exemplar_add(series, 1, 0, of, n);
}

static struct span digits_of(uint64_t number, char digits[24])
{
    return span_make(digits, number > 0 ? number_write(digits, (int64_t)number) : 0);
}

static void count_server(struct worker_metrics *metrics, const struct report *report,
                         const struct exemplar *of)
{
    char status[24], error[24];
    const struct pair labels[] = {
        {SPAN("http_request_method"), method_known(report->method)},
        {SPAN("http_route"), report->route},
        {SPAN("http_response_status_code"), digits_of(report->status, status)},
        {SPAN("error_type"), error_type(report->error, report->status, 500, error)},
        {SPAN("url_scheme"), report->scheme},
    };
    histogram_add(metrics, series_get(metrics, FAMILY_SERVER, labels, 5), report->duration_us, of);
}

static void count_attempt(struct worker_metrics *metrics, const struct report *report,
                          const struct report_attempt *attempt, const struct exemplar *of)
{
    char status[24], error[24];
    struct span host, port;
    address_split(attempt->address, &host, &port);
    struct exemplar own = of != NULL ? *of : (struct exemplar){0};
    memcpy(own.span_id, attempt->span_id, sizeof own.span_id);
    const struct pair labels[] = {
        {SPAN("http_request_method"), method_known(report->method)},
        {SPAN("server_address"), host},
        {SPAN("server_port"), port},
        {SPAN("http_response_status_code"), digits_of(attempt->status, status)},
        {SPAN("error_type"), error_type(attempt->error, attempt->status, 400, error)},
    };
    histogram_add(metrics, series_get(metrics, FAMILY_CLIENT, labels, 5), attempt->duration_us,
                  of != NULL ? &own : NULL);
}

static void count_stage(struct worker_metrics *metrics, const struct report_stage *stage,
                        const struct exemplar *of)
{
    size_t place = (uintptr_t)stage->name.at / 8 % STAGE_MEMO;
    if (metrics->stages[place].name != stage->name.at) {
        const struct pair label = {SPAN("stage"), stage->name};
        metrics->stages[place].series = series_get(metrics, FAMILY_STAGE, &label, 1);
        metrics->stages[place].name = stage->name.at;
    }
    histogram_add(metrics, metrics->stages[place].series, stage->duration_us, of);
}

/* Where rules said what they say: the phase of the match that decided, else the last stage that
 * inspected. */
static struct span deciding_stage(const struct report *report)
{
    for (size_t i = 0; i < report->waf.match_count && report->waf.decided_by != 0; i++) {
        const struct rule_match *match = &report->waf.matches[i];
        if (match->rule_id == report->waf.decided_by)
            return phase_stage(match->phase);
    }
    for (size_t i = report->stage_count; i-- > 0;) {
        struct span name = report->stages[i].name;
        if (span_starts(name, SPAN("inspect_")))
            return name;
    }
    return SPAN("");
}

static void count_decision(struct worker_metrics *metrics, const struct report *report,
                           const struct exemplar *of)
{
    if (report->waf.action == WAF_OFF)
        return;
    const struct pair labels[] = {
        {SPAN("stage"), deciding_stage(report)},
        {SPAN("control"), SPAN("rules")},
        {SPAN("decision"), report->waf.action == WAF_BLOCK         ? SPAN("block")
                           : report->waf.action == WAF_WOULD_BLOCK ? SPAN("would_block")
                                                                   : SPAN("pass")},
    };
    counter_add(series_get(metrics, FAMILY_DECISIONS, labels, 3), 1, of);
}

static void count_others(struct worker_metrics *metrics, const struct report *report,
                         const struct exemplar *of)
{
    for (size_t i = 0; i < report->decision_count; i++) {
        const struct report_decision *decision = &report->decisions[i];
        const struct pair labels[] = {
            {SPAN("stage"), span_text(decision->stage)},
            {SPAN("control"), decision->name},
            {SPAN("decision"), span_text(decision->word)},
        };
        counter_add(series_get(metrics, FAMILY_DECISIONS, labels, 3), 1, of);
    }
}

static void count_authorizer(struct worker_metrics *metrics, const struct report *report,
                             const struct exemplar *of)
{
    if (report->authorizer.name.len == 0)
        return;
    const struct pair labels[] = {
        {SPAN("authorizer"), report->authorizer.name},
        {SPAN("decision"), span_text(report->authorizer.word)},
    };
    counter_add(series_get(metrics, FAMILY_AUTHORIZERS, labels, 2), 1, of);
    const struct pair answers[] = {
        {SPAN("authorizer"), report->authorizer.name},
        {SPAN("result"), report->authorizer.cache},
    };
    if (report->authorizer.cache.len > 0)
        counter_add(series_get(metrics, FAMILY_ANSWERS, answers, 2), 1, of);
}

static void count_match(struct worker_metrics *metrics, const struct rule_match *match,
                        const struct exemplar *of)
{
    char id[24], phase[24];
    const struct pair labels[] = {
        {SPAN("rule_id"), digits_of(match->rule_id, id)},
        {SPAN("phase"), digits_of((uint64_t)match->phase, phase)},
    };
    counter_add(series_get(metrics, FAMILY_MATCHES, labels, 2), 1, of);
}

static void count_limits(struct worker_metrics *metrics, const struct report *report,
                         const struct exemplar *of)
{
    for (unsigned i = 0; i < LIMIT_KINDS; i++) {
        if (report->waf.limits[i] == 0)
            continue;
        const struct pair label = {SPAN("limit"), span_text(limit_name((enum limit_kind)i))};
        counter_add(series_get(metrics, FAMILY_LIMITS, &label, 1), report->waf.limits[i], of);
    }
}

void metrics_count(struct worker_metrics *metrics, const struct report *report)
{
    struct exemplar exemplar = {.wall_us = report->began_wall_us + report->duration_us};
    const struct exemplar *of = report->sampled ? &exemplar : NULL;
    memcpy(exemplar.trace_id, report->trace_id, sizeof exemplar.trace_id);
    memcpy(exemplar.span_id, report->span_id, sizeof exemplar.span_id);
    count_server(metrics, report, of);
    for (size_t i = 0; i < report->attempt_count && i < REPORT_ATTEMPTS; i++)
        count_attempt(metrics, report, &report->attempts[i], of);
    for (size_t i = 0; i < report->stage_count; i++)
        count_stage(metrics, &report->stages[i], of);
    count_decision(metrics, report, of);
    count_others(metrics, report, of);
    count_authorizer(metrics, report, of);
    for (size_t i = 0; i < report->waf.match_count; i++)
        if (!report->waf.matches[i].audit_only)
            count_match(metrics, &report->waf.matches[i], of);
    count_limits(metrics, report, of);
    meter_count(metrics->meter, report);
    tally_count(metrics->tally, report);
}
