/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests an entry is about: a tree of questions about the head, frozen.
 *
 *   { path: /login, not: { ip_set: office } }
 *
 *   ALL -- PATH /login
 *      `-- NOT -- IP_SET 0
 */
#ifndef SIDEGATE_SIDECAR_GUARD_CONDITION_H
#define SIDEGATE_SIDECAR_GUARD_CONDITION_H

#include <stdbool.h>
#include <stddef.h>

#include "sidecar/guard/asked.h"

/* Questions over texts hold where any of the patterns fits; `*` in a pattern is any run. */
enum condition_kind {
    CONDITION_ALL, /* every part holds; none: always */
    CONDITION_ANY, /* one of the parts holds */
    CONDITION_NOT, /* its only part does not hold */
    CONDITION_IP_SET,
    CONDITION_ADDRESS, /* of the client, in one of the networks */
    CONDITION_METHOD,  /* case matters: RFC 9110 9.1 */
    CONDITION_PATH,    /* the canonical one; case matters */
    CONDITION_HOST,    /* without port, in any case */
    CONDITION_ROUTE,   /* its template */
    CONDITION_HEADER,  /* one of the fields of that name has such a value */
    CONDITION_QUERY,   /* one of the arguments of that name has; as it came, escapes and all */
};

struct condition {
    enum condition_kind kind;
    const struct condition *parts;
    size_t part_count;
    struct span name; /* of the field or the argument */
    const struct span *texts;
    size_t text_count;
    const struct network *networks;
    size_t network_count;
    const size_t *sets; /* indexes into asked.ip_sets */
    size_t set_count;
};

bool condition_holds(const struct condition *condition, const struct asked *asked);

#endif
