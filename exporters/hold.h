/* SPDX-License-Identifier: Apache-2.0 */
/* What a kill of the process may cost, and that it is counted. The ring keeps a record until all
 * that was made of it is safe: on a disk, sent, or given up. What is nowhere but in memory stands
 * in the ring as a number, which the next process counts as lost ("crash"). */
#ifndef SIDEGATE_EXPORTERS_HOLD_H
#define SIDEGATE_EXPORTERS_HOLD_H

#include "exporters/feed.h"
#include "exporters/ring.h"

struct hold;

struct hold *hold_new(struct ring *ring); /* borrowed */
/* Frees; the ring keeps nothing any more, unless a feed was left hanging. */
void hold_free(struct hold *hold);

/* What is put into the queue (borrowed; nothing yet) is looked after from now on, hold_keep() says
 * how. The account of an earlier process (the same `id`) goes on there, unless a spool has it; what
 * that lost is counted. At most RISKS_MOST. */
void hold_join(struct hold *hold, uint64_t id, struct queue *queue, struct feed *feed);
void hold_leave(struct hold *hold, uint64_t id, enum feed_end end);
enum hold_way {
    HOLD_MEMORY, /* no spool: a kill costs what waits, and the ring has the account */
    HOLD_SPOOL,  /* a spool has the account; what comes is no record of the ring's */
    HOLD_RECORDS /* likewise, and there is something to wait for. Where the spool cannot be used,
                    nothing does, and what has left the ring is at risk */
};
/* Before feed_use() says the same. */
void hold_keep(struct hold *hold, uint64_t id, enum hold_way way);
/* What an earlier process held (ring_place.again) is to be made again for this one: it is not
 * counted as lost. */
bool hold_owes(const struct hold *hold, uint64_t id);
/* After each round of the exporter's thread, which calls this alone. Who joins before the first one
 * is told in it of all that the ring ever lost. */
void hold_step(struct hold *hold);

#endif
