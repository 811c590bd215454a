/* SPDX-License-Identifier: Apache-2.0 */
/*  closed --write anew--> open --append--> open
 *    ^                      |
 *    '------ a failure -----'        (and what is written anew is all that is known, not what
 * changed) */
#include "sidecar/usage_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "exporters/thread.h"
#include "rules/base/must.h"
#include "sidecar/config/settings.h"
#include "sidecar/program_log.h"
#include "sidecar/state/state_file.h"
#include "sidecar/state/usage_lines.h"

enum {
    PAUSE_MS = 500,
    READ_BYTES = 64 * 1024,
    WRITE_BYTES = 1 << 30,    /* of all that is written at once */
    FLUSH_BYTES = 256 * 1024, /* of a file that is written anew, at once */
    GROWTH_BYTES = 1 << 20,   /* beyond twice what it was: then it is written anew */
    ENTRIES_MOST = 1 << 20,
};

struct usage_file {
    struct quotas *quotas;
    struct program_log *log;
    char path[PATH_MAX], new_path[PATH_MAX], broken_path[PATH_MAX], folder[PATH_MAX];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ends;
    /* the thread's own: */
    int lock_fd;  /* the folder, locked; -1: not yet, and nothing was read */
    int fd;       /* -1: it has to be written anew */
    bool fails;   /* said already */
    size_t size;  /* of the file */
    size_t first; /* what it was when it was written anew */
    _Atomic uint64_t lines, failures, broken;
};

/* ---- reading ---- */

static void take_line(struct span line, struct quotas *quotas, struct usage_read *result)
{
    struct quota_row row;
    if (usage_line_read(line, &row)) {
        quotas_restore(quotas, &row);
        result->lines++;
    } else if (!span_is(line, USAGE_HEAD)) {
        result->broken++;
    }
}

/* The lines of the buffer that are whole; what is left of the last one is moved to the front. A
 * line longer than any of ours is broken, whatever stands in it. */
static void take_lines(struct buf *text, struct quotas *quotas, struct usage_read *result)
{
    struct span rest = buf_span(text);
    size_t end;
    while ((end = span_find_byte(rest, '\n')) != SPAN_NONE) {
        take_line(span_first(rest, end), quotas, result);
        rest = span_from(rest, end + 1);
    }
    buf_drop(text, text->len - rest.len);
    if (text->len > USAGE_LINE_MOST) {
        result->broken++;
        buf_clear(text);
    }
}

static void read_all(int fd, struct quotas *quotas, struct usage_read *result)
{
    struct buf text;
    buf_init(&text, READ_BYTES + USAGE_LINE_MOST);
    for (;;) {
        char *room = buf_room(&text, READ_BYTES);
        must(room != NULL);
        ssize_t got = read(fd, room, READ_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            result->error = errno;
        if (got <= 0)
            break;
        buf_grew(&text, (size_t)got);
        take_lines(&text, quotas, result);
    }
    buf_fini(&text);
}

static struct usage_read read_path(const char *path, struct quotas *quotas)
{
    struct usage_read result = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    result.is_there = fd >= 0 || errno != ENOENT;
    if (fd < 0) {
        result.error = result.is_there ? errno : 0;
        return result;
    }
    read_all(fd, quotas, &result);
    close(fd);
    return result;
}

struct usage_read usage_file_read(const char *folder, struct quotas *quotas)
{
    char path[PATH_MAX];
    if (!state_file_path(path, folder, "usage.log"))
        return (struct usage_read){.is_there = true, .error = ENAMETOOLONG};
    return read_path(path, quotas);
}

/* ---- writing ---- */

static void add_row(void *to, const struct quota_row *row)
{
    usage_line_add(to, row);
}

static size_t count_lines(struct span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == '\n';
    return count;
}

/* Somebody else who writes there is waited for: two would undo each other's work. */
static bool take_folder(struct usage_file *file)
{
    if (file->lock_fd < 0)
        file->lock_fd = state_file_lock(file->folder, NULL);
    return file->lock_fd >= 0;
}

static bool write_anew(struct usage_file *file, struct quotas *from)
{
    struct buf text;
    buf_init(&text, WRITE_BYTES);
    buf_add(&text, USAGE_HEAD);
    buf_add_byte(&text, '\n');
    quotas_collect(from, true, add_row, &text);
    int fd = state_file_renew(file->path, file->new_path, buf_span(&text));
    if (fd >= 0) {
        fsync(file->lock_fd); /* the folder: so that the name lasts, too */
        if (file->fd >= 0)
            close(file->fd);
        file->fd = fd;
        file->first = file->size = text.len;
        atomic_fetch_add(&file->lines, count_lines(buf_span(&text)) - 1);
    }
    buf_fini(&text);
    return fd >= 0;
}

/* What the file says is all that was handed out: nobody's lock is held for it. */
static void shrink(struct usage_file *file)
{
    struct quotas *copy = quotas_new(ENTRIES_MOST);
    struct usage_read result = read_path(file->path, copy);
    if (result.error == 0 && result.is_there && write_anew(file, copy))
        file->fails = false;
    else
        file->first = file->size; /* tried again when it has doubled */
    quotas_free(copy);
}

static bool is_gone(const struct usage_file *file)
{
    struct stat known, there;
    return fstat(file->fd, &known) != 0 || stat(file->path, &there) != 0 ||
           known.st_ino != there.st_ino || known.st_dev != there.st_dev;
}

static bool append(struct usage_file *file)
{
    struct buf text;
    buf_init(&text, WRITE_BYTES);
    quotas_collect(file->quotas, false, add_row, &text);
    bool well = !buf_is_full(&text) && state_file_write(file->fd, buf_span(&text));
    if (well) {
        file->size += text.len;
        atomic_fetch_add(&file->lines, count_lines(buf_span(&text)));
    }
    buf_fini(&text);
    return well;
}

static void give_up(struct usage_file *file)
{
    int error = errno;
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    atomic_fetch_add(&file->failures, 1);
    if (!file->fails)
        program_log_say(file->log, LOG_ERROR,
                        "usage of API keys is not kept: cannot write %s: %s; it is tried again",
                        file->path, strerrordesc_np(error));
    file->fails = true;
}

static void join_row(void *to, const struct quota_row *row)
{
    quotas_join(to, row);
}

/* What could be read is in memory, and is written anew: what could not is kept for people. Requests
 * that were counted before the folder was ours count besides. */
static void look(struct usage_file *file)
{
    struct quotas *there = quotas_new(ENTRIES_MOST);
    struct usage_read result = read_path(file->path, there);
    quotas_collect(there, true, join_row, file->quotas);
    quotas_free(there);
    if (result.error != 0)
        program_log_say(file->log, LOG_ERROR, "usage of API keys begins anew: cannot read %s: %s",
                        file->path, strerrordesc_np(result.error));
    if (result.broken == 0 && result.error == 0)
        return;
    atomic_store(&file->broken, result.broken);
    bool aside = rename(file->path, file->broken_path) == 0;
    program_log_say(file->log, LOG_ERROR,
                    "%zu lines of %s are broken and %zu good; the file is put aside as %s%s",
                    result.broken, file->path, result.lines, file->broken_path,
                    aside ? "" : " (which failed)");
}

/* Nothing is read that somebody else may still write. */
static bool begin(struct usage_file *file)
{
    bool is_ours = file->lock_fd >= 0;
    if (!take_folder(file))
        return false;
    if (!is_ours)
        look(file);
    return true;
}

static void turn(struct usage_file *file)
{
    if (file->fd >= 0 && is_gone(file)) {
        close(file->fd);
        file->fd = -1;
    }
    bool opens = file->fd < 0;
    bool well = opens ? begin(file) && write_anew(file, file->quotas) : append(file);
    if (!well) {
        give_up(file);
        return;
    }
    if (file->fails)
        program_log_say(file->log, LOG_INFO, "usage of API keys is kept again in %s", file->path);
    file->fails = false;
    if (file->size > 2 * file->first + GROWTH_BYTES)
        shrink(file);
}

static void *run(void *context)
{
    struct usage_file *file = context;
    pthread_mutex_lock(&file->lock);
    while (!file->ends) {
        struct timespec until;
        pthread_mutex_unlock(&file->lock);
        turn(file);
        pthread_mutex_lock(&file->lock);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += PAUSE_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        while (!file->ends &&
               pthread_cond_timedwait(&file->wake, &file->lock, &until) != ETIMEDOUT) {
        }
    }
    pthread_mutex_unlock(&file->lock);
    turn(file);
    return NULL;
}

/* ---- life ---- */

static void free_file(struct usage_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->lock_fd >= 0)
        close(file->lock_fd);
    pthread_cond_destroy(&file->wake);
    pthread_mutex_destroy(&file->lock);
    free(file);
}

static bool make_paths(struct usage_file *file, const char *folder)
{
    return snprintf(file->folder, PATH_MAX, "%s", folder) < PATH_MAX &&
           state_file_path(file->path, folder, "usage.log") &&
           state_file_path(file->new_path, folder, "usage.log.new") &&
           state_file_path(file->broken_path, folder, "usage.log.broken");
}

struct usage_file *usage_file_start(const char *folder, struct quotas *quotas,
                                    struct program_log *log)
{
    struct usage_file *file = must_alloc(sizeof *file);
    pthread_condattr_t monotonic;
    file->quotas = quotas;
    file->log = log;
    file->fd = file->lock_fd = -1;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    must(pthread_mutex_init(&file->lock, NULL) == 0);
    must(pthread_cond_init(&file->wake, &monotonic) == 0);
    pthread_condattr_destroy(&monotonic);
    if (make_paths(file, folder)) {
        if (!begin(file)) /* what was used is known before the first request */
            give_up(file);
        if (thread_start(&file->thread, run, file))
            return file;
    }
    free_file(file);
    return NULL;
}

bool usage_file_stop(struct usage_file *file, uint64_t deadline_us)
{
    if (file == NULL)
        return true;
    pthread_mutex_lock(&file->lock);
    file->ends = true;
    pthread_cond_signal(&file->wake);
    pthread_mutex_unlock(&file->lock);
    bool ended = thread_join(file->thread, deadline_us);
    if (ended)
        free_file(file);
    return ended;
}

struct usage_figures usage_file_figures(const struct usage_file *file)
{
    return (struct usage_figures){atomic_load(&file->lines), atomic_load(&file->failures),
                                  atomic_load(&file->broken)};
}

void usage_plans_know(struct quotas *quotas, const struct settings *settings, uint64_t wall_us)
{
    for (size_t i = 0; i < settings->usage_plan_count; i++)
        quotas_know(quotas, settings->usage_plans[i].name, wall_us / 1000000);
}
