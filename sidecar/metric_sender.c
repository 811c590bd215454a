/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/metric_sender.h"

#include <stdlib.h>

#include "exporters/metrics_otlp.h"
#include "rules/base/must.h"
#include "sidecar/figures.h"
#include "sidecar/process_inside.h"

struct metric_sender {
    struct process *process;
    struct timer timer;
    struct metrics_otlp *otlp; /* NULL: off */
    bool is_delta;
    uint64_t interval_us;
};

static void give(void *context, struct span metrics, unsigned points)
{
    exporter_give(context, OTLP_METRICS, metrics, points);
}

static void read_once(struct metric_sender *sender)
{
    struct process *process = sender->process;
    const struct metrics_taker taker = {process->workers.exporter, give};
    struct figures figures;
    figures_begin(&figures, process);
    metrics_otlp_read(sender->otlp, process->workers.metrics, process->workers.exporter,
                      &figures.facts, loop_wall_us(process->loop), &taker);
    figures_end(&figures);
    exporter_nudge(process->workers.exporter);
}

static void on_due(struct timer *timer)
{
    struct metric_sender *sender = list_entry(timer, struct metric_sender, timer);
    read_once(sender);
    timer_arm(&sender->timer, loop_now_us(sender->process->loop) + sender->interval_us);
}

struct metric_sender *metric_sender_new(struct process *process)
{
    struct metric_sender *sender = must_alloc(sizeof *sender);
    sender->process = process;
    timer_init(&sender->timer, process->loop, on_due);
    return sender;
}

static void leave(struct metric_sender *sender)
{
    timer_disarm(&sender->timer);
    metrics_otlp_free(sender->otlp);
    sender->otlp = NULL;
}

static void start(struct metric_sender *sender, bool is_delta)
{
    sender->is_delta = is_delta;
    sender->otlp = metrics_otlp_new(is_delta, loop_wall_us(sender->process->loop));
    if (is_delta)
        read_once(sender); /* what there is already belongs to nobody's interval */
}

void metric_sender_change(struct metric_sender *sender)
{
    const struct settings *settings = sender->process->snapshot->settings;
    bool is_on = settings->metrics.push && sender->process->workers.exporter != NULL;
    bool is_delta = settings->metrics.is_delta, was_on = sender->otlp != NULL;
    uint64_t interval_us = settings->metrics.interval_us;
    if (was_on && is_on && is_delta == sender->is_delta && interval_us == sender->interval_us)
        return; /* the timer runs on */
    if (was_on && (!is_on || is_delta != sender->is_delta))
        leave(sender);
    if (is_on && sender->otlp == NULL)
        start(sender, is_delta);
    sender->interval_us = interval_us;
    if (is_on)
        timer_arm(&sender->timer, loop_now_us(sender->process->loop) + interval_us);
}

void metric_sender_finish(struct metric_sender *sender)
{
    if (sender == NULL)
        return;
    if (sender->otlp != NULL)
        read_once(sender);
    leave(sender);
    free(sender);
}
