/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a composite alarm's actions run, or are held back by another alarm:
 *
 *              changed, suppressor in ALARM                      wait is over
 *   NOTHING --------------------------------> ALARM   WAIT_PERIOD ----------> actions run
 *      |  changed                               | ^    | suppressor in ALARM
 *      +-----------------> WAIT_PERIOD          | +----+
 *                              ^                | suppressor leaves ALARM
 *                              | changed        v
 *                              +--------- EXTENSION_PERIOD -- is over --> actions of the state then
 * run
 *
 * The clock is handed in, in seconds. */
#ifndef SIDEGATE_EXPORTERS_ALARMS_SUPPRESSOR_H
#define SIDEGATE_EXPORTERS_ALARMS_SUPPRESSOR_H

#include <stdbool.h>
#include <stdint.h>

enum suppressed_by {
    SUPPRESSED_BY_NOTHING,
    SUPPRESSED_BY_ALARM,
    SUPPRESSED_BY_WAIT_PERIOD,
    SUPPRESSED_BY_EXTENSION_PERIOD
};

struct suppressor {
    unsigned wait_s, extension_s;
    enum suppressed_by by; /* begins with NOTHING */
    int64_t until_s;       /* of the two periods */
};

/* `changed`: the composite alarm has just taken another state. True: its actions run now. */
bool suppressor_step(struct suppressor *suppressor, int64_t now_s, bool changed, bool in_alarm);
const char *suppressed_by_word(enum suppressed_by by); /* WaitPeriod */

#endif
