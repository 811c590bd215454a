/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/web_acl_entry.h"

#include <string.h>

#include "rules/base/arena.h"
#include "rules/base/buf.h"

enum { LABELS_SHOWN = 8, REASON_BYTES = 2048 };

/* "rule; labels: a, b" */
static struct span reason_of(const struct web_acl_outcome *outcome, const struct asked *asked)
{
    struct buf text;
    if (outcome->label_count == 0 || asked->arena == NULL)
        return outcome->words;
    buf_init(&text, REASON_BYTES);
    buf_add(&text, outcome->words);
    for (size_t i = 0; i < outcome->label_count && i < LABELS_SHOWN; i++) {
        buf_add(&text, i == 0 ? SPAN("; labels: ") : SPAN(", "));
        buf_add(&text, outcome->labels[i]);
    }
    struct span kept = arena_copy(asked->arena, buf_span(&text));
    buf_fini(&text);
    return kept.at != NULL ? kept : outcome->words;
}

static void insert(const struct web_acl_outcome *outcome, struct asked_changes *changes)
{
    for (size_t i = 0; i < outcome->inserted_count && changes != NULL; i++)
        if (changes->inserted_count < ASKED_INSERTED)
            changes->inserted[changes->inserted_count++] = outcome->inserted[i];
}

/* Labels of several web ACLs stand one after the other. */
static void keep_labels(const struct web_acl_outcome *outcome, const struct asked *asked)
{
    struct asked_changes *changes = asked->changes;
    if (outcome->label_count == 0 || changes == NULL || asked->arena == NULL)
        return;
    size_t count = changes->label_count;
    struct span *all = arena_alloc(asked->arena, (count + outcome->label_count) * sizeof *all);
    if (all == NULL)
        return;
    if (count > 0)
        memcpy(all, changes->labels, count * sizeof *all);
    memcpy(&all[count], outcome->labels, outcome->label_count * sizeof *all);
    changes->labels = all;
    changes->label_count = count + outcome->label_count;
}

/* NULL: nobody can be told. */
static const struct decision_rule *rule_of(const struct web_acl *acl, const struct asked *asked,
                                           const struct web_acl_matched *matched)
{
    struct decision_rule *rule =
        asked->arena != NULL ? arena_alloc(asked->arena, sizeof *rule) : NULL;
    if (rule != NULL)
        *rule = web_acl_say(acl, matched, asked->arena);
    return rule;
}

static void say_counted(const struct web_acl *acl, const struct asked *asked,
                        const struct web_acl_outcome *outcome, struct decision decision,
                        struct decisions *decisions)
{
    decision.kind = DECISION_COUNT;
    for (size_t i = 0; i < outcome->counted_count; i++) {
        decision.reason = outcome->counted[i];
        decision.rule = rule_of(acl, asked, &outcome->counted_by[i]);
        decision.metric = web_acl_metric_name(acl, &outcome->counted_by[i]);
        decisions_add(decisions, &decision);
    }
}

/* Where nothing is counted, limits that may be over are said all the same. */
static void say_rated(const struct web_acl_outcome *outcome, struct decision decision,
                      const struct asked *asked, struct decisions *decisions)
{
    decision.kind = DECISION_COUNT;
    for (size_t i = 0; i < outcome->rated_count && asked->arena != NULL; i++) {
        decision.reason = arena_format(asked->arena, SPAN_FORMAT " (nothing is counted here)",
                                       span_arg(outcome->rated[i]));
        decisions_add(decisions, &decision);
    }
}

static enum access_step block(const struct access_entry *entry, struct decision decision,
                              struct decisions *decisions)
{
    bool on = entry->mode == GUARD_ON;
    decision.kind = on ? DECISION_BLOCK : DECISION_WOULD_BLOCK;
    decisions_add(decisions, &decision);
    return on ? ACCESS_BLOCKED : ACCESS_END;
}

/* Neither yes nor no: as the entry says, and never in silence. */
static enum access_step fail(const struct access_entry *entry,
                             const struct web_acl_outcome *outcome, struct decision decision,
                             const struct asked *asked, struct decisions *decisions)
{
    if (asked->arena != NULL)
        decision.reason =
            arena_format(asked->arena, "%s: " SPAN_FORMAT,
                         outcome->list_never_came ? "an ip_set never came" : "over a limit",
                         span_arg(decision.reason));
    decision.status = 403;
    if (entry->on_failure == GUARD_FAILURE_DENY)
        return block(entry, decision, decisions);
    decision.kind = DECISION_COUNT;
    decision.status = 0;
    decisions_add(decisions, &decision);
    return ACCESS_END;
}

static enum web_acl_use use_of(const struct access_entry *entry)
{
    if (entry->mode != GUARD_ON)
        return WEB_ACL_DETECTS;
    return entry->on_failure == GUARD_FAILURE_DENY ? WEB_ACL_DECIDES : WEB_ACL_LETS_ON;
}

enum access_step web_acl_entry_run(const struct access_entry *entry, const struct web_acl *acl,
                                   const struct asked *asked, struct decisions *decisions)
{
    struct web_acl_outcome outcome;
    if (web_acl_body_bytes(acl) > 0 && !asked->body_is_known)
        return ACCESS_BODY;
    web_acl_run(acl, asked, &outcome);
    struct decision decision = {.control = "web_acl",
                                .name = entry->name.len > 0 ? entry->name : web_acl_name(acl),
                                .reason = reason_of(&outcome, asked)};
    web_acl_note_samples(acl, &outcome, use_of(entry), asked);
    say_counted(acl, asked, &outcome, decision, decisions);
    say_rated(&outcome, decision, asked, decisions);
    if (entry->mode == GUARD_ON)
        insert(&outcome, asked->changes);
    keep_labels(&outcome, asked);
    if (outcome.end != WEB_ACL_PASSED) {
        decision.rule = rule_of(acl, asked, &outcome.ended_by);
        decision.metric = web_acl_metric_name(acl, &outcome.ended_by);
    }
    switch (outcome.end) {
    case WEB_ACL_FAILED: return fail(entry, &outcome, decision, asked, decisions);
    case WEB_ACL_BLOCKED:
        decision.answer = outcome.answer;
        decision.status = outcome.answer->status;
        return block(entry, decision, decisions);
    case WEB_ACL_ALLOWED:
        decision.kind = entry->mode == GUARD_ON ? DECISION_ALLOW : DECISION_WOULD_ALLOW;
        decisions_add(decisions, &decision);
        break;
    case WEB_ACL_PASSED: break;
    }
    return ACCESS_END;
}
