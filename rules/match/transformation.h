/* SPDX-License-Identifier: Apache-2.0 */
/* The t: functions, one row each. Semantics: ModSecurity 2's where engines differ (reference: its
 * manual, "Transformation functions", and the vectors of secrules-language-tests). */
#ifndef SIDEGATE_RULES_MATCH_TRANSFORMATION_H
#define SIDEGATE_RULES_MATCH_TRANSFORMATION_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

struct transformation {
    const char *name; /* as documents spell it: urlDecodeUni */
    const char *sentence;
    /* Returns the transformed value: `in` itself (same pointer and length) where nothing changed,
     * else text in `arena`. A full arena gives an empty span and the arena's mark. */
    struct span (*apply)(struct span in, struct arena *arena);
};

const struct transformation *
transformation_find(struct span name); /* ASCII case does not matter; NULL: none */
const char *const *transformation_names(size_t *count);

#endif
