/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/offline_authorizer.h"

#include "sidecar/exchange/key.h"
#include "sidecar/exchange/policies.h"

static void note(struct offline_authorizer *run, const char *control, const char *stage,
                 enum decision_kind kind, struct span name, struct span reason)
{
    const struct decision decision = {
        .kind = kind, .control = control, .stage = stage, .name = name, .reason = reason};
    decisions_add(run->decisions, &decision);
}

static bool refuse(struct offline_authorizer *run, enum gateway_response_type type,
                   const char *error)
{
    run->status = gateway_response(type)->status;
    run->error = error;
    return false;
}

static bool refused(struct offline_authorizer *run, const char *stage,
                    const struct authorizer_refusal *refusal)
{
    return !authorizer_refuses(&run->who, stage, refusal, run->decisions) ||
           refuse(run, refusal->type, authorizer_error(refusal));
}

static enum authenticated ask(struct offline_authorizer *run, struct authorizer_refusal *refusal)
{
    char *hash;
    enum authenticated answer = authenticate(&run->question, &run->who, refusal);
    if (answer != AUTHENTICATED_BY_BODY ||
        (hash = arena_text(run->question.asked->arena, SHA256_HEX)) == NULL)
        return answer;
    sigv4_sha256_hex(run->body, hash);
    run->question.payload = span_make(hash, SHA256_HEX);
    return authenticate(&run->question, &run->who, refusal);
}

static bool run_authenticate(struct offline_authorizer *run)
{
    struct authorizer_refusal refusal;
    if (ask(run, &refusal) != AUTHENTICATED)
        return refused(run, "authenticate", &refusal);
    const struct authorized *who = &run->who;
    note(run, "authorizer", "authenticate", DECISION_ALLOW, who->settings->name,
         who->principal.len > 0 ? who->principal : SPAN("it does not say who that is"));
    return true;
}

static bool run_authorize(struct offline_authorizer *run)
{
    struct policies_refusal denied;
    struct authorizer_refusal refusal;
    if (policies_have_phase_two(run->question.snapshot, &run->who)) {
        if (!policies_phase_two(&run->question, &run->who, run->decisions, &denied))
            return refuse(run, GATEWAY_ACCESS_DENIED, "access_denied");
        if (denied.result.statement != SPAN_NONE)
            note(run, "policy", "authorize", DECISION_ALLOW, policies_name(&denied),
                 policies_reason(&denied, run->question.asked->arena));
    }
    if (!run->who.is_known || authorize_scopes(&run->question, &run->who, &refusal))
        return true;
    return refused(run, "authorize", &refusal);
}

static bool run_gather_rest(struct offline_authorizer *run)
{
    char hash[SHA256_HEX];
    if (run->who.signature.claim == NULL)
        return true;
    struct sigv4_payload *payload =
        sigv4_payload_new(run->who.signature.claim, run->who.signature.key);
    sigv4_payload_feed(payload, run->body);
    bool good = sigv4_payload_end(payload, hash);
    sigv4_payload_free(payload);
    return good || refused(run, "gather_rest", &authorizer_body_changed);
}

/* A key that an authorizer names that was not asked is not known. */
static bool run_key(struct offline_authorizer *run)
{
    const struct snapshot *snapshot = run->question.snapshot;
    bool unasked =
        run->unasked.at != NULL && snapshot->settings->api_keys.source == API_KEY_FROM_AUTHORIZER;
    struct key_found found;
    if (!key_is_wanted(snapshot, run->question.route) || unasked)
        return true;
    if (!key_ask(&run->question, &run->who, "key", &found, run->decisions))
        return refuse(run, GATEWAY_INVALID_API_KEY, "invalid_api_key");
    if (found.plan != NULL)
        note(run, "api_key", "key", DECISION_ALLOW, found.key->id,
             arena_format(run->question.asked->arena, "usage plan " SPAN_FORMAT,
                          span_arg(found.plan->name)));
    return true;
}

static bool run_authorizer(struct offline_authorizer *run)
{
    const struct authorizer_question *question = &run->question;
    if (authorizer_flow(question->snapshot, question->route) == POLICY_FLOW_NONE)
        return true;
    const struct authorizer_settings *settings =
        &question->snapshot->settings->authorizers[question->route->authorizer - 1];
    struct span needs = authorizer_needs(settings);
    if (needs.at != NULL) {
        run->unasked = settings->name;
        note(run, "authorizer", "authenticate", DECISION_COUNT, settings->name,
             arena_format(question->asked->arena, "not asked: it needs " SPAN_FORMAT,
                          span_arg(needs)));
        return true;
    }
    return run_authenticate(run) && run_authorize(run);
}

bool offline_authorize(struct offline_authorizer *run)
{
    return run_authorizer(run) && run_key(run) && run_gather_rest(run);
}
