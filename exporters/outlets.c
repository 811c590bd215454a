/* SPDX-License-Identifier: Apache-2.0 */
/* Outlets. A queue is made when its outlet is first wanted, and then stays: its account does. */
#include "exporters/outlets.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "exporters/channels.h"
#include "exporters/clock.h"
#include "exporters/destinations.h"
#include "exporters/hold.h"
#include "exporters/plan.h"
#include "exporters/queue.h"
#include "exporters/ring.h"
#include "exporters/say.h"
#include "exporters/sender.h"
#include "rules/base/must.h"

enum { BUFFER_BYTES = 64 * 1024 * 1024 }; /* where the settings say 0 */

struct outlet {
    struct queue *_Atomic queue; /* NULL: never wanted */
    struct feed *_Atomic feed;   /* behind it; NULL with it, and of a file */
    int wake;                    /* eventfd of the sender; 0: none yet */
    uint64_t id;                 /* the same in the next process */
    struct writer *writer;       /* of a file; NULL: off */
    struct sender *sender;       /* of the others; NULL: off */
    struct queue_account *kept;  /* of a file, in the ring; NULL: the account is the queue's own */
    atomic_bool on;
    bool hangs; /* a thread that was stopped did not end: the queue stays its own */
};

struct outlets {
    struct ring *ring;
    struct hold *hold;
    struct outlet at[LOGS][SINKS];
    struct log_settings *now[LOGS]; /* NULL: none yet */
    uint32_t wanted;                /* RING_WANTS(): the logs that have an outlet that is on */
    struct items items;
    struct buf entry;
};

struct outlets *outlets_new(struct ring *ring, struct hold *hold, size_t queue_records)
{
    struct outlets *outlets = must_alloc(sizeof *outlets);
    outlets->ring = ring;
    outlets->hold = hold;
    for (size_t i = 0; i < LOGS; i++) {
        struct outlet *file = &outlets->at[i][SINK_FILE];
        file->kept = ring_account(ring, (enum destination)i);
        atomic_store(&file->queue, queue_new(queue_records));
        queue_keep(file->queue, file->kept, DROP_CRASH);
        queue_forget_ring_full(file->queue);
    }
    outlets->items.outlets = outlets;
    buf_init(&outlets->items.line, QUEUE_ITEM_BYTES);
    buf_init(&outlets->items.scratch, QUEUE_ITEM_BYTES);
    buf_init(&outlets->items.record, QUEUE_LARGEST_BYTES);
    buf_init(&outlets->items.larger, QUEUE_LARGEST_BYTES);
    buf_init(&outlets->entry, QUEUE_LARGEST_BYTES);
    return outlets;
}

/* The queue for a thread that begins. One that is used by a thread that hangs is left to it, with
 * what waits there; the account goes on, but where a spool has it. */
static struct queue *queue_of(struct outlet *outlet, size_t records, const char *name)
{
    struct queue *queue = atomic_load(&outlet->queue);
    bool on_disk = outlet->feed != NULL && feed_is_on_disk(outlet->feed);
    if (outlet->hangs && on_disk)
        say("%s: the thread before hangs and is left alone, its spool keeps what it has for the "
            "next start, and figures begin anew",
            name);
    else if (outlet->hangs)
        say("%s: the thread before hangs and is left alone, what it has is given up", name);
    if (queue == NULL || outlet->hangs) {
        if (outlet->kept != NULL)
            queue_let_go(queue);
        queue = queue_new(records);
        if (outlet->kept != NULL)
            queue_keep(queue, outlet->kept, DROP_WRITE_ERROR);
        atomic_store(&outlet->feed, NULL);
        atomic_store(&outlet->queue, queue);
    }
    outlet->hangs = false;
    return queue;
}

/* Likewise of its feed: it has the descriptor that the sender is told by. */
static void make_feed(struct outlets *outlets, struct outlet *outlet, const char *name,
                      const char *unit)
{
    if (atomic_load(&outlet->feed) != NULL)
        return;
    outlet->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(outlet->wake >= 0);
    outlet->id = channel_id(span_text(name), OTLP_LOGS);
    atomic_store(&outlet->feed, feed_new(outlet->queue, outlet->wake, name,
                                         (struct feed_kind){ENTRY_ON_DISK, unit}));
    hold_join(outlets->hold, outlet->id, outlet->queue, outlet->feed);
}

static void apply_file(struct outlet *outlet, const struct log_destination *log,
                       struct log_plan *plan, size_t records)
{
    struct writer *writer = outlet->writer;
    if (plan->to->path.at == NULL) {
        atomic_store(&outlet->on, false);
        outlet->writer = NULL;
        outlet->hangs |= writer != NULL && !writer_stop(writer, clock_monotonic_us());
        return;
    }
    if (plan->fd >= 0 && writer != NULL)
        writer_redirect(writer, plan->to->path.at, plan->fd);
    else if (plan->fd >= 0)
        outlet->writer = writer_new(queue_of(outlet, records, log->names[SINK_FILE]), log->kind,
                                    plan->to->path.at, plan->fd);
    plan->fd = -1;
    if (outlet->writer != NULL)
        writer_rotate(outlet->writer, &plan->to->rotation);
    atomic_store(&outlet->on, outlet->writer != NULL);
}

static void use_spool(struct outlets *outlets, struct outlet *outlet, enum log_sink sink,
                      const struct log_settings *to)
{
    char path[PATH_MAX];
    const struct spool_place *place = &to->spool;
    bool is_spooled = log_settings_spool(to, sink, path, sizeof path);
    hold_keep(outlets->hold, outlet->id, is_spooled ? HOLD_RECORDS : HOLD_MEMORY);
    feed_use(outlet->feed, &(struct feed_spool){
                               .path = is_spooled ? path : NULL,
                               .spool = {place->most_bytes, place->most_age_us, place->fsync},
                               .ring = ring_id(outlets->ring),
                           });
}

/* What is queued is given up; what lies on the disk stays there. */
static void sender_off(struct outlet *outlet)
{
    struct sender *sender = outlet->sender;
    atomic_store(&outlet->on, false);
    outlet->sender = NULL;
    if (sender == NULL)
        return;
    outlet->hangs |= !sender_stop(sender, clock_monotonic_us());
    if (outlet->hangs)
        return;
    feed_use(outlet->feed, &(struct feed_spool){.path = NULL});
    queue_abandon(outlet->queue, DROP_SHUTDOWN);
}

static void apply_sender(struct outlets *outlets, struct outlet *outlet, enum log_sink sink,
                         const struct log_destination *log, const struct log_settings *to,
                         const struct log_settings *before)
{
    struct sender *sender = outlet->sender;
    if (!log_settings_have(to, sink)) {
        sender_off(outlet);
        return;
    }
    struct queue *queue = sender != NULL ? outlet->queue : queue_of(outlet, 1, log->names[sink]);
    queue_resize(queue, to->buffer_bytes > 0 ? to->buffer_bytes : BUFFER_BYTES);
    make_feed(outlets, outlet, log->names[sink], log->unit);
    use_spool(outlets, outlet, sink, to);
    if (sender == NULL)
        outlet->sender = sender_new(&(struct sender_source){queue, outlet->feed, outlet->wake},
                                    sink, log->names[SINK_FILE], to);
    else if (!log_settings_same(to, before, sink))
        sender_change(sender, to);
    atomic_store(&outlet->on, outlet->sender != NULL);
}

static bool is_on(const struct outlets *outlets, unsigned log)
{
    bool on = false;
    for (unsigned sink = 0; sink < SINKS; sink++)
        on |= atomic_load(&outlets->at[log][sink].on);
    return on;
}

void outlets_apply(struct outlets *outlets, struct plan *plan)
{
    outlets->wanted = 0;
    for (unsigned i = 0; i < LOGS; i++) {
        const struct log_destination *log = log_destination((enum destination)i);
        struct outlet *row = outlets->at[i];
        apply_file(&row[SINK_FILE], log, &plan->logs[i], plan->queue_records);
        queue_limit(row[SINK_FILE].queue, plan->queue_records);
        for (unsigned sink = SINK_FILE + 1; sink < SINKS; sink++)
            apply_sender(outlets, &row[sink], (enum log_sink)sink, log, plan->logs[i].to,
                         outlets->now[i]);
        log_settings_free(outlets->now[i]);
        outlets->now[i] = log_settings_copy(plan->logs[i].to);
        outlets->wanted |= is_on(outlets, i) ? RING_WANTS(i) : 0;
    }
    outlets->items.plan = plan;
}

uint32_t outlets_wants(const struct outlets *outlets)
{
    return outlets->wanted;
}

void outlets_lost(struct outlets *outlets, enum destination log, uint64_t units)
{
    must((unsigned)log < LOGS);
    for (unsigned sink = 0; sink < SINKS; sink++) {
        if (atomic_load(&outlets->at[log][sink].on))
            queue_lost(outlets->at[log][sink].queue, units, DROP_RING_FULL);
    }
}

/* What a process that died has had was written by it, or is lost and counted so, but where the ring
 * was to hold it until a disk had it. */
static bool takes(const struct outlets *outlets, const struct outlet *outlet, bool again)
{
    return atomic_load(&outlet->on) &&
           (!again || (outlet->feed != NULL && hold_owes(outlets->hold, outlet->id)));
}

static void put(struct outlet *outlet, const struct buf *item, unsigned units)
{
    if (buf_is_full(item))
        queue_lost(outlet->queue, units, DROP_REJECTED);
    else
        queue_put(outlet->queue, buf_span(item), units);
}

static enum entry_outcome outcome_of(const struct items *items)
{
    if (items->destination == DESTINATION_RULE_LOG)
        return ENTRY_WARNING;
    if (items->report->status >= 500)
        return ENTRY_ERROR;
    return items->report->waf.action == WAF_BLOCK ? ENTRY_WARNING : ENTRY_PLAIN;
}

void items_put_both(struct items *items, struct buf *item, const struct buf *text, unsigned units)
{
    struct outlets *outlets = items->outlets;
    struct outlet *row = outlets->at[items->destination];
    struct buf *entry = &outlets->entry;
    if (takes(outlets, &row[SINK_FILE], items->again))
        put(&row[SINK_FILE], item, units);
    for (unsigned sink = SINK_FILE + 1; sink < SINKS; sink++) {
        if (!takes(outlets, &row[sink], items->again))
            continue;
        must(units == 1); /* an entry has one text */
        if (entry->len == 0) {
            struct span line = buf_span(text);
            line = span_first(line, line.len - span_ends(line, SPAN("\n")));
            entry_add(entry, items->report, outcome_of(items), line);
            entry->full |= buf_is_full(text);
        }
        put(&row[sink], entry, units);
    }
    buf_clear(entry);
    buf_clear(item);
}

void items_put(struct items *items, struct buf *item, unsigned units)
{
    items_put_both(items, item, item, units);
}

void outlets_add(struct outlets *outlets, const struct report *report, bool again)
{
    struct items *items = &outlets->items;
    items->again = again;
    for (unsigned i = LOGS; i-- > 0;) { /* who sees the access line finds the others */
        if ((outlets->wanted & RING_WANTS(i)) == 0 ||
            report_units(report, (enum destination)i) == 0)
            continue;
        const struct log_destination *log = log_destination((enum destination)i);
        items->destination = (enum destination)i;
        items->report = report;
        log->add(items, report);
    }
}

void outlets_line(struct outlets *outlets, enum destination log, struct span line)
{
    must((unsigned)log < LOGS);
    struct outlet *row = outlets->at[log];
    const struct report nobodys = {.began_wall_us = clock_wall_us()};
    struct buf entry;
    if (atomic_load(&row[SINK_FILE].on))
        queue_put(row[SINK_FILE].queue, line, 1);
    buf_init(&entry, QUEUE_LARGEST_BYTES);
    entry_add(&entry, &nobodys, ENTRY_PLAIN,
              span_first(line, line.len - span_ends(line, SPAN("\n"))));
    for (unsigned sink = SINK_FILE + 1; sink < SINKS; sink++) {
        if (takes(outlets, &row[sink], false))
            put(&row[sink], &entry, 1);
    }
    buf_fini(&entry);
}

void outlets_wake(struct outlets *outlets)
{
    for (unsigned i = LOGS * SINKS; i-- > 0;) {
        const struct outlet *outlet = &outlets->at[i / SINKS][i % SINKS];
        if (!atomic_load(&outlet->on))
            continue;
        if (outlet->sender != NULL)
            sender_wake(outlet->sender);
        else if (queue_units(outlet->queue) > 0)
            writer_wake(outlet->writer);
    }
}

void outlets_reopen(struct outlets *outlets)
{
    for (unsigned i = 0; i < LOGS; i++) {
        if (outlets->at[i][SINK_FILE].writer != NULL)
            writer_reopen(outlets->at[i][SINK_FILE].writer);
    }
}

static void tell_end(struct outlet *outlet, const char *name, const char *unit, enum feed_end end)
{
    struct destination_figures figures;
    queue_figures(outlet->queue, &figures);
    uint64_t left = queue_dropped_here(outlet->queue, DROP_SHUTDOWN);
    if (end != FEED_WAITS)
        left += figures.waiting;
    if (left > 0)
        say("%s: %llu %s given up at the end", name, (unsigned long long)left, unit);
    if (end == FEED_WAITS)
        say("%s: %llu %s wait in the spool for the next start", name,
            (unsigned long long)figures.waiting, unit);
}

/* Its thread ends, or hangs, as one before may do: then it goes on using queue and feed. */
static void outlet_stop(struct outlets *outlets, struct outlet *outlet, const char *name,
                        const char *unit, uint64_t deadline_us)
{
    bool ended = true;
    enum feed_end end = FEED_HANGS;
    if (outlet->writer != NULL)
        ended = writer_stop(outlet->writer, deadline_us);
    else if (outlet->sender != NULL)
        ended = sender_stop(outlet->sender, deadline_us);
    ended = ended && !outlet->hangs;
    if (ended)
        end = feed_stop(outlet->feed, deadline_us);
    if (outlet->feed != NULL)
        hold_leave(outlets->hold, outlet->id, end);
    tell_end(outlet, name, unit, end);
    if (end == FEED_HANGS) {
        queue_let_go(outlet->queue); /* the ring may go before the thread does */
        return;
    }
    queue_free(outlet->queue);
    if (outlet->feed != NULL)
        close(outlet->wake);
}

void outlets_stop(struct outlets *outlets, uint64_t deadline_us)
{
    for (unsigned i = 0; i < LOGS; i++) {
        const struct log_destination *log = log_destination((enum destination)i);
        for (unsigned sink = 0; sink < SINKS; sink++) {
            if (outlets->at[i][sink].queue != NULL)
                outlet_stop(outlets, &outlets->at[i][sink], log->names[sink], log->unit,
                            deadline_us);
        }
        log_settings_free(outlets->now[i]);
    }
    buf_fini(&outlets->items.line);
    buf_fini(&outlets->items.scratch);
    buf_fini(&outlets->items.record);
    buf_fini(&outlets->items.larger);
    buf_fini(&outlets->entry);
    free(outlets);
}

static void figures_of(const struct outlets *outlets, unsigned log, unsigned sink,
                       struct destination_figures *out)
{
    const struct outlet *outlet = &outlets->at[log][sink];
    *out = (struct destination_figures){.name = log_destination((enum destination)log)->names[sink],
                                        .signal = log_signal((enum destination)log),
                                        .on = atomic_load(&outlet->on)};
    queue_figures(outlet->queue, out);
}

void outlets_figures(const struct outlets *outlets, enum destination log,
                     struct destination_figures *out)
{
    must((unsigned)log < LOGS);
    figures_of(outlets, log, SINK_FILE, out);
}

unsigned outlets_count(const struct outlets *outlets)
{
    unsigned count = 0;
    for (unsigned i = 0; i < LOGS * SINKS; i++)
        count += atomic_load(&outlets->at[i / SINKS][i % SINKS].queue) != NULL;
    return count;
}

void outlets_account(const struct outlets *outlets, unsigned which, struct destination_figures *out,
                     struct spool_state *spool)
{
    for (unsigned i = 0; i < LOGS * SINKS; i++) {
        if (atomic_load(&outlets->at[i / SINKS][i % SINKS].queue) == NULL || which-- > 0)
            continue;
        struct feed *feed = atomic_load(&outlets->at[i / SINKS][i % SINKS].feed);
        figures_of(outlets, i / SINKS, i % SINKS, out);
        if (feed != NULL)
            feed_state(feed, spool);
        return;
    }
    must(false);
}
