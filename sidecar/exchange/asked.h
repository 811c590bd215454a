/* SPDX-License-Identifier: Apache-2.0 */
/* From a head to what guards see of it: the same for the running program and for explain. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_ASKED_H
#define SIDEGATE_SIDECAR_EXCHANGE_ASKED_H

#include "sidecar/config/route_rules.h"
#include "sidecar/guard/asked.h"
#include "sidecar/http/message.h"
#include "sidecar/http/target.h"

/* What a request is known by; all of it is borrowed. */
struct asked_sources {
    const struct snapshot *snapshot;
    const struct request_head *head;
    const struct target *target;
    struct route_choice choice;
    const struct asked_certificate *certificate; /* NULL: none was shown */
    struct span client_address, scheme, request_id;
    uint64_t wall_us;
    struct asked_place *place;
    struct arena *arena;
    struct asked_changes *changes; /* NULL: what web ACLs want changed is not done */
    struct arena_chunks *chunks;   /* NULL: the heap */
    struct scratch *scratch;       /* for patterns */
};
struct asked asked_make(const struct asked_sources *from);

#endif
