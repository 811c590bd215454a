/* SPDX-License-Identifier: Apache-2.0 */
/* Shards under a lock each; in a shard a map to entries, and a ring of them by last use. A
 * collection and key has an entry of its own, the root, whose name ends with the key: it lives as
 * long as something is written, and its variables no longer than it. A root is used with each of
 * its variables, so that it is never the first to go. */
#include "sidecar/state/collections.h"

#include <pthread.h>
#include <stdlib.h>

#include "rules/base/buf.h"
#include "rules/base/list.h"
#include "rules/base/map.h"
#include "rules/base/must.h"

enum { SHARDS = 16, TEXT_MOST = 4096, NAME_MOST = 3 * TEXT_MOST + 2 };

struct entry {
    struct list link; /* the shard's ring: the longest unused first */
    struct span name; /* as the map knows it */
    struct span value;
    char *texts[2];      /* what they point to */
    uint64_t expires_us; /* a variable that nobody told to: never */
    uint64_t epoch;      /* which of the shard's roots: an older one's variables are forgotten */
};

struct shard {
    pthread_mutex_t lock;
    struct map *entries;
    struct list by_use;
    uint64_t epochs; /* roots so far */
};

struct collections {
    struct shard shards[SHARDS];
    size_t most_each;
    uint64_t timeout_us;
};

struct collections *collections_new(size_t most, uint64_t timeout_us)
{
    struct collections *collections = must_alloc(sizeof(*collections));
    collections->most_each = most / SHARDS + 1;
    collections->timeout_us = timeout_us;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &collections->shards[i];
        must(pthread_mutex_init(&shard->lock, NULL) == 0);
        shard->entries = map_new(NULL, true);
        list_init(&shard->by_use);
    }
    return collections;
}

static void entry_drop(struct shard *shard, struct entry *entry)
{
    map_remove(shard->entries, entry->name);
    list_remove(&entry->link);
    free(entry->texts[0]);
    free(entry->texts[1]);
    free(entry);
}

void collections_free(struct collections *collections)
{
    if (collections == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &collections->shards[i];
        for (struct list *first; (first = list_first(&shard->by_use)) != NULL;)
            entry_drop(shard, list_entry(first, struct entry, link));
        map_free(shard->entries);
        pthread_mutex_destroy(&shard->lock);
    }
    free(collections);
}

static struct span copy(struct span text, char **owner)
{
    *owner = must_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(*owner, text.at, text.len);
    return span_make(*owner, text.len);
}

/* The three parts as one name; a NUL stands between them, which no collection's name and no
 * header-borne key needs. */
static struct span join(const struct collection_key *key, struct buf *to)
{
    buf_init(to, NAME_MOST);
    buf_add(to, span_first(key->collection, TEXT_MOST));
    buf_add_byte(to, '\0');
    buf_add(to, span_first(key->key, TEXT_MOST));
    buf_add_byte(to, '\0');
    buf_add(to, span_first(key->name, TEXT_MOST));
    return buf_span(to);
}

/* What stands before a variable's own name: its collection and key, with a NUL behind each. */
static struct span prefix_of(struct span name)
{
    size_t first = span_find_byte(name, '\0') + 1;
    return span_first(name, first + span_find_byte(span_from(name, first), '\0') + 1);
}

static struct shard *lock_shard(struct collections *collections, struct span name)
{
    /* All variables of a collection and key are in one shard. Collections do not tell names apart
     * by case, so the shard may not either: a folded sum does. */
    struct span prefix = prefix_of(name);
    unsigned sum = 0;
    for (size_t i = 0; i < prefix.len; i++)
        sum = sum * 31 + (unsigned char)byte_lower(prefix.at[i]);
    struct shard *shard = &collections->shards[sum % SHARDS];
    pthread_mutex_lock(&shard->lock);
    return shard;
}

/* The live entry, moved to the end of the ring; an expired one goes. */
static struct entry *find_one(struct shard *shard, struct span name, uint64_t now_us)
{
    struct entry *entry = map_find(shard->entries, name);
    if (entry == NULL)
        return NULL;
    if (entry->expires_us <= now_us) {
        entry_drop(shard, entry);
        return NULL;
    }
    list_remove(&entry->link);
    list_add(&shard->by_use, &entry->link);
    return entry;
}

static struct entry *find_root(struct shard *shard, struct span name, uint64_t now_us)
{
    return find_one(shard, prefix_of(name), now_us);
}

/* A variable; where its root is gone, it goes too. */
static struct entry *find(struct shard *shard, struct span name, uint64_t now_us)
{
    struct entry *entry = find_one(shard, name, now_us);
    const struct entry *root = find_root(shard, name, now_us);
    if (entry == NULL || (root != NULL && root->epoch == entry->epoch))
        return entry;
    entry_drop(shard, entry);
    return NULL;
}

bool collections_get(struct collections *collections, const struct collection_key *key,
                     uint64_t now_us, struct arena *arena, struct span *value)
{
    struct buf buf;
    struct span name = join(key, &buf);
    struct shard *shard = lock_shard(collections, name);
    const struct entry *entry = find(shard, name, now_us);
    if (entry != NULL)
        *value = arena_copy(arena, entry->value);
    pthread_mutex_unlock(&shard->lock);
    buf_fini(&buf);
    return entry != NULL;
}

static struct entry *insert(struct collections *collections, struct shard *shard, struct span name,
                            struct span value)
{
    struct list *oldest = list_first(&shard->by_use);
    if (oldest != NULL && map_count(shard->entries) >= collections->most_each)
        entry_drop(shard, list_entry(oldest, struct entry, link));
    struct entry *entry = must_alloc(sizeof(*entry));
    entry->name = copy(name, &entry->texts[0]);
    entry->value = copy(value, &entry->texts[1]);
    entry->expires_us = UINT64_MAX;
    list_add(&shard->by_use, &entry->link);
    map_set(shard->entries, entry->name, entry);
    return entry;
}

/* Returns the root's epoch. */
static uint64_t renew_root(struct collections *collections, struct shard *shard, struct span name,
                           uint64_t until_us, uint64_t now_us)
{
    struct entry *root = find_root(shard, name, now_us);
    if (root == NULL) {
        root = insert(collections, shard, prefix_of(name), SPAN(""));
        root->epoch = ++shard->epochs;
    }
    root->expires_us = until_us;
    return root->epoch;
}

static struct entry *write(struct collections *collections, struct shard *shard, struct span name,
                           struct span value, uint64_t now_us)
{
    struct entry *entry = find(shard, name, now_us);
    if (entry == NULL)
        return insert(collections, shard, name, value);
    free(entry->texts[1]);
    entry->value = copy(value, &entry->texts[1]);
    return entry;
}

static void remove_variable(struct shard *shard, struct span name, uint64_t now_us)
{
    struct entry *entry = find(shard, name, now_us);
    if (entry != NULL)
        entry_drop(shard, entry);
}

void collections_set(struct collections *collections, const struct collection_key *key,
                     uint64_t now_us, struct span value, uint64_t timeout_us)
{
    struct buf buf;
    struct span name = join(key, &buf);
    struct shard *shard = lock_shard(collections, name);
    uint64_t until_us = now_us + (timeout_us > 0 ? timeout_us : collections->timeout_us);
    if (value.at == NULL) {
        remove_variable(shard, name, now_us);
    } else {
        uint64_t epoch = renew_root(collections, shard, name, until_us, now_us);
        struct entry *entry = write(collections, shard, name, span_first(value, TEXT_MOST), now_us);
        entry->epoch = epoch;
        (void)find_root(shard, name, now_us); /* as if used after its variable */
    }
    pthread_mutex_unlock(&shard->lock);
    buf_fini(&buf);
}

void collections_expire(struct collections *collections, const struct collection_key *key,
                        uint64_t now_us, uint64_t after_us)
{
    struct buf buf;
    struct span name = join(key, &buf);
    struct shard *shard = lock_shard(collections, name);
    struct entry *entry = find(shard, name, now_us);
    if (entry != NULL)
        entry->expires_us = now_us + after_us;
    pthread_mutex_unlock(&shard->lock);
    buf_fini(&buf);
}

void collections_each(struct collections *collections, struct span collection, struct span key,
                      uint64_t now_us, void (*found)(void *to, struct span name, struct span value),
                      void *to)
{
    struct buf buf;
    const struct collection_key all = {collection, key, {NULL, 0}};
    struct span prefix = join(&all, &buf);
    struct shard *shard = lock_shard(collections, prefix);
    const struct entry *root = find_root(shard, prefix, now_us);
    for (struct list *at = shard->by_use.next; root != NULL && at != &shard->by_use;
         at = at->next) {
        const struct entry *entry = list_entry(at, struct entry, link);
        if (entry->expires_us > now_us && entry->epoch == root->epoch &&
            entry->name.len > prefix.len && span_starts_nocase(entry->name, prefix))
            found(to, span_from(entry->name, prefix.len), entry->value);
    }
    pthread_mutex_unlock(&shard->lock);
    buf_fini(&buf);
}

size_t collections_count(struct collections *collections)
{
    size_t count = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &collections->shards[i];
        pthread_mutex_lock(&shard->lock);
        count += map_count(shard->entries);
        pthread_mutex_unlock(&shard->lock);
    }
    return count;
}
