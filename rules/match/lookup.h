/* SPDX-License-Identifier: Apache-2.0 */
/* Block lists as rules ask them. Rules know no network: who runs them hands the asking in. */
#ifndef SIDEGATE_RULES_MATCH_LOOKUP_H
#define SIDEGATE_RULES_MATCH_LOOKUP_H

#include <stdint.h>

#include "rules/base/span.h"

enum lookup {
    LOOKUP_UNKNOWN, /* nobody has answered yet */
    LOOKUP_NOT_LISTED,
    LOOKUP_LISTED,
};

struct lookups {
    /* Is the name (4.3.2.1.list.example) listed? Never waits. LISTED: *address is the answer,
     * 127.0.0.2 as 0x7f000002. NULL: everything is unknown. */
    enum lookup (*ask)(void *context, struct span name, uint32_t *address);
    void *context;
    struct span http_bl_key; /* SecHttpBlKey; at == NULL: none */
};

#endif
