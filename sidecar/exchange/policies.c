/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/exchange/policies.h"

#include "rules/base/encode.h"
#include "rules/base/number.h"
#include "sidecar/guard/arn.h"
#include "sidecar/http/date.h"

enum { BODY_MOST = 64 * 1024, ACCOUNT_SHOWN = 4 };

/* --- what conditions may ask ----------------------------------------------------------------- */

struct facts {
    const struct asked *asked;
    const struct authorized *who; /* NULL: nobody that is known */
    char time[TIMESTAMP_LENGTH];
    char epoch[21];
    size_t epoch_len;
};

/* The i-th of the pairs of that name. */
static bool pair_at(const struct pair *pairs, size_t count, struct span name, size_t i,
                    struct span *value)
{
    for (size_t k = 0; k < count; k++)
        if (span_is_nocase(pairs[k].name, name) && i-- == 0) {
            *value = pairs[k].value;
            return true;
        }
    return false;
}

static bool field_at(const struct fields *fields, struct span name, size_t i, struct span *value)
{
    return pair_at(fields->at, fields->count, name, i, value);
}

static bool value_of(void *context, struct span key, size_t i, struct span *value)
{
    const struct facts *facts = context;
    const struct asked *asked = facts->asked;
    const struct authorized *who = facts->who;
    if (who != NULL && pair_at(who->keys, who->key_count, key, i, value))
        return true;
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
    else if (span_is_nocase(key, SPAN("aws:PrincipalType")) &&
             (who == NULL || who->caller.kind == PRINCIPAL_ANONYMOUS))
        *value = SPAN("Anonymous");
    return value->at != NULL && i == 0;
}

/* --- one evaluation -------------------------------------------------------------------------- */

struct trial {
    const struct authorizer_question *question;
    const struct authorized *who; /* NULL: nobody that is known */
    enum policy_flow flow;
    bool early; /* phase one: before anybody is known */
    const struct policy *resource;
    struct policy_result result; /* of the last reading of the path, which was the one refused */
    struct span arn;             /* what it was about */
};

/* Of one reading of the path. */
static bool reading_passes(struct trial *trial, struct span path)
{
    static const struct principal nobody = {.kind = PRINCIPAL_ANONYMOUS};
    const struct asked *asked = trial->question->asked;
    struct facts facts = {.asked = asked, .who = trial->who};
    struct policies policies = trial->who != NULL ? trial->who->policies : (struct policies){0};
    const struct policy_request request = {
        .principal = trial->who != NULL ? trial->who->caller : nobody,
        .action = SPAN("execute-api:Invoke"),
        .resource = arn_of_request(asked->arena, trial->question->snapshot->settings->policies.api,
                                   asked->method, path),
        .value = value_of,
        .context = &facts,
    };
    timestamp_write(facts.time, asked->wall_us);
    facts.epoch_len = number_write(facts.epoch, (int64_t)(asked->wall_us / 1000000));
    policies.resource = trial->resource;
    trial->arn = request.resource;
    /* without room for the name nobody can say what a Deny would name */
    trial->result = (struct policy_result){
        .verdict = POLICY_DENIED_IMPLICITLY, .statement = SPAN_NONE, .over_limit = true};
    if (request.resource.len > 0)
        trial->result = trial->early && trial->flow == POLICY_FLOW_LAMBDA
                            ? policies_refuse_early(&policies, &request)
                            : policies_decide(&policies, trial->flow, &request);
    return trial->result.verdict == POLICY_ALLOWED;
}

static bool passes(struct trial *trial)
{
    const struct asked *asked = trial->question->asked;
    return reading_passes(trial, asked->path) &&
           (!asked->path_is_doubtful || reading_passes(trial, asked->raw_path));
}

/* --- what is made of it ---------------------------------------------------------------------- */

struct span policies_name(const struct policies_refusal *refusal)
{
    switch (refusal->result.by) {
    case POLICY_IDENTITY: return SPAN("identity");
    case POLICY_RESOURCE: return SPAN("resource");
    case POLICY_BOUNDARY: return SPAN("boundary");
    case POLICY_SESSION: break;
    }
    return SPAN("session");
}

struct span policies_reason(const struct policies_refusal *refusal, struct arena *arena)
{
    const struct policy_result *result = &refusal->result;
    bool answered = refusal->flow == POLICY_FLOW_LAMBDA && result->by == POLICY_IDENTITY;
    const char *word = answered ? "authorizer's policy" : policy_kind_word(result->by);
    const char *does = result->verdict == POLICY_ALLOWED ? "allows" : "denies";
    if (result->over_limit)
        return SPAN("no room to ask the policies");
    if (result->statement == SPAN_NONE)
        return arena_format(arena, "the %s allows nothing of it", word);
    if (result->sid.len > 0)
        return arena_format(arena, "the %s %s it: " SPAN_FORMAT, word, does, span_arg(result->sid));
    return arena_format(arena, "the %s %s it: Statement[%zu]", word, does, result->statement);
}

static struct policies_refusal refusal_of(const struct trial *trial)
{
    return (struct policies_refusal){
        .flow = trial->flow,
        .caller = trial->who != NULL ? trial->who->caller.arn : SPAN(""),
        .resource = trial->arn,
        .is_explicit = trial->result.verdict == POLICY_DENIED_EXPLICITLY,
        .result = trial->result,
    };
}

static void note(const struct trial *trial, enum decision_kind kind, struct decisions *decisions)
{
    const struct policies_refusal refusal = refusal_of(trial);
    const struct decision decision = {
        .kind = kind,
        .control = "policy",
        .stage = trial->early ? "policy" : "authorize",
        .name = policies_name(&refusal),
        .reason = policies_reason(&refusal, trial->question->asked->arena),
        .status = gateway_response(GATEWAY_ACCESS_DENIED)->status,
    };
    decisions_add(decisions, &decision);
}

/* What would have a say if nothing were in detection_only, and then what has. */
static bool judge(struct trial *all, const struct trial *effective, struct decisions *decisions,
                  struct policies_refusal *refusal)
{
    struct trial binding = *effective;
    bool allowed = passes(&binding);
    *refusal = refusal_of(&binding);
    if (!allowed) {
        note(&binding, DECISION_BLOCK, decisions);
        return false;
    }
    bool same = all->flow == effective->flow && all->resource == effective->resource;
    if (!same && !passes(all))
        note(all, DECISION_WOULD_BLOCK, decisions);
    return true;
}

/* --- the two phases -------------------------------------------------------------------------- */

/* NULL: it has no say. */
static const struct policy *resource_policy_of(const struct snapshot *snapshot,
                                               enum guard_mode least)
{
    return snapshot->settings->policies.mode >= least ? snapshot->resource_policy : NULL;
}

static const struct policy *looking(const struct snapshot *snapshot)
{
    return resource_policy_of(snapshot, GUARD_DETECTION_ONLY);
}

bool policies_have_phase_one(const struct snapshot *snapshot, const struct route *route)
{
    enum policy_flow flow = authorizer_flow(snapshot, route);
    return looking(snapshot) != NULL && (flow == POLICY_FLOW_NONE || flow == POLICY_FLOW_LAMBDA);
}

bool policies_have_phase_two(const struct snapshot *snapshot, const struct authorized *who)
{
    if (who->settings == NULL)
        return false;
    return looking(snapshot) != NULL || who->flow == POLICY_FLOW_IAM ||
           who->policies.identity_count > 0;
}

bool policies_phase_one(const struct authorizer_question *question, struct decisions *decisions,
                        struct policies_refusal *refusal)
{
    struct trial all = {
        .question = question,
        .flow = authorizer_flow(question->snapshot, question->route),
        .early = true,
        .resource = looking(question->snapshot),
    };
    struct trial effective = all;
    effective.resource = resource_policy_of(question->snapshot, GUARD_ON);
    return judge(&all, &effective, decisions, refusal);
}

bool policies_phase_two(const struct authorizer_question *question, const struct authorized *who,
                        struct decisions *decisions, struct policies_refusal *refusal)
{
    struct trial all = {
        .question = question,
        .who = who->is_known ? who : NULL,
        .flow = who->is_known ? who->flow : POLICY_FLOW_NONE,
        .resource = looking(question->snapshot),
    };
    struct trial effective = all;
    effective.resource = resource_policy_of(question->snapshot, GUARD_ON);
    if (who->settings->mode != GUARD_ON)
        effective.flow = POLICY_FLOW_NONE;
    return judge(&all, &effective, decisions, refusal);
}

/* --- what the caller is told ----------------------------------------------------------------- */

/* The account with all but its last four digits masked. */
static void add_masked(struct buf *to, struct span resource)
{
    struct span parts[ARN_PARTS];
    if (!arn_split(resource, parts))
        return;
    struct span account = parts[4];
    size_t hidden = account.len > ACCOUNT_SHOWN ? account.len - ACCOUNT_SHOWN : 0;
    json_add_escaped(to, span_first(resource, (size_t)(account.at - resource.at)));
    for (size_t i = 0; i < hidden; i++)
        buf_add_byte(to, '*');
    json_add_escaped(to, span_from(resource, (size_t)(account.at - resource.at) + hidden));
}

static void add_sentence(struct buf *to, const struct policies_refusal *refusal)
{
    if (refusal->flow == POLICY_FLOW_LAMBDA) {
        buf_add(to, SPAN("User is not authorized to access this resource"));
        return;
    }
    buf_add(to, SPAN("User: "));
    json_add_escaped(to, refusal->caller.len > 0 ? refusal->caller : SPAN("anonymous"));
    buf_add(to, SPAN(" is not authorized to perform: execute-api:Invoke on resource: "));
    add_masked(to, refusal->resource);
}

struct span policies_refusal_body(const struct policies_refusal *refusal, struct arena *arena)
{
    struct buf body;
    buf_init(&body, BODY_MOST);
    buf_add(&body, SPAN("{\"Message\":\""));
    add_sentence(&body, refusal);
    if (refusal->is_explicit)
        buf_add(&body, SPAN(" with an explicit deny"));
    buf_add(&body, SPAN("\"}"));
    struct span copy = {0};
    if (!buf_is_full(&body))
        copy = arena_copy(arena, buf_span(&body));
    buf_fini(&body);
    return copy;
}
