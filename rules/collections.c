/* SPDX-License-Identifier: Apache-2.0 */
/* What rules write. TX and ENV are maps in the arena; the persistent collections are the world's,
 * and written at once, so that transactions side by side see each other's counters. */
#include "rules/collections.h"

#include "rules/base/must.h"
#include "rules/base/number.h"
#include "rules/match/variable.h"
#include "rules/values.h"

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

/* at NULL: nobody opened it. GLOBAL needs nobody: there is one for all, under the name by which
 * everybody opens it. */
static struct span *key_of(struct inspection *tx, enum variable collection)
{
    must(collection >= VARIABLE_IP && collection <= VARIABLE_RESOURCE);
    struct span *key = &tx->keys[collection - VARIABLE_IP];
    if (collection == VARIABLE_GLOBAL && key->at == NULL)
        collection_open(tx, collection, SPAN("global"));
    return key;
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

/* --- what every persistent collection knows about itself --- */

static const struct span create_time = SPAN_INIT("CREATE_TIME"),
                         last_update = SPAN_INIT("LAST_UPDATE_TIME"),
                         update_counter = SPAN_INIT("UPDATE_COUNTER");

static uint64_t now_seconds(struct inspection *tx)
{
    return tx->world.wall_us(tx->world.context) / 1000000;
}

static uint64_t stored_number(struct inspection *tx, enum variable collection, struct span name)
{
    int64_t number = number_leading(store_get(tx, collection, name));
    return number < 0 ? 0 : (uint64_t)number;
}

uint64_t collection_idle_seconds(struct inspection *tx, enum variable collection)
{
    if (collection < VARIABLE_IP || collection > VARIABLE_RESOURCE)
        return 0;
    uint64_t then = stored_number(tx, collection, last_update), now = now_seconds(tx);
    return then == 0 || now < then ? 0 : now - then;
}

/* Updates in a minute. */
static struct span update_rate(struct inspection *tx, enum variable collection)
{
    uint64_t created = stored_number(tx, collection, create_time), now = now_seconds(tx);
    uint64_t lived = now > created ? now - created : 1;
    return number_text(tx, stored_number(tx, collection, update_counter) * 60 / lived);
}

/* at NULL: it is none of the computed ones. */
static struct span own_member(struct inspection *tx, enum variable collection, struct span name)
{
    if (key_of(tx, collection)->at == NULL)
        return (struct span){NULL, 0};
    if (span_is_nocase(name, SPAN("KEY")))
        return *key_of(tx, collection);
    if (span_is_nocase(name, SPAN("IS_NEW")))
        return tx->key_is_new[collection - VARIABLE_IP] ? SPAN("1") : SPAN("0");
    if (span_is_nocase(name, SPAN("UPDATE_RATE")))
        return update_rate(tx, collection);
    return (struct span){NULL, 0};
}

/* What the world has of that name; NULL: nothing. */
static const struct pair *environment_find(const struct inspection *tx, struct span name)
{
    for (size_t i = 0; i < tx->world.environment_count; i++)
        if (span_is_nocase(tx->world.environment[i].name, name))
            return &tx->world.environment[i];
    return NULL;
}

struct pair collection_pair(struct inspection *tx, enum variable collection, struct span name)
{
    const struct map *map = collection_map(tx, collection);
    if (map == NULL) {
        struct span own = own_member(tx, collection, name);
        return (struct pair){name, own.at != NULL ? own : store_get(tx, collection, name)};
    }
    const struct pair *pair = map_find(map, name);
    if (pair == NULL && collection == VARIABLE_ENV)
        pair = environment_find(tx, name);
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
        world->store_set(world->context, collection_name(collection), key, name, value,
                         tx->ruleset->settings.collection_timeout_s);
}

/* The first write of a transaction is an update of the collection. */
static void note_update(struct inspection *tx, enum variable collection)
{
    bool *updated = &tx->key_is_updated[collection - VARIABLE_IP];
    if (*updated)
        return;
    *updated = true;
    store_set(tx, collection, last_update, number_text(tx, now_seconds(tx)));
    store_set(tx, collection, update_counter,
              number_text(tx, stored_number(tx, collection, update_counter) + 1));
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
        note_update(tx, collection);
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

struct gathering {
    struct inspection *tx;
    struct pair *pairs;
    size_t count, room;
};

static void gather(void *to, struct span name, struct span value)
{
    struct gathering *g = to;
    if (transaction_grow(g->tx, &g->pairs, g->count, &g->room, sizeof(struct pair)))
        g->pairs[g->count++] =
            (struct pair){arena_copy(g->tx->arena, name), arena_copy(g->tx->arena, value)};
}

static struct values store_list(struct inspection *tx, enum variable collection)
{
    struct gathering g = {.tx = tx};
    struct span key = *key_of(tx, collection);
    if (key.at != NULL && tx->world.store_each != NULL)
        tx->world.store_each(tx->world.context, collection_name(collection), key, gather, &g);
    return (struct values){g.pairs, g.count};
}

struct values collection_list(struct inspection *tx, enum variable collection)
{
    const struct map *map = collection_map(tx, collection);
    if (map == NULL)
        return store_list(tx, collection);
    size_t given = collection == VARIABLE_ENV ? tx->world.environment_count : 0;
    struct pair *pairs = arena_alloc(tx->arena, (map_count(map) + given) * sizeof(*pairs));
    if (pairs == NULL)
        return (struct values){NULL, 0};
    size_t count = 0;
    size_t cursor = 0;
    struct span name;
    void *value;
    while (map_next(map, &cursor, &name, &value))
        pairs[count++] = *(const struct pair *)value;
    for (size_t i = 0; i < given; i++)
        if (map_find(map, tx->world.environment[i].name) == NULL)
            pairs[count++] = tx->world.environment[i];
    return (struct values){pairs, count};
}

void collection_open(struct inspection *tx, enum variable collection, struct span key)
{
    must(collection >= VARIABLE_IP && collection <= VARIABLE_RESOURCE);
    size_t i = (size_t)(collection - VARIABLE_IP);
    tx->keys[i] = key.at == NULL ? SPAN("") : key;
    tx->key_is_new[i] = store_get(tx, collection, create_time).at == NULL;
    tx->key_is_updated[i] = false;
    if (tx->key_is_new[i])
        store_set(tx, collection, create_time, number_text(tx, now_seconds(tx)));
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
