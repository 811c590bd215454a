/* SPDX-License-Identifier: Apache-2.0 */
/* The program's own log: one line a thing, to stderr or process.log.path. Any thread; a line is one
 * write. */
#ifndef SIDEGATE_SIDECAR_LOG_H
#define SIDEGATE_SIDECAR_LOG_H

#include "sidecar/config/settings.h"

struct log;

/* `path` NULL or "/dev/stderr": the standard error. NULL: it cannot be opened (errno). */
struct log *log_open(const char *path, enum log_level level);
void log_close(struct log *log);
void log_reopen(struct log *log); /* USR1 */
void log_set_level(struct log *log, enum log_level level);
/* "2026-11-21T09:30:00.123456Z info: message\n"; lines over 4 KiB are cut. */
void log_say(struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
