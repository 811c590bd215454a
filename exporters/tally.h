/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker counts for metrics in CloudWatch's way: by second, by route and method, and by
 * rule.
 *
 *   rows[]     route, method    two halves: count, 4xx, 5xx, latency, integration latency
 *   rules[]    name of a rule   two halves: allowed, blocked, counted
 *
 * The worker writes into one half; once a second is over, it is the other half's turn, and whoever
 * takes reads the first one at leisure. The lock between the two is held for a few instructions. A
 * taker that is late by more than a second finds what was counted meanwhile in the second that had
 * begun. */
#ifndef SIDEGATE_EXPORTERS_TALLY_H
#define SIDEGATE_EXPORTERS_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/alarms/sketch.h"
#include "exporters/report.h"

enum { TALLY_ROWS_MOST = 1000, TALLY_RULES_MOST = 1000 }; /* more are counted together */

struct tally;
struct tally *tally_new(void);
void tally_free(struct tally *tally); /* NULL allowed */

/* Off at first, and then nothing is counted. */
void tally_switch(struct tally *tally, bool on);

/* The worker's. */
void tally_count(struct tally *tally, const struct report *report);

/* Requests of one route and method within one second. In milliseconds. */
struct tally_requests {
    struct span route, method; /* of all that found no row: both empty, `is_rest` */
    bool is_rest;
    uint64_t count, status_4xx, status_5xx;
    struct sketch latency;     /* `count` samples */
    struct sketch integration; /* of those for which a backend was asked */
};
enum tally_fate { TALLY_ALLOWED, TALLY_BLOCKED, TALLY_COUNTED, TALLY_FATES };
/* Requests that a rule or another control allowed, blocked or counted. */
struct tally_rule {
    struct span name; /* "ALL" of all, "Default_Action" of those that nothing decided */
    bool is_rest;     /* rules that found no row */
    uint64_t fates[TALLY_FATES];
};

/* Everything is borrowed for the call. */
struct tally_taker {
    void (*requests)(void *context, int64_t second, const struct tally_requests *requests);
    void (*rule)(void *context, int64_t second, const struct tally_rule *rule);
    void *context;
};
/* Gives what was counted in the seconds before `now_s`. Any one thread. */
void tally_take(struct tally *tally, int64_t now_s, const struct tally_taker *taker);

#endif
