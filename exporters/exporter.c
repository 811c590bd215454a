/* SPDX-License-Identifier: Apache-2.0 */
/* The exporter thread: takes records out of the ring, turns them into what each destination wants,
 * and puts that into its queue. Nothing here blocks.
 *
 * It sleeps 100 ms at the most, in one of two ways. Idle: until somebody nudges it. Busy (the last
 * round found something): until a quarter of a lane is filled, so that under load a round takes
 * many records and workers pay for few wake-ups. A round that was full is followed by
 * the next one at once. */
#include "exporters/exporter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "exporters/channels.h"
#include "exporters/clock.h"
#include "exporters/hold.h"
#include "exporters/inbox.h"
#include "exporters/log_records.h"
#include "exporters/outlets.h"
#include "exporters/plan.h"
#include "exporters/queue.h"
#include "exporters/record.h"
#include "exporters/ring.h"
#include "exporters/rounds.h"
#include "exporters/say.h"
#include "exporters/spans.h"
#include "exporters/thread.h"
#include "rules/base/must.h"

enum {
    ROUND_RECORDS = 1024, /* then writers and sockets get their turn */
};
enum sleep { SLEEP_NOT, SLEEP_IDLE, SLEEP_BUSY };

struct exporter {
    struct ring *ring;
    struct hold *hold;
    struct outlets *logs;
    atomic_bool traces_on;
    struct inbox *inbox;
    int wake; /* eventfd; -1 while there is no thread */
    _Atomic(enum sleep) asleep;
    atomic_bool stop, reopen;
    _Atomic uint64_t deadline_us;

    pthread_mutex_t lock; /* guards plan and next */
    pthread_cond_t applied;
    struct plan *plan, *next; /* next: NULL but while a change waits for the thread */
    bool running;

    /* the thread's own; before it runs and after it ended, the caller's */
    pthread_t thread;
    struct channels *channels;
    struct span_maker *span_maker;
    struct log_maker *log_maker;
    unsigned log_kinds;               /* OTLP_LOG_...: what is made of reports */
    uint64_t lost_seen[DESTINATIONS]; /* losses in the ring that are counted already */
    struct record_view *view;
    struct buf item;
    struct rounds rounds;
};

/* The bits of RING_WANTS() of what goes to channels. */
static uint32_t channels_wants(const struct exporter *e, bool spans)
{
    return (spans ? RING_WANTS(DESTINATION_TRACES) : 0) |
           ((e->log_kinds & OTLP_LOG_REQUESTS) != 0 ? RING_WANTS(DESTINATION_OTLP_REQUESTS) : 0) |
           ((e->log_kinds & OTLP_LOG_EVENTS) != 0 ? RING_WANTS(DESTINATION_OTLP_EVENTS) : 0);
}

static void apply(struct exporter *e, struct plan *plan)
{
    outlets_apply(e->logs, plan);
    channels_use(e->channels, plan->channels);
    bool spans = channels_want(e->channels, OTLP_TRACES);
    atomic_store(&e->traces_on, spans);
    if (e->span_maker == NULL && spans)
        e->span_maker = span_maker_new();
    e->log_kinds = channels_want(e->channels, OTLP_LOGS) ? plan->otlp_logs : 0;
    if (e->log_maker == NULL && e->log_kinds != 0)
        e->log_maker = log_maker_new();
    if (e->span_maker != NULL)
        span_maker_limit(e->span_maker, &plan->limits.spans);
    if (e->log_maker != NULL)
        log_maker_limit(e->log_maker, &plan->limits.logs);
    ring_want(e->ring, outlets_wants(e->logs) | channels_wants(e, spans));
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
    if (atomic_exchange(&e->reopen, false))
        outlets_reopen(e->logs);
}

static void count_lost_of(struct exporter *e, enum destination destination, uint64_t units)
{
    unsigned kind = destination == DESTINATION_OTLP_REQUESTS ? OTLP_LOG_REQUESTS : OTLP_LOG_EVENTS;
    if (destination == DESTINATION_TRACES)
        channels_lost(e->channels, OTLP_TRACES, units, DROP_RING_FULL);
    else if ((unsigned)destination < LOGS)
        outlets_lost(e->logs, destination, units);
    else if ((e->log_kinds & kind) != 0)
        channels_lost(e->channels, OTLP_LOGS, units, DROP_RING_FULL);
}

/* What the ring had no room for never comes here: it is counted as it would have been. */
static void count_lost(struct exporter *e)
{
    for (unsigned d = 0; d < DESTINATIONS; d++) {
        uint64_t lost = ring_lost(e->ring, (enum destination)d);
        uint64_t more = lost - e->lost_seen[d];
        if (more > 0)
            count_lost_of(e, (enum destination)d, more);
        e->lost_seen[d] = lost;
    }
}

static void export_spans(struct exporter *e, const struct report *report, bool again)
{
    if (!atomic_load(&e->traces_on) || !report->sampled || report_goes_on(report))
        return;
    struct channel_item item = channels_begin(e->channels, OTLP_TRACES, again, &e->item);
    channels_end(e->channels, &item, spans_add(e->span_maker, item.to, report));
}

static void export_log_records(struct exporter *e, const struct report *report, bool again)
{
    unsigned records = 0;
    if (e->log_kinds == 0 || report_goes_on(report))
        return;
    struct channel_item item = channels_begin(e->channels, OTLP_LOGS, again, &e->item);
    if ((e->log_kinds & OTLP_LOG_EVENTS) != 0)
        records += log_events_add(e->log_maker, item.to, report);
    if ((e->log_kinds & OTLP_LOG_REQUESTS) != 0)
        records += log_request_add(e->log_maker, item.to, report);
    channels_end(e->channels, &item, records);
}

/* How many there were. The security lane is empty before the ordinary one is looked at. */
static unsigned drain(struct exporter *e)
{
    struct ring_place place;
    unsigned records = 0;
    while (records < ROUND_RECORDS && (ring_next(e->ring, LANE_SECURITY, &place) ||
                                       ring_next(e->ring, LANE_ORDINARY, &place))) {
        /* `again`: an exporter that died has had it, and what had not come to a disk is lost */
        bool sound = record_read(place.record, e->view);
        if (sound)
            outlets_add(e->logs, &e->view->report, place.again);
        if (sound) {
            export_spans(e, &e->view->report, place.again);
            export_log_records(e, &e->view->report, place.again);
        }
        ring_taken(e->ring, &place);
        records++;
    }
    return records;
}

/* How many records it moved. */
static unsigned one_round(struct exporter *e)
{
    follow_orders(e);
    count_lost(e);
    inbox_empty(e->inbox, e->channels);
    unsigned records = drain(e);
    hold_step(e->hold);
    outlets_wake(e->logs);
    channels_step(e->channels, atomic_load(&e->stop));
    return records;
}

/* Until a round is due, or for a socket. `asleep` is set before the ring is looked at for the last
 * time, and a worker looks at `asleep` after it has put: one of the two sees the other. */
static void sleep_until_work(struct exporter *e)
{
    atomic_store(&e->asleep, e->rounds.is_idle ? SLEEP_IDLE : SLEEP_BUSY);
    round_before_sleep(&e->rounds, ring_is_empty(e->ring));
    int timeout = clock_poll_ms(e->rounds.due_us, clock_monotonic_us());
    bool woken = channels_wait(e->channels, e->wake, timeout);
    atomic_store(&e->asleep, SLEEP_NOT);
    eventfd_t count;
    if (!woken)
        return;
    eventfd_read(e->wake, &count);
    round_now(&e->rounds);
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
        uint64_t now = clock_monotonic_us();
        if (round_is_due(&e->rounds, now)) {
            unsigned records = one_round(e);
            round_is_over(&e->rounds, records, records >= ROUND_RECORDS, now);
        } else {
            channels_step(e->channels, false);
        }
        sleep_until_work(e);
    }
    finish(e);
    return NULL;
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
    }
    e->running = thread_start(&e->thread, exporter_run, e);
    if (e->running)
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
    e->hold = hold_new(ring);
    e->logs = outlets_new(ring, e->hold, plan->queue_records);
    e->channels = channels_new(ring, e->hold, e->wake);
    e->inbox = inbox_new();
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

/* One of several workers writes. */
static void wake_up(struct exporter *e)
{
    if (atomic_exchange(&e->asleep, SLEEP_NOT) != SLEEP_NOT)
        eventfd_write(e->wake, 1);
}

void exporter_nudge(struct exporter *e)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&e->asleep, memory_order_relaxed) == SLEEP_IDLE)
        wake_up(e);
}

void exporter_hurry(struct exporter *e)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&e->asleep, memory_order_relaxed) != SLEEP_NOT)
        wake_up(e);
}

void exporter_give(struct exporter *e, enum otlp_signal signal, struct span item, unsigned units)
{
    inbox_put(e->inbox, signal, item, units);
}

void exporter_line(struct exporter *e, enum destination log, struct span line)
{
    outlets_line(e->logs, log, line);
    exporter_nudge(e);
}

void exporter_stop(struct exporter *e, uint64_t deadline_us)
{
    if (e == NULL)
        return;
    if (e->running) {
        atomic_store(&e->deadline_us, deadline_us);
        atomic_store(&e->stop, true);
        eventfd_write(e->wake, 1);
        pthread_join(e->thread, NULL);
    }
    channels_stop(e->channels, deadline_us);
    outlets_stop(e->logs, deadline_us);
    hold_free(e->hold);
    inbox_free(e->inbox);
    plan_free(e->plan);
    close(e->wake);
    buf_fini(&e->item);
    free(e->view);
    span_maker_free(e->span_maker);
    log_maker_free(e->log_maker);
    pthread_cond_destroy(&e->applied);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

void exporter_figures(const struct exporter *e, enum destination destination,
                      struct destination_figures *out)
{
    struct spool_state spool;
    must(destination < DESTINATIONS);
    if ((unsigned)destination < LOGS) {
        outlets_figures(e->logs, destination, out);
        return;
    }
    *out = (struct destination_figures){
        .name = "otlp", .signal = "traces", .on = atomic_load(&e->traces_on)};
    for (unsigned i = 0; i < channels_count(e->channels); i++) {
        channels_figures(e->channels, i, out, &spool);
        if (span_is(span_text(out->signal), SPAN("traces")))
            break;
    }
}

unsigned exporter_accounts(const struct exporter *e)
{
    unsigned channels = channels_count(e->channels);
    return outlets_count(e->logs) +
           (channels > 0 ? channels : 1); /* where there is none: that traces are off */
}

void exporter_account(const struct exporter *e, unsigned which, struct destination_figures *figures,
                      struct spool_state *spool)
{
    *spool = (struct spool_state){.is_on = false};
    unsigned outlets = outlets_count(e->logs);
    if (which < outlets)
        outlets_account(e->logs, which, figures, spool);
    else if (channels_count(e->channels) == 0)
        exporter_figures(e, DESTINATION_TRACES, figures);
    else
        channels_figures(e->channels, which - outlets, figures, spool);
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
