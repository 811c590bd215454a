/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: the secret of version 4, and the key pair that version 4a derives from it. */
#include "sidecar/guard/sigv4_key.h"

#include "rules/base/must.h"
#include "sidecar/guard/sigv4_inside.h"

#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>

enum { SECRET_MOST = 512, ID_MOST = 128, TRIES = 254, POINT_BYTES = 65 };

void sigv4_sha256(struct span text, uint8_t to[SHA256_BYTES])
{
    must(EVP_Digest(text.at != NULL ? text.at : "", text.len, to, NULL, EVP_sha256(), NULL) == 1);
}

void sigv4_hmac(struct span key, struct span text, uint8_t to[SHA256_BYTES])
{
    must(key.len <= SECRET_MOST + 8);
    must(HMAC(EVP_sha256(), key.at, (int)key.len, (const uint8_t *)text.at, text.len, to, NULL) !=
         NULL);
}

/* 1 | label | 0 | key id | counter | 256: NIST SP 800-108 in counter mode, one block. */
static size_t derivation_input(struct span id, uint8_t counter, char *to)
{
    static const char before[] = "\0\0\0\1AWS4-ECDSA-P256-SHA256"; /* and the zero behind it */
    static const char behind[] = {0, 0, 1, 0};
    memcpy(to, before, sizeof before);
    memcpy(to + sizeof before, id.at, id.len);
    size_t len = sizeof before + id.len;
    to[len++] = (char)counter;
    memcpy(to + len, behind, sizeof behind);
    return len + sizeof behind;
}

/* The private number: the first candidate of the derivation up to the order minus two, plus one. */
static BIGNUM *private_number(const struct sigv4_key *key, const EC_GROUP *group)
{
    char secret[SECRET_MOST + 8] = "AWS4A", input[ID_MOST + 64];
    memcpy(secret + 5, key->secret, key->secret_len);
    BIGNUM *most = BN_dup(EC_GROUP_get0_order(group)), *number = NULL;
    must(most != NULL && BN_sub_word(most, 2) == 1);
    for (uint8_t counter = 1; counter <= TRIES && number == NULL; counter++) {
        uint8_t bytes[SHA256_BYTES];
        size_t len = derivation_input(span_make(key->id, key->id_len), counter, input);
        sigv4_hmac(span_make(secret, key->secret_len + 5), span_make(input, len), bytes);
        number = BN_bin2bn(bytes, sizeof bytes, NULL);
        must(number != NULL);
        if (BN_cmp(number, most) > 0) {
            BN_clear_free(number);
            number = NULL;
        }
        OPENSSL_cleanse(bytes, sizeof bytes);
    }
    OPENSSL_cleanse(secret, sizeof secret);
    BN_free(most);
    must(number == NULL || BN_add_word(number, 1) == 1);
    return number;
}

static EVP_PKEY *public_key(const uint8_t *point, size_t len)
{
    char curve[] = "prime256v1";
    uint8_t copy[POINT_BYTES];
    memcpy(copy, point, len);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, len),
        OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    must(context != NULL);
    if (EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *derive(const struct sigv4_key *key)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    must(group != NULL);
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *number = private_number(key, group);
    uint8_t bytes[POINT_BYTES];
    EVP_PKEY *made = NULL;
    if (number != NULL && point != NULL &&
        EC_POINT_mul(group, point, number, NULL, NULL, NULL) == 1 &&
        EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, bytes, sizeof bytes,
                           NULL) == sizeof bytes)
        made = public_key(bytes, sizeof bytes);
    BN_clear_free(number);
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return made;
}

static char *copied(struct span text)
{
    char *copy = must_alloc(text.len + 1);
    memcpy(copy, text.len > 0 ? text.at : "", text.len);
    return copy;
}

struct sigv4_key *sigv4_key_new(struct span id, struct span secret, struct span token)
{
    if (id.len == 0 || id.len > ID_MOST || secret.len == 0 || secret.len > SECRET_MOST)
        return NULL;
    struct sigv4_key *key = must_alloc(sizeof *key);
    *key = (struct sigv4_key){.id = copied(id),
                              .id_len = id.len,
                              .secret = copied(secret),
                              .secret_len = secret.len,
                              .token = copied(token),
                              .token_len = token.len,
                              .latest = must_alloc(sizeof(struct sigv4_latest))};
    must(pthread_mutex_init(&key->latest->lock, NULL) == 0);
    key->elliptic = derive(key);
    if (key->elliptic != NULL)
        return key;
    sigv4_key_free(key);
    return NULL;
}

void sigv4_key_free(struct sigv4_key *key)
{
    if (key == NULL)
        return;
    OPENSSL_cleanse(key->secret, key->secret_len);
    OPENSSL_cleanse(key->token, key->token_len);
    OPENSSL_cleanse(key->latest->key, sizeof key->latest->key);
    pthread_mutex_destroy(&key->latest->lock);
    free(key->latest);
    EVP_PKEY_free(key->elliptic);
    free(key->id);
    free(key->secret);
    free(key->token);
    free(key);
}

struct span sigv4_key_id(const struct sigv4_key *key)
{
    return span_make(key->id, key->id_len);
}

static void signing_key_derive(const struct sigv4_claim *claim, const struct sigv4_key *key,
                               uint8_t to[SHA256_BYTES])
{
    char secret[SECRET_MOST + 8] = "AWS4";
    memcpy(secret + 4, key->secret, key->secret_len);
    const struct span steps[] = {claim->day, claim->region, claim->service, SPAN("aws4_request")};
    struct span with = span_make(secret, key->secret_len + 4);
    uint8_t last[SHA256_BYTES];
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        sigv4_hmac(with, steps[i], to);
        memcpy(last, to, sizeof last);
        with = span_make((const char *)last, sizeof last);
    }
    OPENSSL_cleanse(secret, sizeof secret);
    OPENSSL_cleanse(last, sizeof last);
}

void sigv4_signing_key(const struct sigv4_claim *claim, const struct sigv4_key *key,
                       uint8_t to[SHA256_BYTES])
{
    struct sigv4_latest *latest = key->latest;
    must(pthread_mutex_lock(&latest->lock) == 0);
    if (!span_is(claim->scope, span_make(latest->scope, latest->scope_len)))
        latest->scope_len = 0;
    if (latest->scope_len == 0) {
        signing_key_derive(claim, key, latest->key);
        if (claim->scope.len <= sizeof latest->scope) {
            latest->scope_len = claim->scope.len;
            memcpy(latest->scope, claim->scope.at, claim->scope.len);
        }
    }
    memcpy(to, latest->key, SHA256_BYTES);
    must(pthread_mutex_unlock(&latest->lock) == 0);
}
