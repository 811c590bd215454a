/* SPDX-License-Identifier: Apache-2.0 */
/* A line on its way to a receiver elsewhere: the text, and what its envelope says of it. Entries
 * stand one behind the other in a queue's batch:
 *
 *   | struct entry_head | request id | text | struct entry_head | ...
 */
#ifndef SIDEGATE_EXPORTERS_ENTRY_H
#define SIDEGATE_EXPORTERS_ENTRY_H

#include "exporters/report.h"
#include "rules/base/buf.h"

/* What a spool calls them; another number where `struct entry_head` becomes another. */
enum { ENTRY_ON_DISK = 16 };

enum entry_outcome { ENTRY_PLAIN, ENTRY_WARNING, ENTRY_ERROR };

struct entry {
    uint64_t wall_us; /* when the exchange ended */
    uint8_t trace_id[16], span_id[8];
    enum entry_outcome outcome;
    struct span request_id;
    struct span text; /* without a line feed at its end */
    size_t bytes;     /* of the whole entry */
};

void entry_add(struct buf *to, const struct report *report, enum entry_outcome outcome,
               struct span text);
/* Takes the first one off `rest`; false: there is none. */
bool entry_next(struct span *rest, struct entry *out);
/* What comes from a disk is asked first: entries, so many, and nothing else. */
bool entries_are_sound(struct span entries, unsigned count);

#endif
