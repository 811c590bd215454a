/* SPDX-License-Identifier: Apache-2.0 */
/* W3C Trace Context level 2: traceparent in and out. */
#ifndef SIDEGATE_SIDECAR_HTTP_TRACEPARENT_H
#define SIDEGATE_SIDECAR_HTTP_TRACEPARENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

struct trace_context {
    uint8_t trace_id[16]; /* not all zero */
    uint8_t parent_id[8]; /* the caller's span; all zero: there is none */
    uint8_t flags;        /* bit 0 sampled, bit 1 random */
};

/* False: absent or broken (upper case, zero ids, version ff...): a new trace begins. A higher
 * version is read by its known prefix. */
bool traceparent_parse(struct span text, struct trace_context *out);
enum { TRACEPARENT_LENGTH = 55 };
/* Version 00; `span_id` is the parent that the next one sees. */
void traceparent_write(char to[TRACEPARENT_LENGTH], const struct trace_context *context,
                       const uint8_t span_id[8]);

#endif
