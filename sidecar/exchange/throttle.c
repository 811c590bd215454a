/* SPDX-License-Identifier: Apache-2.0 */
/* throttle: what the usage plan allows, then the route's rate_limits in their order, then the
 * plan's quota; the first that refuses decides, in API Gateway's words. Those before it have
 * counted the request. */
#include "sidecar/exchange/inside.h"

enum { FIELDS = 2 };

void tell_fields(struct exchange *x, const struct rate_told *told)
{
    struct pair *fields = arena_alloc(x->arena, FIELDS * sizeof *fields);
    if (fields == NULL)
        return; /* compose looks at the arena */
    for (size_t i = 0; i < FIELDS; i++)
        fields[i] = told->fields[i];
    x->own.fields = fields;
    x->own.field_count = FIELDS;
    x->own.retry_after_s = told->retry_after_s;
}

void tell_rate(struct exchange *x, const struct decision *decision)
{
    struct rate_told told = rate_tell(decision->rate, decision->retry_us, x->arena);
    tell_fields(x, &told);
}

static const struct asked *with_claims(struct exchange *x)
{
    asked_of(x);
    x->asked.claims = x->authorizer.context;
    x->asked.claim_count = x->authorizer.context_count;
    return &x->asked;
}

/* Is the request over this one? Says so. */
static bool is_over(struct exchange *x, const struct rate_limit_settings *limit)
{
    struct rate_verdict verdict;
    if (limit->mode == GUARD_OFF || rate_ask(&limit->rate, with_claims(x), &verdict) != RATE_OVER)
        return false;
    struct decision decision = {
        .kind = limit->mode == GUARD_ON ? DECISION_BLOCK : DECISION_WOULD_BLOCK,
        .control = "rate_limit",
        .stage = "throttle",
        .name = limit->name,
        .reason = limit->rate.text,
        .status = gateway_response(GATEWAY_THROTTLED)->status,
        .rate = &limit->rate,
        .retry_us = verdict.retry_us,
    };
    decisions_add(&x->decisions, &decision);
    return true;
}

static enum step route_throttle(struct exchange *x)
{
    for (size_t i = 0; i < x->route->rate_limit_count; i++) {
        const struct rate_limit_settings *limit =
            &x->settings->rate_limits[x->route->rate_limits[i]];
        if (!is_over(x, limit) || limit->mode != GUARD_ON)
            continue;
        tell_rate(x, &x->decisions.at[x->decisions.count - 1]);
        return answer_gateway(x, GATEWAY_THROTTLED, "rate_limited");
    }
    return STEP_NEXT;
}

enum step stage_throttle(struct exchange *x)
{
    enum step step = plan_throttle(x);
    if (step == STEP_NEXT)
        step = route_throttle(x);
    return step == STEP_NEXT ? plan_quota(x) : step;
}
