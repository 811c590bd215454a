/* SPDX-License-Identifier: Apache-2.0 */
/* What was found out about tokens that are good, so that the same one need not be checked again as
 * long as it is. Neither a token nor anything it could be made from is kept: it is known by a keyed
 * hash of 128 bits (SipHash-2-4 under two random keys). Bounded; who holds no good token puts
 * nothing in. Shared by all workers. */
#ifndef SIDEGATE_SIDECAR_STATE_TOKENS_H
#define SIDEGATE_SIDECAR_STATE_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

struct tokens;

enum { TOKENS_VALUE_BYTES = 4096 }; /* longer ones are not kept */

/* Up to `most` tokens, in sets of eight: of a full set the one that was used the longest ago goes.
 */
struct tokens *tokens_new(size_t most);
struct tokens *tokens_take(struct tokens *tokens); /* counted, from any thread */
void tokens_give(struct tokens *tokens);           /* NULL allowed */

/* Any thread. False: it is not known, or not good any more. The value is copied into `arena`. */
bool tokens_find(struct tokens *tokens, struct span token, uint64_t now_s, struct arena *arena,
                 struct span *value);
/* Any thread. Good before `until_s`, since 1970. */
void tokens_set(struct tokens *tokens, struct span token, uint64_t until_s, struct span value);
size_t tokens_count(struct tokens *tokens);

#endif
