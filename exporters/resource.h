/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine says of who makes the telemetry: the process, the host, the container, and
 * Kubernetes where that is around. Files and variables alone are asked, nobody over a network. */
#ifndef SIDEGATE_EXPORTERS_RESOURCE_H
#define SIDEGATE_EXPORTERS_RESOURCE_H

#include <stddef.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

/* Where to look; tests have a tree of their own. */
struct resource_world {
    const char *root; /* what stands before /proc, /etc and /var; "": the machine's own */
    const char *(*get)(void *context, const char *name); /* of the environment; NULL: not set */
    void *context;
};

enum { RESOURCE_MOST = 16 };
/* OpenTelemetry's names and what they are here; copied into the arena. What cannot be found out is
 * left out. Returns how many. */
size_t resource_detect(const struct resource_world *world, struct arena *arena,
                       struct pair list[RESOURCE_MOST]);

#endif
