/* SPDX-License-Identifier: Apache-2.0 */
/* The spans of stages, which are many and all alike. */
#ifndef SIDEGATE_EXPORTERS_STAGE_SPANS_H
#define SIDEGATE_EXPORTERS_STAGE_SPANS_H

#include "exporters/report.h"
#include "rules/base/buf.h"

enum { SCOPE_SPANS_SPANS = 2 }; /* the field of ScopeSpans that spans are */
/* Bits of Span.flags above the trace flags. */
enum { FLAG_SAMPLED = 1, FLAG_HAS_IS_REMOTE = 0x100, FLAG_IS_REMOTE = 0x200 };

/* In nanoseconds since 1970. */
struct period {
    uint64_t start, end;
};

/* What is said to last beyond the request ends with it. What took less than a microsecond lasts a
 * nanosecond: Jaeger calls spans without any duration faulty. */
struct period period_of(const struct report *report, uint64_t start_us, uint64_t duration_us);

/* The stages that are spans, a bit each. Left out is what took less than a hundredth of the
 * request, one after the other, until 1/64 of the request is left out in all: most stages of most
 * requests, which nobody sees beside the others. Each one's time is in the access log. */
uint64_t stages_told(const struct report *report);
/* The first of some that are told; told &= told - 1 takes it away. */
static inline size_t stage_first(uint64_t told)
{
    return (size_t)__builtin_ctzll(told);
}

/* The stage, of those that are `told`, that the attempt lies in from its start to its end, the
 * later one where an attempt without any duration lies between two; false: none. */
bool stage_around(const struct report *report, uint64_t told, const struct report_attempt *attempt,
                  size_t *index);

/* The id of a stage's span follows from the SERVER span's. Never zero. */
void stage_span_id(const uint8_t server[8], size_t index, uint8_t id[8]);

struct stage_spans;
struct stage_spans *stage_spans_new(void);
void stage_spans_free(struct stage_spans *spans);
/* One INTERNAL span for each stage that is `told`, children of the SERVER span. Returns how many.
 */
size_t stage_spans_add(struct stage_spans *spans, struct buf *to, const struct report *report,
                       uint64_t told);

#endif
