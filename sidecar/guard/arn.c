/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/arn.h"

bool arn_split(struct span arn, struct span parts[ARN_PARTS])
{
    struct span rest = arn;
    for (size_t i = 0; i + 1 < ARN_PARTS; i++) {
        parts[i] = span_cut(&rest, ':');
        if (rest.at == NULL)
            return false;
    }
    parts[ARN_PARTS - 1] = rest;
    return span_is(parts[0], SPAN("arn"));
}

struct span arn_of_request(struct arena *arena, struct span api, struct span method,
                           struct span path)
{
    const struct span parts[] = {api, SPAN("/"), method, path};
    return arena_join(arena, parts, sizeof parts / sizeof *parts);
}
