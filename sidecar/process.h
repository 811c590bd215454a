/* SPDX-License-Identifier: Apache-2.0 */
/* The child: everything that serves. Its main thread runs a loop of its own for signals, the status
 * and admin ports and the swapping of snapshots; workers, the exporter and compiling are other
 * threads. */
#ifndef SIDEGATE_SIDECAR_PROCESS_H
#define SIDEGATE_SIDECAR_PROCESS_H

#include "sidecar/doors.h"
#include "sidecar/run.h"

enum { EXIT_CONFIGURATION = 3, PROCESS_WORKERS_MOST = 16 };

struct process_options {
    const struct run_options *run;
    struct doors *doors;
    int log_channel; /* where the parent takes the log's file from; -1: there is no parent */
    int ring_fd;     /* -1: there is none */
    unsigned restarts;
    bool is_last; /* it exports what the ring has, serves nobody and stops */
};

/* Serves until it is told to stop; the exit code. */
int process_run(const struct process_options *options);

#endif
