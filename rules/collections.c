/* SPDX-License-Identifier: Apache-2.0 */
/* What rules write. TX and ENV are maps in the arena; the persistent collections are the world's,
 * and written at once, so that transactions side by side see each other's counters. */
#include "rules/collections.h"

#include "rules/base/must.h"
#include "rules/match/variable.h"

/* NULL: a persistent one. */
static struct map *collection_map(const struct inspection *tx, enum variable collection)
{
    if (collection == VARIABLE_TX)
        return tx->tx;
    return collection == VARIABLE_ENV ? tx->env : NULL;
}

static struct span collection_name(enum variable collection)
{
    return span_text(variable_row(collection)->name);
}

_Static_assert(PERSISTENT_COUNT == 5, "IP, GLOBAL, SESSION, USER and RESOURCE are neighbours");

/* at NULL: nobody opened it. */
static struct span *key_of(struct inspection *tx, enum variable collection)
{
    must(collection >= VARIABLE_IP && collection <= VARIABLE_RESOURCE);
    return &tx->keys[collection - VARIABLE_IP];
}

static struct span store_get(struct inspection *tx, enum variable collection, struct span name)
{
    struct span value = {NULL, 0};
    struct span key = *key_of(tx, collection);
    const struct inspection_world *world = &tx->world;
    if (key.at == NULL || world->store_get == NULL ||
        !world->store_get(world->context, collection_name(collection), key, name, tx->arena,
                          &value))
        return (struct span){NULL, 0};
    return value.at == NULL ? SPAN("") : value;
}

struct pair collection_pair(struct inspection *tx, enum variable collection, struct span name)
{
    const struct map *map = collection_map(tx, collection);
    if (map == NULL)
        return (struct pair){name, store_get(tx, collection, name)};
    const struct pair *pair = map_find(map, name);
    return pair == NULL ? (struct pair){name, {NULL, 0}} : *pair;
}

struct span collection_get(struct inspection *tx, enum variable collection, struct span name)
{
    return collection_pair(tx, collection, name).value;
}

static void store_set(struct inspection *tx, enum variable collection, struct span name,
                      struct span value)
{
    const struct inspection_world *world = &tx->world;
    struct span key = *key_of(tx, collection);
    if (key.at != NULL && world->store_set != NULL)
        world->store_set(world->context, collection_name(collection), key, name, value);
}

void collection_set(struct inspection *tx, enum variable collection, struct span name,
                    struct span value)
{
    if (value.at == NULL)
        value = SPAN("");
    if (tx->world.watch != NULL)
        transaction_tell(tx, WATCHED_STORED,
                         arena_format(tx->arena, SPAN_FORMAT ":" SPAN_FORMAT,
                                      span_arg(collection_name(collection)), span_arg(name)),
                         value, true);
    struct map *map = collection_map(tx, collection);
    if (map == NULL) {
        store_set(tx, collection, name, value);
        return;
    }
    struct pair *pair = map_find(map, name);
    if (pair == NULL) {
        pair = arena_alloc(tx->arena, sizeof(*pair));
        if (pair == NULL)
            return;
        pair->name = name;
        map_set(map, name, pair);
    }
    pair->value = value;
}

void collection_unset(struct inspection *tx, enum variable collection, struct span name)
{
    struct map *map = collection_map(tx, collection);
    if (map != NULL)
        map_remove(map, name);
    else
        store_set(tx, collection, name, (struct span){NULL, 0});
}

struct values collection_list(struct inspection *tx, enum variable collection)
{
    const struct map *map = collection_map(tx, collection);
    struct pair *pairs =
        map == NULL ? NULL : arena_alloc(tx->arena, map_count(map) * sizeof(*pairs));
    if (pairs == NULL)
        return (struct values){NULL, 0};
    size_t count = 0;
    size_t cursor = 0;
    struct span name;
    void *value;
    while (map_next(map, &cursor, &name, &value))
        pairs[count++] = *(const struct pair *)value;
    return (struct values){pairs, count};
}

void collection_open(struct inspection *tx, enum variable collection, struct span key)
{
    *key_of(tx, collection) = key.at == NULL ? SPAN("") : key;
}

void collection_expire(struct inspection *tx, enum variable collection, struct span name,
                       uint64_t seconds)
{
    const struct inspection_world *world = &tx->world;
    if (collection < VARIABLE_IP || collection > VARIABLE_RESOURCE)
        return; /* TX ends with the transaction anyway */
    struct span key = *key_of(tx, collection);
    if (key.at != NULL && world->store_expire != NULL)
        world->store_expire(world->context, collection_name(collection), key, name, seconds);
}

void captures_set(struct inspection *tx, const struct captures *captures)
{
    static const char digits[] = "0123456789";
    for (unsigned i = 0; i < CAPTURES; i++) {
        struct span name = span_make(&digits[i], 1);
        if (i < captures->count)
            collection_set(tx, VARIABLE_TX, name, captures->at[i]);
        else
            collection_unset(tx, VARIABLE_TX, name);
    }
}
