/* SPDX-License-Identifier: Apache-2.0 */
/* The variables of SecLang: one row each. reference: ModSecurity's reference manual, "Variables".
 */
#ifndef SIDEGATE_RULES_MATCH_VARIABLE_H
#define SIDEGATE_RULES_MATCH_VARIABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/span.h"

enum variable {
#define VARIABLE(id, name, shape, sentence) VARIABLE_##id,
#include "rules/match/variables.tbl"
#undef VARIABLE
    VARIABLE_COUNT,
};

enum variable_shape {
    SHAPE_SCALAR,     /* one value */
    SHAPE_COLLECTION, /* named values; ARGS:x selects */
    SHAPE_STORE,      /* a collection that setvar writes: TX, and the persistent ones IP, GLOBAL,
                         SESSION, USER, RESOURCE */
    SHAPE_XPATH,      /* XML: the selector is an expression */
};

struct variable_row {
    const char *name; /* upper case, as logs print it */
    enum variable_shape shape;
    const char *sentence;
};

const struct variable_row *variable_row(enum variable variable);
/* ASCII case does not matter. False: no such variable. */
bool variable_find(struct span name, enum variable *out);
/* Every name in the order of the table, for hints and --help pages. */
const char *const *variable_names(size_t *count);

#endif
