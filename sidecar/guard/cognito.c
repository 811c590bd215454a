/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/cognito.h"

#include "sidecar/guard/arn.h"

enum { ARN_SERVICE = 2, ARN_REGION = 3, ARN_RESOURCE = 5, ID_BYTES = 55 };

static bool is_word(struct span text, const char *more)
{
    for (size_t i = 0; i < text.len; i++)
        if (!byte_is_alpha(text.at[i]) && !byte_is_digit(text.at[i]) &&
            span_find_byte(span_text(more), text.at[i]) == SPAN_NONE)
            return false;
    return text.len > 0;
}

/* The id out of an ARN whose region is the id's own. */
static struct span id_of(struct span pool)
{
    struct span parts[ARN_PARTS];
    if (!span_starts(pool, SPAN("arn:")))
        return pool;
    if (!arn_split(pool, parts) || !span_is(parts[ARN_SERVICE], SPAN("cognito-idp")) ||
        !span_starts(parts[ARN_RESOURCE], SPAN("userpool/")))
        return span_make(NULL, 0);
    struct span id = span_from(parts[ARN_RESOURCE], sizeof "userpool/" - 1), rest = id;
    return span_is(span_cut(&rest, '_'), parts[ARN_REGION]) ? id : span_make(NULL, 0);
}

struct span cognito_issuer(struct span pool, struct arena *arena)
{
    struct span id = id_of(pool), name = id;
    struct span region = span_cut(&name, '_');
    if (id.len > ID_BYTES || !is_word(region, "-") || !is_word(name, ""))
        return span_make(NULL, 0);
    const char *end = span_starts(region, SPAN("cn-")) ? ".cn" : "";
    return arena_format(arena, "https://cognito-idp." SPAN_FORMAT ".amazonaws.com%s/" SPAN_FORMAT,
                        span_arg(region), end, span_arg(id));
}
