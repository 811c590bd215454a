/* SPDX-License-Identifier: Apache-2.0 */
/* The table of stages, and which exchanges walk which rows. */
#include "sidecar/exchange/stages.h"

#include "rules/base/must.h"
#include "sidecar/exchange/policies.h"

static bool always(const struct exchange *x)
{
    (void)x;
    return true;
}

bool with_rules(const struct exchange *x)
{
    struct route_choice choice = route_choice_of(x);
    return route_rules_engine(x->snapshot, &choice) != ENGINE_OFF;
}

static bool with_access_or_rules(const struct exchange *x)
{
    return x->settings->access_count > 0 || with_rules(x);
}

/* What match refuses whoever asks has no resource that a policy could be about. */
static bool with_policy(const struct exchange *x)
{
    return policies_have_phase_one(x->snapshot, x->route) && x->client->refusal.status == 0 &&
           x->target.form != TARGET_WRONG;
}

static bool has_authorizer(const struct exchange *x, bool remote)
{
    return x->route != NULL && x->route->authorizer != 0 &&
           x->settings->authorizers[x->route->authorizer - 1].mode != GUARD_OFF &&
           (x->snapshot->remotes[x->route->authorizer - 1] != NULL) == remote;
}

static bool with_authorizer(const struct exchange *x)
{
    return has_authorizer(x, false);
}

static bool with_remote_authorizer(const struct exchange *x)
{
    return has_authorizer(x, true);
}

/* In detection_only nobody may be known: then scopes are nobody's. */
static bool with_policies_or_scopes(const struct exchange *x)
{
    return policies_have_phase_two(x->snapshot, &x->authorizer) ||
           (x->authorizer.is_known && x->route->scope_count > 0);
}

static bool with_api_key(const struct exchange *x)
{
    return key_is_wanted(x->snapshot, x->route);
}

static bool with_limits(const struct exchange *x)
{
    return x->route != NULL && (x->route->rate_limit_count > 0 || x->usage.plan != NULL);
}

static bool with_signed_body(const struct exchange *x)
{
    return x->authorizer.signature.claim != NULL;
}

static bool with_body_or_rules(const struct exchange *x)
{
    return x->snapshot->web_acl_body_bytes > 0 || with_rules(x);
}

static bool with_answer_bodies(const struct exchange *x)
{
    return with_rules(x) && x->snapshot->inspection.response_body_access;
}

static const struct stage stages[STAGE_COUNT] = {
#define STAGE(id, name, run, wanted, waits, sentence) \
    {SPAN_INIT(name), run, wanted, waits, sentence},
#include "sidecar/exchange/stages.tbl"
#undef STAGE
};

const struct stage *stage_at(enum stage_id id)
{
    must(id < STAGE_COUNT);
    return &stages[id];
}

void stages_print(struct buf *to)
{
    for (unsigned i = 0; i < STAGE_COUNT; i++)
        buf_format(to, "%-20s %-6s %s\n", stages[i].name.at, stages[i].waits, stages[i].sentence);
}
