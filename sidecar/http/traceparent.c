/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
 *   |  |                                |                |
 *   0  3 trace id                       36 parent id     53 flags
 */
#include "sidecar/http/traceparent.h"

#include "rules/base/encode.h"

enum { VERSION_AT = 0, TRACE_AT = 3, PARENT_AT = 36, FLAGS_AT = 53 };

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* hex_read() takes upper case too, which the recommendation forbids. */
static bool has_upper_case(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] >= 'A' && text.at[i] <= 'F')
            return true;
    return false;
}

static bool part_read(struct span text, size_t at, uint8_t *to, size_t bytes)
{
    return hex_read(span_make(text.at + at, 2 * bytes), to, bytes);
}

/* Version 00 ends here; a later one may go on, after a dash. */
static bool length_is_right(struct span text, uint8_t version)
{
    if (version == 0)
        return text.len == TRACEPARENT_LENGTH;
    return text.len == TRACEPARENT_LENGTH || text.at[TRACEPARENT_LENGTH] == '-';
}

bool traceparent_parse(struct span text, struct trace_context *out)
{
    struct trace_context context;
    uint8_t version;
    if (text.len < TRACEPARENT_LENGTH || has_upper_case(span_first(text, TRACEPARENT_LENGTH)))
        return false;
    if (text.at[TRACE_AT - 1] != '-' || text.at[PARENT_AT - 1] != '-' ||
        text.at[FLAGS_AT - 1] != '-')
        return false;
    if (!part_read(text, VERSION_AT, &version, 1) || version == 0xff ||
        !length_is_right(text, version))
        return false;
    if (!part_read(text, TRACE_AT, context.trace_id, sizeof context.trace_id) ||
        !part_read(text, PARENT_AT, context.parent_id, sizeof context.parent_id) ||
        !part_read(text, FLAGS_AT, &context.flags, 1))
        return false;
    if (is_zero(context.trace_id, sizeof context.trace_id) ||
        is_zero(context.parent_id, sizeof context.parent_id))
        return false;
    *out = context;
    return true;
}

void traceparent_write(char to[TRACEPARENT_LENGTH], const struct trace_context *context,
                       const uint8_t span_id[8])
{
    static const uint8_t version = 0;
    hex_write(to + VERSION_AT, &version, 1);
    to[TRACE_AT - 1] = '-';
    hex_write(to + TRACE_AT, context->trace_id, sizeof context->trace_id);
    to[PARENT_AT - 1] = '-';
    hex_write(to + PARENT_AT, span_id, 8);
    to[FLAGS_AT - 1] = '-';
    hex_write(to + FLAGS_AT, &context->flags, 1);
}
