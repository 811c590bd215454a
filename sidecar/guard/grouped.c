/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/grouped.h"

#include "rules/base/encode.h"
#include "rules/base/map.h"

static struct grouped_name *name_of(struct grouped *grouped, struct span text)
{
    struct grouped_name *name = grouped->map != NULL ? map_find(grouped->map, text) : NULL;
    if (name != NULL || grouped->map == NULL)
        return name;
    name = arena_alloc(grouped->arena, sizeof *name);
    if (name == NULL)
        return NULL;
    name->name = text;
    map_set(grouped->map, text, name);
    if (grouped->last != NULL)
        grouped->last->next = name;
    else
        grouped->first = name;
    grouped->last = name;
    return name;
}

static void add(struct grouped *grouped, struct span text, struct span value)
{
    struct grouped_value *one = arena_alloc(grouped->arena, sizeof *one);
    struct grouped_name *name = one != NULL ? name_of(grouped, text) : NULL; /* none is empty */
    if (name == NULL)
        return; /* the arena is full: its owner looks at it */
    one->text = value;
    if (name->last != NULL)
        name->last->next = one;
    else
        name->first = one;
    name->last = one;
}

struct grouped grouped_fields(const struct fields *fields, struct arena *arena)
{
    struct grouped grouped = {.arena = arena, .map = map_new(arena, true)};
    for (size_t i = 0; i < fields->count; i++)
        add(&grouped, fields->at[i].name, fields->at[i].value);
    return grouped;
}

struct span grouped_decoded(struct span text, bool plus_is_space, struct arena *arena)
{
    if (span_find_byte(text, '%') == SPAN_NONE &&
        (!plus_is_space || span_find_byte(text, '+') == SPAN_NONE))
        return text.at != NULL ? text : SPAN("");
    char *to = arena_text(arena, text.len);
    size_t len = 0;
    if (to == NULL)
        return SPAN("");
    percent_read(text, plus_is_space, to, text.len, &len);
    return span_make(to, len);
}

struct grouped grouped_query(struct span query, struct arena *arena)
{
    struct grouped grouped = {.arena = arena, .map = map_new(arena, false)};
    while (query.at != NULL) {
        struct span value = span_cut(&query, '&');
        if (value.len == 0)
            continue;
        struct span name = span_cut(&value, '=');
        add(&grouped, grouped_decoded(name, true, arena), grouped_decoded(value, true, arena));
    }
    return grouped;
}

struct span grouped_join(const struct grouped_name *name, struct arena *arena)
{
    size_t len = 0;
    if (name->first->next == NULL)
        return name->first->text;
    for (const struct grouped_value *value = name->first; value != NULL; value = value->next)
        len += value->text.len + 1;
    char *to = arena_text(arena, len);
    if (to == NULL)
        return SPAN("");
    len = 0;
    for (const struct grouped_value *value = name->first; value != NULL; value = value->next) {
        if (len > 0 || value != name->first)
            to[len++] = ',';
        if (value->text.len > 0)
            memcpy(to + len, value->text.at, value->text.len);
        len += value->text.len;
    }
    return span_make(to, len);
}
