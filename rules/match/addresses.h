/* SPDX-License-Identifier: Apache-2.0 */
/* A set of IP addresses and networks, RFC 4632 and RFC 4291 2.3 notation. */
#ifndef SIDEGATE_RULES_MATCH_ADDRESSES_H
#define SIDEGATE_RULES_MATCH_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/span.h"

struct addresses;

struct addresses *addresses_new(void);
void addresses_free(struct addresses *addresses); /* NULL allowed */

/* Adds "192.0.2.1", "192.0.2.0/24", "2001:db8::/32"; bits behind the prefix are ignored. False: it
 * is neither. */
bool addresses_add(struct addresses *addresses, struct span text);
/* To be called once after the last addresses_add(). */
void addresses_seal(struct addresses *addresses);

/* False also where `text` is no address. A mapped one (::ffff:192.0.2.1) is its IPv4 address. */
bool addresses_has(const struct addresses *addresses, struct span text);

#endif
