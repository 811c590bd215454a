/* SPDX-License-Identifier: Apache-2.0 */
/* What a YAML document says, before anybody knows what it means: scalars, lists and maps, each with
 * the place it stands at. Lies in one arena, that of the reading. */
#ifndef SIDEGATE_SIDECAR_CONFIG_TREE_H
#define SIDEGATE_SIDECAR_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/arena.h"
#include "rules/base/fault.h"
#include "rules/base/span.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    bool plain;             /* a scalar without quotes */
    struct place place;     /* of the value */
    struct span key;        /* in a map; empty in a list */
    struct place key_place; /* in a list: that of the value */
    struct span text;       /* of a scalar; terminated */
    const char *folder;     /* absolute: what relative file names in it are relative to */
    struct node *first, *last, *next;
    size_t count;
};

/* `key:` with nothing behind it. */
static inline bool node_is_empty(const struct node *node)
{
    return node->kind == NODE_SCALAR && node->plain && node->text.len == 0;
}

void tree_add(struct node *to, struct node *child);              /* at the end */
struct node *tree_find(const struct node *map, struct span key); /* NULL: none, or no map */
struct node *tree_at(const struct node *list, size_t i);         /* NULL: beyond the end */
/* "rules.crs.folder" below a map; NULL: none. */
struct node *tree_find_path(const struct node *map, struct span path);

/* Puts `over` over `base`: maps merge, everything else is replaced. `over` is used up. */
void tree_merge(struct node *base, struct node *over);
/* Puts `value` at a dotted path, where a number names a list's item; maps on the way are made.
 * False: a list has no such item; `*wrong` is the part of the path that does not fit. */
bool tree_set(struct node *map, struct arena *arena, struct span path, const struct node *value,
              struct span *wrong);

#endif
