/* SPDX-License-Identifier: Apache-2.0 */
/* Texts without what is a secret by its name (secret_names.h), or by how it reads
 * (secret_words.h). */
#ifndef SIDEGATE_EXPORTERS_MASK_H
#define SIDEGATE_EXPORTERS_MASK_H

#include <stdbool.h>

#include "exporters/secret_names.h"
#include "exporters/secret_words.h"
#include "rules/base/buf.h"
#include "rules/base/span.h"

/* What stands in the place of a secret. */
#define MASK "REDACTED"

/* A text, of a body or a field, with what it has of secrets masked: values of members (lists and
 * objects as a whole), arguments, elements, attributes and parts whose names say so
 * ("password":"..", token=.., <secret>..), their signs escaped by %3D or not, what reads as one,
 * and a user's name and password in a URL. Linear in the text. */
void text_mask_secrets(struct buf *to, struct span text);

/* A faster look, made for every match of a rule: false where text_mask_secrets() would change
 * nothing, but for tokens of less than 16 letters. */
bool text_may_have_secrets(struct span text);

/* Tells each secret that text_mask_secrets() takes out of the text. */
void text_each_secret(struct span text, void (*found)(void *to, struct span secret), void *to);

/* The first secrets that text_mask_secrets() takes out of the text, at most so many; how many. */
size_t text_secrets(struct span text, struct span *to, size_t most);

/* a=1 of a=1&b=2, up to the next separator, which stays in front of the rest: '&', and ';' where
 * another parameter begins behind it. */
struct span parameter_cut(struct span *rest);

/* What of an argument (name=value, as it came) has to go: its value, where its name announces a
 * secret or where it reads as one or holds one, escaped up to three times; all of it where its name
 * does. Nothing: at == NULL. */
struct span parameter_secret(struct span parameter);

/* Likewise of one of a query or a form; also by what stands beside it: name=password&value=.. */
struct span query_secret(struct span query, struct span parameter);

/* Has a query something that query_secret() finds? Made for every request: 8 instructions a
 * byte. */
bool query_has_secret(struct span query);
/* Likewise an address in its query, its path by pattern, or in a user and password before its host?
 */
bool url_has_secret(struct span url);

/* ann:password of ann:password@host in Host, X-Forwarded-Host or Forwarded: everything before the
 * last '@', for passwords hold any byte. Empty: there is none, or the field says no host. */
struct span field_user(struct span name, struct span value);

/* The query with what query_secret() finds masked: the
 * same bytes where there are none, else a copy at the end of `scratch`, which lives until the
 * scratch changes. */
struct span query_masked(struct span query, struct buf *scratch);
/* A path, or an address up to its query, with the segments masked that read as secrets, parameters
 * of segments (;jsessionid=..), and a user with a password; likewise. */
struct span path_masked(struct span path, struct buf *scratch);
/* An address, with the secrets of its path and its query masked; likewise. */
struct span url_masked(struct span url, struct buf *scratch);

#endif
