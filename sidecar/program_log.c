/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the program itself. */
#include "sidecar/program_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exporters/say.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/http/date.h"
#include "sidecar/loop/loop.h"

enum { LINE_BYTES = 4096 };

struct program_log {
    char *path; /* NULL: the standard error, or a file that was taken */
    int fd;
    bool is_shared;
    int channel; /* to the parent; -1: there is none */
    _Atomic int level;
};

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

struct program_log *program_log_open(const char *path, enum log_level level)
{
    bool is_file = path != NULL && strcmp(path, "/dev/stderr") != 0;
    int fd = is_file ? open_file(path) : STDERR_FILENO;
    if (fd < 0)
        return NULL;
    struct program_log *log = must_alloc(sizeof(*log));
    log->path = is_file ? must_strdup(path) : NULL;
    log->fd = fd;
    log->level = (int)level;
    return log;
}

void program_log_close(struct program_log *log)
{
    if (log == NULL)
        return;
    if (log->is_shared)
        say_to(STDERR_FILENO);
    if (log->fd != STDERR_FILENO)
        close(log->fd);
    free(log->path);
    free(log);
}

union rights {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

static void share(const struct program_log *log)
{
    char byte = 0;
    struct iovec part = {&byte, 1};
    union rights control = {{0}};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (!log->is_shared || log->channel < 0)
        return;
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof log->fd);
    memcpy(CMSG_DATA(rights), &log->fd, sizeof log->fd);
    if (sendmsg(log->channel, &message, MSG_NOSIGNAL) < 0)
        errno = 0; /* the parent goes on with the file that it has */
}

/* The descriptor keeps its number, so that a thread that is writing never meets a closed one. */
void program_log_reopen(struct program_log *log)
{
    if (log->path == NULL)
        return;
    int fd = open_file(log->path);
    if (fd < 0)
        return;
    dup3(fd, log->fd, O_CLOEXEC);
    close(fd);
    share(log);
}

bool program_log_is_file(const struct program_log *log)
{
    return log->path != NULL;
}

/* ---- with the parent ---- */

void program_log_share(struct program_log *log, int channel)
{
    log->is_shared = log->path != NULL;
    log->channel = channel;
    say_to(log->fd);
    share(log);
}

bool program_log_channel(int *parents_end, int *childs_end)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return false;
    *parents_end = ends[0];
    *childs_end = ends[1];
    return true;
}

/* 1: there was one; 0: the end; else there is none now. */
static ssize_t take(struct program_log *log, int channel)
{
    union rights control;
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *rights = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (rights == NULL || rights->cmsg_type != SCM_RIGHTS)
        return got;
    if (log->fd != STDERR_FILENO)
        close(log->fd);
    memcpy(&log->fd, CMSG_DATA(rights), sizeof log->fd);
    return got;
}

bool program_log_take(struct program_log *log, int channel)
{
    ssize_t got;
    while ((got = take(log, channel)) == 1) {
    }
    return got != 0;
}

/* ---- lines ---- */

void program_log_set_level(struct program_log *log, enum log_level level)
{
    atomic_store_explicit(&log->level, (int)level, memory_order_relaxed);
}

static size_t head_write(char line[LINE_BYTES], enum log_level level)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    timestamp_write(line, clock_system()->wall_us(clock_system()->context));
    return TIMESTAMP_LENGTH + (size_t)snprintf(line + TIMESTAMP_LENGTH,
                                               LINE_BYTES - TIMESTAMP_LENGTH,
                                               " %s: ", names[level]);
}

/* Appends as far as there is room for it and the line's end, up to `stop` or the end of the text,
 * which is answered. */
static const char *row_write(char line[LINE_BYTES], size_t *len, const char *text, char stop)
{
    char bytes[4];
    bool fits = true;
    for (; *text != '\0' && *text != stop; text++) {
        size_t count = visible_write(bytes, *text);
        fits = fits && *len + count + 1 <= LINE_BYTES;
        if (!fits)
            continue;
        memcpy(line + *len, count == 1 ? text : bytes, count);
        *len += count;
    }
    return text;
}

static bool is_wanted(const struct program_log *log, enum log_level level)
{
    return (int)level <= atomic_load_explicit(&log->level, memory_order_relaxed);
}

void program_log_say(struct program_log *log, enum log_level level, const char *format, ...)
{
    char line[LINE_BYTES], body[LINE_BYTES];
    if (!is_wanted(log, level))
        return;
    va_list arguments;
    va_start(arguments, format);
    /* the analyzer of clang 14 now and then misses the line above */
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    if (vsnprintf(body, sizeof body, format, arguments) < 0)
        body[0] = '\0';
    va_end(arguments);
    size_t len = head_write(line, level);
    row_write(line, &len, body, '\0');
    line[len++] = '\n';
    program_log_pass_on(log, line, len);
}

void program_log_say_text(struct program_log *log, enum log_level level, const char *heading,
                          const char *text)
{
    char lines[LINE_BYTES], line[LINE_BYTES];
    if (!is_wanted(log, level))
        return;
    int count = snprintf(line, sizeof line, "%s:", heading);
    size_t len = head_write(lines, level);
    must(count > 0);
    row_write(lines, &len, line, '\0');
    lines[len++] = '\n';
    while (*text != '\0') {
        size_t more = 0;
        text = row_write(line, &more, text, '\n');
        text += *text == '\n';
        line[more++] = '\n';
        if (len + more > LINE_BYTES) {
            program_log_pass_on(log, lines, len);
            len = 0;
        }
        memcpy(lines + len, line, more);
        len += more;
    }
    program_log_pass_on(log, lines, len);
}

/* Waiting for a pipe that nobody reads would stop the parent, and with it every signal. A pipe that
 * is ready takes PIPE_BUF bytes at once. */
void program_log_pass_on(struct program_log *log, const char *text, size_t len)
{
    struct pollfd room = {log->fd, POLLOUT, 0};
    if (poll(&room, 1, 0) <= 0 || write(log->fd, text, len) < 0)
        return; /* a log that cannot be written is no reason to stop serving */
}
