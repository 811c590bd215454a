/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out removals and updates on the drafts. */
#include "rules/base/must.h"
#include "rules/language/action_list.h"
#include "rules/language/update.h"

struct applying {
    struct ruleset_builder *builder;
    struct update *update;
    struct scratch *scratch;
    struct rows words; /* UPDATE_ACTIONS: the list, cut once */
    bool broken;       /* its faults have been told */
};

static bool text_is_meant(const struct applying *applying, struct span text)
{
    const struct update *update = applying->update;
    return span_is(text, update->text) ||
           (update->pattern != NULL &&
            pattern_match(update->pattern, text, applying->scratch, NULL) == PATTERN_YES);
}

static bool rule_is_meant(const struct applying *applying, const struct draft *draft)
{
    if (applying->update->by == BY_MSG)
        return draft->rule.message.text.len > 0 &&
               text_is_meant(applying, draft->rule.message.text);
    const struct macro *tags = draft->tags.at;
    for (size_t i = 0; i < draft->tags.count; i++)
        if (text_is_meant(applying, tags[i].text))
            return true;
    return false;
}

static bool target_is_same(const struct target *a, const struct target *b)
{
    return a->variable == b->variable && a->excluded == b->excluded && a->counted == b->counted &&
           a->selector == b->selector && span_is(a->name, b->name);
}

static void remove_targets(struct rows *from, const struct rows *what)
{
    struct target *to = from->at;
    const struct target *wanted = what->at;
    size_t kept = 0;
    for (size_t i = 0; i < from->count; i++) {
        bool gone = false;
        for (size_t j = 0; j < what->count && !gone; j++)
            gone = target_is_same(&to[i], &wanted[j]);
        if (!gone)
            to[kept++] = to[i];
    }
    from->count = kept;
}

static struct draft *find_link(struct draft *draft, uint64_t number)
{
    while (number > 0 && draft != NULL) {
        draft = draft->next;
        number--;
    }
    return draft;
}

static void change_actions(struct applying *applying, struct draft *draft, enum action_site site)
{
    const struct faults *faults = applying->builder->faults;
    struct action_edit edit = {applying->builder, applying->update->line, draft, site, NULL};
    size_t before = faults_count(faults, FAULT_ERROR);
    if (!applying->broken)
        action_list_apply(&edit, &applying->words);
    applying->broken = faults_count(faults, FAULT_ERROR) > before || applying->broken;
}

/* As one could write it: in quotes where it would fall apart without them. */
static struct span word_quoted(struct span word, struct arena *arena)
{
    struct buf text;
    if (word.len > 0 && span_find_byte(word, ' ') == SPAN_NONE &&
        span_find_byte(word, '"') == SPAN_NONE)
        return word;
    buf_init(&text, 2 * word.len + 2);
    buf_add_byte(&text, '"');
    for (size_t i = 0; i < word.len; i++) {
        if (word.at[i] == '"')
            buf_add_byte(&text, '\\');
        buf_add_byte(&text, word.at[i]);
    }
    buf_add_byte(&text, '"');
    struct span quoted = arena_copy(arena, buf_span(&text));
    buf_fini(&text);
    return quoted;
}

static struct span directive_text(const struct line *line, struct arena *arena)
{
    struct span text = line_word(line, 0);
    for (size_t i = 1; i < line->words.count; i++) {
        struct span word = word_quoted(line_word(line, i), arena);
        text = arena_format(arena, SPAN_FORMAT " " SPAN_FORMAT, span_arg(text), span_arg(word));
    }
    return text;
}

static void note_change(const struct applying *applying, const struct draft *starter)
{
    struct ruleset_builder *builder = applying->builder;
    struct update *update = applying->update;
    struct arena *arena = builder->holding.arena;
    if (update->directive.at == NULL)
        update->directive = directive_text(update->line, arena);
    struct ruleset_change *change = rows_add(&builder->changes, arena, sizeof *change);
    *change = (struct ruleset_change){.rule_id = starter->rule.id,
                                      .directive = update->directive,
                                      .file = update->line->file,
                                      .line = update->line->number,
                                      .removed = update->kind == UPDATE_REMOVE};
}

/* One update on one rule; false: the chain has no such link. */
static bool apply_to(struct applying *applying, struct draft *starter, uint64_t link)
{
    const struct update *update = applying->update;
    struct draft *draft = find_link(starter, link);
    if (draft == NULL)
        return false;
    switch (update->kind) {
    case UPDATE_REMOVE: draft->removed = true; break;
    case UPDATE_TARGETS:
        if (draft->targets.count == 0) /* SecAction has none */
            break;
        remove_targets(&draft->targets, &update->replaced);
        rows_add_all(&draft->targets, &update->targets, applying->builder->holding.arena,
                     sizeof(struct target));
        break;
    case UPDATE_ACTIONS:
        change_actions(applying, draft, link > 0 ? SITE_LINK_UPDATE : SITE_UPDATE);
        break;
    }
    note_change(applying, starter);
    return true;
}

static void apply_by_ids(struct applying *applying, const struct update_ids *ids)
{
    const struct entry *entries = applying->builder->entries.at;
    struct ruleset_builder *builder = applying->builder;
    bool found = false;
    for (size_t i = 0; i < builder->entries.count; i++) {
        struct draft *draft = entries[i].draft;
        if (draft == NULL || draft->rule.id < ids->range.first || draft->rule.id > ids->range.last)
            continue;
        found = apply_to(applying, draft, ids->link) || found;
    }
    if (!found)
        fault_add(builder->faults, FAULT_WARNING, ids->place, SPAN(""),
                  "no rule has the id " SPAN_FORMAT, span_arg(span_first(ids->text, 80)));
}

static void apply_by_text(struct applying *applying)
{
    const struct update *update = applying->update;
    const struct entry *entries = applying->builder->entries.at;
    bool found = false;
    for (size_t i = 0; i < applying->builder->entries.count; i++) {
        struct draft *draft = entries[i].draft;
        if (draft != NULL && rule_is_meant(applying, draft))
            found = apply_to(applying, draft, 0) || found;
    }
    if (!found)
        fault_add(applying->builder->faults, FAULT_WARNING, update->place, SPAN(""),
                  "no rule has the %s '" SPAN_FORMAT "'", update->by == BY_TAG ? "tag" : "message",
                  span_arg(span_first(update->text, 80)));
}

static void apply_one(struct applying *applying)
{
    const struct update *update = applying->update;
    const struct update_ids *ids = update->ids.at;
    applying->words = (struct rows){0};
    applying->broken = false;
    if (update->kind == UPDATE_ACTIONS &&
        !action_list_cut(update->line, update->actions, &applying->words))
        return;
    if (update->by != BY_ID)
        apply_by_text(applying);
    for (size_t i = 0; i < update->ids.count; i++)
        apply_by_ids(applying, &ids[i]);
}

void updates_apply(struct ruleset_builder *builder)
{
    struct applying applying = {.builder = builder, .scratch = scratch_new()};
    struct update *updates = builder->updates.at;
    for (size_t i = 0; i < builder->updates.count; i++) {
        applying.update = &updates[i];
        apply_one(&applying);
    }
    scratch_free(applying.scratch);
}
