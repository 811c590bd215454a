/* SPDX-License-Identifier: Apache-2.0 */
/* Words in addresses and paths that are secrets by where they stand. */
#ifndef SIDEGATE_EXPORTERS_SECRET_PLACES_H
#define SIDEGATE_EXPORTERS_SECRET_PLACES_H

#include <stdbool.h>

#include "rules/base/span.h"

/* Does a word of SECRET_WORD_SHORTEST letters or more stand, behind the text before it, in an
 * address that is a key as a whole, a webhook's (hooks.slack.com/services/T1/B1/..,
 * /webhooks/number/..), or does it read as drawn by dice behind a segment that names a secret
 * (/reset-password/..)? Signs may be escaped. */
bool word_is_placed(struct span before, struct span word);

#endif
