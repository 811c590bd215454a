/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule that matched leaves behind: the log's entry, the severity, the verdict. */
#ifndef SIDEGATE_RULES_RECORD_H
#define SIDEGATE_RULES_RECORD_H

#include "rules/transaction.h"

/* A value matched: MATCHED_VAR, MATCHED_VARS. */
void record_value(struct inspection *tx, const struct target *target, const struct pair *value,
                  struct span text, struct span argument);
/* MATCHED_VAR and MATCHED_VARS are empty at the beginning of each rule. */
void record_reset(struct inspection *tx);
/* All links matched. */
void record_match(struct inspection *tx, const struct rule *starter);

#endif
