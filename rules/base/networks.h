/* SPDX-License-Identifier: Apache-2.0 */
/* A set of IP addresses, networks (RFC 4632, RFC 4291 2.3) and ranges, for @ipMatch and for lists
 * of a hundred thousand and more. Filled, sealed once, and from then on read by any thread.
 *
 *   IPv4   | first, last | first, last | ...      8 bytes a range, sorted, without overlaps
 *   IPv6   | first, last | ...                   32 bytes a range
 */
#ifndef SIDEGATE_RULES_BASE_NETWORKS_H
#define SIDEGATE_RULES_BASE_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/ip.h"
#include "rules/base/span.h"

struct networks;

struct networks *networks_new(void);
void networks_free(struct networks *networks); /* NULL allowed */

/* Adds "192.0.2.1", "192.0.2.0/24", "2001:db8::/32", "192.0.2.1-192.0.2.9"; bits behind a prefix
 * are ignored. ::/0 is all of IPv6 and nothing of IPv4. False: it is none of these. */
bool networks_add(struct networks *networks, struct span text);
/* A list as files have it: one entry a line; # or ; begins a comment, also behind an entry. False:
 * *wrong (of line *line, from 1) is no entry; what stands before it was added. */
bool networks_add_lines(struct networks *networks, struct span text, size_t *line,
                        struct span *wrong);
/* To be called once after the last of them. */
void networks_seal(struct networks *networks);

bool networks_have(const struct networks *networks, const struct ip *ip);
/* False also where `text` is no address. A mapped one (::ffff:192.0.2.1) is its IPv4 address, and
 * one of IPv6, as it is written: ::/80 holds it. */
bool networks_have_text(const struct networks *networks, struct span text);

/* Ranges after sealing: entries that overlap are one. */
size_t networks_count(const struct networks *networks);
/* What it holds in memory. */
size_t networks_bytes(const struct networks *networks);

#endif
