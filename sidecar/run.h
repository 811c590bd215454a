/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate run`: the parent (supervise.c), the child (process.c), and what runs in it. */
#ifndef SIDEGATE_SIDECAR_RUN_H
#define SIDEGATE_SIDECAR_RUN_H

#include <stdbool.h>

#include "sidecar/config/settings.h"

struct run_options {
    struct settings_source source;
    unsigned threads;  /* --threads; 0: as the settings say */
    bool no_supervise; /* one process: no parent that starts it again */
};

/* Runs until it is told to stop; the process's exit code: 0 well, 1 failed, 3 configuration
 * refused. */
int supervise_run(const struct run_options *options);

#endif
