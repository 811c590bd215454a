/* SPDX-License-Identifier: Apache-2.0 */
/* The child's end: who may still give orders first, then who serves, then who asks and exports,
 * then what they all used. */
#include <stdlib.h>
#include <unistd.h>

#include "exporters/sample_store.h"
#include "sidecar/block_lists.h"
#include "sidecar/key_fetcher.h"
#include "sidecar/metric_sender.h"
#include "sidecar/process_inside.h"
#include "sidecar/sampling_service.h"
#include "sidecar/state/collections.h"
#include "sidecar/state/documents.h"
#include "sidecar/state/quotas.h"
#include "sidecar/state/samplers.h"
#include "sidecar/upstream/call.h"
#include "sidecar/usage_file.h"

enum { FLUSH_US = 2000000 /* for what is written last */, WAIT_COMPILER_US = 50000 };

/* A thread that did not end in time is left alone, and so is what it uses. */
static void note_end(struct process *process, bool ended, const char *what)
{
    if (!ended)
        program_log_say(process->log, LOG_ERROR, "%s: the disk does not answer, it is given up",
                        what);
    process->hangs |= !ended;
}

static void finish_orders(struct process *process)
{
    if (process->changes != NULL && !process->hangs)
        note_end(process,
                 change_desk_finish(process->changes, loop_clock_us(process->loop) + FLUSH_US),
                 "the log of changes");
}

static void stop_workers(struct process *process)
{
    struct workers *workers = &process->workers;
    while (process->reload.running && !timer_is_armed(&process->reload.wait) && !process->hangs) {
        loop_turn(process->loop, WAIT_COMPILER_US);
        finish_orders(process);
    }
    for (unsigned w = 0; w < workers->count; w++)
        if (workers->at[w] != NULL)
            worker_stop(workers->at[w]);
    finish_orders(process);
    admin_free(process->admin); /* the loop turns below, and pages look at workers */
    change_desk_free(process->changes);
    for (unsigned w = 0; w < workers->count; w++)
        if (workers->at[w] != NULL)
            worker_free(workers->at[w]);
    for (unsigned w = 0; w < workers->count && workers->samples != NULL; w++)
        sample_store_free(workers->samples[w]);
    free(workers->samples);
    workers->samples = NULL;
    metric_sender_finish(process->metric_sender);
    workers->count = 0; /* the loop turns once more, and may be asked how they do */
}

/* Who asks elsewhere, keeps and exports; the last that came is still told. */
static void stop_services(struct process *process)
{
    struct workers *workers = &process->workers;
    list_fetcher_free(process->fetcher);
    key_fetcher_free(process->key_fetcher);
    sampling_service_free(process->sampling);
    uint64_t until = loop_clock_us(process->loop) + FLUSH_US;
    note_end(process, alarm_watch_close(process->alarms, until), "what happened to alarms");
    caller_stop(workers->caller);
    note_end(process, usage_file_stop(process->usage_file, until), "usage of API keys");
    loop_turn(process->loop, 0); /* mail of calls that were given up */
    block_lists_free(workers->block_lists);
    collector_free(process->collector);
    process->collector = NULL;
    if (workers->exporter != NULL)
        exporter_stop(workers->exporter, loop_clock_us(process->loop) + FLUSH_US);
    if (process->metric_store != NULL) /* the last lines */
        metric_filters_take(process->filters, process->metric_store, INT64_MAX);
    metric_filters_free(process->filters);
    if (workers->ring != NULL)
        ring_close(workers->ring);
    alarm_watch_free(process->alarms);
    until = loop_clock_us(process->loop) + FLUSH_US;
    note_end(process, archive_stop(process->archive, until), "metrics of the last seconds");
    loop_turn(process->loop, 0); /* mail of answers that nobody waits for any more */
}

static void let_go(struct process *process)
{
    struct workers *workers = &process->workers;
    metric_store_free(process->metric_store);
    if (process->signals.loop != NULL) {
        int fd = process->signals.fd;
        watch_remove(&process->signals);
        close(fd);
    }
    timer_disarm(&process->state_timer);
    timer_disarm(&process->live_timer);
    reload_fini(process);
    documents_keep_in(process->documents, span_make(NULL, 0)); /* they are for the next start */
    snapshot_give(process->snapshot);
    metrics_free(workers->metrics);
    collections_free(workers->collections);
    quotas_free(workers->quotas);
    samplers_free(workers->samplers);
    free(workers->environment);
    free(workers->at);
    free(process->reload.refused);
    free(process->reload.files_refused);
    if (process->state_lock >= 0)
        close(process->state_lock);
}

void process_stop(struct process *process)
{
    stop_workers(process);
    stop_services(process);
    if (!process->hangs)
        let_go(process);
}
