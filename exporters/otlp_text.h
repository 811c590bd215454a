/* SPDX-License-Identifier: Apache-2.0 */
/* Texts for OTLP: valid UTF-8 whatever came in. Broken bytes and NULs become U+FFFD each. */
#ifndef SIDEGATE_EXPORTERS_OTLP_TEXT_H
#define SIDEGATE_EXPORTERS_OTLP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/span.h"

enum { OTLP_TEXT_SPARE_BYTES = 8 };
/* Copies a text that may stay as it is, where it is ASCII without NULs; false: it is not, and must
 * be repaired. `to` has OTLP_TEXT_SPARE_BYTES behind the text. */
bool otlp_text_copy(char *to, struct span text);

/* How long it is once it is repaired: at most three times as long. */
size_t otlp_text_size(struct span text);
/* Its first characters, at most `*left` of them, which are taken off it. Broken bytes count as what
 * they will be: a character each. */
struct span otlp_text_cut(struct span text, size_t *left);
/* Returns where it ends. */
char *otlp_text_repair(char *to, struct span text);

#endif
