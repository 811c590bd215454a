/* SPDX-License-Identifier: Apache-2.0 */
/* The trace that an exchange is part of: read_head settles it, send passes it on, account decides
 * what of it is seen. Words: sidecar/http/propagation.h, sampling.h. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_TRACE_H
#define SIDEGATE_SIDECAR_EXCHANGE_TRACE_H

#include "sidecar/http/fields.h"
#include "sidecar/http/traceparent.h"

struct exchange;
struct report;

struct exchange_trace {
    struct trace_context context; /* of our spans; its parent is the caller's */
    uint8_t span_id[8];           /* the exchange's own */
    struct span state;            /* tracestate as it goes on; empty: none */
    struct span rule;             /* X-Ray's that was asked about it; empty: none */
    bool is_given;                /* the caller's trace goes on; else it begins here */
    bool sampled;                 /* before anything was known of the answer */
    bool is_told;                 /* X-Ray knows that it goes on */
    bool is_linked;               /* the caller's trace was not taken over, but `link` is known */
    struct trace_context link;
};

/* Reads the client's fields, or begins a trace. The peer's trust and the path are settled before.
 */
void trace_settle(struct exchange *x);
/* Tells the backend, whose spans become children of `span_id`. */
void trace_pass_on(struct exchange *x, struct fields *fields, const uint8_t span_id[8]);
/* Tells somebody else who is asked on the way: an authorizer. */
void trace_tell(struct exchange *x, struct fields *fields, const uint8_t span_id[8]);
/* Tells the client, in X-Ray's words, where those are spoken: as API Gateway does. */
void trace_answer(struct exchange *x);
/* The report's part; the rest of it is filled in before: what was blocked, failed or took long may
 * be seen though the trace is not sampled (traces.always). */
void trace_say(const struct exchange *x, struct report *report);

#endif
