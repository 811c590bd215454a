/* SPDX-License-Identifier: Apache-2.0 */
/* The request's body on its way into memory: as much as inspection asks for (gather_prefix), or all
 * of it (gather_rest, authenticate). */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_GATHER_H
#define SIDEGATE_SIDECAR_EXCHANGE_GATHER_H

#include "sidecar/exchange/inside.h"

/* Takes what has come, up to the limit. A whole body is told from a cut one by the source, not by
 * the count. */
enum source_state gather_take(struct exchange *x, struct source *from, struct buf *to,
                              uint64_t limit);
/* Who waits to be told sends his body now. */
void gather_invite(struct exchange *x);

/* Is all of it at hand? And what is. */
bool gathered_is_whole(const struct exchange *x);
struct span gathered_bytes(const struct exchange *x);

/* SHA-256 of the whole body in hexadecimal; at == NULL: gather_whole was not there yet. */
struct span gathered_hash(const struct exchange *x);

/* The whole body, for the authorizer that was asked: NEXT: it is there, x->whole says its hash and
 * whether it is what `claim` (NULL: nothing) says. WAIT; ANSWER: too long, too late or broken. */
enum step gather_whole(struct exchange *x, const struct sigv4_claim *claim,
                       const struct sigv4_key *key);

#endif
