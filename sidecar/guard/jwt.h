/* SPDX-License-Identifier: Apache-2.0 */
/* Who brings a JSON Web Token, RFC 7519: the signature (jws.h) and then the claims, in the order
 * and with the meaning of API Gateway's JWT authorizer. The clock is handed in. */
#ifndef SIDEGATE_SIDECAR_GUARD_JWT_H
#define SIDEGATE_SIDECAR_GUARD_JWT_H

#include "rules/base/buf.h"
#include "sidecar/guard/jws.h"

/* What is asked of a token. */
struct jwt_rules {
    const struct key_set *keys;
    unsigned algorithms;          /* JWS_SETs */
    struct span issuer;           /* equal to `iss`, byte by byte */
    const struct span *audiences; /* one of them in `aud`, or as `client_id` where there is none */
    size_t audience_count;        /* 0: nobody asks */
    struct span token_use;        /* equal to `token_use` (Cognito: id, access); at == NULL: any */
    uint64_t skew_s;              /* by how much clocks may differ */
};

/* What a good token says. In the arena. */
struct jwt {
    struct span principal;     /* `sub`, else `client_id`; empty: neither */
    const struct pair *claims; /* in no order; texts as they are, the rest as JSON */
    size_t claim_count;
    const struct span *scopes; /* of `scope`, else of `scp` */
    size_t scope_count;
    uint64_t good_until_s; /* since 1970: `exp` and the skew */
    struct jwk_mark key;   /* that it was signed with: without it the token is not good */
};

enum jwt_outcome {
    JWT_HOLDS,
    JWT_REFUSED,
    JWT_KEY_UNKNOWN, /* refused, but its issuer may have other keys by now */
    JWT_FAILED,      /* no memory: nothing is known */
};

struct jwt_verdict {
    enum jwt_outcome outcome;
    const char *word, *sentence; /* static text; no byte of the token is in it */
};

/* The token in a field's value: behind `Bearer`, or the whole. Empty: there is none. */
struct span jwt_token(struct span value);
struct jwt_verdict jwt_verify(struct span token, const struct jwt_rules *rules, uint64_t now_s,
                              struct arena *arena, struct jwt *jwt);
/* The same of what a token's issuer answers about it, RFC 7662 2.2: `active`, and then issuer and
 * audience where they are asked for, and times where they are said; without `exp` it has no end.
 * FAILED: it is no such answer. */
struct jwt_verdict jwt_introspected(struct span answer, const struct jwt_rules *rules,
                                    uint64_t now_s, struct arena *arena, struct jwt *jwt);
/* Does it have one of these? None: nothing is asked. */
bool jwt_has_scope(const struct jwt *jwt, const struct span *scopes, size_t count);
struct jwt_verdict jwt_scope_missing(void);

/* As one run of bytes, for a store of tokens; false: it is too long. `to` is the caller's to
 * finish. And back, out of bytes that jwt_pack wrote: *jwt borrows them; false: the arena is full.
 */
bool jwt_pack(const struct jwt *jwt, struct buf *to);
bool jwt_unpack(struct span packed, struct arena *arena, struct jwt *jwt);

/* WWW-Authenticate, RFC 6750 3, in API Gateway's spelling; `error` NULL: nothing was brought. */
struct span jwt_challenge(const struct span *scopes, size_t count, const char *error,
                          const char *sentence, struct arena *arena);

#endif
