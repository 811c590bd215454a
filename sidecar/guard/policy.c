/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: statements that fit, and the order in which policies have a say. */
#include "sidecar/guard/policy.h"

#include "sidecar/guard/policy_inside.h"

const char *policy_kind_word(enum policy_kind kind)
{
    switch (kind) {
    case POLICY_IDENTITY: return "identity policy";
    case POLICY_RESOURCE: return "resource policy";
    case POLICY_BOUNDARY: return "permissions boundary";
    case POLICY_SESSION: break;
    }
    return "session policy";
}

/* --- one statement ------------------------------------------------------------------------- */

/* How closely a statement names who asks: what narrows an identity does not narrow a grant that
 * names it by its own ARN. */
enum nearness { NEAR_NOT, NEAR_ANYONE, NEAR_ITSELF };

static struct span last_name(struct span path)
{
    size_t slash = span_find_last_byte(path, '/');
    return slash == SPAN_NONE ? path : span_from(path, slash + 1);
}

/* arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION is of arn:aws:iam::ACCOUNT:role/PATH/NAME. */
static bool is_session_of(struct span session, struct span role)
{
    struct span of[ARN_PARTS], at[ARN_PARTS];
    if (!arn_split(session, of) || !arn_split(role, at) || !span_is(of[1], at[1]) ||
        !span_is(of[2], SPAN("sts")) || !span_is(at[2], SPAN("iam")) || !span_is(of[4], at[4]))
        return false;
    struct span rest = of[5];
    if (!span_is(span_cut(&rest, '/'), SPAN("assumed-role")) || !span_starts(at[5], SPAN("role/")))
        return false;
    return span_is(span_cut(&rest, '/'), last_name(at[5]));
}

static enum nearness nearness_of(const struct policy_principal *named, const struct principal *who)
{
    bool same = span_is(named->name, who->arn);
    switch (named->kind) {
    case NAMED_ANYONE: return NEAR_ANYONE;
    case NAMED_ACCOUNT:
        return who->account.len > 0 && span_is(named->name, who->account) ? NEAR_ANYONE : NEAR_NOT;
    case NAMED_AWS:
        if (who->kind != PRINCIPAL_AWS)
            return NEAR_NOT;
        return same ? NEAR_ITSELF : is_session_of(who->arn, named->name) ? NEAR_ANYONE : NEAR_NOT;
    case NAMED_SERVICE: return who->kind == PRINCIPAL_SERVICE && same ? NEAR_ITSELF : NEAR_NOT;
    case NAMED_FEDERATED: break;
    }
    return who->kind == PRINCIPAL_FEDERATED && same ? NEAR_ITSELF : NEAR_NOT;
}

/* A policy that names nobody is about whoever it is attached to. */
static enum nearness statement_nearness(const struct policy_statement *statement,
                                        const struct principal *who)
{
    if (statement->principals == NULL)
        return NEAR_ANYONE;
    enum nearness nearest = NEAR_NOT;
    for (size_t i = 0; i < statement->principal_count; i++) {
        enum nearness near = nearness_of(&statement->principals[i], who);
        nearest = near > nearest ? near : nearest;
    }
    if (!statement->principals_negated)
        return nearest;
    return nearest == NEAR_NOT ? NEAR_ANYONE : NEAR_NOT;
}

static bool actions_have(struct policy_run *run, const struct policy_patterns *actions)
{
    for (size_t i = 0; i < actions->count; i++)
        if (policy_pattern_matches(run, &actions->at[i], run->request->action, true))
            return !actions->negated;
    return actions->negated;
}

static bool resources_have(struct policy_run *run, const struct policy_patterns *resources)
{
    for (size_t i = 0; i < resources->count; i++)
        if (policy_pattern_matches_arn(run, &resources->at[i], run->request->resource, true))
            return !resources->negated;
    return resources->negated;
}

static enum nearness statement_fits(struct policy_run *run,
                                    const struct policy_statement *statement)
{
    if (!actions_have(run, &statement->actions) || !resources_have(run, &statement->resources))
        return NEAR_NOT;
    enum nearness near = statement_nearness(statement, &run->request->principal);
    for (size_t i = 0; i < statement->condition_count && near != NEAR_NOT; i++)
        if (!policy_condition_holds(run, &statement->conditions[i]))
            return NEAR_NOT;
    return near;
}

/* --- one policy ---------------------------------------------------------------------------- */

static struct policy_result lacking(enum policy_kind kind)
{
    return (struct policy_result){
        .verdict = POLICY_DENIED_IMPLICITLY, .by = kind, .statement = SPAN_NONE};
}

/* A Deny wins over every Allow; *near says how closely an Allow names who asks. */
static struct policy_result policy_asked(struct policy_run *run, const struct policy *policy,
                                         enum nearness *near)
{
    struct policy_result result = lacking(policy->kind);
    *near = NEAR_NOT;
    for (size_t i = 0; i < policy->count; i++) {
        const struct policy_statement *statement = &policy->statements[i];
        if (!statement->deny && *near == NEAR_ITSELF)
            continue;
        enum nearness fits = statement_fits(run, statement);
        if (fits == NEAR_NOT || (!statement->deny && fits <= *near))
            continue;
        result.verdict = statement->deny ? POLICY_DENIED_EXPLICITLY : POLICY_ALLOWED;
        result.sid = statement->sid;
        result.statement = i;
        if (statement->deny)
            return result;
        *near = fits;
    }
    return result;
}

/* The first Deny of several, else the first Allow. */
static struct policy_result any_asked(struct policy_run *run, const struct policy *const *policies,
                                      size_t count, enum policy_kind kind)
{
    struct policy_result result = lacking(kind);
    for (size_t i = 0; i < count; i++) {
        enum nearness near;
        struct policy_result one = policy_asked(run, policies[i], &near);
        if (one.verdict == POLICY_DENIED_EXPLICITLY)
            return one;
        if (one.verdict == POLICY_ALLOWED && result.verdict != POLICY_ALLOWED)
            result = one;
    }
    return result;
}

/* --- all of them --------------------------------------------------------------------------- */

struct opinions { /* what each kind came to */
    struct policy_result identity, resource, boundary, session;
    enum nearness near; /* of the resource policy's Allow */
};

static struct opinions opinions_of(struct policy_run *run, const struct policies *policies)
{
    struct opinions opinions = {.resource = lacking(POLICY_RESOURCE),
                                .boundary = lacking(POLICY_BOUNDARY)};
    enum nearness unused;
    opinions.identity =
        any_asked(run, policies->identity, policies->identity_count, POLICY_IDENTITY);
    if (policies->resource != NULL)
        opinions.resource = policy_asked(run, policies->resource, &opinions.near);
    if (policies->boundary != NULL)
        opinions.boundary = policy_asked(run, policies->boundary, &unused);
    opinions.session = any_asked(run, policies->session, policies->session_count, POLICY_SESSION);
    return opinions;
}

static const struct policy_result *denial_in(const struct opinions *opinions)
{
    enum { KINDS = 4 };
    const struct policy_result *all[KINDS] = {&opinions->identity, &opinions->resource,
                                              &opinions->boundary, &opinions->session};
    for (size_t i = 0; i < KINDS; i++)
        if (all[i]->verdict == POLICY_DENIED_EXPLICITLY)
            return all[i];
    return NULL;
}

/* What the boundary and the session leave of an Allow. */
static struct policy_result narrowed(const struct opinions *opinions,
                                     const struct policies *policies, struct policy_result allowed)
{
    if (policies->boundary != NULL && opinions->boundary.verdict != POLICY_ALLOWED)
        return opinions->boundary;
    if (policies->session_count > 0 && opinions->session.verdict != POLICY_ALLOWED)
        return opinions->session;
    return allowed;
}

static bool of_two_accounts(const struct policy_request *request)
{
    struct span parts[ARN_PARTS];
    return !arn_split(request->resource, parts) || !span_is(parts[4], request->principal.account);
}

/* The drawing of the header, behind its first step. */
static struct policy_result allowance(const struct opinions *opinions,
                                      const struct policies *policies, bool both)
{
    bool by_identity = opinions->identity.verdict == POLICY_ALLOWED;
    bool by_resource = opinions->resource.verdict == POLICY_ALLOWED;
    if (both && !by_resource)
        return opinions->resource;
    if (both)
        return by_identity ? narrowed(opinions, policies, opinions->identity) : opinions->identity;
    if (by_resource && opinions->near == NEAR_ITSELF)
        return opinions->resource;
    if (by_identity)
        return narrowed(opinions, policies, opinions->identity);
    return by_resource ? narrowed(opinions, policies, opinions->resource) : opinions->identity;
}

/* Where a pattern did not fit into its room, nobody can say what it would have matched. */
static struct policy_result closed(const struct policy_run *run, struct policy_result result)
{
    if (run->over_limit && result.verdict != POLICY_DENIED_EXPLICITLY) {
        result = lacking(result.by);
        result.over_limit = true;
    }
    return result;
}

static struct policy_result resource_alone(struct policy_run *run, const struct policies *policies)
{
    enum nearness near;
    if (policies->resource == NULL)
        return (struct policy_result){
            .verdict = POLICY_ALLOWED, .by = POLICY_RESOURCE, .statement = SPAN_NONE};
    return policy_asked(run, policies->resource, &near);
}

struct policy_result policies_decide(const struct policies *policies, enum policy_flow flow,
                                     const struct policy_request *request)
{
    struct policy_run run;
    run.request = request;
    run.over_limit = false;
    if (flow == POLICY_FLOW_NONE || flow == POLICY_FLOW_COGNITO)
        return closed(&run, resource_alone(&run, policies));
    struct opinions opinions = opinions_of(&run, policies);
    const struct policy_result *denial = denial_in(&opinions);
    if (denial != NULL)
        return *denial;
    bool both = flow == POLICY_FLOW_IAM && of_two_accounts(request);
    return closed(&run, allowance(&opinions, policies, both));
}

struct policy_result policies_refuse_early(const struct policies *policies,
                                           const struct policy_request *request)
{
    struct policy_run run;
    run.request = request;
    run.over_limit = false;
    struct policy_result result = closed(&run, resource_alone(&run, policies));
    if (result.verdict == POLICY_DENIED_IMPLICITLY && !result.over_limit)
        result.verdict = POLICY_ALLOWED;
    return result;
}
