/* SPDX-License-Identifier: Apache-2.0 */
/* Block lists and places as rules ask them. Rules know no network and no database: who runs them
 * hands the asking in. */
#ifndef SIDEGATE_RULES_MATCH_LOOKUP_H
#define SIDEGATE_RULES_MATCH_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/ip.h"
#include "rules/base/span.h"

enum lookup {
    LOOKUP_UNKNOWN, /* nobody has answered yet */
    LOOKUP_NOT_LISTED,
    LOOKUP_LISTED,
};

enum { PLACE_MEMBERS = 9 };

struct lookups {
    /* Is the name (4.3.2.1.list.example) listed? Never waits. LISTED: *address is the answer,
     * 127.0.0.2 as 0x7f000002. NULL: everything is unknown. */
    enum lookup (*ask)(void *context, struct span name, uint32_t *address);
    void *context;
    /* Where is it? What is known, as members of GEO ("COUNTRY_CODE", "DE"); texts that have to be
     * made lie in the arena. Returns how many; 0: nobody knows. NULL: there is no database. */
    size_t (*place)(const void *places, const struct ip *ip, struct arena *arena,
                    struct pair members[PLACE_MEMBERS]);
    const void *places;
    struct span http_bl_key; /* SecHttpBlKey; at == NULL: none */
};

#endif
