/* SPDX-License-Identifier: Apache-2.0 */
/* The variables that OpenTelemetry gives every program: they stand for keys that are not set. */
#ifndef SIDEGATE_SIDECAR_CONFIG_ENVIRONMENT_H
#define SIDEGATE_SIDECAR_CONFIG_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/arena.h"
#include "rules/base/fault.h"
#include "sidecar/config/tree.h"

struct environment {
    const char *(*get)(void *context, const char *name); /* NULL: unset */
    void *context;
    /* The i-th, "NAME=value"; NULL beyond the last. The member itself may be NULL: nobody asks for
     * names that are not known. */
    const char *(*at)(void *context, size_t i);
};

/* Adds what they say to keys that the tree does not have: environment.tbl, where
 * OTEL_EXPORTER_OTLP_* has forms for single signals, which make receivers of their own. As
 * OpenTelemetry wants it, what is not known is ignored with a warning, and an empty variable is
 * like none. */
void environment_add(const struct environment *environment, struct node *root, struct arena *arena,
                     struct faults *faults);
/* AWS_XRAY_DAEMON_ADDRESS, where traces go to X-Ray or its rules are asked; after the others. */
void environment_add_xray(const struct environment *environment, struct node *root,
                          struct arena *arena, struct faults *faults);
/* Warns of variables that have no effect here, and of names that look like a slip of the pen. */
void environment_check_names(const struct environment *environment, struct faults *faults);
/* OTEL_SDK_DISABLED=true: nothing is exported, whatever the files say. */
bool environment_disables_export(const struct environment *environment);

#endif
