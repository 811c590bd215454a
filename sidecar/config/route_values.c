/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options in a route: what it matches, who answers. */
#include "rules/base/must.h"
#include "sidecar/config/values.h"
#include "sidecar/http/bytes.h"

enum { PATH_SHOWN = 100 };

static bool is_method(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!http_byte_is(text.at[i], HTTP_TOKEN))
            return false;
    return text.len > 0;
}

static bool has_small_letter(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] >= 'a' && text.at[i] <= 'z')
            return true;
    return false;
}

static enum value_result refuse_path(const struct value *value, struct span method,
                                     struct span path)
{
    struct arena *arena = value->reading->arena;
    bool may_be_meant = byte_is_alpha(path.at[0]) && span_find(path, SPAN("://")) == SPAN_NONE;
    struct span meant = arena_format(arena, "did you mean '" SPAN_FORMAT " /" SPAN_FORMAT "'?",
                                     span_arg(method), span_arg(span_first(path, PATH_SHOWN)));
    const char *hint = may_be_meant ? arena_string(arena, meant) : NULL;
    return value_refuse(value, value->node,
                        hint != NULL ? hint : "like GET /orders/{id} or ANY /{proxy+}",
                        "the path does not begin with a slash");
}

/* What the pattern's segments may be is routes_new()'s business. */
static enum value_result route_match_read(const struct value *value)
{
    struct route_settings *route = value->base;
    struct span rest = value->node->text;
    struct span method = span_cut(&rest, ' ');
    rest = span_trim(rest, " ");
    if (!is_method(method) || rest.len == 0)
        return VALUE_UNFIT;
    if (rest.at[0] != '/')
        return refuse_path(value, method, rest);
    if (has_small_letter(method))
        return value_refuse(value, value->node, "methods are case-sensitive",
                            "the method is not in capitals");
    route->method = value_keep(value, method);
    route->pattern = value_keep(value, rest);
    route->match = value_keep(value, value->node->text);
    route->place = value->node->place;
    route->place.file = arena_string(value->reading->arena, span_text(value->node->place.file));
    return VALUE_TAKEN;
}

static bool route_match_print(const struct option *option, const void *base, size_t i,
                              struct buf *to)
{
    (void)option;
    (void)i;
    const struct route_settings *route = base;
    value_print_text(to, route->match);
    return true;
}

const struct option_type type_route_match = {
    .name = "METHOD /path",
    .expected = "a method and a path, like GET /orders/{id} or ANY /{proxy+}",
    .read = route_match_read,
    .print = route_match_print};

enum { UPSTREAMS_SHOWN = 64 };

/* The upstreams section may stand behind the routes, so the name is looked for in the tree. */
static enum value_result upstream_read(const struct value *value)
{
    const struct node *upstreams = tree_find(value->reading->root, SPAN("upstreams"));
    const struct node *node = upstreams != NULL ? upstreams->first : NULL;
    const char *names[UPSTREAMS_SHOWN];
    unsigned i = 0;
    if (value->node->text.len == 0)
        return VALUE_UNFIT;
    for (; node != NULL; node = node->next, i++) {
        if (span_is(node->key, value->node->text)) {
            *(unsigned *)value_at(value) = i;
            return VALUE_TAKEN;
        }
        if (i < UPSTREAMS_SHOWN)
            names[i] = node->key.at;
    }
    char hint[160];
    struct span near = nearest_hint(value->node->text, names,
                                    i < UPSTREAMS_SHOWN ? i : UPSTREAMS_SHOWN, hint, sizeof hint);
    fault_add(value->reading->faults, FAULT_ERROR, value->node->place, near,
              "%s: there is no upstream '" SPAN_FORMAT "'", value->option->path,
              span_arg(value->node->text));
    return VALUE_SAID;
}

static bool upstream_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)option;
    (void)base;
    (void)i;
    (void)to;
    return false; /* print.c knows the names */
}

const struct option_type type_upstream = {.name = "name of an upstream",
                                          .expected = "the name of an upstream",
                                          .read = upstream_read,
                                          .print = upstream_print};
