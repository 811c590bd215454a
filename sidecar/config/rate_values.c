/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options in limits on how often something comes. */
#include "rules/base/number.h"
#include "sidecar/config/values.h"

/* ---- key: a list of parts ---- */

enum { HINT_BYTES = 160, NAMES_SHOWN = 64, PART_BYTES = 64 * 1024 };

static enum value_result refuse_part(const struct value *value, const struct node *item)
{
    const char *names[RATE_PART_KINDS];
    char hint[HINT_BYTES];
    bool has_name;
    for (unsigned i = 0; i < RATE_PART_KINDS; i++)
        names[i] = rate_part_word((enum rate_part_kind)i, &has_name);
    struct span near = nearest_hint(item->text, names, RATE_PART_KINDS, hint, sizeof hint);
    fault_add(value->reading->faults, FAULT_ERROR, item->place, near,
              "%s: found '" SPAN_FORMAT "', expected client_address, header:NAME, cookie:NAME, "
              "query:NAME, jwt.CLAIM, path, method, host or route",
              value->option->path, span_arg(span_first(item->text, 200)));
    return VALUE_SAID;
}

static enum value_result key_read(const struct value *value)
{
    const struct node *list = value->node;
    if (list->kind != NODE_LIST || list->count == 0 || list->count > RATE_PARTS_MOST)
        return VALUE_UNFIT;
    struct rate_part *parts =
        arena_alloc(value->reading->arena, list->count * sizeof(struct rate_part));
    size_t count = 0;
    for (const struct node *item = list->first; parts != NULL && item != NULL; item = item->next) {
        struct span text = value_keep(value, item->text);
        if (item->kind != NODE_SCALAR || !rate_part_parse(text, &parts[count++]))
            return refuse_part(value, item);
    }
    *(const struct rate_part **)value_at(value) = parts;
    *(size_t *)value_also(value) = count;
    return VALUE_TAKEN;
}

/* Without a limit there is no key: silence, and not an empty list. */
static bool key_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const struct rate_part *const *parts = (const void *)((const char *)base + option->at);
    const size_t *count = (const void *)((const char *)base + option->also);
    for (size_t n = 0; n < *count; n++) {
        bool has_name;
        struct buf text;
        buf_init(&text, PART_BYTES);
        buf_add(&text, span_text(rate_part_word((*parts)[n].kind, &has_name)));
        buf_add(&text, (*parts)[n].name);
        buf_add(to, n == 0 ? SPAN("[") : SPAN(", "));
        value_print_text(to, buf_span(&text));
        buf_fini(&text);
    }
    return *count > 0 && buf_add_byte(to, ']');
}

const struct option_type type_rate_key = {.name = "list of parts of a key",
                                          .expected = "one to five parts of a key, like "
                                                      "[client_address, \"header:x-user\"]",
                                          .takes_any = true,
                                          .one_will_do = true,
                                          .read = key_read,
                                          .print = key_print};

/* ---- 50/s ---- */

static const struct {
    char letter;
    uint64_t us;
} units[] = {
    {'s', 1000000}, {'m', 60000000}, {'h', UINT64_C(3600000000)}, {'d', UINT64_C(86400000000)}};
enum { UNITS = sizeof units / sizeof *units, RATE_MOST = 1000000000 };

bool rate_text_parse(struct span text, unsigned *number, uint64_t *window_us)
{
    struct span unit = text;
    uint64_t parsed;
    text = span_cut(&unit, '/');
    if (!number_parse(text, &parsed) || parsed == 0 || parsed > RATE_MOST || unit.len != 1)
        return false;
    for (size_t i = 0; i < UNITS; i++) {
        if (unit.at[0] != units[i].letter)
            continue;
        *number = (unsigned)parsed;
        *window_us = units[i].us;
        return true;
    }
    return false;
}

static enum value_result rate_read(const struct value *value)
{
    return rate_text_parse(value->node->text, value_at(value), value_also(value)) ? VALUE_TAKEN
                                                                                  : VALUE_UNFIT;
}

bool rate_text_print(unsigned number, uint64_t window_us, struct buf *to)
{
    for (size_t n = 0; n < UNITS; n++)
        if (window_us == units[n].us)
            return buf_format(to, "%u/%c", number, units[n].letter);
    return false;
}

static bool rate_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const unsigned *number = (const void *)((const char *)base + option->at);
    const uint64_t *us = (const void *)((const char *)base + option->also);
    return rate_text_print(*number, *us, to);
}

const struct option_type type_request_rate = {
    .name = "requests by time",
    .expected = "a number of requests by s, m, h or d, like 50/s or 1000/h",
    .read = rate_read,
    .print = rate_print};

/* ---- routes[].rate_limits: names; their section may stand behind the routes ---- */

static bool find_limit(const struct value *value, struct span name, size_t *index)
{
    const struct node *limits = tree_find(value->reading->root, SPAN("rate_limits"));
    const struct node *node = limits != NULL ? limits->first : NULL;
    for (*index = 0; node != NULL; node = node->next, (*index)++)
        if (span_is(node->key, name))
            return true;
    return false;
}

static enum value_result refuse_name(const struct value *value, const struct node *item)
{
    const struct node *limits = tree_find(value->reading->root, SPAN("rate_limits"));
    const char *names[NAMES_SHOWN];
    size_t count = 0;
    char hint[HINT_BYTES];
    for (const struct node *node = limits != NULL ? limits->first : NULL;
         node != NULL && count < NAMES_SHOWN; node = node->next)
        names[count++] = node->key.at;
    fault_add(value->reading->faults, FAULT_ERROR, item->place,
              nearest_hint(item->text, names, count, hint, sizeof hint),
              "%s: there is no rate limit '" SPAN_FORMAT "'", value->option->path,
              span_arg(span_first(item->text, 200)));
    return VALUE_SAID;
}

static enum value_result limits_read(const struct value *value)
{
    struct route_settings *route = value->base;
    const struct node *list = value->node;
    struct arena *arena = value->reading->arena;
    if (list->kind != NODE_LIST)
        return VALUE_UNFIT;
    struct span *names = arena_alloc(arena, (list->count + 1) * sizeof *names);
    size_t *indexes = arena_alloc(arena, (list->count + 1) * sizeof *indexes), count = 0;
    if (names == NULL || indexes == NULL)
        return VALUE_TAKEN; /* a full arena is said at the end */
    for (const struct node *item = list->first; item != NULL; item = item->next, count++) {
        if (item->kind != NODE_SCALAR || !find_limit(value, item->text, &indexes[count]))
            return refuse_name(value, item);
        names[count] = value_keep(value, item->text);
    }
    route->rate_limits = names;
    route->rate_limit_indexes = indexes;
    route->rate_limit_count = count;
    return VALUE_TAKEN;
}

static bool limits_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)option;
    (void)i;
    const struct route_settings *route = base;
    for (size_t n = 0; n < route->rate_limit_count; n++) {
        buf_add(to, n == 0 ? SPAN("[") : SPAN(", "));
        value_print_text(to, route->rate_limits[n]);
    }
    return route->rate_limit_count > 0 && buf_add_byte(to, ']');
}

const struct option_type type_rate_limits = {.name = "list of names",
                                             .expected = "a list of names of rate_limits",
                                             .takes_any = true,
                                             .one_will_do = true,
                                             .read = limits_read,
                                             .print = limits_print};
