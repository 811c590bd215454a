/* SPDX-License-Identifier: Apache-2.0 */
/* A report as spans in OTLP's encoding:
 *
 *   SERVER  GET /orders/{id}   |=====================================|   the id that the client's
 *   INTERNAL  read_head        |==|                                      trace and our log know
 *   INTERNAL  connect             |=|
 *   INTERNAL  await_answer          |==========================|         ids made of the SERVER's
 *   CLIENT      GET                 |=======================|            the id sent upstream
 *   INTERNAL  respond                                           |====|
 *
 * Stages sum to the whole; what takes next to nothing of it is no span (stage_spans.h). An attempt
 * is a child of the stage that it lies in as a whole, else of the SERVER span. Attributes are
 * OpenTelemetry's stable HTTP conventions, and waf.*. */
#ifndef SIDEGATE_EXPORTERS_SPANS_H
#define SIDEGATE_EXPORTERS_SPANS_H

#include "exporters/limits.h"
#include "exporters/report.h"
#include "rules/base/buf.h"

struct span_maker; /* memory that making spans needs; one thread */

struct span_maker *span_maker_new(void);
/* From now on; without any call there are none. */
void span_maker_limit(struct span_maker *maker, const struct span_limits *limits);
void span_maker_free(struct span_maker *maker); /* NULL allowed */

/* Appends the spans as `spans` fields of a ScopeSpans message: such runs of bytes may be put one
 * behind the other. Returns how many; with buf_is_full(to) none of them counts. */
unsigned spans_add(struct span_maker *maker, struct buf *to, const struct report *report);

#endif
