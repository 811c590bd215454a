/* SPDX-License-Identifier: Apache-2.0 */
/* How a trace comes in and goes out, in the fields of the systems that people have:
 *
 *   tracecontext  traceparent: 00-TRACE-PARENT-01         W3C Trace Context level 2
 *   b3            b3: TRACE-PARENT-1                       B3, single field
 *   b3multi       X-B3-TraceId, X-B3-SpanId, X-B3-Sampled  B3, a field each
 *   xray          X-Amzn-Trace-Id: Root=1-8-24;Parent=P;Sampled=1
 *   baggage       baggage: key=value                       W3C Baggage: goes by, within its limits
 */
#ifndef SIDEGATE_SIDECAR_HTTP_PROPAGATION_H
#define SIDEGATE_SIDECAR_HTTP_PROPAGATION_H

#include "sidecar/http/fields.h"
#include "sidecar/http/traceparent.h"

enum propagator {
    PROPAGATOR_TRACECONTEXT,
    PROPAGATOR_BAGGAGE,
    PROPAGATOR_B3,
    PROPAGATOR_B3MULTI,
    PROPAGATOR_XRAY,
    PROPAGATORS
};
#define PROPAGATOR_SET(propagator) (1U << (propagator))

enum trace_decision { TRACE_UNDECIDED, TRACE_DROP, TRACE_KEEP };

/* What came in. B3 and X-Ray may bring a trace without a decision, or a decision alone. */
struct trace_given {
    bool is_given; /* `context` holds; its parent may be all zero (X-Ray's without Parent) */
    struct trace_context context;
    enum propagator by;
    enum trace_decision decision;
};

/* Of those in the set the first, in the order above, that brings something whole. A field that
 * comes twice or is broken is none. */
void trace_extract(unsigned propagators, const struct fields *fields, struct trace_given *to);
/* Sets the fields of those in the set, and takes out what the client's said in them; `span_id` is
 * the parent that the next one sees. False: the arena is full. */
bool trace_inject(unsigned propagators, const struct trace_context *context,
                  const uint8_t span_id[8], struct fields *fields, struct arena *arena);
/* Members from the end are taken out until there are at most 64 in 8192 bytes, which is what
 * W3C Baggage 3.3.2 wants passed on at least. */
void baggage_limit(struct fields *fields);

#endif
