/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and making series. */
#include "exporters/metrics_table.h"

#include <stdlib.h>

#include "exporters/meter.h"
#include "exporters/tally.h"
#include "rules/base/must.h"

enum { VALUE_LONGEST = 200, KEY_BYTES = LABELS_MOST * (VALUE_LONGEST + 1) };

const uint64_t bucket_bounds_us[BUCKETS] = {
    100,    250,    500,    1000,   2500,    5000,    10000,   25000,   50000,   75000,
    100000, 250000, 500000, 750000, 1000000, 2500000, 5000000, 7500000, 10000000};
const char *const bucket_names[BUCKETS + 1] = {
    "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.075",
    "0.1",    "0.25",    "0.5",    "0.75",  "1.0",    "2.5",   "5.0",  "7.5",   "10.0", "+Inf"};

struct metrics *metrics_new(unsigned workers, uint64_t now_wall_us)
{
    struct metrics *metrics =
        must_alloc(sizeof *metrics + workers * sizeof(struct worker_metrics *));
    metrics->workers = workers;
    metrics->began_wall_us = now_wall_us;
    for (size_t f = 0; f < FAMILIES; f++) {
        must(pthread_mutex_init(&metrics->families[f].lock, NULL) == 0);
        metrics->families[f].sets = map_new(NULL, false);
    }
    for (size_t w = 0; w < workers; w++) {
        struct worker_metrics *worker = must_alloc(sizeof *worker);
        worker->whole = metrics;
        worker->meter = meter_new();
        worker->tally = tally_new();
        for (size_t f = 0; f < FAMILIES; f++)
            worker->shares[f].known = map_new(NULL, false);
        metrics->list[w] = worker;
    }
    return metrics;
}

static void series_free(struct series *series)
{
    if (series == NULL)
        return;
    struct duration_buckets *durations = atomic_load(&series->durations);
    if (durations != NULL)
        duration_buckets_fini(durations);
    free(durations);
    free(atomic_load(&series->exemplars));
    free(series);
}

static void worker_free(struct worker_metrics *worker)
{
    meter_free(worker->meter);
    tally_free(worker->tally);
    for (size_t f = 0; f < FAMILIES; f++) {
        map_free(worker->shares[f].known);
        for (size_t i = 0; i <= LABEL_SETS; i++)
            series_free(atomic_load(&worker->shares[f].series[i]));
    }
    free(worker);
}

void metrics_free(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (size_t w = 0; w < metrics->workers; w++)
        worker_free(metrics->list[w]);
    for (size_t f = 0; f < FAMILIES; f++) {
        struct family *family = &metrics->families[f];
        for (unsigned i = 0; i < atomic_load(&family->count); i++)
            free(family->list[i]);
        map_free(family->sets);
        pthread_mutex_destroy(&family->lock);
    }
    free(metrics->bounds);
    free(metrics);
}

void metrics_use_exponential(struct metrics *metrics)
{
    must(metrics->bounds == NULL);
    metrics->bounds = must_alloc(sizeof *metrics->bounds);
    duration_bounds_init(metrics->bounds);
}

struct worker_metrics *metrics_worker(struct metrics *metrics, unsigned worker)
{
    must(worker < metrics->workers);
    return metrics->list[worker];
}

struct meter *metrics_meter(struct metrics *metrics, unsigned worker)
{
    return metrics_worker(metrics, worker)->meter;
}

struct tally *metrics_tally(struct metrics *metrics, unsigned worker)
{
    return metrics_worker(metrics, worker)->tally;
}

/* The values, each with a NUL behind it; what is longer than 200 bytes is cut. */
static struct span key_of(const struct pair *labels, size_t count, char key[KEY_BYTES])
{
    size_t len = 0;
    must(count <= LABELS_MOST);
    for (size_t i = 0; i < count; i++) {
        struct span value = span_first(labels[i].value, VALUE_LONGEST);
        if (value.len > 0)
            memcpy(key + len, value.at, value.len);
        len += value.len;
        key[len++] = '\0';
    }
    return span_make(key, len);
}

/* The labels and their texts in one piece of memory. */
static struct label_set *label_set_new(unsigned number, const struct pair *labels, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += span_first(labels[i].value, VALUE_LONGEST).len;
    struct label_set *set = must_alloc(sizeof *set + bytes);
    char *at = (char *)(set + 1);
    set->number = number;
    for (size_t i = 0; i < count; i++) {
        struct span value = span_first(labels[i].value, VALUE_LONGEST);
        if (value.len == 0)
            continue;
        memcpy(at, value.at, value.len);
        set->labels[set->label_count++] = (struct pair){labels[i].name, span_make(at, value.len)};
        at += value.len;
    }
    return set;
}

/* The number of the set, which is made where there is room. */
static unsigned set_number(struct family *family, struct span key, const struct pair *labels,
                           size_t count)
{
    unsigned number = OVERFLOW_SET;
    pthread_mutex_lock(&family->lock);
    struct label_set *set = map_find(family->sets, key);
    unsigned sets = atomic_load_explicit(&family->count, memory_order_relaxed);
    if (set == NULL && sets < LABEL_SETS) {
        set = label_set_new(sets, labels, count);
        map_set(family->sets, key, set);
        family->list[sets] = set;
        atomic_store_explicit(&family->count, sets + 1, memory_order_release);
    }
    if (set != NULL)
        number = set->number;
    pthread_mutex_unlock(&family->lock);
    return number;
}

struct series *series_get(struct worker_metrics *worker, enum family_id family,
                          const struct pair *labels, size_t count)
{
    char bytes[KEY_BYTES];
    struct span key = key_of(labels, count, bytes);
    struct share *share = &worker->shares[family];
    struct series *series = map_find(share->known, key);
    if (series != NULL)
        return series;
    unsigned number = set_number(&worker->whole->families[family], key, labels, count);
    series = atomic_load_explicit(&share->series[number], memory_order_relaxed);
    if (series == NULL) {
        series = must_alloc(sizeof *series);
        atomic_store_explicit(&share->series[number], series, memory_order_release);
    }
    if (number != OVERFLOW_SET)
        map_set(share->known, key, series);
    return series;
}
