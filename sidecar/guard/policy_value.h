/* SPDX-License-Identifier: Apache-2.0 */
/* What conditions of a policy compare: numbers, dates, bytes, networks; each read from text. */
#ifndef SIDEGATE_SIDECAR_GUARD_POLICY_VALUE_H
#define SIDEGATE_SIDECAR_GUARD_POLICY_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/ip.h"
#include "rules/base/span.h"

/* A decimal number of any length, exactly: no zeros before the whole part or behind the rest. */
struct decimal {
    bool negative;
    struct span whole, fraction; /* digits; point into the text */
};
bool decimal_parse(struct span text, struct decimal *out);             /* [+-]digits[.digits] */
int decimal_compare(const struct decimal *a, const struct decimal *b); /* below 0, 0, above */

/* Microseconds from 1970: "2026", "2026-11", "2026-11-21", "2026-11-21T09:30Z",
 * "2026-11-21T09:30:00.5+01:00" (W3C's profile of ISO 8601), or seconds of any other length. */
bool instant_parse(struct span text, int64_t *out);

bool truth_parse(struct span text, bool *out); /* true, false, in any case */

/* RFC 4648 4, with its padding; false also where the arena is full. */
bool base64_parse(struct span text, struct arena *arena, struct span *out);

/* An address or a network, whose host bits are put out; ::/0 is all of IPv6 and nothing of IPv4. */
bool block_parse(struct span text, struct network *out);
bool block_has(const struct network *block, const struct ip *ip);

#endif
