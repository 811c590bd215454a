/* SPDX-License-Identifier: Apache-2.0 */
/* SecLang's persistent collections (IP, GLOBAL, SESSION, USER, RESOURCE), in memory, shared by all
 * workers. Bounded: the variable that was used the longest ago goes first. A reload keeps them. */
#ifndef SIDEGATE_SIDECAR_STATE_COLLECTIONS_H
#define SIDEGATE_SIDECAR_STATE_COLLECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

struct collections;

/* A variable of a collection. */
struct collection_key {
    struct span collection, key, name;
};

/* `most` variables over all, one more for each collection and key counted in. Of a collection and
 * key to which nothing is written for `timeout_us` (an hour, as SecCollectionTimeout) all is
 * forgotten. */
struct collections *collections_new(size_t most, uint64_t timeout_us);
void collections_free(struct collections *collections); /* NULL allowed */

/* Any thread. False: absent or expired. The value is copied into `arena`. */
bool collections_get(struct collections *collections, const struct collection_key *key,
                     uint64_t now_us, struct arena *arena, struct span *value);
/* value.at == NULL: removes. Names and values are cut at 4 KiB. What collections_expire() said of
 * the variable goes on to hold. `timeout_us`: of this collection and key from now on; 0: the
 * store's.
 */
void collections_set(struct collections *collections, const struct collection_key *key,
                     uint64_t now_us, struct span value, uint64_t timeout_us);
void collections_expire(struct collections *collections, const struct collection_key *key,
                        uint64_t now_us, uint64_t after_us);
/* Calls found() for each variable of that collection and key, under a lock: it may copy, nothing
 * else. It walks a sixteenth of all variables: rules that list are rare. */
void collections_each(struct collections *collections, struct span collection, struct span key,
                      uint64_t now_us, void (*found)(void *to, struct span name, struct span value),
                      void *to);
size_t collections_count(struct collections *collections);

#endif
