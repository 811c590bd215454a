/* SPDX-License-Identifier: Apache-2.0 */
/* The claims, in the order in which API Gateway looks at them. */
#include "sidecar/guard/jwt.h"

#include <jansson.h>
#include <stdlib.h>

#include "rules/base/buf.h"

enum refusal {
    HOLDS,
    FAILED,
#define REFUSAL(id, word, sentence) BAD_##id,
#include "sidecar/guard/jwt_refusals.tbl"
#undef REFUSAL
};

static struct jwt_verdict verdict_of(enum refusal refusal)
{
    static const struct jwt_verdict verdicts[] = {
        [HOLDS] = {JWT_HOLDS, "holds", "the token is good"},
        [FAILED] = {JWT_FAILED, "failed", "the token could not be checked"},
#define REFUSAL(id, word, sentence) [BAD_##id] = {JWT_REFUSED, word, sentence},
#include "sidecar/guard/jwt_refusals.tbl"
#undef REFUSAL
    };
    return verdicts[refusal];
}

struct span jwt_token(struct span value)
{
    struct span text = span_trim_ows(value);
    if (span_starts_nocase(text, SPAN("Bearer ")))
        return span_trim_ows(span_from(text, 7));
    return span_is_nocase(text, SPAN("Bearer")) ? span_make(NULL, 0) : text;
}

static struct span text_of(const json_t *value)
{
    return json_is_string(value) ? span_make(json_string_value(value), json_string_length(value))
                                 : span_make(NULL, 0);
}

static struct span claim_text(const json_t *claims, const char *name)
{
    return text_of(json_object_get(claims, name));
}

/* ---- who and for whom ---- */

static bool is_audience(const struct jwt_rules *rules, const json_t *value)
{
    struct span text = text_of(value);
    for (size_t i = 0; i < rules->audience_count && text.at != NULL; i++)
        if (span_is(text, rules->audiences[i]))
            return true;
    return false;
}

static enum refusal check_audience(const json_t *claims, const struct jwt_rules *rules)
{
    const json_t *audience = json_object_get(claims, "aud");
    if (audience == NULL)
        audience = json_object_get(claims, "client_id");
    bool is_one = rules->audience_count == 0 || is_audience(rules, audience);
    for (size_t i = 0; i < json_array_size(audience) && !is_one; i++)
        is_one = is_audience(rules, json_array_get(audience, i));
    return is_one ? HOLDS : BAD_AUDIENCE;
}

static enum refusal check_names(const json_t *claims, const struct jwt_rules *rules)
{
    struct span issuer = claim_text(claims, "iss");
    if (issuer.at == NULL || !span_is(issuer, rules->issuer))
        return BAD_ISSUER;
    enum refusal refusal = check_audience(claims, rules);
    if (refusal != HOLDS || rules->token_use.at == NULL)
        return refusal;
    struct span use = claim_text(claims, "token_use");
    return use.at != NULL && span_is(use, rules->token_use) ? HOLDS : BAD_USE;
}

/* ---- when ---- */

/* Seconds since 1970, fractions and all; false: it is there and no number. */
static bool time_read(const json_t *claims, const char *name, bool *given, double *seconds)
{
    const json_t *value = json_object_get(claims, name);
    *given = value != NULL;
    *seconds = json_number_value(value);
    return value == NULL || json_is_number(value);
}

static enum refusal check_times(const json_t *claims, const struct jwt_rules *rules, uint64_t now_s,
                                bool may_be_endless, struct jwt *jwt)
{
    static const double most = 1e15; /* so that sums and casts are exact */
    double expires, begins, issued, now = (double)now_s, skew = (double)rules->skew_s;
    bool has_expires, has_begins, has_issued;
    if (!time_read(claims, "exp", &has_expires, &expires) ||
        !time_read(claims, "nbf", &has_begins, &begins) ||
        !time_read(claims, "iat", &has_issued, &issued))
        return BAD_TIMES;
    if (!has_expires && !may_be_endless)
        return BAD_NO_EXPIRY;
    if (!has_expires)
        expires = most;
    if (expires + skew <= now)
        return BAD_EXPIRED;
    if (has_begins && begins > now + skew)
        return BAD_NOT_YET;
    if (has_issued && issued > now + skew)
        return BAD_ISSUED_LATER;
    jwt->good_until_s = (uint64_t)((expires < most ? expires : most) + skew);
    return HOLDS;
}

/* ---- what it says ---- */

static enum refusal scopes_of_text(struct span text, struct arena *arena, struct jwt *jwt)
{
    struct span *scopes = arena_alloc(arena, (text.len / 2 + 1) * sizeof *scopes);
    struct span rest = arena_copy(arena, text);
    if (scopes == NULL || arena_is_full(arena))
        return FAILED;
    while (rest.at != NULL && rest.len > 0) {
        struct span one = span_cut(&rest, ' ');
        if (one.len > 0)
            scopes[jwt->scope_count++] = one;
    }
    jwt->scopes = scopes;
    return HOLDS;
}

static enum refusal scopes_of_list(const json_t *list, struct arena *arena, struct jwt *jwt)
{
    size_t count = json_array_size(list);
    struct span *scopes = arena_alloc(arena, (count + 1) * sizeof *scopes);
    for (size_t i = 0; i < count && scopes != NULL; i++) {
        struct span one = text_of(json_array_get(list, i));
        if (one.at == NULL)
            return BAD_SCOPES;
        scopes[jwt->scope_count++] = arena_copy(arena, one);
    }
    jwt->scopes = scopes;
    return arena_is_full(arena) ? FAILED : HOLDS;
}

static enum refusal scopes_read(const json_t *claims, struct arena *arena, struct jwt *jwt)
{
    const json_t *value = json_object_get(claims, "scope");
    if (value == NULL)
        value = json_object_get(claims, "scp");
    if (value == NULL)
        return HOLDS;
    if (json_is_string(value))
        return scopes_of_text(text_of(value), arena, jwt);
    return json_is_array(value) ? scopes_of_list(value, arena, jwt) : BAD_SCOPES;
}

/* A text as it is, anything else as JSON. False: there is no memory for it. */
static bool as_text(const json_t *value, struct arena *arena, struct span *text)
{
    if (json_is_string(value)) {
        *text = arena_copy(arena, text_of(value));
        return true;
    }
    char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    if (json == NULL)
        return false;
    *text = arena_copy(arena, span_text(json));
    free(json);
    return true;
}

static enum refusal claims_read(json_t *claims, struct arena *arena, struct jwt *jwt)
{
    struct pair *pairs = arena_alloc(arena, (json_object_size(claims) + 1) * sizeof *pairs);
    const char *name;
    json_t *value;
    if (pairs == NULL)
        return FAILED;
    json_object_foreach(claims, name, value)
    {
        struct span text;
        if (!as_text(value, arena, &text))
            return FAILED;
        pairs[jwt->claim_count++] = (struct pair){arena_copy(arena, span_text(name)), text};
    }
    jwt->claims = pairs;
    struct span subject = claim_text(claims, "sub");
    jwt->principal = arena_copy(arena, subject.len > 0 ? subject : claim_text(claims, "client_id"));
    enum refusal refusal = scopes_read(claims, arena, jwt);
    return arena_is_full(arena) ? FAILED : refusal;
}

/* ---- the whole ---- */

static enum refusal check_claims(struct span payload, const struct jwt_rules *rules, uint64_t now_s,
                                 struct arena *arena, struct jwt *jwt)
{
    json_t *claims = json_loadb(payload.at, payload.len, JSON_REJECT_DUPLICATES, NULL);
    enum refusal refusal = json_is_object(claims) ? check_names(claims, rules) : BAD_CLAIMS;
    if (refusal == HOLDS)
        refusal = check_times(claims, rules, now_s, false, jwt);
    if (refusal == HOLDS)
        refusal = claims_read(claims, arena, jwt);
    json_decref(claims);
    return refusal;
}

/* A token that names no key may be of one that is not known yet, whatever is wrong with those that
 * are. */
static bool is_about_keys(enum jws_refusal refusal, const struct jws *jws)
{
    bool is_nameless = jws->algorithm != JWS_ALGORITHMS && jws->key_id.at == NULL;
    return refusal == JWS_BAD_KEY_UNKNOWN ||
           (is_nameless && (refusal == JWS_BAD_SIGNATURE || refusal == JWS_BAD_KEY_MISFIT ||
                            refusal == JWS_BAD_KID_MISSING));
}

struct jwt_verdict jwt_verify(struct span token, const struct jwt_rules *rules, uint64_t now_s,
                              struct arena *arena, struct jwt *jwt)
{
    struct jws jws;
    *jwt = (struct jwt){0};
    enum jws_refusal refusal = jws_verify(token, rules->keys, rules->algorithms, arena, &jws);
    if (refusal == JWS_FAILED)
        return verdict_of(FAILED);
    if (refusal != JWS_HOLDS)
        return (struct jwt_verdict){is_about_keys(refusal, &jws) ? JWT_KEY_UNKNOWN : JWT_REFUSED,
                                    jws_refusal_word(refusal), jws_refusal_sentence(refusal)};
    jwt->key = jwk_mark(jws.key);
    return verdict_of(check_claims(jws.payload, rules, now_s, arena, jwt));
}

static enum refusal check_answer(json_t *answer, const struct jwt_rules *rules, uint64_t now_s,
                                 struct arena *arena, struct jwt *jwt)
{
    enum refusal refusal = HOLDS;
    if (!json_is_true(json_object_get(answer, "active")))
        return BAD_INACTIVE;
    if (rules->issuer.at != NULL && !span_is(claim_text(answer, "iss"), rules->issuer))
        return BAD_ISSUER;
    if (rules->audience_count > 0)
        refusal = check_audience(answer, rules);
    if (refusal == HOLDS)
        refusal = check_times(answer, rules, now_s, true, jwt);
    return refusal == HOLDS ? claims_read(answer, arena, jwt) : refusal;
}

struct jwt_verdict jwt_introspected(struct span answer, const struct jwt_rules *rules,
                                    uint64_t now_s, struct arena *arena, struct jwt *jwt)
{
    *jwt = (struct jwt){0};
    json_t *json =
        json_loadb(answer.at != NULL ? answer.at : "", answer.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *active = json_object_get(json, "active");
    if (!json_is_boolean(active)) {
        json_decref(json);
        return (struct jwt_verdict){JWT_FAILED, "answer_malformed", "nobody can say"};
    }
    struct jwt_verdict verdict = verdict_of(check_answer(json, rules, now_s, arena, jwt));
    json_decref(json);
    return verdict;
}

bool jwt_has_scope(const struct jwt *jwt, const struct span *scopes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < jwt->scope_count; j++)
            if (span_is(scopes[i], jwt->scopes[j]))
                return true;
    return count == 0;
}

struct jwt_verdict jwt_scope_missing(void)
{
    return verdict_of(BAD_SCOPE);
}

struct span jwt_challenge(const struct span *scopes, size_t count, const char *error,
                          const char *sentence, struct arena *arena)
{
    struct buf text;
    const char *gap = " scope=\"";
    buf_init(&text, 8192);
    buf_add(&text, SPAN("Bearer"));
    for (size_t i = 0; i < count; i++, gap = " ")
        buf_format(&text, "%s" SPAN_FORMAT, gap, span_arg(scopes[i]));
    if (count > 0)
        buf_add_byte(&text, '"');
    if (error != NULL)
        buf_format(&text, " error=\"%s\" error_description=\"%s\"", error, sentence);
    struct span kept = arena_copy(arena, buf_span(&text));
    buf_fini(&text);
    return kept;
}
