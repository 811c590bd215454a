/* SPDX-License-Identifier: Apache-2.0 */
/* The option table: everything that the configuration may say. One row a key (options.tbl);
 * reading, printing, defaults and `sidegate config options` all go by it.
 *
 *   path "upstreams.*.max_pending"     "*": any name     "[]": each item of a list
 *        `-- group: upstreams.*   `-- goes into struct upstream_settings
 */
#ifndef SIDEGATE_SIDECAR_CONFIG_OPTIONS_H
#define SIDEGATE_SIDECAR_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/buf.h"
#include "rules/base/span.h"

struct option_type;

enum effect {
    EFFECT_LIVE,    /* a reload makes it effective */
    EFFECT_RESTART, /* the next start does */
};

/* In the column of defaults: the key must be there. */
#define OPTION_REQUIRED "required"

struct option {
    const char *path;
    const struct option_type *type;
    const char *standard; /* the default as one would write it; NULL: none, it stays not given */
    enum effect effect;
    size_t at, also; /* offsets into the group's struct; what they hold is the type's business */
    const char *sentence;
};

/* A list or a map of structs, so that its rows go into each of them. */
struct option_group {
    const char *path;          /* "listeners[]"; "otlp": a list of maps, or one of them alone */
    size_t size;               /* of one struct */
    size_t items, count, name; /* offsets: of the pointer and its count in struct settings; of the
                                  item's name in the item, where the path ends in "*" */
};

const struct option *options_at(size_t i); /* NULL: beyond the end */
const struct option *options_find(struct span path);
const struct option_group *option_groups_at(size_t i);
const struct option_group *option_group_find(struct span path);
/* The group that a row belongs to; NULL: struct settings itself. */
const struct option_group *option_group_of(const struct option *option);

/* Is there any row below the path? ("rules.crs", "listeners[]", "upstreams.*", "" for the top) */
bool options_have_below(struct span path);
/* The next names below a path, each once, for the nearest one. */
enum { OPTION_NAMES_MOST = 48 };
size_t options_names_below(struct span path, const char *names[OPTION_NAMES_MOST],
                           struct buf *texts);

#endif
