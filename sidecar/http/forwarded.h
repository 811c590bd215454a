/* SPDX-License-Identifier: Apache-2.0 */
/* Who the client is, and what the backend is told about it: X-Forwarded-For, -Proto, -Host. */
#ifndef SIDEGATE_SIDECAR_HTTP_FORWARDED_H
#define SIDEGATE_SIDECAR_HTTP_FORWARDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"
#include "sidecar/http/fields.h"

struct network { /* an address and a prefix, IPv4 mapped into IPv6 */
    uint8_t at[16];
    unsigned bits; /* 0 to 128 */
};
/* "10.0.0.0/8", "2001:db8::/32", "192.0.2.1"; host bits beyond the prefix are a fault. */
bool network_parse(struct span text, struct network *out);
/* An address without port, as text: IPv4, IPv6, IPv4-mapped. */
bool ip_parse(struct span text, uint8_t out[16]);
bool network_has(const struct network *networks, size_t count, const uint8_t ip[16]);

/* The rightmost address in X-Forwarded-For (over all its lines) that is not a trusted proxy, looked
 * at only where `peer` itself is trusted; else `peer`. Ports and brackets are taken off; an entry
 * that is no address ends the search at the last good one. */
struct span forwarded_client(const struct fields *fields, struct span peer,
                             const struct network *trusted, size_t count);

/* Sets X-Forwarded-For (appending to it where the peer is trusted, replacing it else), -Proto and
 * -Host (kept where the peer is trusted and they were given), and takes Forwarded out where the
 * peer is not trusted. */
bool forwarded_set(struct fields *fields, struct arena *arena, struct span peer,
                   bool peer_is_trusted, struct span scheme, struct span host);

#endif
