/* SPDX-License-Identifier: Apache-2.0 */
/* A map: members stand in the order in which they came, and an index of open slots leads to them.
 *
 *   slots:    | 0 | 3 | 0 | 1 | GONE | 0 | 2 | 0 |     power of two, at most 3/4 taken
 *                   |       |                |
 *   members:  [ name, value, hash ] 1, 2, 3 ...        number = place + 1
 *
 * A removed member leaves a hole in both until the next growth. */
#include "rules/base/map.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/base/siphash.h"

enum { MAP_FIRST_SLOTS = 8 };
#define SLOT_GONE UINT32_MAX
#define NO_SLOT   SIZE_MAX

struct member {
    char *name; /* NULL: removed */
    size_t name_len;
    void *value;
    uint64_t hash;
};

struct map {
    struct arena *arena; /* NULL: heap */
    struct member *members;
    uint32_t *slots;
    size_t slot_count;
    size_t used;  /* members, with the removed ones */
    size_t count; /* without */
    bool nocase;
};

static void *map_memory(struct arena *arena, size_t bytes)
{
    return arena != NULL ? arena_alloc(arena, bytes) : must_alloc(bytes);
}

static void map_release(const struct map *map, void *memory)
{
    if (map->arena == NULL)
        free(memory);
}

struct map *map_new(struct arena *arena, bool nocase)
{
    struct map *map = map_memory(arena, sizeof *map);
    if (map == NULL)
        return NULL;
    map->arena = arena;
    map->nocase = nocase;
    return map;
}

static struct span member_name(const struct member *member)
{
    return span_make(member->name, member->name_len);
}

void map_free(struct map *map)
{
    if (map == NULL || map->arena != NULL)
        return;
    for (size_t i = 0; i < map->used; i++)
        free(map->members[i].name);
    free(map->members);
    free(map->slots);
    free(map);
}

static uint64_t map_hash(const struct map *map, struct span name)
{
    return map->nocase ? siphash_nocase(hash_key(), name) : siphash(hash_key(), name);
}

static bool member_is(const struct map *map, const struct member *member, uint64_t hash,
                      struct span name)
{
    if (member->hash != hash)
        return false;
    return map->nocase ? span_is_nocase(member_name(member), name)
                       : span_is(member_name(member), name);
}

/* The slot that leads to the name, or NO_SLOT. */
static size_t map_slot(const struct map *map, uint64_t hash, struct span name)
{
    if (map->slot_count == 0)
        return NO_SLOT;
    size_t mask = map->slot_count - 1;
    for (size_t i = hash & mask; map->slots[i] != 0; i = (i + 1) & mask) {
        uint32_t number = map->slots[i];
        if (number != SLOT_GONE && member_is(map, &map->members[number - 1], hash, name))
            return i;
    }
    return NO_SLOT;
}

static void map_point(uint32_t *slots, size_t slot_count, uint64_t hash, uint32_t number)
{
    size_t mask = slot_count - 1;
    size_t i = hash & mask;
    while (slots[i] != 0 && slots[i] != SLOT_GONE)
        i = (i + 1) & mask;
    slots[i] = number;
}

static size_t map_room(size_t slot_count)
{
    return slot_count / 4 * 3;
}

/* New arrays with place for more, without the holes. */
static bool map_grow(struct map *map)
{
    size_t slot_count = MAP_FIRST_SLOTS;
    while (map_room(slot_count) <= map->count + map->count / 3)
        slot_count *= 2;
    must(slot_count < SLOT_GONE);
    uint32_t *slots = map_memory(map->arena, slot_count * sizeof *slots);
    struct member *members = map_memory(map->arena, map_room(slot_count) * sizeof *members);
    if (slots == NULL || members == NULL)
        return false;
    size_t used = 0;
    for (size_t i = 0; i < map->used; i++) {
        if (map->members[i].name == NULL)
            continue;
        members[used++] = map->members[i];
        map_point(slots, slot_count, map->members[i].hash, (uint32_t)used);
    }
    map_release(map, map->members);
    map_release(map, map->slots);
    map->members = members;
    map->slots = slots;
    map->slot_count = slot_count;
    map->used = used;
    return true;
}

static char *map_copy_name(const struct map *map, struct span name)
{
    char *copy = map->arena != NULL ? arena_text(map->arena, name.len) : must_alloc(name.len);
    if (copy != NULL && name.len > 0)
        memcpy(copy, name.at, name.len);
    return copy;
}

void *map_set(struct map *map, struct span name, void *value)
{
    uint64_t hash = map_hash(map, name);
    size_t slot = map_slot(map, hash, name);
    if (slot != NO_SLOT) {
        struct member *member = &map->members[map->slots[slot] - 1];
        void *before = member->value;
        member->value = value;
        return before;
    }
    if (map->used == map_room(map->slot_count) && !map_grow(map))
        return NULL;
    char *copy = map_copy_name(map, name);
    if (copy == NULL)
        return NULL;
    map->members[map->used++] =
        (struct member){.name = copy, .name_len = name.len, .value = value, .hash = hash};
    map->count++;
    map_point(map->slots, map->slot_count, hash, (uint32_t)map->used);
    return NULL;
}

void *map_find(const struct map *map, struct span name)
{
    if (map->count == 0)
        return NULL;
    size_t slot = map_slot(map, map_hash(map, name), name);
    return slot != NO_SLOT ? map->members[map->slots[slot] - 1].value : NULL;
}

void *map_remove(struct map *map, struct span name)
{
    size_t slot = map_slot(map, map_hash(map, name), name);
    if (slot == NO_SLOT)
        return NULL;
    struct member *member = &map->members[map->slots[slot] - 1];
    void *value = member->value;
    map_release(map, member->name);
    *member = (struct member){.name = NULL};
    map->slots[slot] = SLOT_GONE;
    map->count--;
    return value;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

bool map_next(const struct map *map, size_t *cursor, struct span *name, void **value)
{
    while (*cursor < map->used) {
        const struct member *member = &map->members[(*cursor)++];
        if (member->name == NULL)
            continue;
        *name = member_name(member);
        *value = member->value;
        return true;
    }
    return false;
}
