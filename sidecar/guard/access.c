/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/access.h"

/* What an entry in this mode decides: entries that only detect say what they would do. */
static enum decision_kind kind_of(const struct access_entry *entry)
{
    bool on = entry->mode == GUARD_ON;
    switch (entry->action) {
    case ACCESS_ALLOW: return on ? DECISION_ALLOW : DECISION_WOULD_ALLOW;
    case ACCESS_BLOCK: return on ? DECISION_BLOCK : DECISION_WOULD_BLOCK;
    case ACCESS_COUNT: break;
    }
    return DECISION_COUNT;
}

static bool is_about(const struct access_entry *entry, const struct asked *asked)
{
    return entry->mode != GUARD_OFF &&
           (entry->match == NULL || condition_holds(entry->match, asked));
}

enum access_step access_run(const struct access_entry *entries, size_t count, size_t *at,
                            const struct asked *asked, struct decisions *decisions)
{
    while (*at < count) {
        const struct access_entry *entry = &entries[(*at)++];
        if (entry->is_rules)
            return ACCESS_RULES;
        if (!is_about(entry, asked))
            continue;
        struct decision decision = {
            .kind = kind_of(entry),
            .control = "access",
            .name = entry->name,
            .reason = entry->match_text,
            .status = entry->action == ACCESS_BLOCK ? entry->status : 0,
        };
        decisions_add(decisions, &decision);
        if (decision.kind == DECISION_ALLOW)
            return ACCESS_ALLOWED;
        if (decision.kind == DECISION_BLOCK)
            return ACCESS_BLOCKED;
    }
    return ACCESS_END;
}
