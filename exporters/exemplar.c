/* SPDX-License-Identifier: Apache-2.0 */
/* Exemplars between threads. */
#include "exporters/exemplar.h"

#include <stddef.h>
#include <string.h>

#include "rules/base/must.h"

_Static_assert(sizeof(struct exemplar) == EXEMPLAR_WORDS * sizeof(uint64_t), "words hold all");
_Static_assert(offsetof(struct exemplar, wall_us) == (EXEMPLAR_WORDS - 1) * sizeof(uint64_t),
               "the time is the last word");
enum { READS_MOST = 16 };

void exemplar_put(struct exemplar_slot *slot, const struct exemplar *of, uint64_t value)
{
    uint64_t words[EXEMPLAR_WORDS];
    struct exemplar exemplar = *of;
    if (!exemplar_is_due(slot, of->wall_us))
        return;
    exemplar.value = value;
    uint64_t version = atomic_load_explicit(&slot->version, memory_order_relaxed);
    must(version % 2 == 0);
    memcpy(words, &exemplar, sizeof words);
    atomic_store_explicit(&slot->version, version + 1, memory_order_relaxed);
    for (unsigned i = 0; i < EXEMPLAR_WORDS; i++)
        atomic_store_explicit(&slot->words[i], words[i], memory_order_release);
    atomic_store_explicit(&slot->version, version + 2, memory_order_release);
}

bool exemplar_get(const struct exemplar_slot *slot, struct exemplar *to)
{
    uint64_t words[EXEMPLAR_WORDS];
    for (unsigned reads = 0; reads < READS_MOST; reads++) {
        uint64_t before = atomic_load_explicit(&slot->version, memory_order_acquire);
        for (unsigned i = 0; i < EXEMPLAR_WORDS; i++)
            words[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
        uint64_t after = atomic_load_explicit(&slot->version, memory_order_relaxed);
        if (before == after && before % 2 == 0) {
            memcpy(to, words, sizeof words);
            return before > 0;
        }
    }
    return false;
}
