/* SPDX-License-Identifier: Apache-2.0 */
/* The reading side of the ring, for the exporter thread; exporter.h has the writing side.
 *
 *   memfd  | head | lane heads | lane: worker 0 security | lane: worker 0 ordinary | worker 1 ...
 *
 *   lane   |......| size | ended | record |....| size | ended | record |.....|
 *          taken -^                      written -^    (both only grow; the place is `& mask`)
 *
 * A lane has one writer and one reader. A record exists once `written` has moved behind it, so
 * what a killed writer left half done is never seen, and the next writer lays its own over it. The
 * data of a lane is mapped twice in a row: every record is one run of bytes. */
#ifndef SIDEGATE_EXPORTERS_RING_H
#define SIDEGATE_EXPORTERS_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "exporters/exporter.h"

enum ring_lane { LANE_SECURITY, LANE_ORDINARY, LANES };

/* One bit for each destination: who wants records at all. A ring is born with all of them. */
#define RING_WANTS(destination) (1U << (destination))
void ring_want(struct ring *ring, uint32_t destinations);

/* The record of this lane, over all workers, whose exchange ended first; false: none. It stays
 * where it is until ring_taken(). */
struct ring_place {
    unsigned worker;
    enum ring_lane lane;
    struct span record;
};
bool ring_next(struct ring *ring, enum ring_lane lane, struct ring_place *place);
void ring_taken(struct ring *ring, const struct ring_place *place);
bool ring_is_empty(const struct ring *ring);

/* What was lost since the ring was created, in the destination's unit. */
uint64_t ring_lost(const struct ring *ring, enum destination destination);

/* How much a report is to a destination: lines, lines,
 * records, spans. 0: it does not go there. */
unsigned report_units(const struct report *report, enum destination destination);

#endif
