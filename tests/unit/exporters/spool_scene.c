/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/spool_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "rules/base/number.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

static ssize_t disk_write(void *context, int fd, const void *bytes, size_t len, off_t at)
{
    struct scene *f = context;
    if (f->disk_room == 0) {
        errno = f->disk_error;
        return -1;
    }
    size_t most = len < f->disk_room ? len : f->disk_room;
    ssize_t n = pwrite(fd, bytes, most, at);
    if (f->disk_room != SIZE_MAX && n > 0)
        f->disk_room -= (size_t)n;
    return n;
}

enum spool_opened scene_try_open(struct scene *f, struct spool **spool)
{
    int folder = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(folder >= 0);
    return spool_open(folder, &f->settings, &f->disk, &f->now, spool, &f->found);
}

void scene_start(struct scene *f)
{
    check_number(scene_try_open(f, &f->spool), SPOOL_OPENED);
}

struct scene *scene_begin(void)
{
    struct scene *f = must_alloc(sizeof *f);
    folder_make(f->path, sizeof f->path);
    f->settings = (struct spool_settings){64 * MIB, 24 * HOUR, SPOOL_FSYNC_OFF};
    f->now = (struct spool_time){.monotonic_us = HOUR, .wall_us = 100000 * HOUR, .boot = "first"};
    f->disk = (struct spool_disk){disk_write, f};
    f->disk_room = SIZE_MAX;
    f->disk_error = ENOSPC;
    buf_init(&f->read, MIB);
    scene_start(f);
    return f;
}

void scene_stop(struct scene *f)
{
    spool_close(f->spool);
    f->spool = NULL;
}

void scene_restart(struct scene *f)
{
    scene_stop(f);
    scene_start(f);
}

void scene_end(struct scene *f)
{
    scene_stop(f);
    folder_remove(f->path);
    buf_fini(&f->read);
    free(f);
}

struct spool_figures scene_figures(struct scene *f)
{
    struct spool_figures out;
    spool_figures(f->spool, &out);
    uint64_t lost = 0;
    for (size_t i = 0; i < DROP_REASONS; i++)
        lost += out.lost[i];
    check_number(out.produced, out.sent + lost + out.waiting);
    check_number(out.produced, f->produced);
    return out;
}

void scene_pass(struct scene *f, uint64_t us)
{
    f->now.monotonic_us += us;
    f->now.wall_us += us;
    spool_tick(f->spool, &f->now);
}

unsigned record_units(unsigned record)
{
    return 1 + record % 5;
}

size_t record_write(char *to, unsigned record, size_t len)
{
    memset(to, '.', len);
    int n = snprintf(to, 16, "%u:", record);
    to[n] = '.';
    to[len - 1] = '\n';
    return len;
}

void scene_append_long(struct scene *f, unsigned count, size_t len)
{
    char *text = must_alloc(len + 16);
    for (unsigned i = 0; i < count; i++) {
        unsigned units = record_units(f->made);
        if (!spool_has_room(f->spool))
            check_number(spool_commit(f->spool), SPOOL_COMMITTED);
        record_write(text, f->made, len);
        check(spool_append(f->spool, span_make(text, len), units, 1));
        f->made++;
        f->produced += units;
    }
    check_number(spool_commit(f->spool), SPOOL_COMMITTED);
    free(text);
}

void scene_append(struct scene *f, unsigned count)
{
    scene_append_long(f, count, 100);
}

bool scene_batch(struct scene *f, enum spool_lane lane, unsigned most, struct spool_batch *out,
                 char *said, size_t size)
{
    buf_clear(&f->read);
    *said = '\0';
    if (!spool_read(f->spool, lane, most, &f->read, out))
        return false;
    struct span rest = buf_span(&f->read);
    uint64_t first = 0, last = 0, number, units = 0, records = 0;
    size_t len = 0;
    while (rest.len > 0) {
        struct span line = span_cut(&rest, '\n');
        check(number_parse(span_cut(&line, ':'), &number));
        units += record_units((unsigned)number);
        if (records++ > 0 && number == last + 1) {
            last = number;
            continue;
        }
        if (records > 1)
            len += (size_t)snprintf(said + len, size - len, "%d-%d ", (int)first, (int)last);
        first = last = number;
    }
    snprintf(said + len, size - len, "%d-%d", (int)first, (int)last);
    check_number(units, out->units);
    check_number(records, out->records);
    return true;
}

void scene_send_all(struct scene *f, char *said, size_t size)
{
    struct spool_batch out;
    char one[4096];
    size_t len = 0;
    *said = '\0';
    for (enum spool_lane lane = SPOOL_BACKLOG; lane <= SPOOL_FRESH; lane++) {
        while (scene_batch(f, lane, 512, &out, one, sizeof one)) {
            spool_settle(f->spool, &out, 0, DROP_REJECTED);
            if (len + 64 < size)
                len += (size_t)snprintf(said + len, size - len, len > 0 ? ",%s" : "%s", one);
            scene_figures(f);
        }
    }
}
