/* SPDX-License-Identifier: Apache-2.0 */
/* Marks: neighbouring tokens that no sentence has, which count though the grammar broke elsewhere.
 * Private to sqli*.c. */
#ifndef SIDEGATE_RULES_MATCH_SQLI_MARKS_H
#define SIDEGATE_RULES_MATCH_SQLI_MARKS_H

#include "rules/match/sqli_walk.h"

/* `facts` has been filled by the walk but for the part that is said to be noted here. */
void sqli_note_marks(const struct sqli_row *row, struct sqli_facts *facts);

#endif
