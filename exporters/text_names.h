/* SPDX-License-Identifier: Apache-2.0 */
/* Names as they stand in texts of any kind, in front of the sign that parts them from their value:
 * quoted or not, with the escapes of URLs, JSON and XML. */
#ifndef SIDEGATE_EXPORTERS_TEXT_NAMES_H
#define SIDEGATE_EXPORTERS_TEXT_NAMES_H

#include <stdbool.h>

#include "rules/base/span.h"

enum { TEXT_NAME_LONGEST = 384 }; /* as it is written, with its escapes */

/* The name before a sign `at`, without its quotes; empty: there is none. It begins at `floor` at
 * the earliest. */
struct span text_name_before(struct span text, size_t floor, size_t at);

/* a%26password that ends at the escape of a sign: without the former ones, nor anything up to the
 * sign before, so that nothing is read twice. */
struct span text_name_before_escape(struct span text, size_t floor, size_t end);

/* %3D, %253D: how long the escape of a separator is that the text begins with; 0: it is another
 * one. */
size_t text_sign_escaped(struct span text);

/* The name of a tag that begins there. */
struct span text_name_of_tag(struct span text, size_t at);

/* The name without backslashes, and with the letters that JSON has escaped; `to` has room for it.
 */
struct span spelled_name_plain(struct span name, char *to);

/* Is the name (of TEXT_NAME_LONGEST bytes at most), its escapes undone, a secret's? */
bool spelled_name_is_secret(struct span name);

/* Likewise, of a name in the text. Letters in front that are the end of an escape (\u0026auth) go,
 * where it is one without them. */
bool text_name_find_secret(struct span text, struct span *name);

#endif
