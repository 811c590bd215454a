/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to alarms: the events of 14 days, 10,000 at the most, in memory and, where there is
 * a folder, in its alarms.log. What is needed later stays longer: of each alarm the settings, the
 * latest state and muting, and changes whose actions are not over. It is trimmed each thousand
 * events. The main thread's. */
#ifndef SIDEGATE_SIDECAR_ALARM_BOOK_H
#define SIDEGATE_SIDECAR_ALARM_BOOK_H

#include "sidecar/alarm_event.h"

struct alarm_book;
struct loop;
struct program_log;

enum { ALARM_BOOK_EVENTS = 10000, ALARM_BOOK_DAYS = 14 };

/* `log` is asked for at each line: it may be opened anew. `kept` is called when what was added has
 * come to the disk. */
struct alarm_book *alarm_book_new(struct loop *loop, struct program_log *const *log,
                                  void (*kept)(void *context), void *context);
/* Reads what the folder has, in front of what was added until now, and writes from now on. False:
 * another program does so still; nothing has happened. */
bool alarm_book_open(struct alarm_book *book, const char *folder);
/* All is written until the deadline (monotonic clock); false: the disk hangs. The loop turns once
 * more before it is freed. NULL allowed, for both. */
bool alarm_book_close(struct alarm_book *book, uint64_t deadline_us);
void alarm_book_free(struct alarm_book *book);

void alarm_book_add(struct alarm_book *book, const struct alarm_event *event); /* copied */
/* All of it is on the disk, or cannot be, or need not. */
bool alarm_book_is_kept(const struct alarm_book *book);

/* Until it answers false. The events are borrowed until one is added. */
typedef bool alarm_book_look(void *context, const struct alarm_event *event);
void alarm_book_each(const struct alarm_book *book, alarm_book_look *look, void *context);
void alarm_book_each_newest(const struct alarm_book *book, alarm_book_look *look, void *context);

struct alarm_book_figures {
    size_t events;
    uint64_t failures; /* writings that failed */
    uint64_t broken;   /* lines that could not be read */
};
struct alarm_book_figures alarm_book_figures(const struct alarm_book *book);

#endif
