/* SPDX-License-Identifier: Apache-2.0 */
/* @rbl's world: a store of what block lists said, filled behind the requests by the resolver. */
#ifndef SIDEGATE_SIDECAR_BLOCK_LISTS_H
#define SIDEGATE_SIDECAR_BLOCK_LISTS_H

#include "rules/match/lookup.h"
#include "sidecar/config/settings.h"

struct block_lists;

/* NULL: no thread could be made. */
struct block_lists *block_lists_new(const struct settings *settings);
/* After a reload: other servers; what is known stays. */
void block_lists_change(struct block_lists *lists, const struct settings *settings);
void block_lists_free(struct block_lists *lists); /* NULL allowed */

/* Any thread, never waits; see struct lookups. `now_us`: monotonic. */
enum lookup block_lists_ask(struct block_lists *lists, struct span name, uint64_t now_us,
                            uint32_t *address);

/* Questions to the DNS since the start. */
struct block_list_figures {
    uint64_t answered, failed, dropped; /* dropped: too many were under way */
};
struct block_list_figures block_lists_figures(const struct block_lists *lists);

#endif
