/* SPDX-License-Identifier: Apache-2.0 */
/* Outlets. */
#include "exporters/outlets.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "exporters/clock.h"
#include "exporters/destinations.h"
#include "exporters/plan.h"
#include "exporters/queue.h"
#include "exporters/ring.h"
#include "exporters/say.h"
#include "rules/base/must.h"

struct outlet {
    struct queue *queue;
    struct writer *writer; /* NULL: off */
    atomic_bool on;
};

struct outlets {
    struct outlet logs[LOGS];
    struct items items;
};

struct outlets *outlets_new(size_t queue_records)
{
    struct outlets *outlets = must_alloc(sizeof *outlets);
    for (size_t i = 0; i < LOGS; i++)
        outlets->logs[i].queue = queue_new(queue_records);
    outlets->items.outlets = outlets;
    buf_init(&outlets->items.line, QUEUE_ITEM_BYTES);
    buf_init(&outlets->items.scratch, QUEUE_ITEM_BYTES);
    buf_init(&outlets->items.record, QUEUE_LARGEST_BYTES);
    buf_init(&outlets->items.larger, QUEUE_LARGEST_BYTES);
    return outlets;
}

static void apply_file(struct outlet *outlet, enum writer_kind kind, struct log_plan *plan)
{
    struct writer *writer = outlet->writer;
    if (plan->path == NULL) {
        atomic_store(&outlet->on, false);
        outlet->writer = NULL;
        if (writer != NULL)
            writer_stop(writer, clock_monotonic_us());
        return;
    }
    if (plan->fd >= 0 && writer != NULL)
        writer_redirect(writer, plan->path, plan->fd);
    else if (plan->fd >= 0)
        outlet->writer = writer_new(outlet->queue, kind, plan->path, plan->fd);
    plan->fd = -1;
    atomic_store(&outlet->on, outlet->writer != NULL);
}

void outlets_apply(struct outlets *outlets, struct plan *plan)
{
    for (unsigned i = 0; i < LOGS; i++) {
        apply_file(&outlets->logs[i], log_destination((enum destination)i)->kind, &plan->logs[i]);
        queue_limit(outlets->logs[i].queue, plan->queue_records);
    }
    outlets->items.plan = plan;
}

uint32_t outlets_wants(const struct outlets *outlets)
{
    uint32_t wanted = 0;
    for (unsigned i = 0; i < LOGS; i++)
        wanted |= atomic_load(&outlets->logs[i].on) ? RING_WANTS(i) : 0;
    return wanted;
}

void outlets_lost(struct outlets *outlets, enum destination log, uint64_t units)
{
    must((unsigned)log < LOGS);
    if (atomic_load(&outlets->logs[log].on))
        queue_lost(outlets->logs[log].queue, units, DROP_RING_FULL);
}

void items_put(struct items *items, struct buf *item, unsigned units)
{
    struct outlet *outlet = &items->outlets->logs[items->destination];
    if (buf_is_full(item))
        queue_lost(outlet->queue, units, DROP_REJECTED);
    else
        queue_put(outlet->queue, buf_span(item), units);
    buf_clear(item);
}

void outlets_add(struct outlets *outlets, const struct report *report)
{
    struct items *items = &outlets->items;
    for (unsigned i = LOGS; i-- > 0;) { /* who sees the access line finds the others */
        const struct log_destination *log = log_destination((enum destination)i);
        if (!atomic_load(&outlets->logs[i].on) || log->units(report) == 0)
            continue;
        items->destination = (enum destination)i;
        items->report = report;
        log->add(items, report);
    }
}

void outlets_wake(struct outlets *outlets)
{
    for (unsigned i = LOGS; i-- > 0;) {
        if (outlets->logs[i].writer != NULL && queue_units(outlets->logs[i].queue) > 0)
            writer_wake(outlets->logs[i].writer);
    }
}

void outlets_reopen(struct outlets *outlets)
{
    for (unsigned i = 0; i < LOGS; i++) {
        if (outlets->logs[i].writer != NULL)
            writer_reopen(outlets->logs[i].writer);
    }
}

/* False: the writer hangs, and uses its queue. */
static bool outlet_stop(struct outlet *outlet, const struct log_destination *log,
                        uint64_t deadline_us)
{
    struct destination_figures figures;
    bool ended = outlet->writer == NULL || writer_stop(outlet->writer, deadline_us);
    queue_figures(outlet->queue, &figures);
    uint64_t left = queue_dropped_here(outlet->queue, DROP_SHUTDOWN) + figures.waiting;
    if (left > 0)
        say("%s: %llu %s given up at the end", log->name, (unsigned long long)left, log->unit);
    return ended;
}

void outlets_stop(struct outlets *outlets, uint64_t deadline_us)
{
    for (unsigned i = 0; i < LOGS; i++) {
        if (outlet_stop(&outlets->logs[i], log_destination((enum destination)i), deadline_us))
            queue_free(outlets->logs[i].queue);
    }
    buf_fini(&outlets->items.line);
    buf_fini(&outlets->items.scratch);
    buf_fini(&outlets->items.record);
    buf_fini(&outlets->items.larger);
    free(outlets);
}

void outlets_figures(const struct outlets *outlets, enum destination log,
                     struct destination_figures *out)
{
    must((unsigned)log < LOGS);
    const struct outlet *outlet = &outlets->logs[log];
    *out = (struct destination_figures){.name = log_destination(log)->name,
                                        .signal = log_signal(log),
                                        .on = atomic_load(&outlet->on)};
    queue_figures(outlet->queue, out);
}
