/* SPDX-License-Identifier: Apache-2.0 */
/* Between alarm_duty.c, which decides what follows from a change, and alarm_replay.c, which finds
 * out of the book what was decided before. */
#ifndef SIDEGATE_SIDECAR_ALARM_DUTY_INSIDE_H
#define SIDEGATE_SIDECAR_ALARM_DUTY_INSIDE_H

#include "sidecar/alarm_duty.h"

/* One of the settings' alarms. */
struct duty_record {
    uint32_t definition;
    struct alarm_change last;
    char *reason; /* of it */
    char *data;   /* the same as figures; NULL: none */
    struct span reason_data;
    bool has_last;
    bool is_held;           /* the actions of the last change wait */
    bool is_muted_held;     /* for a mute; else for a suppressor */
    enum alarm_state told;  /* the state that actions last told of */
    uint32_t known;         /* the book's latest definition; 0: none */
    uint64_t configured_us; /* since when */
    uint32_t sent[ALARM_EVENT_KEYS_MOST];
    size_t sent_count; /* of the last change */
    uint64_t muted_until_us;
    struct span muted_why;
    char *why; /* it */
};

struct alarm_duty {
    struct loop *loop;
    struct program_log *const *log;
    struct alarm_book *book;
    struct alarm_actions *actions;
    const struct settings *settings;
    struct duty_record *records; /* by alarm */
    size_t count;
    bool is_open;
};

/* ---- alarm_replay.c ---- */

/* Copied. */
void alarm_replay_reason(struct duty_record *record, struct span reason, struct span data);
void alarm_replay_muted_why(struct duty_record *record, struct span why);
void alarm_replay_free(struct duty_record *records, size_t count);

/* The records of the settings in force, by the book; the book is told how the settings differ from
 * those that it knows. */
void alarm_replay(struct alarm_duty *duty);
/* The same after a restart: what was due and is not over is carried out. */
void alarm_replay_resume(struct alarm_duty *duty);

#endif
