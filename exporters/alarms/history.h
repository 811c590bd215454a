/* SPDX-License-Identifier: Apache-2.0 */
/* One metric's samples by the clock: a ring of sketches, each over `resolution_s` seconds, out of
 * which periods are put together that begin at any multiple of it. What falls out of the ring is
 * forgotten. */
#ifndef SIDEGATE_EXPORTERS_ALARMS_HISTORY_H
#define SIDEGATE_EXPORTERS_ALARMS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/alarms/sketch.h"

struct history;

/* Times are seconds since 1970. `ordered`: percentiles and their like will be asked for; without it
 * a slot takes no more than its totals, with it some KiB where it has seen many values. */
struct history *history_new(unsigned resolution_s, size_t buckets, bool ordered);
void history_free(struct history *history); /* NULL allowed */

/* False: the time lies before what is kept. */
bool history_add(struct history *history, int64_t time_s, double value, uint64_t times);
/* The same of samples that were gathered within one slot. */
bool history_merge(struct history *history, int64_t time_s, const struct sketch *samples);
/* The same, instead of what the slot held. */
bool history_set(struct history *history, int64_t time_s, const struct sketch *samples);
/* Whatever `from`, of the same resolution, holds and there is room for. */
void history_take(struct history *history, const struct history *from);
/* Merges what lies in [from_s, to_s) into `into`; both are multiples of the resolution. */
void history_fold(const struct history *history, int64_t from_s, int64_t to_s, struct sketch *into);

#endif
