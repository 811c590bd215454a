/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that signatures are checked with: a JSON Web Key or a set of them, RFC 7517, 7518 6, 8037.
 * Frozen once read, so that any thread may use them. Private parts of a key pair are not kept.
 *
 *   { "keys": [ { "kty": "EC", "crv": "P-256", "x": ..., "y": ..., "kid": "a" }, ... ] }
 */
#ifndef SIDEGATE_SIDECAR_GUARD_JWK_H
#define SIDEGATE_SIDECAR_GUARD_JWK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

enum {
    KEY_SET_BYTES = 150000, /* of the document: as API Gateway takes them */
    KEY_SET_KEYS = 128,
    KEY_ID_BYTES = 256,
    KEY_RSA_BITS_LEAST = 2048, /* RFC 7518 3.3 */
    KEY_RSA_BITS_MOST = 8192,  /* what a check may cost */
};

enum jwk_type { JWK_RSA, JWK_EC, JWK_OKP, JWK_OCT };
enum jwk_curve { JWK_NONE, JWK_P256, JWK_P384, JWK_P521, JWK_ED25519, JWK_ED448 };

struct jwk; /* jwk_inside.h */
struct key_set;

/* What is wrong with a document. */
struct key_set_problem {
    const char *why;       /* static text */
    unsigned line, column; /* of the document; 0: it is JSON, but not as it should be */
    size_t key;            /* which one, from 0; SPAN_NONE: the document as a whole */
};

/* One key, or a set. Keys of other kinds and for other uses (encryption, other curves) are left
 * out, RFC 7517 5; one that is of ours but broken or too weak is a problem, and so is a set without
 * any key that could check a signature. NULL then. */
struct key_set *key_set_read(struct span document, struct key_set_problem *problem);
void key_set_free(struct key_set *set); /* NULL allowed; secrets are wiped */

/* There is an oct key in it: who reads the document can sign. */
bool key_set_has_secret(const struct key_set *set);
size_t key_set_count(const struct key_set *set); /* NULL: 0 */
const struct jwk *key_set_at(const struct key_set *set, size_t i);
/* at == NULL: it has none. */
struct span jwk_id(const struct jwk *key);

/* A key as its issuer wrote it, all of its members, in 128 bits: it is known again in another set,
 * and nothing can be made out of it. */
struct jwk_mark {
    uint64_t at[2];
};
struct jwk_mark jwk_mark(const struct jwk *key);
bool key_set_has(const struct key_set *set, struct jwk_mark mark);
/* Is one of them a secret (oct)? */
bool key_set_has_secrets(const struct key_set *set);

#endif
