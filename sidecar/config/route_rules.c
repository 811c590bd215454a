/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/route_rules.h"

_Static_assert((int)ENGINE_OFF < (int)ENGINE_DETECTION_ONLY &&
                   (int)ENGINE_DETECTION_ONLY < (int)ENGINE_ON,
               "the stricter one is the greater one");

enum rule_engine route_rules_engine(const struct snapshot *snapshot,
                                    const struct route_choice *choice)
{
    enum rule_engine top = snapshot->inspection.engine;
    if (snapshot->ruleset == NULL)
        return ENGINE_OFF;
    if (choice->route == NULL || !choice->route->mode_given)
        return top;
    return choice->doubtful && top > choice->route->mode ? top : choice->route->mode;
}

struct inspection_options route_rules_options(const struct snapshot *snapshot,
                                              const struct route_choice *choice)
{
    struct inspection_options options = snapshot->inspection;
    options.engine = route_rules_engine(snapshot, choice);
    return options;
}

void route_rules_tell(struct inspection *inspection, const struct snapshot *snapshot,
                      const struct route_choice *choice)
{
    const struct route *route = choice->route;
    for (size_t i = 0; route != NULL && i < route->variable_count; i++)
        inspection_set_tx(inspection, route->variables[i].name, route->variables[i].value);
    if (snapshot->settings->rules.exclusion_count > 0 && !choice->doubtful)
        inspection_set_tx(inspection, SPAN("sidegate_path"), choice->path);
}
