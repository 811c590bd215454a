/* SPDX-License-Identifier: Apache-2.0 */
/* What is a secret by how it reads: tokens, keys that their issuers made to be recognised, what
 * stands behind a scheme, private keys, passwords in addresses. */
#ifndef SIDEGATE_EXPORTERS_SECRET_WORDS_H
#define SIDEGATE_EXPORTERS_SECRET_WORDS_H

#include <stdbool.h>

#include "rules/base/span.h"

enum { SECRET_WORD_SHORTEST = 16 }; /* of which nothing but its letters says that it is a secret */

/* Does a word of SECRET_WORD_SHORTEST letters or more read as a secret: JSON Web Tokens, what
 * stands behind Bearer, Basic or another scheme, keys that begin as those of AWS, GitHub, Slack,
 * Stripe and others do; private keys? Made for every request: a probe each 16 bytes. */
bool text_has_secret(struct span text);

/* Letters, digits, '_', '-': how many at the start. */
size_t word_length(struct span text);

/* Of a word that begins at `at`: where it begins if its first letters are the end of an escape that
 * begins in front of it (\nauth, \u0026auth, %22auth), or of what that escapes (%2522auth: asked
 * twice, %5Cnauth likewise). `at`: there is none. Both may be meant: \token. */
size_t behind_escape(struct span text, size_t at);

/* Of the word that `text` begins with, how much is a secret with it, and how much of that may be
 * said: `Bearer `. 0: it is none. */
size_t secret_word_length(struct span text, struct span word, size_t *said);

/* "://ann:password@host", its signs escaped or not: how much stands before the '@', and before ann
 * (`start`; 0: it begins otherwise); 0: there is no password, or none within 1 KiB. */
size_t address_user_length(struct span text, size_t *start);

#endif
