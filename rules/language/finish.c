/* SPDX-License-Identifier: Apache-2.0 */
/* Settles what depends on other places in the files: block, statuses, where skipAfter leads, and
 * the order of the steps of each phase. */
#include "rules/language/finish.h"

#include <inttypes.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/base/number.h"

enum { STATUS_DENY = 403, STATUS_REDIRECT = 302 };

/* While a phase is being filled: what stands at each step. */
struct laying {
    struct ruleset_builder *builder;
    enum rule_phase phase;
    struct rows steps;   /* of struct ruleset_step */
    struct rows entries; /* of const struct entry *, the same */
};

/* A rule without a disruptive action of its own, and one with block, do what SecDefaultAction says.
 */
static void settle_disruptive(struct draft *draft)
{
    const struct draft *defaults = draft->defaults;
    struct rule *rule = &draft->rule;
    if (defaults != NULL && (rule->was_block || !draft->has_disruptive)) {
        rule->disruptive = defaults->rule.disruptive;
        rule->redirect = defaults->rule.redirect;
    }
    if (defaults != NULL && rule->status == 0)
        rule->status = defaults->rule.status;
    bool redirects = rule->disruptive == DISRUPTIVE_REDIRECT;
    if (redirects && (rule->status < 300 || rule->status > 399))
        rule->status = STATUS_REDIRECT;
    if (rule->status == 0)
        rule->status = STATUS_DENY;
}

static void settle_link(struct draft *draft)
{
    struct rule *rule = &draft->rule;
    rule->targets = draft->targets.at;
    rule->target_count = draft->targets.count;
    rule->transformations = draft->transformations.at;
    rule->transformation_count = draft->transformations.count;
    rule->actions = draft->actions.at;
    rule->action_count = draft->actions.count;
    rule->namespaces = draft->namespaces.at;
    rule->namespace_count = draft->namespaces.count;
    rule->tags = draft->tags.at;
    rule->tag_count = draft->tags.count;
    rule->chain = draft->next != NULL ? &draft->next->rule : NULL;
}

static void settle(struct draft *draft)
{
    /* A link may say which status the chain answers; the last one counts. */
    for (const struct draft *link = draft->next; link != NULL; link = link->next)
        if (link->rule.status != 0)
            draft->rule.status = link->rule.status;
    settle_disruptive(draft);
    for (; draft != NULL; draft = draft->next)
        settle_link(draft);
}

static void lay_steps(struct laying *laying)
{
    const struct entry *entries = laying->builder->entries.at;
    struct arena *arena = laying->builder->holding.arena;
    for (size_t i = 0; i < laying->builder->entries.count; i++) {
        struct draft *draft = entries[i].draft;
        if (draft != NULL && (draft->removed || draft->rule.phase != laying->phase))
            continue;
        struct ruleset_step *step = rows_add(&laying->steps, arena, sizeof *step);
        step->rule = draft != NULL ? &draft->rule : NULL;
        const struct entry **entry = rows_add(&laying->entries, arena, sizeof(void *));
        *entry = &entries[i];
    }
}

/* Index of the step behind `count` rules that follow; the phase's end where there are fewer. */
static size_t behind_rules(const struct laying *laying, size_t from, uint64_t count)
{
    const struct ruleset_step *steps = laying->steps.at;
    size_t i = from + 1;
    for (; count > 0 && i < laying->steps.count; i++)
        count -= steps[i].rule != NULL;
    return i;
}

/* The marker's step, or the one behind the rule of that id; 0 where neither follows. */
static size_t find_marker(const struct laying *laying, size_t from, struct span name)
{
    const struct entry *const *entries = laying->entries.at;
    uint64_t id;
    for (size_t i = from + 1; i < laying->entries.count; i++)
        if (entries[i]->marker != NULL && span_is(name, span_text(entries[i]->marker)))
            return i;
    if (number_parse(name, &id))
        for (size_t i = from + 1; i < laying->entries.count; i++)
            if (entries[i]->draft != NULL && entries[i]->draft->rule.id == id)
                return i + 1;
    return 0;
}

/* Every marker's name is a candidate; one that stands before the rule is told apart. */
static void fault_marker(struct ruleset_builder *builder, const struct draft *draft)
{
    const struct entry *entries = builder->entries.at;
    struct rows names = {0};
    struct span wanted = span_first(draft->skip_after, 80);
    char room[128];
    for (size_t i = 0; i < builder->entries.count; i++) {
        if (entries[i].marker == NULL)
            continue;
        const char **name = rows_add(&names, builder->holding.arena, sizeof *name);
        *name = entries[i].marker;
        if (span_is(draft->skip_after, span_text(*name))) {
            fault_add(builder->faults, FAULT_ERROR, draft->skip_after_place, SPAN(""),
                      "the marker '" SPAN_FORMAT "' stands before this rule", span_arg(wanted));
            return;
        }
    }
    fault_add(builder->faults, FAULT_ERROR, draft->skip_after_place,
              nearest_hint(draft->skip_after, names.at, names.count, room, sizeof room),
              "no SecMarker is called '" SPAN_FORMAT "'", span_arg(wanted));
}

static void resolve_jumps(struct laying *laying)
{
    const struct entry *const *entries = laying->entries.at;
    for (size_t i = 0; i < laying->entries.count; i++) {
        struct draft *draft = entries[i]->draft;
        if (draft == NULL)
            continue;
        if (draft->skip > 0)
            draft->rule.go_to = (unsigned)behind_rules(laying, i, draft->skip);
        if (draft->skip_after.len == 0)
            continue;
        draft->rule.go_to = (unsigned)find_marker(laying, i, draft->skip_after);
        if (draft->rule.go_to == 0)
            fault_marker(laying->builder, draft);
    }
}

static int compare_rules(const void *a, const void *b)
{
    const struct rule *const *left = a, *const *right = b;
    return (*left)->id < (*right)->id ? -1 : (*left)->id > (*right)->id;
}

static void number_rules(struct ruleset_builder *builder, struct loaded *loaded)
{
    const struct entry *entries = builder->entries.at;
    for (size_t i = 0; i < builder->entries.count; i++) {
        struct draft *draft = entries[i].draft;
        if (draft == NULL || draft->removed)
            continue;
        settle(draft);
        draft->rule.index = loaded->ruleset.rule_count++;
        const struct rule **row = rows_add(&loaded->rules, builder->holding.arena, sizeof(void *));
        *row = &draft->rule;
    }
    if (loaded->rules.count > 0)
        qsort(loaded->rules.at, loaded->rules.count, sizeof(struct rule *), compare_rules);
}

void finish_rules(struct ruleset_builder *builder, struct loaded *loaded)
{
    number_rules(builder, loaded);
    for (unsigned phase = 1; phase < PHASE_COUNT; phase++) {
        struct laying laying = {.builder = builder, .phase = (enum rule_phase)phase};
        lay_steps(&laying);
        resolve_jumps(&laying);
        loaded->ruleset.phases[phase] = (struct ruleset_phase){laying.steps.at, laying.steps.count};
    }
}
