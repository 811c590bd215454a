/* SPDX-License-Identifier: Apache-2.0 */
/* Events of one rule are gathered in `now`, and kept when its last link has returned. */
#include "sidecar/explanation.h"

#include "rules/base/map.h"
#include "rules/base/must.h"

enum { STAGES = sizeof(((struct explanation *)NULL)->stages) / sizeof(struct explained_stage) };

void explanation_init(struct explanation *explanation, struct arena *arena, uint64_t wanted)
{
    *explanation = (struct explanation){.arena = arena, .wanted = wanted};
    explanation->stored = map_new(arena, true);
}

static struct span keep(struct explanation *explanation, struct span text)
{
    return text.at == NULL ? text : arena_copy(explanation->arena, text);
}

/* ---- which rule is at work ---- */

static void on_link(struct explanation *explanation, const struct watched_event *event)
{
    if (event->rule->id == 0) { /* the chain goes on */
        explanation->link_number++;
        explanation->stage_count = 0;
        return;
    }
    explanation->now = (struct explained_rule){.rule = event->rule, .phase = event->rule->phase};
    explanation->link_number = 1;
    explanation->stage_count = 0;
    explanation->tells = explanation->wanted != 0 && event->rule->id == explanation->wanted;
    if (explanation->tells)
        explanation->fate = FATE_TRIED;
}

static void keep_rule(struct explanation *explanation)
{
    struct explained_rule *kept = arena_alloc(explanation->arena, sizeof *kept);
    if (kept == NULL)
        return;
    *kept = explanation->now;
    if (explanation->last == NULL)
        explanation->rules = kept;
    else
        explanation->last->next = kept;
    explanation->last = kept;
}

static void on_returned(struct explanation *explanation, const struct watched_event *event)
{
    struct explained_rule *now = &explanation->now;
    now->ended = event->rule;
    now->links_matched += event->yes;
    now->matched = event->yes && event->rule->chain == NULL;
    if (now->matched || (!event->yes && explanation->tells))
        keep_rule(explanation);
}

/* Comes behind the last RETURNED of a rule that matched. */
static void on_decided(struct explanation *explanation, const struct watched_event *event)
{
    if (explanation->last == NULL || explanation->last->rule != explanation->now.rule)
        return;
    explanation->last->action = keep(explanation, event->name);
    explanation->last->carried_out = event->yes;
}

/* ---- values ---- */

static void on_transformed(struct explanation *explanation, const struct watched_event *event)
{
    if (explanation->stage_count == STAGES)
        return;
    explanation->stages[explanation->stage_count++] =
        (struct explained_stage){event->name, keep(explanation, event->value)};
}

static size_t find_start(struct span value, struct span found)
{
    uintptr_t begin = (uintptr_t)value.at, at = (uintptr_t)found.at;
    bool inside = found.at != NULL && at >= begin && at + found.len <= begin + value.len;
    return inside ? at - begin : SPAN_NONE;
}

static const struct explained_stage *keep_stages(struct explanation *explanation)
{
    size_t bytes = explanation->stage_count * sizeof(struct explained_stage);
    struct explained_stage *kept = arena_alloc(explanation->arena, bytes);
    if (kept != NULL && bytes > 0)
        memcpy(kept, explanation->stages, bytes);
    return kept;
}

static void keep_value(struct explanation *explanation, const struct watched_event *event)
{
    struct explained_rule *now = &explanation->now;
    struct explained_value *value = arena_alloc(explanation->arena, sizeof *value);
    if (value == NULL)
        return;
    *value = (struct explained_value){
        .link = event->rule,
        .link_number = explanation->link_number,
        .variable = keep(explanation, event->name),
        .raw = keep(explanation, event->raw),
        .value = keep(explanation, event->value),
        .stages = keep_stages(explanation),
        .stage_count = explanation->stage_count,
        .matched = event->yes,
        .found = keep(explanation, event->found),
        .found_start = find_start(event->value, event->found),
    };
    if (value->stages == NULL)
        value->stage_count = 0;
    if (now->last_value == NULL)
        now->values = value;
    else
        now->last_value->next = value;
    now->last_value = value;
}

static void on_tried(struct explanation *explanation, const struct watched_event *event)
{
    /* multiMatch tries the value as it came first, and goes on from there. */
    bool many = event->rule->multi_match;
    if (many && event->raw.at == event->value.at && event->raw.len == event->value.len)
        explanation->stage_count = 0;
    if (event->yes || explanation->tells)
        keep_value(explanation, event);
    if (!many)
        explanation->stage_count = 0;
}

/* ---- what is written ---- */

/* TX:0 to TX:9 are what @rx captured; the values show it already. */
static bool is_capture(struct span name)
{
    return name.len == 4 && span_starts(name, SPAN("TX:")) && byte_is_digit(name.at[3]);
}

static void on_stored(struct explanation *explanation, const struct watched_event *event)
{
    struct explained_rule *now = &explanation->now;
    if (is_capture(event->name) || now->rule == NULL)
        return;
    struct explained_change *change = arena_alloc(explanation->arena, sizeof *change);
    struct span *value = arena_alloc(explanation->arena, sizeof *value);
    if (change == NULL || value == NULL)
        return;
    *value = keep(explanation, event->value);
    *change = (struct explained_change){.name = keep(explanation, event->name), .value = *value};
    struct span *before = map_set(explanation->stored, event->name, value);
    if (before != NULL)
        change->before = *before;
    if (now->last_change == NULL)
        now->changes = change;
    else
        now->last_change->next = change;
    now->last_change = change;
}

/* ---- why it was not tried ---- */

/* Remembers the links whose ctl took something away. */
static void on_acted(struct explanation *explanation, const struct watched_event *event)
{
    if (!span_starts(event->name, SPAN("ruleRemove")) || explanation->wanted == 0)
        return;
    if (explanation->remover_count == explanation->remover_room) {
        size_t room = explanation->remover_room * 2 + 16;
        const struct rule **more = arena_alloc(explanation->arena, room * sizeof(struct rule *));
        if (more == NULL)
            return;
        if (explanation->remover_count > 0)
            memcpy(more, explanation->removers, explanation->remover_count * sizeof(struct rule *));
        explanation->removers = more;
        explanation->remover_room = room;
    }
    explanation->removers[explanation->remover_count++] = explanation->now.rule;
}

static const struct action *removing_action(const struct rule *starter, const struct rule *wanted)
{
    for (const struct rule *link = starter; link != NULL; link = link->chain)
        for (size_t i = 0; i < link->action_count; i++)
            if (ctl_removes_rules(&link->actions[i]) && ctl_names_rule(&link->actions[i], wanted))
                return &link->actions[i];
    return NULL;
}

static void on_removed(struct explanation *explanation, const struct watched_event *event)
{
    if (event->rule->id != explanation->wanted)
        return;
    explanation->fate = FATE_REMOVED;
    for (size_t i = 0; i < explanation->remover_count && explanation->ctl == NULL; i++) {
        explanation->by = explanation->removers[i];
        explanation->ctl = removing_action(explanation->by, event->rule);
    }
    if (explanation->ctl == NULL)
        explanation->by = NULL;
}

static void on_passed(struct explanation *explanation, const struct watched_event *event)
{
    if (event->rule->id != explanation->wanted)
        return;
    explanation->fate = span_is(event->name, SPAN("skip")) ? FATE_SKIPPED : FATE_ALLOWED;
    explanation->by = explanation->now.rule;
}

void explanation_watch(void *context, const struct watched_event *event)
{
    static void (*const told[])(struct explanation *, const struct watched_event *) = {
        [WATCHED_LINK] = on_link,       [WATCHED_TRANSFORMED] = on_transformed,
        [WATCHED_TRIED] = on_tried,     [WATCHED_RETURNED] = on_returned,
        [WATCHED_REMOVED] = on_removed, [WATCHED_PASSED] = on_passed,
        [WATCHED_ACTED] = on_acted,     [WATCHED_DECIDED] = on_decided,
        [WATCHED_STORED] = on_stored,
    };
    size_t kind = event->kind;
    if (kind < sizeof told / sizeof *told && told[kind] != NULL)
        told[kind](context, event);
}
