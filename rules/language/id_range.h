/* SPDX-License-Identifier: Apache-2.0 */
/* "942100" and "942100-942199". Private to the folder. */
#ifndef SIDEGATE_RULES_LANGUAGE_ID_RANGE_H
#define SIDEGATE_RULES_LANGUAGE_ID_RANGE_H

#include "rules/language/line.h"
#include "rules/match/action.h"

/* False: a fault at what is no id. */
bool id_range_read(struct line *line, struct span text, struct id_range *range);

#endif
