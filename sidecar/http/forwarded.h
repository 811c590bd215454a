/* SPDX-License-Identifier: Apache-2.0 */
/* Who the client is, and what the backend is told about it: X-Forwarded-For, -Proto, -Host. */
#ifndef SIDEGATE_SIDECAR_HTTP_FORWARDED_H
#define SIDEGATE_SIDECAR_HTTP_FORWARDED_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/arena.h"
#include "rules/base/ip.h"
#include "rules/base/span.h"
#include "sidecar/http/fields.h"

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
