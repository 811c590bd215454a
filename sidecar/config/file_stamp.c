/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/file_stamp.h"

#include <string.h>
#include <sys/stat.h>

static uint64_t nanoseconds(const struct timespec *at)
{
    return (uint64_t)at->tv_sec * UINT64_C(1000000000) + (uint64_t)at->tv_nsec;
}

struct file_stamp file_stamp_of(const char *path)
{
    struct stat file;
    if (stat(path, &file) != 0)
        return (struct file_stamp){0};
    return (struct file_stamp){file.st_dev, file.st_ino, (uint64_t)file.st_size,
                               nanoseconds(&file.st_mtim), nanoseconds(&file.st_ctim)};
}

bool file_stamp_is(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->inode != 0 && memcmp(a, b, sizeof *a) == 0;
}
