/* SPDX-License-Identifier: Apache-2.0 */
/* Methods and paths that are asked for and that no request has: each is a warning. A method may be
 * anybody's own, so only those are doubted that are near to a standard one. */
#include "sidecar/config/read.h"
#include "sidecar/http/bytes.h"
#include "sidecar/http/target.h"

enum { SHOWN_BYTES = 100, HINT_BYTES = 160, NAMES_MOST = 64 };

/* "ANY" means something in routes alone, and stands last. */
static const char *const methods[] = {"GET",     "HEAD",  "POST",    "PUT",   "PATCH", "DELETE",
                                      "OPTIONS", "TRACE", "CONNECT", "QUERY", "ANY"};
enum { METHODS = sizeof methods / sizeof *methods, METHODS_OF_REQUESTS = METHODS - 1 };

/* NULL: it is one, or is a name of its own. */
static const char *method_near(struct span method, size_t count)
{
    const char *near = nearest_within(method, methods, count, 1);
    return near == NULL || span_is(method, span_text(near)) ? NULL : near;
}

const char *request_method_meant(struct span method)
{
    return method_near(method, METHODS_OF_REQUESTS);
}

static struct span meant_hint(struct reading *reading, struct span meant)
{
    return arena_format(reading->arena, "did you mean '" SPAN_FORMAT "'?",
                        span_arg(span_first(meant, SHOWN_BYTES)));
}

static void warn(struct reading *reading, const struct node *at, const char *what, const char *why,
                 struct span hint)
{
    fault_add(reading->faults, FAULT_WARNING, at->place, hint, "%s: '" SPAN_FORMAT "' %s", what,
              span_arg(span_first(at->text, SHOWN_BYTES)), why);
}

static const char not_standard[] = "is no standard method";

/* ---- routes ---- */

static void check_route(struct reading *reading, const struct node *match)
{
    struct span rest = match->text, method = span_cut(&rest, ' ');
    const char *meant = span_is(method, SPAN("*")) ? "ANY" : method_near(method, METHODS);
    if (meant != NULL)
        fault_add(reading->faults, FAULT_WARNING, match->place,
                  meant_hint(reading, span_text(meant)), "routes[].match: '" SPAN_FORMAT "' %s",
                  span_arg(span_first(method, SHOWN_BYTES)), not_standard);
}

/* ---- the access list ---- */

static bool is_pattern(struct span text)
{
    return span_find_byte(text, '*') != SPAN_NONE || span_find_byte(text, '?') != SPAN_NONE;
}

static void check_method(struct reading *reading, const struct node *node)
{
    static const char what[] = "access[].match: method";
    const char *meant = is_pattern(node->text) ? NULL : request_method_meant(node->text);
    if (span_is(node->text, SPAN("ANY")))
        warn(reading, node, what, not_standard, SPAN("without `method` any fits"));
    if (meant != NULL)
        warn(reading, node, what, not_standard, meant_hint(reading, span_text(meant)));
}

/* The pattern as paths of requests are written: from a slash on, without a fragment, canonical.
 * at == NULL: the arena is full. */
static struct span path_meant(struct reading *reading, struct span text)
{
    struct arena *arena = reading->arena;
    unsigned doubts;
    struct span path = span_first(text, span_find_byte(text, '#')); /* SPAN_NONE: all of it */
    bool is_open = span_starts(path, SPAN("*")) || span_starts(path, SPAN("?"));
    size_t slash = span_find_byte(path, '/');
    if (is_open && slash == SPAN_NONE)
        return path;
    if (!is_open && slash != 0) {
        path = arena_format(arena, "/" SPAN_FORMAT, span_arg(path));
        slash = 0;
    }
    struct span canonical = path_canonical(span_from(path, slash), arena, &doubts);
    return arena_format(arena, SPAN_FORMAT SPAN_FORMAT, span_arg(span_first(path, slash)),
                        span_arg(canonical));
}

/* "?name=": somebody means a query, and not any byte. */
static bool has_query(struct span text)
{
    span_cut(&text, '?');
    size_t name = 0;
    while (name < text.len && http_byte_is(text.at[name], HTTP_UNRESERVED))
        name++;
    return name > 0 && name < text.len && text.at[name] == '=';
}

static void check_path(struct reading *reading, const struct node *node)
{
    static const char what[] = "access[].match: path";
    struct span meant = path_meant(reading, node->text);
    if (meant.at != NULL && !span_is(meant, node->text))
        warn(reading, node, what, "fits no request", meant_hint(reading, meant));
    else if (has_query(node->text))
        warn(reading, node, what, "asks for a query, which is no part of the path",
             SPAN("ask for it by `query`"));
}

static void check_template(struct reading *reading, const struct node *node)
{
    static const char what[] = "access[].match: route";
    const struct settings *settings = reading->settings;
    const char *names[NAMES_MOST];
    char hint[HINT_BYTES];
    size_t count = 0;
    bool is_there = is_pattern(node->text);
    for (size_t i = 0; i < settings->route_count; i++) {
        struct span pattern = settings->routes[i].pattern;
        is_there = is_there || span_is(pattern, node->text);
        if (count < NAMES_MOST && pattern.at != NULL)
            names[count++] = pattern.at;
    }
    if (!is_there)
        warn(reading, node, what, "is no route's path",
             count > 0 ? nearest_hint(node->text, names, count, hint, sizeof hint)
                       : SPAN("add routes"));
}

/* A word of a match, down to those within it; whatever else it asks is none of this. */
static void check_word(struct reading *reading, const struct node *word, struct span key)
{
    bool is_path = span_is(key, SPAN("path")), is_template = span_is(key, SPAN("route"));
    bool is_method = span_is(key, SPAN("method"));
    bool holds_matches = span_is(key, SPAN("all")) || span_is(key, SPAN("any")) ||
                         span_is(key, SPAN("not")) || key.len == 0;
    if (word->kind == NODE_SCALAR && is_path)
        check_path(reading, word);
    if (word->kind == NODE_SCALAR && is_template)
        check_template(reading, word);
    if (word->kind == NODE_SCALAR && is_method)
        check_method(reading, word);
    if (word->kind == NODE_LIST && (is_path || is_template || is_method || holds_matches))
        for (const struct node *n = word->first; n != NULL; n = n->next)
            check_word(reading, n, holds_matches ? span_make(NULL, 0) : key);
    if (word->kind == NODE_MAP && holds_matches)
        for (const struct node *n = word->first; n != NULL; n = n->next)
            check_word(reading, n, n->key);
}

void requests_effect_check(struct reading *reading)
{
    const struct node *routes = tree_find(reading->root, SPAN("routes"));
    const struct node *access = tree_find(reading->root, SPAN("access"));
    for (const struct node *n = routes != NULL ? routes->first : NULL; n != NULL; n = n->next) {
        const struct node *match = tree_find(n, SPAN("match"));
        if (match != NULL)
            check_route(reading, match);
    }
    for (const struct node *n = access != NULL ? access->first : NULL; n != NULL; n = n->next) {
        const struct node *match = tree_find(n, SPAN("match"));
        if (match != NULL)
            check_word(reading, match, span_make(NULL, 0));
    }
}
