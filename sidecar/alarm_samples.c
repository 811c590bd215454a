/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/alarm_samples.h"

#include <stdlib.h>

#include "exporters/cloudwatch/collector.h"
#include "exporters/meter.h"
#include "rules/base/must.h"

enum {
    MINUTE_S = 60,
    AGAIN_S = 5 * MINUTE_S, /* that are read anew */
    KEPT_S = METRIC_MINUTES_KEPT * MINUTE_S,
    SLOTS = 30, /* that are read at once */
};

/* A metric that comes from the store. */
struct stored {
    size_t feed;
    int64_t until_s; /* it was read so far; 0: it was not */
};

struct alarm_samples {
    struct metrics *metrics;
    unsigned workers;
    struct metric_store *store; /* NULL: none */
    struct alarms *alarms;      /* NULL: none */
    size_t *metered;            /* feeds, by what the meters watch */
    struct stored *stored;
    size_t stored_count;
};

/* ---- life ---- */

struct alarm_samples *alarm_samples_new(struct metrics *metrics, unsigned workers)
{
    struct alarm_samples *samples = must_alloc(sizeof *samples);
    samples->metrics = metrics;
    samples->workers = workers;
    return samples;
}

void alarm_samples_free(struct alarm_samples *samples)
{
    if (samples == NULL)
        return;
    free(samples->metered);
    free(samples->stored);
    free(samples);
}

void alarm_samples_use(struct alarm_samples *samples, struct metric_store *store)
{
    samples->store = store;
}

/* ---- what alarms ask for ---- */

static struct span dimension_find(const struct alarm_feed *feed, struct span name)
{
    for (size_t i = 0; i < feed->dimension_count; i++)
        if (span_is(feed->dimensions[i].name, name))
            return feed->dimensions[i].value;
    return SPAN("");
}

static bool is_metered(const struct alarm_feed *feed, struct meter_watch *watch)
{
    if (feed->namespace.len > 0 || !metered_find(feed->metric, &watch->metered))
        return false;
    watch->route = dimension_find(feed, SPAN("route"));
    watch->method = dimension_find(feed, SPAN("method"));
    return true;
}

static void on_given(void *context, size_t watch, int64_t time_s, const struct sketch *sketch)
{
    struct alarm_samples *samples = context;
    if (samples->alarms != NULL)
        alarms_feed_add(samples->alarms, samples->metered[watch], time_s, sketch);
}

void alarm_samples_change(struct alarm_samples *samples, struct alarms *alarms)
{
    size_t count = alarms != NULL ? alarms_feed_count(alarms) : 0, watch_count = 0;
    struct meter_watch *watches = must_alloc(count * sizeof *watches + 1);
    size_t *metered = must_alloc(count * sizeof *metered + 1);
    struct stored *stored = must_alloc(count * sizeof *stored + 1);
    size_t stored_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct alarm_feed feed = alarms_feed(alarms, i);
        if (is_metered(&feed, &watches[watch_count]))
            metered[watch_count++] = i;
        else
            stored[stored_count++].feed = i;
    }
    for (unsigned w = 0; w < samples->workers; w++)
        meter_change(metrics_meter(samples->metrics, w), watches, watch_count, on_given, samples);
    free(watches);
    free(samples->metered);
    free(samples->stored);
    samples->alarms = alarms;
    samples->metered = metered;
    samples->stored = stored;
    samples->stored_count = stored_count;
}

bool alarm_samples_come_late(const struct alarm_samples *samples)
{
    return samples->stored_count > 0;
}

/* ---- taking ---- */

/* A slot without samples leaves what is known of it: the store may have forgotten it. */
static void slots_read(struct alarm_samples *samples, size_t index, int64_t from_s)
{
    const struct alarm_feed feed = alarms_feed(samples->alarms, index);
    const struct metric_id id = {feed.namespace.len > 0 ? feed.namespace
                                                        : SPAN(COLLECTOR_NAMESPACE),
                                 feed.metric, feed.dimensions, feed.dimension_count};
    const struct math_window window = {from_s, feed.resolution_s, SLOTS};
    struct sketch slots[SLOTS];
    int64_t oldest_s;
    for (size_t i = 0; i < SLOTS; i++)
        slots[i] = (struct sketch){.is_plain = !feed.ordered};
    metric_store_read(samples->store, &id, &window, slots, &oldest_s);
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i].count > 0)
            alarms_feed_set(samples->alarms, index, from_s + (int64_t)i * feed.resolution_s,
                            &slots[i]);
        sketch_fini(&slots[i]);
    }
}

static void stored_take(struct alarm_samples *samples, struct stored *stored, int64_t now_s)
{
    int64_t step_s = (int64_t)alarms_feed(samples->alarms, stored->feed).resolution_s * SLOTS;
    int64_t from_s = stored->until_s - AGAIN_S;
    if (from_s < now_s - KEPT_S || from_s > now_s)
        from_s = now_s - KEPT_S;
    for (from_s -= from_s % MINUTE_S; from_s <= now_s; from_s += step_s)
        slots_read(samples, stored->feed, from_s);
    stored->until_s = now_s;
}

void alarm_samples_take(struct alarm_samples *samples, int64_t now_s)
{
    for (unsigned w = 0; w < samples->workers; w++)
        meter_take(metrics_meter(samples->metrics, w), on_given, samples);
    for (size_t i = 0; samples->store != NULL && i < samples->stored_count; i++)
        stored_take(samples, &samples->stored[i], now_s);
}
