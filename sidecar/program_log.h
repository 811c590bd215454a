/* SPDX-License-Identifier: Apache-2.0 */
/* The program's own log: one line a thing, to stderr or process.log.path. Any thread; a line is one
 * write. */
#ifndef SIDEGATE_SIDECAR_PROGRAM_LOG_H
#define SIDEGATE_SIDECAR_PROGRAM_LOG_H

#include "sidecar/config/settings.h"

struct program_log;

/* `path` NULL or "/dev/stderr": the standard error. NULL: it cannot be opened (errno). */
struct program_log *program_log_open(const char *path, enum log_level level);
void program_log_close(struct program_log *log);
bool program_log_is_file(const struct program_log *log); /* and not the standard error */
void program_log_reopen(struct program_log *log);        /* USR1 */
/* What others have to say goes there, too: the exporter's threads (say.h), and the parent, which
 * takes the file from the other end of `channel`, now and after each reopening; -1: there is none.
 */
void program_log_share(struct program_log *log, int channel);
/* The parent: from now on the file is what came by this end. False: it is closed. */
bool program_log_take(struct program_log *log, int channel);
/* Both ends. */
bool program_log_channel(int *parents_end, int *childs_end);
void program_log_set_level(struct program_log *log, enum log_level level);
/* "2026-11-21T09:30:00.123456Z info: message\n"; lines over 4 KiB are cut, control bytes escaped:
 * whatever a message quotes, it is one line. */
void program_log_say(struct program_log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The heading, and the text's own lines below it; more than 4 KiB are several writes of whole
 * lines. */
void program_log_say_text(struct program_log *log, enum log_level level, const char *heading,
                          const char *text);
/* Text as it is, of at most 4 KiB; dropped where there is no room for it now. */
void program_log_pass_on(struct program_log *log, const char *text, size_t len);

#endif
