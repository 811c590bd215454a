/* SPDX-License-Identifier: Apache-2.0 */
/* What the API's resource policy says of a request whose method has no authorization: the same for
 * the running program and for explain. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_RESOURCE_POLICY_H
#define SIDEGATE_SIDECAR_EXCHANGE_RESOURCE_POLICY_H

#include "sidecar/config/snapshot.h"
#include "sidecar/guard/asked.h"
#include "sidecar/guard/decision.h"

/* Is there one that is asked? */
bool resource_policy_is_on(const struct snapshot *snapshot);

struct resource_refusal {
    struct span resource; /* the ARN that was asked for, in the arena of `asked` */
    bool is_explicit;     /* by a Deny, and not for want of an Allow */
};
/* False: the request is to be refused, and *refusal says what for. Whatever the policy minds leaves
 * a decision, also where policies.mode is detection_only. A path that a backend may read in another
 * way has to pass in both. */
bool resource_policy_allows(const struct snapshot *snapshot, const struct asked *asked,
                            struct decisions *decisions, struct resource_refusal *refusal);

#endif
