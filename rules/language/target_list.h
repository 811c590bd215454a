/* SPDX-License-Identifier: Apache-2.0 */
/* ARGS|!ARGS:id|&REQUEST_HEADERS:Host|REQUEST_COOKIES:/^_ga/|XML://@* and the like. Private to the
 * folder. */
#ifndef SIDEGATE_RULES_LANGUAGE_TARGET_LIST_H
#define SIDEGATE_RULES_LANGUAGE_TARGET_LIST_H

#include "rules/language/builder.h"

/* Adds what `text` names to `targets` (of struct target); false: a fault. */
bool target_list_parse(struct ruleset_builder *builder, struct line *line, struct span text,
                       struct rows *targets);
/* One target and nothing behind it, as ctl names it: without & and !. */
bool target_parse(struct ruleset_builder *builder, struct line *line, struct span text,
                  struct target *target);

#endif
