/* SPDX-License-Identifier: Apache-2.0 */
/* Actions about names: xmlns gives some to namespaces, sanitise... keeps what some name out of
 * logs. */
#include "rules/base/number.h"
#include "rules/language/action_list.h"

/* xmlns:soap='http://schemas.xmlsoap.org/soap/envelope/' */
void action_xmlns(struct action_edit *edit)
{
    struct span value = edit->word->value;
    size_t equals = span_find_byte(value, '=');
    if (equals == SPAN_NONE || equals == 0 || equals + 1 == value.len) {
        action_fault(edit, SPAN(""), "xmlns needs PREFIX=NAMESPACE");
        return;
    }
    struct span place = span_trim(span_from(value, equals + 1), "'");
    if (span_find_byte(place, ':') == SPAN_NONE) {
        action_fault(edit, SPAN(""), "a namespace is a whole address, with its scheme");
        return;
    }
    struct pair *namespace =
        rows_add(&edit->draft->namespaces, edit->line->arena, sizeof *namespace);
    namespace->name = span_first(value, equals);
    namespace->value = place;
}

/* "1/4" */
static bool read_visible(struct span text, size_t *head, size_t *tail)
{
    uint64_t first, last;
    struct span rest = text;
    struct span left = span_cut(&rest, '/');
    if (!number_parse(left, &first) || !number_parse(rest, &last) || first > 1000 || last > 1000)
        return false;
    *head = (size_t)first;
    *tail = (size_t)last;
    return true;
}

void action_sanitise(struct action_edit *edit)
{
    struct action action = {.name = edit->word->name};
    struct span value = edit->word->value;
    bool bytes = action.name == ACTION_SANITISE_MATCHED_BYTES;
    if (bytes && value.len > 0 &&
        !read_visible(value, &action.sanitise.head, &action.sanitise.tail)) {
        action_fault(edit, SPAN(""), "sanitiseMatchedBytes needs nothing, or FIRST/LAST");
        return;
    }
    action.sanitise.name = value;
    struct action *row = rows_add(&edit->draft->actions, edit->line->arena, sizeof *row);
    *row = action;
}
