/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/live_sets.h"

#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"
#include "sidecar/state/live_entries.h"

struct live_sets {
    struct live_entries **at;
    char **names; /* the settings that they come from may be gone */
    size_t count;
};

static struct live_entries *find(const struct live_sets *before, struct span name)
{
    for (size_t i = 0; before != NULL && i < before->count; i++)
        if (span_is(name, span_text(before->names[i])))
            return before->at[i];
    return NULL;
}

struct live_sets *live_sets_new(const struct settings *settings, const struct live_sets *before)
{
    struct live_sets *sets = must_alloc(sizeof *sets);
    sets->at = must_alloc((settings->ip_set_count + 1) * sizeof(struct live_entries *));
    sets->names = must_alloc((settings->ip_set_count + 1) * sizeof(char *));
    for (; sets->count < settings->ip_set_count; sets->count++) {
        struct span name = settings->ip_sets[sets->count].name;
        struct live_entries *old = find(before, name);
        sets->at[sets->count] =
            old != NULL ? live_entries_take(old) : live_entries_new(LIVE_ENTRIES_MOST);
        sets->names[sets->count] = must_strdup(name.at);
    }
    return sets;
}

void live_sets_free(struct live_sets *sets)
{
    if (sets == NULL)
        return;
    for (size_t i = 0; i < sets->count; i++) {
        live_entries_give(sets->at[i]);
        free(sets->names[i]);
    }
    free(sets->names);
    free(sets->at);
    free(sets);
}

struct live_entries *const *live_sets_at(const struct live_sets *sets)
{
    return sets->at;
}
