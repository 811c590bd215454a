/* SPDX-License-Identifier: Apache-2.0 */
/* authenticate: whom the route's authorizer says the request comes from. The table by type, and
 * what all types share. Nothing lets in that was not found good. */
#include "sidecar/exchange/gather.h"
#include "sidecar/exchange/stages.h"
#include "sidecar/state/key_store.h"

static const struct authenticator {
    enum policy_flow flow; /* whose Allow is needed, where there are policies: policies.h */
    authenticate_function *ask;
} authenticators[AUTHORIZER_TYPES] = {
    /* the row authorizer asks these */
    [AUTHORIZER_LAMBDA] = {POLICY_FLOW_LAMBDA, NULL},
    [AUTHORIZER_HTTP] = {POLICY_FLOW_LAMBDA, NULL},
    [AUTHORIZER_JWT] = {POLICY_FLOW_COGNITO, authenticate_jwt},
    [AUTHORIZER_COGNITO] = {POLICY_FLOW_COGNITO, authenticate_jwt},
    [AUTHORIZER_MTLS] = {POLICY_FLOW_COGNITO, authenticate_mtls},
    [AUTHORIZER_INTROSPECTION] = {POLICY_FLOW_COGNITO, NULL}, /* its row asks elsewhere */
    [AUTHORIZER_SIGV4] = {POLICY_FLOW_IAM, authenticate_sigv4},
};

struct span authorizer_needs(const struct authorizer_settings *settings)
{
    if (settings->keys.url.at != NULL)
        return settings->keys.url;
    return authenticators[settings->type].ask == NULL ? settings->url : span_make(NULL, 0);
}

enum policy_flow authorizer_flow(const struct snapshot *snapshot, const struct route *route)
{
    if (route == NULL || route->authorizer == 0)
        return POLICY_FLOW_NONE;
    const struct authorizer_settings *settings =
        &snapshot->settings->authorizers[route->authorizer - 1];
    return settings->mode == GUARD_OFF ? POLICY_FLOW_NONE : authenticators[settings->type].flow;
}

enum authenticated authenticate(const struct authorizer_question *question, struct authorized *to,
                                struct authorizer_refusal *refusal)
{
    const struct authorizer_settings *settings =
        &question->snapshot->settings->authorizers[question->route->authorizer - 1];
    *to = (struct authorized){
        .settings = settings, .to = DECISION_BLOCK, .flow = authenticators[settings->type].flow};
    enum authenticated answer = authenticators[settings->type].ask(question, to, refusal);
    to->is_known = answer == AUTHENTICATED;
    if (to->is_known)
        to->to = DECISION_ALLOW;
    return answer;
}

struct authorizer_question authorizer_question_of(struct exchange *x)
{
    return (struct authorizer_question){.snapshot = x->snapshot,
                                        .route = x->route,
                                        .asked = asked_of(x),
                                        .wall_us = loop_wall_us(x->around->loop),
                                        .payload = gathered_hash(x)};
}

/* Credentials that say nothing without the body: all of it, and once more. */
static enum step authenticate_by_body(struct exchange *x)
{
    struct authorizer_refusal refusal = authorizer_body_changed; /* a hash that is no hash */
    enum step step = gather_whole(x, NULL, NULL);
    if (step != STEP_NEXT)
        return step;
    const struct authorizer_question question = authorizer_question_of(x);
    return authenticate(&question, &x->authorizer, &refusal) == AUTHENTICATED
               ? STEP_NEXT
               : authorizer_refuse(x, &refusal);
}

/* Are there others by now, or will there be, than those that a refusal is about? */
static enum key_store_word other_keys(const struct exchange *x,
                                      const struct authorizer_refusal *refusal)
{
    if (refusal->keys == NULL || x->row_is_late)
        return KEYS_SAME;
    return key_store_ask(refusal->keys, refusal->keys_version, loop_now_us(x->around->loop));
}

static enum step wait_for_keys(struct exchange *x)
{
    if (!x->entered)
        row_clock_arm(x, x->authorizer.settings->timeout_us);
    return STEP_WAIT;
}

void exchanges_keys_came(struct surroundings *around)
{
    for (struct list *link = around->exchanges.next; link != &around->exchanges;
         link = link->next) {
        struct exchange *x = list_entry(link, struct exchange, link);
        if (x->at == STAGE_AUTHENTICATE)
            exchange_wake(x);
    }
}

enum step stage_authenticate(struct exchange *x)
{
    const struct authorizer_question question = authorizer_question_of(x);
    struct authorizer_refusal refusal = {0};
    if (x->settings->authorizers[x->route->authorizer - 1].type == AUTHORIZER_INTROSPECTION)
        return authenticate_by_introspection(x);
    if (x->whole.is_awaited)
        return authenticate_by_body(x);
    for (;;) {
        switch (authenticate(&question, &x->authorizer, &refusal)) {
        case AUTHENTICATED: return STEP_NEXT;
        case AUTHENTICATED_BY_BODY: return authenticate_by_body(x);
        case AUTHENTICATED_NOT: break;
        }
        enum key_store_word word = other_keys(x, &refusal);
        if (word == KEYS_COMING)
            return wait_for_keys(x);
        if (word == KEYS_SAME)
            return authorizer_refuse(x, &refusal);
    }
}

/* --- who is not let in --------------------------------------------------------------------- */

bool authorizer_refuses(struct authorized *who, const char *stage,
                        const struct authorizer_refusal *refusal, struct decisions *decisions)
{
    bool is_on = who->settings->mode == GUARD_ON;
    bool passes = refusal->failed && who->settings->on_failure == ON_FAILURE_ALLOW;
    who->to = passes ? DECISION_ALLOW : is_on ? DECISION_BLOCK : DECISION_WOULD_BLOCK;
    const struct decision decision = {
        .kind = passes ? DECISION_COUNT : who->to,
        .control = "authorizer",
        .stage = stage,
        .name = who->settings->name,
        .reason = refusal->reason,
        .status = gateway_response(refusal->type)->status,
    };
    decisions_add(decisions, &decision);
    return is_on && !passes;
}

const char *authorizer_error(const struct authorizer_refusal *refusal)
{
    if (refusal->error != NULL)
        return refusal->error;
    return refusal->type == GATEWAY_UNAUTHORIZED ? "unauthorized" : "forbidden";
}

const struct authorizer_refusal authorizer_body_changed = {
    .type = GATEWAY_INVALID_SIGNATURE,
    .reason = SPAN_INIT("the body is not the one that was signed"),
};

static void challenge(struct exchange *x, struct span text)
{
    struct pair *field = arena_alloc(x->arena, sizeof *field);
    if (field == NULL)
        return; /* compose looks at the arena */
    *field = (struct pair){SPAN("WWW-Authenticate"), text};
    x->own.fields = field;
    x->own.field_count = 1;
}

enum step authorizer_refuse(struct exchange *x, const struct authorizer_refusal *refusal)
{
    if (!authorizer_refuses(&x->authorizer, stage_at(x->at)->name.at, refusal, &x->decisions))
        return STEP_NEXT;
    if (refusal->challenge.at != NULL)
        challenge(x, refusal->challenge);
    x->own.gateway_body = refusal->gateway_body;
    return answer_gateway(x, refusal->type, authorizer_error(refusal));
}

/* --- what the backend is told -------------------------------------------------------------- */

/* Control bytes would be read as something else than a value. */
static bool may_stand_in_a_field(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7f)
            return false;
    return true;
}

struct span authorized_value(const struct authorized *who, struct span name)
{
    for (size_t i = 0; i < who->context_count; i++)
        if (span_is(who->context[i].name, name))
            return who->context[i].value;
    return span_make(NULL, 0);
}

void authorizer_tell(struct exchange *x, struct fields *fields)
{
    for (size_t i = 0; i < x->settings->authorizer_count; i++)
        for (size_t h = 0; h < x->settings->authorizers[i].header_count; h++)
            fields_remove_alike(fields, x->settings->authorizers[i].headers[h].name);
    if (!x->authorizer.is_known)
        return;
    const struct authorizer_settings *settings = x->authorizer.settings;
    for (size_t h = 0; h < settings->header_count; h++) {
        struct span value = authorized_value(&x->authorizer, settings->headers[h].value);
        if (value.at != NULL && may_stand_in_a_field(value))
            fields_add(fields, x->arena, settings->headers[h].name, value);
    }
}
