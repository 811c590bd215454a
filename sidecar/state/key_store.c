/* SPDX-License-Identifier: Apache-2.0 */
/* A few slots and the number of the current one. A reader counts itself in a slot and looks whether
 * it is still the current one; the writer frees a slot that is not current and that nobody is
 * counted in. Both go by one order over all (sequential consistency): either the writer sees the
 * reader, or the reader sees that the slot is not current any more. */
#include "sidecar/state/key_store.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "rules/base/must.h"

enum { SLOTS = 4, SECOND_US = 1000000, DOUBLINGS = 16 };

struct slot {
    _Atomic unsigned readers;
    void *set;
    uint64_t version;
    uint64_t good_until_us;
};

struct key_store {
    _Atomic unsigned count; /* who has it */
    struct key_store_settings settings;
    void (*free_set)(void *set);
    struct slot slots[SLOTS];
    _Atomic unsigned current;

    pthread_mutex_t lock; /* of what follows, and of who writes slots */
    void (*wanted)(void *context);
    void *context;
    bool is_wanted, is_under_way;
    unsigned failures; /* since the last success */
    uint64_t due_us, ended_us;
    uint64_t unknown_us; /* up to when fetches for unknown keys have been spent */
    bool has_ended;
    struct key_store_figures figures;
};

/* ---- life ---- */

struct key_store *key_store_new(const struct key_store_settings *settings,
                                void (*free_set)(void *set))
{
    struct key_store *store = must_alloc(sizeof *store);
    store->count = 1;
    store->settings = *settings;
    store->free_set = free_set;
    must(pthread_mutex_init(&store->lock, NULL) == 0);
    return store;
}

struct key_store *key_store_take(struct key_store *store)
{
    atomic_fetch_add_explicit(&store->count, 1, memory_order_relaxed);
    return store;
}

void key_store_give(struct key_store *store)
{
    if (store == NULL || atomic_fetch_sub_explicit(&store->count, 1, memory_order_acq_rel) > 1)
        return;
    for (unsigned i = 0; i < SLOTS; i++)
        if (store->slots[i].set != NULL)
            store->free_set(store->slots[i].set);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* ---- who uses keys ---- */

struct key_hold key_store_hold(struct key_store *store, uint64_t now_us)
{
    for (;;) {
        unsigned i = atomic_load(&store->current);
        struct slot *slot = &store->slots[i];
        atomic_fetch_add(&slot->readers, 1);
        if (atomic_load(&store->current) == i) {
            bool is_good = now_us < slot->good_until_us;
            return (struct key_hold){is_good ? slot->set : NULL, slot->version, i};
        }
        atomic_fetch_sub(&slot->readers, 1);
    }
}

void key_store_let_go(struct key_store *store, const struct key_hold *hold)
{
    atomic_fetch_sub(&store->slots[hold->slot].readers, 1);
}

/* A few at once, and then now and then: nobody makes us ask the issuer again and again by naming
 * keys that there are not. Where there are no keys at all everybody would ask: now and then. */
static bool may_ask(struct key_store *store, uint64_t now_us)
{
    const uint64_t pause_us = (uint64_t)KEY_STORE_UNKNOWN_S * SECOND_US;
    const struct slot *slot = &store->slots[store->current];
    if (store->wanted == NULL || store->settings.refresh_us == 0)
        return false;
    if (slot->set == NULL || now_us >= slot->good_until_us)
        return now_us >= store->ended_us + pause_us;
    uint64_t from_us = store->unknown_us > now_us ? store->unknown_us : now_us;
    if (from_us - now_us > (KEY_STORE_UNKNOWN_AHEAD - 1) * pause_us)
        return false;
    store->unknown_us = from_us + pause_us;
    return true;
}

enum key_store_word key_store_ask(struct key_store *store, uint64_t version, uint64_t now_us)
{
    enum key_store_word word = KEYS_SAME;
    pthread_mutex_lock(&store->lock);
    bool is_first = !store->has_ended && store->wanted != NULL && store->settings.refresh_us > 0;
    if (store->slots[store->current].version != version) {
        word = KEYS_CHANGED;
    } else if (store->is_under_way || store->is_wanted || is_first) {
        word = KEYS_COMING;
    } else if (may_ask(store, now_us)) {
        word = KEYS_COMING;
        store->is_wanted = true;
        store->wanted(store->context);
    }
    pthread_mutex_unlock(&store->lock);
    return word;
}

/* ---- who fetches ---- */

void key_store_watch(struct key_store *store, void (*wanted)(void *context), void *context)
{
    pthread_mutex_lock(&store->lock);
    store->wanted = wanted;
    store->context = context;
    store->is_wanted = store->is_wanted && wanted != NULL;
    pthread_mutex_unlock(&store->lock);
}

uint64_t key_store_due_us(struct key_store *store)
{
    pthread_mutex_lock(&store->lock);
    uint64_t due_us = store->is_wanted ? 0 : store->due_us;
    if (store->is_under_way || store->settings.refresh_us == 0)
        due_us = UINT64_MAX;
    pthread_mutex_unlock(&store->lock);
    return due_us;
}

void key_store_begin(struct key_store *store)
{
    pthread_mutex_lock(&store->lock);
    must(!store->is_under_way);
    store->is_under_way = true;
    store->is_wanted = false;
    pthread_mutex_unlock(&store->lock);
}

/* Under the lock. */
static void free_old(struct key_store *store)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *slot = &store->slots[i];
        if (i == store->current || slot->set == NULL || atomic_load(&slot->readers) > 0)
            continue;
        store->free_set(slot->set);
        slot->set = NULL;
    }
}

/* Under the lock. Readers hold a set for less than a millisecond. */
static unsigned empty_slot(struct key_store *store)
{
    for (;;) {
        free_old(store);
        for (unsigned i = 0; i < SLOTS; i++)
            if (i != store->current && store->slots[i].set == NULL &&
                atomic_load(&store->slots[i].readers) == 0)
                return i;
        sched_yield();
    }
}

static uint64_t sum_or_ever(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t life_of(const struct key_store *store, uint64_t life_us)
{
    uint64_t most = store->settings.refresh_us;
    uint64_t least = (uint64_t)KEY_STORE_LIFE_LEAST_S * SECOND_US;
    if (life_us == 0 || life_us > most)
        return most;
    return life_us > least ? life_us : least < most ? least : most;
}

static void end(struct key_store *store, uint64_t now_us)
{
    store->is_under_way = false;
    store->ended_us = now_us;
    store->has_ended = true;
}

void key_store_set(struct key_store *store, void *set, uint64_t life_us, uint64_t now_us,
                   uint64_t chance)
{
    bool for_ever = store->settings.refresh_us == 0;
    uint64_t life = for_ever ? UINT64_MAX : life_of(store, life_us);
    pthread_mutex_lock(&store->lock);
    unsigned i = empty_slot(store);
    struct slot *slot = &store->slots[i];
    uint64_t version = store->slots[store->current].version + 1;
    slot->set = set;
    slot->version = version;
    slot->good_until_us = sum_or_ever(now_us, sum_or_ever(life, store->settings.stale_us));
    atomic_store(&store->current, i);
    free_old(store);
    end(store, now_us);
    store->failures = 0;
    /* from five eighths to three quarters of its life: not all sidecars at once */
    store->due_us = for_ever ? UINT64_MAX : now_us + life / 8 * 5 + chance % (life / 8 + 1);
    store->figures.fetched++;
    store->figures.fetched_us = now_us;
    pthread_mutex_unlock(&store->lock);
}

void key_store_failed(struct key_store *store, uint64_t now_us, uint64_t chance)
{
    uint64_t most = (uint64_t)KEY_STORE_RETRY_MOST_S * SECOND_US;
    pthread_mutex_lock(&store->lock);
    uint64_t pause = (uint64_t)KEY_STORE_RETRY_LEAST_S * SECOND_US << store->failures;
    pause = pause < most ? pause : most;
    store->due_us = now_us + pause / 2 + chance % (pause / 2 + 1);
    store->failures += store->failures < DOUBLINGS;
    store->figures.failed++;
    end(store, now_us);
    pthread_mutex_unlock(&store->lock);
}

struct key_store_figures key_store_figures(struct key_store *store)
{
    pthread_mutex_lock(&store->lock);
    struct key_store_figures figures = store->figures;
    pthread_mutex_unlock(&store->lock);
    return figures;
}
