/* SPDX-License-Identifier: Apache-2.0 */
/* Windows in which an alarm's actions are muted, by a schedule in UTC or by the clocks of a zone:
 *
 *   cron(0 2 * * MON-FRI)   minute, hour, day of the month, month, day of the week (0 or 7:
 * Sunday);
 *                           *, 5, 1-5, 1,3, MON, and steps behind a slash. Where both kinds of day
 *                           are given, either will do.
 *   at(2026-12-24T18:00)    once
 *
 * A start that clocks show twice is the first of the two, unless the schedule is for every hour;
 * one that they leap over comes as much after the leap as it would have come without it (zone.h).
 */
#ifndef SIDEGATE_EXPORTERS_ALARMS_MUTE_H
#define SIDEGATE_EXPORTERS_ALARMS_MUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/span.h"
#include "rules/base/zone.h"

enum { MUTE_SECONDS_MOST = 15 * 86400, MUTE_WINDOWS_MOST = 10 };

struct mute_window {
    bool is_once;
    int64_t at_s;                                    /* once: since 1970, by the zone's clocks */
    uint64_t minutes, hours, days, months, weekdays; /* bits */
    bool any_day, any_weekday;                       /* they are given as * */
    int64_t duration_s;      /* MUTE_SECONDS_MOST at the most; not the schedule's, nor is: */
    const struct zone *zone; /* NULL: UTC */
};

/* False: it is no schedule, or there is no such day. */
bool mute_schedule_parse(struct span text, struct mute_window *window);
/* False: no month that it names has a day that it names, in any year. */
bool mute_schedule_comes(const struct mute_window *window);
/* When the window ends that `now_s` lies in; 0: it lies in none. */
int64_t mute_window_end(const struct mute_window *window, int64_t now_s);

#endif
