/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/exchange/resource_policy.h"

#include "rules/base/number.h"
#include "sidecar/guard/gateway_response.h"
#include "sidecar/guard/policy.h"
#include "sidecar/http/date.h"

/* What conditions may ask of a request. */
struct facts {
    const struct asked *asked;
    char time[TIMESTAMP_LENGTH];
    char epoch[21];
    size_t epoch_len;
};

/* The i-th field of that name. */
static bool field_at(const struct fields *fields, struct span name, size_t i, struct span *value)
{
    for (size_t k = 0; k < fields->count; k++)
        if (span_is_nocase(fields->at[k].name, name) && i-- == 0) {
            *value = fields->at[k].value;
            return true;
        }
    return false;
}

static bool value_of(void *context, struct span key, size_t i, struct span *value)
{
    const struct facts *facts = context;
    const struct asked *asked = facts->asked;
    if (span_is_nocase(key, SPAN("aws:UserAgent")))
        return field_at(asked->fields, SPAN("user-agent"), i, value);
    if (span_is_nocase(key, SPAN("aws:Referer")))
        return field_at(asked->fields, SPAN("referer"), i, value);
    *value = (struct span){0};
    if (span_is_nocase(key, SPAN("aws:SourceIp")) && asked->has_address)
        *value = asked->address_text;
    else if (span_is_nocase(key, SPAN("aws:SecureTransport")))
        *value = span_is(asked->scheme, SPAN("https")) ? SPAN("true") : SPAN("false");
    else if (span_is_nocase(key, SPAN("aws:CurrentTime")))
        *value = span_make(facts->time, sizeof facts->time);
    else if (span_is_nocase(key, SPAN("aws:EpochTime")))
        *value = span_make(facts->epoch, facts->epoch_len);
    else if (span_is_nocase(key, SPAN("aws:PrincipalType")))
        *value = SPAN("Anonymous");
    return value->at != NULL && i == 0;
}

static struct policy_result decide(const struct snapshot *snapshot, const struct asked *asked,
                                   struct span resource)
{
    struct facts facts = {.asked = asked};
    timestamp_write(facts.time, asked->wall_us);
    facts.epoch_len = number_write(facts.epoch, (int64_t)(asked->wall_us / 1000000));
    const struct policies policies = {.resource = snapshot->resource_policy};
    const struct policy_request request = {.principal = {.kind = PRINCIPAL_ANONYMOUS},
                                           .action = SPAN("execute-api:Invoke"),
                                           .resource = resource,
                                           .value = value_of,
                                           .context = &facts};
    return policies_decide(&policies, POLICY_FLOW_NONE, &request);
}

static struct span reason_of(const struct policy_result *result, struct arena *arena)
{
    if (result->over_limit)
        return SPAN("no room to ask the resource policy");
    if (result->statement == SPAN_NONE)
        return SPAN("the resource policy allows nothing of it");
    if (result->sid.len > 0)
        return arena_format(arena, "the resource policy denies it: " SPAN_FORMAT,
                            span_arg(result->sid));
    return arena_format(arena, "the resource policy denies it: Statement[%zu]", result->statement);
}

bool resource_policy_is_on(const struct snapshot *snapshot)
{
    return snapshot->resource_policy != NULL && snapshot->settings->policies.mode != GUARD_OFF;
}

/* Of one reading of the path. */
static bool allows(const struct snapshot *snapshot, const struct asked *asked, struct span path,
                   struct decisions *decisions, struct resource_refusal *refusal)
{
    struct span resource = arena_format(asked->arena, SPAN_FORMAT "/" SPAN_FORMAT SPAN_FORMAT,
                                        span_arg(snapshot->settings->policies.api),
                                        span_arg(asked->method), span_arg(path));
    /* without room for the name nobody can say what a Deny would name */
    struct policy_result result = {
        .verdict = POLICY_DENIED_IMPLICITLY, .statement = SPAN_NONE, .over_limit = true};
    if (resource.len > 0)
        result = decide(snapshot, asked, resource);
    if (result.verdict == POLICY_ALLOWED)
        return true;
    bool on = snapshot->settings->policies.mode == GUARD_ON;
    const struct decision decision = {
        .kind = on ? DECISION_BLOCK : DECISION_WOULD_BLOCK,
        .control = "policy",
        .stage = "policy",
        .name = SPAN("resource"),
        .reason = reason_of(&result, asked->arena),
        .status = gateway_response(GATEWAY_ACCESS_DENIED)->status,
    };
    decisions_add(decisions, &decision);
    *refusal = (struct resource_refusal){resource, result.verdict == POLICY_DENIED_EXPLICITLY};
    return false;
}

bool resource_policy_allows(const struct snapshot *snapshot, const struct asked *asked,
                            struct decisions *decisions, struct resource_refusal *refusal)
{
    bool allowed = allows(snapshot, asked, asked->path, decisions, refusal);
    if (allowed && asked->path_is_doubtful)
        allowed = allows(snapshot, asked, asked->raw_path, decisions, refusal);
    return allowed || snapshot->settings->policies.mode != GUARD_ON;
}
