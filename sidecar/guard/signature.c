/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of tokens, checked by OpenSSL. Nothing of the token chooses how: the key's type and
 * curve have to be those of the algorithm's row. */
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "rules/base/must.h"
#include "sidecar/guard/jwk_inside.h"

enum kind { PKCS1, PSS, ECDSA, HMAC_SHA, EDDSA };
#define HMAC HMAC_SHA

static const struct algorithm {
    const char *name;
    enum jwk_type type;
    enum jwk_curve curve; /* JWK_NONE: the type says enough */
    enum kind kind;
    const char *hash;
    size_t bytes;
} algorithms[JWS_ALGORITHMS] = {
#define ALGORITHM(name, type, curve, kind, hash, bytes) \
    {#name, JWK_##type, JWK_##curve, kind, hash, bytes},
#include "sidecar/guard/jws_algorithms.tbl"
#undef ALGORITHM
};

enum jws_algorithm jws_algorithm_find(struct span name)
{
    unsigned i = 0;
    while (i < JWS_ALGORITHMS && !span_is(name, span_text(algorithms[i].name)))
        i++;
    return (enum jws_algorithm)i;
}

const char *jws_algorithm_name(enum jws_algorithm algorithm)
{
    must(algorithm < JWS_ALGORITHMS);
    return algorithms[algorithm].name;
}

bool jwk_fits(const struct jwk *key, enum jws_algorithm algorithm)
{
    const struct algorithm *row = &algorithms[algorithm];
    return key->type == row->type && (row->curve == JWK_NONE || key->curve == row->curve) &&
           (key->algorithm == JWS_ALGORITHMS || key->algorithm == algorithm);
}

/* ---- HMAC ---- */

static enum jws_refusal check_hmac(const struct jwk *key, const struct algorithm *row,
                                   struct span text, struct span signature)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t len = 0;
    if (key->secret_len < row->bytes) /* RFC 7518 3.2 */
        return JWS_BAD_KEY_WEAK;
    if (EVP_Q_mac(NULL, "HMAC", NULL, row->hash, NULL, key->secret, key->secret_len,
                  (const unsigned char *)text.at, text.len, mac, sizeof mac, &len) == NULL)
        return JWS_FAILED;
    bool same = len == signature.len && CRYPTO_memcmp(mac, signature.at, len) == 0;
    OPENSSL_cleanse(mac, sizeof mac);
    return same ? JWS_HOLDS : JWS_BAD_SIGNATURE;
}

/* ---- public keys ---- */

static bool is_zero(struct span number)
{
    for (size_t i = 0; i < number.len; i++)
        if (number.at[i] != 0)
            return false;
    return true;
}

/* OpenSSL's spelling of r and s: DER. Freed with OPENSSL_free; NULL: no memory. */
static unsigned char *der_of(struct span signature, int *len)
{
    int half = (int)(signature.len / 2);
    const unsigned char *at = (const unsigned char *)signature.at;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(at, half, NULL), *s = BN_bin2bn(at + half, half, NULL);
    unsigned char *der = NULL;
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
    } else {
        *len = i2d_ECDSA_SIG(pair, &der);
        if (*len < 0)
            der = NULL;
    }
    ECDSA_SIG_free(pair);
    return der;
}

static bool begin(EVP_MD_CTX *context, const struct jwk *key, const struct algorithm *row)
{
    EVP_PKEY_CTX *options = NULL; /* the context's own */
    if (EVP_DigestVerifyInit_ex(context, &options, row->hash, NULL, NULL, key->public_key, NULL) !=
        1)
        return false;
    if (row->kind != PSS)
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static enum jws_refusal check_public(const struct jwk *key, const struct algorithm *row,
                                     struct span text, const unsigned char *signature, size_t len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    enum jws_refusal refusal = JWS_FAILED;
    if (context != NULL && begin(context, key, row))
        refusal =
            EVP_DigestVerify(context, signature, len, (const unsigned char *)text.at, text.len) == 1
                ? JWS_HOLDS
                : JWS_BAD_SIGNATURE;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return refusal;
}

static enum jws_refusal check_ecdsa(const struct jwk *key, const struct algorithm *row,
                                    struct span text, struct span signature)
{
    size_t half = signature.len / 2;
    if (is_zero(span_first(signature, half)) || is_zero(span_from(signature, half)))
        return JWS_BAD_SIGNATURE_ZERO;
    int len = 0;
    unsigned char *der = der_of(signature, &len);
    if (der == NULL)
        return JWS_FAILED;
    enum jws_refusal refusal = check_public(key, row, text, der, (size_t)len);
    OPENSSL_free(der);
    return refusal;
}

enum jws_refusal jws_signature_check(const struct jwk *key, enum jws_algorithm algorithm,
                                     struct span signed_part, struct span signature)
{
    must(algorithm < JWS_ALGORITHMS);
    const struct algorithm *row = &algorithms[algorithm];
    if (!jwk_fits(key, algorithm))
        return JWS_BAD_KEY_MISFIT;
    size_t bytes = row->bytes != 0 ? row->bytes : (size_t)EVP_PKEY_get_size(key->public_key);
    if (signature.len != bytes)
        return JWS_BAD_SIGNATURE_LENGTH;
    switch (row->kind) {
    case HMAC: return check_hmac(key, row, signed_part, signature);
    case ECDSA: return check_ecdsa(key, row, signed_part, signature);
    case PKCS1:
    case PSS:
    case EDDSA: break;
    }
    return check_public(key, row, signed_part, (const unsigned char *)signature.at, signature.len);
}
