/* SPDX-License-Identifier: Apache-2.0 */
/* Words out of short lists, and numbers between bounds. */
#include "rules/language/choice.h"

#include <inttypes.h>

#include "rules/base/must.h"
#include "rules/base/number.h"

enum { CHOICES_MOST = 32 };

static void fault_choice(struct line *line, struct span text, const char *what,
                         const struct choice *choices, size_t count)
{
    char room[96];
    const char *names[CHOICES_MOST];
    struct buf list;
    buf_init(&list, 1024);
    for (size_t i = 0; i < count; i++) {
        names[i] = choices[i].name;
        buf_format(&list, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", names[i]);
    }
    fault_add(line->faults, FAULT_ERROR, line_place(line, text.at),
              nearest_hint(text, names, count, room, sizeof room),
              "%s is " SPAN_FORMAT ", not '" SPAN_FORMAT "'", what, span_arg(buf_span(&list)),
              span_arg(span_first(text, 80)));
    buf_fini(&list);
}

bool choice_read(struct line *line, struct span text, const char *what,
                 const struct choice *choices, size_t count, unsigned *value)
{
    must(count <= CHOICES_MOST);
    for (size_t i = 0; i < count; i++)
        if (span_is_nocase(text, span_text(choices[i].name))) {
            *value = choices[i].value;
            return true;
        }
    fault_choice(line, text, what, choices, count);
    return false;
}

bool number_read(struct line *line, struct span text, const char *what, uint64_t least,
                 uint64_t most, uint64_t *value)
{
    if (number_parse(text, value) && *value >= least && *value <= most)
        return true;
    fault_add(line->faults, FAULT_ERROR, line_place(line, text.at), SPAN(""),
              "%s is a number from %" PRIu64 " to %" PRIu64 ", not '" SPAN_FORMAT "'", what, least,
              most, span_arg(span_first(text, 80)));
    return false;
}

bool on_off_read(struct line *line, struct span text, const char *what, bool *value)
{
    static const struct choice choices[] = {{"On", 1}, {"Off", 0}};
    unsigned read;
    if (!choice_read(line, text, what, choices, 2, &read))
        return false;
    *value = read == 1;
    return true;
}
