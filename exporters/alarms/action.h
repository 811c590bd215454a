/* SPDX-License-Identifier: Apache-2.0 */
/* What is done when an alarm takes a state, as settings say it, and a change of state as those who
 * are told of it see it. */
#ifndef SIDEGATE_EXPORTERS_ALARMS_ACTION_H
#define SIDEGATE_EXPORTERS_ALARMS_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/alarms/state.h"

enum alarm_action_type { ALARM_ACTION_WEBHOOK, ALARM_ACTION_COMMAND, ALARM_ACTION_LOG };
enum alarm_action_format { ALARM_FORMAT_ALERTMANAGER, ALARM_FORMAT_SNS };
enum { ALARM_ACTIONS_MOST = 5, ALARM_ARGUMENTS_MOST = 32, ALARM_HEADERS_MOST = 16 };

struct alarm_action {
    enum alarm_action_type type;
    struct span name;                /* empty: not given */
    enum alarm_action_format format; /* of a webhook */
    bool is_raw;                     /* sns: the message alone, without the envelope */
    struct span url;                 /* terminated; where a notice goes as it is */
    const struct pair *headers;      /* values of files are read */
    size_t header_count;
    struct span ca_file;     /* terminated; .at NULL: the system's */
    const char *const *argv; /* of a command; NULL behind the last */
    uint64_t timeout_us;
    struct span shown; /* for logs and people: its name, no path of the URL, no argument */
    struct span text;  /* as `config print` has it: the same */
    uint32_t key;      /* the same action has the same, also after a restart; never 0 */
};

/* Alertmanager forgets: it is told again while the alarm fires, and of its end. */
static inline bool alarm_action_is_alert(const struct alarm_action *action)
{
    return action->type == ALARM_ACTION_WEBHOOK && action->format == ALARM_FORMAT_ALERTMANAGER;
}

/* By the state that is taken: indexes are those of enum alarm_state. */
enum { ALARM_STATES = 3 };
struct alarm_action_list {
    const struct alarm_action *list;
    size_t count;
};

enum { ALARM_ID_LENGTH = 36 };
struct alarm_change {
    char id[ALARM_ID_LENGTH + 1]; /* a UUID: the same however often it is told */
    enum alarm_state before, state;
    struct span reason; /* borrowed */
    uint64_t wall_us;
    uint64_t since_us; /* when it took the one before; 0: not known */
};

#endif
