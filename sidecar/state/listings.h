/* SPDX-License-Identifier: Apache-2.0 */
/* What block lists said about names, shared by all workers. Bounded: the name that was used the
 * longest ago goes first. A reload keeps them. */
#ifndef SIDEGATE_SIDECAR_STATE_LISTINGS_H
#define SIDEGATE_SIDECAR_STATE_LISTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

struct listings;

enum listing {
    LISTING_UNKNOWN, /* nobody has said, or the asking failed */
    LISTING_NONE,
    LISTING_LISTED,
};

enum {
    LISTINGS_ASKING_US = 10000000, /* how long one who was told to ask has for it */
    LISTINGS_STALE_US = 600000000, /* how long an old answer holds while it is asked for anew */
};

struct listings *listings_new(size_t most);
void listings_free(struct listings *listings); /* NULL allowed */

/* Any thread. *ask: the caller is to ask, for nobody does, and there is no answer that is good
 * still. LISTED: *address is what the list said. */
enum listing listings_find(struct listings *listings, struct span name, uint64_t now_us,
                           uint32_t *address, bool *ask);
/* Any thread. Good for that long; UNKNOWN: nobody is to ask for that long, and an old answer goes
 * on holding. A name that has been dropped in the meantime is forgotten. */
void listings_set(struct listings *listings, struct span name, uint64_t now_us,
                  enum listing listing, uint32_t address, uint64_t good_us);
size_t listings_count(struct listings *listings);

#endif
