/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of map.h, and its variant for names without case. */
#ifndef SIDEGATE_RULES_BASE_SIPHASH_H
#define SIDEGATE_RULES_BASE_SIPHASH_H

#include <stdint.h>

#include "rules/base/map.h"
#include "rules/base/span.h"

/* The hash of the text as it would be with every ASCII letter in lower case. */
uint64_t siphash_nocase(const uint8_t key[16], struct span text);

/* Puts a text behind those that *hash is of already (0: none), to tell whether all of it is still
 * the same. Its key is known: not against those who choose texts. */
void siphash_add(uint64_t *hash, struct span text);

#endif
