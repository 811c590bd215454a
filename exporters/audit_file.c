/* SPDX-License-Identifier: Apache-2.0 */
/* item: NUL, length of the path with its NUL, length of the index's line, modes, the three texts.
 */
#include "exporters/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/rule_log.h"
#include "exporters/when.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/match/transformation.h"

enum {
    DIGEST_BYTES = 16,
    DIGEST_ARENA_BYTES = 64 * 1024,
    LINE_BYTES = 64 * 1024,
    FOLDER_MODE = 0750,
    FILE_MODE = 0640,
};

struct head {
    char mark; /* NUL */
    uint32_t path_bytes, line_bytes;
    struct audit_modes modes;
};

/* The id as part of a file's name: whatever it is, it leads nowhere else. */
static void add_file_name(struct buf *to, struct span id)
{
    for (size_t i = 0; i < id.len; i++) {
        bool plain = byte_is_alpha(id.at[i]) || byte_is_digit(id.at[i]) || id.at[i] == '-' ||
                     (id.at[i] == '.' && i > 0);
        buf_add(to, plain ? span_make(id.at + i, 1) : SPAN("_"));
    }
}

static void add_path(struct buf *to, const struct report *report, const char *storage)
{
    struct buf when;
    buf_init(&when, 64);
    when_add_digits(&when, report->began_wall_us);
    struct span digits = buf_span(&when);
    buf_add(to, span_text(storage));
    buf_add_byte(to, '/');
    buf_add(to, span_first(digits, 8)); /* the day */
    buf_add_byte(to, '/');
    buf_add(to, span_first(digits, 13)); /* the minute */
    buf_add_byte(to, '/');
    buf_add(to, digits);
    buf_add_byte(to, '-');
    add_file_name(to, span_first(report->request_id, 128));
    buf_fini(&when);
}

static void add_or_dash(struct buf *to, struct span text)
{
    if (text.len > 0)
        line_add_escaped(to, text);
    else
        buf_add_byte(to, '-');
}

static void add_digest(struct buf *to, struct span text)
{
    const struct transformation *md5 = transformation_find(SPAN("md5"));
    struct arena *arena = arena_new(NULL, DIGEST_ARENA_BYTES);
    must(md5 != NULL && arena != NULL);
    struct span digest = md5->apply(text, arena);
    uint8_t bytes[DIGEST_BYTES] = {0};
    char digits[2 * DIGEST_BYTES];
    must(digest.len == DIGEST_BYTES);
    memcpy(bytes, digest.at, DIGEST_BYTES);
    hex_write(digits, bytes, DIGEST_BYTES);
    buf_add(to, SPAN(" md5:"));
    buf_add(to, span_make(digits, sizeof digits));
    arena_free(arena);
}

static void add_line(struct buf *to, const struct report *report, struct span path,
                     struct span record)
{
    add_or_dash(to, report->authority);
    buf_add_byte(to, ' ');
    add_or_dash(to, report->client_address);
    buf_add(to, SPAN(" - ["));
    when_add_clf(to, report->began_wall_us);
    buf_add(to, SPAN("] \""));
    line_add_escaped(to, report->method);
    buf_add_byte(to, ' ');
    line_add_escaped(to, report->target);
    buf_add_byte(to, ' ');
    line_add_escaped(to, report->protocol);
    buf_format(to, "\" %u %llu ", report->status, (unsigned long long)report->bytes_out);
    add_or_dash(to, report->referer);
    buf_add(to, SPAN(" \""));
    add_or_dash(to, report->user_agent);
    buf_add(to, SPAN("\" "));
    add_or_dash(to, report->request_id);
    buf_add(to, SPAN(" - "));
    buf_add(to, path);
    buf_format(to, " 0 %zu", record.len);
    add_digest(to, record);
    buf_add_byte(to, '\n');
}

void audit_item_add(struct buf *to, const struct report *report, const struct audit_place *place,
                    const struct buf *record)
{
    struct buf path, line;
    buf_init(&path, PATH_MAX);
    buf_init(&line, LINE_BYTES);
    add_path(&path, report, place->storage);
    add_line(&line, report, buf_span(&path), buf_span(record));
    buf_add_byte(&path, '\0');
    struct head head = {'\0', (uint32_t)path.len, (uint32_t)line.len, place->modes};
    if (buf_is_full(&path) || buf_is_full(&line) || buf_is_full(record))
        to->full = true; /* then there is no item */
    buf_add(to, span_make((const char *)&head, sizeof head));
    buf_add(to, buf_span(&path));
    buf_add(to, buf_span(&line));
    buf_add(to, buf_span(record));
    buf_fini(&path);
    buf_fini(&line);
}

bool audit_item_is_file(struct span item)
{
    return item.len > sizeof(struct head) && item.at[0] == '\0';
}

/* mkdir() leaves out what the umask says. */
static bool folder_make(const char *folder, unsigned mode)
{
    if (mkdir(folder, mode != 0 ? mode : FOLDER_MODE) != 0)
        return errno == EEXIST;
    return mode == 0 || chmod(folder, mode) == 0;
}

/* The two folders of the file, one in the other. The storage itself must be there. */
static bool folders_make(const char *path, unsigned mode)
{
    char folder[PATH_MAX];
    struct span file = span_first(span_text(path), span_find_last_byte(span_text(path), '/'));
    struct span day = span_first(file, span_find_last_byte(file, '/'));
    const struct span folders[] = {day, file};
    for (size_t i = 0; i < 2; i++) {
        snprintf(folder, sizeof folder, SPAN_FORMAT, span_arg(folders[i]));
        if (!folder_make(folder, mode))
            return false;
    }
    return true;
}

static bool write_all(int fd, struct span text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.at, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text = span_from(text, (size_t)n);
    }
    return true;
}

bool audit_file_write(struct span item, struct buf *index)
{
    struct head head;
    memcpy(&head, item.at, sizeof head);
    must((uint64_t)head.path_bytes + head.line_bytes + sizeof head <= item.len);
    const char *path = item.at + sizeof head;
    must(head.path_bytes > 0 && path[head.path_bytes - 1] == '\0');
    struct span line = span_make(path + head.path_bytes, head.line_bytes);
    struct span record = span_from(item, sizeof head + head.path_bytes + head.line_bytes);
    if (!folders_make(path, head.modes.folder))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return false;
    bool allowed = head.modes.file == 0 || fchmod(fd, head.modes.file) == 0;
    bool written = allowed && write_all(fd, record);
    int error = errno;
    close(fd);
    if (!written)
        unlink(path);
    errno = error;
    return written && buf_add(index, line);
}
