/* SPDX-License-Identifier: Apache-2.0 */
/* Transformations with a memory: many rules put the same values through the same functions.
 *
 * The key is a value's identity (pointer and length) and the function. A function that changes
 * nothing answers its own input, so that chains which agree on a prefix meet again by themselves,
 * whatever rules they stand in. Spans of a transaction never move and are never written again. */
#include "rules/evaluate.h"

#include <stdint.h>

enum { BUCKETS_FIRST = 256, BUCKET_LOAD = 4 }; /* a power of two; it fits a common chunk */

static struct transformed **bucket_of(struct transformed **memory, size_t room, struct span in,
                                      const struct transformation *by)
{
    uint64_t hash = (uint64_t)(uintptr_t)in.at ^ ((uint64_t)(uintptr_t)by << 7);
    hash = (hash + in.len) * UINT64_C(0x9E3779B97F4A7C15);
    return &memory[(size_t)(hash >> 32) & (room - 1)];
}

static bool memory_grow(struct inspection *tx)
{
    size_t room = tx->memory_room == 0 ? BUCKETS_FIRST : tx->memory_room * BUCKET_LOAD;
    struct transformed **bigger = arena_alloc(tx->arena, room * sizeof(struct transformed *));
    if (bigger == NULL)
        return false;
    for (size_t i = 0; i < tx->memory_room; i++) {
        for (struct transformed *t = tx->memory[i], *next; t != NULL; t = next) {
            struct transformed **bucket = bucket_of(bigger, room, t->in, t->by);
            next = t->next;
            t->next = *bucket;
            *bucket = t;
        }
    }
    tx->memory = bigger;
    tx->memory_room = room;
    return true;
}

static struct span remember(struct inspection *tx, const struct transformation *by,
                            struct span value, struct transformed **bucket)
{
    const uint8_t *map = tx->ruleset->settings.unicode_map;
    struct span out = map != NULL && transformation_reads_map(by)
                          ? transformation_apply_map(value, map, tx->arena)
                          : by->apply(value, tx->arena);
    struct transformed *entry = arena_alloc(tx->arena, sizeof(*entry));
    if (entry == NULL)
        return out;
    *entry = (struct transformed){by, value, out, *bucket};
    *bucket = entry;
    tx->memory_used++;
    return out;
}

struct span transform_one(struct inspection *tx, const struct transformation *by, struct span value)
{
    if (tx->memory_used >= tx->memory_room * BUCKET_LOAD && !memory_grow(tx))
        return (struct span){NULL, 0};
    struct transformed **bucket = bucket_of(tx->memory, tx->memory_room, value, by);
    for (const struct transformed *t = *bucket; t != NULL; t = t->next)
        if (t->by == by && t->in.at == value.at && t->in.len == value.len)
            return t->out;
    return remember(tx, by, value, bucket);
}

struct span transform_all(struct inspection *tx, const struct rule *rule, struct span value)
{
    for (size_t i = 0; i < rule->transformation_count; i++) {
        value = transform_one(tx, rule->transformations[i], value);
        transaction_tell(tx, WATCHED_TRANSFORMED, span_text(rule->transformations[i]->name), value,
                         true);
    }
    return value;
}
