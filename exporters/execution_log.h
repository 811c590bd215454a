/* SPDX-License-Identifier: Apache-2.0 */
/* The execution log, in the wording of API Gateway's: what was done with one request, step by step,
 * a line each: "(request id) Starting execution for request: ...". Lines are a table
 * (execution_log.tbl); those with bodies, fields and arguments are the data trace, made by the
 * worker (report.execution), where it is wanted.
 *
 * What API Gateway has no line for (rules, the access list) is "Execution failed due to an error:
 * waf_blocked". Of several attempts the last is told. */
#ifndef SIDEGATE_EXPORTERS_EXECUTION_LOG_H
#define SIDEGATE_EXPORTERS_EXECUTION_LOG_H

#include <stdbool.h>

#include "exporters/report.h"
#include "rules/base/buf.h"

enum { EXECUTION_TEXT_BYTES = 1024 }; /* of a line, without the id; what is longer is cut */

/* How many lines a report comes to. */
unsigned execution_log_lines(const struct report *report);

/* Where it ran: "RestApi shop, Stage prod". */
struct execution_place {
    struct span api, stage;
};
/* The next line at or behind *row, with its line feed; false: there is none. *row moves behind it.
 * Any bytes in the report make one line; `scratch` is cleared. */
bool execution_log_next(struct buf *to, size_t *row, const struct report *report,
                        const struct execution_place *place, struct buf *scratch);

/* For the worker: stars but for the last six characters, where it is long enough for them to give
 * nothing away; all stars for a password in Basic. */
void execution_mask(struct buf *to, struct span secret);

#endif
