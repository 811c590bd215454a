/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/state_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "rules/base/number.h"
#include "rules/base/span.h"

enum { PID_BYTES = 32 };

/* A file of another user's can be locked, though not be written to. */
static int open_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    return fd >= 0 || errno != EACCES ? fd : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* 0: it does not say. */
static uint64_t pid_in(int fd)
{
    char text[PID_BYTES];
    ssize_t got = pread(fd, text, sizeof text, 0);
    uint64_t pid = 0;
    struct span digits = span_trim(span_make(text, got > 0 ? (size_t)got : 0), "\n");
    return number_parse(digits, &pid) ? pid : 0;
}

static void write_pid(int fd, int pid)
{
    char text[PID_BYTES];
    int len = snprintf(text, sizeof text, "%d\n", pid);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len)
        errno = 0; /* the lock holds without it */
}

enum state_locked state_lock(const char *folder, int pid, int *fd, char *why, size_t size)
{
    char path[PATH_MAX];
    *fd = -1;
    if (snprintf(path, sizeof path, "%s/lock", folder) < (int)sizeof path)
        *fd = open_file(path);
    if (*fd >= 0 && flock(*fd, LOCK_EX | LOCK_NB) == 0) {
        write_pid(*fd, pid);
        return STATE_LOCKED;
    }
    bool is_taken = *fd >= 0 && errno == EWOULDBLOCK;
    uint64_t other = is_taken ? pid_in(*fd) : 0;
    if (!is_taken)
        snprintf(why, size, "state_dir %s cannot be locked: %s", folder, strerrordesc_np(errno));
    else if (other == 0)
        snprintf(why, size, "state_dir %s is in use by another process", folder);
    else
        snprintf(why, size, "state_dir %s is in use by process %llu", folder,
                 (unsigned long long)other);
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return is_taken ? STATE_TAKEN : STATE_UNLOCKED;
}
