/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files on disk. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>

#include "rules/language/ruleset.h"

enum { READ_BYTES = 64 << 10 };

static bool say_errno(char *why, size_t size)
{
    char text[128];
    (void)snprintf(why, size, "%s", strerror_r(errno, text, sizeof text));
    return false;
}

/* False: it is too long, or reading failed. */
static bool read_all(FILE *file, struct buf *to, char *why, size_t size)
{
    for (;;) {
        char *room = buf_room(to, READ_BYTES);
        if (room == NULL) {
            (void)snprintf(why, size, "longer than %zu bytes", to->ceiling);
            return false;
        }
        size_t got = fread(room, 1, READ_BYTES, file);
        buf_grew(to, got);
        if (got < READ_BYTES)
            return ferror(file) == 0 || say_errno(why, size);
    }
}

static bool disk_read(void *context, const char *path, struct buf *to, char *why, size_t size)
{
    (void)context;
    struct stat about;
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return say_errno(why, size);
    bool well = fstat(fileno(file), &about) == 0 && !S_ISDIR(about.st_mode);
    if (!well)
        (void)snprintf(why, size, "a folder, not a file");
    well = well && read_all(file, to, why, size);
    (void)fclose(file);
    return well;
}

static size_t disk_glob(void *context, const char *pattern, void (*found)(void *to, const char *),
                        void *to)
{
    (void)context;
    glob_t paths = {0};
    size_t count = 0;
    /* Sorted. Only the flags that look up users, not given, make it unsafe among threads. */
    if (glob(pattern, 0, NULL, &paths) == 0) /* NOLINT(concurrency-mt-unsafe) */
        for (; count < paths.gl_pathc; count++)
            found(to, paths.gl_pathv[count]);
    globfree(&paths);
    return count;
}

const struct ruleset_source *ruleset_disk(void)
{
    static const struct ruleset_source disk = {disk_read, disk_glob, NULL};
    return &disk;
}
