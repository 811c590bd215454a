/* SPDX-License-Identifier: Apache-2.0 */
/* What the usage plan of an API key allows: each key has buckets of its own. */
#include "sidecar/guard/usage_plan.h"
#include "sidecar/exchange/inside.h"
#include "sidecar/state/quotas.h"

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

static void tell_quota(struct exchange *x, const struct quota_verdict *verdict, uint64_t now_s)
{
    struct rate_told told = usage_plan_tell(x->usage.plan, verdict, now_s, x->arena);
    tell_fields(x, &told);
}

static enum step refuse_quota(struct exchange *x, enum decision_kind kind, struct span reason)
{
    struct decision decision = {
        .kind = kind,
        .control = "usage_plan",
        .stage = "throttle",
        .name = x->usage.plan->name,
        .reason = reason,
        .status = gateway_response(GATEWAY_QUOTA_EXCEEDED)->status,
    };
    decisions_add(&x->decisions, &decision);
    return kind == DECISION_BLOCK ? answer_gateway(x, GATEWAY_QUOTA_EXCEEDED, "quota_exceeded")
                                  : STEP_NEXT;
}

enum step plan_quota(struct exchange *x)
{
    const struct usage_plan_settings *plan = x->usage.plan;
    if (plan == NULL || plan->mode == GUARD_OFF)
        return STEP_NEXT;
    bool is_on = plan->mode == GUARD_ON;
    uint64_t now_s = loop_wall_us(x->around->loop) / 1000000;
    struct quota_key key = {plan->name, x->usage.key->id};
    struct quota_verdict verdict = {.has_room = false};
    if (x->around->quotas != NULL)
        verdict = quotas_ask(x->around->quotas, &key, &plan->quota, now_s, is_on);
    if (!verdict.has_room) {
        bool denies = is_on && x->settings->api_keys.on_failure == ON_FAILURE_DENY;
        return refuse_quota(x, denies ? DECISION_BLOCK : DECISION_COUNT, SPAN("not_counted"));
    }
    if (verdict.passes && !verdict.is_over)
        return STEP_NEXT;
    if (is_on)
        tell_quota(x, &verdict, now_s);
    return refuse_quota(x, is_on ? DECISION_BLOCK : DECISION_WOULD_BLOCK, plan->quota_text);
}
