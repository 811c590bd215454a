/* SPDX-License-Identifier: Apache-2.0 */
/* Tells one receiver of one change of an alarm: by a webhook, a command, or the program's log.
 *
 *   start --> WELL, REFUSED, AWAY      over at once
 *         '-> UNDER_WAY --> ended --> drop
 *
 * What follows from it (again? when? who is next?) is the caller's: alarm_actions.h. The main
 * thread's. */
#ifndef SIDEGATE_SIDECAR_ALARM_TELLING_H
#define SIDEGATE_SIDECAR_ALARM_TELLING_H

#include "exporters/alarms/notice.h"

struct alarm_command;
struct call;
struct caller;
struct loop;
struct program_log;

enum alarm_telling_answer {
    ALARM_TELLING_UNDER_WAY,
    ALARM_TELLING_WELL,
    ALARM_TELLING_REFUSED, /* the same would be answered the next time */
    ALARM_TELLING_AWAY,    /* it may go well later */
};

/* Never UNDER_WAY. Called once, from the loop; `why` it is not WELL lives until the drop. */
typedef void alarm_telling_ended(void *context, enum alarm_telling_answer answer, const char *why);

/* A place for one at a time, all zero where there is none. It stays where it is. */
struct alarm_telling {
    struct call *call;
    struct alarm_command *command;
    alarm_telling_ended *ended;
    void *context;
};

/* Nothing of it is needed any more when alarm_telling_start() returns. */
struct alarm_telling_order {
    struct loop *loop;
    struct program_log *log;
    struct caller *caller;
    const struct alarm_action *action; /* the receiver, and how it is told */
    struct notice notice;
};

/* `why` is set where it is over at once and not WELL, and lives on. `ended` is never called from
 * within. */
enum alarm_telling_answer alarm_telling_start(struct alarm_telling *telling,
                                              const struct alarm_telling_order *order,
                                              alarm_telling_ended *ended, void *context,
                                              const char **why);
/* Given up, or let go of after its end; nothing happens where there is none. */
void alarm_telling_drop(struct alarm_telling *telling);
bool alarm_telling_is_under_way(const struct alarm_telling *telling);

#endif
