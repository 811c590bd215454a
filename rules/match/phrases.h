/* SPDX-License-Identifier: Apache-2.0 */
/* Many phrases looked for in one pass over a text (Aho and Corasick, 1975), whatever their ASCII
 * case. Frozen once made, shared by threads. */
#ifndef SIDEGATE_RULES_MATCH_PHRASES_H
#define SIDEGATE_RULES_MATCH_PHRASES_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/span.h"

struct phrases;

/* The list is only read; empty phrases are left out. */
struct phrases *phrases_new(const struct span *list, size_t count);
void phrases_free(struct phrases *phrases); /* NULL allowed */

/* The first phrase to end in `text`, and of those that end there the longest, as a part of it. */
bool phrases_find(const struct phrases *phrases, struct span text, struct span *found);

size_t phrases_bytes(const struct phrases *phrases); /* the memory it takes */

#endif
