/* SPDX-License-Identifier: Apache-2.0 */
/* The table of variables and the ways into it. */
#include "rules/match/variable.h"

#include "rules/base/must.h"

static const struct variable_row rows[VARIABLE_COUNT] = {
#define VARIABLE(id, name, shape, sentence) [VARIABLE_##id] = {name, shape, sentence},
#include "rules/match/variables.tbl"
#undef VARIABLE
};

static const char *const names[VARIABLE_COUNT] = {
#define VARIABLE(id, name, shape, sentence) [VARIABLE_##id] = (name),
#include "rules/match/variables.tbl"
#undef VARIABLE
};

const struct variable_row *variable_row(enum variable variable)
{
    must(variable < VARIABLE_COUNT);
    return &rows[variable];
}

bool variable_find(struct span name, enum variable *out)
{
    for (unsigned i = 0; i < VARIABLE_COUNT; i++)
        if (span_is_nocase(name, span_text(names[i]))) {
            *out = (enum variable)i;
            return true;
        }
    return false;
}

const char *const *variable_names(size_t *count)
{
    *count = VARIABLE_COUNT;
    return names;
}
