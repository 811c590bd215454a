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

/* Adds what they say to keys that the tree does not have: OTEL_SERVICE_NAME,
 * OTEL_RESOURCE_ATTRIBUTES, OTEL_LOG_LEVEL, OTEL_PROPAGATORS,
 * OTEL_TRACES_{EXPORTER,SAMPLER,SAMPLER_ARG}, OTEL_METRICS_EXPORTER, OTEL_METRIC_EXPORT_INTERVAL,
 * and OTEL_EXPORTER_OTLP_* with its forms for single signals (which make receivers of their own).
 * As OpenTelemetry wants it, what is not known is ignored with a warning, and an empty variable is
 * like none. */
void environment_add(const struct environment *environment, struct node *root, struct arena *arena,
                     struct faults *faults);
/* OTEL_SDK_DISABLED=true: nothing is exported, whatever the files say. */
bool environment_disables_export(const struct environment *environment);

#endif
