/* SPDX-License-Identifier: Apache-2.0 */
/* The rule of a composite alarm:
 *
 *   rule := rule OR rule | rule AND rule | NOT rule | (rule) | TRUE | FALSE
 *         | ALARM(name) | OK(name) | INSUFFICIENT_DATA(name)
 *         | AT_LEAST(3 or 50%, [NOT] ALARM or OK or INSUFFICIENT_DATA, (name, name, ...))
 *
 * NOT binds tighter than AND, AND tighter than OR. A name with spaces, parentheses or commas stands
 * in double quotes, a quote in it as \". */
#ifndef SIDEGATE_EXPORTERS_ALARMS_RULE_H
#define SIDEGATE_EXPORTERS_ALARMS_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "exporters/alarms/state.h"
#include "rules/base/arena.h"
#include "rules/base/fault.h"
#include "rules/base/span.h"

enum { RULE_TEXT_MOST = 10240, RULE_ELEMENTS_MOST = 500, RULE_CHILDREN_MOST = 100 };

struct alarm_rule {
    const struct rule_node *root;
    const size_t *children; /* indexes into the names, each once */
    size_t child_count;
};

/* In the arena. `names` are all alarms that there are. NULL: not understood, or it names an alarm
 * that is not there; said with line and column, `at` being where the text begins. */
struct alarm_rule *alarm_rule_parse(struct arena *arena, struct span text, struct place at,
                                    const char *const *names, size_t count, struct faults *faults);

/* Of the states by index into the names. */
bool alarm_rule_holds(const struct alarm_rule *rule, const enum alarm_state *states);
/* The same; and in `speaks`, by index into the names, sets those of its alarms whose states make it
 * so: as long as they stay, the others may change as they like. */
bool alarm_rule_speakers(const struct alarm_rule *rule, const enum alarm_state *states,
                         bool *speaks);

#endif
