/* SPDX-License-Identifier: Apache-2.0 */
/* The alarms of the configuration in force, evaluated on the main thread: every 10 s the workers'
 * meters are emptied, and what is due is evaluated. A change of state is a line of the program's
 * own log. */
#ifndef SIDEGATE_SIDECAR_ALARM_WATCH_H
#define SIDEGATE_SIDECAR_ALARM_WATCH_H

#include <stddef.h>

#include "exporters/metrics.h"

struct alarm_watch;
struct loop;
struct program_log;
struct settings;

/* `log` is asked for at each line: it may be opened anew. All are borrowed. */
struct alarm_watch *alarm_watch_new(struct loop *loop, struct program_log *const *log,
                                    struct metrics *metrics, unsigned workers);
void alarm_watch_free(struct alarm_watch *watch); /* NULL allowed */

/* From now on these, borrowed until the next change; those of before may go then. Alarms that are
 * the same keep their state, metrics their samples. */
void alarm_watch_change(struct alarm_watch *watch, const struct settings *settings);

/* One for each alarm; the caller frees the array, the texts are the settings'. */
struct alarm_figure *alarm_watch_figures(const struct alarm_watch *watch, size_t *count);
/* The list as JSON. */
void alarm_watch_print(const struct alarm_watch *watch, struct buf *to);

#endif
