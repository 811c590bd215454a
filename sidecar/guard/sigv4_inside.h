/* SPDX-License-Identifier: Apache-2.0 */
/* What the files sigv4*.c share. */
#ifndef SIDEGATE_SIDECAR_GUARD_SIGV4_INSIDE_H
#define SIDEGATE_SIDECAR_GUARD_SIGV4_INSIDE_H

#include "rules/base/buf.h"
#include "sidecar/guard/sigv4.h"

enum { CANONICAL_MOST = 256 * 1024, SIGNING_TEXT_MOST = 1024 };

/* The canonical request. `skip_token`: the query's token was added after it had been signed. False:
 * a signed field is not there or not in order, an escape is broken, or there is no room. */
bool sigv4_canonical(const struct sigv4 *sigv4, bool skip_token, struct buf *to);

static inline bool sigv4_is_chunked(const struct sigv4_claim *claim)
{
    return claim->payload_kind == SIGV4_CHUNKED || claim->payload_kind == SIGV4_CHUNKED_TRAILER;
}

/* The algorithm's name as strings to sign begin with it. */
struct span sigv4_algorithm(const struct sigv4_claim *claim);

/* "20150830T123600Z". */
struct span sigv4_basic_date(struct arena *arena, uint64_t us);

void sigv4_sha256(struct span text, uint8_t to[SHA256_BYTES]);
void sigv4_hmac(struct span key, struct span text, uint8_t to[SHA256_BYTES]);
/* The key of one day, region and service. To be wiped by who asked. */
void sigv4_signing_key(const struct sigv4_claim *claim, const struct sigv4_key *key,
                       uint8_t to[SHA256_BYTES]);
/* Is `signature` the hexadecimal HMAC of the text? In constant time. */
bool sigv4_is_signed(const uint8_t key[SHA256_BYTES], struct span text, struct span signature);

#endif
