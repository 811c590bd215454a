/* SPDX-License-Identifier: Apache-2.0 */
/* A body as it comes: borrowed pieces, joined only where a rule wants them as one text. */
#ifndef SIDEGATE_RULES_INTAKE_H
#define SIDEGATE_RULES_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

struct intake_piece {
    struct span text;
    struct intake_piece *next;
};
struct intake {
    struct intake_piece *first, *last;
    struct span joined;
    uint64_t seen; /* every byte that was offered */
    size_t kept;   /* those that are inspected */
    bool cut;      /* there were more than are kept */
    bool ended;
};

/* At most `limit` bytes are kept over all calls; returns those of `bytes` that are. */
struct span intake_add(struct intake *intake, struct span bytes, uint64_t limit,
                       struct arena *arena);
/* All that was kept, as one text; at NULL: nothing. */
struct span intake_text(struct intake *intake, struct arena *arena);

#endif
