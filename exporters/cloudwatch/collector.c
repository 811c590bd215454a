/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cloudwatch/collector.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exporters/cloudwatch/metric_filters.h"
#include "exporters/tally.h"
#include "rules/base/map.h"
#include "rules/base/must.h"

enum {
    SECONDS_MOST = 4, /* that are gathered at once: all but the newest are late */
    KEY_MOST = 1024,
    MINUTE_S = 60,
    LATE_S = 2,          /* after which a minute is said */
    AFTER_NS = 20000000, /* behind a second's end: who had ended by then has counted */
    SECOND_NS = 1000000000,
};

/* What all workers counted of one row in one second. */
struct sum {
    struct span route, method;
    uint64_t count, status_4xx, status_5xx;
    struct sketch latency, integration;
};

struct second {
    int64_t at; /* 0: free */
    struct map *rows;
    struct map *rules;
};

struct rule_sum {
    uint64_t fates[TALLY_FATES];
};

struct collector {
    struct metric_store *store;
    struct metrics *metrics;
    struct metric_filters *filters; /* NULL: none */
    unsigned workers;
    struct second seconds[SECONDS_MOST];
    struct buf key;
    _Atomic uint64_t overflowed;
    pthread_mutex_t lock; /* all below, and a turn */
    pthread_cond_t wake;
    char *service, *environment, *emf_namespace;
    emf_line *put;
    void *context;
    int64_t minute; /* the next one that is to be said; 0: not known yet */
    bool runs, ends;
    pthread_t thread;
};

/* ---- gathering ---- */

static struct second *second_get(struct collector *collector, int64_t at);

static struct span key_of(struct collector *collector, struct span route, struct span method)
{
    buf_clear(&collector->key);
    buf_add(&collector->key, route);
    buf_add_byte(&collector->key, '\0');
    buf_add(&collector->key, method);
    return buf_span(&collector->key);
}

static void on_requests(void *context, int64_t at, const struct tally_requests *from)
{
    struct collector *collector = context;
    struct second *second = second_get(collector, at);
    struct span key = key_of(collector, from->route, from->method);
    struct sum *to = map_find(second->rows, key);
    if (to == NULL) {
        to = must_alloc(sizeof *to + key.len + 1);
        char *text = (char *)(to + 1);
        memcpy(text, key.at, key.len);
        to->route = span_make(text, from->route.len);
        to->method = span_make(text + from->route.len + 1, from->method.len);
        map_set(second->rows, key, to);
    }
    to->count += from->count;
    to->status_4xx += from->status_4xx;
    to->status_5xx += from->status_5xx;
    sketch_merge(&to->latency, &from->latency);
    sketch_merge(&to->integration, &from->integration);
    if (from->is_rest)
        atomic_fetch_add_explicit(&collector->overflowed, from->count, memory_order_relaxed);
}

static void on_rule(void *context, int64_t at, const struct tally_rule *from)
{
    struct collector *collector = context;
    struct second *second = second_get(collector, at);
    struct rule_sum *to = map_find(second->rules, from->name);
    if (from->is_rest) {
        atomic_fetch_add_explicit(&collector->overflowed, 1, memory_order_relaxed);
        return;
    }
    if (to == NULL) {
        to = must_alloc(sizeof *to);
        map_set(second->rules, from->name, to);
    }
    for (size_t i = 0; i < TALLY_FATES; i++)
        to->fates[i] += from->fates[i];
}

/* ---- storing ---- */

/* Where samples go: a second, and the metrics of these dimensions. */
struct spot {
    struct collector *collector;
    int64_t at;
    const struct pair *dimensions;
    size_t count;
};

static void put_samples(const struct spot *spot, const char *name, const struct sketch *samples)
{
    struct metric_id id = {SPAN(COLLECTOR_NAMESPACE), span_text(name), spot->dimensions,
                           spot->count};
    if (samples->count > 0)
        metric_store_add(spot->collector->store, &id, spot->at, samples);
}

static void put_times(const struct spot *spot, const char *name, uint64_t ones, uint64_t zeros)
{
    struct sketch sketch = {0};
    sketch_add(&sketch, 1, ones);
    sketch_add(&sketch, 0, zeros);
    put_samples(spot, name, &sketch);
    sketch_fini(&sketch);
}

static void put_sum(const struct spot *spot, const struct sum *sum)
{
    put_times(spot, "Count", sum->count, 0);
    put_times(spot, "4XXError", sum->status_4xx, sum->count - sum->status_4xx);
    put_times(spot, "5XXError", sum->status_5xx, sum->count - sum->status_5xx);
    put_samples(spot, "Latency", &sum->latency);
    put_samples(spot, "IntegrationLatency", &sum->integration);
}

static void sum_fini(struct sum *sum)
{
    sketch_fini(&sum->latency);
    sketch_fini(&sum->integration);
}

static void total_add(struct sum *total, const struct sum *sum)
{
    total->count += sum->count;
    total->status_4xx += sum->status_4xx;
    total->status_5xx += sum->status_5xx;
    sketch_merge(&total->latency, &sum->latency);
    sketch_merge(&total->integration, &sum->integration);
}

/* The dimensions of the whole service; a route's stand behind them. */
static size_t dimensions_of(const struct collector *collector, struct pair dimensions[4])
{
    size_t count = 0;
    dimensions[count++] = (struct pair){SPAN("ApiName"), span_text(collector->service)};
    if (collector->environment != NULL)
        dimensions[count++] = (struct pair){SPAN("Stage"), span_text(collector->environment)};
    return count;
}

static void rows_store(struct collector *collector, const struct second *second)
{
    struct pair dimensions[4];
    struct sum total = {0};
    size_t count = dimensions_of(collector, dimensions), cursor = 0;
    struct span key;
    void *row;
    while (map_next(second->rows, &cursor, &key, &row)) {
        struct sum *sum = row;
        dimensions[count] = (struct pair){SPAN("Resource"), sum->route};
        dimensions[count + 1] = (struct pair){SPAN("Method"), sum->method};
        if (sum->route.len > 0)
            put_sum(&(struct spot){collector, second->at, dimensions, count + 2}, sum);
        total_add(&total, sum);
        sum_fini(sum);
        free(sum);
    }
    put_sum(&(struct spot){collector, second->at, dimensions, 1}, &total);
    if (count > 1)
        put_sum(&(struct spot){collector, second->at, dimensions, count}, &total);
    sum_fini(&total);
}

static void rules_store(struct collector *collector, const struct second *second)
{
    static const char *const names[TALLY_FATES] = {"AllowedRequests", "BlockedRequests",
                                                   "CountedRequests"};
    struct pair dimensions[2] = {{SPAN("WebACL"), span_text(collector->service)},
                                 {SPAN("Rule"), SPAN("")}};
    size_t cursor = 0;
    void *rule;
    while (map_next(second->rules, &cursor, &dimensions[1].value, &rule)) {
        const struct rule_sum *sum = rule;
        for (size_t i = 0; i < TALLY_FATES; i++)
            put_times(&(struct spot){collector, second->at, dimensions, 2}, names[i], sum->fates[i],
                      0);
        free(rule);
    }
}

static void second_store(struct collector *collector, struct second *second)
{
    if (second->at == 0)
        return;
    if (map_count(second->rows) > 0)
        rows_store(collector, second);
    rules_store(collector, second);
    map_free(second->rows);
    map_free(second->rules);
    *second = (struct second){0};
}

/* Where there are too many, the oldest is stored first. */
static struct second *second_get(struct collector *collector, int64_t at)
{
    struct second *found = &collector->seconds[0];
    for (size_t i = 0; i < SECONDS_MOST; i++) {
        struct second *second = &collector->seconds[i];
        if (second->at == at && at != 0)
            return second;
        found = second->at < found->at ? second : found;
    }
    second_store(collector, found);
    *found = (struct second){at, map_new(NULL, false), map_new(NULL, false)};
    return found;
}

static void tallies_take(struct collector *collector, int64_t now_s)
{
    const struct tally_taker taker = {on_requests, on_rule, collector};
    for (unsigned w = 0; w < collector->workers; w++)
        tally_take(metrics_tally(collector->metrics, w), now_s, &taker);
    for (size_t i = 0; i < SECONDS_MOST; i++)
        second_store(collector, &collector->seconds[i]);
}

static void filters_take(struct collector *collector, int64_t now_s)
{
    if (collector->filters != NULL)
        metric_filters_take(collector->filters, collector->store, now_s);
}

static void turn(struct collector *collector, int64_t now_s)
{
    tallies_take(collector, now_s);
    filters_take(collector, now_s);
}

/* Minutes that are over before `now_s`; after a leap of the clock only the latest. */
static void say_minutes(struct collector *collector, int64_t now_s)
{
    int64_t minute = now_s / MINUTE_S;
    if (collector->minute == 0 || collector->minute > minute + 1 || collector->minute + 2 < minute)
        collector->minute = minute;
    for (; collector->minute < minute; collector->minute++)
        if (collector->emf_namespace != NULL)
            emf_write(collector->store, collector->minute, span_text(collector->emf_namespace),
                      collector->put, collector->context);
}

void collector_turn(struct collector *collector, int64_t now_s)
{
    pthread_mutex_lock(&collector->lock);
    turn(collector, now_s);
    say_minutes(collector, now_s - LATE_S);
    pthread_mutex_unlock(&collector->lock);
}

/* ---- the thread ---- */

/* When the wall clock's next second has begun, by the monotonic clock: within a second, wherever
 * the wall clock is set meanwhile. */
static struct timespec next_turn(void)
{
    struct timespec wall, at;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += AFTER_NS - wall.tv_nsec + (wall.tv_nsec >= AFTER_NS ? SECOND_NS : 0);
    if (at.tv_nsec >= SECOND_NS) {
        at.tv_sec++;
        at.tv_nsec -= SECOND_NS;
    }
    return at;
}

static void *run(void *context)
{
    struct collector *collector = context;
    struct timespec now;
    pthread_mutex_lock(&collector->lock);
    while (!collector->ends) {
        struct timespec next = next_turn();
        if (pthread_cond_timedwait(&collector->wake, &collector->lock, &next) != ETIMEDOUT)
            continue;
        clock_gettime(CLOCK_REALTIME, &now);
        turn(collector, now.tv_sec);
        say_minutes(collector, now.tv_sec - LATE_S);
    }
    pthread_mutex_unlock(&collector->lock);
    return NULL;
}

/* ---- life ---- */

struct collector *collector_new(struct metric_store *store, struct metrics *metrics,
                                unsigned workers, emf_line *put, void *context)
{
    struct collector *collector = must_alloc(sizeof *collector);
    pthread_condattr_t attributes;
    collector->store = store;
    collector->metrics = metrics;
    collector->workers = workers;
    collector->put = put;
    collector->context = context;
    buf_init(&collector->key, KEY_MOST);
    must(pthread_mutex_init(&collector->lock, NULL) == 0);
    must(pthread_condattr_init(&attributes) == 0);
    must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&collector->wake, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    collector->service = must_strdup("");
    return collector;
}

void collector_watch(struct collector *collector, struct metric_filters *filters)
{
    collector->filters = filters;
}

void collector_change(struct collector *collector, const struct collector_names *names, bool on)
{
    pthread_mutex_lock(&collector->lock);
    free(collector->service);
    free(collector->environment);
    free(collector->emf_namespace);
    collector->service = span_own(names->service);
    collector->environment = names->environment.len > 0 ? span_own(names->environment) : NULL;
    collector->emf_namespace = names->emf_namespace.len > 0 ? span_own(names->emf_namespace) : NULL;
    for (unsigned w = 0; w < collector->workers; w++)
        tally_switch(metrics_tally(collector->metrics, w), on);
    pthread_mutex_unlock(&collector->lock);
}

bool collector_start(struct collector *collector)
{
    collector->minute = (int64_t)time(NULL) / MINUTE_S;
    collector->runs = pthread_create(&collector->thread, NULL, run, collector) == 0;
    return collector->runs;
}

void collector_free(struct collector *collector)
{
    if (collector == NULL)
        return;
    pthread_mutex_lock(&collector->lock);
    collector->ends = true;
    pthread_cond_signal(&collector->wake);
    pthread_mutex_unlock(&collector->lock);
    if (collector->runs)
        pthread_join(collector->thread, NULL);
    tallies_take(collector, INT64_MAX);
    filters_take(collector, (int64_t)time(NULL)); /* more lines may come */
    if (collector->runs)                          /* the one that is under way, too */
        say_minutes(collector, (int64_t)time(NULL) + MINUTE_S);
    buf_fini(&collector->key);
    pthread_mutex_destroy(&collector->lock);
    pthread_cond_destroy(&collector->wake);
    free(collector->service);
    free(collector->environment);
    free(collector->emf_namespace);
    free(collector);
}

static const struct {
    const char *name;
    struct span unit;
} units[] = {
    {"Count", SPAN_INIT("Count")},
    {"4XXError", SPAN_INIT("Count")},
    {"5XXError", SPAN_INIT("Count")},
    {"Latency", SPAN_INIT("Milliseconds")},
    {"IntegrationLatency", SPAN_INIT("Milliseconds")},
    {"AllowedRequests", SPAN_INIT("Count")},
    {"BlockedRequests", SPAN_INIT("Count")},
    {"CountedRequests", SPAN_INIT("Count")},
};

struct span collector_unit(const struct metric_id *id)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (span_is(id->name, span_text(units[i].name)) &&
            span_is(id->namespace, SPAN(COLLECTOR_NAMESPACE)))
            return units[i].unit;
    return SPAN("");
}

const char *collector_metric_name(size_t i)
{
    return i < sizeof units / sizeof *units ? units[i].name : NULL;
}

uint64_t collector_overflowed(const struct collector *collector)
{
    return atomic_load_explicit(&collector->overflowed, memory_order_relaxed);
}
