/* SPDX-License-Identifier: Apache-2.0 */
/* Usage plans: what the holders of API keys may ask, and how often. */
#ifndef SIDEGATE_SIDECAR_GUARD_USAGE_PLAN_H
#define SIDEGATE_SIDECAR_GUARD_USAGE_PLAN_H

#include "sidecar/guard/access.h"
#include "sidecar/guard/rate.h"
#include "sidecar/state/quotas.h"

/* A method's own throttle, asked before the plan's. */
struct plan_route {
    struct span match; /* as the route says it: "GET /pets/{id}" */
    size_t route;      /* which of the settings' it is */
    struct rate_settings throttle;
};

struct usage_plan_settings {
    struct span name;
    const struct span *keys; /* ids of API keys */
    size_t key_count;
    struct rate_settings throttle; /* how.limit == 0: none */
    const struct plan_route *routes;
    size_t route_count;
    struct quota_limit quota; /* limit == 0: none */
    struct span quota_text;   /* "more than 10000 a month": the reason that is shown */
    enum guard_mode mode;
    struct place place; /* of the plan */
};

/* What who has used the quota up is told: the fields RateLimit-Policy and RateLimit, and the
 * seconds until the next period. */
struct rate_told usage_plan_tell(const struct usage_plan_settings *plan,
                                 const struct quota_verdict *verdict, uint64_t now_s,
                                 struct arena *arena);

#endif
