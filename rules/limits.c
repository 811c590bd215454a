/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that were hit: how often, and where the one struck that has the most to say. */
#include "rules/match/variable.h"
#include "rules/values.h"

/* After these the rules say neither yes nor no; the others only leave out a part. */
static bool ends_rules(enum limit_kind kind)
{
    return kind == LIMIT_CPU_BUDGET || kind == LIMIT_PATTERN || kind == LIMIT_MEMORY;
}

/* A full arena has no room for the whole name. */
static struct span name_of(struct inspection *tx, const struct tried *tried)
{
    if (tried->target == NULL)
        return (struct span){NULL, 0};
    struct span name = value_name(tx, tried->target, &tried->value);
    return name.at != NULL ? name : span_text(variable_row(tried->target->variable)->name);
}

static struct limit_struck struck_here(struct inspection *tx, enum limit_kind kind)
{
    struct limit_struck struck = {.kind = kind, .phase = tx->phase};
    if (tx->tried.rule == NULL || !ends_rules(kind)) /* which strike as values come in */
        return struck;
    struck.rule_id = tx->tried.rule->id;
    struck.target = name_of(tx, &tx->tried);
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
