/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of nodes: looking up, merging, setting by path. */
#include "sidecar/config/tree.h"

#include "rules/base/must.h"
#include "rules/base/number.h"

void tree_add(struct node *to, struct node *child)
{
    must(to->kind != NODE_SCALAR);
    child->next = NULL;
    if (to->last != NULL)
        to->last->next = child;
    else
        to->first = child;
    to->last = child;
    to->count++;
}

struct node *tree_find(const struct node *map, struct span key)
{
    if (map->kind != NODE_MAP)
        return NULL;
    for (struct node *node = map->first; node != NULL; node = node->next)
        if (span_is(node->key, key))
            return node;
    return NULL;
}

struct node *tree_at(const struct node *list, size_t i)
{
    struct node *node = list->kind == NODE_LIST ? list->first : NULL;
    while (node != NULL && i-- > 0)
        node = node->next;
    return node;
}

struct node *tree_find_path(const struct node *map, struct span path)
{
    struct node *found = NULL;
    while (path.at != NULL) {
        found = tree_find(map, span_cut(&path, '.'));
        if (found == NULL)
            return NULL;
        map = found;
    }
    return found;
}

/* The value changes, the place among its neighbours stays. */
static void replace(struct node *node, const struct node *by)
{
    struct node *next = node->next;
    struct span key = node->key;
    *node = *by;
    node->key = key;
    node->next = next;
}

void tree_merge(struct node *base, struct node *over)
{
    struct node *next;
    for (struct node *node = over->first; node != NULL; node = next) {
        next = node->next;
        struct node *old = tree_find(base, node->key);
        if (old == NULL)
            tree_add(base, node);
        else if (old->kind == NODE_MAP && node->kind == NODE_MAP)
            tree_merge(old, node);
        else
            replace(old, node);
    }
}

static struct node *child_of_map(struct node *map, struct arena *arena, struct span key,
                                 const struct node *value)
{
    struct node *child = tree_find(map, key);
    if (child != NULL)
        return child;
    child = arena_alloc(arena, sizeof *child);
    if (child == NULL)
        return NULL;
    *child = (struct node){.kind = NODE_MAP,
                           .place = value->place,
                           .key = span_text(arena_string(arena, key)),
                           .key_place = value->place,
                           .folder = value->folder};
    tree_add(map, child);
    return child;
}

bool tree_set(struct node *map, struct arena *arena, struct span path, const struct node *value,
              struct span *wrong)
{
    struct node *at = map;
    while (path.at != NULL) {
        struct span part = span_cut(&path, '.');
        uint64_t i;
        *wrong = part;
        if (at->kind == NODE_SCALAR) /* the path says that it is a map */
            *at = (struct node){.kind = NODE_MAP,
                                .place = value->place,
                                .key = at->key,
                                .key_place = value->place,
                                .folder = value->folder,
                                .next = at->next};
        if (at->kind == NODE_MAP)
            at = child_of_map(at, arena, part, value);
        else
            at = number_parse(part, &i) ? tree_at(at, (size_t)i) : NULL;
        if (at == NULL)
            return false;
    }
    replace(at, value);
    return true;
}
