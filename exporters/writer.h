/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that writes the lines of one queue to a file or pipe, and may block there: nobody else
 * waits for it. */
#ifndef SIDEGATE_EXPORTERS_WRITER_H
#define SIDEGATE_EXPORTERS_WRITER_H

#include "exporters/log_settings.h"
#include "exporters/queue.h"

struct writer;

/* "udp:127.0.0.1:2000", "udp:[::1]:2000": numeric. Files' names are absolute. */
#define LOG_UDP "udp:"

/* For appending; a pipe need not have a reader yet; /dev/stdout and /dev/stderr are what this
 * process has there, whatever that is. -1: `why` names the path. */
int log_open(const char *path, char *why, size_t size);

enum writer_kind {
    WRITER_LINES,     /* an item is a line */
    WRITER_RECORDS,   /* an item is a whole record of many lines, or a file of its own: audit_file.h
                       */
    WRITER_DATAGRAMS, /* an item is a datagram: it leaves whole and at once, or is dropped */
};

/* Starts the thread. Takes `fd`; `path` is copied; `queue` is borrowed and outlives the writer.
 * NULL: no thread can be had, `fd` is closed. */
struct writer *writer_new(struct queue *queue, enum writer_kind kind, const char *path, int fd);
/* From now on the file is rotated; without a call it never is. */
void writer_rotate(struct writer *writer, const struct rotation *rotation);
/* There is something in the queue. Cheap. */
void writer_wake(struct writer *writer);
/* Goes on with another file, at the end of a batch of lines. Takes `fd`. */
void writer_redirect(struct writer *writer, const char *path, int fd);
/* The path is opened anew before the next line; where that fails, the old file is kept. */
void writer_reopen(struct writer *writer);
/* Writes until the queue is empty or the deadline (monotonic clock) has passed, then gives up what
 * is left (dropped, shutdown), ends the thread and frees. False: the thread hangs in a write (a
 * disk that is gone) and will end with it; until then it uses the queue, which must not be freed.
 */
bool writer_stop(struct writer *writer, uint64_t deadline_us);

#endif
