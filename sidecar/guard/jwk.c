/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to OpenSSL's keys. Each number is read in its one spelling, and a point has to lie on
 * its curve. */
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/guard/jwk_inside.h"

struct key_set {
    struct jwk *keys;
    size_t count;
};

enum { NUMBER_BYTES = 2048, POINT_BYTES = 66, HMAC_BYTES_LEAST = 32 };

static const struct curve {
    const char *name; /* in a JWK and in OpenSSL's words */
    enum jwk_curve curve;
    enum jwk_type type;
    size_t bytes; /* of a coordinate */
} curves[] = {
    {"P-256", JWK_P256, JWK_EC, 32},   {"P-384", JWK_P384, JWK_EC, 48},
    {"P-521", JWK_P521, JWK_EC, 66},   {"Ed25519", JWK_ED25519, JWK_OKP, 32},
    {"Ed448", JWK_ED448, JWK_OKP, 57},
};

/* What becomes of one key of a document. */
enum fate { TAKEN, LEFT_OUT, BROKEN };

struct number {
    uint8_t at[NUMBER_BYTES + 2];
    size_t len;
};

static struct span text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? span_make(json_string_value(value), json_string_length(value))
                                 : span_make(NULL, 0);
}

static bool number_read(const json_t *jwk, const char *name, struct number *number)
{
    struct span text = text_of(jwk, name);
    return text.at != NULL && text.len > 0 && text.len / 4 * 3 <= NUMBER_BYTES &&
           base64url_read(text, number->at, &number->len);
}

/* ---- RSA ---- */

static EVP_PKEY *key_make(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (parameters == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return key;
}

static EVP_PKEY *rsa_make(const struct number *n, const struct number *e)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(n->at, (int)n->len, NULL);
    BIGNUM *exponent = BN_bin2bn(e->at, (int)e->len, NULL);
    EVP_PKEY *key = NULL;
    if (build != NULL && modulus != NULL && exponent != NULL &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = key_make("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

/* An exponent of 1 would make every signature its own message. */
static bool exponent_is_sound(const struct number *e)
{
    bool is_one = e->at[e->len - 1] == 1;
    for (size_t i = 0; i + 1 < e->len; i++)
        is_one = is_one && e->at[i] == 0;
    return e->len <= 8 && e->at[e->len - 1] % 2 == 1 && !is_one;
}

static const char *rsa_read(const json_t *json, struct jwk *key)
{
    struct number n, e;
    if (!number_read(json, "n", &n) || !number_read(json, "e", &e))
        return "n or e is missing or not base64url";
    if (!exponent_is_sound(&e))
        return "an RSA exponent like this one makes no key";
    key->public_key = rsa_make(&n, &e);
    if (key->public_key == NULL)
        return "this is no RSA key";
    int bits = EVP_PKEY_get_bits(key->public_key);
    if (bits < KEY_RSA_BITS_LEAST)
        return "an RSA key of fewer than 2048 bits is too weak";
    return bits > KEY_RSA_BITS_MOST ? "an RSA key of more than 8192 bits costs too much" : NULL;
}

/* ---- EC, OKP ---- */

static EVP_PKEY *ec_make(const struct curve *curve, const uint8_t *point, size_t len)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, len) == 1)
        key = key_make("EC", build);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static bool is_on_curve(EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool is = context != NULL && EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    return is;
}

static const char *ec_read(const json_t *json, const struct curve *curve, struct jwk *key)
{
    struct number x, y;
    uint8_t point[1 + 2 * POINT_BYTES] = {4}; /* not compressed */
    if (!number_read(json, "x", &x) || !number_read(json, "y", &y) || x.len != curve->bytes ||
        y.len != curve->bytes)
        return "x or y is missing, not base64url or of a wrong length";
    memcpy(point + 1, x.at, x.len);
    memcpy(point + 1 + x.len, y.at, y.len);
    key->public_key = ec_make(curve, point, 1 + x.len + y.len);
    if (key->public_key == NULL || !is_on_curve(key->public_key))
        return "x and y are no point of the curve";
    return NULL;
}

static const char *okp_read(const json_t *json, const struct curve *curve, struct jwk *key)
{
    struct number x;
    if (!number_read(json, "x", &x) || x.len != curve->bytes)
        return "x is missing, not base64url or of a wrong length";
    key->public_key = EVP_PKEY_new_raw_public_key_ex(NULL, curve->name, NULL, x.at, x.len);
    return key->public_key == NULL ? "x is no point of the curve" : NULL;
}

/* ---- oct ---- */

static const char *oct_read(const json_t *json, struct jwk *key)
{
    struct number k;
    const char *why = NULL;
    if (!number_read(json, "k", &k)) {
        why = "k is missing or not base64url";
    } else if (k.len < HMAC_BYTES_LEAST) {
        why = "a secret of fewer than 32 bytes is too weak";
    } else {
        key->secret = must_alloc(k.len);
        key->secret_len = k.len;
        memcpy(key->secret, k.at, k.len);
    }
    OPENSSL_cleanse(&k, sizeof k);
    return why;
}

/* ---- a key ---- */

/* RFC 7517 4.2, 4.3. */
static bool is_for_signatures(const json_t *json)
{
    const json_t *use = json_object_get(json, "use"), *ops = json_object_get(json, "key_ops");
    if (use != NULL && !span_is(text_of(json, "use"), SPAN("sig")))
        return false;
    for (size_t i = 0; i < json_array_size(ops); i++) {
        const char *op = json_string_value(json_array_get(ops, i));
        if (op != NULL && span_is(span_text(op), SPAN("verify")))
            return true;
    }
    return ops == NULL;
}

static const struct curve *curve_of(const json_t *json, enum jwk_type type)
{
    struct span name = text_of(json, "crv");
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (curves[i].type == type && span_is(name, span_text(curves[i].name)))
            return &curves[i];
    return NULL;
}

static const char *id_read(const json_t *json, struct jwk *key)
{
    const json_t *id = json_object_get(json, "kid");
    if (id == NULL)
        return NULL;
    struct span text = text_of(json, "kid");
    if (text.at == NULL || text.len == 0 || text.len > KEY_ID_BYTES)
        return "kid is a text of at most 256 bytes";
    key->id = span_make(must_strdup(text.at), text.len);
    return NULL;
}

static enum fate on_curve_read(const json_t *json, struct jwk *key, const char **why)
{
    const struct curve *curve = curve_of(json, key->type);
    if (curve == NULL)
        return LEFT_OUT;
    key->curve = curve->curve;
    *why = key->type == JWK_EC ? ec_read(json, curve, key) : okp_read(json, curve, key);
    return *why == NULL ? TAKEN : BROKEN;
}

static enum fate type_read(const json_t *json, struct jwk *key, const char **why)
{
    static const char *const names[] = {"RSA", "EC", "OKP", "oct"};
    unsigned type = 0;
    while (type < 4 && !span_is(text_of(json, "kty"), span_text(names[type])))
        type++;
    if (type == 4)
        return LEFT_OUT;
    key->type = (enum jwk_type)type;
    if (key->type == JWK_EC || key->type == JWK_OKP)
        return on_curve_read(json, key, why);
    *why = key->type == JWK_RSA ? rsa_read(json, key) : oct_read(json, key);
    return *why == NULL ? TAKEN : BROKEN;
}

/* Sorted, so that the order of members does not matter; SHA-256 cut short. */
static struct jwk_mark mark_of(const json_t *json)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct jwk_mark mark;
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    must(text != NULL);
    size_t len = strlen(text);
    must(EVP_Digest(text, len, digest, NULL, EVP_sha256(), NULL) == 1);
    memcpy(mark.at, digest, sizeof mark.at);
    OPENSSL_cleanse(text, len);
    free(text);
    return mark;
}

static enum fate key_read(const json_t *json, struct jwk *key, const char **why)
{
    key->algorithm = JWS_ALGORITHMS;
    if (!json_is_object(json)) {
        *why = "a key is an object";
        return BROKEN;
    }
    if (!is_for_signatures(json))
        return LEFT_OUT;
    if (json_object_get(json, "alg") != NULL) {
        key->algorithm = jws_algorithm_find(text_of(json, "alg"));
        if (key->algorithm == JWS_ALGORITHMS)
            return LEFT_OUT;
    }
    *why = id_read(json, key);
    if (*why != NULL)
        return BROKEN;
    enum fate fate = type_read(json, key, why);
    if (fate == TAKEN && key->algorithm != JWS_ALGORITHMS && !jwk_fits(key, key->algorithm)) {
        *why = "alg is not for keys of this type";
        return BROKEN;
    }
    key->mark = mark_of(json);
    return fate;
}

static void key_fini(struct jwk *key)
{
    EVP_PKEY_free(key->public_key);
    if (key->secret != NULL)
        OPENSSL_cleanse(key->secret, key->secret_len);
    free(key->secret);
    union { /* it is ours */
        const char *in;
        char *out;
    } id = {key->id.at};
    free(id.out);
    *key = (struct jwk){0};
}

/* ---- a set ---- */

static bool keys_read(struct key_set *set, const json_t *list, struct key_set_problem *problem)
{
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > KEY_SET_KEYS) {
        problem->why = "keys is a list of at most 128 keys";
        return false;
    }
    set->keys = must_alloc((count + 1) * sizeof *set->keys);
    for (size_t i = 0; i < count; i++) {
        enum fate fate = key_read(json_array_get(list, i), &set->keys[set->count], &problem->why);
        problem->key = i;
        if (fate == BROKEN) {
            key_fini(&set->keys[set->count]);
            return false;
        }
        if (fate == TAKEN)
            set->count++;
        else
            key_fini(&set->keys[set->count]);
    }
    problem->key = SPAN_NONE;
    problem->why = "there is no key in it that could check a signature";
    return set->count > 0;
}

struct key_set *key_set_read(struct span document, struct key_set_problem *problem)
{
    *problem = (struct key_set_problem){.why = "a key set is not that long", .key = SPAN_NONE};
    if (document.len > KEY_SET_BYTES)
        return NULL;
    json_error_t error;
    json_t *json = json_loadb(document.at != NULL ? document.at : "", document.len,
                              JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        problem->why = "this is no JSON, or a member stands in it twice";
        problem->line = error.line > 0 ? (unsigned)error.line : 1;
        problem->column = error.column > 0 ? (unsigned)error.column : 1;
        return NULL;
    }
    struct key_set *set = must_alloc(sizeof *set);
    json_t *list = json_object_get(json, "keys");
    json_t *single = list == NULL ? json_pack("[O]", json) : NULL;
    bool is_read = keys_read(set, list != NULL ? list : single, problem);
    json_decref(single);
    json_decref(json);
    ERR_clear_error();
    if (is_read)
        return set;
    key_set_free(set);
    return NULL;
}

void key_set_free(struct key_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        key_fini(&set->keys[i]);
    free(set->keys);
    free(set);
}

bool key_set_has_secret(const struct key_set *set)
{
    for (size_t i = 0; i < key_set_count(set); i++)
        if (key_set_at(set, i)->type == JWK_OCT)
            return true;
    return false;
}

size_t key_set_count(const struct key_set *set)
{
    return set != NULL ? set->count : 0;
}

const struct jwk *key_set_at(const struct key_set *set, size_t i)
{
    return &set->keys[i];
}

struct span jwk_id(const struct jwk *key)
{
    return key->id;
}

struct jwk_mark jwk_mark(const struct jwk *key)
{
    return key->mark;
}

bool key_set_has(const struct key_set *set, struct jwk_mark mark)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->keys[i].mark.at[0] == mark.at[0] && set->keys[i].mark.at[1] == mark.at[1])
            return true;
    return false;
}

bool key_set_has_secrets(const struct key_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->keys[i].type == JWK_OCT)
            return true;
    return false;
}
