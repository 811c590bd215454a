/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizers of type jwt and cognito: the token in Authorization. */
#include "rules/base/must.h"
#include "sidecar/exchange/authenticate_token.h"
#include "sidecar/state/key_store.h"
#include "sidecar/state/tokens.h"

static enum authorizer_type type_of(const struct authorizer_question *question)
{
    return question->snapshot->settings->authorizers[question->route->authorizer - 1].type;
}

/* REST APIs have no challenge, 401 whatever it is, and one sentence of their own. */
static bool refuse_cognito(const struct jwt_verdict *verdict, struct authorizer_refusal *refusal)
{
    bool expired = span_is(span_text(verdict->word), SPAN("expired"));
    *refusal = (struct authorizer_refusal){
        .type = GATEWAY_UNAUTHORIZED,
        .reason = span_text(verdict->word),
        .gateway_body =
            expired ? SPAN("{\"message\":\"The incoming token has expired\"}") : span_make(NULL, 0),
    };
    return false;
}

static bool refuse(const struct authorizer_question *question, enum gateway_response_type type,
                   const char *error, const struct jwt_verdict *verdict,
                   struct authorizer_refusal *refusal)
{
    const struct route *route = question->route;
    if (type_of(question) == AUTHORIZER_COGNITO)
        return refuse_cognito(verdict, refusal);
    *refusal = (struct authorizer_refusal){
        .type = type,
        .reason = span_text(verdict->word),
        .challenge = jwt_challenge(route->scopes, route->scope_count, error, verdict->sentence,
                                   question->asked->arena),
    };
    return false;
}

bool token_refuse(const struct authorizer_question *question, const struct jwt_verdict *verdict,
                  struct authorizer_refusal *refusal)
{
    return refuse(question, GATEWAY_UNAUTHORIZED, "invalid_token", verdict, refusal);
}

bool token_fail(const char *word, struct authorizer_refusal *refusal)
{
    *refusal = (struct authorizer_refusal){.type = GATEWAY_AUTHORIZER_FAILURE,
                                           .error = "authorizer_failed",
                                           .reason = span_text(word),
                                           .failed = true};
    return false;
}

bool token_find(const struct authorizer_question *question, struct span *token,
                struct authorizer_refusal *refusal)
{
    const struct fields *fields = question->asked->fields;
    size_t count = fields_count(fields, SPAN("authorization"));
    *token = jwt_token(fields_get(fields, SPAN("authorization")));
    if (count == 1 && token->len > 0)
        return true;
    bool twice = count > 1;
    const struct jwt_verdict verdict = {JWT_REFUSED, twice ? "token_twice" : "token_missing",
                                        "there is more than one token"};
    return refuse(question, GATEWAY_UNAUTHORIZED, twice ? "invalid_token" : NULL, &verdict,
                  refusal);
}

struct jwt_rules token_rules(const struct authorizer_question *question)
{
    const struct authorizer_settings *settings =
        &question->snapshot->settings->authorizers[question->route->authorizer - 1];
    return (struct jwt_rules){
        .algorithms = settings->algorithms,
        .issuer = settings->issuer,
        .audiences = settings->audiences,
        .audience_count = settings->audience_count,
        .token_use = settings->token_use,
        .skew_s = settings->skew_us / 1000000,
    };
}

/* ---- what was found out before ---- */

static struct tokens *tokens_of(const struct authorizer_question *question)
{
    return question->snapshot->tokens[question->route->authorizer - 1];
}

void token_keep(const struct authorizer_question *question, struct span token,
                const struct jwt *jwt, uint64_t until_s)
{
    struct buf packed;
    if (jwt_pack(jwt, &packed))
        tokens_set(tokens_of(question), token, until_s, buf_span(&packed));
    buf_fini(&packed);
}

bool token_known(const struct authorizer_question *question, struct span token, struct jwt *jwt)
{
    struct span packed;
    struct arena *arena = question->asked->arena;
    return tokens_find(tokens_of(question), token, question->wall_us / 1000000, arena, &packed) &&
           jwt_unpack(packed, arena, jwt);
}

void token_tell(const struct jwt *jwt, struct authorized *to)
{
    to->principal = jwt->principal;
    to->context = jwt->claims;
    to->context_count = jwt->claim_count;
    to->scopes = jwt->scopes;
    to->scope_count = jwt->scope_count;
}

/* ---- by keys ---- */

/* A token that was found good is good until it expires, or its key is not the issuer's any more. */
static struct jwt_verdict verify_with(const struct authorizer_question *question, struct span token,
                                      const struct key_set *keys, struct jwt *jwt)
{
    if (token_known(question, token, jwt) && key_set_has(keys, jwt->key))
        return (struct jwt_verdict){JWT_HOLDS, "holds", ""};
    struct jwt_rules rules = token_rules(question);
    rules.keys = keys;
    struct jwt_verdict verdict =
        jwt_verify(token, &rules, question->wall_us / 1000000, question->asked->arena, jwt);
    if (verdict.outcome == JWT_HOLDS)
        token_keep(question, token, jwt, jwt->good_until_s);
    return verdict;
}

/* No key is at hand: what no key could make good is refused all the same, before anybody is asked
 * and whatever on_failure says. */
static struct jwt_verdict verify_without(const struct authorizer_question *question,
                                         struct span token, struct jwt *jwt)
{
    struct jwt_rules rules = token_rules(question);
    struct jwt_verdict verdict =
        jwt_verify(token, &rules, question->wall_us / 1000000, question->asked->arena, jwt);
    must(verdict.outcome != JWT_HOLDS);
    if (verdict.outcome == JWT_KEY_UNKNOWN)
        return (struct jwt_verdict){JWT_FAILED, "keys_missing", ""};
    return verdict;
}

/* Without keys little is known; an unknown one may be among those of today. */
static bool verify(const struct authorizer_question *question, struct span token, struct jwt *jwt,
                   struct authorizer_refusal *refusal)
{
    struct key_store *store = question->snapshot->key_stores[question->route->authorizer - 1];
    struct key_hold hold = key_store_hold(store, question->asked->now_us);
    struct jwt_verdict verdict = hold.set != NULL ? verify_with(question, token, hold.set, jwt)
                                                  : verify_without(question, token, jwt);
    key_store_let_go(store, &hold);
    if (verdict.outcome == JWT_HOLDS)
        return true;
    bool missing = hold.set == NULL && verdict.outcome == JWT_FAILED;
    if (missing)
        token_fail(verdict.word, refusal);
    else
        token_refuse(question, &verdict, refusal);
    if (missing || verdict.outcome == JWT_KEY_UNKNOWN) {
        refusal->keys = store;
        refusal->keys_version = hold.version;
    }
    return false;
}

/* Cognito: without scopes of the route an ID token is asked for, with them an access token. The
 * store of tokens does not know the route, so that this is looked at each time. */
static bool is_of_use(const struct authorizer_question *question, const struct jwt *jwt,
                      struct authorizer_refusal *refusal)
{
    struct span use = question->route->scope_count > 0 ? SPAN("access") : SPAN("id");
    if (type_of(question) != AUTHORIZER_COGNITO)
        return true;
    for (size_t i = 0; i < jwt->claim_count; i++)
        if (span_is(jwt->claims[i].name, SPAN("token_use")) && span_is(jwt->claims[i].value, use))
            return true;
    const struct jwt_verdict verdict = {JWT_REFUSED, "token_use_wrong", ""};
    return refuse_cognito(&verdict, refusal);
}

enum authenticated authenticate_jwt(const struct authorizer_question *question,
                                    struct authorized *to, struct authorizer_refusal *refusal)
{
    struct span token;
    struct jwt jwt = {0};
    if (!token_find(question, &token, refusal))
        return AUTHENTICATED_NOT;
    if (!verify(question, token, &jwt, refusal) || !is_of_use(question, &jwt, refusal))
        return AUTHENTICATED_NOT;
    token_tell(&jwt, to);
    return AUTHENTICATED;
}

bool authorize_scopes(const struct authorizer_question *question, const struct authorized *who,
                      struct authorizer_refusal *refusal)
{
    const struct jwt given = {.scopes = who->scopes, .scope_count = who->scope_count};
    if (jwt_has_scope(&given, question->route->scopes, question->route->scope_count))
        return true;
    const struct jwt_verdict verdict = jwt_scope_missing();
    return refuse(question, GATEWAY_FORBIDDEN, "insufficient_scope", &verdict, refusal);
}
