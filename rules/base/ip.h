/* SPDX-License-Identifier: Apache-2.0 */
/* One IP address, and one network. IPv4 stands in its mapped form (RFC 4291 2.5.5.2), so that the
 * same address is the same bytes however a client came in. */
#ifndef SIDEGATE_RULES_BASE_IP_H
#define SIDEGATE_RULES_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

enum { IP_BYTES = 16, IP_TEXT_MOST = 46, IP_MAPPED_BITS = 96 };

struct ip {
    uint8_t at[IP_BYTES]; /* network order */
};

/* An address without port, brackets or zone, as text: IPv4 in four decimal parts, IPv6, mapped. */
bool ip_parse(struct span text, struct ip *out);
bool ip_is_v4(const struct ip *ip);
/* As RFC 5952 writes it; IPv4 in four parts. Returns the length; `to` has room for IP_TEXT_MOST. */
size_t ip_write(const struct ip *ip, char *to);
/* Below, equal, above: as numbers. */
int ip_compare(const struct ip *a, const struct ip *b);

struct network { /* an address and a prefix */
    struct ip at;
    unsigned bits; /* 0 to 128 */
};
/* "10.0.0.0/8", "2001:db8::/32", "192.0.2.1"; host bits beyond the prefix are a fault. */
bool network_parse(struct span text, struct network *out);
/* Is it in one of them? For the few networks of a setting; many are a struct networks. */
bool network_has(const struct network *networks, size_t count, const struct ip *ip);

#endif
