/* SPDX-License-Identifier: Apache-2.0 */
/* Where the value of a name ends that stands in a text of any kind: JSON in any quoting, forms,
 * lists, lines of heads and settings, elements of XML, parts of multipart forms. All are lenient;
 * where it cannot be said it ends late rather than early. */
#ifndef SIDEGATE_EXPORTERS_SECRET_VALUES_H
#define SIDEGATE_EXPORTERS_SECRET_VALUES_H

#include <stdbool.h>

#include "rules/base/span.h"

/* Bytes of a text, from `at` to `end`; none: both alike. */
struct cut {
    size_t at, end;
};

static inline bool cut_is_none(struct cut cut)
{
    return cut.at >= cut.end;
}

static inline struct cut cut_none(void)
{
    return (struct cut){0, 0};
}

bool byte_is_quote(char c);

/* Blanks and ends of lines. */
bool byte_is_space(char c);

/* Where the line ends that goes on there. */
size_t line_end(struct span text, size_t at);

/* How far a value goes that is not quoted. */
enum value_reach {
    VALUE_WORD, /* to what separates it from the next one */
    VALUE_HEAD, /* to the end of its line, or of what that is quoted in */
    VALUE_LINE, /* to the end of its line */
};

/* Of what stands behind `name:` or `name=`, its value without its quotes; `from` is behind that
 * separator. */
struct cut value_find(struct span text, size_t from, char separator, enum value_reach reach);

/* The text of an element behind its tag's end, which `escape` writes (&gt;, \u003E): up to what
 * begins the next end of an element. */
struct cut value_find_element(struct span text, size_t from, struct span escape);

/* The same as value_find() behind an escaped separator (%3D): up to the next '&', quote or white
 * space. */
struct cut value_find_escaped(struct span text, size_t from);

/* What an element holds, up to the end of its name's last tag; `from` is behind its first tag. */
struct cut element_find(struct span text, size_t from, struct span name);

/* The text behind a tag, up to the next one that ends an element. */
struct cut element_text_find(struct span text, size_t from);

/* In a tag, behind one of its attributes: value="..", or else the text behind the tag. None: it is
 * no tag. */
struct cut attribute_value_find(struct span text, size_t from);

/* Behind the '>' of the tag that goes on there; 0: it does not end. */
size_t tag_end(struct span text, size_t from);

/* What a part of a multipart form holds, in whose head `from` is; none: it is no head. */
struct cut part_find(struct span text, size_t from);

#endif
