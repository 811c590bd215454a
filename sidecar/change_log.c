/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/change_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rules/base/buf.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/change_chain.h"
#include "sidecar/http/date.h"

enum { TAIL_BYTES = 2 * CHAIN_LINE_MOST, VALUE_BYTES = 64 * 1024, TEXT_BYTES = 4096, NAME = 1024 };
enum { TRY_NS = 5000000, LOOP_TRIES = 20, COMMAND_TRIES = 1000 };

/* ---- a record ---- */

static void add_text(struct buf *to, const char *key, struct span text)
{
    buf_format(to, ",\"%s\":", key);
    json_add_string(to, span_first(text, TEXT_BYTES));
}

static void add_value(struct buf *to, const char *key, struct span json)
{
    buf_format(to, ",\"%s\":", key);
    if (json.at == NULL)
        buf_add(to, SPAN("null"));
    else if (json.len > VALUE_BYTES)
        buf_format(to, "{\"omitted_bytes\":%zu}", json.len);
    else
        buf_add(to, json);
}

static void add_user(struct buf *to, unsigned uid)
{
    struct passwd entry, *found = NULL;
    char text[NAME];
    buf_format(to, ",\"uid\":%u", uid);
    if (getpwuid_r(uid, &entry, text, sizeof text, &found) == 0 && found != NULL)
        add_text(to, "user", span_text(entry.pw_name));
}

static void add_who(struct buf *to, const struct change_who *who)
{
    static const char *const ways[] = {"admin", "signal", "command"};
    buf_format(to, ",\"who\":{\"by\":\"%s\"", ways[who->way]);
    switch (who->way) {
    case CHANGE_BY_ADMIN:
        add_text(to, "address", who->address);
        buf_format(to, ",\"token\":%s", who->has_token ? "true" : "false");
        if (who->says.len > 0)
            add_text(to, "says", who->says);
        break;
    case CHANGE_BY_SIGNAL:
        if (!who->is_known)
            break;
        add_user(to, who->uid);
        buf_format(to, ",\"pid\":%d", who->pid);
        break;
    case CHANGE_BY_COMMAND: add_user(to, who->uid); break;
    }
    buf_add_byte(to, '}');
}

static void record_add(struct buf *to, const struct change *change, const struct chain_end *end)
{
    char time[TIMESTAMP_LENGTH], hash[CHAIN_HASH];
    if (end->needs_line_feed)
        buf_add_byte(to, '\n');
    size_t start = to->len;
    buf_format(to, "{\"sequence\":%llu,\"previous\":\"%.*s\"",
               (unsigned long long)end->sequence + 1, CHAIN_HASH, end->hash);
    if (end->is_torn)
        buf_format(to, ",\"torn\":\"%.*s\"", CHAIN_HASH, end->torn);
    timestamp_write(time, change->wall_us);
    add_text(to, "time", span_make(time, TIMESTAMP_LENGTH));
    add_text(to, "event", span_text(change->event));
    add_who(to, &change->who);
    add_text(to, "what", change->what);
    add_value(to, "before", change->before);
    add_value(to, "after", change->after);
    if (change->error != NULL) {
        add_text(to, "error", span_text(change->error));
        add_text(to, "message", change->message);
    }
    chain_hash(span_from(buf_span(to), start), hash);
    buf_format(to, ",\"hash\":\"%.*s\"}\n", CHAIN_HASH, hash);
}

/* ---- the file ---- */

static bool fail(char *why, size_t size, const char *path, const char *what)
{
    snprintf(why, size, "%s: %s", path, what);
    return false;
}

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

/* A shell that holds the lock must not hold the program up: its loop tries for 100 ms, a command
 * for 5 s. */
static bool lock(int fd, enum change_way way)
{
    const struct timespec pause = {.tv_nsec = TRY_NS};
    unsigned tries = way == CHANGE_BY_COMMAND ? COMMAND_TRIES : LOOP_TRIES;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || --tries == 0)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

static int open_file(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
}

static int open_locked(const char *path, enum change_way way)
{
    int fd = open_file(path);
    if (fd >= 0 && lock(fd, way))
        return fd;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

static bool is_one_line(struct span json)
{
    for (size_t i = 0; i < json.len; i++)
        if ((unsigned char)json.at[i] < ' ')
            return false;
    return true;
}

bool change_log_add(const char *path, const struct change *change, char *why, size_t size)
{
    struct stat status;
    struct chain_end end;
    struct buf line;
    if (!is_one_line(change->before))
        return fail(why, size, path, "before: a control character in it");
    if (!is_one_line(change->after))
        return fail(why, size, path, "after: a control character in it");
    int fd = open_locked(path, change->who.way);
    if (fd < 0)
        return fail(why, size, path,
                    errno == EWOULDBLOCK ? "somebody else has held it for too long"
                                         : strerrordesc_np(errno));
    buf_init(&line, CHAIN_LINE_MOST);
    bool well = fstat(fd, &status) == 0 && end_read(fd, (uint64_t)status.st_size, &end);
    if (!well) {
        fail(why, size, path, "no whole record stands at its end");
    } else {
        record_add(&line, change, &end);
        well = !buf_is_full(&line) && append(fd, status.st_size, buf_span(&line));
        if (!well)
            fail(why, size, path, buf_is_full(&line) ? "too long" : strerrordesc_np(errno));
    }
    buf_fini(&line);
    close(fd);
    return well;
}

bool change_log_open(const char *path, char *why, size_t size)
{
    int fd = open_file(path);
    if (fd < 0)
        return fail(why, size, path, strerrordesc_np(errno));
    close(fd);
    return true;
}
