/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of finished exchanges for alarms, in CloudWatch's names. Each worker gathers into a meter
 * of its own, in sketches of 10 s; whoever evaluates takes them out. The lock between the two is
 * met by nobody else, and not at all where no alarm asks. */
#ifndef SIDEGATE_EXPORTERS_METER_H
#define SIDEGATE_EXPORTERS_METER_H

#include <stddef.h>
#include <stdint.h>

#include "exporters/alarms/sketch.h"
#include "exporters/report.h"

/* What an exchange has to say to each of them: one sample, or none. */
enum metered {
    METERED_COUNT,               /* 1 */
    METERED_4XX,                 /* 1 where the answer was a 4xx, else 0 */
    METERED_5XX,                 /* the same of 5xx */
    METERED_LATENCY,             /* milliseconds, first byte to last */
    METERED_INTEGRATION_LATENCY, /* of the last attempt at a backend; none was made: no sample */
    METERED_KINDS
};
const char *metered_word(unsigned i); /* "5XXError"; NULL beyond the last */
bool metered_find(struct span word, enum metered *metered);

struct meter_watch {
    enum metered metered;
    struct span route, method; /* of these alone; empty: of all */
};

enum { METER_SLOT_S = 10 };

struct meter;
struct meter *meter_new(void);
void meter_free(struct meter *meter); /* NULL allowed */

/* The worker's. */
void meter_count(struct meter *meter, const struct report *report);

/* Gives what was gathered since the last time; `watch` is an index. Any one thread. */
typedef void meter_given(void *context, size_t watch, int64_t time_s, const struct sketch *samples);
void meter_take(struct meter *meter, meter_given *given, void *context);
/* The same, and from then on these are watched; copied. */
void meter_change(struct meter *meter, const struct meter_watch *watches, size_t count,
                  meter_given *given, void *context);

#endif
