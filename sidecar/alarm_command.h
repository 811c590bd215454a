/* SPDX-License-Identifier: Apache-2.0 */
/* A program that is run because of an alarm: its arguments as they are, no shell; the alarm stands
 * in its environment and, as JSON, in its standard input; what it prints goes nowhere. It has our
 * user and no more rights than we, is killed with all of its group when its time is over, and ends
 * with us. Nobody waits: the loop is told. */
#ifndef SIDEGATE_SIDECAR_ALARM_COMMAND_H
#define SIDEGATE_SIDECAR_ALARM_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/span.h"

struct alarm_command; /* one that runs */
struct loop;

struct alarm_command_order {
    const char *const *argv;   /* NULL behind the last */
    const struct pair *extras; /* its environment, beside PATH, HOME, LANG, TZ and LC_* of ours */
    size_t extra_count;
    struct span input;
    uint64_t timeout_us;
};

/* `well`: it ended with 0; else `why`. Called once, from the loop, before it is freed. */
typedef void alarm_command_ended(void *context, bool well, const char *why);

/* NULL: it could not be started, and errno says why. */
struct alarm_command *alarm_command_start(struct loop *loop,
                                          const struct alarm_command_order *order,
                                          alarm_command_ended *ended, void *context);
/* Killed, if it runs. In `ended`, too. NULL allowed. */
void alarm_command_free(struct alarm_command *command);

#endif
