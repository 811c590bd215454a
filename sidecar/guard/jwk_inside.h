/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a key, for who reads it (jwk.c) and who checks with it (signature.c). */
#ifndef SIDEGATE_SIDECAR_GUARD_JWK_INSIDE_H
#define SIDEGATE_SIDECAR_GUARD_JWK_INSIDE_H

#include <openssl/types.h>

#include "sidecar/guard/jwk.h"
#include "sidecar/guard/jws.h"

struct jwk {
    struct span id; /* on the heap; at == NULL: none */
    enum jwk_type type;
    enum jwk_curve curve;
    enum jws_algorithm algorithm; /* the only one that it is for; JWS_ALGORITHMS: any that fits */
    EVP_PKEY *public_key;         /* all but OCT */
    uint8_t *secret;              /* OCT */
    size_t secret_len;
    struct jwk_mark mark;
};

#endif
