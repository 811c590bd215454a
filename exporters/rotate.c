/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#include "exporters/say.h"
#include "exporters/thread.h"
#include "rules/base/must.h"

enum { NAME_MOST = 4096, PIECE_BYTES = 64 * 1024 };

/* Shared with the thread that compresses; the last one frees. */
struct job {
    char from[NAME_MOST];
    atomic_bool done, stop;
    atomic_uint users;
};

struct rotator {
    struct job *job; /* NULL: nothing has been compressed yet */
    pthread_t thread;
    char renamed[NAME_MOST]; /* what is not closed yet, by its new name; "": none */
};

struct rotator *rotator_new(void)
{
    return must_alloc(sizeof(struct rotator));
}

static void job_leave(struct job *job)
{
    if (atomic_fetch_sub(&job->users, 1) == 1)
        free(job);
}

/* False: still at it after the deadline, or hanging. */
static bool end_job(struct rotator *rotator, uint64_t deadline_us)
{
    if (rotator->job == NULL)
        return true;
    bool ended = thread_join(rotator->thread, deadline_us);
    job_leave(rotator->job);
    rotator->job = NULL;
    return ended;
}

void rotator_free(struct rotator *rotator, uint64_t deadline_us)
{
    if (rotator->job != NULL)
        atomic_store(&rotator->job->stop, true);
    end_job(rotator, deadline_us);
    free(rotator);
}

/* ---- when ---- */

static uint64_t seconds_to_us(int64_t s, uint32_t ns)
{
    return s > 0 ? (uint64_t)s * 1000000 + ns / 1000 : 0;
}

uint64_t rotation_room(const struct rotation *rotation, int fd)
{
    struct statx status;
    struct timespec now;
    if (rotation->most_bytes == 0 && rotation->most_age_us == 0)
        return UINT64_MAX;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_SIZE | STATX_BTIME | STATX_CTIME, &status) != 0 ||
        status.stx_size == 0)
        return rotation->most_bytes > 0 ? rotation->most_bytes : UINT64_MAX;
    clock_gettime(CLOCK_REALTIME, &now);
    bool has_birth = (status.stx_mask & STATX_BTIME) != 0; /* else the age of its last change */
    uint64_t born = has_birth ? seconds_to_us(status.stx_btime.tv_sec, status.stx_btime.tv_nsec)
                              : seconds_to_us(status.stx_ctime.tv_sec, status.stx_ctime.tv_nsec);
    uint64_t wall = seconds_to_us(now.tv_sec, (uint32_t)now.tv_nsec);
    if (rotation->most_age_us > 0 && wall > born && wall - born >= rotation->most_age_us)
        return 0;
    if (rotation->most_bytes == 0)
        return UINT64_MAX;
    return status.stx_size < rotation->most_bytes ? rotation->most_bytes - status.stx_size : 0;
}

/* ---- compressing ---- */

/* False: errno. */
static bool pack(struct job *job, int from, gzFile to)
{
    char piece[PIECE_BYTES];
    ssize_t n;
    while ((n = read(from, piece, sizeof piece)) > 0) {
        if (atomic_load(&job->stop)) {
            errno = 0;
            return false;
        }
        if (gzwrite(to, piece, (unsigned)n) != n)
            return false;
    }
    return n == 0;
}

static bool compress_file(struct job *job)
{
    char name[NAME_MOST + 8], part[NAME_MOST + 16];
    struct stat status;
    snprintf(name, sizeof name, "%s.gz", job->from);
    snprintf(part, sizeof part, "%s.part", name);
    int from = open(job->from, O_RDONLY | O_CLOEXEC);
    int to = from >= 0 && fstat(from, &status) == 0
                 ? open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, status.st_mode & 0777)
                 : -1;
    gzFile packed = to >= 0 ? gzdopen(to, "wb") : NULL;
    bool well = packed != NULL && pack(job, from, packed);
    int error = errno;
    if (packed != NULL && gzclose(packed) != Z_OK && well) {
        well = false;
        error = errno;
    } else if (packed == NULL && to >= 0) {
        close(to);
    }
    well = well && rename(part, name) == 0 && unlink(job->from) == 0;
    if (!well && to >= 0)
        unlink(part);
    if (from >= 0)
        close(from);
    errno = error;
    return well;
}

static void *job_run(void *context)
{
    struct job *job = context;
    char text[128];
    if (!compress_file(job) && !atomic_load(&job->stop))
        say("%s: not compressed: %s", job->from, strerror_r(errno, text, sizeof text));
    atomic_store(&job->done, true);
    job_leave(job);
    return NULL;
}

static void compress_begin(struct rotator *rotator, const char *name)
{
    struct job *job = must_alloc(sizeof *job);
    snprintf(job->from, sizeof job->from, "%s", name);
    atomic_store(&job->users, 2);
    if (thread_start(&rotator->thread, job_run, job))
        rotator->job = job;
    else
        free(job);
}

/* ---- renaming ---- */

static const char *const suffixes[] = {"", ".gz"};
enum { SUFFIXES = sizeof suffixes / sizeof *suffixes };

static void name_make(char name[NAME_MOST + 16], const char *path, unsigned number, unsigned suffix)
{
    snprintf(name, NAME_MOST + 16, "%s.%u%s", path, number, suffixes[suffix]);
}

static bool is_there(const char *path, unsigned number)
{
    char name[NAME_MOST + 16];
    bool any = false;
    for (unsigned i = 0; i < SUFFIXES; i++) {
        name_make(name, path, number, i);
        any |= access(name, F_OK) == 0;
    }
    return any;
}

/* Makes room at 1. */
static bool shift(const char *path, unsigned keep)
{
    char from[NAME_MOST + 16], to[NAME_MOST + 16];
    unsigned last = 0;
    while (is_there(path, last + 1))
        last++;
    for (unsigned number = last; number > 0; number--) {
        for (unsigned i = 0; i < SUFFIXES; i++) {
            name_make(from, path, number, i);
            name_make(to, path, number + 1, i);
            int failed = number >= keep ? unlink(from) : rename(from, to);
            if (failed != 0 && errno != ENOENT)
                return false;
        }
    }
    return true;
}

static bool is_named(const char *path, int fd)
{
    struct stat mine, named;
    return fstat(fd, &mine) == 0 && stat(path, &named) == 0 && mine.st_ino == named.st_ino &&
           mine.st_dev == named.st_dev;
}

enum rotated rotator_turn(struct rotator *rotator, const struct rotation *rotation,
                          const char *path, int fd)
{
    char to[NAME_MOST + 16];
    if (rotator->job != NULL && !atomic_load(&rotator->job->done))
        return ROTATED_LATER;
    end_job(rotator, 0);
    if (!is_named(path, fd)) /* somebody else has done it */
        return ROTATED;
    if (strlen(path) >= NAME_MOST - 16) {
        errno = ENAMETOOLONG;
        return ROTATED_NOT;
    }
    name_make(to, path, 1, 0);
    if (!shift(path, rotation->keep) || rename(path, to) != 0)
        return ROTATED_NOT;
    snprintf(rotator->renamed, sizeof rotator->renamed, "%s.1", path);
    return ROTATED;
}

void rotator_go_on(struct rotator *rotator, const struct rotation *rotation)
{
    if (rotation->compress && rotator->renamed[0] != '\0')
        compress_begin(rotator, rotator->renamed);
    rotator->renamed[0] = '\0';
}
