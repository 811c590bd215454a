/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of OTLP requests, and what their answers say. */
#ifndef SIDEGATE_EXPORTERS_OTLP_BODY_H
#define SIDEGATE_EXPORTERS_OTLP_BODY_H

#include <stdint.h>

#include "rules/base/buf.h"
#include "rules/base/span.h"

/* What says whose spans these are: the packed resource and scope, made once. */
struct envelope {
    struct buf resource; /* field `resource` of ResourceSpans */
    struct buf scope;    /* field `scope` of ScopeSpans */
};

/* Who makes what is sent. What is given stands over what was found out, but for service.name and,
 * where it is set, the environment. */
struct resource_list {
    const struct pair *at;
    size_t count;
};
struct resource {
    struct span service_name; /* empty: unknown_service:sidegate */
    struct span environment;
    struct resource_list detected, given;
};
enum { RESOURCE_GIVEN_MOST = 24 };
/* `instance` is random: it becomes service.instance.id. */
void envelope_init(struct envelope *envelope, const struct resource *resource,
                   const uint8_t instance[16]);
void envelope_fini(struct envelope *envelope);

/* As bytes that stand for it, in a spool. */
void envelope_pack(const struct envelope *envelope, struct buf *to);
/* What stands before a run of `spans` fields of ScopeSpans, `items` bytes of them, to make it an
 * ExportTraceServiceRequest: nothing stands behind them. `packed`: the envelope as it was when they
 * were made; where that is nothing, or broken, `envelope` is what they get. */
void envelope_head(const struct envelope *envelope, struct span packed, size_t items,
                   struct buf *to);

/* False: it cannot be compressed into the ceiling of `to`. */
bool gzip_add(struct buf *to, struct span bytes);

/* How many spans an ExportTraceServiceResponse refuses; `message` (copied, cut) may be empty. */
uint64_t response_rejected(struct span body, char *message, size_t size);

#endif
