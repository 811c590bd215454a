/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a request on their way into a line of text, so that none of them ends the line, a quote,
 * a field or an element. What is no printable ASCII is \xhh and a backslash is two, in all forms
 * but JSON, which has spellings of its own: the bytes can be told back from the line. */
#ifndef SIDEGATE_EXPORTERS_ESCAPE_H
#define SIDEGATE_EXPORTERS_ESCAPE_H

#include <limits.h>
#include <stdbool.h>

#include "rules/base/buf.h"
#include "rules/base/span.h"

/* The bytes that may not stand as they are. */
struct escape_set {
    bool has[UCHAR_MAX + 1];
};
void escape_set_init(struct escape_set *set);                   /* no printable ASCII; \ */
void escape_set_add(struct escape_set *set, const char *bytes); /* these too */

/* Those of the set as \xhh, the backslash and the double quote as \\ and \". */
void escape_add(struct buf *to, struct span text, const struct escape_set *set);
/* RFC 4180: in double quotes where there is a comma or a double quote, which is written twice. */
void escape_add_csv(struct buf *to, struct span text);
/* For text and for attributes in quotes of either kind. */
void escape_add_xml(struct buf *to, struct span text);

#endif
