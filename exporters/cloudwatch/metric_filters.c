/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cloudwatch/metric_filters.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "exporters/alarms/statistic.h"
#include "exporters/cloudwatch/filter_pattern.h"
#include "rules/base/map.h"
#include "rules/base/must.h"

enum {
    ARENA_BYTES = 16 << 20,
    SECONDS_SEEN = 16, /* that a filter remembers: lines come late, and not by their time */
    LATE_S = 2,        /* after which a second has its default value */
    KEY_MOST = 64 * 1024,
    GATHERED_MOST = 10000, /* metrics and seconds between two takes; beyond that samples are lost */
};

/* Samples of one metric in one second. */
struct gathered {
    int64_t second;
    struct sketch sketch;
};

/* What a filter saw of one second. */
struct seen {
    int64_t second;
    bool line, match, given; /* given: its default value, if it is due one */
};

struct metric_filters {
    atomic_bool any;
    pthread_mutex_t lock;
    struct arena *arena; /* of the filters' texts */
    struct metric_filter *list;
    struct filter_regexes **regexes; /* of each pattern; NULL: it has none */
    struct seen *seen;               /* SECONDS_SEEN of each */
    size_t count;
    struct map *gathered; /* second and key of a metric -> struct gathered */
    struct buf key;
    _Atomic uint64_t lost;
};

static void lose(struct metric_filters *filters)
{
    atomic_fetch_add_explicit(&filters->lost, 1, memory_order_relaxed);
}

uint64_t metric_filters_lost(const struct metric_filters *filters)
{
    return atomic_load_explicit(&filters->lost, memory_order_relaxed);
}

static void gather(struct metric_filters *filters, const struct metric_id *id, int64_t second,
                   double value)
{
    struct buf *key = &filters->key;
    struct gathered *gathered = NULL;
    if (metric_key_make(key, id) && buf_add(key, span_make((const char *)&second, sizeof second)))
        gathered = map_find(filters->gathered, buf_span(key));
    if (gathered == NULL && (buf_is_full(key) || map_count(filters->gathered) >= GATHERED_MOST)) {
        lose(filters);
        return;
    }
    if (gathered == NULL) {
        gathered = must_alloc(sizeof *gathered);
        gathered->second = second;
        map_set(filters->gathered, buf_span(key), gathered);
    }
    sketch_add(&gathered->sketch, value, 1);
}

/* A second is over: it has a default value where lines came and none of them fitted. */
static void give_default(struct metric_filters *filters, const struct metric_filter *filter,
                         struct seen *seen)
{
    const struct metric_id id = {filter->namespace, filter->metric, NULL, 0};
    if (filter->has_default && seen->line && !seen->match && !seen->given)
        gather(filters, &id, seen->second, filter->default_value);
    seen->given = true;
}

static void give_defaults(struct metric_filters *filters, int64_t now_s)
{
    for (size_t i = 0; i < filters->count * SECONDS_SEEN; i++)
        if (filters->seen[i].second <= now_s - LATE_S)
            give_default(filters, &filters->list[i / SECONDS_SEEN], &filters->seen[i]);
}

static struct seen *seen_get(struct metric_filters *filters, size_t i, int64_t second)
{
    struct seen *seen = &filters->seen[i * SECONDS_SEEN + (uint64_t)second % SECONDS_SEEN];
    if (seen->second == second)
        return seen;
    give_default(filters, &filters->list[i], seen);
    *seen = (struct seen){.second = second};
    return seen;
}

static bool dimensions_find(const struct metric_filter *filter, struct span line,
                            struct pair dimensions[FILTER_DIMENSIONS_MOST])
{
    for (size_t i = 0; i < filter->dimension_count; i++) {
        dimensions[i].name = filter->dimensions[i].name;
        if (!filter_selector_find(filter->pattern, filter->dimensions[i].value, line,
                                  &dimensions[i].value) ||
            dimensions[i].value.len == 0 || dimensions[i].value.len > METRIC_TEXT_MOST)
            return false;
    }
    return true;
}

static void line_add(struct metric_filters *filters, size_t i, int64_t second, struct span line)
{
    const struct metric_filter *filter = &filters->list[i];
    struct seen *seen = seen_get(filters, i, second);
    struct pair dimensions[FILTER_DIMENSIONS_MOST];
    struct span text = filter->value;
    double value;
    seen->line = true;
    bool matches = filter_pattern_matches(filter->pattern, filters->regexes[i], line);
    if (filters->regexes[i] != NULL)
        atomic_fetch_add_explicit(&filters->lost, filter_regexes_overruns(filters->regexes[i]),
                                  memory_order_relaxed);
    if (!matches)
        return;
    seen->match = true;
    if (text.at[0] == '$' && !filter_selector_find(filter->pattern, filter->value, line, &text))
        return;
    const struct metric_id id = {filter->namespace, filter->metric, dimensions,
                                 filter->dimension_count};
    if (!alarm_number_parse(text, &value))
        lose(filters);
    else if (dimensions_find(filter, line, dimensions))
        gather(filters, &id, second, value);
}

void metric_filters_line(struct metric_filters *filters, int64_t second, struct span line)
{
    if (!atomic_load_explicit(&filters->any, memory_order_relaxed))
        return;
    line = span_first(line, line.len - span_ends(line, SPAN("\n")));
    pthread_mutex_lock(&filters->lock);
    for (size_t i = 0; i < filters->count; i++)
        line_add(filters, i, second, line);
    pthread_mutex_unlock(&filters->lock);
}

void metric_filters_take(struct metric_filters *filters, struct metric_store *store, int64_t now_s)
{
    size_t cursor = 0;
    struct span key;
    void *value;
    pthread_mutex_lock(&filters->lock);
    give_defaults(filters, now_s);
    struct map *taken = filters->gathered;
    filters->gathered = map_new(NULL, false);
    pthread_mutex_unlock(&filters->lock);
    while (map_next(taken, &cursor, &key, &value)) {
        struct gathered *gathered = value;
        struct pair dimensions[METRIC_DIMENSIONS_MOST];
        struct metric_id id;
        if (metric_key_read(span_first(key, key.len - sizeof gathered->second), &id, dimensions))
            metric_store_add(store, &id, gathered->second, &gathered->sketch);
        sketch_fini(&gathered->sketch);
        free(gathered);
    }
    map_free(taken);
}

/* ---- life ---- */

struct metric_filters *metric_filters_new(void)
{
    struct metric_filters *filters = must_alloc(sizeof *filters);
    must(pthread_mutex_init(&filters->lock, NULL) == 0);
    filters->gathered = map_new(NULL, false);
    buf_init(&filters->key, KEY_MOST);
    return filters;
}

static void regexes_free(struct filter_regexes **regexes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        filter_regexes_free(regexes[i]);
}

void metric_filters_free(struct metric_filters *filters)
{
    if (filters == NULL)
        return;
    size_t cursor = 0;
    struct span key;
    void *value;
    while (map_next(filters->gathered, &cursor, &key, &value)) {
        sketch_fini(&((struct gathered *)value)->sketch);
        free(value);
    }
    map_free(filters->gathered);
    buf_fini(&filters->key);
    regexes_free(filters->regexes, filters->count);
    arena_free(filters->arena);
    pthread_mutex_destroy(&filters->lock);
    free(filters);
}

static void filter_copy(struct arena *arena, const struct metric_filter *from,
                        struct metric_filter *to)
{
    struct pair *dimensions = arena_alloc(arena, (from->dimension_count + 1) * sizeof *dimensions);
    must(dimensions != NULL);
    for (size_t i = 0; i < from->dimension_count; i++)
        dimensions[i] = (struct pair){arena_copy(arena, from->dimensions[i].name),
                                      arena_copy(arena, from->dimensions[i].value)};
    *to = *from;
    to->pattern = arena_copy(arena, from->pattern);
    to->namespace = arena_copy(arena, from->namespace);
    to->metric = arena_copy(arena, from->metric);
    to->value = arena_copy(arena, from->value);
    to->dimensions = dimensions;
}

void metric_filters_change(struct metric_filters *filters, const struct metric_filter *list,
                           size_t count)
{
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    must(arena != NULL && count <= METRIC_FILTERS_MOST);
    struct metric_filter *copies = arena_alloc(arena, (count + 1) * sizeof *copies);
    struct seen *seen = arena_alloc(arena, (count + 1) * SECONDS_SEEN * sizeof *seen);
    struct filter_regexes **regexes =
        arena_alloc(arena, (count + 1) * sizeof(struct filter_regexes *));
    must(copies != NULL && seen != NULL && regexes != NULL);
    for (size_t i = 0; i < count; i++) {
        filter_copy(arena, &list[i], &copies[i]);
        regexes[i] = filter_pattern_regexes(copies[i].pattern);
    }
    must(!arena_is_full(arena));
    pthread_mutex_lock(&filters->lock);
    struct arena *before = filters->arena;
    struct filter_regexes **regexes_before = filters->regexes;
    size_t count_before = filters->count;
    filters->arena = arena;
    filters->regexes = regexes;
    filters->list = copies;
    filters->seen = seen;
    filters->count = count;
    atomic_store(&filters->any, count > 0);
    pthread_mutex_unlock(&filters->lock);
    regexes_free(regexes_before, count_before);
    arena_free(before);
}
