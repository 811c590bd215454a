/* SPDX-License-Identifier: Apache-2.0 */
/* Rules by priority: the first allow or block ends it; labels are seen by later rules. */
#include "sidecar/guard/web_acl.h"

#include <stdlib.h>

#include "rules/base/networks.h"
#include "rules/match/pattern.h"
#include "sidecar/guard/web_acl_inside.h"
#include "sidecar/state/rates.h"

/* For the values that one statement makes: a body of 64 KiB through ten transformations. */
enum { RUN_BYTES = 8 * 1024 * 1024 };

bool web_acl_label_is(const struct web_acl_outcome *outcome, struct span label)
{
    for (size_t i = 0; i < outcome->label_count; i++)
        if (span_is(outcome->labels[i], label))
            return true;
    return false;
}

bool web_acl_label_add(struct web_acl_outcome *outcome, struct span label)
{
    if (web_acl_label_is(outcome, label))
        return true;
    if (outcome->label_count == WEB_ACL_LABELS)
        return false;
    outcome->labels[outcome->label_count++] = label;
    return true;
}

static bool add_labels(const struct web_acl_rule *rule, struct web_acl_outcome *outcome)
{
    bool added = true;
    for (size_t i = 0; i < rule->label_count; i++)
        added &= web_acl_label_add(outcome, rule->labels[i]);
    return added;
}

static void add_inserted(const struct pair *pairs, size_t count, struct web_acl_outcome *outcome)
{
    for (size_t i = 0; i < count && outcome->inserted_count < WEB_ACL_INSERTED; i++)
        outcome->inserted[outcome->inserted_count++] = pairs[i];
}

/* What is said of a rule that matched. */
static struct span words_of(const struct web_acl_rule *rule)
{
    return rule->statement.kind == KIND_RATE ? rule->statement.rate->said : rule->name;
}

static void add_counted(const struct web_acl_rule *rule, const struct web_acl_run *run)
{
    struct web_acl_outcome *outcome = run->outcome;
    if (outcome->counted_count == WEB_ACL_COUNTED)
        return;
    outcome->counted_by[outcome->counted_count] = (struct web_acl_matched){rule, run->found};
    outcome->counted[outcome->counted_count++] = words_of(rule);
}

/* Runs a group's rules in order; *ended is the one that ended it. Who does not know is noted in the
 * run, and the next one's turn comes. */
static bool group_ends(const struct web_acl_group *group, struct web_acl_run *run,
                       const struct web_acl_rule **ended);

static enum web_acl_look run_group(const struct web_acl_rule *rule, struct web_acl_run *run,
                                   const struct web_acl_rule **ended)
{
    const struct web_acl_statement *statement = &rule->statement;
    *ended = rule;
    if (statement->part_count > 0) {
        enum web_acl_look inside = web_acl_statement_look(statement->parts, run);
        if (inside != LOOK_YES)
            return inside;
    }
    if (!group_ends(statement->group, run, ended))
        return LOOK_NO;
    if (!rule->counts_group)
        return LOOK_YES;
    add_counted(*ended, run);
    *ended = NULL;
    return LOOK_NO;
}

/* YES: it ended the list. */
static enum web_acl_look run_rule(const struct web_acl_rule *rule, struct web_acl_run *run,
                                  const struct web_acl_rule **ended)
{
    if (rule->statement.kind == KIND_GROUP)
        return run_group(rule, run, ended);
    *ended = rule;
    run->found = NULL;
    enum web_acl_look answer = web_acl_statement_look(&rule->statement, run);
    if (answer != LOOK_YES)
        return answer;
    bool labelled = add_labels(rule, run->outcome);
    add_inserted(rule->inserted, rule->inserted_count, run->outcome);
    if (rule->action != ACTION_COUNT)
        return LOOK_YES; /* no later rule misses a label */
    add_counted(rule, run);
    return labelled ? LOOK_NO : LOOK_FAILED;
}

/* It might have ended the list, or given labels that later rules ask for. */
static void note_failure(const struct web_acl_rule *rule, struct web_acl_run *run)
{
    if (run->failed == NULL)
        run->failed = rule;
    run->labels_are_open |= rule->label_count > 0 || rule->statement.kind == KIND_GROUP;
}

static bool group_ends(const struct web_acl_group *group, struct web_acl_run *run,
                       const struct web_acl_rule **ended)
{
    for (size_t i = 0; i < group->rule_count && run->exhausted < WEB_ACL_EXHAUSTED; i++)
        switch (run_rule(&group->rules[i], run, ended)) {
        case LOOK_YES: return true;
        case LOOK_FAILED: note_failure(&group->rules[i], run); break;
        case LOOK_NO: break;
        }
    *ended = NULL;
    return false;
}

static void end_by_default(const struct web_acl *acl, struct web_acl_outcome *outcome)
{
    bool blocks = acl->standard == ACTION_BLOCK;
    outcome->rule = outcome->words = SPAN("Default_Action");
    outcome->end = blocks ? WEB_ACL_BLOCKED : WEB_ACL_PASSED;
    outcome->answer = blocks ? &acl->standard_answer : NULL;
    add_inserted(acl->standard_inserted, acl->standard_inserted_count, outcome);
}

static void end_by_rule(const struct web_acl_rule *rule, const struct web_acl_run *run)
{
    struct web_acl_outcome *outcome = run->outcome;
    bool blocks = rule->action == ACTION_BLOCK;
    outcome->ended_by = (struct web_acl_matched){rule, run->found};
    outcome->rule = rule->name;
    outcome->words = words_of(rule);
    outcome->end = blocks ? WEB_ACL_BLOCKED : WEB_ACL_ALLOWED;
    outcome->answer = blocks ? &rule->answer : NULL;
}

void web_acl_run(const struct web_acl *acl, const struct asked *asked,
                 struct web_acl_outcome *outcome)
{
    struct web_acl_run run = {.acl = acl, .asked = asked, .outcome = outcome};
    const struct web_acl_rule *ended = NULL;
    *outcome =
        (struct web_acl_outcome){.end = WEB_ACL_FAILED, .rule = acl->name, .words = acl->name};
    run.arena = arena_new(asked->chunks, RUN_BYTES);
    if (run.arena == NULL)
        return;
    bool ends = group_ends(&acl->top, &run, &ended);
    /* a Block stands, whatever who did not know might have said; nobody is let in beside it */
    if (run.failed != NULL && !(ends && ended->action == ACTION_BLOCK)) {
        outcome->rule = outcome->words = run.failed->name;
        outcome->ended_by.rule = run.failed;
    } else if (ends) {
        end_by_rule(ended, &run);
    } else {
        end_by_default(acl, outcome);
    }
    arena_free(run.arena);
}

/* ---- the web ACL ---- */

void web_acl_free(struct web_acl *acl)
{
    if (acl == NULL)
        return;
    for (struct web_acl_held *held = acl->held; held != NULL; held = held->next) {
        pattern_free(held->pattern);
        networks_free(held->networks);
    }
    for (struct web_acl_rate *rate = acl->rates; rate != NULL; rate = rate->next)
        rates_give(rate->store);
    arena_free(acl->arena);
}

void web_acl_clean(const struct web_acl *acl, struct fields *fields)
{
    for (const struct web_acl_name *own = acl->inserted; own != NULL; own = own->next)
        fields_remove_alike(fields, own->name);
}

struct span web_acl_name(const struct web_acl *acl)
{
    return acl->name;
}

unsigned web_acl_capacity(const struct web_acl *acl)
{
    return acl->capacity;
}

bool web_acl_group_at(const struct web_acl *acl, size_t i, struct web_acl_group_facts *facts)
{
    for (size_t r = 0; r < acl->top.rule_count; r++) {
        const struct web_acl_group *group = acl->top.rules[r].statement.group;
        if (group == NULL || i-- > 0)
            continue;
        *facts = (struct web_acl_group_facts){
            .name = group->name,
            .rule = acl->top.rules[r].name,
            .capacity = group->capacity,
            .counted = group->counted,
            .is_managed = group->is_managed,
        };
        return true;
    }
    return false;
}

bool web_acl_has_managed(const struct web_acl *acl)
{
    return acl->has_managed;
}

size_t web_acl_rule_count(const struct web_acl *acl)
{
    return acl->top.rule_count;
}

size_t web_acl_body_bytes(const struct web_acl *acl)
{
    return acl->wants_body ? acl->body_limit : 0;
}
