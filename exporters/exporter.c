/* SPDX-License-Identifier: Apache-2.0 */
/* The exporter thread: takes records out of the ring, turns them into what each destination wants,
 * and puts that into its queue. Nothing here blocks.
 *
 * It sleeps in one of two ways. Idle: until somebody nudges it, at most 100 ms. Busy (the last
 * round found something): for 10 ms whatever happens, so that under load a round takes many
 * records and workers pay for no wake-up. A round that was full is followed by the next one at
 * once. */
#include "exporters/exporter.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "exporters/access_log.h"
#include "exporters/audit_file.h"
#include "exporters/audit_log.h"
#include "exporters/channels.h"
#include "exporters/clock.h"
#include "exporters/plan.h"
#include "exporters/queue.h"
#include "exporters/record.h"
#include "exporters/ring.h"
#include "exporters/rule_log.h"
#include "exporters/say.h"
#include "exporters/spans.h"
#include "exporters/writer.h"
#include "rules/base/must.h"

enum {
    IDLE_MS = 100,
    BUSY_MS = 10,
    ROUND_RECORDS = 1024, /* then writers and sockets get their turn */
};
struct exporter {
    struct ring *ring;
    struct queue *queues[LOGS];
    atomic_bool on[DESTINATIONS];
    int wake; /* eventfd; -1 while there is no thread */
    atomic_bool asleep, stop, reopen;
    _Atomic uint64_t deadline_us;

    pthread_mutex_t lock; /* guards plan and next */
    pthread_cond_t applied;
    struct plan *plan, *next; /* next: NULL but while a change waits for the thread */
    bool running;

    /* the thread's own; before it runs and after it ended, the caller's */
    pthread_t thread;
    struct writer *writers[LOGS];
    struct channels *channels;
    struct span_maker *span_maker;
    uint64_t lost_seen[DESTINATIONS]; /* losses in the ring that are counted already */
    struct record_view *view;
    struct buf item, scratch, record, record_item; /* the latter for audited transactions */
};

static void apply_log(struct exporter *e, struct plan *plan, size_t i)
{
    struct writer *writer = e->writers[i];
    if (plan->paths[i] == NULL) {
        atomic_store(&e->on[i], false);
        e->writers[i] = NULL;
        if (writer != NULL)
            writer_stop(writer, clock_monotonic_us());
        return;
    }
    if (plan->fds[i] >= 0 && writer != NULL)
        writer_redirect(writer, plan->paths[i], plan->fds[i]);
    else if (plan->fds[i] >= 0)
        e->writers[i] =
            writer_new(e->queues[i], i == DESTINATION_AUDIT_LOG ? WRITER_RECORDS : WRITER_LINES,
                       plan->paths[i], plan->fds[i]);
    plan->fds[i] = -1;
    atomic_store(&e->on[i], e->writers[i] != NULL);
}

static void apply(struct exporter *e, struct plan *plan)
{
    uint32_t wanted = 0;
    for (size_t i = 0; i < LOGS; i++)
        apply_log(e, plan, i);
    channels_use(e->channels, plan->channels);
    atomic_store(&e->on[DESTINATION_TRACES], channels_want(e->channels, OTLP_TRACES));
    if (e->span_maker == NULL && channels_want(e->channels, OTLP_TRACES))
        e->span_maker = span_maker_new();
    for (unsigned i = 0; i < LOGS; i++)
        queue_limit(e->queues[i], plan->queue_records);
    for (unsigned d = 0; d < DESTINATIONS; d++) {
        if (atomic_load(&e->on[d]))
            wanted |= RING_WANTS(d);
    }
    ring_want(e->ring, wanted);
    plan_free(e->plan);
    e->plan = plan;
}

static void follow_orders(struct exporter *e)
{
    pthread_mutex_lock(&e->lock);
    if (e->next != NULL) {
        apply(e, e->next);
        e->next = NULL;
        pthread_cond_broadcast(&e->applied);
    }
    pthread_mutex_unlock(&e->lock);
    if (!atomic_exchange(&e->reopen, false))
        return;
    for (size_t i = 0; i < LOGS; i++) {
        if (e->writers[i] != NULL)
            writer_reopen(e->writers[i]);
    }
}

/* What the ring had no room for never comes here: it is counted as it would have been. */
static void count_lost(struct exporter *e)
{
    for (unsigned d = 0; d < DESTINATIONS; d++) {
        uint64_t lost = ring_lost(e->ring, (enum destination)d);
        uint64_t more = lost - e->lost_seen[d];
        if (more > 0 && d == DESTINATION_TRACES)
            channels_lost(e->channels, OTLP_TRACES, more, DROP_RING_FULL);
        else if (more > 0 && atomic_load(&e->on[d]))
            queue_lost(e->queues[d], more, DROP_RING_FULL);
        e->lost_seen[d] = lost;
    }
}

static void put_item(struct exporter *e, enum destination destination, struct buf *item,
                     unsigned units)
{
    if (buf_is_full(item))
        queue_lost(e->queues[destination], units, DROP_REJECTED);
    else
        queue_put(e->queues[destination], buf_span(item), units);
    buf_clear(item);
}

static void export_audit(struct exporter *e, const struct report *report)
{
    const struct plan *plan = e->plan;
    if (plan->audit_storage == NULL) {
        audit_add(&e->record_item, report, plan->audit_format, &e->scratch);
    } else {
        audit_add(&e->record, report, plan->audit_format, &e->scratch);
        audit_item_add(&e->record_item, report,
                       &(struct audit_place){plan->audit_storage, plan->audit_modes}, &e->record);
        buf_clear(&e->record);
    }
    put_item(e, DESTINATION_AUDIT_LOG, &e->record_item, 1);
}

static void export_spans(struct exporter *e, const struct report *report)
{
    if (!atomic_load(&e->on[DESTINATION_TRACES]) || !report->sampled)
        return;
    unsigned spans = spans_add(e->span_maker, &e->item, report);
    channels_put(e->channels, OTLP_TRACES, &e->item, spans);
    buf_clear(&e->item);
}

static void export(struct exporter *e, const struct report *report)
{
    if (atomic_load(&e->on[DESTINATION_RULE_LOG])) {
        for (size_t i = 0; i < report->waf.match_count; i++) {
            if (report->waf.matches[i].audit_only)
                continue;
            rule_log_add(&e->item, report, i);
            put_item(e, DESTINATION_RULE_LOG, &e->item, 1);
        }
    }
    if (atomic_load(&e->on[DESTINATION_ACCESS_LOG])) {
        if (e->plan->access_template != NULL)
            access_template_add(e->plan->access_template, &e->item, report, &e->scratch);
        else
            access_log_add(&e->item, report, &e->scratch);
        put_item(e, DESTINATION_ACCESS_LOG, &e->item, 1);
    }
    if (atomic_load(&e->on[DESTINATION_AUDIT_LOG]) && report->audit.wanted)
        export_audit(e, report);
    export_spans(e, report);
}

/* How many there were. The security lane is empty before the ordinary one is looked at. */
static unsigned drain(struct exporter *e)
{
    struct ring_place place;
    unsigned records = 0;
    while (records < ROUND_RECORDS && (ring_next(e->ring, LANE_SECURITY, &place) ||
                                       ring_next(e->ring, LANE_ORDINARY, &place))) {
        /* an exporter that died has had it: its lines are written, its spans may be lost */
        bool sound = record_read(place.record, e->view);
        if (sound && place.again)
            export_spans(e, &e->view->report);
        else if (sound)
            export(e, &e->view->report);
        ring_taken(e->ring, &place);
        records++;
    }
    return records;
}

static void wake_writers(struct exporter *e)
{
    for (size_t i = LOGS; i-- > 0;) {
        if (e->writers[i] != NULL && queue_units(e->queues[i]) > 0)
            writer_wake(e->writers[i]);
    }
}

/* How many records it moved. */
static unsigned one_round(struct exporter *e)
{
    follow_orders(e);
    count_lost(e);
    unsigned records = drain(e);
    channels_hold_back(e->channels);
    wake_writers(e);
    channels_step(e->channels, atomic_load(&e->stop));
    return records;
}

/* `asleep` is set before the ring is looked at for the last time, and a worker looks at `asleep`
 * after it has put: one of the two sees the other. */
static void sleep_until_work(struct exporter *e, unsigned records)
{
    bool busy = records > 0, more = records >= ROUND_RECORDS;
    int timeout = more ? 0 : busy ? BUSY_MS : IDLE_MS;
    atomic_store(&e->asleep, !busy);
    if (!busy && !ring_is_empty(e->ring))
        timeout = 0;
    bool woken = channels_wait(e->channels, e->wake, timeout);
    atomic_store(&e->asleep, false);
    eventfd_t count;
    if (woken)
        eventfd_read(e->wake, &count);
}

/* What is in the ring is taken out, what waits for the receiver is tried, until the deadline. */
static void finish(struct exporter *e)
{
    channels_hurry(e->channels);
    for (;;) {
        bool busy = one_round(e) > 0;
        uint64_t now = clock_monotonic_us(), deadline = atomic_load(&e->deadline_us);
        if ((!busy && channels_are_done(e->channels)) || now >= deadline)
            break;
        if (!busy)
            channels_wait(e->channels, -1,
                          clock_poll_ms(deadline < now + 50000 ? deadline : now + 50000, now));
    }
    channels_land(e->channels);
}

static void *exporter_run(void *context)
{
    struct exporter *e = context;
    while (!atomic_load(&e->stop)) {
        sleep_until_work(e, one_round(e));
    }
    finish(e);
    return NULL;
}

/* The thread hears no signal of the process. */
static bool thread_start(struct exporter *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    e->running = pthread_create(&e->thread, NULL, exporter_run, e) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e->running;
}

/* Without a thread there is nobody to hand the plan to: the first that wants something starts it.
 */
static bool begin(struct exporter *e, struct plan *plan, char *why, size_t size)
{
    apply(e, plan);
    if (!plan_wants_anything(plan))
        return true;
    if (e->view == NULL) {
        e->view = must_alloc(sizeof *e->view);
        buf_init(&e->item, QUEUE_ITEM_BYTES);
        buf_init(&e->scratch, QUEUE_ITEM_BYTES);
        buf_init(&e->record, QUEUE_LARGEST_BYTES);
        buf_init(&e->record_item, QUEUE_LARGEST_BYTES);
    }
    if (thread_start(e))
        return true;
    snprintf(why, size, "the exporter's thread cannot be started");
    return false;
}

struct exporter *exporter_start(struct ring *ring, const struct exporter_settings *settings,
                                char *why, size_t size)
{
    struct plan *plan = plan_new(settings, NULL, why, size);
    if (plan == NULL)
        return NULL;
    struct exporter *e = must_alloc(sizeof *e);
    e->ring = ring;
    e->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(e->wake >= 0);
    must(pthread_mutex_init(&e->lock, NULL) == 0 && pthread_cond_init(&e->applied, NULL) == 0);
    for (size_t i = 0; i < LOGS; i++)
        e->queues[i] = queue_new(plan->queue_records);
    e->channels = channels_new(ring, e->wake);
    if (begin(e, plan, why, size))
        return e;
    exporter_stop(e, 0);
    return NULL;
}

bool exporter_change(struct exporter *e, const struct exporter_settings *settings, char *why,
                     size_t size)
{
    bool done = true;
    pthread_mutex_lock(&e->lock);
    while (e->next != NULL) /* another change is on its way */
        pthread_cond_wait(&e->applied, &e->lock);
    struct plan *plan = plan_new(settings, e->plan, why, size);
    if (plan == NULL) {
        done = false;
    } else if (!channels_fit(e->channels, plan->channels)) {
        snprintf(why, size, "otlp: more than %d receivers and signals since the start: restart",
                 CHANNELS_MOST);
        plan_free(plan);
        done = false;
    } else if (!e->running) {
        done = begin(e, plan, why, size);
    } else {
        e->next = plan;
        eventfd_write(e->wake, 1);
        while (e->next == plan)
            pthread_cond_wait(&e->applied, &e->lock);
    }
    pthread_mutex_unlock(&e->lock);
    return done;
}

void exporter_reopen(struct exporter *e)
{
    atomic_store(&e->reopen, true);
    pthread_mutex_lock(&e->lock);
    if (e->running)
        eventfd_write(e->wake, 1);
    pthread_mutex_unlock(&e->lock);
}

void exporter_nudge(struct exporter *e)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&e->asleep, memory_order_relaxed) &&
        atomic_exchange(&e->asleep, false))
        eventfd_write(e->wake, 1);
}

static void tell_left(const struct exporter *e)
{
    for (unsigned i = 0; i < LOGS; i++) {
        struct destination_figures figures;
        exporter_figures(e, (enum destination)i, &figures);
        uint64_t left = queue_dropped_here(e->queues[i], DROP_SHUTDOWN) + figures.waiting;
        if (left > 0)
            say("%s: %llu given up at the end", figures.name, (unsigned long long)left);
    }
}

void exporter_stop(struct exporter *e, uint64_t deadline_us)
{
    if (e == NULL)
        return;
    bool hangs[LOGS] = {false};
    if (e->running) {
        atomic_store(&e->deadline_us, deadline_us);
        atomic_store(&e->stop, true);
        eventfd_write(e->wake, 1);
        pthread_join(e->thread, NULL);
    }
    channels_stop(e->channels, deadline_us);
    for (size_t i = 0; i < LOGS; i++)
        hangs[i] = e->writers[i] != NULL && !writer_stop(e->writers[i], deadline_us);
    tell_left(e);
    for (size_t i = 0; i < LOGS; i++) {
        if (!hangs[i])
            queue_free(e->queues[i]);
    }
    plan_free(e->plan);
    close(e->wake);
    buf_fini(&e->item);
    buf_fini(&e->scratch);
    buf_fini(&e->record);
    buf_fini(&e->record_item);
    free(e->view);
    span_maker_free(e->span_maker);
    pthread_cond_destroy(&e->applied);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

void exporter_figures(const struct exporter *e, enum destination destination,
                      struct destination_figures *out)
{
    static const struct {
        const char *name, *signal;
    } names[DESTINATIONS] = {
        [DESTINATION_ACCESS_LOG] = {"access_log", "logs"},
        [DESTINATION_RULE_LOG] = {"rule_log", "logs"},
        [DESTINATION_AUDIT_LOG] = {"audit_log", "logs"},
        [DESTINATION_TRACES] = {"otlp", "traces"},
    };
    must(destination < DESTINATIONS);
    *out = (struct destination_figures){.name = names[destination].name,
                                        .signal = names[destination].signal,
                                        .on = atomic_load(&e->on[destination])};
    if (destination != DESTINATION_TRACES)
        queue_figures(e->queues[destination], out);
    struct spool_state spool;
    for (unsigned i = 0; destination == DESTINATION_TRACES && i < channels_count(e->channels);
         i++) {
        channels_figures(e->channels, i, out, &spool);
        if (span_is(span_text(out->signal), SPAN("traces")))
            break;
    }
}

unsigned exporter_accounts(const struct exporter *e)
{
    unsigned channels = channels_count(e->channels);
    return LOGS + (channels > 0 ? channels : 1); /* where there is none: that traces are off */
}

void exporter_account(const struct exporter *e, unsigned which, struct destination_figures *figures,
                      struct spool_state *spool)
{
    *spool = (struct spool_state){.is_on = false};
    if (which < LOGS || channels_count(e->channels) == 0)
        exporter_figures(e, which < LOGS ? (enum destination)which : DESTINATION_TRACES, figures);
    else
        channels_figures(e->channels, which - LOGS, figures, spool);
}

const char *drop_reason_name(enum drop_reason reason)
{
    static const char *const names[DROP_REASONS] = {
        [DROP_RING_FULL] = "ring_full", [DROP_QUEUE_FULL] = "queue_full",
        [DROP_REJECTED] = "rejected",   [DROP_WRITE_ERROR] = "write_error",
        [DROP_SHUTDOWN] = "shutdown",   [DROP_SPOOL_FULL] = "spool_full",
        [DROP_EXPIRED] = "expired",     [DROP_CORRUPT] = "corrupt",
        [DROP_FORGOTTEN] = "forgotten", [DROP_CRASH] = "crash",
    };
    must(reason < DROP_REASONS);
    return names[reason];
}
