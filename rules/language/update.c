/* SPDX-License-Identifier: Apache-2.0 */
/* Reads SecRuleRemoveBy... and SecRuleUpdate... */
#include "rules/language/update.h"

#include "rules/language/choice.h"
#include "rules/language/id_range.h"
#include "rules/language/target_list.h"

static struct update *add_update(struct ruleset_builder *builder, struct line *line,
                                 enum update_kind kind, enum update_by by)
{
    struct update *update = rows_add(&builder->updates, builder->holding.arena, sizeof *update);
    *update = (struct update){.kind = kind, .by = by, .line = line};
    return update;
}

/* "942100", "942100-942199", and for updates "942100:1": the chain's second link. */
static bool read_id(struct line *line, struct span text, bool with_link, struct rows *ids)
{
    struct update_ids id = {.place = line_place(line, text.at), .text = text};
    size_t colon = with_link ? span_find_byte(text, ':') : SPAN_NONE;
    if (!id_range_read(line, span_first(text, colon), &id.range))
        return false;
    if (colon != SPAN_NONE) {
        struct span link = span_make(text.at + colon + 1, text.len - colon - 1);
        if (!number_read(line, link, "the number of a link", 0, 1000, &id.link))
            return false;
    }
    struct update_ids *row = rows_add(ids, line->arena, sizeof *row);
    *row = id;
    return true;
}

/* Ids in one word, separated by commas or blanks. */
static bool read_ids(struct line *line, struct span text, bool with_link, struct rows *ids)
{
    size_t before = ids->count;
    while (text.len > 0) {
        size_t len = 0;
        while (len < text.len && text.at[len] != ',' && text.at[len] != ' ')
            len++;
        if (len > 0 && !read_id(line, span_first(text, len), with_link, ids))
            return false;
        len += len < text.len;
        text = span_make(text.at + len, text.len - len);
    }
    if (ids->count > before)
        return true;
    fault_add(line->faults, FAULT_ERROR, line_place(line, text.at), SPAN(""), "an id is missing");
    return false;
}

/* ModSecurity 2 reads tags and messages as patterns, 3 as plain text: here a text is compared as it
 * stands, and as a pattern too where it could mean more than itself. */
static const struct pattern *read_pattern(struct ruleset_builder *builder, struct span text)
{
    const struct span special = SPAN("^$*+?()[]{}|\\");
    size_t offset, i = 0;
    char why[128];
    while (i < text.len && span_find_byte(special, text.at[i]) == SPAN_NONE)
        i++;
    if (i == text.len)
        return NULL;
    struct pattern *pattern = pattern_new(text, PATTERN_RULE, &offset, why, sizeof why);
    if (pattern == NULL)
        return NULL;
    struct pattern **row =
        rows_add(&builder->holding.patterns, builder->holding.arena, sizeof(void *));
    *row = pattern;
    return pattern;
}

static void set_text(struct ruleset_builder *builder, struct line *line, struct update *update)
{
    update->text = line_word(line, 1);
    update->place = line_place(line, update->text.at);
    update->pattern = read_pattern(builder, update->text);
}

static void update_targets(struct ruleset_builder *builder, struct line *line, enum update_by by)
{
    struct rows targets = {0}, replaced = {0}, ids = {0};
    struct span third = line_word(line, 3);
    bool well = by != BY_ID || read_ids(line, line_word(line, 1), true, &ids);
    well = target_list_parse(builder, line, line_word(line, 2), &targets) && well;
    if (third.at != NULL)
        well = target_list_parse(builder, line, third, &replaced) && well;
    if (!well)
        return;
    struct update *update = add_update(builder, line, UPDATE_TARGETS, by);
    update->targets = targets;
    update->replaced = replaced;
    update->ids = ids;
    if (by != BY_ID)
        set_text(builder, line, update);
}

DIRECTIVE_FUNCTION(update_target_by_id)
{
    (void)which;
    update_targets(builder, line, BY_ID);
}

DIRECTIVE_FUNCTION(update_target_by_tag)
{
    (void)which;
    update_targets(builder, line, BY_TAG);
}

DIRECTIVE_FUNCTION(update_target_by_msg)
{
    (void)which;
    update_targets(builder, line, BY_MSG);
}

DIRECTIVE_FUNCTION(update_action_by_id)
{
    (void)which;
    struct rows ids = {0};
    if (!read_ids(line, line_word(line, 1), true, &ids))
        return;
    struct update *update = add_update(builder, line, UPDATE_ACTIONS, BY_ID);
    update->ids = ids;
    update->actions = line_word(line, 2);
}

DIRECTIVE_FUNCTION(remove_by_id)
{
    (void)which;
    struct rows ids = {0};
    bool well = true;
    for (size_t i = 1; i < line->words.count; i++)
        well = read_ids(line, line_word(line, i), false, &ids) && well;
    if (well)
        add_update(builder, line, UPDATE_REMOVE, BY_ID)->ids = ids;
}

DIRECTIVE_FUNCTION(remove_by_tag)
{
    (void)which;
    set_text(builder, line, add_update(builder, line, UPDATE_REMOVE, BY_TAG));
}

DIRECTIVE_FUNCTION(remove_by_msg)
{
    (void)which;
    set_text(builder, line, add_update(builder, line, UPDATE_REMOVE, BY_MSG));
}
