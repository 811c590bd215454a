/* SPDX-License-Identifier: Apache-2.0 */
/* One letter of a text, as it stands or as URLs, JSON and XML escape it. */
#ifndef SIDEGATE_EXPORTERS_SECRET_LETTERS_H
#define SIDEGATE_EXPORTERS_SECRET_LETTERS_H

#include "rules/base/span.h"

struct letter {
    char c;         /* '\0': there is none, or one that is no byte */
    size_t len;     /* as it is written; 0: the text is empty */
    unsigned depth; /* how often it is escaped by percent: %2F once, %252F twice */
};

/* The text's first: /, %2F, %252F, \/, \u002F, \x2F, &#47;, &#x2f; (with any number of zeros:
 * &#0047;); of names &lt; &gt; &amp; &quot; and &apos;. */
struct letter letter_read(struct span text);

/* The escape that a text ends with: of JSON or XML, none by percent. len 0: it ends otherwise. */
struct letter letter_before(struct span text);

#endif
