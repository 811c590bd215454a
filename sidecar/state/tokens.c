/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of eight slots; a lock stands for every LOCKS-th set. */
#include "sidecar/state/tokens.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "rules/base/map.h"
#include "rules/base/must.h"

enum { SLOTS = 8, LOCKS = 32 };

struct slot {
    uint64_t id[2];
    uint64_t until_s;
    uint64_t used; /* by the set's own count */
    char *value;   /* NULL: the slot is free */
    size_t len;
};

struct set {
    struct slot slots[SLOTS];
    uint64_t uses;
};

struct tokens {
    _Atomic unsigned users;
    uint8_t keys[2][16];
    pthread_mutex_t locks[LOCKS];
    size_t count; /* of sets */
    struct set *sets;
};

struct tokens *tokens_new(size_t most)
{
    struct tokens *tokens = must_alloc(sizeof *tokens);
    must(getrandom(tokens->keys, sizeof tokens->keys, 0) == (ssize_t)sizeof tokens->keys);
    tokens->users = 1;
    tokens->count = most / SLOTS + 1;
    tokens->sets = must_alloc(tokens->count * sizeof *tokens->sets);
    for (size_t i = 0; i < LOCKS; i++)
        must(pthread_mutex_init(&tokens->locks[i], NULL) == 0);
    return tokens;
}

struct tokens *tokens_take(struct tokens *tokens)
{
    atomic_fetch_add_explicit(&tokens->users, 1, memory_order_relaxed);
    return tokens;
}

void tokens_give(struct tokens *tokens)
{
    if (tokens == NULL || atomic_fetch_sub_explicit(&tokens->users, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < tokens->count * SLOTS; i++)
        free(tokens->sets[i / SLOTS].slots[i % SLOTS].value);
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&tokens->locks[i]);
    free(tokens->sets);
    free(tokens);
}

/* A token's place, locked. */
struct held {
    pthread_mutex_t *lock;
    struct set *set;
    uint64_t id[2];
};

static struct held hold(struct tokens *tokens, struct span token)
{
    struct held held = {.id = {siphash(tokens->keys[0], token), siphash(tokens->keys[1], token)}};
    size_t i = (size_t)(held.id[0] % tokens->count);
    held.set = &tokens->sets[i];
    held.lock = &tokens->locks[i % LOCKS];
    pthread_mutex_lock(held.lock);
    return held;
}

static struct slot *slot_find(const struct held *held)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &held->set->slots[i];
        if (slot->value != NULL && slot->id[0] == held->id[0] && slot->id[1] == held->id[1])
            return slot;
    }
    return NULL;
}

bool tokens_find(struct tokens *tokens, struct span token, uint64_t now_s, struct arena *arena,
                 struct span *value)
{
    struct held held = hold(tokens, token);
    struct slot *slot = slot_find(&held);
    bool is_good = slot != NULL && now_s < slot->until_s;
    if (is_good) {
        slot->used = ++held.set->uses;
        *value = arena_copy(arena, span_make(slot->value, slot->len));
    }
    pthread_mutex_unlock(held.lock);
    return is_good && !arena_is_full(arena);
}

static struct slot *slot_take(const struct held *held)
{
    struct slot *slot = slot_find(held), *oldest = &held->set->slots[0];
    for (size_t i = 0; i < SLOTS && slot == NULL; i++) {
        struct slot *other = &held->set->slots[i];
        if (other->value == NULL)
            slot = other;
        else if (other->used < oldest->used)
            oldest = other;
    }
    return slot != NULL ? slot : oldest;
}

void tokens_set(struct tokens *tokens, struct span token, uint64_t until_s, struct span value)
{
    if (value.len > TOKENS_VALUE_BYTES)
        return;
    char *copy = must_alloc(value.len + 1);
    if (value.len > 0)
        memcpy(copy, value.at, value.len);
    struct held held = hold(tokens, token);
    struct slot *slot = slot_take(&held);
    char *old = slot->value;
    *slot = (struct slot){
        {held.id[0], held.id[1]}, until_s, ++held.set->uses, copy, value.len,
    };
    pthread_mutex_unlock(held.lock);
    free(old);
}

size_t tokens_count(struct tokens *tokens)
{
    size_t count = 0;
    for (size_t i = 0; i < tokens->count; i++) {
        pthread_mutex_lock(&tokens->locks[i % LOCKS]);
        for (size_t s = 0; s < SLOTS; s++)
            count += tokens->sets[i].slots[s].value != NULL;
        pthread_mutex_unlock(&tokens->locks[i % LOCKS]);
    }
    return count;
}
