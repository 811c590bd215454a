/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from an alarm's change: it is put into the book, and its actions are due, once for
 * each change, unless they are off, or held back:
 *
 *   told --> STATE --> held back by a suppressor or a mute? --no--> DUE --> actions --> ACTION
 *                        '--- until it is over -------------------^
 *
 * The book outlives a restart: what was not carried out is carried out then, and nothing twice.
 * The main thread's. */
#ifndef SIDEGATE_SIDECAR_ALARM_DUTY_H
#define SIDEGATE_SIDECAR_ALARM_DUTY_H

#include "exporters/alarms/alarms.h"
#include "sidecar/alarm_actions.h"
#include "sidecar/alarm_book.h"

struct alarm_duty;

struct alarm_duty *alarm_duty_new(struct loop *loop, struct program_log *const *log);
/* Before the caller stops; false: the disk hangs. The loop turns once more before it is freed. NULL
 * allowed, for both. */
bool alarm_duty_close(struct alarm_duty *duty, uint64_t deadline_us);
void alarm_duty_free(struct alarm_duty *duty);

/* From now on these, borrowed until the next change. Before alarm_duty_open() nothing is written.
 */
void alarm_duty_change(struct alarm_duty *duty, const struct settings *settings);
/* Reads what happened before, and begins. `folder` NULL: nothing outlives a restart. False: another
 * program still has the folder, and carries out what is in it. */
bool alarm_duty_open(struct alarm_duty *duty, const char *folder, struct caller *caller);

/* What is known of an alarm with the same settings. False: nothing. */
bool alarm_duty_restored(const struct alarm_duty *duty, size_t alarm, struct alarm_restored *to);

/* Orders of people are taken from then on. */
bool alarm_duty_is_open(const struct alarm_duty *duty);

void alarm_duty_told(struct alarm_duty *duty, const struct alarm_told *told);
/* What was held back by a mute that is over is due now. Called every 10 s. */
void alarm_duty_look(struct alarm_duty *duty);

/* Until then; 0: not any more. */
void alarm_duty_mute(struct alarm_duty *duty, size_t alarm, uint64_t until_us, struct span reason);

struct alarm_duty_facts {
    uint64_t since_us;       /* of its state; 0: it never changed */
    uint64_t muted_until_us; /* 0: it is not muted */
    struct span muted_why;
    bool is_held; /* actions wait for a mute or a suppressor to end */
};
struct alarm_duty_facts alarm_duty_facts(const struct alarm_duty *duty, size_t alarm);
/* {"alarm":NAME,"history":[...]}: the newest first. */
void alarm_duty_print_history(const struct alarm_duty *duty, struct span alarm, size_t most,
                              struct buf *to);
struct alarm_action_figures alarm_duty_action_figures(const struct alarm_duty *duty);
struct alarm_book_figures alarm_duty_book_figures(const struct alarm_duty *duty);

#endif
