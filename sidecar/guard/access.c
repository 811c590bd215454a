/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/access.h"

#include "rules/base/arena.h"
#include "sidecar/guard/address_set.h"
#include "sidecar/guard/web_acl_entry.h"

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

/* Only what fits is counted, and an entry without a limit is about all of it. */
static bool is_over(const struct access_entry *entry, const struct asked *asked,
                    struct rate_verdict *verdict)
{
    return entry->rate.how.limit == 0 || rate_ask(&entry->rate, asked, verdict) == RATE_OVER;
}

/* *missing: the set that it asks and that was never read, whose on_failure decides. */
static bool is_about(const struct access_entry *entry, const struct asked *asked,
                     const struct address_set **missing)
{
    if (entry->mode == GUARD_OFF || entry->web_acl.at != NULL)
        return false;
    if (entry->match == NULL)
        return true;
    if (asked->path_is_doubtful && entry->action == ACCESS_ALLOW &&
        condition_asks_path(entry->match))
        return false; /* the backend may serve another path to whom this one was allowed */
    switch (condition_ask(entry->match, asked)) {
    case CONDITION_NO: return false;
    case CONDITION_YES: return true;
    case CONDITION_UNKNOWN: return unknown_is_about(entry, asked);
    case CONDITION_MISSING: break;
    }
    *missing = condition_missing_set(entry->match, asked);
    return entry->action == ((*missing)->denies ? ACCESS_BLOCK : ACCESS_ALLOW);
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

/* That the answer is on_failure's, and what it is. */
static struct span reason_of_missing(const struct access_entry *entry, const struct asked *asked,
                                     const struct address_set *missing, bool is_about)
{
    if (asked->arena == NULL)
        return entry->match_text;
    struct span text = arena_format(
        asked->arena, SPAN_FORMAT " (ip_set " SPAN_FORMAT " never came, on_failure: %s%s)",
        span_arg(entry->match_text), span_arg(missing->name), missing->denies ? "deny" : "allow",
        is_about ? "" : ": passed over");
    return text.at != NULL ? text : entry->match_text;
}

static struct decision decide(const struct access_entry *entry, const struct asked *asked,
                              uint64_t retry_us)
{
    bool has_rate = entry->rate.how.limit > 0;
    return (struct decision){
        .kind = kind_of(entry),
        .control = "access",
        .name = entry->name,
        .reason = has_rate ? entry->rate.text : reason_of(entry, asked),
        .status = entry->action == ACCESS_BLOCK ? entry->status : 0,
        .rate = has_rate ? &entry->rate : NULL,
        .retry_us = retry_us,
    };
}

/* What an entry that is no group of rules says. False: nothing. */
static bool entry_decide(const struct access_entry *entry, const struct asked *asked,
                         struct decision *decision)
{
    const struct address_set *missing = NULL;
    struct rate_verdict verdict = {0};
    bool about = is_about(entry, asked, &missing);
    if (about ? !is_over(entry, asked, &verdict) : missing == NULL)
        return false;
    *decision = decide(entry, asked, verdict.retry_us);
    if (missing != NULL)
        decision->reason = reason_of_missing(entry, asked, missing, about);
    if (!about) {
        decision->kind = DECISION_COUNT;
        decision->status = 0;
        decision->rate = NULL;
    }
    return true;
}

enum access_step access_run(const struct access_entry *entries, size_t count, size_t *at,
                            const struct asked *asked, struct decisions *decisions)
{
    while (*at < count) {
        const struct access_entry *entry = &entries[(*at)++];
        if (entry->is_rules)
            return ACCESS_RULES;
        if (entry->web_acl.at != NULL && entry->mode != GUARD_OFF) {
            enum access_step step =
                web_acl_entry_run(entry, asked->web_acls[*at - 1], asked, decisions);
            *at -= step == ACCESS_BODY;
            if (step != ACCESS_END)
                return step;
        }
        struct decision decision;
        if (!entry_decide(entry, asked, &decision))
            continue;
        decisions_add(decisions, &decision);
        if (decision.kind == DECISION_ALLOW)
            return ACCESS_ALLOWED;
        if (decision.kind == DECISION_BLOCK)
            return ACCESS_BLOCKED;
    }
    return ACCESS_END;
}
