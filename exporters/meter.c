/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/meter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"

/* What lies between two takes, and one more for a take that is late. */
enum { SLOTS = 4, SECOND_US = 1000000 };

static const char *const words[] = {"Count", "4XXError", "5XXError", "Latency",
                                    "IntegrationLatency"};

struct slot {
    int64_t number; /* time / METER_SLOT_S */
    struct sketch sketch;
};

struct watched {
    struct meter_watch what; /* texts of its own */
    struct slot slots[SLOTS];
};

struct meter {
    pthread_mutex_t lock;
    atomic_bool any;
    struct watched *list;
    size_t count;
};

const char *metered_word(unsigned i)
{
    return i < METERED_KINDS ? words[i] : NULL;
}

bool metered_find(struct span word, enum metered *metered)
{
    for (unsigned i = 0; i < METERED_KINDS; i++)
        if (span_is(word, span_text(words[i]))) {
            *metered = (enum metered)i;
            return true;
        }
    return false;
}

struct meter *meter_new(void)
{
    struct meter *meter = must_alloc(sizeof *meter);
    must(pthread_mutex_init(&meter->lock, NULL) == 0);
    return meter;
}

static struct span text_copy(struct span text)
{
    return span_make(span_own(text), text.len);
}

static void text_free(struct span text)
{
    char *at;
    memcpy(&at, &text.at, sizeof at);
    free(at);
}

static void forget(struct meter *meter)
{
    for (size_t i = 0; i < meter->count; i++) {
        for (size_t k = 0; k < SLOTS; k++)
            sketch_fini(&meter->list[i].slots[k].sketch);
        text_free(meter->list[i].what.route);
        text_free(meter->list[i].what.method);
    }
    free(meter->list);
    meter->list = NULL;
    meter->count = 0;
}

void meter_free(struct meter *meter)
{
    if (meter == NULL)
        return;
    forget(meter);
    pthread_mutex_destroy(&meter->lock);
    free(meter);
}

/* ---- the worker's side ---- */

static bool sample_of(const struct report *report, enum metered metered, double *value)
{
    const struct report_attempt *last =
        report->attempt_count > 0 ? &report->attempts[report->attempt_count - 1] : NULL;
    switch (metered) {
    case METERED_COUNT: *value = 1; return true;
    case METERED_4XX: *value = report->status / 100 == 4; return true;
    case METERED_5XX: *value = report->status / 100 == 5; return true;
    case METERED_LATENCY: *value = (double)report->duration_us / 1000; return true;
    case METERED_INTEGRATION_LATENCY:
        *value = last != NULL ? (double)last->duration_us / 1000 : 0;
        return last != NULL;
    case METERED_KINDS: break;
    }
    return false;
}

static bool is_about(const struct meter_watch *what, const struct report *report)
{
    return (what->route.len == 0 || span_is(what->route, report->route)) &&
           (what->method.len == 0 || span_is(what->method, report->method));
}

/* Where takes are late for so long that the slots go round, the oldest samples are given up. */
static struct sketch *sketch_at(struct watched *watched, int64_t number)
{
    struct slot *slot = &watched->slots[number % SLOTS];
    if (slot->number != number)
        sketch_clear(&slot->sketch);
    slot->number = number;
    return &slot->sketch;
}

void meter_count(struct meter *meter, const struct report *report)
{
    if (!atomic_load_explicit(&meter->any, memory_order_relaxed))
        return;
    uint64_t ended_us = report->began_wall_us + report->duration_us;
    int64_t number = (int64_t)(ended_us / SECOND_US / METER_SLOT_S);
    pthread_mutex_lock(&meter->lock);
    for (size_t i = 0; i < meter->count; i++) {
        struct watched *watched = &meter->list[i];
        double value;
        if (is_about(&watched->what, report) && sample_of(report, watched->what.metered, &value))
            sketch_add(sketch_at(watched, number), value, 1);
    }
    pthread_mutex_unlock(&meter->lock);
}

/* ---- the other side ---- */

static void give_all(struct meter *meter, meter_given *given, void *context)
{
    for (size_t i = 0; i < meter->count; i++)
        for (size_t k = 0; k < SLOTS; k++) {
            struct slot *slot = &meter->list[i].slots[k];
            if (slot->sketch.count == 0)
                continue;
            given(context, i, slot->number * METER_SLOT_S, &slot->sketch);
            sketch_clear(&slot->sketch);
        }
}

void meter_take(struct meter *meter, meter_given *given, void *context)
{
    pthread_mutex_lock(&meter->lock);
    give_all(meter, given, context);
    pthread_mutex_unlock(&meter->lock);
}

void meter_change(struct meter *meter, const struct meter_watch *watches, size_t count,
                  meter_given *given, void *context)
{
    pthread_mutex_lock(&meter->lock);
    give_all(meter, given, context);
    forget(meter);
    meter->list = must_alloc(count * sizeof *meter->list + 1);
    meter->count = count;
    for (size_t i = 0; i < count; i++)
        meter->list[i].what = (struct meter_watch){watches[i].metered, text_copy(watches[i].route),
                                                   text_copy(watches[i].method)};
    atomic_store(&meter->any, count > 0);
    pthread_mutex_unlock(&meter->lock);
}
