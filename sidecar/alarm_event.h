/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to alarms, and its line in alarms.log:
 *
 *   checksum {"kind":"state","at":US,"alarm":NAME,"id":UUID,"before":"OK","state":"ALARM",...}
 *
 * The checksum is CRC32C of what stands behind the blank, in eight digits. */
#ifndef SIDEGATE_SIDECAR_ALARM_EVENT_H
#define SIDEGATE_SIDECAR_ALARM_EVENT_H

#include "exporters/alarms/action.h"

enum alarm_event_kind {
    ALARM_EVENT_CONFIGURATION, /* it has these settings from now on */
    ALARM_EVENT_STATE,         /* it took another state */
    ALARM_EVENT_DUE,           /* the actions that the change brings with it, or none */
    ALARM_EVENT_ACTION,        /* what one of them came to */
    ALARM_EVENT_MUTE,          /* by hand, until then; 0: not any more */
    ALARM_EVENT_KINDS
};
enum { ALARM_EVENT_KEYS_MOST = 2 * ALARM_ACTIONS_MOST, ALARM_EVENT_LINE_MOST = 64 << 10 };

struct alarm_event {
    enum alarm_event_kind kind;
    uint64_t wall_us;
    struct span alarm;
    uint32_t definition;                  /* CONFIGURATION: checksum of the alarm's text */
    struct span id;                       /* STATE, DUE, ACTION: of the change */
    enum alarm_state before, state;       /* STATE */
    uint64_t since_us;                    /* STATE: when it took the one before; 0: not known */
    uint32_t keys[ALARM_EVENT_KEYS_MOST]; /* DUE, ACTION: of actions */
    size_t key_count;
    struct span target;  /* ACTION: as it may be shown */
    struct span outcome; /* ACTION: sent, failed, dropped; CONFIGURATION: created, updated */
    struct span text;    /* STATE, MUTE: the reason; ACTION: why not */
    struct span data;    /* STATE: the reason as figures, JSON; empty: none */
    uint64_t until_us;   /* MUTE */
};

const char *alarm_event_word(unsigned kind); /* "state"; NULL beyond the last */

/* With its line end. */
void alarm_event_print(struct buf *to, const struct alarm_event *event);
/* `take` has the event while it is called. False: it is broken. */
bool alarm_event_read(struct span line, void (*take)(void *context, const struct alarm_event *),
                      void *context);
/* What people see: a JSON object. */
void alarm_event_show(struct buf *to, const struct alarm_event *event);

#endif
