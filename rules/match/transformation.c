/* SPDX-License-Identifier: Apache-2.0 */
/* The table of transformations. */
#include "rules/match/transformation.h"

#include "rules/match/transformation_rows.h"

static const struct transformation rows[] = {
#define TRANSFORMATION(name, function, sentence) {name, sentence, transformation_##function},
#include "rules/match/transformations.tbl"
#undef TRANSFORMATION
};

static const char *const names[] = {
#define TRANSFORMATION(name, function, sentence) name,
#include "rules/match/transformations.tbl"
#undef TRANSFORMATION
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const struct transformation *transformation_find(struct span name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (span_is_nocase(span_text(rows[i].name), name))
            return &rows[i];
    return NULL;
}

bool transformation_reads_map(const struct transformation *transformation)
{
    return transformation->apply == transformation_url_decode_uni;
}

const char *const *transformation_names(size_t *count)
{
    *count = ROWS;
    return names;
}

/* The loader resolves t:none; as a function it changes nothing. */
struct span transformation_none(struct span in, struct arena *arena)
{
    (void)arena;
    return in;
}
