/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a frozen ruleset, and finding a rule in it. */
#include "rules/language/ruleset.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/language/holding.h"

void holding_init(struct holding *holding)
{
    *holding = (struct holding){.arena = arena_new(NULL, (size_t)1 << 40)};
    must(holding->arena != NULL);
}

void holding_fini(struct holding *holding)
{
    struct operator** operators = holding->operators.at;
    for (size_t i = 0; i < holding->operators.count; i++)
        operator_free(operators[i]);
    struct pattern **patterns = holding->patterns.at;
    for (size_t i = 0; i < holding->patterns.count; i++)
        pattern_free(patterns[i]);
    arena_free(holding->arena);
}

void ruleset_free(struct ruleset *ruleset)
{
    if (ruleset == NULL)
        return;
    struct loaded *loaded = (struct loaded *)(void *)ruleset;
    struct holding holding = loaded->holding; /* the arena holds the struct itself */
    holding_fini(&holding);
}

static int compare_id(const void *key, const void *row)
{
    const uint64_t *id = key;
    const struct rule *const *rule = row;
    return *id < (*rule)->id ? -1 : *id > (*rule)->id;
}

const struct rule *ruleset_find(const struct ruleset *ruleset, uint64_t id)
{
    const struct loaded *loaded = (const struct loaded *)(const void *)ruleset;
    if (loaded->rules.count == 0)
        return NULL;
    const struct rule *const *found =
        bsearch(&id, loaded->rules.at, loaded->rules.count, sizeof(void *), compare_id);
    return found != NULL ? *found : NULL;
}
