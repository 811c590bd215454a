/* SPDX-License-Identifier: Apache-2.0 */
/* What an issuer says of itself (OpenID Connect Discovery 1.0): where its keys are, and how long
 * what it answers may be kept. */
#ifndef SIDEGATE_SIDECAR_GUARD_DISCOVERY_H
#define SIDEGATE_SIDECAR_GUARD_DISCOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

#define DISCOVERY_PATH "/.well-known/openid-configuration" /* behind the issuer */
enum { DISCOVERY_BYTES = 64 * 1024, DISCOVERY_URL_BYTES = 2048 };

/* The URL of the keys, terminated, in the arena. NULL: *why says why not, in static text. The
 * document has to be the issuer's own, and an issuer with TLS has keys with TLS. */
const char *discovery_keys_url(struct span document, struct span issuer, struct arena *arena,
                               const char **why);

/* http:// or https://, a host, no user, no space or control byte. */
bool discovery_is_url(struct span text);

/* Cache-Control's max-age; 0: it says nothing; 1: not to be kept at all. */
uint64_t discovery_life_us(struct span cache_control);

#endif
