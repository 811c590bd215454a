/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones: what the bytes of a TZif file say (RFC 9636), version 2 or later. Pure: the file is
 * read by others, and no clock, locale or environment is asked.
 *
 *   "TZif" header, data in 32 bits | header, data in 64 bits | \n CET-1CEST,M3.5.0,M10.5.0/3 \n
 *          skipped                   changes of the past        from the last of them on
 *
 * Times are seconds since 1970; what clocks show is given as if it were UTC. */
#ifndef SIDEGATE_RULES_BASE_ZONE_H
#define SIDEGATE_RULES_BASE_ZONE_H

#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

struct zone; /* frozen */

enum { ZONE_BYTES_MOST = 256 << 10 };

/* In the arena, which is asked by others whether it is full. NULL: this is no zone, one with leap
 * seconds (of "right/"), or the arena is full. */
const struct zone *zone_read(struct arena *arena, struct span bytes);

/* Seconds east of UTC: 3600 in Berlin in winter. */
int32_t zone_offset(const struct zone *zone, int64_t utc_s);

/* When clocks show this. What they show twice: the first time. What they leap over: when they would
 * have shown it without the leap, so that it is shown later by as much. */
int64_t zone_utc(const struct zone *zone, int64_t local_s);

#endif
