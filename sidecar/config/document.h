/* SPDX-License-Identifier: Apache-2.0 */
/* One YAML document to a tree, by libyaml. Refused: more than one document, anchors and aliases,
 * tags, keys that are no scalars, keys that stand twice, nesting deeper than 32. */
#ifndef SIDEGATE_SIDECAR_CONFIG_DOCUMENT_H
#define SIDEGATE_SIDECAR_CONFIG_DOCUMENT_H

#include <stdbool.h>

#include "rules/base/arena.h"
#include "rules/base/fault.h"
#include "rules/base/span.h"
#include "sidecar/config/tree.h"

struct document {
    struct arena *arena; /* the tree, with every text */
    struct faults *faults;
    const char *file;   /* what places say; lives as long as the tree */
    const char *folder; /* what relative names are relative to; the same */
    bool has_lines;     /* false: a place is the "file" as a whole (--set KEY) */
    const char *(*environment)(void *context, const char *name); /* NULL: ${NAME} stays as it is */
    void *context;
};

/* The root, ${NAME} put in. NULL: it does not parse, or is empty; said in the faults. Other faults
 * leave a tree, so that what else is wrong in it can be said too. */
struct node *document_parse(const struct document *document, struct span text);

#endif
