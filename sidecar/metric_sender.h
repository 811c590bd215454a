/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics that are pushed: each metrics.otlp.interval all figures are read on the main thread, put
 * into OTLP's encoding and handed to the exporter; once more at the end. */
#ifndef SIDEGATE_SIDECAR_METRIC_SENDER_H
#define SIDEGATE_SIDECAR_METRIC_SENDER_H

struct metric_sender;
struct process;

/* It does nothing before the first change. */
struct metric_sender *metric_sender_new(struct process *process);
/* As the snapshot in force says, from now on: at the start too. */
void metric_sender_change(struct metric_sender *sender);
/* The last reading: workers count no more. Frees; NULL allowed. */
void metric_sender_finish(struct metric_sender *sender);

#endif
