/* SPDX-License-Identifier: Apache-2.0 */
/* One request that stands for many: written by the worker that counted it, read by anybody.
 *
 *   version | trace | trace | span | value | when      odd: somebody is writing
 *
 * The words are stored with release and loaded with acquire, so that a reader who finds the same
 * even version before and after has words of one exemplar. */
#ifndef SIDEGATE_EXPORTERS_EXEMPLAR_H
#define SIDEGATE_EXPORTERS_EXEMPLAR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct exemplar {
    uint8_t trace_id[16], span_id[8];
    uint64_t value, wall_us; /* wall 0: there is none */
};

enum { EXEMPLAR_WORDS = 5, EXEMPLAR_STANDS_US = 1000000 };

/* All zero: none. */
struct exemplar_slot {
    _Atomic uint64_t version;
    _Atomic uint64_t words[EXEMPLAR_WORDS];
};

/* An exemplar stands for a second at least, so that a busy worker seldom writes; a clock that was
 * set back looks like a long time. The writer's question. */
static inline bool exemplar_is_due(const struct exemplar_slot *slot, uint64_t wall_us)
{
    uint64_t there = atomic_load_explicit(&slot->words[EXEMPLAR_WORDS - 1], memory_order_relaxed);
    return there == 0 || wall_us - there >= EXEMPLAR_STANDS_US;
}
/* One writer. Of such a figure; nothing, where it is not due. */
void exemplar_put(struct exemplar_slot *slot, const struct exemplar *of, uint64_t value);
/* False: there is none, or it was being written all the time. */
bool exemplar_get(const struct exemplar_slot *slot, struct exemplar *to);

#endif
