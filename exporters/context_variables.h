/* SPDX-License-Identifier: Apache-2.0 */
/* API Gateway's $context variables: a row each in context_variables.tbl, with what of a report it
 * is, or why there is nothing that it could be. */
#ifndef SIDEGATE_EXPORTERS_CONTEXT_VARIABLES_H
#define SIDEGATE_EXPORTERS_CONTEXT_VARIABLES_H

#include "exporters/report.h"
#include "rules/base/buf.h"

enum context_kind {
    CONTEXT_KIND_NOTHING,
    CONTEXT_KIND_TEXT,   /* any bytes: whoever writes them escapes them */
    CONTEXT_KIND_MEMBER, /* likewise: of an authorizer's context */
    CONTEXT_KIND_OURS,   /* text that holds no byte of a request */
    CONTEXT_KIND_NUMBER, /* digits */
};

/* The text; empty: the request did not have it. `scratch`: for what has to be made. */
typedef struct span context_text(const struct report *report, struct buf *scratch);
/* False: likewise. */
typedef bool context_number(const struct report *report, uint64_t *to);

struct context_variable {
    const char *name; /* without "$context.": "identity.sourceIp" */
    enum context_kind kind;
    const char *sentence; /* what it is, or why it is nothing */
    size_t at;            /* TEXT without `text`: of the span in the report */
    context_text *text;
    context_number *number;
};

/* NULL: no such variable. Names are case-sensitive. `member`: what stands for the <...> of a row.
 */
const struct context_variable *context_find(struct span name, struct span *member);
/* For a reference page, in the table's order: NULL beyond the last. */
const struct context_variable *context_at(size_t i);
/* The nearest name as a hint, or ""; `to` is returned as a span. */
struct span context_hint(struct span wrong, char *to, size_t size);

/* Of all but NUMBER. */
struct span context_value(const struct context_variable *variable, struct span member,
                          const struct report *report, struct buf *scratch);

#endif
