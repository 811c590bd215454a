/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in a query string: the values of parameters whose names say so. */
#ifndef SIDEGATE_EXPORTERS_MASK_H
#define SIDEGATE_EXPORTERS_MASK_H

#include <stdbool.h>

#include "rules/base/buf.h"
#include "rules/base/span.h"

/* What stands in the place of a secret. */
#define MASK "REDACTED"

/* Does the name of a query parameter (as it came, percent-encoded or not) announce a secret? */
bool name_is_secret(struct span name);

/* Does a header field of this name carry credentials: Authorization, Cookie, Set-Cookie, an API
 * key, a token? */
bool field_is_secret(struct span name);

/* A text, of a body or a field, with what it has of secrets masked: values of members, arguments
 * and elements whose names say so ("password":"..", token=.., <secret>..), and what reads as one:
 * JSON Web Tokens, what stands behind Bearer, access keys of AWS's. */
void text_mask_secrets(struct buf *to, struct span text);

/* The query with its secrets masked: the same bytes where there are none, else a copy at the end of
 * `scratch`, which lives until the scratch changes. */
struct span query_masked(struct span query, struct buf *scratch);
/* An address, with the secrets of its query masked; likewise. */
struct span url_masked(struct span url, struct buf *scratch);

#endif
