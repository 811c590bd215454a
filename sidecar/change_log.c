/* SPDX-License-Identifier: Apache-2.0 */
/* The file. It is full once it has so many bytes: then it is renamed to .1, that to .2 and so on,
 * under its lock, and the next record begins a new one. Whoever waited for the lock of the old file
 * looks whether the name still means it; an empty file goes on where .1 ends. A crash between the
 * two costs nothing: there is no name, or an empty file. */
#include "sidecar/change_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "rules/base/buf.h"
#include "rules/base/must.h"
#include "sidecar/change_chain.h"

enum { TAIL_BYTES = 2 * CHAIN_LINE_MOST, ROTATED_MOST = 9999 };
enum { PAUSE_MS = 5, REOPENS_MOST = 100 };
enum { WHAT_BYTES = 100 };

struct change_log {
    char *path;
    int fd;
    off_t size;
    struct chain_end end;
};

/* ---- what is wrong ---- */

static void fail(struct change_fault *fault, const char *path, const char *what)
{
    fault->is_full = false;
    snprintf(fault->why, sizeof fault->why, "%.300s: %s", path, what);
}

static void fail_of(struct change_fault *fault, const char *path, int error)
{
    fail(fault, path,
         error == EWOULDBLOCK ? "somebody else has held it for too long" : strerrordesc_np(error));
    fault->is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* ---- opening ---- */

/* Of a pipe nobody could read where the chain goes on. */
static int open_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0 || (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

bool change_pause_until(void *moment_us)
{
    const uint64_t *until_us = moment_us;
    poll(NULL, 0, PAUSE_MS);
    return clock_monotonic_us() < *until_us;
}

/* A shell that holds the lock must not hold an order up for ever. */
static bool lock(int fd, const struct change_wait *wait)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return false;
        bool goes_on = wait->pause(wait->context);
        errno = EWOULDBLOCK;
        if (!goes_on)
            return false;
    }
    return true;
}

/* Somebody may have rotated it while we waited. */
static bool is_still(int fd, const char *path)
{
    struct stat held, named;
    return fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

static int open_locked(const char *path, const struct change_wait *wait)
{
    for (unsigned turn = 0; turn < REOPENS_MOST; turn++) {
        int fd = open_file(path);
        if (fd < 0)
            return -1;
        bool locked = lock(fd, wait);
        if (locked && is_still(fd, path))
            return fd;
        int error = locked ? EWOULDBLOCK : errno;
        close(fd);
        errno = error;
        if (!locked)
            break;
    }
    return -1;
}

/* ---- the end ---- */

static bool end_read(int fd, uint64_t bytes, struct chain_end *end)
{
    size_t len = bytes < TAIL_BYTES ? (size_t)bytes : TAIL_BYTES, got = 0;
    char *tail = must_alloc(len + 1);
    while (got < len) {
        ssize_t n = pread(fd, tail + got, len - got, (off_t)(bytes - len + got));
        if (n <= 0 && errno != EINTR)
            break;
        got += n > 0 ? (size_t)n : 0;
    }
    bool found = got == len && chain_end_find(span_make(tail, len), len == bytes, end);
    free(tail);
    return found;
}

static void rotated_name(const char *path, unsigned number, char to[PATH_MAX])
{
    if (snprintf(to, PATH_MAX, "%s.%u", path, number) >= PATH_MAX)
        to[0] = '\0';
}

static bool before_read(int fd, struct chain_end *end)
{
    struct stat status;
    bool found = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                 end_read(fd, (uint64_t)status.st_size, end);
    end->needs_line_feed = false;
    return found;
}

/* An empty file goes on where the one before it ends, if there is one. */
static bool end_find(const struct change_log *log, struct chain_end *end,
                     struct change_fault *fault)
{
    char before[PATH_MAX], what[WHAT_BYTES] = "no whole record stands at its end";
    rotated_name(log->path, 1, before);
    int fd = log->size == 0 ? open(before, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
    bool is_there = log->size == 0 && (fd >= 0 || errno != ENOENT), found;
    if (is_there && fd < 0)
        snprintf(what, sizeof what, "the file before it cannot be read: %s",
                 strerrordesc_np(errno));
    if (is_there)
        found = fd >= 0 && before_read(fd, end);
    else
        found = end_read(log->fd, (uint64_t)log->size, end);
    if (fd >= 0)
        close(fd);
    if (!found)
        fail(fault, log->path, what);
    return found;
}

/* ---- rotation ---- */

static bool rename_all(const char *path, unsigned keep)
{
    char from[PATH_MAX], to[PATH_MAX];
    unsigned last = 1;
    struct stat status;
    for (; last < keep && last < ROTATED_MOST; last++) {
        rotated_name(path, last, to);
        if (stat(to, &status) != 0)
            break;
    }
    for (; last > 0; last--) {
        rotated_name(path, last, to);
        rotated_name(path, last - 1, from);
        if (rename(last > 1 ? from : path, to) != 0)
            return false;
    }
    return true;
}

/* Where it cannot be renamed the old file goes on. */
static void make_room(struct change_log *log, const struct change_rotation *rotation,
                      const struct change_wait *wait)
{
    if (rotation == NULL || rotation->most_bytes == 0 || log->size == 0 ||
        (uint64_t)log->size < rotation->most_bytes ||
        !rename_all(log->path, rotation->keep > 0 ? rotation->keep : ROTATED_MOST))
        return;
    int fd = open_locked(log->path, wait);
    if (fd < 0)
        return; /* what is held has another name by now, and goes on */
    close(log->fd);
    log->fd = fd;
}

/* ---- room ---- */

/* So that what is done after it can be written down. A file system that cannot promise anything is
 * taken at its word. */
static int reserve(const struct change_log *log)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (rlim_t)log->size + CHAIN_LINE_MOST > limit.rlim_cur)
        return EFBIG;
    if (fallocate(log->fd, FALLOC_FL_KEEP_SIZE, log->size, CHAIN_LINE_MOST) == 0)
        return 0;
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO ? errno : 0;
}

/* Some file systems give it back for the one, some for the other; else it stays kept for the next.
 */
static void release(const struct change_log *log)
{
    if (fallocate(log->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, log->size,
                  CHAIN_LINE_MOST) != 0 ||
        ftruncate(log->fd, log->size) != 0)
        errno = 0;
}

struct change_log *change_log_begin(const char *path, const struct change_rotation *rotation,
                                    const struct change_wait *wait, struct change_fault *fault)
{
    struct stat status;
    int error, fd = open_locked(path, wait);
    if (fd < 0 && errno == EINVAL) {
        fail(fault, path, "this is no file");
        return NULL;
    }
    if (fd < 0) {
        fail_of(fault, path, errno);
        return NULL;
    }
    struct change_log *log = must_alloc(sizeof *log);
    log->fd = fd;
    log->path = must_strdup(path);
    log->size = fstat(fd, &status) == 0 ? status.st_size : 0;
    make_room(log, rotation, wait);
    log->size = fstat(log->fd, &status) == 0 ? status.st_size : 0;
    if (end_find(log, &log->end, fault)) {
        error = reserve(log);
        if (error == 0)
            return log;
        fail_of(fault, path, error);
    }
    change_log_end(log);
    return NULL;
}

void change_log_end(struct change_log *log)
{
    if (log == NULL)
        return;
    release(log);
    close(log->fd);
    free(log->path);
    free(log);
}

/* ---- records ---- */

static void record_add(struct buf *to, struct span body, const struct chain_end *end,
                       char hash[CHAIN_HASH])
{
    if (end->needs_line_feed)
        buf_add_byte(to, '\n');
    size_t start = to->len;
    buf_format(to, "{\"sequence\":%llu,\"previous\":\"%.*s\"",
               (unsigned long long)end->sequence + 1, CHAIN_HASH, end->hash);
    if (end->is_torn)
        buf_format(to, ",\"torn\":\"%.*s\"", CHAIN_HASH, end->torn);
    buf_add(to, body);
    chain_hash(span_from(buf_span(to), start), hash);
    buf_format(to, ",\"hash\":\"%.*s\"}\n", CHAIN_HASH, hash);
}

static bool write_whole(int fd, struct span text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.at, text.len);
        if (n < 0 && errno != EINTR)
            return false;
        text = span_from(text, n > 0 ? (size_t)n : 0);
    }
    return fsync(fd) == 0;
}

/* All of it or nothing, as far as the disk lets us. */
static bool append(int fd, off_t at, struct span text)
{
    if (write_whole(fd, text))
        return true;
    int error = errno;
    bool undone = ftruncate(fd, at) == 0;
    errno = undone || error != 0 ? error : EIO;
    return false;
}

bool change_log_put(struct change_log *log, struct span body, struct change_fault *fault)
{
    struct buf line;
    char hash[CHAIN_HASH];
    buf_init(&line, CHAIN_LINE_MOST);
    record_add(&line, body, &log->end, hash);
    bool fits = !buf_is_full(&line);
    bool well = fits && append(log->fd, log->size, buf_span(&line));
    if (well) {
        log->size += (off_t)line.len;
        log->end = (struct chain_end){.sequence = log->end.sequence + 1};
        memcpy(log->end.hash, hash, CHAIN_HASH);
    } else if (fits) {
        fail_of(fault, log->path, errno);
    } else {
        fail(fault, log->path, "too long");
    }
    buf_fini(&line);
    return well;
}

bool change_log_open(const char *path, struct change_fault *fault)
{
    int fd = open_file(path);
    if (fd < 0) {
        fail(fault, path, errno == EINVAL ? "this is no file" : strerrordesc_np(errno));
        return false;
    }
    close(fd);
    return true;
}
