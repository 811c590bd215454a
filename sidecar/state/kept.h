/* SPDX-License-Identifier: Apache-2.0 */
/* What a store holds without knowing it: frozen, counted over threads, freed by who gives the last
 * count back. It stands first in the struct that it is a part of. */
#ifndef SIDEGATE_SIDECAR_STATE_KEPT_H
#define SIDEGATE_SIDECAR_STATE_KEPT_H

#include <stdatomic.h>
#include <stddef.h>

struct kept {
    _Atomic unsigned owners;
    size_t bytes; /* what it takes, all in all */
    void (*free)(struct kept *kept);
};

static inline void kept_init(struct kept *kept, size_t bytes, void (*free)(struct kept *kept))
{
    atomic_init(&kept->owners, 1);
    kept->bytes = bytes;
    kept->free = free;
}
static inline struct kept *kept_take(struct kept *kept)
{
    atomic_fetch_add_explicit(&kept->owners, 1, memory_order_relaxed);
    return kept;
}
static inline void kept_give(struct kept *kept) /* NULL allowed */
{
    if (kept != NULL && atomic_fetch_sub_explicit(&kept->owners, 1, memory_order_acq_rel) == 1)
        kept->free(kept);
}

#endif
