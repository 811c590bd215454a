/* SPDX-License-Identifier: Apache-2.0 */
/* What is a secret by its name, and what by how it reads (a pattern). */
#ifndef SIDEGATE_EXPORTERS_MASK_H
#define SIDEGATE_EXPORTERS_MASK_H

#include <stdbool.h>

#include "rules/base/buf.h"
#include "rules/base/span.h"

/* What stands in the place of a secret. */
#define MASK "REDACTED"

/* Does the name of an argument, a member or a cookie (as it came, percent-encoded or not) announce
 * a secret? Of user[password], json.password and ns:password the last part counts. */
bool name_is_secret(struct span name);

/* Does a header field of this name carry credentials: Authorization, Cookie, Set-Cookie, an API
 * key, a token? */
bool field_is_secret(struct span name);

/* One of both, of a name that is a word: letters, digits, '_', '-'. */
bool word_names_secret(struct span word);

/* Does the variable of a rule: ARGS:password, REQUEST_HEADERS:Authorization, REQUEST_COOKIES:sid?
 * Those of names, as ARGS_NAMES, hold none. */
bool variable_is_secret(struct span variable);

/* Does a word of 16 letters or more read as a secret: JSON Web Tokens, what stands behind Bearer or
 * Basic, keys that begin as those of AWS, GitHub, Slack, Stripe and others do; private keys? Made
 * for every request: a probe each 16 bytes. */
bool text_has_secret(struct span text);

/* A text, of a body or a field, with what it has of secrets masked: values of members, arguments
 * and elements whose names say so ("password":"..", token=.., <secret>..), what reads as one, and
 * a user's name and password in a URL. */
void text_mask_secrets(struct buf *to, struct span text);

/* A faster look, made for every match of a rule: false where text_mask_secrets() would change
 * nothing, but for tokens of less than 16 letters. */
bool text_may_have_secrets(struct span text);

/* Would text_mask_secrets() change it? */
bool text_holds_secrets(struct span text);

/* What of an argument (name=value, as it came) has to go: its value, where its name announces a
 * secret or where it reads as one or holds one, escaped up to three times; all of it where its name
 * reads as one. Nothing: at == NULL. */
struct span parameter_secret(struct span parameter);

/* Has a query something that parameter_secret() finds? Made for every request: 8 instructions a
 * byte. */
bool query_has_secret(struct span query);
/* Likewise an address in its query, its path by pattern, or in a user and password before its host?
 */
bool url_has_secret(struct span url);

/* The query with what parameter_secret() finds masked: the
 * same bytes where there are none, else a copy at the end of `scratch`, which lives until the
 * scratch changes. */
struct span query_masked(struct span query, struct buf *scratch);
/* A path, or an address up to its query, with the segments masked that read as secrets, and a user
 * with a password; likewise. */
struct span path_masked(struct span path, struct buf *scratch);
/* An address, with the secrets of its path and its query masked; likewise. */
struct span url_masked(struct span url, struct buf *scratch);

#endif
