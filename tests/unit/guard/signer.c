/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/guard/signer.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"
#include "sidecar/guard/jws.h"

struct span signer_encode(struct signer *signer, struct span bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *to = arena_text(signer->arena, bytes.len * 2 + 4);
    size_t len = 0;
    unsigned group = 0, bits = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        group = (group << 8 | (unsigned char)bytes.at[i]) & 0xffff;
        for (bits += 8; bits >= 6; bits -= 6)
            to[len++] = digits[group >> (bits - 6) & 63];
    }
    if (bits > 0)
        to[len++] = digits[group << (6 - bits) & 63];
    return span_make(to, len);
}

static struct span number_of(struct signer *signer, const char *name, int bytes)
{
    unsigned char at[1024];
    BIGNUM *number = NULL;
    must(EVP_PKEY_get_bn_param(signer->pair, name, &number) == 1);
    int len = bytes > 0 ? bytes : BN_num_bytes(number);
    must(BN_bn2binpad(number, at, len) == len);
    BN_free(number);
    return signer_encode(signer, span_make((const char *)at, (size_t)len));
}

static struct span rsa_members(struct signer *signer)
{
    return arena_format(signer->arena,
                        "\"kty\":\"RSA\",\"n\":\"" SPAN_FORMAT "\",\"e\":\"" SPAN_FORMAT "\"",
                        span_arg(number_of(signer, OSSL_PKEY_PARAM_RSA_N, 0)),
                        span_arg(number_of(signer, OSSL_PKEY_PARAM_RSA_E, 0)));
}

static struct span ec_members(struct signer *signer, const char *curve)
{
    int bytes = (EVP_PKEY_get_bits(signer->pair) + 7) / 8;
    return arena_format(signer->arena,
                        "\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"" SPAN_FORMAT
                        "\",\"y\":\"" SPAN_FORMAT "\"",
                        curve, span_arg(number_of(signer, OSSL_PKEY_PARAM_EC_PUB_X, bytes)),
                        span_arg(number_of(signer, OSSL_PKEY_PARAM_EC_PUB_Y, bytes)));
}

static struct span okp_members(struct signer *signer, const char *curve)
{
    unsigned char at[64];
    size_t len = sizeof at;
    must(EVP_PKEY_get_raw_public_key(signer->pair, at, &len) == 1);
    return arena_format(signer->arena, "\"kty\":\"OKP\",\"crv\":\"%s\",\"x\":\"" SPAN_FORMAT "\"",
                        curve, span_arg(signer_encode(signer, span_make((const char *)at, len))));
}

static struct span secret_members(struct signer *signer, size_t bytes)
{
    char *at = arena_text(signer->arena, bytes);
    memset(at, 's', bytes);
    signer->secret = span_make(at, bytes);
    return arena_format(signer->arena, "\"kty\":\"oct\",\"k\":\"" SPAN_FORMAT "\"",
                        span_arg(signer_encode(signer, signer->secret)));
}

static struct span members_of(struct signer *signer, const char *kind)
{
    struct span text = span_text(kind);
    size_t size = span_find_byte(text, ':');
    size_t number = size == SPAN_NONE ? 0 : strtoul(kind + size + 1, NULL, 10);
    if (span_starts(text, SPAN("HMAC")))
        return secret_members(signer, number);
    if (span_starts(text, SPAN("RSA"))) {
        signer->pair = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", number);
        return rsa_members(signer);
    }
    if (span_starts(text, SPAN("P-"))) {
        signer->pair = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
        return ec_members(signer, kind);
    }
    signer->pair = EVP_PKEY_Q_keygen(NULL, NULL, kind);
    return okp_members(signer, kind);
}

struct signer signer_new(const char *kind, struct span id)
{
    struct signer signer = {.arena = arena_new(NULL, 1 << 20)};
    struct span members = members_of(&signer, kind);
    struct span with =
        id.at == NULL ? SPAN("")
                      : arena_format(signer.arena, ",\"kid\":\"" SPAN_FORMAT "\"", span_arg(id));
    signer.jwk = arena_format(signer.arena, "{" SPAN_FORMAT SPAN_FORMAT "}", span_arg(members),
                              span_arg(with));
    return signer;
}

void signer_free(struct signer *signer)
{
    EVP_PKEY_free(signer->pair);
    arena_free(signer->arena);
}

/* ---- signing ---- */

static const char *hash_of(const char *algorithm)
{
    return strstr(algorithm, "256")   ? "SHA256"
           : strstr(algorithm, "384") ? "SHA384"
           : strstr(algorithm, "512") ? "SHA512"
                                      : NULL;
}

/* r and s side by side, each as long as the curve. */
static struct span flat(struct signer *signer, const unsigned char *der, size_t len)
{
    int bytes = (EVP_PKEY_get_bits(signer->pair) + 7) / 8;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    unsigned char *to = arena_alloc(signer->arena, (size_t)bytes * 2);
    must(BN_bn2binpad(ECDSA_SIG_get0_r(pair), to, bytes) == bytes);
    must(BN_bn2binpad(ECDSA_SIG_get0_s(pair), to + bytes, bytes) == bytes);
    ECDSA_SIG_free(pair);
    return span_make((const char *)to, (size_t)bytes * 2);
}

static struct span sign_with_pair(struct signer *signer, const char *algorithm, struct span text)
{
    unsigned char *to = arena_alloc(signer->arena, 2048);
    size_t len = 2048;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    must(EVP_DigestSignInit_ex(context, &options, hash_of(algorithm), NULL, NULL, signer->pair,
                               NULL) == 1);
    if (algorithm[0] == 'P') {
        must(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1);
        must(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1);
    }
    must(EVP_DigestSign(context, to, &len, (const unsigned char *)text.at, text.len) == 1);
    EVP_MD_CTX_free(context);
    return algorithm[0] == 'E' && algorithm[1] == 'S' ? flat(signer, to, len)
                                                      : span_make((const char *)to, len);
}

static struct span sign(struct signer *signer, const char *algorithm, struct span text)
{
    if (signer->pair != NULL)
        return sign_with_pair(signer, algorithm, text);
    unsigned char *to = arena_alloc(signer->arena, 64);
    size_t len = 0;
    must(EVP_Q_mac(NULL, "HMAC", NULL, hash_of(algorithm), NULL, signer->secret.at,
                   signer->secret.len, (const unsigned char *)text.at, text.len, to, 64,
                   &len) != NULL);
    return span_make((const char *)to, len);
}

struct span signer_token(struct signer *signer, const char *algorithm, const char *header,
                         const char *payload)
{
    struct span signed_part = arena_format(signer->arena, SPAN_FORMAT "." SPAN_FORMAT,
                                           span_arg(signer_encode(signer, span_text(header))),
                                           span_arg(signer_encode(signer, span_text(payload))));
    return arena_format(signer->arena, SPAN_FORMAT "." SPAN_FORMAT, span_arg(signed_part),
                        span_arg(signer_encode(signer, sign(signer, algorithm, signed_part))));
}
