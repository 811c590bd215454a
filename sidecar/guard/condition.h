/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests an entry is about: a tree of questions about the head, frozen.
 *
 *   { path: /login, not: { ip_set: office } }
 *
 *   ALL -- PATH /login
 *      `-- NOT -- IP_SET 0
 *
 * Of who is in no database nobody knows the country: such a question is answered neither yes nor
 * no, and `not` of it neither; nor who is in a list that never came. All is no where one part is
 * no, any is yes where one part is yes.
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
    CONDITION_SUBJECT, /* of the client's certificate: without one none of these four holds */
    CONDITION_ISSUER,
    CONDITION_FINGERPRINT,         /* in any case */
    CONDITION_SAN,                 /* one of the names */
    CONDITION_COUNTRY,             /* ISO 3166-1; XX: unknown, and then the answer is yes or no */
    CONDITION_REGISTERED_COUNTRY,  /* the same of where the network is registered */
    CONDITION_REPRESENTED_COUNTRY, /* of whom the network's users stand for: most stand for none,
                                      which is XX or no */
    CONDITION_SUBDIVISION,         /* "DE-BY": ISO 3166-2 */
    CONDITION_CITY,                /* its English name, in any case */
    CONDITION_ASN,                 /* in numbers; 0: unknown */
    CONDITION_ANONYMOUS,           /* one of the bits of `anonymous`; who is not listed is not */
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
    const uint32_t *numbers;
    size_t number_count;
    unsigned anonymous; /* enum geo_anonymous */
};

enum condition_answer {
    CONDITION_NO,
    CONDITION_YES,
    CONDITION_UNKNOWN, /* where the client is */
    CONDITION_MISSING, /* an ip_set that was never read */
};
enum condition_answer condition_ask(const struct condition *condition, const struct asked *asked);

/* Of MISSING: the set whose on_failure decides, one that denies before others. */
const struct address_set *condition_missing_set(const struct condition *condition,
                                                const struct asked *asked);

/* Is the path or the route, or the place, asked for anywhere in it? */
bool condition_asks_path(const struct condition *condition);
bool condition_asks_place(const struct condition *condition);

#endif
