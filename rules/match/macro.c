/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts text into literals and variables. "%{" without an end is a literal, as in ModSecurity. */
#include "rules/match/macro.h"

/* Where a "%{...}" begins and what follows it; false where there is none any more. */
static bool braces_find(struct span text, size_t *start, size_t *end, struct span *inside)
{
    size_t open = span_find(text, SPAN("%{"));
    if (open == SPAN_NONE)
        return false;
    size_t len = span_find_byte(span_from(text, open), '}');
    if (len == SPAN_NONE)
        return false;
    *start = open;
    *inside = span_make(text.at + open + 2, len - 2);
    size_t behind = open + len + 1;
    /* "%{NAME}%" is another way to write it, where a percent sign cannot begin anything else. */
    struct span rest = span_from(text, behind);
    bool percent = rest.len > 0 && rest.at[0] == '%' &&
                   (rest.len == 1 || rest.at[1] == ' ' || rest.at[1] == ',');
    *end = behind + (percent ? 1 : 0);
    return true;
}

static size_t count_parts(struct span text)
{
    size_t count = 0, start, end;
    struct span inside;
    while (braces_find(text, &start, &end, &inside)) {
        count += start > 0 ? 2 : 1;
        text = span_from(text, end);
    }
    return count + (text.len > 0);
}

/* "TX.score" and "TX:score" have a key, "REMOTE_ADDR" has none. */
static bool part_parse(struct span inside, struct macro_part *part)
{
    size_t len = 0;
    while (len < inside.len && inside.at[len] != '.' && inside.at[len] != ':')
        len++;
    *part = (struct macro_part){.is_variable = true, .text = inside};
    part->key = span_from(inside, len + 1);
    if (!variable_find(span_first(inside, len), &part->variable))
        return false;
    return len == inside.len || variable_row(part->variable)->shape != SHAPE_SCALAR;
}

/* What whoever wrote it says himself. */
static struct span literals_join(const struct macro *macro, struct arena *arena)
{
    char *text = arena_text(arena, macro->text.len + macro->count);
    size_t len = 0;
    for (size_t i = 0; text != NULL && i < macro->count; i++) {
        const struct macro_part *part = &macro->parts[i];
        if (part->is_variable || part->text.len == 0)
            continue;
        memcpy(text + len, part->text.at, part->text.len);
        len += part->text.len;
        text[len++] = '\0';
    }
    return text != NULL ? span_make(text, len) : SPAN("");
}

bool macro_parse(struct span text, struct arena *arena, struct macro *out, size_t *offset,
                 struct span *wrong)
{
    struct span rest = arena_copy(arena, text);
    size_t count = count_parts(rest), start, end;
    struct macro_part *parts = arena_alloc(arena, count * sizeof *parts);
    *out = (struct macro){.text = rest, .parts = parts};
    if (parts == NULL)
        return true; /* the arena says so itself */
    struct span inside;
    while (braces_find(rest, &start, &end, &inside)) {
        if (start > 0)
            parts[out->count++] = (struct macro_part){.text = span_first(rest, start)};
        if (!part_parse(inside, &parts[out->count++])) {
            *offset = (size_t)(inside.at - out->text.at);
            *wrong = span_make(text.at + *offset, inside.len);
            return false;
        }
        out->has_variables = true;
        rest = span_from(rest, end);
    }
    if (rest.len > 0)
        parts[out->count++] = (struct macro_part){.text = rest};
    if (out->has_variables)
        out->literals = literals_join(out, arena);
    return true;
}
