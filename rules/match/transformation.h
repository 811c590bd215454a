/* SPDX-License-Identifier: Apache-2.0 */
/* The t: functions, one row each. Semantics: ModSecurity 2's where engines differ (reference: its
 * manual, "Transformation functions", and the vectors of secrules-language-tests). */
#ifndef SIDEGATE_RULES_MATCH_TRANSFORMATION_H
#define SIDEGATE_RULES_MATCH_TRANSFORMATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

struct transformation {
    const char *name; /* as documents spell it: urlDecodeUni */
    const char *sentence;
    /* Returns the transformed value: `in` itself (same pointer and length) where nothing changed,
     * else text in `arena`. A full arena gives an empty span and the arena's mark. */
    struct span (*apply)(struct span in, struct arena *arena);
};

/* urlDecodeUni with the best fits of a code page: `map` has a byte for each of the 65,536 code
 * points, 0 where there is none (SecUnicodeMapFile). */
enum { UNICODE_MAP_BYTES = 65536 };
bool transformation_reads_map(const struct transformation *transformation);
struct span transformation_apply_map(struct span in, const uint8_t *map, struct arena *arena);

const struct transformation *
transformation_find(struct span name); /* ASCII case does not matter; NULL: none */
const char *const *transformation_names(size_t *count);

#endif
