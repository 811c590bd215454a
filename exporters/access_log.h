/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: one JSON object a line, fields in the order of a table. */
#ifndef SIDEGATE_EXPORTERS_ACCESS_LOG_H
#define SIDEGATE_EXPORTERS_ACCESS_LOG_H

#include "exporters/report.h"
#include "rules/base/buf.h"

/* The line with its line feed. Any bytes in the report make a valid line. */
void access_log_add(struct buf *to, const struct report *report);

/* The fields in their order, for a reference page: false beyond the last. */
struct access_field_words {
    const char *name, *sentence;
};
bool access_log_field(size_t i, struct access_field_words *out);

#endif
