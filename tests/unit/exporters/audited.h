/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions for the audit log, and its records in both forms. */
#ifndef SIDEGATE_TESTS_UNIT_EXPORTERS_AUDITED_H
#define SIDEGATE_TESTS_UNIT_EXPORTERS_AUDITED_H

#include "exporters/audit_log.h"
#include "tests/unit/exporters/sample.h"

struct audited_scene {
    struct buf out, scratch;
    struct arena *arena;
};
void audited_begin(struct audited_scene *f);
void audited_end(struct audited_scene *f);

/* sample_report() as a POST that was blocked, with a form's body, a session's cookie ("s3ssion")
 * and a password ("hunter2", escaped); `parts` as SecAuditLogParts has them. */
struct report audited(const char *parts);
/* Content-Type is the second. */
extern const struct pair audited_request_fields[3];
/* A form of a value ("one & 2") and a file, and the field that says so. */
extern const struct span audited_multipart;
extern const struct pair audited_multipart_fields[1];

/* Lives until the next one, or the end. */
struct span audited_written(struct audited_scene *f, const struct report *report,
                            enum audit_format format);
static inline bool has(struct span text, const char *what)
{
    return span_find(text, span_text(what)) != SPAN_NONE;
}

#endif
