/* SPDX-License-Identifier: Apache-2.0 */
/* Shards under a lock each: a table of chains, and a ring from the oldest use to the newest. */
#include "sidecar/state/results.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>

#include "rules/base/list.h"
#include "rules/base/map.h"
#include "rules/base/must.h"

enum { CHAINS_LEAST = 16, CHAINS_MOST = 65536, BYTES_A_CHAIN = 1024 };

struct entry {
    struct list link; /* of shard.uses */
    struct entry *next;
    struct results_id id;
    uint64_t until_us;
    struct kept *value;
};

struct shard {
    pthread_mutex_t lock;
    struct entry **chains;
    struct list uses; /* the oldest first */
    size_t count, bytes;
};

struct results {
    _Atomic unsigned owners;
    uint8_t keys[2][16];
    size_t chains, bytes_most; /* of a shard */
    struct shard shards[RESULTS_SHARDS];
};

struct results *results_new(size_t bytes_most)
{
    struct results *results = must_alloc(sizeof *results);
    atomic_init(&results->owners, 1);
    must(getrandom(results->keys, sizeof results->keys, 0) == (ssize_t)sizeof results->keys);
    results->bytes_most = bytes_most / RESULTS_SHARDS;
    results->chains = results->bytes_most / BYTES_A_CHAIN;
    if (results->chains < CHAINS_LEAST)
        results->chains = CHAINS_LEAST;
    if (results->chains > CHAINS_MOST)
        results->chains = CHAINS_MOST;
    for (size_t i = 0; i < RESULTS_SHARDS; i++) {
        struct shard *shard = &results->shards[i];
        must(pthread_mutex_init(&shard->lock, NULL) == 0);
        shard->chains = must_alloc(results->chains * sizeof(struct entry *));
        list_init(&shard->uses);
    }
    return results;
}

struct results *results_take(struct results *results)
{
    atomic_fetch_add_explicit(&results->owners, 1, memory_order_relaxed);
    return results;
}

struct results_id results_id(const struct results *results, struct span key)
{
    return (struct results_id){{siphash(results->keys[0], key), siphash(results->keys[1], key)}};
}

/* ---- inside of a shard, locked ---- */

static struct shard *shard_of(struct results *results, const struct results_id *id)
{
    return &results->shards[id->at[0] % RESULTS_SHARDS];
}

static struct entry **place_of(const struct results *results, struct shard *shard,
                               const struct results_id *id)
{
    struct entry **at = &shard->chains[id->at[1] % results->chains];
    while (*at != NULL && ((*at)->id.at[0] != id->at[0] || (*at)->id.at[1] != id->at[1]))
        at = &(*at)->next;
    return at;
}

static size_t bytes_of(const struct entry *entry)
{
    return entry->value->bytes + sizeof *entry;
}

static void drop(const struct results *results, struct shard *shard, struct entry *entry)
{
    *place_of(results, shard, &entry->id) = entry->next;
    list_remove(&entry->link);
    shard->count--;
    shard->bytes -= bytes_of(entry);
    kept_give(entry->value);
    free(entry);
}

static void make_room(const struct results *results, struct shard *shard)
{
    struct list *oldest;
    while (shard->bytes > results->bytes_most && (oldest = list_first(&shard->uses)) != NULL)
        drop(results, shard, list_entry(oldest, struct entry, link));
}

/* ---- the store ---- */

void results_give(struct results *results)
{
    if (results == NULL || atomic_fetch_sub_explicit(&results->owners, 1, memory_order_acq_rel) > 1)
        return;
    results->bytes_most = 0;
    for (size_t i = 0; i < RESULTS_SHARDS; i++) {
        make_room(results, &results->shards[i]);
        pthread_mutex_destroy(&results->shards[i].lock);
        free(results->shards[i].chains);
    }
    free(results);
}

struct kept *results_find(struct results *results, const struct results_id *id, uint64_t now_us)
{
    struct shard *shard = shard_of(results, id);
    struct kept *value = NULL;
    pthread_mutex_lock(&shard->lock);
    struct entry *entry = *place_of(results, shard, id);
    if (entry != NULL && now_us >= entry->until_us) {
        drop(results, shard, entry);
    } else if (entry != NULL) {
        list_remove(&entry->link);
        list_add(&shard->uses, &entry->link);
        value = kept_take(entry->value);
    }
    pthread_mutex_unlock(&shard->lock);
    return value;
}

void results_set(struct results *results, const struct results_id *id, uint64_t until_us,
                 struct kept *value)
{
    struct entry *entry = must_alloc(sizeof *entry);
    *entry = (struct entry){.id = *id, .until_us = until_us};
    entry->value = kept_take(value);
    list_init(&entry->link);
    struct shard *shard = shard_of(results, &entry->id);
    pthread_mutex_lock(&shard->lock);
    struct entry *old = *place_of(results, shard, &entry->id);
    if (old != NULL)
        drop(results, shard, old);
    if (bytes_of(entry) > results->bytes_most) { /* it would drive all others out, and itself */
        pthread_mutex_unlock(&shard->lock);
        kept_give(value);
        free(entry);
        return;
    }
    struct entry **at = place_of(results, shard, &entry->id);
    entry->next = *at;
    *at = entry;
    list_add(&shard->uses, &entry->link);
    shard->count++;
    shard->bytes += bytes_of(entry);
    make_room(results, shard);
    pthread_mutex_unlock(&shard->lock);
}

struct results_held results_held(struct results *results)
{
    struct results_held held = {0, 0};
    for (size_t i = 0; i < RESULTS_SHARDS; i++) {
        struct shard *shard = &results->shards[i];
        pthread_mutex_lock(&shard->lock);
        held.count += shard->count;
        held.bytes += shard->bytes;
        pthread_mutex_unlock(&shard->lock);
    }
    return held;
}
