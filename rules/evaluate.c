/* SPDX-License-Identifier: Apache-2.0 */
/* One rule: link by link, target by target, value by value. The cursor holds the place, so that a
 * slice may end before any value; everything that a value's evaluation does is done at once. */
#include "rules/evaluate.h"

#include "rules/collections.h"
#include "rules/exclusions.h"
#include "rules/record.h"
#include "rules/values.h"

/* Work between two looks at the clock: each value counts one, and one more for each KiB. */
enum { WORK_PER_CLOCK = 8, BYTES_PER_WORK = 1024 };

static void link_begin(struct inspection *tx, const struct rule *link)
{
    struct cursor *cursor = &tx->cursor;
    cursor->link = link;
    cursor->target = 0;
    cursor->target_is_open = false;
    cursor->matched = false;
    bool acts = link->operator== NULL;
    transaction_tell(tx, WATCHED_LINK, acts ? SPAN("") : span_text(operator_name(link->operator)),
                     acts ? SPAN("") : operator_argument(link->operator)->text, false);
}

void evaluation_begin(struct inspection *tx, const struct rule *starter)
{
    tx->cursor.starter = starter;
    link_begin(tx, starter);
}

/* Asked before each value, about those before it: a slice does one value at the least. */
static bool slice_is_spent(struct inspection *tx, size_t next_len)
{
    if (tx->slice_ns == 0)
        return false;
    if (tx->work >= WORK_PER_CLOCK) {
        tx->work = 0;
        if (tx->world.cpu_ns(tx->world.context) - tx->slice_begun_ns >= tx->slice_ns)
            return true;
    }
    tx->work += 1 + next_len / BYTES_PER_WORK;
    return false;
}

/* A long value is looked at for as long as the slice lasts. */
static bool patience_is_over(void *context)
{
    const struct inspection *tx = context;
    return tx->world.cpu_ns(tx->world.context) - tx->slice_begun_ns >= tx->slice_ns;
}

/* multiMatch looks at a value several times: it would not know which of them was paused. */
static struct patience patience_of(struct inspection *tx, const struct rule *link)
{
    bool is_endless = tx->slice_ns == 0 || link->multi_match;
    return (struct patience){is_endless ? NULL : patience_is_over, tx};
}

/* --- one value --- */

/* A limit is neither yes nor no: the value did not match, and that is said in a place where rules
 * (200005 of the recommended ones) and counters see it. */
static void pattern_limit(struct inspection *tx)
{
    transaction_limit(tx, LIMIT_PATTERN);
    tx->pattern_limit_was_hit = true;
    collection_set(tx, VARIABLE_TX, SPAN("MSC_PCRE_LIMITS_EXCEEDED"), SPAN("1"));
}

static void tried_tell(struct inspection *tx, const struct target *target, const struct pair *value,
                       struct operator_run *run, bool yes)
{
    if (run->found.at == NULL && run->captures.count > 0)
        run->found = run->captures.at[0];
    struct watched_event event = {
        .kind = WATCHED_TRIED,
        .rule = tx->cursor.link,
        .name = value_name(tx, target, value),
        .value = run->value,
        .yes = yes,
        .raw = value->value,
        .found = run->found,
    };
    tx->world.watch(tx->world.context, &event);
}

static void operator_try(struct inspection *tx, const struct target *target,
                         const struct pair *value, struct span text)
{
    const struct rule *link = tx->cursor.link;
    struct operator_run run; /* not zeroed as a whole: there are many, and captures are large */
    run.value = text;
    run.argument = argument_expand(tx, link->operator);
    run.scratch = tx->world.scratch;
    run.patience = patience_of(tx, link);
    run.start = tx->cursor.resume;
    run.arena = tx->arena;
    run.document = operator_reads_document(link->operator) ? xml_document(tx) : NULL;
    run.captures.count = 0;
    run.found = (struct span){NULL, 0};
    run.lookups = NULL;
    if (operator_asks(link->operator)) {
        run.lookups = &tx->world.lookups;
        run.members = NULL;
        run.variable = value_name(tx, target, value);
    }
    enum operator_answer answer = operator_run(link->operator, & run);
    tx->is_paused = answer == OPERATOR_PAUSED;
    tx->cursor.resume = tx->is_paused ? run.start : 0;
    if (arena_is_full(tx->arena) || tx->is_paused)
        return;
    if (run.lookups != NULL && run.members != NULL)
        tx->geo = (struct values){run.members, run.member_count};
    if (answer == OPERATOR_LIMIT)
        pattern_limit(tx);
    if (tx->world.watch != NULL)
        tried_tell(tx, target, value, &run, answer == OPERATOR_YES);
    if (answer != OPERATOR_YES)
        return;
    if (link->capture && run.captures.count > 0)
        captures_set(tx, &run.captures);
    tx->cursor.matched = true;
    record_value(tx, target, value, text, run.argument);
    actions_run(tx, link);
}

/* multiMatch: the value as it came, and again after each transformation that changed it. */
static void value_try_each(struct inspection *tx, const struct target *target,
                           const struct pair *value)
{
    const struct rule *link = tx->cursor.link;
    struct span text = value->value;
    operator_try(tx, target, value, text);
    for (size_t i = 0; i < link->transformation_count && !arena_is_full(tx->arena); i++) {
        struct span next = transform_one(tx, link->transformations[i], text);
        bool changed = !span_is(next, text);
        transaction_tell(tx, WATCHED_TRANSFORMED, span_text(link->transformations[i]->name), next,
                         changed);
        text = next;
        if (changed)
            operator_try(tx, target, value, text);
    }
}

static void value_try(struct inspection *tx, const struct target *target, const struct pair *value)
{
    const struct rule *link = tx->cursor.link;
    if (link->multi_match)
        value_try_each(tx, target, value);
    else
        operator_try(tx, target, value, transform_all(tx, link, value->value));
}

/* --- one target --- */

static bool value_is_wanted(struct inspection *tx, const struct target *target,
                            const struct pair *value)
{
    return target_selects(tx, target, value) &&
           !(tx->cursor.target_excludes &&
             exclusion_holds(tx, tx->cursor.link, target->variable, value));
}

/* &TARGET: one number, counted after exclusions. */
static void target_count(struct inspection *tx, const struct target *target)
{
    struct cursor *cursor = &tx->cursor;
    uint64_t count = 0;
    for (size_t i = 0; i < cursor->values.count; i++)
        count += value_is_wanted(tx, target, &cursor->values.at[i]);
    cursor->slot = (struct pair){{NULL, 0}, number_text(tx, count)};
    cursor->values = (struct values){&cursor->slot, 1};
}

static void target_open(struct inspection *tx, const struct target *target)
{
    struct cursor *cursor = &tx->cursor;
    cursor->values = values_of(tx, target, &cursor->slot);
    cursor->value = 0;
    cursor->target_is_open = true;
    cursor->target_excludes = exclusions_touch(tx, cursor->link, target->variable);
    if (target->counted)
        target_count(tx, target);
}

/* False: the slice or the arena ended before the value at the cursor. */
static bool target_run(struct inspection *tx, const struct target *target)
{
    struct cursor *cursor = &tx->cursor;
    if (!cursor->target_is_open)
        target_open(tx, target);
    for (; cursor->value < cursor->values.count; cursor->value++) {
        const struct pair *value = &cursor->values.at[cursor->value];
        if (!target->counted && !value_is_wanted(tx, target, value))
            continue;
        if (cursor->matched && container_is_spoken_for(tx, target->variable, value))
            continue;
        if (arena_is_full(tx->arena) || slice_is_spent(tx, value->value.len))
            return false;
        tx->tried = (struct tried){cursor->starter, target, *value};
        value_try(tx, target, value);
        if (tx->is_paused)
            return false;
    }
    cursor->target_is_open = false;
    return !arena_is_full(tx->arena);
}

/* --- one link, one rule --- */

static enum evaluation link_run(struct inspection *tx)
{
    struct cursor *cursor = &tx->cursor;
    const struct rule *link = cursor->link;
    if (link->operator== NULL) {
        tx->matched_link = link;
        tx->matched_argument = (struct span){NULL, 0};
        actions_run(tx, link);
        return EVALUATION_YES;
    }
    for (; cursor->target < link->target_count; cursor->target++) {
        const struct target *target = &link->targets[cursor->target];
        if (!target->excluded && !target_run(tx, target))
            return EVALUATION_PAUSE;
    }
    return cursor->matched ? EVALUATION_YES : EVALUATION_NO;
}

enum evaluation evaluation_run(struct inspection *tx)
{
    for (;;) {
        enum evaluation evaluation = link_run(tx);
        if (evaluation != EVALUATION_PAUSE)
            transaction_tell(tx, WATCHED_RETURNED, SPAN(""), SPAN(""),
                             evaluation == EVALUATION_YES);
        if (evaluation != EVALUATION_YES || tx->cursor.link->chain == NULL)
            return evaluation;
        link_begin(tx, tx->cursor.link->chain);
    }
}
