/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sizes and times as text. */
#ifndef SIDEGATE_RULES_BASE_NUMBER_H
#define SIDEGATE_RULES_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

/* Strict: the whole text is digits and fits. No sign, no space, not empty. */
bool number_parse(struct span text, uint64_t *out);
bool number_parse_hex(struct span text, uint64_t *out);
/* SecLang's reading: optional space and sign, leading digits, the rest ignored; none: 0; saturates
 * at 64 bit. */
int64_t number_leading(struct span text);
/* "128KiB", "10MiB", "512B", "1GiB", "0"; a number without a unit is refused unless it is 0. */
bool size_parse(struct span text, uint64_t *bytes);
/* "5s", "100ms", "2m", "1h", "500us", "1d", "0"; without a unit refused unless 0. */
bool duration_parse(struct span text, uint64_t *microseconds);

enum { NUMBER_TEXT_BYTES = 21 }; /* at most 20 digits and a sign */
/* No terminator; returns the length. `to` has room for NUMBER_TEXT_BYTES. */
size_t number_write(char *to, int64_t number);
/* "1.5MiB", "30s" in the largest unit that divides; returns the length. `to` has room for 32. */
size_t size_write(char *to, uint64_t bytes);
size_t duration_write(char *to, uint64_t microseconds);

#endif
