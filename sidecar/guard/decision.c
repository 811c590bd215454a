/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/decision.h"

const char *decision_word(enum decision_kind kind)
{
    static const char *const words[] = {
        [DECISION_COUNT] = "count",
        [DECISION_ALLOW] = "allow",
        [DECISION_BLOCK] = "block",
        [DECISION_WOULD_ALLOW] = "would_allow",
        [DECISION_WOULD_BLOCK] = "would_block",
    };
    return words[kind];
}

void decisions_add(struct decisions *decisions, const struct decision *decision)
{
    bool ends = decision->kind == DECISION_ALLOW || decision->kind == DECISION_BLOCK;
    if (decisions->count < DECISIONS_MOST)
        decisions->at[decisions->count++] = *decision;
    else if (ends)
        decisions->at[DECISIONS_MOST - 1] = *decision;
}
