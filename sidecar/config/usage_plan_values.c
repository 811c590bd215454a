/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options in usage plans. */
#include "rules/base/number.h"
#include "sidecar/config/values.h"
#include "sidecar/guard/api_key.h"

enum { HINT_BYTES = 160, NAMES_SHOWN = 64, QUANTITY_MOST = 1000000000 };

/* ---- keys: a list of ids ---- */

static enum value_result ids_read(const struct value *value)
{
    const struct node *list = value->node;
    struct span *ids = arena_alloc(value->reading->arena, (list->count + 1) * sizeof *ids);
    size_t *count = value_also(value);
    for (const struct node *item = list->first; item != NULL && ids != NULL; item = item->next) {
        if (item->kind != NODE_SCALAR || !api_key_is_id(item->text))
            return value_refuse(value, item, "`sidegate keys list` shows them",
                                "expected the id of an API key");
        ids[(*count)++] = value_keep(value, item->text);
    }
    *(const struct span **)value_at(value) = ids;
    return VALUE_TAKEN;
}

static bool ids_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    const struct span *const *ids = (const void *)((const char *)base + option->at);
    const size_t *count = (const void *)((const char *)base + option->also);
    if (i < *count)
        value_print_text(to, (*ids)[i]);
    return i < *count;
}

const struct option_type type_key_ids = {.name = "list of ids",
                                         .expected = "a list of ids of API keys",
                                         .is_list = true,
                                         .one_will_do = true,
                                         .read = ids_read,
                                         .print = ids_print};

/* ---- routes: { GET /pets: { rate: 1/s, burst: 2 } }; their section may stand behind ---- */

static bool find_route(const struct value *value, struct span match, size_t *index)
{
    const struct node *routes = tree_find(value->reading->root, SPAN("routes"));
    const struct node *node = routes != NULL ? routes->first : NULL;
    for (*index = 0; node != NULL; node = node->next, (*index)++) {
        const struct node *own = tree_find(node, SPAN("match"));
        if (own != NULL && span_is(own->text, match))
            return true;
    }
    return false;
}

static enum value_result refuse_route(const struct value *value, const struct node *item)
{
    const struct node *routes = tree_find(value->reading->root, SPAN("routes"));
    const char *names[NAMES_SHOWN];
    size_t count = 0;
    char hint[HINT_BYTES];
    for (const struct node *node = routes != NULL ? routes->first : NULL;
         node != NULL && count < NAMES_SHOWN; node = node->next) {
        const struct node *match = tree_find(node, SPAN("match"));
        if (match != NULL && match->kind == NODE_SCALAR)
            names[count++] = match->text.at;
    }
    fault_add(value->reading->faults, FAULT_ERROR, item->key_place,
              nearest_hint(item->key, names, count, hint, sizeof hint),
              "%s: there is no route '" SPAN_FORMAT "'", value->option->path,
              span_arg(span_first(item->key, 200)));
    return VALUE_SAID;
}

static bool read_burst(const struct node *node, unsigned *burst)
{
    uint64_t number;
    if (node->kind != NODE_SCALAR || !number_parse(node->text, &number) || number == 0 ||
        number > QUANTITY_MOST)
        return false;
    *burst = (unsigned)number;
    return true;
}

/* "1/s", or a map with rate and burst. */
static enum value_result read_throttle(const struct value *value, const struct node *item,
                                       struct rate_limit *how)
{
    static const char *const names[] = {"rate", "burst"};
    char hint[HINT_BYTES];
    const struct node *rate = item->kind == NODE_MAP ? tree_find(item, SPAN("rate")) : item;
    const struct node *burst = tree_find(item, SPAN("burst"));
    for (const struct node *node = item->first; node != NULL; node = node->next)
        if (!span_is(node->key, SPAN("rate")) && !span_is(node->key, SPAN("burst"))) {
            struct span near = nearest_hint(node->key, names, 2, hint, sizeof hint);
            return value_refuse(value, node, near.at, "unknown key");
        }
    if (rate == NULL || rate->kind != NODE_SCALAR ||
        !rate_text_parse(rate->text, &how->limit, &how->window_us))
        return value_refuse(value, rate != NULL ? rate : item, "{ rate: 1/s, burst: 2 }",
                            "expected a rate by s, m, h or d");
    if (burst != NULL && !read_burst(burst, &how->burst))
        return value_refuse(value, burst, "burst: 2", "expected a number from 1 to 1000000000");
    return VALUE_TAKEN;
}

static enum value_result routes_read(const struct value *value)
{
    const struct node *map = value->node;
    struct plan_route *routes =
        arena_alloc(value->reading->arena, (map->count + 1) * sizeof *routes);
    size_t *count = value_also(value);
    if (map->kind != NODE_MAP)
        return VALUE_UNFIT;
    for (const struct node *item = map->first; item != NULL && routes != NULL; item = item->next) {
        struct plan_route *route = &routes[*count];
        if (!find_route(value, item->key, &route->route))
            return refuse_route(value, item);
        route->match = value_keep(value, item->key);
        if (read_throttle(value, item, &route->throttle.how) != VALUE_TAKEN)
            return VALUE_SAID;
        (*count)++;
    }
    *(const struct plan_route **)value_at(value) = routes;
    return VALUE_TAKEN;
}

static bool routes_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const struct plan_route *const *routes = (const void *)((const char *)base + option->at);
    const size_t *count = (const void *)((const char *)base + option->also);
    for (size_t n = 0; n < *count; n++) {
        const struct plan_route *route = &(*routes)[n];
        buf_add(to, n == 0 ? SPAN("{\"") : SPAN(", \""));
        value_print_inside(to, route->match);
        buf_add(to, SPAN("\": {rate: "));
        rate_text_print(route->throttle.how.limit, route->throttle.how.window_us, to);
        buf_format(to, ", burst: %u}", route->throttle.how.burst);
    }
    return *count > 0 && buf_add_byte(to, '}');
}

const struct option_type type_plan_routes = {
    .name = "routes and throttles",
    .expected = "routes and their throttles, like { GET /pets: { rate: 1/s, burst: 2 } }",
    .takes_any = true,
    .read = routes_read,
    .print = routes_print};
