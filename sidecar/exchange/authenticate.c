/* SPDX-License-Identifier: Apache-2.0 */
/* authenticate: the token of the route's authorizer. Nothing lets in that was not found good. */
#include "sidecar/exchange/inside.h"
#include "sidecar/exchange/stages.h"
#include "sidecar/state/tokens.h"

static void challenge(struct exchange *x, const char *error, const char *sentence)
{
    struct pair *field = arena_alloc(x->arena, sizeof *field);
    if (field == NULL)
        return; /* compose looks at the arena */
    field->name = SPAN("WWW-Authenticate");
    field->value =
        jwt_challenge(x->route->scopes, x->route->scope_count, error, sentence, x->arena);
    x->own.fields = field;
    x->own.field_count = 1;
}

enum step authorizer_refuse(struct exchange *x, enum gateway_response_type type, const char *error,
                            const struct jwt_verdict *verdict)
{
    bool is_on = x->authorizer.settings->mode == GUARD_ON;
    x->authorizer.to = is_on ? DECISION_BLOCK : DECISION_WOULD_BLOCK;
    struct decision decision = {
        .kind = x->authorizer.to,
        .control = "authorizer",
        .stage = stage_at(x->at)->name,
        .name = x->authorizer.settings->name,
        .reason = span_text(verdict->word),
        .status = gateway_response(type)->status,
    };
    decisions_add(&x->decisions, &decision);
    if (!is_on)
        return STEP_NEXT;
    challenge(x, error, verdict->sentence);
    return answer_gateway(x, type, type == GATEWAY_FORBIDDEN ? "forbidden" : "unauthorized");
}

/* One field, for two could be read in two ways by us and by the backend. */
static bool token_find(const struct exchange *x, struct span *token, struct jwt_verdict *verdict)
{
    const struct fields *fields = &x->client->head->fields;
    size_t count = fields_count(fields, SPAN("authorization"));
    *token = jwt_token(fields_get(fields, SPAN("authorization")));
    if (count == 1 && token->len > 0)
        return true;
    *verdict = (struct jwt_verdict){JWT_REFUSED, count > 1 ? "token_twice" : "token_missing",
                                    "there is more than one token"};
    return false;
}

static struct jwt_rules rules_of(const struct exchange *x, size_t i)
{
    const struct authorizer_settings *settings = &x->settings->authorizers[i];
    return (struct jwt_rules){
        .keys = x->snapshot->key_sets[i],
        .algorithms = settings->algorithms,
        .issuer = settings->issuer,
        .audiences = settings->audiences,
        .audience_count = settings->audience_count,
        .token_use = settings->token_use,
        .skew_s = settings->skew_us / 1000000,
    };
}

static void keep(struct tokens *tokens, struct span token, const struct jwt *jwt)
{
    struct buf packed;
    if (jwt_pack(jwt, &packed))
        tokens_set(tokens, token, jwt->good_until_s, buf_span(&packed));
    buf_fini(&packed);
}

/* A token that was found good is good until it expires: the store goes with the keys. */
static struct jwt_verdict verify(struct exchange *x, size_t i, struct span token)
{
    struct jwt *jwt = &x->authorizer.jwt;
    struct tokens *tokens = x->snapshot->tokens[i];
    uint64_t now_s = loop_wall_us(x->around->loop) / 1000000;
    struct span packed;
    if (tokens_find(tokens, token, now_s, x->arena, &packed) && jwt_unpack(packed, x->arena, jwt))
        return (struct jwt_verdict){JWT_HOLDS, "holds", ""};
    struct jwt_rules rules = rules_of(x, i);
    struct jwt_verdict verdict = jwt_verify(token, &rules, now_s, x->arena, jwt);
    if (verdict.outcome == JWT_HOLDS)
        keep(tokens, token, jwt);
    return verdict;
}

enum step stage_authenticate(struct exchange *x)
{
    size_t i = x->route->authorizer - 1;
    struct span token;
    struct jwt_verdict verdict;
    x->authorizer.settings = &x->settings->authorizers[i];
    x->authorizer.to = DECISION_ALLOW;
    if (!token_find(x, &token, &verdict))
        return authorizer_refuse(
            x, GATEWAY_UNAUTHORIZED,
            span_is(span_text(verdict.word), SPAN("token_missing")) ? NULL : "invalid_token",
            &verdict);
    verdict = verify(x, i, token);
    x->authorizer.is_known = verdict.outcome == JWT_HOLDS;
    if (x->authorizer.is_known)
        return STEP_NEXT;
    x->authorizer.jwt = (struct jwt){0}; /* of what it said nothing is true */
    return authorizer_refuse(x, GATEWAY_UNAUTHORIZED, "invalid_token", &verdict);
}

/* Control bytes would be read as something else than a value. */
static bool may_stand_in_a_field(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7f)
            return false;
    return true;
}

static struct span claim_of(const struct jwt *jwt, struct span name)
{
    for (size_t i = 0; i < jwt->claim_count; i++)
        if (span_is(jwt->claims[i].name, name))
            return jwt->claims[i].value;
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
        struct span value = claim_of(&x->authorizer.jwt, settings->headers[h].value);
        if (value.at != NULL && may_stand_in_a_field(value))
            fields_add(fields, x->arena, settings->headers[h].name, value);
    }
}
