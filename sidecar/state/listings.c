/* SPDX-License-Identifier: Apache-2.0 */
/* Shards under a lock each; in a shard a map to entries, and a ring of them by last use. */
#include "sidecar/state/listings.h"

#include <pthread.h>
#include <stdlib.h>

#include "rules/base/list.h"
#include "rules/base/map.h"
#include "rules/base/must.h"

enum { SHARDS = 16 };

struct entry {
    struct list link; /* the shard's ring: the longest unused first */
    struct span name;
    char *text; /* what it points to */
    enum listing listing;
    uint32_t address;
    uint64_t good_until_us, asked_until_us;
};

struct shard {
    pthread_mutex_t lock;
    struct map *entries;
    struct list by_use;
};

struct listings {
    struct shard shards[SHARDS];
    size_t most_each;
};

struct listings *listings_new(size_t most)
{
    struct listings *listings = must_alloc(sizeof(*listings));
    listings->most_each = most / SHARDS + 1;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &listings->shards[i];
        must(pthread_mutex_init(&shard->lock, NULL) == 0);
        shard->entries = map_new(NULL, true);
        list_init(&shard->by_use);
    }
    return listings;
}

static void drop(struct shard *shard, struct entry *entry)
{
    map_remove(shard->entries, entry->name);
    list_remove(&entry->link);
    free(entry->text);
    free(entry);
}

void listings_free(struct listings *listings)
{
    if (listings == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &listings->shards[i];
        for (struct list *first; (first = list_first(&shard->by_use)) != NULL;)
            drop(shard, list_entry(first, struct entry, link));
        map_free(shard->entries);
        pthread_mutex_destroy(&shard->lock);
    }
    free(listings);
}

static struct shard *lock_shard(struct listings *listings, struct span name)
{
    unsigned sum = 0;
    for (size_t i = 0; i < name.len; i++)
        sum = sum * 31 + (unsigned char)byte_lower(name.at[i]);
    struct shard *shard = &listings->shards[sum % SHARDS];
    pthread_mutex_lock(&shard->lock);
    return shard;
}

/* The entry of that name, which becomes the one used last; made where there is none. */
static struct entry *use(struct listings *listings, struct shard *shard, struct span name)
{
    struct entry *entry = map_find(shard->entries, name);
    if (entry != NULL) {
        list_remove(&entry->link);
        list_add(&shard->by_use, &entry->link);
        return entry;
    }
    struct list *oldest = list_first(&shard->by_use);
    if (oldest != NULL && map_count(shard->entries) >= listings->most_each)
        drop(shard, list_entry(oldest, struct entry, link));
    entry = must_alloc(sizeof(*entry));
    entry->text = must_alloc(name.len + 1);
    memcpy(entry->text, name.at, name.len);
    entry->name = span_make(entry->text, name.len);
    list_add(&shard->by_use, &entry->link);
    map_set(shard->entries, entry->name, entry);
    return entry;
}

enum listing listings_find(struct listings *listings, struct span name, uint64_t now_us,
                           uint32_t *address, bool *ask)
{
    struct shard *shard = lock_shard(listings, name);
    struct entry *entry = use(listings, shard, name);
    *ask = entry->good_until_us <= now_us && entry->asked_until_us <= now_us;
    if (*ask)
        entry->asked_until_us = now_us + LISTINGS_ASKING_US;
    if (entry->good_until_us + LISTINGS_STALE_US <= now_us)
        entry->listing = LISTING_UNKNOWN;
    enum listing listing = entry->listing;
    *address = entry->address;
    pthread_mutex_unlock(&shard->lock);
    return listing;
}

void listings_set(struct listings *listings, struct span name, uint64_t now_us,
                  enum listing listing, uint32_t address, uint64_t good_us)
{
    struct shard *shard = lock_shard(listings, name);
    struct entry *entry = map_find(shard->entries, name);
    if (entry != NULL && listing == LISTING_UNKNOWN) {
        entry->asked_until_us = now_us + good_us;
    } else if (entry != NULL) {
        entry->listing = listing;
        entry->address = address;
        entry->good_until_us = now_us + good_us;
        entry->asked_until_us = 0;
    }
    pthread_mutex_unlock(&shard->lock);
}

size_t listings_count(struct listings *listings)
{
    size_t count = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &listings->shards[i];
        pthread_mutex_lock(&shard->lock);
        count += map_count(shard->entries);
        pthread_mutex_unlock(&shard->lock);
    }
    return count;
}
