/* SPDX-License-Identifier: Apache-2.0 */
/* What every type uses, and the types of options that are one text. */
#include "sidecar/config/values.h"

#include <stdio.h>

#include "exporters/mask.h"
#include "rules/match/pattern.h"
#include "sidecar/config/yaml_text.h"

enum { SHOWN_BYTES = 200 /* of what was found */, LIST_BYTES = 60 };

/* ---- what every type uses ---- */

void *value_at(const struct value *value)
{
    return (char *)value->base + value->option->at;
}

void *value_also(const struct value *value)
{
    return (char *)value->base + value->option->also;
}

const void *value_field(const struct option *option, const void *base)
{
    return (const char *)base + option->at;
}

struct span value_keep(const struct value *value, struct span text)
{
    const char *kept = arena_string(value->reading->arena, text);
    return span_make(kept, kept != NULL ? text.len : 0);
}

/* Of an address without its password. */
static struct span without_user(struct span text, char *to, size_t size)
{
    size_t begin = span_find(text, SPAN("//")), at = SPAN_NONE;
    begin = begin == SPAN_NONE ? 0 : begin + SPAN("//").len;
    for (size_t i = begin; i < text.len; i++)
        at = text.at[i] == '@' ? i : at;
    if (at == SPAN_NONE || span_find_byte(span_from(span_first(text, at), begin), ':') == SPAN_NONE)
        return span_first(text, SHOWN_BYTES);
    struct span rest = span_first(span_from(text, at), SHOWN_BYTES / 2);
    int len =
        snprintf(to, size, SPAN_FORMAT "***" SPAN_FORMAT,
                 span_arg(span_first(text, begin < SHOWN_BYTES / 2 ? begin : 0)), span_arg(rest));
    return span_make(to, len > 0 ? (size_t)len : 0);
}

/* A secret may stand in what is refused, and faults come into logs. */
static struct span shown(struct span text, char *to, size_t size)
{
    char room[SHOWN_BYTES + 8];
    struct buf masked;
    buf_init(&masked, (size_t)SHOWN_BYTES * 8);
    text_mask_secrets(&masked, without_user(text, room, sizeof room));
    struct span kept = span_first(buf_span(&masked), size);
    if (kept.len > 0)
        memcpy(to, kept.at, kept.len);
    buf_fini(&masked);
    return span_make(to, kept.len);
}

enum value_result value_refuse(const struct value *value, const struct node *at, const char *hint,
                               const char *message)
{
    char room[SHOWN_BYTES + 8];
    struct span text = shown(at->text, room, sizeof room);
    if (at->kind == NODE_SCALAR)
        fault_add(value->reading->faults, FAULT_ERROR, at->place, span_text(hint),
                  "%s: '" SPAN_FORMAT "': %s", value->option->path, span_arg(text), message);
    else
        fault_add(value->reading->faults, FAULT_ERROR, at->place, span_text(hint), "%s: %s",
                  value->option->path, message);
    return VALUE_SAID;
}

static bool is_one_of(struct span text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (span_is_nocase(text, span_text(*words)))
            return true;
    return false;
}

/* What other programs take for on and off. */
static const char *meant_by(struct span text)
{
    static const char *const ons[] = {"true", "yes", "enabled", "enable", "y", "1", NULL};
    static const char *const offs[] = {"false", "no", "disabled", "disable", "n", "0", NULL};
    return is_one_of(text, ons) ? "on" : is_one_of(text, offs) ? "off" : NULL;
}

/* The word of this type that another program's word stands for; NULL: none. */
static const char *own_word(const struct option_type *type, struct span text)
{
    const char *meant = meant_by(text);
    for (unsigned i = 0; meant != NULL && i < type->word_count; i++)
        if (span_is(span_text(meant), span_text(type->words[i])))
            return type->words[i];
    return NULL;
}

/* The text in brackets, where that is a list worth showing. */
static struct span list_hint(struct span text, char *hint, size_t size)
{
    if (text.len > LIST_BYTES || span_find(text, SPAN("//")) != SPAN_NONE)
        return SPAN("a list stands in [ ]");
    int len = snprintf(hint, size, "[" SPAN_FORMAT "]", span_arg(text));
    return span_make(hint, len > 0 ? (size_t)len : 0);
}

/* What may have been meant; empty: nobody knows. `text` has at least one byte. */
static struct span hint_of(const struct option_type *type, struct span text, char *hint,
                           size_t size)
{
    const char *word = own_word(type, text);
    if (word != NULL)
        return nearest_hint(span_text(word), &word, 1, hint, size);
    if (type->is_list)
        return list_hint(text, hint, size);
    struct span said = type->hint != NULL ? type->hint(text) : SPAN("");
    if (said.len > 0 || text.len == 1) /* any two single bytes are near */
        return said;
    return nearest_hint(text, type->words, type->word_count, hint, size);
}

void value_refuse_unfit(const struct value *value)
{
    static const char *const kinds[] = {
        [NODE_SCALAR] = "nothing", [NODE_LIST] = "a list", [NODE_MAP] = "a map"};
    const struct option_type *type = value->option->type;
    const struct node *node = value->node;
    char hint[128] = "";
    struct span near = span_make(hint, 0);
    if (node->kind == NODE_SCALAR && node->text.len > 0) {
        near = hint_of(type, node->text, hint, sizeof hint);
        char room[SHOWN_BYTES + 8];
        struct span text = shown(node->text, room, sizeof room);
        fault_add(value->reading->faults, FAULT_ERROR, node->place, near,
                  "%s: found '" SPAN_FORMAT "', expected %s", value->option->path, span_arg(text),
                  type->expected);
    } else {
        fault_add(value->reading->faults, FAULT_ERROR, node->place, near,
                  "%s: found %s, expected %s", value->option->path,
                  node->kind == NODE_LIST && node->count == 0 ? "an empty list" : kinds[node->kind],
                  type->expected);
    }
}

/* "${" would be read as a variable. */
void value_print_inside(struct buf *to, struct span text)
{
    for (;;) {
        size_t dollar = span_find(text, SPAN("${"));
        yaml_add_inside(to, span_first(text, dollar));
        if (dollar == SPAN_NONE)
            return;
        buf_add(to, SPAN("$${"));
        text = span_from(text, dollar + 2);
    }
}

void value_print_text(struct buf *to, struct span text)
{
    if (span_find(text, SPAN("${")) == SPAN_NONE) {
        yaml_add_text(to, text);
        return;
    }
    buf_add_byte(to, '"');
    value_print_inside(to, text);
    buf_add_byte(to, '"');
}

/* ---- text ---- */

static enum value_result text_read(const struct value *value)
{
    if (value->node->text.len == 0)
        return VALUE_UNFIT;
    *(struct span *)value_at(value) = value_keep(value, value->node->text);
    return VALUE_TAKEN;
}

bool value_span_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const struct span *text = value_field(option, base);
    if (text->at == NULL)
        return false;
    value_print_text(to, *text);
    return true;
}

const struct option_type type_text = {
    .name = "text", .expected = "a text", .read = text_read, .print = value_span_print};

static enum value_result audit_parts_read(const struct value *value)
{
    struct span text = value->node->text;
    for (size_t i = 0; i < text.len; i++)
        if (span_find_byte(SPAN("ABCDEFGHIJKZ"), text.at[i]) == SPAN_NONE)
            return VALUE_UNFIT;
    return text_read(value);
}

const struct option_type type_audit_parts = {.name = "letters",
                                             .expected = "letters from A to K and Z, like ABHZ",
                                             .read = audit_parts_read,
                                             .print = value_span_print};

static enum value_result pattern_read(const struct value *value)
{
    size_t offset;
    char why[160];
    struct pattern *pattern =
        pattern_new(value->node->text, PATTERN_RULE, &offset, why, sizeof why);
    if (pattern == NULL)
        return value_refuse(value, value->node, "", why);
    pattern_free(pattern);
    return text_read(value);
}

const struct option_type type_pattern = {.name = "pattern",
                                         .expected = "a regular expression",
                                         .read = pattern_read,
                                         .print = value_span_print};
