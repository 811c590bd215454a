/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/access.h"

#include "rules/base/arena.h"

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

/* Who is in no database gets the benefit of the doubt, or does not. */
static bool unknown_is_about(const struct access_entry *entry, const struct asked *asked)
{
    return entry->action == (asked->geo_unknown_blocks ? ACCESS_BLOCK : ACCESS_ALLOW);
}

static bool is_about(const struct access_entry *entry, const struct asked *asked)
{
    if (entry->mode == GUARD_OFF)
        return false;
    if (entry->match == NULL)
        return true;
    if (asked->path_is_doubtful && entry->action == ACCESS_ALLOW &&
        condition_asks_path(entry->match))
        return false; /* the backend may serve another path to whom this one was allowed */
    switch (condition_ask(entry->match, asked)) {
    case CONDITION_NO: return false;
    case CONDITION_YES: return true;
    case CONDITION_UNKNOWN: break;
    }
    return unknown_is_about(entry, asked);
}

/* What the entry asks for, and where the client is if it asks for that. */
static struct span reason_of(const struct access_entry *entry, const struct asked *asked)
{
    if (asked->arena == NULL || entry->match == NULL || !condition_asks_place(entry->match))
        return entry->match_text;
    const struct geo_place *place = asked_place(asked);
    struct span country = place->country.at != NULL ? place->country : SPAN("unknown");
    bool knows_asn = place->asn != 0;
    struct span text =
        knows_asn ? arena_format(asked->arena, SPAN_FORMAT " (client: " SPAN_FORMAT ", AS%u)",
                                 span_arg(entry->match_text), span_arg(country), place->asn)
                  : arena_format(asked->arena, SPAN_FORMAT " (client: " SPAN_FORMAT ")",
                                 span_arg(entry->match_text), span_arg(country));
    return text.at != NULL ? text : entry->match_text;
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
            .reason = reason_of(entry, asked),
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
