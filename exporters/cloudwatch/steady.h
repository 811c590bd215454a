/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the wall clock may be believed where something is thrown away by it: one that leaps moves
 * otherwise than the monotonic one. One thread. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_STEADY_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_STEADY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    STEADY_LEAP_S = 600, /* apart from the monotonic clock, since the last time it was asked */
    STEADY_AFTER_S = 3600,
};

struct steady {        /* all 0 at first: the clock is believed */
    int64_t ahead_s;   /* of the monotonic clock */
    int64_t believe_s; /* from then on, by the monotonic clock */
    bool begun;
};

/* Before it is asked: `known_s` is a time that an earlier start wrote down (0: none). Where that is
 * not about now, the machine was off for long, or one of the two clocks was wrong: nobody knows. */
void steady_begin(struct steady *steady, int64_t wall_s, int64_t monotonic_s, int64_t known_s);
/* False: it has leapt within the last hour, or begun otherwise than an earlier start had ended. */
bool steady_is(struct steady *steady, int64_t wall_s, int64_t monotonic_s);

#endif
