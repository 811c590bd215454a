/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that were hit: how often, and where the one struck that has the most to say. */
#include "rules/match/variable.h"
#include "rules/values.h"

/* After these the rules say neither yes nor no; the others only leave out a part. */
static bool ends_rules(enum limit_kind kind)
{
    return kind == LIMIT_CPU_BUDGET || kind == LIMIT_PATTERN || kind == LIMIT_MEMORY;
}

/* The value at the cursor, or whose turn it was; a full arena has no room for its own name. */
static struct span name_at_cursor(struct inspection *tx)
{
    const struct cursor *cursor = &tx->cursor;
    if (cursor->link->operator== NULL || cursor->target >= cursor->link->target_count)
        return (struct span){NULL, 0};
    const struct target *target = &cursor->link->targets[cursor->target];
    struct span name = {NULL, 0};
    if (cursor->target_is_open && cursor->value < cursor->values.count)
        name = value_name(tx, target, &cursor->values.at[cursor->value]);
    return name.at != NULL ? name : span_text(variable_row(target->variable)->name);
}

static struct limit_struck struck_here(struct inspection *tx, enum limit_kind kind)
{
    struct limit_struck struck = {.kind = kind, .phase = tx->phase};
    if (tx->cursor.starter == NULL)
        return struck;
    struck.rule_id = tx->cursor.starter->id;
    struck.target = name_at_cursor(tx);
    return struck;
}

void transaction_limit(struct inspection *tx, enum limit_kind kind)
{
    if (kind == LIMIT_MEMORY && tx->limits[kind] > 0)
        return;
    bool first = !tx->has_struck || (ends_rules(kind) && !ends_rules(tx->struck.kind));
    if (first)
        tx->struck = struck_here(tx, kind);
    tx->has_struck = true;
    tx->limits[kind]++;
}

void inspection_exhausted(struct inspection *tx)
{
    transaction_limit(tx, LIMIT_CPU_BUDGET);
}

unsigned inspection_limits(const struct inspection *tx, enum limit_kind kind)
{
    return tx->limits[kind];
}

const struct limit_struck *inspection_struck(const struct inspection *tx)
{
    return tx->has_struck ? &tx->struck : NULL;
}
