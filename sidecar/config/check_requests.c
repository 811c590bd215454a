/* SPDX-License-Identifier: Apache-2.0 */
/* Methods and paths that are asked for and that no request has: each is a warning. A method may be
 * anybody's own, so only those are doubted that are near to a standard one. */
#include "sidecar/config/read.h"

enum { SHOWN_BYTES = 100 };

/* "ANY" means something in routes alone, and stands last. */
static const char *const methods[] = {"GET",     "HEAD",  "POST",    "PUT",   "PATCH", "DELETE",
                                      "OPTIONS", "TRACE", "CONNECT", "QUERY", "ANY"};
enum { METHODS = sizeof methods / sizeof *methods, METHODS_OF_REQUESTS = METHODS - 1 };

/* NULL: it is one, or is a name of its own. */
static const char *method_meant(struct span method, size_t count)
{
    const char *near = nearest_within(method, methods, count, 1);
    return near == NULL || span_is(method, span_text(near)) ? NULL : near;
}

static void warn(struct reading *reading, const struct node *at, struct span what, struct span text,
                 const char *why, struct span meant)
{
    struct span hint = arena_format(reading->arena, "did you mean '" SPAN_FORMAT "'?",
                                    span_arg(span_first(meant, SHOWN_BYTES)));
    fault_add(reading->faults, FAULT_WARNING, at->place, hint, SPAN_FORMAT ": '" SPAN_FORMAT "' %s",
              span_arg(what), span_arg(span_first(text, SHOWN_BYTES)), why);
}

static const char not_standard[] = "is no standard method";

/* ---- routes ---- */

static void check_route(struct reading *reading, const struct node *match)
{
    struct span rest = match->text, method = span_cut(&rest, ' ');
    const char *meant = span_is(method, SPAN("*")) ? "ANY" : method_meant(method, METHODS);
    if (meant != NULL)
        warn(reading, match, SPAN("routes[].match"), method, not_standard, span_text(meant));
}

/* ---- the access list ---- */

static bool is_pattern(struct span text)
{
    return span_find_byte(text, '*') != SPAN_NONE || span_find_byte(text, '?') != SPAN_NONE;
}

static void check_method(struct reading *reading, const struct node *node)
{
    const char *meant =
        is_pattern(node->text) ? NULL : method_meant(node->text, METHODS_OF_REQUESTS);
    if (meant != NULL)
        warn(reading, node, SPAN("access[].match: method"), node->text, not_standard,
             span_text(meant));
}

static void check_path(struct reading *reading, const struct node *node, struct span key)
{
    struct span text = node->text;
    if (text.len > 0 && text.at[0] != '/' && text.at[0] != '*' && text.at[0] != '?')
        warn(reading, node,
             arena_format(reading->arena, "access[].match: " SPAN_FORMAT, span_arg(key)), text,
             "fits no request", arena_format(reading->arena, "/" SPAN_FORMAT, span_arg(text)));
}

/* A word of a match, down to those within it; whatever else it asks is none of this. */
static void check_word(struct reading *reading, const struct node *word, struct span key)
{
    bool is_path = span_is(key, SPAN("path")) || span_is(key, SPAN("route"));
    bool is_method = span_is(key, SPAN("method"));
    bool holds_matches = span_is(key, SPAN("all")) || span_is(key, SPAN("any")) ||
                         span_is(key, SPAN("not")) || key.len == 0;
    if (word->kind == NODE_SCALAR && is_path)
        check_path(reading, word, key);
    if (word->kind == NODE_SCALAR && is_method)
        check_method(reading, word);
    if (word->kind == NODE_LIST && (is_path || is_method || holds_matches))
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
