/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cloudwatch/emf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "exporters/cloudwatch/collector.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"

enum {
    MINUTE_S = 60,
    KEY_MOST = 64 * 1024,
    LINE_MOST = 256 * 1024,
    IDS_BYTES = 64 << 20,
    METRICS_MOST = 50,      /* of one line; the format has 100 */
    LINE_FULL = 128 * 1024, /* no metric more: beside it there is room for the longest one, and for
                               the values of collected dimensions */
};

/* A metric, and the key that all metrics of its dimensions have. */
struct entry {
    struct metric_id id;
    struct span group;
};

struct gathering {
    struct arena *arena;
    struct buf key;
    struct entry *entries;
    size_t count, room;
};

static void on_metric(void *context, const struct metric_id *id)
{
    struct gathering *all = context;
    struct metric_id group = *id;
    group.name = SPAN("");
    if (!metric_key_make(&all->key, &group))
        return;
    if (all->count == all->room) {
        all->room = all->room > 0 ? all->room * 2 : 64;
        all->entries = must_realloc(all->entries, all->room * sizeof *all->entries);
    }
    all->entries[all->count++] =
        (struct entry){metric_id_copy(all->arena, id), arena_copy(all->arena, buf_span(&all->key))};
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int order = span_compare(left->group, right->group);
    return order != 0 ? order : span_compare(left->id.name, right->id.name);
}

/* ---- one line ---- */

static void number_add(struct buf *to, double value)
{
    buf_format(to, "%.15g", value);
}

/* One metric of a set of dimensions. */
struct slot {
    struct sketch sketch;
    uint64_t written; /* values that the lines have */
    uint64_t values;  /* that they are to have; 0: its sum alone is said */
};

static void slot_read(struct metric_store *store, const struct metric_id *id, int64_t minute,
                      struct slot *slot)
{
    const struct math_window window = {minute * MINUTE_S, MINUTE_S, 1};
    struct span unit = collector_unit(id);
    int64_t oldest_s;
    *slot = (struct slot){0};
    metric_store_read(store, id, &window, &slot->sketch, &oldest_s);
    uint64_t count = slot->sketch.count;
    if (slot->sketch.has_negative || span_is(unit, SPAN("Count")))
        slot->values = 0;
    else if (unit.len > 0)
        slot->values = count < EMF_LATENCIES_MOST ? count : EMF_LATENCIES_MOST;
    else
        slot->values = count <= EMF_SAMPLES_MOST ? count : 0;
}

static bool slot_is_done(const struct slot *slot)
{
    return slot->sketch.count == 0 || (slot->written > 0 && slot->written >= slot->values);
}

/* A line's worth of what is not written yet. */
static void slot_write(struct slot *slot, struct buf *to)
{
    const struct sketch *sketch = &slot->sketch;
    if (slot->values == 0) {
        number_add(to, sketch->sum);
        slot->written = 1;
        return;
    }
    uint64_t end = slot->written + EMF_VALUES_MOST;
    end = end < slot->values ? end : slot->values;
    buf_add_byte(to, '[');
    for (uint64_t i = slot->written; i < end; i++) {
        uint64_t rank = (2 * i + 1) * sketch->count / (2 * slot->values) + 1;
        buf_add(to, i > slot->written ? SPAN(",") : SPAN(""));
        number_add(to, sketch_at_rank(sketch, rank < sketch->count ? rank : sketch->count));
    }
    buf_add_byte(to, ']');
    slot->written = end;
}

static void head_add(struct buf *to, const struct metric_id *id, int64_t minute,
                     struct span namespace)
{
    bool is_ours = span_is(id->namespace, SPAN(COLLECTOR_NAMESPACE));
    buf_format(to, "{\"_aws\":{\"Timestamp\":%lld,\"CloudWatchMetrics\":[{\"Namespace\":",
               (long long)minute * MINUTE_S * 1000);
    json_add_string(to, is_ours ? namespace : id->namespace);
    buf_add(to, SPAN(",\"Dimensions\":[["));
    for (size_t i = 0; i < id->dimension_count; i++) {
        buf_add(to, i > 0 ? SPAN(",") : SPAN(""));
        json_add_string(to, id->dimensions[i].name);
    }
    buf_add(to, SPAN("]],\"Metrics\":["));
}

static void definition_add(struct buf *to, const struct metric_id *id, bool first)
{
    struct span unit = collector_unit(id);
    buf_add(to, first ? SPAN("{\"Name\":") : SPAN(",{\"Name\":"));
    json_add_string(to, id->name);
    buf_add(to, SPAN(",\"Unit\":"));
    json_add_string(to, unit.len > 0 ? unit : SPAN("None"));
    buf_add_byte(to, '}');
}

/* What the metrics of one set of dimensions still have to say, as far as a line goes. False:
 * nothing. */
static bool line_make(const struct entry *entries, struct slot *slots, size_t count, int64_t minute,
                      struct span namespace, struct buf *to)
{
    struct buf values;
    bool any = false;
    buf_init(&values, LINE_MOST);
    buf_clear(to);
    head_add(to, &entries[0].id, minute, namespace);
    for (size_t i = 0; i < count && (!any || to->len + values.len < LINE_FULL); i++) {
        if (slot_is_done(&slots[i]))
            continue;
        definition_add(to, &entries[i].id, !any);
        buf_add_byte(&values, ',');
        json_add_string(&values, entries[i].id.name);
        buf_add_byte(&values, ':');
        slot_write(&slots[i], &values);
        any = true;
    }
    buf_add(to, SPAN("]}]}"));
    for (size_t i = 0; i < entries[0].id.dimension_count; i++) {
        buf_add_byte(to, ',');
        json_add_string(to, entries[0].id.dimensions[i].name);
        buf_add_byte(to, ':');
        json_add_string(to, entries[0].id.dimensions[i].value);
    }
    buf_add(to, buf_span(&values));
    buf_add(to, SPAN("}\n"));
    bool well = any && !buf_is_full(to) && !buf_is_full(&values);
    buf_fini(&values);
    return well;
}

/* How the lines of a minute are written. */
struct writing {
    struct metric_store *store;
    int64_t minute;
    struct span namespace;
    emf_line *put;
    void *context;
    struct buf line;
};

static void group_write(struct writing *writing, const struct entry *entries, size_t count)
{
    struct slot slots[METRICS_MOST];
    for (size_t i = 0; i < count; i++)
        slot_read(writing->store, &entries[i].id, writing->minute, &slots[i]);
    while (line_make(entries, slots, count, writing->minute, writing->namespace, &writing->line))
        writing->put(writing->context, buf_span(&writing->line));
    for (size_t i = 0; i < count; i++)
        sketch_fini(&slots[i].sketch);
}

void emf_write(struct metric_store *store, int64_t minute, struct span namespace, emf_line *put,
               void *context)
{
    struct gathering all = {.arena = arena_new(NULL, IDS_BYTES)};
    struct writing writing = {store, minute, namespace, put, context, {0}};
    must(all.arena != NULL);
    buf_init(&all.key, KEY_MOST);
    buf_init(&writing.line, LINE_MOST);
    metric_store_each(store, on_metric, &all);
    if (all.count > 0)
        qsort(all.entries, all.count, sizeof *all.entries, compare_entries);
    for (size_t i = 0, next; i < all.count; i = next) {
        for (next = i + 1; next < all.count && next - i < METRICS_MOST &&
                           span_is(all.entries[next].group, all.entries[i].group);)
            next++;
        group_write(&writing, &all.entries[i], next - i);
    }
    free(all.entries);
    buf_fini(&writing.line);
    buf_fini(&all.key);
    arena_free(all.arena);
}
