/* SPDX-License-Identifier: Apache-2.0 */
/* What listeners present and what upstreams must, made from the files that the settings name. */
#ifndef SIDEGATE_SIDECAR_CONFIG_TLS_PARTS_H
#define SIDEGATE_SIDECAR_CONFIG_TLS_PARTS_H

#include "exporters/metrics.h"
#include "sidecar/config/settings.h"

struct tls_parts;

/* Reads every file; `before` (may be NULL): its tickets go on. NULL, and said, where one is wrong.
 */
struct tls_parts *tls_parts_new(const struct settings *settings, const struct tls_parts *before,
                                struct faults *faults);
/* The same of `before`, which is of these very settings; a listener whose files are not looked at
 * (refresh: 0) goes on with what it has. */
struct tls_parts *tls_parts_renew(const struct settings *settings, const struct tls_parts *before,
                                  struct faults *faults);
void tls_parts_free(struct tls_parts *parts); /* NULL allowed */
/* In the order of the listeners; NULL: without TLS. */
struct tls_server *const *tls_parts_servers(const struct tls_parts *parts);
/* In the order of the upstreams; NULL: without TLS. */
struct tls_client *const *tls_parts_clients(const struct tls_parts *parts);
const struct certificate_expiry *tls_parts_expiries(const struct tls_parts *parts, size_t *count);
uint64_t tls_parts_hash(const struct tls_parts *parts); /* of settings and contents */

/* Changes where any of the files that are looked at may have changed, also where a link to them was
 * swapped; only looks, reads nothing. */
uint64_t tls_files_stamp(const struct settings *settings);
/* How often that should be looked at: the least of all listeners; 0: never. */
uint64_t tls_files_refresh_us(const struct settings *settings);

#endif
