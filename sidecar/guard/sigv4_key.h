/* SPDX-License-Identifier: Apache-2.0 */
/* What a key is inside: for the files sigv4*.c alone. */
#ifndef SIDEGATE_SIDECAR_GUARD_SIGV4_KEY_H
#define SIDEGATE_SIDECAR_GUARD_SIGV4_KEY_H

#include <stddef.h>

#include <openssl/evp.h>

struct sigv4_key {
    char *id, *secret, *token; /* not terminated; wiped with the key */
    size_t id_len, secret_len, token_len;
    EVP_PKEY *elliptic; /* the public half of what version 4a derives */
};

#endif
