/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as the rule of a composite alarm: refused with a fault that stands inside of the text,
 * or a rule that knows its children and turns round with a NOT before it. */
#include <stdint.h>

#include "exporters/alarms/rule.h"
#include "rules/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES = 4 << 20, NAMES = 4, WORLDS = 81 };

static const char *const names[NAMES] = {"a", "down", "a b", "errors"};

static struct alarm_rule *parsed(struct arena *arena, struct span text, struct faults *faults)
{
    return alarm_rule_parse(arena, text, (struct place){"fuzz", 1, 1}, names, NAMES, faults);
}

static void must_stand_inside(const struct faults *faults, struct span text)
{
    const struct fault *fault = faults_at(faults, 0);
    unsigned lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    must(fault != NULL && fault->place.line >= 1 && fault->place.line <= lines);
    must(fault->place.column >= 1 && fault->place.column <= text.len + 1);
}

/* Every way in which four alarms can stand. */
static void must_turn_round(const struct alarm_rule *rule, const struct alarm_rule *turned)
{
    must(rule->child_count <= NAMES);
    for (size_t i = 0; i < rule->child_count; i++)
        must(rule->children[i] < NAMES);
    for (unsigned world = 0; world < WORLDS; world++) {
        enum alarm_state states[NAMES];
        unsigned left = world;
        for (size_t i = 0; i < NAMES; i++, left /= 3)
            states[i] = (enum alarm_state)(left % 3);
        bool holds = alarm_rule_holds(rule, states);
        must(turned == NULL || alarm_rule_holds(turned, states) != holds);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size);
    struct faults *faults = faults_new(), *more = faults_new();
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    must(arena != NULL);
    struct alarm_rule *rule = parsed(arena, text, faults);
    must((rule == NULL) == (faults_count(faults, FAULT_ERROR) > 0));
    if (rule == NULL) {
        must_stand_inside(faults, text);
    } else {
        /* NULL: a NOT and two parentheses more are one too many */
        struct span turned = arena_format(arena, "NOT (" SPAN_FORMAT ")", span_arg(text));
        must_turn_round(rule, parsed(arena, turned, more));
    }
    arena_free(arena);
    faults_free(faults);
    faults_free(more);
    return 0;
}
