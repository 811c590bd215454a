/* SPDX-License-Identifier: Apache-2.0 */
/* Text with %{VARIABLE} and %{COLLECTION.key} in it, cut into parts once at load. */
#ifndef SIDEGATE_RULES_MATCH_MACRO_H
#define SIDEGATE_RULES_MATCH_MACRO_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"
#include "rules/match/variable.h"

struct macro_part {
    bool is_variable;
    struct span text;       /* the literal; for a variable what stands in the braces */
    enum variable variable; /* where is_variable */
    struct span key;        /* after the dot; empty where there is none */
};

struct macro {
    struct span text; /* as it was written */
    const struct macro_part *parts;
    size_t count;
    bool has_variables;   /* false: `text` is the value */
    struct span literals; /* where has_variables: all that is none, with a NUL behind each */
};

/* False: *offset and *wrong say which name is no variable. Lives in `arena`, as does a copy of the
 * text. */
bool macro_parse(struct span text, struct arena *arena, struct macro *out, size_t *offset,
                 struct span *wrong);

#endif
