/* SPDX-License-Identifier: Apache-2.0 */
/* The reading side of the ring, for the exporter thread; exporter.h has the writing side.
 *
 *   memfd  | head | lane heads | lane: worker 0 security | lane: worker 0 ordinary | worker 1 ...
 *
 *   lane   |......| size | ended | record | size | ended | record |....| size | ended | record |..|
 *          taken -^                   seen -^                   written -^
 *                                             (they only grow; the place is `& mask`, from a base
 *                                             that moves up whenever the lane is empty)
 *
 * `taken` is where room ends to be free, `seen` how far records were read. What lies between, the
 * reader holds because a kill now would lose it; the next reader gets it `again`.
 *
 * A lane has one writer and one reader. A record exists once `written` has moved behind it, so
 * what a killed writer left half done is never seen, and the next writer lays its own over it. The
 * data of a lane is mapped twice in a row: every record is one run of bytes. */
#ifndef SIDEGATE_EXPORTERS_RING_H
#define SIDEGATE_EXPORTERS_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "exporters/exporter.h"

struct queue_account;

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
    bool again; /* a reader that died has had it */
};
bool ring_next(struct ring *ring, enum ring_lane lane, struct ring_place *place);
void ring_taken(struct ring *ring, const struct ring_place *place);
bool ring_is_empty(const struct ring *ring);

/* From now on ring_taken() frees no room: that is done by ring_release(), up to where was read when
 * ring_mark() was called (true: there is something to free). False: both are one again, as in the
 * beginning. */
void ring_hold(struct ring *ring, bool holds);
bool ring_mark(struct ring *ring);
void ring_release(struct ring *ring);
/* Half of a lane is held. */
bool ring_is_tight(const struct ring *ring);
/* How many units of a channel (by its id) a kill would cost now: the ring holds their records no
 * more, and they are nowhere but in memory. The next reader finds the number here. */
enum { RISKS_MOST = CHANNELS_MOST + (int)LOGS * (int)SINKS };
void ring_risk(struct ring *ring, uint64_t channel, uint64_t units);
uint64_t ring_at_risk(const struct ring *ring, uint64_t channel);
/* Records that are held are held for this channel too: the next reader makes them `again` for it.
 */
void ring_keep(struct ring *ring, uint64_t channel, bool keeps);
bool ring_keeps(const struct ring *ring, uint64_t channel);
/* The account of a log's file, which outlives the process: queue_keep(). */
struct queue_account *ring_account(struct ring *ring, enum destination log);
/* Likewise of a channel; NULL: there is no room for another. */
struct queue_account *ring_channel_account(struct ring *ring, uint64_t channel);
/* Which ring this is: random. */
uint64_t ring_id(const struct ring *ring);

/* What was lost since the ring was created, in the destination's unit. */
uint64_t ring_lost(const struct ring *ring, enum destination destination);

#endif
