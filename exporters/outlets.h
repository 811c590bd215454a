/* SPDX-License-Identifier: Apache-2.0 */
/* Where the logs go: a log has a file and receivers elsewhere, an outlet each, with a queue and a
 * thread of its own; what goes elsewhere may wait on a disk. All but the figures is the exporter
 * thread's; before that runs and after it ended, the caller's. */
#ifndef SIDEGATE_EXPORTERS_OUTLETS_H
#define SIDEGATE_EXPORTERS_OUTLETS_H

#include "exporters/exporter.h"

struct plan;
struct outlets;
struct hold;

/* `ring` and `hold` are borrowed. */
struct outlets *outlets_new(struct ring *ring, struct hold *hold, size_t queue_records);
/* From now on logs go where the plan says; its descriptors are taken, the plan is borrowed until
 * the next. */
void outlets_apply(struct outlets *outlets, struct plan *plan);
/* The bits of RING_WANTS() of the logs that are on. */
uint32_t outlets_wants(const struct outlets *outlets);
/* Units that never came out of the ring. */
void outlets_lost(struct outlets *outlets, enum destination log, uint64_t units);
/* The items of a report, for all logs that are on. `again`: a process that died has had it; what it
 * made of it may be missing on a disk, and is nowhere else. */
void outlets_add(struct outlets *outlets, const struct report *report, bool again);
/* Any thread: a line that is no report's. */
void outlets_line(struct outlets *outlets, enum destination log, struct span line);
void outlets_wake(struct outlets *outlets); /* whatever has been added is to be written */
void outlets_reopen(struct outlets *outlets);
/* Writes until the deadline; says how much is left of each. Frees. */
void outlets_stop(struct outlets *outlets, uint64_t deadline_us);

/* Any thread. The account of a log's file; all accounts, each log's file among them whether it has
 * one or not. */
void outlets_figures(const struct outlets *outlets, enum destination log,
                     struct destination_figures *out);
unsigned outlets_count(const struct outlets *outlets);
void outlets_account(const struct outlets *outlets, unsigned which, struct destination_figures *out,
                     struct spool_state *spool);

#endif
