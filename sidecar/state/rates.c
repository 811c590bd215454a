/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of eight slots, in shards under a lock each; a key may stand in either of two sets. */
#include "sidecar/state/rates.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/map.h"
#include "rules/base/must.h"

enum { WAYS = 8, SHARDS = 64, KEYS_LEAST = 1024, LINE_BYTES = 64, HASH_KEY_BYTES = 16 };
/* Of how many parts a window is: as many, and one that is going, as whole cache lines hold. */
enum { PARTS = 9, FINE_PARTS = 57 };
#define FILL_MOST_US (UINT64_C(366) * 86400000000)

struct slot {
    uint64_t key[2];   /* zero: nobody's */
    uint64_t at;       /* window: the latest part's number; bucket: when it is full again, in ns */
    uint32_t counts[]; /* window: of part n at n % (parts + 1) */
};
enum { SLOT_BYTES = sizeof(struct slot) + (PARTS + 1) * sizeof(uint32_t) };
enum { FINE_SLOT_BYTES = sizeof(struct slot) + (FINE_PARTS + 1) * sizeof(uint32_t) };
_Static_assert((size_t)SLOT_BYTES == LINE_BYTES, "a slot is a cache line");
_Static_assert((size_t)FINE_SLOT_BYTES == (size_t)4 * LINE_BYTES, "a finer one is four");

struct shard {
    _Alignas(LINE_BYTES) pthread_mutex_t lock;
    uint64_t forgotten;
};

struct rates {
    struct shard shards[SHARDS];
    _Atomic unsigned owners;
    struct rate_limit limit;
    uint64_t part_us;  /* window: how long a part is */
    unsigned counts;   /* window: parts, and the one that is going */
    uint64_t token_ns; /* bucket: from one token to the next */
    size_t set_count;  /* a power of two */
    size_t slot_bytes;
    void *memory; /* the slots begin in it at a cache line: they share none */
    char *slots;
};

static struct slot *slot_at(const struct rates *rates, size_t set, size_t i)
{
    void *slot = rates->slots + (set * WAYS + i) * rates->slot_bytes;
    return slot;
}

/* ---- keys ---- */

struct rate_key rate_key_of(struct span text)
{
    uint8_t second[HASH_KEY_BYTES];
    for (size_t i = 0; i < HASH_KEY_BYTES; i++)
        second[i] = hash_key()[i] ^ 0xff;
    return (struct rate_key){{siphash(hash_key(), text), siphash(second, text)}};
}

struct rate_key rate_key_join(const struct rate_key *keys, size_t count)
{
    return count == 1 ? keys[0] : rate_key_of(span_make((const char *)keys, count * sizeof *keys));
}

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
    unsigned parts = limit->algorithm == RATE_COUNT ? FINE_PARTS : PARTS;
    if (limit->limit == 0 || limit->window_us < parts || limit->window_us > FILL_MOST_US)
        return false;
    if (limit->algorithm != RATE_TOKEN_BUCKET)
        return true;
    return limit->burst > 0 && token_ns(limit) <= FILL_MOST_US * 1000 / limit->burst;
}

struct rates *rates_new(const struct rate_limit *limit)
{
    must(rate_limit_fits(limit));
    bool fine = limit->algorithm == RATE_COUNT;
    unsigned parts = fine ? FINE_PARTS : PARTS;
    size_t sets = sets_for(limit->keys_most), slot_bytes = fine ? FINE_SLOT_BYTES : SLOT_BYTES;
    char *memory = calloc(1, sets * WAYS * slot_bytes + LINE_BYTES); /* resident as keys come */
    if (memory == NULL)
        return NULL;
    struct rates *rates = aligned_alloc(LINE_BYTES, sizeof *rates);
    must(rates != NULL);
    memset(rates, 0, sizeof *rates);
    for (size_t i = 0; i < SHARDS; i++)
        must(pthread_mutex_init(&rates->shards[i].lock, NULL) == 0);
    atomic_init(&rates->owners, 1);
    rates->limit = *limit;
    rates->part_us = (limit->window_us + parts - 1) / parts;
    rates->counts = parts + 1;
    rates->token_ns = token_ns(limit);
    rates->set_count = sets;
    rates->slot_bytes = slot_bytes;
    rates->memory = memory;
    rates->slots = memory + (LINE_BYTES - (uintptr_t)memory % LINE_BYTES);
    must((uintptr_t)rates->slots % LINE_BYTES == 0);
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
    free(rates->memory);
    free(rates);
}

size_t rates_bytes(const struct rates *rates)
{
    return sizeof *rates + rates->set_count * WAYS * rates->slot_bytes + LINE_BYTES;
}

/* ---- a window ---- */

/* Takes the parts out that have left the window. */
static void window_move(const struct rates *rates, struct slot *slot, uint64_t now_us)
{
    uint64_t part = now_us / rates->part_us;
    if (part <= slot->at)
        return;
    uint64_t gone = part - slot->at;
    for (uint64_t i = 1; i <= gone && i <= rates->counts; i++)
        slot->counts[(slot->at + i) % rates->counts] = 0;
    slot->at = part;
}

static uint64_t window_sum(const struct rates *rates, const struct slot *slot)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < rates->counts; i++)
        sum += slot->counts[i];
    return sum;
}

/* When the oldest part with anything in it is out. */
static uint64_t window_opens_us(const struct rates *rates, const struct slot *slot)
{
    uint64_t parts = rates->counts - 1, part = slot->at < parts ? 0 : slot->at - parts;
    while (part < slot->at && slot->counts[part % rates->counts] == 0)
        part++;
    return (part + rates->counts) * rates->part_us;
}

static struct rate_verdict window_ask(const struct rates *rates, struct slot *slot, uint64_t now_us)
{
    window_move(rates, slot, now_us);
    uint64_t sum = window_sum(rates, slot);
    if (sum >= rates->limit.limit) {
        uint64_t opens_us = window_opens_us(rates, slot);
        return (struct rate_verdict){.retry_us = opens_us > now_us ? opens_us - now_us : 1};
    }
    slot->counts[slot->at % rates->counts]++;
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
    return window_sum(rates, slot);
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
static struct place place_in(const struct rates *rates, const struct shard *shard, size_t set,
                             uint64_t now_us)
{
    struct place place = {.level = UINT64_MAX};
    for (size_t i = 0; i < WAYS; i++) {
        struct slot *slot = slot_at(rates, set, (i + shard->forgotten) % WAYS);
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
                                const size_t sets[2], uint64_t now_us)
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

static struct slot *find_in(const struct rates *rates, size_t set, const struct rate_key *key)
{
    for (size_t i = 0; i < WAYS; i++) {
        struct slot *slot = slot_at(rates, set, i);
        if (slot->key[0] == key->at[0] && slot->key[1] == key->at[1])
            return slot;
    }
    return NULL;
}

/* Both sets of a key are of one shard: its bits are the same in either's number. */
static struct slot *find(const struct rates *rates, struct shard *shard, const struct rate_key *key,
                         uint64_t now_us)
{
    uint64_t mask = rates->set_count - 1, shared = key->at[0] % SHARDS;
    uint64_t other = (key->at[1] & mask & ~(uint64_t)(SHARDS - 1)) | shared;
    const size_t sets[2] = {(size_t)(key->at[0] & mask), (size_t)other};
    struct slot *slot = find_in(rates, sets[0], key);
    if (slot == NULL)
        slot = find_in(rates, sets[1], key);
    if (slot != NULL)
        return slot;
    slot = give_up_one(rates, shard, sets, now_us);
    memset(slot, 0, rates->slot_bytes);
    memcpy(slot->key, key->at, sizeof slot->key);
    if (rates->limit.algorithm != RATE_TOKEN_BUCKET)
        slot->at = now_us / rates->part_us;
    return slot;
}

/* Zero is nobody's. */
static struct rate_key own_key(const struct rate_key *key)
{
    struct rate_key own = *key;
    own.at[0] |= (uint64_t)((own.at[0] | own.at[1]) == 0);
    return own;
}

struct rate_verdict rates_ask(struct rates *rates, const struct rate_key *key, uint64_t now_us)
{
    struct rate_key own = own_key(key);
    struct shard *shard = &rates->shards[own.at[0] % SHARDS];
    must(rates->limit.algorithm != RATE_COUNT);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = find(rates, shard, &own, now_us);
    struct rate_verdict verdict = rates->limit.algorithm == RATE_TOKEN_BUCKET
                                      ? bucket_ask(rates, slot, now_us)
                                      : window_ask(rates, slot, now_us);
    pthread_mutex_unlock(&shard->lock);
    return verdict;
}

uint64_t rates_count(struct rates *rates, const struct rate_key *key, uint64_t now_us)
{
    struct rate_key own = own_key(key);
    struct shard *shard = &rates->shards[own.at[0] % SHARDS];
    must(rates->limit.algorithm == RATE_COUNT);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = find(rates, shard, &own, now_us);
    window_move(rates, slot, now_us);
    uint32_t *count = &slot->counts[slot->at % rates->counts];
    *count += *count < UINT32_MAX;
    uint64_t sum = window_sum(rates, slot);
    pthread_mutex_unlock(&shard->lock);
    return sum;
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
