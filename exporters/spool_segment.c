/* SPDX-License-Identifier: Apache-2.0 */
/* Segments. Files are opened for each look at them: a window is large and looks are few. */
#include "exporters/spool_segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "rules/base/number.h"

enum { WINDOW_BYTES = 1024 * 1024 };
_Static_assert((int)WINDOW_BYTES >= (int)FRAME_MOST_BYTES, "a window holds any frame");

/* ---- names ---- */

void segment_name(const struct segment *segment, char name[SEGMENT_NAME_BYTES])
{
    snprintf(name, SEGMENT_NAME_BYTES, "%016llx-%08x.spool", (unsigned long long)segment->named,
             segment->salt);
}

static bool name_read(const char *name, struct segment *segment)
{
    struct span text = span_text(name);
    uint64_t named, salt;
    if (text.len != 31 || text.at[16] != '-' || !span_ends(text, SPAN(".spool")) ||
        !number_parse_hex(span_first(text, 16), &named) ||
        !number_parse_hex(span_make(text.at + 17, 8), &salt))
        return false;
    *segment = (struct segment){.named = named, .salt = (uint32_t)salt};
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct segment *one = a, *other = b;
    if (one->named != other->named)
        return one->named < other->named ? -1 : 1;
    return (one->salt > other->salt) - (one->salt < other->salt);
}

struct segment *segments_list(int folder, size_t *count)
{
    size_t room = 16, found = 0;
    struct segment *list = must_alloc(room * sizeof *list);
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (entries == NULL && fd >= 0)
        close(fd);
    int error = entries == NULL ? errno : 0;
    for (struct dirent *entry; entries != NULL;) {
        errno = 0;
        entry = readdir(entries); // NOLINT(concurrency-mt-unsafe): nobody else has this one
        error = errno;
        if (entry == NULL)
            break;
        if (found == room)
            list = must_realloc(list, (room *= 2) * sizeof *list);
        if (name_read(entry->d_name, &list[found]))
            found++;
    }
    if (entries != NULL)
        closedir(entries);
    if (error != 0) {
        free(list);
        errno = error;
        return NULL;
    }
    qsort(list, found, sizeof *list, by_name);
    *count = found;
    return list;
}

/* ---- reading ---- */

void window_fini(struct window *window)
{
    free(window->bytes);
    window->bytes = NULL;
    window->len = 0;
}

static int segment_open(int folder, const struct segment *segment, int flags)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(segment, name);
    return openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW);
}

/* What became of a file that is gone, or no file of ours, is known. */
static int error_of_open(void)
{
    return errno == ENOENT || errno == ELOOP ? 0 : errno;
}

/* False: not one byte could be read. */
static bool window_fill(int folder, struct window *window, const struct segment *segment,
                        uint64_t offset)
{
    window->len = 0;
    window->error = 0;
    if (offset >= segment->bytes)
        return false;
    if (window->bytes == NULL)
        window->bytes = must_alloc(WINDOW_BYTES);
    int fd = segment_open(folder, segment, O_RDONLY);
    if (fd < 0) {
        window->error = error_of_open();
        return false;
    }
    uint64_t rest = segment->bytes - offset;
    size_t wanted = rest < WINDOW_BYTES ? (size_t)rest : WINDOW_BYTES;
    while (window->len < wanted) {
        ssize_t n = pread(fd, window->bytes + window->len, wanted - window->len,
                          (off_t)(offset + window->len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            window->error = errno;
        if (n <= 0)
            break;
        window->len += (size_t)n;
    }
    close(fd);
    window->named = segment->named;
    window->offset = offset;
    return window->len > 0;
}

static struct span window_from(const struct window *window, const struct segment *segment,
                               uint64_t offset)
{
    if (window->bytes == NULL || window->named != segment->named || offset < window->offset ||
        offset >= window->offset + window->len)
        return span_make("", 0);
    return span_from(span_make(window->bytes, window->len), (size_t)(offset - window->offset));
}

enum frame_found segment_read(int folder, struct window *window, const struct segment *segment,
                              uint64_t offset, struct frame *frame, size_t *used)
{
    enum frame_found found = FRAME_MORE;
    *used = 0;
    struct span bytes = window_from(window, segment, offset);
    if (bytes.len > 0)
        found = frame_next(bytes, offset + bytes.len == segment->bytes, segment->salt, frame, used);
    if (found != FRAME_MORE)
        return found;
    if (!window_fill(folder, window, segment, offset))
        return FRAME_END;
    bytes = window_from(window, segment, offset);
    bool is_end = offset + bytes.len == segment->bytes || bytes.len < WINDOW_BYTES;
    return frame_next(bytes, is_end, segment->salt, frame, used);
}

/* ---- looking ---- */

/* `*error` as the window's. */
static bool head_read(int folder, const struct segment *segment, char *bytes, size_t size,
                      struct segment_head *head, int *error)
{
    int fd = segment_open(folder, segment, O_RDONLY);
    *error = fd < 0 ? error_of_open() : 0;
    if (fd < 0)
        return false;
    ssize_t n = pread(fd, bytes, size, 0);
    if (n < 0)
        *error = errno;
    close(fd);
    return n > 0 && segment_head_read(span_make(bytes, (size_t)n), segment->salt, head) &&
           head->first.sequence == segment->named;
}

bool segment_preamble(int folder, const struct segment *segment, struct buf *to)
{
    enum { SIZE = SEGMENT_HEAD_BYTES + FRAME_PREAMBLE_BYTES };
    struct segment_head head;
    int error;
    char *bytes = must_alloc(SIZE);
    buf_clear(to);
    if (head_read(folder, segment, bytes, SIZE, &head, &error))
        buf_add(to, head.preamble);
    free(bytes);
    return error == 0;
}

/* The head is broken: the first frame says what it would have said. */
static bool look_at_frames(int folder, struct window *window, struct segment *segment)
{
    struct frame frame;
    size_t used;
    for (uint64_t offset = 0;; offset += used) {
        switch (segment_read(folder, window, segment, offset, &frame, &used)) {
        case FRAME_WHOLE:
            segment->first = frame.at;
            segment->began_us = frame.when_us;
            return true;
        case FRAME_SKIPPED:
            if (frame.at.sequence > 0) {
                segment->first = frame.at;
                return true;
            }
            break;
        case FRAME_MORE:
        case FRAME_END: return false;
        }
    }
}

enum segment_looked segment_look(int folder, struct window *window, struct segment *segment)
{
    enum { SIZE = SEGMENT_HEAD_BYTES + FRAME_PREAMBLE_BYTES };
    struct segment_head head;
    struct stat status;
    char name[SEGMENT_NAME_BYTES];
    segment_name(segment, name);
    window->error = 0;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        window->error = error_of_open();
    else if (S_ISREG(status.st_mode))
        segment->bytes = (uint64_t)status.st_size;
    if (segment->bytes == 0)
        return window->error != 0 ? SEGMENT_SHUT : SEGMENT_BROKEN;
    char *bytes = must_alloc(SIZE);
    bool sound = head_read(folder, segment, bytes, SIZE, &head, &window->error);
    free(bytes);
    if (sound) {
        segment->first = head.first;
        segment->began_us = head.began_us;
        return SEGMENT_SOUND;
    }
    if (window->error == 0 && look_at_frames(folder, window, segment))
        return SEGMENT_SOUND;
    return window->error != 0 ? SEGMENT_SHUT : SEGMENT_BROKEN;
}

bool segment_end(int folder, struct window *window, struct segment *segment,
                 struct spool_position *to)
{
    struct spool_position end = segment->first;
    uint64_t offset = 0, whole = 0;
    struct frame frame;
    size_t used;
    bool more = true;
    window->error = 0;
    while (more) {
        enum frame_found found = segment_read(folder, window, segment, offset, &frame, &used);
        if (window->error != 0)
            return false;
        offset += used;
        more = found == FRAME_WHOLE || found == FRAME_SKIPPED;
        if (!more || frame.at.sequence + (found == FRAME_WHOLE) <= end.sequence)
            continue;
        whole = offset;
        end = frame.at;
        if (found == FRAME_WHOLE) {
            end = (struct spool_position){frame.at.sequence + 1, frame.at.units + frame.units};
            segment->newest_us = frame.when_us;
        }
    }
    *to = end;
    int fd = whole < segment->bytes ? segment_open(folder, segment, O_WRONLY) : -1;
    if (fd >= 0 && ftruncate(fd, (off_t)whole) == 0) {
        segment->torn_bytes = segment->bytes - whole;
        segment->bytes = whole;
        window->len = 0;
    }
    if (fd >= 0)
        close(fd);
    return true;
}
