/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/state/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool state_file_path(char to[PATH_MAX], const char *folder, const char *name)
{
    int len = snprintf(to, PATH_MAX, "%s/%s", folder, name);
    if (len > 0 && len < PATH_MAX)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

int state_file_lock(const char *folder, const char *path)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return -1;
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)
                          : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int error = errno == EWOULDBLOCK ? EBUSY : errno;
    close(fd);
    errno = error;
    return -1;
}

bool state_file_write(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(fd, bytes.at, bytes.len);
        if (put < 0 && errno != EINTR)
            return false;
        bytes = span_from(bytes, put > 0 ? (size_t)put : 0);
    }
    return true;
}

int state_file_renew(const char *path, const char *beside, struct span text)
{
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    if (state_file_write(fd, text) && fdatasync(fd) == 0 && rename(beside, path) == 0)
        return fd;
    int error = errno;
    close(fd);
    unlink(beside);
    errno = error;
    return -1;
}
