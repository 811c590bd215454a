/* SPDX-License-Identifier: Apache-2.0 */
/* What the usage plan of an API key allows: each key has buckets of its own. */
#include "sidecar/guard/usage_plan.h"
#include "sidecar/exchange/inside.h"

/* Is the key over this one? Says so. */
static bool is_over(struct exchange *x, const struct rate_settings *throttle)
{
    struct rate_verdict verdict;
    const struct usage_plan_settings *plan = x->usage.plan;
    const struct asked *asked = asked_of(x);
    if (throttle->how.limit == 0 ||
        rate_ask_by(throttle, asked->rates, x->usage.key->id, asked->now_us, &verdict) != RATE_OVER)
        return false;
    struct decision decision = {
        .kind = plan->mode == GUARD_ON ? DECISION_BLOCK : DECISION_WOULD_BLOCK,
        .control = "usage_plan",
        .stage = "throttle",
        .name = throttle->name,
        .reason = throttle->text,
        .status = gateway_response(GATEWAY_THROTTLED)->status,
        .rate = throttle,
        .retry_us = verdict.retry_us,
    };
    decisions_add(&x->decisions, &decision);
    return plan->mode == GUARD_ON;
}

/* NULL: the route has no throttle of its own in the plan. */
static const struct rate_settings *own_throttle(const struct exchange *x)
{
    const struct usage_plan_settings *plan = x->usage.plan;
    for (size_t i = 0; i < plan->route_count; i++)
        if (plan->routes[i].route == x->route->number)
            return &plan->routes[i].throttle;
    return NULL;
}

enum step plan_throttle(struct exchange *x)
{
    const struct usage_plan_settings *plan = x->usage.plan;
    if (plan == NULL || plan->mode == GUARD_OFF)
        return STEP_NEXT;
    const struct rate_settings *own = own_throttle(x);
    if ((own == NULL || !is_over(x, own)) && !is_over(x, &plan->throttle))
        return STEP_NEXT;
    tell_rate(x, &x->decisions.at[x->decisions.count - 1]);
    return answer_gateway(x, GATEWAY_THROTTLED, "rate_limited");
}
