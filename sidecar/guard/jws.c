/* SPDX-License-Identifier: Apache-2.0 */
/* A token's header, the choice of its key, and the signature. The payload is nobody's business
 * before that holds. */
#include "sidecar/guard/jws.h"

#include <jansson.h>

#include "rules/base/encode.h"

static const struct {
    const char *word, *sentence;
} refusals[] = {
    [JWS_HOLDS] = {"holds", "the token is good"},
    [JWS_FAILED] = {"failed", "the token could not be checked"},
#define REFUSAL(id, word, sentence) [JWS_BAD_##id] = {word, sentence},
#include "sidecar/guard/jws_refusals.tbl"
#undef REFUSAL
};

const char *jws_refusal_word(enum jws_refusal refusal)
{
    return refusals[refusal].word;
}

const char *jws_refusal_sentence(enum jws_refusal refusal)
{
    return refusals[refusal].sentence;
}

/* The compact form, cut; decoded one by one. */
struct parts {
    struct span signed_part; /* header.payload as they came */
    struct span header, payload, signature;
};

static enum jws_refusal decode(struct span *text, struct arena *arena)
{
    size_t len;
    char *room = arena_text(arena, text->len / 4 * 3 + 3);
    if (room == NULL)
        return JWS_FAILED;
    bool is_read = base64url_read(*text, (uint8_t *)room, &len);
    arena_trim(arena, room, is_read ? len : 0);
    *text = span_make(room, len);
    return is_read ? JWS_HOLDS : JWS_BAD_NOT_BASE64URL;
}

static enum jws_refusal cut(struct span token, struct parts *parts)
{
    size_t dots = 0;
    if (token.len > JWS_BYTES)
        return JWS_BAD_TOO_LONG;
    for (size_t i = 0; i < token.len; i++)
        dots += token.at[i] == '.';
    if (dots == 4)
        return JWS_BAD_ENCRYPTED;
    if (dots != 2)
        return JWS_BAD_NOT_COMPACT;
    size_t last = span_find_last_byte(token, '.');
    struct span rest = parts->signed_part = span_first(token, last);
    parts->header = span_cut(&rest, '.');
    parts->payload = rest;
    parts->signature = span_from(token, last + 1);
    return JWS_HOLDS;
}

/* ---- the header ---- */

/* What would let a token say where its key is, or change how it is to be read. */
static enum jws_refusal refuse_members(const json_t *header)
{
    static const struct {
        const char *name;
        enum jws_refusal refusal;
    } members[] = {
        {"enc", JWS_BAD_ENCRYPTED}, {"jku", JWS_BAD_JKU}, {"jwk", JWS_BAD_JWK},
        {"x5u", JWS_BAD_X5U},       {"x5c", JWS_BAD_X5C}, {"b64", JWS_BAD_UNENCODED},
        {"crit", JWS_BAD_CRITICAL},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (json_object_get(header, members[i].name) != NULL)
            return members[i].refusal;
    return JWS_HOLDS;
}

static enum jws_refusal algorithm_read(const json_t *header, unsigned allowed, struct jws *jws)
{
    const json_t *value = json_object_get(header, "alg");
    if (!json_is_string(value))
        return JWS_BAD_NO_ALGORITHM;
    struct span name = span_make(json_string_value(value), json_string_length(value));
    if (span_is_nocase(name, SPAN("none")))
        return JWS_BAD_ALGORITHM_NONE;
    jws->algorithm = jws_algorithm_find(name);
    bool is_allowed = jws->algorithm != JWS_ALGORITHMS && (allowed & JWS_SET(jws->algorithm)) != 0;
    return is_allowed ? JWS_HOLDS : JWS_BAD_ALGORITHM;
}

/* Only ever compared with the ids of keys that are at hand: it names no file and no record. */
static enum jws_refusal id_read(const json_t *header, struct arena *arena, struct jws *jws)
{
    const json_t *value = json_object_get(header, "kid");
    size_t len = json_string_length(value);
    if (value == NULL)
        return JWS_HOLDS;
    if (!json_is_string(value) || len == 0 || len > KEY_ID_BYTES)
        return JWS_BAD_KID;
    jws->key_id = arena_copy(arena, span_make(json_string_value(value), len));
    return arena_is_full(arena) ? JWS_FAILED : JWS_HOLDS;
}

static enum jws_refusal header_read(struct span text, unsigned allowed, struct arena *arena,
                                    struct jws *jws)
{
    json_t *header = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
    enum jws_refusal refusal = json_is_object(header) ? refuse_members(header) : JWS_BAD_BAD_HEADER;
    if (refusal == JWS_HOLDS)
        refusal = algorithm_read(header, allowed, jws);
    if (refusal == JWS_HOLDS)
        refusal = id_read(header, arena, jws);
    json_decref(header);
    return refusal;
}

/* ---- the key ---- */

static enum jws_refusal check_by_id(const struct parts *parts, const struct key_set *keys,
                                    struct jws *jws)
{
    enum jws_refusal refusal = JWS_BAD_KEY_UNKNOWN;
    for (size_t i = 0; i < key_set_count(keys) && refusal != JWS_HOLDS; i++) {
        const struct jwk *key = key_set_at(keys, i);
        if (jwk_id(key).at == NULL || !span_is(jwk_id(key), jws->key_id))
            continue;
        jws->key = key;
        enum jws_refusal here =
            jws_signature_check(key, jws->algorithm, parts->signed_part, parts->signature);
        if (refusal == JWS_BAD_KEY_UNKNOWN || here != JWS_BAD_KEY_MISFIT)
            refusal = here; /* ids may be shared by keys of several types: RFC 7517 4.5 */
    }
    return refusal;
}

static enum jws_refusal check_by_type(const struct parts *parts, const struct key_set *keys,
                                      struct jws *jws)
{
    const struct jwk *only = NULL;
    for (size_t i = 0; i < key_set_count(keys); i++) {
        const struct jwk *key = key_set_at(keys, i);
        if (!jwk_fits(key, jws->algorithm))
            continue;
        if (only != NULL)
            return JWS_BAD_KID_MISSING;
        only = key;
    }
    if (only == NULL)
        return JWS_BAD_KEY_MISFIT;
    jws->key = only;
    return jws_signature_check(only, jws->algorithm, parts->signed_part, parts->signature);
}

enum jws_refusal jws_verify(struct span token, const struct key_set *keys, unsigned algorithms,
                            struct arena *arena, struct jws *jws)
{
    struct parts parts = {0};
    *jws = (struct jws){.algorithm = JWS_ALGORITHMS};
    enum jws_refusal refusal = cut(token, &parts);
    if (refusal == JWS_HOLDS)
        refusal = decode(&parts.header, arena);
    if (refusal == JWS_HOLDS)
        refusal = header_read(parts.header, algorithms, arena, jws);
    if (refusal == JWS_HOLDS)
        refusal = decode(&parts.payload, arena);
    if (refusal == JWS_HOLDS)
        refusal = decode(&parts.signature, arena);
    if (refusal != JWS_HOLDS)
        return refusal;
    jws->payload = parts.payload;
    return jws->key_id.at != NULL ? check_by_id(&parts, keys, jws)
                                  : check_by_type(&parts, keys, jws);
}
