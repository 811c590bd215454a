/* SPDX-License-Identifier: Apache-2.0 */
/* Transformations with a memory: many rules put the same values through the same functions.
 *
 * The key is a value's identity (pointer and length) and the function. A function that changes
 * nothing answers its own input, so that chains which agree on a prefix meet again by themselves,
 * whatever rules they stand in. Spans of a transaction never move and are never written again. */
#include "rules/evaluate.h"

#include <stdint.h>

enum { MEMORY_FIRST = 512 }; /* slots; a power of two */

static size_t slot_of(struct span in, const struct transformation *by, size_t room)
{
    uint64_t hash = (uint64_t)(uintptr_t)in.at ^ ((uint64_t)(uintptr_t)by << 7);
    hash = (hash + in.len) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 32) & (room - 1);
}

/* The slot that holds the answer, or the free one where it belongs. */
static struct transformed *memory_find(struct transformed *memory, size_t room, struct span in,
                                       const struct transformation *by)
{
    size_t i = slot_of(in, by, room);
    while (memory[i].by != NULL &&
           (memory[i].by != by || memory[i].in.at != in.at || memory[i].in.len != in.len))
        i = (i + 1) & (room - 1);
    return &memory[i];
}

static bool memory_grow(struct inspection *tx)
{
    size_t room = tx->memory_room == 0 ? MEMORY_FIRST : tx->memory_room * 2;
    struct transformed *bigger = arena_alloc(tx->arena, room * sizeof(*bigger));
    if (bigger == NULL)
        return false;
    for (size_t i = 0; i < tx->memory_room; i++) {
        const struct transformed *old = &tx->memory[i];
        if (old->by != NULL)
            *memory_find(bigger, room, old->in, old->by) = *old;
    }
    tx->memory = bigger;
    tx->memory_room = room;
    return true;
}

struct span transform_one(struct inspection *tx, const struct transformation *by, struct span value)
{
    if (tx->memory_used * 4 >= tx->memory_room * 3 && !memory_grow(tx))
        return (struct span){NULL, 0};
    struct transformed *slot = memory_find(tx->memory, tx->memory_room, value, by);
    if (slot->by == NULL) {
        struct span out = by->apply(value, tx->arena);
        if (arena_is_full(tx->arena))
            return out;
        *slot = (struct transformed){by, value, out};
        tx->memory_used++;
    }
    return slot->out;
}

struct span transform_all(struct inspection *tx, const struct rule *rule, struct span value)
{
    for (size_t i = 0; i < rule->transformation_count && !arena_is_full(tx->arena); i++)
        value = transform_one(tx, rule->transformations[i], value);
    return value;
}
