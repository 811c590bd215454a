/* SPDX-License-Identifier: Apache-2.0 */
/* A report as log records in OTLP's encoding, each with the ids of its request's trace and span:
 *
 *   sidegate.request    one, with what the SERVER span says and its duration; ERROR from 500 on
 *   waf.rule_match      one for each match that rules log          WARN where the request was
 *   sidegate.decision   one for each decision of another control   refused for it, else INFO
 *   waf.decision        one where the rules refused, or would have
 */
#ifndef SIDEGATE_EXPORTERS_LOG_RECORDS_H
#define SIDEGATE_EXPORTERS_LOG_RECORDS_H

#include "exporters/limits.h"
#include "exporters/report.h"
#include "rules/base/buf.h"

struct log_maker; /* memory that making records needs; one thread */

struct log_maker *log_maker_new(void);
/* From now on; without any call there are none. */
void log_maker_limit(struct log_maker *maker, const struct attribute_limits *limits);
void log_maker_free(struct log_maker *maker); /* NULL allowed */

/* Append `log_records` fields of a ScopeLogs message: such runs of bytes may be put one behind the
 * other. Return how many; with buf_is_full(to) none of them counts. */
unsigned log_request_add(struct log_maker *maker, struct buf *to, const struct report *report);
unsigned log_events_add(struct log_maker *maker, struct buf *to, const struct report *report);
/* How many the latter appends. Cheap. */
unsigned log_events_count(const struct report *report);

#endif
