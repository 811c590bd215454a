/* SPDX-License-Identifier: Apache-2.0 */
/* Slots with linear probing, at most half full; how often each length occurs is counted, so that a
 * look masks and probes for those alone. */
#include "sidecar/state/live_entries.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/map.h"
#include "rules/base/must.h"

enum { ROOM_FIRST = 64, LENGTHS = IP_BYTES * 8 + 1 };

struct slot {
    struct live_entry entry;
    char *reason; /* heap */
    bool taken;
};

struct live_entries {
    _Atomic unsigned holders;
    _Atomic size_t count;
    size_t most;
    pthread_rwlock_t lock; /* of all below, and of every change of count */
    struct slot *slots;
    size_t room; /* a power of two */
    unsigned of_length[LENGTHS];
};

struct live_entries *live_entries_new(size_t most)
{
    struct live_entries *entries = must_alloc(sizeof *entries);
    pthread_rwlockattr_t attributes;
    atomic_init(&entries->holders, 1);
    entries->most = most;
    entries->room = ROOM_FIRST;
    entries->slots = must_alloc(entries->room * sizeof *entries->slots);
    /* Readers come without end under load; who changes something must not wait for a gap. */
    must(pthread_rwlockattr_init(&attributes) == 0);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    must(pthread_rwlock_init(&entries->lock, &attributes) == 0);
    pthread_rwlockattr_destroy(&attributes);
    return entries;
}

struct live_entries *live_entries_take(struct live_entries *entries)
{
    atomic_fetch_add_explicit(&entries->holders, 1, memory_order_relaxed);
    return entries;
}

void live_entries_give(struct live_entries *entries)
{
    if (entries == NULL ||
        atomic_fetch_sub_explicit(&entries->holders, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < entries->room; i++)
        free(entries->slots[i].reason);
    free(entries->slots);
    pthread_rwlock_destroy(&entries->lock);
    free(entries);
}

/* ---- slots ---- */

static size_t home_of(const struct live_entries *entries, const struct network *network)
{
    char text[IP_BYTES + 1];
    memcpy(text, network->at.at, IP_BYTES);
    text[IP_BYTES] = (char)(unsigned char)network->bits;
    return siphash(hash_key(), span_make(text, sizeof text)) & (entries->room - 1);
}

static bool is_same(const struct network *a, const struct network *b)
{
    return a->bits == b->bits && memcmp(&a->at, &b->at, sizeof a->at) == 0;
}

/* Where it is, or the free slot where it would be. */
static struct slot *slot_of(const struct live_entries *entries, const struct network *network)
{
    size_t at = home_of(entries, network);
    while (entries->slots[at].taken && !is_same(&entries->slots[at].entry.network, network))
        at = (at + 1) & (entries->room - 1);
    return &entries->slots[at];
}

static bool is_over(const struct slot *slot, uint64_t now_us)
{
    return now_us >= slot->entry.until_us;
}

static void grow(struct live_entries *entries)
{
    struct slot *old = entries->slots;
    size_t old_room = entries->room;
    entries->room *= 2;
    entries->slots = must_alloc(entries->room * sizeof *entries->slots);
    for (size_t i = 0; i < old_room; i++)
        if (old[i].taken)
            *slot_of(entries, &old[i].entry.network) = old[i];
    free(old);
}

/* Those behind it that would not be found any more move up. */
static void empty(struct live_entries *entries, struct slot *slot)
{
    size_t mask = entries->room - 1, hole = (size_t)(slot - entries->slots);
    entries->of_length[slot->entry.network.bits]--;
    atomic_fetch_sub_explicit(&entries->count, 1, memory_order_release);
    free(slot->reason);
    for (size_t at = (hole + 1) & mask; entries->slots[at].taken; at = (at + 1) & mask) {
        size_t home = home_of(entries, &entries->slots[at].entry.network);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        entries->slots[hole] = entries->slots[at];
        hole = at;
    }
    entries->slots[hole] = (struct slot){0};
}

static void keep_reason(struct slot *slot, struct span reason)
{
    size_t len = reason.len < LIVE_REASON_BYTES ? reason.len : LIVE_REASON_BYTES;
    free(slot->reason);
    slot->reason = must_alloc(len + 1);
    memcpy(slot->reason, len > 0 ? reason.at : "", len);
    slot->entry.reason = span_make(slot->reason, len);
}

/* ---- changes ---- */

static uint64_t sweep(struct live_entries *entries, uint64_t now_us,
                      void (*see)(void *context, const struct live_entry *entry), void *context)
{
    uint64_t next_us = LIVE_FOR_EVER;
    for (size_t i = 0; i < entries->room;) {
        struct slot *slot = &entries->slots[i];
        if (slot->taken && is_over(slot, now_us)) {
            if (see != NULL)
                see(context, &slot->entry);
            empty(entries, slot); /* another one may stand here now */
            continue;
        }
        if (slot->taken && slot->entry.until_us < next_us)
            next_us = slot->entry.until_us;
        i++;
    }
    return next_us;
}

uint64_t live_entries_sweep(struct live_entries *entries, uint64_t now_us,
                            void (*see)(void *context, const struct live_entry *entry),
                            void *context)
{
    pthread_rwlock_wrlock(&entries->lock);
    uint64_t next_us = sweep(entries, now_us, see, context);
    pthread_rwlock_unlock(&entries->lock);
    return next_us;
}

static enum live_put put(struct live_entries *entries, const struct live_entry *entry,
                         uint64_t now_us)
{
    struct slot *slot = slot_of(entries, &entry->network);
    bool known = slot->taken, lives = known && !is_over(slot, now_us);
    if (!known) {
        if (entries->count >= entries->most)
            sweep(entries, now_us, NULL, NULL);
        if (entries->count >= entries->most)
            return LIVE_FULL;
        if (entries->count >= entries->room / 2)
            grow(entries);
        slot = slot_of(entries, &entry->network);
        entries->of_length[entry->network.bits]++;
        atomic_fetch_add_explicit(&entries->count, 1, memory_order_release);
    }
    slot->taken = true;
    slot->entry = *entry;
    keep_reason(slot, entry->reason);
    return lives ? LIVE_CHANGED : LIVE_ADDED;
}

enum live_put live_entries_put(struct live_entries *entries, const struct live_entry *entry,
                               uint64_t now_us)
{
    must(entry->network.bits < LENGTHS);
    pthread_rwlock_wrlock(&entries->lock);
    enum live_put result = put(entries, entry, now_us);
    pthread_rwlock_unlock(&entries->lock);
    return result;
}

bool live_entries_remove(struct live_entries *entries, const struct network *network,
                         uint64_t now_us)
{
    pthread_rwlock_wrlock(&entries->lock);
    struct slot *slot = slot_of(entries, network);
    bool lives = slot->taken && !is_over(slot, now_us);
    if (slot->taken)
        empty(entries, slot);
    pthread_rwlock_unlock(&entries->lock);
    return lives;
}

/* ---- looks ---- */

static struct network masked(const struct ip *ip, unsigned bits)
{
    struct network network = {*ip, bits};
    unsigned whole = bits / 8;
    if (whole < IP_BYTES) {
        network.at.at[whole] &= (uint8_t) ~(0xffU >> bits % 8);
        memset(network.at.at + whole + 1, 0, IP_BYTES - whole - 1);
    }
    return network;
}

static bool have(const struct live_entries *entries, const struct ip *ip, uint64_t now_us)
{
    for (unsigned bits = ip_is_v4(ip) ? IP_MAPPED_BITS : 0; bits < LENGTHS; bits++) {
        if (entries->of_length[bits] == 0)
            continue;
        struct network network = masked(ip, bits);
        const struct slot *slot = slot_of(entries, &network);
        if (slot->taken && !is_over(slot, now_us))
            return true;
    }
    return false;
}

bool live_entries_have(struct live_entries *entries, const struct ip *ip, uint64_t now_us)
{
    if (atomic_load_explicit(&entries->count, memory_order_relaxed) == 0)
        return false;
    pthread_rwlock_rdlock(&entries->lock);
    bool found = have(entries, ip, now_us);
    pthread_rwlock_unlock(&entries->lock);
    return found;
}

size_t live_entries_count(const struct live_entries *entries)
{
    return atomic_load_explicit(&entries->count, memory_order_relaxed);
}

void live_entries_each(struct live_entries *entries, uint64_t now_us,
                       void (*see)(void *context, const struct live_entry *entry), void *context)
{
    pthread_rwlock_rdlock(&entries->lock);
    for (size_t i = 0; i < entries->room; i++)
        if (entries->slots[i].taken && !is_over(&entries->slots[i], now_us))
            see(context, &entries->slots[i].entry);
    pthread_rwlock_unlock(&entries->lock);
}
