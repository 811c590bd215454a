/* SPDX-License-Identifier: Apache-2.0 */
/* Routes as a tree of path segments. Each node is reached by one beginning of a path only, so that
 * going back from a literal to {name} looks at every node at most once.
 *
 *   (root) -- "orders" -- {id}          GET /orders/{id}
 *        |           `--- {proxy+}      ANY /orders/{proxy+}
 *        `--- {proxy+}                  ANY /{proxy+}
 */
#include "sidecar/config/routes.h"

#include <stdio.h>

#include "rules/base/arena.h"
#include "rules/base/must.h"
#include "sidecar/http/bytes.h"
#include "sidecar/http/target.h"

enum { ROUTES_BYTES = 16 << 20, SEGMENTS_MOST = 64, HINT_BYTES = 160, SHOWN_BYTES = 100 };

struct end { /* a route that ends at a segment */
    struct end *next;
    struct span method; /* "ANY" comes last */
    const struct route *route;
};

struct segment {
    struct segment *literals, *next; /* children by text, and one's own neighbour */
    struct segment *named;           /* the child for {name} */
    struct span text;
    struct end *ends;   /* of routes that end here */
    struct end *greedy; /* of routes that end in {proxy+} behind here */
};

struct routes {
    struct arena *arena;
    struct segment *root;
    struct route *at;
    size_t count;
    bool everything; /* no routes were given */
};

/* ---- building ---- */

struct building {
    struct routes *routes;
    const struct route_settings *from;
    struct faults *faults;
};

static bool refuse(const struct building *building, const char *hint, const char *message)
{
    fault_add(building->faults, FAULT_ERROR, building->from->place, span_text(hint),
              "routes[].match: '" SPAN_FORMAT "': %s", span_arg(building->from->match), message);
    return false;
}

static bool is_name(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!byte_is_alpha(c) && !byte_is_digit(c) && strchr("_-.", c) == NULL)
            return false;
    }
    return text.len > 0;
}

static struct segment *literal_find(const struct segment *in, struct span text)
{
    struct segment *child = in->literals;
    while (child != NULL && !span_is(child->text, text))
        child = child->next;
    return child;
}

static struct segment *literal_get(const struct building *building, struct segment *in,
                                   struct span text)
{
    struct segment *child = literal_find(in, text);
    if (child == NULL && (child = arena_alloc(building->routes->arena, sizeof *child)) != NULL) {
        child->text = text;
        child->next = in->literals;
        in->literals = child;
    }
    return child;
}

static struct segment *named_get(const struct building *building, struct segment *in)
{
    if (in->named == NULL)
        in->named = arena_alloc(building->routes->arena, sizeof *in->named);
    return in->named;
}

/* What stands between a variable's braces; at == NULL: this is none. */
static struct span variable_of(struct span segment)
{
    bool braces = segment.len > 1 && segment.at[0] == '{' && segment.at[segment.len - 1] == '}';
    return braces ? span_make(segment.at + 1, segment.len - 2) : span_make(NULL, 0);
}

static struct span variable_name(struct span segment)
{
    struct span name = variable_of(segment);
    return span_ends(name, SPAN("+")) ? span_first(name, name.len - 1) : name;
}

/* Is there a byte that no target of a request has? */
static bool is_foreign(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!http_byte_is(text.at[i], HTTP_TARGET))
            return true;
    return false;
}

/* Neither query nor fragment stands behind the path. False: a fault, and said. */
static bool path_is_alone(const struct building *building)
{
    struct span template = building->from->pattern;
    size_t query = span_find_byte(template, '?'), fragment = span_find_byte(template, '#');
    char hint[HINT_BYTES];
    if (query == SPAN_NONE && fragment == SPAN_NONE)
        return true;
    bool is_query = query < fragment; /* SPAN_NONE is the largest */
    struct span path = span_first(template, is_query ? query : fragment);
    path = span_first(path, SHOWN_BYTES);
    snprintf(hint, sizeof hint, "did you mean '" SPAN_FORMAT " " SPAN_FORMAT "'?",
             span_arg(building->from->method), span_arg(path));
    return refuse(building, hint,
                  is_query ? "a query is no part of the path" : "no request's path has a '#'");
}

/* What a segment of a pattern is. False: a fault, and said. */
static bool segment_judge(const struct building *building, struct span text, bool is_last,
                          bool *named, bool *greedy)
{
    struct span name = variable_of(text);
    *named = *greedy = false;
    if (name.at == NULL) {
        if (is_foreign(text))
            return refuse(building, "", "no request comes by such a path");
        bool has_brace =
            span_find_byte(text, '{') != SPAN_NONE || span_find_byte(text, '}') != SPAN_NONE;
        return has_brace ? refuse(building, "/orders/{id}", "a variable is a whole segment") : true;
    }
    *greedy = span_ends(name, SPAN("+"));
    *named = !*greedy;
    if (!is_name(variable_name(text)))
        return refuse(building, "{id}, {proxy+}", "a variable's name has letters, digits, _ - .");
    if (*greedy && !is_last)
        return refuse(building, "ANY /{proxy+}", "{name+} stands only at the end");
    return true;
}

/* Has the path a variable of that name before this segment of it? */
static bool is_named_before(struct span path, struct span segment)
{
    struct span name = variable_name(segment);
    while (name.at != NULL && path.at < segment.at) {
        struct span before = span_cut(&path, '/');
        if (span_is(variable_name(before), name))
            return true;
    }
    return false;
}

/* Puts the route in a list of ends: named methods first. A second one for the same is a fault. */
static void end_add(const struct building *building, struct end **list, const struct route *route)
{
    struct span method = building->from->method;
    struct end *latest = NULL;
    for (struct end *end = *list; end != NULL; end = end->next) {
        if (span_is(end->method, method)) {
            fault_add(building->faults, FAULT_ERROR, building->from->place, span_make(NULL, 0),
                      "routes[].match: '" SPAN_FORMAT "' is for the same requests as '" SPAN_FORMAT
                      " " SPAN_FORMAT "'",
                      span_arg(building->from->match), span_arg(method),
                      span_arg(end->route->template));
            return;
        }
        latest = end;
    }
    struct end *made = arena_alloc(building->routes->arena, sizeof *made);
    if (made == NULL)
        return; /* a full arena is said at the end */
    made->method = arena_copy(building->routes->arena, method);
    made->route = route;
    if (latest != NULL && span_is(method, SPAN("ANY"))) { /* behind all others */
        latest->next = made;
    } else {
        made->next = *list;
        *list = made;
    }
}

static void route_add(const struct building *building, const struct route *route)
{
    struct arena *arena = building->routes->arena;
    struct segment *at = building->routes->root;
    unsigned doubts = 0;
    struct span path = span_from(path_canonical(route->template, arena, &doubts), 1);
    struct span rest = path;
    if (!path_is_alone(building))
        return;
    if (doubts != 0 || span_find(route->template, SPAN("//")) != SPAN_NONE) {
        refuse(building, "", "no request comes by such a path");
        return;
    }
    if (rest.len > 0 && rest.at[rest.len - 1] == '/') /* as in a request */
        rest = span_first(rest, rest.len - 1);
    unsigned count = 0;
    while (rest.len > 0 && at != NULL) {
        bool named, greedy;
        struct span text = span_cut(&rest, '/');
        if (++count > SEGMENTS_MOST) {
            refuse(building, "", "more than 64 segments");
            return;
        }
        if (!segment_judge(building, text, rest.len == 0, &named, &greedy))
            return;
        if (is_named_before(path, text)) {
            refuse(building, "give each its own", "two variables have the same name");
            return;
        }
        if (greedy) {
            end_add(building, &at->greedy, route);
            return;
        }
        at = named ? named_get(building, at) : literal_get(building, at, text);
    }
    if (at != NULL)
        end_add(building, &at->ends, route);
}

/* ---- what a route changes for the rules ---- */

enum {
#define LEVEL(field, first, second) LEVEL_##field,
#include "sidecar/config/crs_levels.tbl"
#undef LEVEL
    LEVELS,
};

static void level_add(struct arena *arena, struct pair *to, size_t *count, const char *name,
                      unsigned level)
{
    if (level == 0)
        return;
    to[(*count)++] = (struct pair){span_text(name), arena_format(arena, "%u", level)};
}

static void rules_add(struct routes *routes, struct route *route, const struct route_settings *from)
{
    struct pair *variables = arena_alloc(routes->arena, LEVELS * sizeof *variables);
    route->mode_given = from->rules.mode_given;
    route->mode = from->rules.mode;
    if (variables == NULL)
        return; /* a full arena is said at the end */
    route->variables = variables;
#define LEVEL(field, first, second)                                                 \
    level_add(routes->arena, variables, &route->variable_count, "sidegate_" #field, \
              from->rules.crs.field);
#include "sidecar/config/crs_levels.tbl"
#undef LEVEL
}

static void limits_add(struct routes *routes, struct route *route,
                       const struct route_settings *from)
{
    size_t *indexes = arena_alloc(routes->arena, (from->rate_limit_count + 1) * sizeof *indexes);
    if (indexes == NULL)
        return; /* a full arena is said at the end */
    for (size_t i = 0; i < from->rate_limit_count; i++)
        indexes[i] = from->rate_limit_indexes[i];
    route->rate_limits = indexes;
    route->rate_limit_count = from->rate_limit_count;
}

static void authorizer_add(struct routes *routes, struct route *route,
                           const struct route_settings *from)
{
    struct span *scopes = arena_alloc(routes->arena, (from->scope_count + 1) * sizeof *scopes);
    route->authorizer = from->authorizer_name.at != NULL ? from->authorizer + 1 : 0;
    if (scopes == NULL)
        return; /* a full arena is said at the end */
    for (size_t i = 0; i < from->scope_count; i++)
        scopes[i] = arena_copy(routes->arena, from->scopes[i]);
    route->scopes = scopes;
    route->scope_count = from->scope_count;
}

static void all_add(struct routes *routes, const struct settings *settings, struct faults *faults)
{
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct route_settings *from = &settings->routes[i];
        struct building building = {routes, from, faults};
        struct route *route = &routes->at[i];
        route->template = arena_copy(routes->arena, from->pattern);
        route->key = arena_copy(routes->arena, from->match);
        route->upstream = from->upstream;
        route->needs_api_key = from->needs_api_key;
        route->number = i;
        route->request_timeout_us = from->request_timeout_us != 0 ? from->request_timeout_us
                                                                  : settings->timeouts.request_us;
        rules_add(routes, route, from);
        limits_add(routes, route, from);
        authorizer_add(routes, route, from);
        if (route->template.len > 0)
            route_add(&building, route);
    }
}

struct routes *routes_new(const struct settings *settings, struct faults *faults)
{
    struct arena *arena = arena_new(NULL, ROUTES_BYTES);
    must(arena != NULL);
    struct routes *routes = arena_alloc(arena, sizeof *routes);
    must(routes != NULL);
    size_t before = faults_count(faults, FAULT_ERROR);
    routes->arena = arena;
    routes->everything = settings->route_count == 0;
    routes->count = routes->everything ? 1 : settings->route_count;
    routes->root = arena_alloc(arena, sizeof *routes->root);
    routes->at = arena_alloc(arena, routes->count * sizeof *routes->at);
    if (routes->at != NULL && routes->root != NULL) {
        routes->at[0].request_timeout_us = settings->timeouts.request_us;
        routes->at[0].number = SIZE_MAX;
        all_add(routes, settings, faults);
    }
    if (arena_is_full(arena))
        fault_add(faults, FAULT_ERROR, settings->rules.place, span_make(NULL, 0),
                  "there are too many routes");
    if (faults_count(faults, FAULT_ERROR) == before)
        return routes;
    routes_free(routes);
    return NULL;
}

void routes_free(struct routes *routes)
{
    if (routes != NULL)
        arena_free(routes->arena);
}

/* ---- matching ---- */

static const struct route *end_find(const struct end *end, struct span method)
{
    for (; end != NULL; end = end->next)
        if (span_is(end->method, method) || span_is(end->method, SPAN("ANY")))
            return end->route;
    return NULL;
}

/* As deep as the patterns are. A route for another method is none, so that the next best may fit.
 */
static const struct route *segment_match(const struct segment *at, struct span method,
                                         struct span rest)
{
    if (rest.len == 0)
        return end_find(at->ends, method);
    struct span behind = rest;
    struct span text = span_cut(&behind, '/');
    const struct route *route = NULL;
    const struct segment *literal = literal_find(at, text);
    if (literal != NULL)
        route = segment_match(literal, method, behind);
    if (route == NULL && at->named != NULL && text.len > 0)
        route = segment_match(at->named, method, behind);
    return route != NULL ? route : end_find(at->greedy, method);
}

const struct route *routes_match(const struct routes *routes, struct span method, struct span path)
{
    if (routes->everything)
        return &routes->at[0];
    if (path.len == 0 || path.at[0] != '/')
        return NULL;
    path = span_from(path, 1);
    if (path.len > 0 && path.at[path.len - 1] == '/')
        path = span_first(path, path.len - 1);
    return segment_match(routes->root, method, path);
}

const struct route *routes_at(const struct routes *routes, size_t i)
{
    return i < routes->count ? &routes->at[i] : NULL;
}

size_t route_parameters(const struct route *route, struct span path,
                        struct pair to[ROUTE_PARAMETERS_MOST])
{
    struct span template = span_from(route->template, 1), rest = span_from(path, 1);
    size_t count = 0;
    while (template.at != NULL && rest.at != NULL && count < ROUTE_PARAMETERS_MOST) {
        struct span whole = rest, name = span_cut(&template, '/'), text = span_cut(&rest, '/');
        if (!span_starts(name, SPAN("{")) || !span_ends(name, SPAN("}")))
            continue;
        bool greedy = span_ends(name, SPAN("+}"));
        name = span_make(name.at + 1, name.len - (greedy ? 3 : 2));
        to[count++] = (struct pair){name, greedy ? whole : text};
        if (greedy)
            break;
    }
    return count;
}
