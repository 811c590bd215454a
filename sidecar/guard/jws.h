/* SPDX-License-Identifier: Apache-2.0 */
/* Signed tokens in the compact form, RFC 7515 7.1:
 *
 *   BASE64URL(header) . BASE64URL(payload) . BASE64URL(signature)
 *
 * Which algorithms are taken is the configuration's to say, and which key fits is the key's: the
 * token's own word chooses among these and brings nothing in. */
#ifndef SIDEGATE_SIDECAR_GUARD_JWS_H
#define SIDEGATE_SIDECAR_GUARD_JWS_H

#include <stdint.h>

#include "rules/base/arena.h"
#include "sidecar/guard/jwk.h"

enum { JWS_BYTES = 16 * 1024 /* of a token */ };

enum jws_algorithm {
#define ALGORITHM(name, type, curve, kind, hash, bytes) JWS_##name,
#include "sidecar/guard/jws_algorithms.tbl"
#undef ALGORITHM
    JWS_ALGORITHMS,
};
#define JWS_SET(algorithm) (1U << (unsigned)(algorithm)) /* a set of them is an unsigned */

enum jws_refusal {
    JWS_HOLDS,  /* nothing is wrong */
    JWS_FAILED, /* no memory: nothing is known about the token */
#define REFUSAL(id, word, sentence) JWS_BAD_##id,
#include "sidecar/guard/jws_refusals.tbl"
#undef REFUSAL
};
/* "signature_wrong"; "holds", "failed". */
const char *jws_refusal_word(enum jws_refusal refusal);
/* "the signature of the token is wrong": no byte of the token is in it. */
const char *jws_refusal_sentence(enum jws_refusal refusal);

/* "ES256"; JWS_ALGORITHMS: it is none of ours. Case matters. */
enum jws_algorithm jws_algorithm_find(struct span name);
const char *jws_algorithm_name(enum jws_algorithm algorithm);

struct jws {
    enum jws_algorithm algorithm;
    struct span key_id;    /* of the token; at == NULL: it names none */
    struct span payload;   /* decoded */
    const struct jwk *key; /* of the set: the signature is its */
};

/* The key is the one of the token's `kid`; a token without one is taken only where a single key
 * of the set fits its algorithm. *jws lies in the arena; of what it says nothing is true unless the
 * answer is HOLDS. */
enum jws_refusal jws_verify(struct span token, const struct key_set *keys, unsigned algorithms,
                            struct arena *arena, struct jws *jws);

/* One signature over the two encoded parts and the dot between them: what all serializations
 * share. KEY_MISFIT where the key is not for that algorithm. */
enum jws_refusal jws_signature_check(const struct jwk *key, enum jws_algorithm algorithm,
                                     struct span signed_part, struct span signature);
/* Type, curve, and what the key says it is for. */
bool jwk_fits(const struct jwk *key, enum jws_algorithm algorithm);

#endif
