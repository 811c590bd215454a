/* SPDX-License-Identifier: Apache-2.0 */
/* Forms as far as the audit log has to understand them: which values and files there are, and where
 * their bytes stand. Lenient: what is no part of a form is passed over. */
#ifndef SIDEGATE_EXPORTERS_FORM_H
#define SIDEGATE_EXPORTERS_FORM_H

#include <stdbool.h>

#include "exporters/report.h"
#include "rules/base/arena.h"

/* The boundary of a multipart Content-Type; at == NULL: it is none. */
struct span form_boundary(struct span content_type);
bool form_is_urlencoded(struct span content_type);

/* A part of multipart/form-data (RFC 7578). */
struct form_part {
    struct span name, filename; /* as they stand between the quotes */
    bool is_file;
    struct span content;
};
/* The next part; `rest` begins as the whole body and moves behind the part. False: none. */
bool form_next(struct span *rest, struct span boundary, struct form_part *part);

/* Fills files and fields_of_form from the request's body; what is made lies in the arena. */
void form_fill(struct report_audit *audit, struct arena *arena);

/* The first value of a field, without case; at == NULL: absent. */
struct span pairs_get(const struct pair *pairs, size_t count, struct span name);

#endif
