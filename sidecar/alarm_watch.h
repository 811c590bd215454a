/* SPDX-License-Identifier: Apache-2.0 */
/* The alarms of the configuration in force, evaluated on the main thread: every 10 s the workers'
 * meters are emptied, and what is due is evaluated. A change of state is a line of the program's
 * own log. */
#ifndef SIDEGATE_SIDECAR_ALARM_WATCH_H
#define SIDEGATE_SIDECAR_ALARM_WATCH_H

#include <stddef.h>

#include "exporters/alarms/state.h"
#include "exporters/metrics.h"

struct alarm_watch;
struct alarm_duty;
struct caller;
struct loop;
struct metric_store;
struct program_log;
struct settings;

/* `log` is asked for at each line: it may be opened anew. All are borrowed. */
struct alarm_watch *alarm_watch_new(struct loop *loop, struct program_log *const *log,
                                    struct metrics *metrics, unsigned workers);
/* Where metrics are that the workers do not count for alarms; borrowed until it is closed. */
void alarm_watch_use(struct alarm_watch *watch, struct metric_store *store);
/* Actions that are under way are given up, before the caller stops; the loop turns once more before
 * it is freed. False: what happened could not be written until the deadline (monotonic clock), the
 * disk hangs. NULL allowed, for both. */
bool alarm_watch_close(struct alarm_watch *watch, uint64_t deadline_us);
void alarm_watch_free(struct alarm_watch *watch);

/* From now on these, borrowed until the next change; those of before may go then. Alarms that are
 * the same keep their state, metrics their samples. */
void alarm_watch_change(struct alarm_watch *watch, const struct settings *settings);

/* Once privileges are dropped: what the folder (NULL: none) knows of a time before a restart holds,
 * and actions are carried out from now on. While another program still has the folder (it is about
 * to end, for it would do the same) nothing is evaluated, for a minute at the most. */
void alarm_watch_open(struct alarm_watch *watch, const char *folder, struct caller *caller);

/* What follows from changes: history, actions, muting. Its alarms are numbered as here. */
struct alarm_duty *alarm_watch_duty(const struct alarm_watch *watch);
/* False: there is no such alarm. */
bool alarm_watch_find(const struct alarm_watch *watch, struct span name, size_t *alarm);
const char *alarm_watch_state_word(const struct alarm_watch *watch, size_t alarm);
/* By hand, until the next evaluation; composite alarms and actions follow. */
void alarm_watch_set_state(struct alarm_watch *watch, size_t alarm, enum alarm_state state,
                           struct span reason);

/* One for each alarm; the caller frees the array, the texts are the settings'. */
struct alarm_figure *alarm_watch_figures(const struct alarm_watch *watch, size_t *count);
/* The list as JSON. */
void alarm_watch_print(const struct alarm_watch *watch, struct buf *to);

#endif
