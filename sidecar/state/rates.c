/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of eight slots, in shards under a lock each; a key may stand in either of two sets. */
#include "sidecar/state/rates.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"

enum { WAYS = 8, SHARDS = 64, PARTS = 9, COUNTS = PARTS + 1, KEYS_LEAST = 1024, LINE_BYTES = 64 };
#define FILL_MOST_US (UINT64_C(366) * 86400000000)

struct slot {
    uint64_t key[2]; /* zero: nobody's */
    uint64_t at;     /* window: the latest part's number; bucket: when it is full again, in ns */
    uint32_t counts[COUNTS]; /* window: of part n at n % COUNTS */
};
_Static_assert(sizeof(struct slot) == LINE_BYTES, "a slot is a cache line");

struct shard {
    _Alignas(LINE_BYTES) pthread_mutex_t lock;
    uint64_t forgotten;
};

struct rates {
    struct shard shards[SHARDS];
    _Atomic unsigned owners;
    struct rate_limit limit;
    uint64_t part_us;  /* window: a ninth */
    uint64_t token_ns; /* bucket: from one token to the next */
    size_t set_count;  /* a power of two */
    struct slot *slots;
};

/* ---- life ---- */

static size_t sets_for(unsigned keys)
{
    size_t sets = KEYS_LEAST / WAYS;
    while (sets * WAYS < keys)
        sets *= 2;
    return sets;
}

static uint64_t token_ns(const struct rate_limit *limit)
{
    uint64_t ns = limit->window_us * 1000 / limit->limit;
    return ns > 0 ? ns : 1;
}

bool rate_limit_fits(const struct rate_limit *limit)
{
    if (limit->limit == 0 || limit->window_us < PARTS || limit->window_us > FILL_MOST_US)
        return false;
    if (limit->algorithm == RATE_SLIDING_WINDOW)
        return true;
    return limit->burst > 0 && token_ns(limit) <= FILL_MOST_US * 1000 / limit->burst;
}

struct rates *rates_new(const struct rate_limit *limit)
{
    must(rate_limit_fits(limit));
    size_t sets = sets_for(limit->keys_most);
    struct slot *slots = calloc(sets * WAYS, sizeof *slots);
    if (slots == NULL)
        return NULL;
    struct rates *rates = aligned_alloc(LINE_BYTES, sizeof *rates);
    must(rates != NULL);
    memset(rates, 0, sizeof *rates);
    for (size_t i = 0; i < SHARDS; i++)
        must(pthread_mutex_init(&rates->shards[i].lock, NULL) == 0);
    atomic_init(&rates->owners, 1);
    rates->limit = *limit;
    rates->part_us = (limit->window_us + PARTS - 1) / PARTS;
    rates->token_ns = token_ns(limit);
    rates->set_count = sets;
    rates->slots = slots;
    return rates;
}

struct rates *rates_take(struct rates *rates)
{
    atomic_fetch_add_explicit(&rates->owners, 1, memory_order_relaxed);
    return rates;
}

void rates_give(struct rates *rates)
{
    if (rates == NULL || atomic_fetch_sub_explicit(&rates->owners, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_destroy(&rates->shards[i].lock);
    free(rates->slots);
    free(rates);
}

size_t rates_bytes(const struct rates *rates)
{
    return sizeof *rates + rates->set_count * WAYS * sizeof(struct slot);
}

/* ---- a window ---- */

/* Takes the parts out that have left the window. */
static void window_move(const struct rates *rates, struct slot *slot, uint64_t now_us)
{
    uint64_t part = now_us / rates->part_us;
    if (part <= slot->at)
        return;
    uint64_t gone = part - slot->at;
    for (uint64_t i = 1; i <= gone && i <= COUNTS; i++)
        slot->counts[(slot->at + i) % COUNTS] = 0;
    slot->at = part;
}

static uint64_t window_sum(const struct slot *slot)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < COUNTS; i++)
        sum += slot->counts[i];
    return sum;
}

/* When the oldest part with anything in it is out. */
static uint64_t window_opens_us(const struct rates *rates, const struct slot *slot)
{
    uint64_t part = slot->at < PARTS ? 0 : slot->at - PARTS;
    while (part < slot->at && slot->counts[part % COUNTS] == 0)
        part++;
    return (part + COUNTS) * rates->part_us;
}

static struct rate_verdict window_ask(const struct rates *rates, struct slot *slot, uint64_t now_us)
{
    window_move(rates, slot, now_us);
    uint64_t sum = window_sum(slot);
    if (sum >= rates->limit.limit) {
        uint64_t opens_us = window_opens_us(rates, slot);
        return (struct rate_verdict){.retry_us = opens_us > now_us ? opens_us - now_us : 1};
    }
    slot->counts[slot->at % COUNTS]++;
    return (struct rate_verdict){.passes = true,
                                 .remaining = rates->limit.limit - (unsigned)sum - 1};
}

/* ---- a bucket: only the moment at which it is full again ---- */

static struct rate_verdict bucket_ask(const struct rates *rates, struct slot *slot, uint64_t now_us)
{
    uint64_t now_ns = now_us * 1000, whole_ns = rates->token_ns * rates->limit.burst;
    uint64_t full_ns = (slot->at > now_ns ? slot->at : now_ns) + rates->token_ns;
    if (full_ns > now_ns + whole_ns)
        return (struct rate_verdict){.retry_us = (full_ns - now_ns - whole_ns + 999) / 1000};
    slot->at = full_ns;
    uint64_t left = (now_ns + whole_ns - full_ns) / rates->token_ns;
    return (struct rate_verdict){.passes = true, .remaining = (unsigned)left};
}

/* ---- finding a slot ---- */

/* How much is counted; 0: nothing, as if it had never been seen. */
static uint64_t level(const struct rates *rates, struct slot *slot, uint64_t now_us)
{
    if (rates->limit.algorithm == RATE_TOKEN_BUCKET)
        return slot->at > now_us * 1000 ? slot->at - now_us * 1000 : 0;
    window_move(rates, slot, now_us);
    return window_sum(slot);
}

static bool is_free(const struct slot *slot)
{
    return (slot->key[0] | slot->key[1]) == 0;
}

/* The best place in a set for a newcomer. */
struct place {
    struct slot *slot;
    uint64_t level; /* of who stands there; 0: nobody who counts */
    unsigned taken; /* slots of the set that count */
};

/* Where levels are equal the slots take turns: the first one would always be taken, and a newcomer
 * would throw out the newcomer before it. */
static struct place place_in(const struct rates *rates, const struct shard *shard, struct slot *set,
                             uint64_t now_us)
{
    struct place place = {.level = UINT64_MAX};
    for (size_t i = 0; i < WAYS; i++) {
        struct slot *slot = &set[(i + shard->forgotten) % WAYS];
        uint64_t has = is_free(slot) ? 0 : level(rates, slot, now_us);
        place.taken += has > 0;
        if (has < place.level) {
            place.level = has;
            place.slot = slot;
        }
    }
    return place;
}

/* The emptier of the two sets, so that they fill alike; where both are full, the lesser level. */
static struct slot *give_up_one(const struct rates *rates, struct shard *shard,
                                struct slot *const sets[2], uint64_t now_us)
{
    struct place first = place_in(rates, shard, sets[0], now_us);
    struct place second = place_in(rates, shard, sets[1], now_us);
    bool full = first.level > 0 && second.level > 0;
    bool take_second = full ? second.level < first.level : second.taken < first.taken;
    struct place *place = take_second ? &second : &first;
    must(place->slot != NULL);
    shard->forgotten += place->level > 0;
    return place->slot;
}

static struct slot *find_in(struct slot *set, const struct rate_key *key)
{
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key[0] == key->at[0] && set[i].key[1] == key->at[1])
            return &set[i];
    return NULL;
}

/* Both sets of a key are of one shard: its bits are the same in either's number. */
static struct slot *find(const struct rates *rates, struct shard *shard, const struct rate_key *key,
                         uint64_t now_us)
{
    uint64_t mask = rates->set_count - 1, shared = key->at[0] % SHARDS;
    uint64_t other = (key->at[1] & mask & ~(uint64_t)(SHARDS - 1)) | shared;
    struct slot *const sets[2] = {&rates->slots[(key->at[0] & mask) * WAYS],
                                  &rates->slots[other * WAYS]};
    struct slot *slot = find_in(sets[0], key);
    if (slot == NULL)
        slot = find_in(sets[1], key);
    if (slot != NULL)
        return slot;
    slot = give_up_one(rates, shard, sets, now_us);
    *slot = (struct slot){.key = {key->at[0], key->at[1]}};
    if (rates->limit.algorithm == RATE_SLIDING_WINDOW)
        slot->at = now_us / rates->part_us;
    return slot;
}

struct rate_verdict rates_ask(struct rates *rates, const struct rate_key *key, uint64_t now_us)
{
    struct rate_key own = *key;
    own.at[0] |= (uint64_t)((own.at[0] | own.at[1]) == 0); /* zero is nobody's */
    struct shard *shard = &rates->shards[own.at[0] % SHARDS];
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = find(rates, shard, &own, now_us);
    struct rate_verdict verdict = rates->limit.algorithm == RATE_TOKEN_BUCKET
                                      ? bucket_ask(rates, slot, now_us)
                                      : window_ask(rates, slot, now_us);
    pthread_mutex_unlock(&shard->lock);
    return verdict;
}

uint64_t rates_forgotten(struct rates *rates)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &rates->shards[i];
        pthread_mutex_lock(&shard->lock);
        sum += shard->forgotten;
        pthread_mutex_unlock(&shard->lock);
    }
    return sum;
}
