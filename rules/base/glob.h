/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns as people write them for paths, hosts and ARNs: `*` stands for any run of bytes, none
 * and slashes included, `?` for exactly one byte, everything else for itself. */
#ifndef SIDEGATE_RULES_BASE_GLOB_H
#define SIDEGATE_RULES_BASE_GLOB_H

#include <stdbool.h>

#include "rules/base/span.h"

/* The whole text; time grows with pattern times text at the most. */
bool glob_matches(struct span pattern, struct span text);
bool glob_matches_nocase(struct span pattern, struct span text); /* ASCII letters only */

/* The same for a pattern of any make: what stands at place `p` of it? A star never fits a byte. */
enum glob_place { GLOB_STAR, GLOB_FITS, GLOB_DIFFERS };
typedef enum glob_place glob_at(const void *pattern, size_t p, char byte);
bool glob_walk(const void *pattern, size_t len, glob_at *at, struct span text);

#endif
