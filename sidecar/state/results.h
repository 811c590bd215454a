/* SPDX-License-Identifier: Apache-2.0 */
/* What was found out at some cost and holds for a while: answers of authorizers, by the identity
 * that they are about. A key is known by a keyed hash of 128 bits (SipHash-2-4 under two random
 * keys) and not kept itself. Bounded in bytes; of a full shard what was used the longest ago goes.
 * Shared by all workers, and counted, so that a snapshot can take it over from the one before. */
#ifndef SIDEGATE_SIDECAR_STATE_RESULTS_H
#define SIDEGATE_SIDECAR_STATE_RESULTS_H

#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"
#include "sidecar/state/kept.h"

struct results;

enum { RESULTS_SHARDS = 8 }; /* each has its part of the bytes: what is larger is not kept */

struct results *results_new(size_t bytes_most);
struct results *results_take(struct results *results);
void results_give(struct results *results); /* NULL allowed */

/* The name under which a store knows a key; the same as long as the store lives. */
struct results_id {
    uint64_t at[2];
};
struct results_id results_id(const struct results *results, struct span key);

/* Any thread. The caller's own count, or NULL: nothing is known, or not any more. */
struct kept *results_find(struct results *results, const struct results_id *id, uint64_t now_us);
/* Any thread. Takes a count of its own; good before `until_us`. */
void results_set(struct results *results, const struct results_id *id, uint64_t until_us,
                 struct kept *value);

struct results_held {
    size_t count, bytes;
};
struct results_held results_held(struct results *results);

#endif
