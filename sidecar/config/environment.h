/* SPDX-License-Identifier: Apache-2.0 */
/* The variables that OpenTelemetry gives every program: they stand for keys that are not set. */
#ifndef SIDEGATE_SIDECAR_CONFIG_ENVIRONMENT_H
#define SIDEGATE_SIDECAR_CONFIG_ENVIRONMENT_H

#include <stdbool.h>

#include "rules/base/arena.h"
#include "rules/base/fault.h"
#include "sidecar/config/tree.h"

struct environment {
    const char *(*get)(void *context, const char *name); /* NULL: unset */
    void *context;
};

/* Adds what OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER, its _ARG and
 * OTEL_PROPAGATORS say to keys that the tree does not have. As OpenTelemetry wants it, a word that
 * is not known is ignored with a warning, and an empty variable is like none. */
void environment_add(const struct environment *environment, struct node *root, struct arena *arena,
                     struct faults *faults);
/* OTEL_SDK_DISABLED=true: nothing is exported, whatever the files say. */
bool environment_disables_export(const struct environment *environment);

#endif
