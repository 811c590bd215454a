/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options in rules.exclusions. What they let through is put into SecLang between quotes,
 * so there is neither a quote in it nor a control byte, nor a backslash at its end. */
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "rules/language/target_check.h"
#include "sidecar/config/values.h"
#include "sidecar/http/date.h"
#include "sidecar/http/target.h"

enum { DAY_LENGTH = 10 };

/* NULL: it fits. */
static const char *wrong_bytes(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"' || text.at[i] == '\'')
            return "a quote cannot stand in it";
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return "a control byte cannot stand in it";
    }
    return span_ends(text, SPAN("\\")) ? "a backslash cannot end it" : NULL;
}

/* Where a part of the node's text stands. */
static struct place place_of(const struct node *node, struct span part)
{
    struct place place = node->place;
    if (place.line > 0)
        place.column += (unsigned)(part.at - node->text.at) + !node->plain;
    return place;
}

static enum value_result refuse_part(const struct value *value, const struct node *node,
                                     struct span part, const char *message)
{
    fault_add(value->reading->faults, FAULT_ERROR, place_of(node, part),
              SPAN("an id, a range like 942100-942199, or tag:NAME"), "%s: '" SPAN_FORMAT "': %s",
              value->option->path, span_arg(span_first(part, 80)), message);
    return VALUE_SAID;
}

/* ---- which rules ---- */

static bool ids_read(struct span text, struct excluded_rules *to)
{
    size_t dash = span_find_byte(text, '-');
    struct span first = span_trim(span_first(text, dash), " ");
    if (!number_parse(first, &to->first) || to->first == 0)
        return false;
    to->last = to->first;
    return dash == SPAN_NONE ||
           (number_parse(span_trim(span_from(text, dash + 1), " "), &to->last) &&
            to->last >= to->first);
}

static bool one_read(const struct value *value, const struct node *node, struct span text,
                     struct excluded_rules *to)
{
    *to = (struct excluded_rules){.text = value_keep(value, text), .place = place_of(node, text)};
    to->place.file = arena_string(value->reading->arena, span_text(to->place.file));
    if (!span_starts(text, SPAN("tag:"))) {
        if (!ids_read(text, to))
            refuse_part(value, node, text, "this is no rule's id");
        return true;
    }
    struct span tag = span_trim(span_from(text, 4), " ");
    const char *wrong = tag.len == 0                            ? "a tag's name is missing"
                        : span_find_byte(tag, ';') != SPAN_NONE ? "a semicolon cannot stand in it"
                                                                : wrong_bytes(tag);
    if (wrong != NULL)
        refuse_part(value, node, text, wrong);
    to->tag = value_keep(value, tag);
    return true;
}

static size_t count_parts(const struct node *list)
{
    size_t count = 0;
    for (const struct node *item = list->first; item != NULL; item = item->next)
        for (struct span rest = item->text; rest.at != NULL; span_cut(&rest, ','))
            count++;
    return count;
}

/* The exclusion's own place is that of what it excludes. */
static enum value_result rules_read(const struct value *value)
{
    struct exclusion_settings *exclusion = value->base;
    struct excluded_rules *rules =
        arena_alloc(value->reading->arena, (count_parts(value->node) + 1) * sizeof *rules);
    if (rules == NULL)
        return VALUE_TAKEN; /* a full arena is said at the end */
    exclusion->place = value->node->place;
    exclusion->place.file = arena_string(value->reading->arena, span_text(value->node->place.file));
    for (const struct node *item = value->node->first; item != NULL; item = item->next) {
        struct value one = {value->reading, value->option, item, value->base};
        if (item->kind != NODE_SCALAR || item->text.len == 0) {
            value_refuse_unfit(&one);
            continue;
        }
        bool is_tag = span_starts(item->text, SPAN("tag:")); /* which may have commas */
        struct span rest = item->text;
        while (rest.at != NULL) {
            struct span part = span_trim(is_tag ? rest : span_cut(&rest, ','), " ");
            one_read(&one, item, part, &rules[exclusion->rule_count++]);
            if (is_tag)
                break;
        }
    }
    exclusion->rules = rules;
    return exclusion->rule_count > 0 ? VALUE_TAKEN : VALUE_UNFIT;
}

static bool rules_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)option;
    const struct exclusion_settings *exclusion = base;
    if (i < exclusion->rule_count)
        value_print_text(to, exclusion->rules[i].text);
    return i < exclusion->rule_count;
}

const struct option_type type_excluded_rules = {
    .name = "list of rules",
    .expected = "a rule's id, a range like 942100-942199, tag:NAME, or a list of these",
    .is_list = true,
    .one_will_do = true,
    .read = rules_read,
    .print = rules_print};

/* ---- texts ---- */

static enum value_result keep_text(const struct value *value)
{
    *(struct span *)value_at(value) = value_keep(value, value->node->text);
    return VALUE_TAKEN;
}

static enum value_result target_read(const struct value *value)
{
    struct span text = value->node->text;
    const char *wrong = wrong_bytes(text);
    if (text.len == 0)
        return VALUE_UNFIT;
    if (wrong != NULL)
        return value_refuse(value, value->node, "a pattern selects too: ARGS:/^a.b$/", wrong);
    if (!target_is_valid(text, place_of(value->node, text), value->reading->faults))
        return VALUE_SAID;
    return keep_text(value);
}

const struct option_type type_target = {.name = "target",
                                        .expected = "a variable of SecLang, like ARGS:q",
                                        .read = target_read,
                                        .print = value_span_print};

/* The path is compared with canonical ones, so it has to be one. */
static enum value_result excluded_path_read(const struct value *value)
{
    struct span text = value->node->text;
    unsigned doubts = 0;
    size_t star = span_find_byte(text, '*');
    if (text.len == 0 || text.at[0] != '/')
        return VALUE_UNFIT;
    if (star != SPAN_NONE && star + 1 < text.len)
        return value_refuse(value, value->node, "/search/*", "a * stands only at the end");
    struct span path = span_first(text, star);
    struct span canonical = path_canonical(path, value->reading->arena, &doubts);
    if (doubts != 0 || wrong_bytes(path) != NULL || span_find_byte(path, ' ') != SPAN_NONE ||
        span_find_byte(path, '?') != SPAN_NONE || !span_is(canonical, path))
        return value_refuse(value, value->node, "as the access log has it: no dots, no query",
                            "no request comes by such a path");
    return keep_text(value);
}

const struct option_type type_excluded_path = {
    .name = "path",
    .expected = "a path like /search, or the beginning of one and a star, like /search/*",
    .read = excluded_path_read,
    .print = value_span_print};

/* ---- a day ---- */

static enum value_result date_option_read(const struct value *value)
{
    uint64_t seconds = 0;
    struct place *place = value_also(value);
    if (!date_parse(value->node->text, &seconds))
        return VALUE_UNFIT;
    *(uint64_t *)value_at(value) = seconds;
    *place = value->node->place;
    place->file = arena_string(value->reading->arena, span_text(value->node->place.file));
    return VALUE_TAKEN;
}

static bool date_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const uint64_t *seconds = (const void *)((const char *)base + option->at);
    char text[TIMESTAMP_LENGTH];
    if (*seconds == 0)
        return false;
    timestamp_write(text, *seconds * 1000000);
    return buf_add(to, span_make(text, DAY_LENGTH));
}

const struct option_type type_date = {.name = "day",
                                      .expected = "a day like 2026-12-31",
                                      .read = date_option_read,
                                      .print = date_print};
