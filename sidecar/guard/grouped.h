/* SPDX-License-Identifier: Apache-2.0 */
/* Values by their names, as events have them: a name once, where it came first, with all of its
 * values in order. All of it lies in an arena; texts are borrowed where nothing was to decode. */
#ifndef SIDEGATE_SIDECAR_GUARD_GROUPED_H
#define SIDEGATE_SIDECAR_GUARD_GROUPED_H

#include <stddef.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"
#include "sidecar/http/fields.h"

struct grouped_value {
    struct grouped_value *next;
    struct span text;
};

struct grouped_name {
    struct grouped_name *next;
    struct span name;
    struct grouped_value *first, *last;
};

struct grouped {
    struct grouped_name *first, *last;
    struct arena *arena;
    struct map *map; /* name to struct grouped_name; NULL: the arena is full */
};

/* Names of fields compare without case; the first one's spelling stays. */
struct grouped grouped_fields(const struct fields *fields, struct arena *arena);
/* Names and values decoded once, '+' is a space. at == NULL: none. */
struct grouped grouped_query(struct span query, struct arena *arena);
/* Without its escapes: %41 is A. */
struct span grouped_decoded(struct span text, bool plus_is_space, struct arena *arena);
/* All values of a name with commas between them. */
struct span grouped_join(const struct grouped_name *name, struct arena *arena);

#endif
