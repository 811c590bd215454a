/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of actions and of ctl's options, and the ways into them. */
#include "rules/match/action.h"

#include "rules/base/must.h"

static const struct action_row rows[ACTION_COUNT] = {
#define ACTION(id, name, group, argument, sentence) \
    [ACTION_##id] = {name, group, argument, sentence},
#include "rules/match/actions.tbl"
#undef ACTION
};

static const char *const names[ACTION_COUNT] = {
#define ACTION(id, name, group, argument, sentence) [ACTION_##id] = (name),
#include "rules/match/actions.tbl"
#undef ACTION
};

static const char *const option_names[CTL_COUNT] = {
#define CTL(id, name, sentence) [CTL_##id] = (name),
#include "rules/match/ctls.tbl"
#undef CTL
};

const struct action_row *action_row(enum action_name name)
{
    must(name < ACTION_COUNT);
    return &rows[name];
}

/* Index of the name in the list; `count` where it is none of them. */
static unsigned name_index(struct span name, const char *const *list, unsigned count)
{
    unsigned i = 0;
    while (i < count && !span_is_nocase(name, span_text(list[i])))
        i++;
    return i;
}

bool action_find(struct span name, enum action_name *out)
{
    unsigned i = name_index(name, names, ACTION_COUNT);
    if (i == ACTION_COUNT)
        return false;
    *out = (enum action_name)i;
    return true;
}

const char *const *action_names(size_t *count)
{
    *count = ACTION_COUNT;
    return names;
}

bool ctl_find(struct span name, enum ctl_name *out)
{
    unsigned i = name_index(name, option_names, CTL_COUNT);
    if (i == CTL_COUNT)
        return false;
    *out = (enum ctl_name)i;
    return true;
}

const char *const *ctl_names(size_t *count)
{
    *count = CTL_COUNT;
    return option_names;
}
