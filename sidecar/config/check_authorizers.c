/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizers as a whole, and what routes want of them. */
#include "sidecar/config/read.h"

static void keep_places(struct reading *reading)
{
    union { /* the settings are still being made; nobody else sees them */
        const struct authorizer_settings *in;
        struct authorizer_settings *out;
    } authorizers = {reading->settings->authorizers};
    const struct node *list = tree_find(reading->root, SPAN("authorizers"));
    const struct node *node = list != NULL ? list->first : NULL;
    for (size_t i = 0; node != NULL && i < reading->settings->authorizer_count;
         i++, node = node->next) {
        const struct node *file = tree_find(node, SPAN("jwks_file"));
        struct place at = (file != NULL ? file : node)->place;
        at.file = arena_string(reading->arena, span_text(at.file));
        authorizers.out[i].place = at;
    }
}

void authorizers_check(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *list = tree_find(reading->root, SPAN("routes"));
    keep_places(reading);
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct node *scopes = tree_find(tree_at(list, i), SPAN("scopes"));
        if (scopes != NULL && settings->routes[i].scope_count > 0 &&
            settings->routes[i].authorizer_name.at == NULL)
            fault_add(
                reading->faults, FAULT_ERROR, scopes->place, SPAN("add authorizer: NAME"),
                "routes[].scopes: without an authorizer there is no token that could have them");
    }
}
