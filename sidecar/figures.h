/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of the process as a whole, for who reads the metrics. On the main thread. */
#ifndef SIDEGATE_SIDECAR_FIGURES_H
#define SIDEGATE_SIDECAR_FIGURES_H

#include "exporters/metrics.h"
#include "sidecar/alarm_actions.h"

struct process;

enum { ALARM_ACTION_COUNTS = 3 * ALARM_OUTCOME_COUNT };
struct figures {
    struct process_facts facts;
    /* What the facts point to: */
    struct key_set_figures *key_sets;
    struct rate_figures *rates;
    struct ip_set_figures *ip_sets;
    struct alarm_figure *alarms;
    struct sampling_figure *sampling;
    struct alarm_action_count alarm_actions[ALARM_ACTION_COUNTS];
};

void figures_begin(struct figures *figures, const struct process *process);
void figures_end(struct figures *figures);

#endif
