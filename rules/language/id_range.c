/* SPDX-License-Identifier: Apache-2.0 */
/* Rule ids, one or from one to another. */
#include "rules/language/id_range.h"

#include "rules/language/choice.h"

bool id_range_read(struct line *line, struct span text, struct id_range *range)
{
    size_t dash = span_find_byte(text, '-');
    struct span first = span_trim_ows(span_first(text, dash));
    if (!number_read(line, first, "a rule's id", 1, INT64_MAX, &range->first))
        return false;
    range->last = range->first;
    if (dash == SPAN_NONE)
        return true;
    struct span last = span_trim_ows(span_make(text.at + dash + 1, text.len - dash - 1));
    return number_read(line, last, "the end of a range of ids", range->first, INT64_MAX,
                       &range->last);
}
