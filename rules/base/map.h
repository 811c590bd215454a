/* SPDX-License-Identifier: Apache-2.0 */
/* From text to a pointer, under a keyed hash (SipHash-2-4), so that chosen names cannot make it
 * slow. */
#ifndef SIDEGATE_RULES_BASE_MAP_H
#define SIDEGATE_RULES_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

struct map;

/* Members and names lie in `arena` where one is given (then map_free is not needed), else on the
 * heap; names are copied. `nocase`: names differ only where they differ beyond ASCII case. NULL
 * where the arena is full. */
struct map *map_new(struct arena *arena, bool nocase);
void map_free(struct map *map); /* heap maps; NULL allowed */

/* Puts or replaces; returns the value that stood there before, or NULL. A full arena: nothing
 * changes. */
void *map_set(struct map *map, struct span name, void *value);
void *map_find(const struct map *map, struct span name); /* NULL: absent */
void *map_remove(struct map *map, struct span name);     /* what stood there, or NULL */
size_t map_count(const struct map *map);

/* In the order of insertion. Start with a zero cursor; false at the end. */
bool map_next(const struct map *map, size_t *cursor, struct span *name, void **value);

/* The hash itself. `key` is 16 bytes. */
uint64_t siphash(const uint8_t key[16], struct span text);
/* The key of this process, made from random bytes once; the same on every thread. */
const uint8_t *hash_key(void);

#endif
