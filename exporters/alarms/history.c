/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/alarms/history.h"

#include <stdlib.h>

#include "rules/base/must.h"

struct bucket {
    int64_t slot; /* time / resolution; what it is not asked for is stale */
    struct sketch sketch;
};

struct history {
    unsigned resolution_s;
    size_t count;
    int64_t newest; /* slot */
    struct bucket *buckets;
};

struct history *history_new(unsigned resolution_s, size_t buckets, bool ordered)
{
    must(resolution_s > 0 && buckets > 0);
    struct history *history = must_alloc(sizeof *history);
    *history = (struct history){resolution_s, buckets, INT64_MIN, NULL};
    history->buckets = must_alloc(buckets * sizeof *history->buckets);
    for (size_t i = 0; i < buckets; i++)
        history->buckets[i] = (struct bucket){INT64_MIN, {.is_plain = !ordered}};
    return history;
}

void history_free(struct history *history)
{
    if (history == NULL)
        return;
    for (size_t i = 0; i < history->count; i++)
        sketch_fini(&history->buckets[i].sketch);
    free(history->buckets);
    free(history);
}

static struct bucket *bucket_at(const struct history *history, int64_t slot)
{
    int64_t count = (int64_t)history->count;
    return &history->buckets[(slot % count + count) % count];
}

static int64_t slot_of(const struct history *history, int64_t time_s)
{
    int64_t resolution = history->resolution_s;
    return time_s / resolution - (time_s % resolution < 0);
}

/* NULL: the time lies before what is kept. */
static struct sketch *sketch_for(struct history *history, int64_t slot)
{
    struct bucket *bucket = bucket_at(history, slot);
    if (bucket->slot > slot)
        return NULL;
    if (bucket->slot < slot) {
        sketch_clear(&bucket->sketch);
        bucket->slot = slot;
    }
    history->newest = slot > history->newest ? slot : history->newest;
    return &bucket->sketch;
}

bool history_add(struct history *history, int64_t time_s, double value, uint64_t times)
{
    struct sketch *sketch = sketch_for(history, slot_of(history, time_s));
    if (sketch != NULL)
        sketch_add(sketch, value, times);
    return sketch != NULL;
}

bool history_merge(struct history *history, int64_t time_s, const struct sketch *samples)
{
    struct sketch *sketch = sketch_for(history, slot_of(history, time_s));
    if (sketch != NULL)
        sketch_merge(sketch, samples);
    return sketch != NULL;
}

bool history_set(struct history *history, int64_t time_s, const struct sketch *samples)
{
    struct sketch *sketch = sketch_for(history, slot_of(history, time_s));
    if (sketch != NULL) {
        sketch_clear(sketch);
        sketch_merge(sketch, samples);
    }
    return sketch != NULL;
}

void history_take(struct history *history, const struct history *from)
{
    must(history->resolution_s == from->resolution_s);
    for (size_t i = 0; i < from->count; i++) {
        const struct bucket *bucket = &from->buckets[i];
        if (bucket->slot == INT64_MIN || bucket->sketch.count == 0)
            continue;
        struct sketch *sketch = sketch_for(history, bucket->slot);
        if (sketch != NULL)
            sketch_merge(sketch, &bucket->sketch);
    }
}

void history_fold(const struct history *history, int64_t from_s, int64_t to_s, struct sketch *into)
{
    int64_t from = slot_of(history, from_s), to = slot_of(history, to_s);
    must(to - from <= (int64_t)history->count);
    for (int64_t slot = from; slot < to && slot <= history->newest; slot++) {
        const struct bucket *bucket = bucket_at(history, slot);
        if (bucket->slot == slot)
            sketch_merge(into, &bucket->sketch);
    }
}
