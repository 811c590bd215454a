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

/* What is put into the queue (borrowed) is looked after from now on; what an earlier process lost
 * of it (the same `id`) is counted there. At most RISKS_MOST. */
void hold_join(struct hold *hold, uint64_t id, struct queue *queue, struct feed *feed);
void hold_leave(struct hold *hold, uint64_t id, enum feed_end end);
/* A feed has a spool: there is something to wait for. Where that cannot be used, nothing does. */
void hold_begin(struct hold *hold);
/* After each round of the exporter's thread, which calls this alone. */
void hold_step(struct hold *hold);

#endif
