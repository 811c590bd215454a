/* SPDX-License-Identifier: Apache-2.0 */
/* What a request brings to say whom it comes from: API keys, tokens, signatures, and whatever else
 * an authorizer of the configuration is asked with. Whoever reads them in a log could use them. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_CREDENTIALS_H
#define SIDEGATE_SIDECAR_EXCHANGE_CREDENTIALS_H

#include <stdbool.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

struct exchange;

/* Each as report_sanitise() wants it, whatever the route: a token that was sent to the wrong one is
 * a token still. How many there are; `to` == NULL: they are only counted. Without `fields_too`
 * those in the query alone, which every access line has. */
size_t credentials(const struct exchange *x, bool fields_too, struct pair *to, struct arena *arena);

#endif
