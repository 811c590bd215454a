/* SPDX-License-Identifier: Apache-2.0 */
/* What a key is inside: for the files sigv4*.c alone. */
#ifndef SIDEGATE_SIDECAR_GUARD_SIGV4_KEY_H
#define SIDEGATE_SIDECAR_GUARD_SIGV4_KEY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include "sidecar/guard/sigv4.h"

enum { SCOPE_KEPT = 128 };

/* What was derived for the latest day, region and service: the next request is of the same. */
struct sigv4_latest {
    pthread_mutex_t lock;
    char scope[SCOPE_KEPT];
    size_t scope_len; /* 0: nothing yet */
    uint8_t key[SHA256_BYTES];
};

struct sigv4_key {
    char *id, *secret, *token; /* not terminated; wiped with the key */
    size_t id_len, secret_len, token_len;
    EVP_PKEY *elliptic;          /* the public half of what version 4a derives */
    struct sigv4_latest *latest; /* wiped with the key */
};

#endif
