/* SPDX-License-Identifier: Apache-2.0 */
/* authorizer: what a function or a server elsewhere says of the request, in API Gateway's words
 * (reference aws.md 7.1, 7.2). What it answers with a policy is decided in authorize. */
#include "rules/match/pattern.h"
#include "sidecar/config/authorizer_stores.h"
#include "sidecar/exchange/authorizer_call.h"
#include "sidecar/exchange/stages.h"
#include "sidecar/guard/grouped.h"
#include "sidecar/guard/identity_source.h"
#include "sidecar/wire/tls.h"

enum { PEM_COLUMNS = 64, PEM_BYTES = 1024 * 1024 };

static bool is_rest(const struct exchange *x)
{
    return authorizer_payload_is_rest(x->authorizer.settings->payload);
}

/* ---- who is not let in ---- */

static enum step refuse(struct exchange *x, enum gateway_response_type type, const char *error,
                        const char *reason)
{
    const struct authorizer_refusal refusal = {
        .type = type, .error = error, .reason = span_text(reason)};
    return authorizer_refuse(x, &refusal);
}

static enum step deny(struct exchange *x, const char *reason)
{
    const struct authorizer_refusal refusal = {
        .type = is_rest(x) ? GATEWAY_ACCESS_DENIED : GATEWAY_FORBIDDEN,
        .reason = span_text(reason),
        .gateway_body = is_rest(x) ? SPAN("{\"Message\":\"User is not authorized to access this "
                                          "resource\"}")
                                   : span_make(NULL, 0),
    };
    return authorizer_refuse(x, &refusal);
}

static enum step refuse_unasked(struct exchange *x, enum gateway_response_type type,
                                const char *reason)
{
    bool is_malformed = type == GATEWAY_AUTHORIZER_CONFIGURATION_ERROR;
    return refuse(x, is_rest(x) ? type : GATEWAY_INTERNAL_SERVER_ERROR,
                  is_malformed ? "authorizer_malformed" : "authorizer_failed", reason);
}

/* The request is more than can be asked about, they are too many, or the server stumbles over it.
 * That is clients' doing: were it a failure, where on_failure allows whoever makes it long, often
 * or odd enough would be let in. */
static enum step refuse_by_client(struct exchange *x, const char *reason)
{
    return refuse_unasked(x, GATEWAY_AUTHORIZER_FAILURE, reason);
}

/* Nobody can say whether it is allowed: on_failure does. */
static enum step fail(struct exchange *x, enum gateway_response_type type, const char *reason)
{
    const struct authorizer_settings *settings = x->authorizer.settings;
    if (settings->on_failure == ON_FAILURE_DENY)
        return refuse_unasked(x, type, reason);
    const struct decision decision = {.kind = DECISION_COUNT,
                                      .control = "authorizer",
                                      .stage = stage_at(x->at)->name.at,
                                      .name = settings->name,
                                      .reason = span_text(reason)};
    decisions_add(&x->decisions, &decision);
    x->authorizer.to = DECISION_COUNT;
    return STEP_NEXT;
}

/* ---- what it answered ---- */

/* principalId stands beside the context, as in $context.authorizer. */
static void tell_context(struct exchange *x, const struct authorizer_answer *answer)
{
    struct pair *pairs = arena_alloc(x->arena, (answer->context_count + 1) * sizeof *pairs);
    size_t count = 0;
    if (pairs == NULL)
        return; /* send looks at the arena */
    for (size_t i = 0; i < answer->context_count; i++)
        if (answer->principal.len == 0 || !span_is(answer->context[i].name, SPAN("principalId")))
            pairs[count++] = answer->context[i];
    if (answer->principal.len > 0)
        pairs[count++] = (struct pair){SPAN("principalId"), answer->principal};
    x->authorizer.context = pairs;
    x->authorizer.context_count = count;
}

/* Takes a count of the answer: it lives as long as the exchange. */
static enum step take(struct exchange *x, struct authorizer_answer *answer)
{
    struct authorized *who = &x->authorizer;
    kept_take(&answer->kept);
    x->remote.answer = answer;
    who->principal = answer->principal;
    if (answer->policy == NULL && !answer->is_authorized)
        return deny(x, "not_authorized");
    who->is_known = true;
    who->usage_key = answer->usage_key.len > 0 ? answer->usage_key : span_make(NULL, 0);
    tell_context(x, answer);
    if (answer->policy != NULL)
        who->policies = (struct policies){.identity = &answer->policy, .identity_count = 1};
    else
        who->flow = POLICY_FLOW_COGNITO; /* yes has been said; the resource policy has its say */
    return STEP_NEXT;
}

static enum step settle(struct exchange *x, const struct authorizer_verdict *verdict)
{
    switch (verdict->outcome) {
    case AUTHORIZER_ANSWERED: return take(x, verdict->answer);
    case AUTHORIZER_UNAUTHORIZED: return refuse(x, GATEWAY_UNAUTHORIZED, NULL, verdict->word);
    case AUTHORIZER_DENIED: return deny(x, verdict->word);
    case AUTHORIZER_MALFORMED:
        return fail(x, GATEWAY_AUTHORIZER_CONFIGURATION_ERROR, verdict->word);
    case AUTHORIZER_STUMBLED: return refuse_by_client(x, verdict->word);
    case AUTHORIZER_FAILED: break;
    }
    return fail(x, GATEWAY_AUTHORIZER_FAILURE, verdict->word);
}

/* ---- what is asked ---- */

/* ":MIIB...:" in lines between its marks. */
static struct span pem_of(struct exchange *x, struct span field)
{
    struct buf pem;
    struct span rest = span_first(span_from(field, 1), field.len - 2), copy = {NULL, 0};
    buf_init(&pem, PEM_BYTES);
    buf_add(&pem, SPAN("-----BEGIN CERTIFICATE-----\n"));
    for (; rest.len > 0; rest = span_from(rest, PEM_COLUMNS)) {
        buf_add(&pem, span_first(rest, PEM_COLUMNS));
        buf_add_byte(&pem, '\n');
    }
    buf_add(&pem, SPAN("-----END CERTIFICATE-----\n"));
    if (!buf_is_full(&pem))
        copy = arena_copy(x->arena, buf_span(&pem));
    buf_fini(&pem);
    return copy;
}

/* "A1A1" as "a1:a1". */
static struct span serial_of(struct exchange *x, struct span hex)
{
    char *text = arena_text(x->arena, hex.len * 3 / 2 + 1);
    size_t len = 0;
    for (size_t i = 0; text != NULL && i < hex.len; i++) {
        if (i > 0 && i % 2 == 0)
            text[len++] = ':';
        text[len++] = byte_lower(hex.at[i]);
    }
    return span_make(text, len);
}

/* Without its PEM, which only an event needs. */
static struct authorizer_certificate *certificate_of(struct exchange *x)
{
    const struct tls_peer *peer = x->facts->tls != NULL ? &x->facts->tls->peer : NULL;
    struct authorizer_certificate *certificate = NULL;
    if (peer != NULL && peer->field.len >= 2)
        certificate = arena_alloc(x->arena, sizeof *certificate);
    if (certificate != NULL)
        *certificate = (struct authorizer_certificate){
            .subject = peer->subject,
            .issuer = peer->issuer,
            .serial = serial_of(x, peer->serial),
            .not_before = peer->not_before,
            .not_after = peer->not_after,
        };
    return certificate;
}

/* What the event has beyond what an identity is made of. */
static void complete(struct exchange *x, struct authorizer_request *request)
{
    struct pair *pairs = arena_alloc(x->arena, ROUTE_PARAMETERS_MOST * sizeof *pairs);
    struct authorizer_certificate *certificate =
        request->certificate != NULL ? certificate_of(x) : NULL;
    if (certificate != NULL)
        certificate->pem = pem_of(x, x->facts->tls->peer.field);
    request->certificate = certificate;
    if (pairs == NULL || x->route->template.len == 0)
        return;
    request->path_parameters = pairs;
    request->path_parameter_count = route_parameters(x->route, x->path, pairs);
    for (size_t i = 0; i < request->path_parameter_count; i++)
        pairs[i].value = grouped_decoded(pairs[i].value, false, x->arena);
}

static struct authorizer_request request_of(struct exchange *x)
{
    const struct authorizer_settings *settings = x->authorizer.settings;
    struct authorizer_request request = {
        .asked = asked_of(x),
        .api = x->settings->policies.api,
        .route_key = x->route->key.len > 0 ? x->route->key : SPAN("$default"),
        .stage_variables = settings->stage_variables,
        .stage_variable_count = settings->stage_variable_count,
        .api_key = fields_get(&x->client->head->fields, x->settings->api_keys.header),
        .certificate = certificate_of(x),
    };
    return request;
}

/* NULL: the whole of the first identity is as the settings want it. */
static const char *identity_wrong(struct exchange *x, const struct remote_authorizer *remote,
                                  struct authorizer_request *request)
{
    bool is_found = identity_find(remote->identity, remote->identity_count, request);
    if (!is_found && remote->needs_identity)
        return "identity_missing";
    if (!is_found || remote->validation == NULL)
        return NULL;
    switch (
        pattern_match(remote->validation, request->identity[0], x->around->world.scratch, NULL)) {
    case PATTERN_YES: return NULL;
    case PATTERN_LIMIT: return "identity_over_limit";
    case PATTERN_NO:
    case PATTERN_PAUSED: break;
    }
    return "identity_not_valid";
}

static enum step call(struct exchange *x, const struct remote_authorizer *remote,
                      struct authorizer_request *request, const struct results_id *id)
{
    complete(x, request);
    const struct authorizer_call_request asks = {
        .remote = remote,
        .settings = x->authorizer.settings,
        .id = id,
        .event = authorizer_event(x->authorizer.settings->payload, request),
    };
    if (asks.event.at == NULL)
        return refuse_by_client(x, "event_too_long");
    if (!authorizer_call_begin(x, &asks))
        return refuse_by_client(x, "too_many_calls");
    x->remote.is_asker = true;
    return STEP_WAIT;
}

static enum step ask(struct exchange *x, const struct remote_authorizer *remote,
                     struct authorizer_request *request)
{
    if (remote->results == NULL || request->identity_count == 0)
        return call(x, remote, request, NULL);
    struct span key = identity_key(remote->identity, remote->identity_count, request);
    if (key.at == NULL)
        return refuse_by_client(x, "identity_too_long");
    struct results_id id = results_id(remote->results, key);
    struct kept *kept = results_find(remote->results, &id, loop_now_us(x->around->loop));
    if (kept != NULL) {
        x->remote.cache = "hit";
        enum step step = take(x, (struct authorizer_answer *)(void *)kept);
        kept_give(kept);
        return step;
    }
    if (authorizer_call_join(x, remote, &id)) {
        x->remote.cache = "shared";
        return STEP_WAIT;
    }
    x->remote.cache = "miss";
    return call(x, remote, request, &id);
}

/* ---- the row ---- */

static enum step begin(struct exchange *x)
{
    size_t i = x->route->authorizer - 1;
    const struct remote_authorizer *remote = x->snapshot->remotes[i];
    x->authorizer = (struct authorized){
        .settings = &x->settings->authorizers[i],
        .to = DECISION_ALLOW,
        .flow = POLICY_FLOW_LAMBDA,
    };
    struct authorizer_request request = request_of(x);
    const char *wrong = identity_wrong(x, remote, &request);
    if (wrong != NULL)
        return refuse(x, GATEWAY_UNAUTHORIZED, NULL, wrong);
    return ask(x, remote, &request);
}

enum step stage_authorizer(struct exchange *x)
{
    if (!x->entered)
        return begin(x);
    const struct authorizer_verdict *verdict = authorizer_call_verdict(x->remote.call);
    if (verdict == NULL)
        return STEP_WAIT;
    if (x->remote.is_asker) {
        x->remote.attempt = authorizer_call_attempt(x->remote.call);
        x->remote.attempt.address = arena_copy(x->arena, x->remote.attempt.address);
    }
    enum step step = settle(x, verdict);
    authorizer_call_leave(x);
    return step;
}

/* What the report says of the call; also of one that the client did not wait for. */
void authorizer_say(struct exchange *x, struct report *report)
{
    struct report_attempt *attempt = &x->remote.attempt;
    if (x->remote.is_asker && x->remote.call != NULL) {
        *attempt = authorizer_call_attempt(x->remote.call);
        attempt->duration_us = loop_clock_us(x->around->loop) - x->began_us - attempt->start_us;
        attempt->error = x->error != NULL ? span_text(x->error) : SPAN("given_up");
    }
    report->authorizer.cache = span_text(x->remote.cache);
    report->authorizer.is_called = x->remote.is_asker;
    report->authorizer.call = *attempt;
}
