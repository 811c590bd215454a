/* SPDX-License-Identifier: Apache-2.0 */
/* A token from any bytes:
 *   - as it is: whoever does not know the secret cannot write one that holds,
 *   - its first line as header and the rest as payload, signed with the secret: then the signature
 *     is never what is wrong, and what holds gives the payload back,
 *   - the same as claims: a token that holds is good for a while yet, and what is packed of it for
 * a store comes back the same. */
#include <openssl/evp.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/guard/jwt.h"

#define SECRET "0123456789abcdef0123456789abcdef"
static const char document[] = "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":"
                               "\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"},"
                               "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"b\",\"x\":"
                               "\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
                               "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";

static void encode(struct buf *to, struct span bytes)
{
    size_t before = to->len;
    must(base64_add(to, bytes));
    while (to->len > before && to->at[to->len - 1] == '=')
        to->len--;
    for (size_t i = before; i < to->len; i++)
        to->at[i] = (char)(to->at[i] == '+' ? '-' : to->at[i] == '/' ? '_' : to->at[i]);
}

static void sign(struct buf *to, struct span header, struct span payload)
{
    unsigned char mac[64];
    size_t len = 0;
    encode(to, header);
    buf_add_byte(to, '.');
    encode(to, payload);
    must(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, SECRET, sizeof SECRET - 1,
                   (const unsigned char *)to->at, to->len, mac, sizeof mac, &len) != NULL);
    buf_add_byte(to, '.');
    encode(to, span_make((const char *)mac, len));
}

static void try_forged(struct span token, const struct key_set *keys, struct arena *arena)
{
    struct jws jws;
    enum jws_refusal refusal = jws_verify(token, keys, JWS_SET(JWS_ALGORITHMS) - 1, arena, &jws);
    must(refusal != JWS_HOLDS && refusal != JWS_FAILED);
    must(jws_refusal_sentence(refusal) != NULL);
}

static void must_come_back(const struct jwt *jwt, struct arena *arena)
{
    struct buf packed;
    struct jwt back;
    if (jwt_pack(jwt, &packed)) {
        must(jwt_unpack(arena_copy(arena, buf_span(&packed)), arena, &back));
        must(back.claim_count == jwt->claim_count && back.scope_count == jwt->scope_count);
        must(span_is(back.principal, jwt->principal) && back.good_until_s == jwt->good_until_s);
        for (size_t i = 0; i < back.claim_count; i++)
            must(span_is(back.claims[i].name, jwt->claims[i].name) &&
                 span_is(back.claims[i].value, jwt->claims[i].value));
        for (size_t i = 0; i < back.scope_count; i++)
            must(span_is(back.scopes[i], jwt->scopes[i]));
    }
    buf_fini(&packed);
}

static void try_claims(struct span token, const struct key_set *keys, struct arena *arena)
{
    static const struct span audience = SPAN_INIT("a");
    const struct jwt_rules rules = {.keys = keys,
                                    .algorithms = JWS_SET(JWS_HS256),
                                    .issuer = SPAN("i"),
                                    .audiences = &audience,
                                    .audience_count = 1};
    struct jwt jwt;
    struct jwt_verdict verdict = jwt_verify(token, &rules, 1000, arena, &jwt);
    must(verdict.word != NULL && verdict.sentence != NULL);
    if (verdict.outcome != JWT_HOLDS)
        return;
    must(jwt.good_until_s >= 1000 && jwt.claim_count >= 3);
    must_come_back(&jwt, arena);
}

static void try_signed(struct span bytes, const struct key_set *keys, struct arena *arena)
{
    struct buf token;
    struct span payload = bytes;
    struct span header = span_cut(&payload, '\n');
    struct jws jws;
    buf_init(&token, 4 * bytes.len + 1024);
    sign(&token, header, payload);
    enum jws_refusal refusal = jws_verify(buf_span(&token), keys, JWS_SET(JWS_HS256), arena, &jws);
    must(refusal != JWS_BAD_SIGNATURE && refusal != JWS_BAD_NOT_BASE64URL);
    must(refusal != JWS_HOLDS || span_is(jws.payload, payload));
    try_claims(buf_span(&token), keys, arena);
    buf_fini(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key_set_problem problem;
    struct span bytes = {(const char *)data, size};
    struct key_set *keys = key_set_read(span_text(document), &problem);
    struct arena *arena = arena_new(NULL, (size_t)1 << 20);
    must(keys != NULL && arena != NULL);
    try_forged(bytes, keys, arena);
    try_signed(bytes, keys, arena);
    arena_free(arena);
    key_set_free(keys);
    return 0;
}
