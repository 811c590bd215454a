/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an answer of the DNS (RFC 1035 4), for the resolver alone. */
#ifndef SIDEGATE_SIDECAR_UPSTREAM_RESOLVER_INSIDE_H
#define SIDEGATE_SIDECAR_UPSTREAM_RESOLVER_INSIDE_H

#include "sidecar/upstream/resolver.h"

enum { RESOLVER_CLASS_IN = 1, RESOLVER_TYPE_A = 1, RESOLVER_TYPE_SOA = 6 };

/* `found`: its code says that there are records. What cannot be read has FAILED. */
struct resolver_answer resolver_read(const unsigned char *bytes, int len, bool found);

#endif
