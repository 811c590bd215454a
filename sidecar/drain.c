/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping without an error: first not ready but still accepting (balancers take notice), then not
 * accepting, then over. */
#include "sidecar/process_inside.h"

enum { LOOK_US = 20000 };

static void over(struct process *process)
{
    process->state = PROCESS_OVER;
    loop_stop(process->loop);
}

static void close_doors(struct process *process)
{
    process->state = PROCESS_CLOSING;
    program_log_say(process->log, LOG_INFO, "not accepting any more; %u connections are open",
                    atomic_load(&process->workers.connections));
    for (unsigned w = 0; w < process->workers.count; w++)
        worker_stop_accepting(process->workers.at[w]);
}

static unsigned open_connections(const struct process *process)
{
    unsigned open = 0;
    for (unsigned w = 0; w < process->workers.count; w++)
        open += worker_connections(process->workers.at[w]);
    return open;
}

static void on_state_timer(struct timer *timer)
{
    struct process *process = list_entry(timer, struct process, state_timer);
    const struct settings *settings = process->snapshot->settings;
    uint64_t now_us = loop_now_us(process->loop);
    if (process->state == PROCESS_LEAVING) {
        close_doors(process);
        process->drain_until_us = now_us + settings->timeouts.drain_us;
        timer_arm(timer, now_us + WORKER_CLOSING_US);
        return;
    } else if (open_connections(process) == 0) {
        over(process);
        return;
    } else if (now_us >= process->drain_until_us) {
        program_log_say(process->log, LOG_WARN, "%u connections did not end within timeouts.drain",
                        open_connections(process));
        over(process);
        return;
    }
    timer_arm(timer, now_us + LOOK_US);
}

void drain_init(struct process *process)
{
    timer_init(&process->state_timer, process->loop, on_state_timer);
}

void drain_begin(struct process *process, bool at_once)
{
    if (at_once) {
        over(process);
        return;
    }
    if (process->state != PROCESS_SERVING)
        return;
    process->state = PROCESS_LEAVING;
    program_log_say(process->log, LOG_INFO, "draining");
    for (unsigned w = 0; w < process->workers.count; w++)
        worker_begin_drain(process->workers.at[w]);
    timer_arm(&process->state_timer,
              loop_now_us(process->loop) + process->snapshot->settings->timeouts.drain_delay_us);
}
