/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files into a buf. */
#include "sidecar/config/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 64 * 1024 };

/* Whom a file must be kept from. */
enum privacy { NO_MATTER, NOT_WRITTEN, MAYBE_SECRET, NOT_READ };

static bool wrong(char *why, size_t size, const char *text)
{
    snprintf(why, size, "%s", text);
    return false;
}

static bool world_says(char *why, size_t size)
{
    char text[128];
    /* GNU's: the text, in the buffer or not */
    return wrong(why, size, strerror_r(errno, text, sizeof text));
}

/* The descriptor is looked at, not the name: what is judged is what is read. */
static bool is_allowed(int fd, enum privacy privacy, bool *everybody, char *why, size_t size)
{
    struct stat file;
    if (fstat(fd, &file) != 0)
        return world_says(why, size);
    if (S_ISDIR(file.st_mode))
        return wrong(why, size, "it is a folder");
    *everybody = S_ISREG(file.st_mode) && (file.st_mode & S_IROTH) != 0;
    if (privacy == NOT_READ && *everybody)
        return wrong(why, size, "everybody may read it; take that right away (chmod o-rwx)");
    if (privacy != NO_MATTER && S_ISREG(file.st_mode) && (file.st_mode & S_IWOTH) != 0)
        return wrong(why, size, "everybody may write it; take that right away (chmod o-w)");
    return true;
}

/* As buf_room; where the bytes have to move, the place they come from is wiped. */
static char *secret_room(struct buf *to, size_t bytes)
{
    struct buf larger;
    if (to->at == NULL || to->size - to->len >= bytes)
        return buf_room(to, bytes);
    size_t doubled = to->size <= to->ceiling / 2 ? to->size * 2 : to->ceiling;
    buf_init(&larger, to->ceiling);
    if (buf_room(&larger, doubled > to->len + bytes ? doubled : to->len + bytes) == NULL)
        return NULL;
    buf_add(&larger, buf_span(to));
    explicit_bzero(to->at, to->size);
    buf_fini(to);
    *to = larger;
    return buf_room(to, bytes);
}

static bool read_all(int fd, bool is_secret, struct buf *to, char *why, size_t size)
{
    for (;;) {
        size_t rest = to->ceiling - to->len, next = rest < CHUNK_BYTES ? rest : CHUNK_BYTES;
        char *room = rest == 0 ? NULL : is_secret ? secret_room(to, next) : buf_room(to, next);
        if (room == NULL)
            return wrong(why, size, "it is too large");
        ssize_t got = read(fd, room, next);
        if (got == 0)
            return true;
        if (got < 0 && errno != EINTR)
            return world_says(why, size);
        if (got > 0)
            buf_grew(to, (size_t)got);
    }
}

static bool whole_file(const char *path, enum privacy privacy, struct buf *to, bool *everybody,
                       char *why, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return world_says(why, size);
    bool well = is_allowed(fd, privacy, everybody, why, size) &&
                read_all(fd, privacy >= MAYBE_SECRET, to, why, size);
    close(fd);
    return well;
}

bool private_file_read(const char *path, struct buf *to, char *why, size_t size)
{
    bool everybody;
    return whole_file(path, NOT_WRITTEN, to, &everybody, why, size);
}

bool secret_file_read(const char *path, struct buf *to, char *why, size_t size)
{
    bool everybody;
    return whole_file(path, NOT_READ, to, &everybody, why, size);
}

bool maybe_secret_file_read(const char *path, struct buf *to, bool *everybody, char *why,
                            size_t size)
{
    return whole_file(path, MAYBE_SECRET, to, everybody, why, size);
}

bool file_read(const char *path, struct buf *to, char *why, size_t size)
{
    bool everybody;
    return whole_file(path, NO_MATTER, to, &everybody, why, size);
}

bool input_read(const char *name, struct buf *to, char *why, size_t size)
{
    return strcmp(name, "-") == 0 ? read_all(STDIN_FILENO, false, to, why, size)
                                  : file_read(name, to, why, size);
}
