/* SPDX-License-Identifier: Apache-2.0 */
/* alarms.log in process.state_dir: lines that are put behind it by a thread of its own, so that
 * nobody waits for the disk. Where something fails all that is known has to be written anew: the
 * owner is told, and brings it.
 *
 *   add ---> thread: write, fdatasync ---> told (on the owner's loop): all is kept, or it failed
 */
#ifndef SIDEGATE_SIDECAR_ALARM_JOURNAL_H
#define SIDEGATE_SIDECAR_ALARM_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

struct alarm_journal;
struct loop;

/* Reads what is there, line by line. False: it is there, and cannot be read (errno). */
bool alarm_journal_read(const char *folder, void (*take)(void *context, struct span line),
                        void *context);
/* What could not be read is kept for people, as alarms.log.broken. */
bool alarm_journal_put_aside(const char *folder);

/* `told` is called on the loop's thread after something was written, or could not be: then `error`
 * is errno, and only alarm_journal_renew() writes again. NULL: no thread could be made. */
struct alarm_journal *alarm_journal_start(const char *folder, struct loop *loop,
                                          void (*told)(void *context, int error), void *context);
/* Before anything is added: another program writes there; this one cannot until that has ended. */
bool alarm_journal_is_second(const struct alarm_journal *journal);
/* What waits is written until the deadline (monotonic clock), and the thread ends; the loop turns
 * once more before it is freed. False: the disk hangs, and what the thread uses stays. NULL
 * allowed.
 */
bool alarm_journal_stop(struct alarm_journal *journal, uint64_t deadline_us);
void alarm_journal_free(struct alarm_journal *journal);

/* Copied. */
void alarm_journal_add(struct alarm_journal *journal, struct span lines);
/* The whole file from now on: beside, on the disk, and then in its place. */
void alarm_journal_renew(struct alarm_journal *journal, struct span lines);
/* Nothing waits to be written. */
bool alarm_journal_is_kept(struct alarm_journal *journal);

#endif
