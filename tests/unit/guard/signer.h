/* SPDX-License-Identifier: Apache-2.0 */
/* Who makes tokens, for tests: a fresh key pair, its public half as a JWK, and whatever it is told
 * to sign, well formed or not. */
#ifndef SIDEGATE_TESTS_UNIT_GUARD_SIGNER_H
#define SIDEGATE_TESTS_UNIT_GUARD_SIGNER_H

#include <openssl/types.h>

#include "rules/base/arena.h"

struct signer {
    struct arena *arena; /* what it writes lies here */
    EVP_PKEY *pair;      /* NULL: it signs with the secret */
    struct span secret;
    struct span jwk; /* { "kty": ..., "kid": ID } */
};

/* "RSA:2048", "P-256", "ED25519", "HMAC:64" (bytes)... `id` at == NULL: none. */
struct signer signer_new(const char *kind, struct span id);
void signer_free(struct signer *signer);

/* A token over these two texts; `algorithm` is how it is signed, whatever the header says. */
struct span signer_token(struct signer *signer, const char *algorithm, const char *header,
                         const char *payload);
/* BASE64URL of any bytes. */
struct span signer_encode(struct signer *signer, struct span bytes);

#endif
