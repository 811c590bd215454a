/* SPDX-License-Identifier: Apache-2.0 */
/* Consistent probability sampling, as OpenTelemetry's TraceState page has it: a trace has 56 random
 * bits R, a sampler a threshold T of 56 bits, and what has R >= T is kept. So whoever keeps fewer
 * keeps a part of what the others keep. T stands in tracestate's member `ot` as th, R where the
 * trace's id is not random as rv: `ot=th:c;rv:6e6d1a75832a2f`. */
#ifndef SIDEGATE_SIDECAR_HTTP_SAMPLING_H
#define SIDEGATE_SIDECAR_HTTP_SAMPLING_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

#define SAMPLING_WHOLE   1000000000U         /* a ratio of 1 */
#define SAMPLING_NOTHING (UINT64_C(1) << 56) /* the threshold that nothing reaches */
#define SAMPLING_UNKNOWN UINT64_MAX          /* kept for another reason: no th is written */

/* Of a ratio in billionths. */
uint64_t sampling_threshold(unsigned ratio);
/* `ot`: what the member holds, at == NULL: there is none. Its rv counts more than the id. */
bool sampling_keeps(uint64_t threshold, const uint8_t trace_id[16], struct span ot);
/* What the member is to hold: th by the threshold (SAMPLING_UNKNOWN: none), then whatever else it
 * held. Empty: nothing. at == NULL: the arena is full. */
struct span sampling_member(struct span ot, uint64_t threshold, struct arena *arena);

#endif
