/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen while rules ran, put in order: each rule that matched with its values and what it
 * wrote, and of one rule that was asked for also why it did not match.
 *
 *   watched events -> explanation --> explained_rule --> explained_value --> explained_stage
 *                                              |
 *                                              +-------> explained_change
 */
#ifndef SIDEGATE_SIDECAR_EXPLANATION_H
#define SIDEGATE_SIDECAR_EXPLANATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/language/naming.h"
#include "rules/language/ruleset.h"
#include "rules/watch.h"

/* One transformation and what it gave. */
struct explained_stage {
    struct span name, value;
};

/* One value that an operator was tried on. */
struct explained_value {
    struct explained_value *next;
    const struct rule *link;
    unsigned link_number; /* from 1 */
    struct span variable, raw, value;
    const struct explained_stage *stages;
    size_t stage_count;
    bool matched;
    struct span found;  /* what the operator found; at NULL: it does not say */
    size_t found_start; /* where in `value`; SPAN_NONE: it is no part of it */
};

/* One variable that was written. */
struct explained_change {
    struct explained_change *next;
    struct span name, before, value; /* before.at NULL: it was not set */
};

/* One rule at work. Values are those that matched; of the rule that was asked for, all. */
struct explained_rule {
    struct explained_rule *next;
    const struct rule *rule;
    enum rule_phase phase;
    struct explained_value *values, *last_value;
    struct explained_change *changes, *last_change;
    unsigned links_matched;   /* from the first on */
    const struct rule *ended; /* the link at which it ended */
    bool matched;
    struct span action; /* the disruptive one; at NULL: none was asked */
    bool carried_out;
};

/* What became of the rule that was asked for. */
enum explained_fate {
    FATE_NOT_REACHED, /* its phase did not get to it */
    FATE_REMOVED,
    FATE_SKIPPED, /* a skip or skipAfter passed it over */
    FATE_ALLOWED, /* an allow ended the phase */
    FATE_TRIED,   /* see its explained_rule */
};

struct explanation {
    struct arena *arena;
    uint64_t wanted;              /* an id, or 0 */
    struct explained_rule *rules; /* in order; with one that did not match only if it is wanted */
    struct explained_rule *last;
    enum explained_fate fate;
    const struct rule *by;     /* who removed or skipped it; NULL: not known */
    const struct action *ctl;  /* the removing one */
    struct explained_rule now; /* private from here on: the rule at work */
    unsigned link_number;
    bool tells; /* the rule at work is the wanted one */
    struct explained_stage stages[64];
    size_t stage_count;
    const struct rule **removers;
    size_t remover_count, remover_room;
    struct map *stored;
};

/* Lives in the arena, with a copy of every text. */
void explanation_init(struct explanation *explanation, struct arena *arena, uint64_t wanted);
/* For offline_visit.watch; the context is the explanation. */
void explanation_watch(void *context, const struct watched_event *event);

#endif
