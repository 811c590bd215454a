/* SPDX-License-Identifier: Apache-2.0 */
/* What a spool loses when files are torn, flipped, removed or kept from it, or the disk is full:
 * what is gone and not a record more. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/spool_segment.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"
#include "tests/unit/exporters/spool_scene.h"

/* The newest segment's path. */
static struct span segment_path(struct scene *f, char *to, size_t size)
{
    size_t count;
    char name[SEGMENT_NAME_BYTES];
    int folder = open(f->path, O_RDONLY | O_DIRECTORY);
    struct segment *list = segments_list(folder, &count);
    close(folder);
    check(count > 0);
    segment_name(&list[count - 1], name);
    free(list);
    snprintf(to, size, "%s/%s", f->path, name);
    return span_text(to);
}

static void flip(const char *path, off_t at)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);
    check_number(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    check_number(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

TEST(a_torn_tail_is_cut_at_the_last_whole_record)
{
    char said[4096], path[512];
    for (off_t cut = 1; cut < 172; cut += 19) {
        struct scene *f = scene_begin();
        scene_append(f, 10);
        scene_stop(f);
        struct stat status;
        segment_path(f, path, sizeof path);
        check(stat(path, &status) == 0);
        check(truncate(path, status.st_size - cut) == 0);
        /* the ledger of a process that was killed knows nothing of the tenth */
        snprintf(path, sizeof path, "%s/ledger", f->path);
        check(unlink(path) == 0);
        f->produced -= record_units(9);
        scene_start(f);
        check_number(f->found.torn_bytes, 172 - cut);
        scene_send_all(f, said, sizeof said);
        check_span(span_text(said), "0-8");
        check_number(scene_figures(f).lost[DROP_CORRUPT], 0);
        scene_end(f);
    }
}

TEST(a_flipped_byte_loses_its_record_and_nothing_else_wherever_it_is)
{
    char said[4096], path[512];
    enum { HEAD = SEGMENT_HEAD_BYTES, FRAME = 172, COUNT = 5 };
    for (off_t at = 0; at < HEAD + COUNT * FRAME; at++) {
        struct scene *f = scene_begin();
        scene_append(f, COUNT);
        scene_stop(f);
        segment_path(f, path, sizeof path);
        flip(path, at);
        scene_start(f);
        scene_send_all(f, said, sizeof said);
        int hit = at < HEAD || (at - HEAD) % FRAME >= FRAME - 24 ? -1 : (int)(at - HEAD) / FRAME;
        static const char *const want[] = {"1-4", "0-0 2-4", "0-1 3-4", "0-2 4-4", "0-3"};
        check_span(span_text(said), hit < 0 ? "0-4" : want[hit]);
        check_number(scene_figures(f).lost[DROP_CORRUPT],
                     hit < 0 ? 0 : record_units((unsigned)hit));
        check_number(scene_figures(f).waiting, 0);
        scene_end(f);
    }
}

TEST(a_flipped_byte_in_the_ledger_leaves_its_other_slot)
{
    char said[4096], path[512];
    struct spool_batch out;
    for (off_t at = 0; at < 2 * LEDGER_SLOT_BYTES; at += 13) {
        struct scene *f = scene_begin();
        scene_append(f, 10);
        check(scene_batch(f, SPOOL_FRESH, 10, &out, said, sizeof said));
        spool_settle(f->spool, &out, 0, DROP_REJECTED);
        check(spool_keep(f->spool));
        check(scene_batch(f, SPOOL_FRESH, 10, &out, said, sizeof said));
        spool_settle(f->spool, &out, 0, DROP_REJECTED);
        check(spool_keep(f->spool));
        check(scene_batch(f, SPOOL_FRESH, 10, &out, said, sizeof said));
        spool_settle(f->spool, &out, 0, DROP_REJECTED);
        scene_stop(f);
        snprintf(path, sizeof path, "%s/ledger", f->path);
        flip(path, at);
        scene_start(f);
        check(f->found.ledger == LEDGER_SOUND || f->found.ledger == LEDGER_MENDED);
        check(scene_figures(f).sent == 18 || scene_figures(f).sent == 25);
        scene_send_all(f, said, sizeof said);
        check_number(scene_figures(f).sent, f->produced);
        scene_end(f);
    }
}

TEST(without_its_ledger_a_spool_says_what_it_does_not_know)
{
    struct scene *f = scene_begin();
    char said[4096], path[512];
    scene_append_long(f, 100, 100000); /* several segments */
    struct spool_batch out;
    for (unsigned i = 0; i < 50; i++) {
        check(scene_batch(f, SPOOL_FRESH, 1, &out, said, sizeof said));
        spool_settle(f->spool, &out, 0, DROP_REJECTED);
    }
    for (unsigned i = 0; i < 4; i++)
        check(spool_keep(f->spool));
    scene_stop(f);
    snprintf(path, sizeof path, "%s/ledger", f->path);
    check(unlink(path) == 0);
    scene_start(f);
    check(scene_figures(f).lost[DROP_FORGOTTEN] > 0);
    check_number(scene_figures(f).sent, 0);
    scene_send_all(f, said, sizeof said);
    check_number(scene_figures(f).sent + scene_figures(f).lost[DROP_FORGOTTEN], f->produced);
    scene_end(f);
}

TEST(a_full_disk_takes_all_of_a_commit_or_nothing)
{
    char said[4096];
    for (size_t room = 0; room < 700; room += 31) {
        struct scene *f = scene_begin();
        scene_append(f, 2);
        f->disk_room = room;
        char text[128];
        for (unsigned i = 0; i < 4; i++) {
            check(spool_append(f->spool, span_make(text, record_write(text, f->made++, 100)),
                               record_units(2 + i), 1));
        }
        bool fits = room >= 4 * 172;
        check_number(spool_commit(f->spool), fits ? SPOOL_COMMITTED : SPOOL_NO_ROOM);
        check_number(spool_pending(f->spool), fits ? 0 : 3 + 4 + 5 + 1);
        f->produced += fits ? 3 + 4 + 5 + 1 : 0;
        scene_figures(f);
        f->disk_room = SIZE_MAX; /* somebody made room */
        check_number(spool_commit(f->spool), SPOOL_COMMITTED);
        f->produced += fits ? 0 : 3 + 4 + 5 + 1;
        scene_restart(f);
        scene_send_all(f, said, sizeof said);
        check_span(span_text(said), "0-5");
        scene_end(f);
    }
}

TEST(a_disk_that_fails_is_told_from_one_that_is_full)
{
    struct scene *f = scene_begin();
    f->disk_room = 0;
    f->disk_error = EIO;
    check(spool_append(f->spool, SPAN("0:\n"), 1, 1));
    check_number(spool_commit(f->spool), SPOOL_FAILED);
    check(!spool_keep(f->spool)); /* nor can the ledger be written */
    f->disk_room = SIZE_MAX;
    check_number(spool_commit(f->spool), SPOOL_COMMITTED);
    f->produced = 1;
    check_number(scene_figures(f).waiting, 1);
    check(spool_keep(f->spool));
    scene_end(f);
}

TEST(a_segment_that_somebody_removed_is_counted)
{
    struct scene *f = scene_begin();
    char said[4096], path[512];
    scene_append(f, 4);
    scene_restart(f);
    scene_append(f, 4);
    scene_stop(f);
    segment_path(f, path, sizeof path);
    check(unlink(path) == 0);
    scene_start(f);
    scene_send_all(f, said, sizeof said);
    check_span(span_text(said), "0-3");
    check_number(scene_figures(f).lost[DROP_CORRUPT], 5 + 1 + 2 + 3);
    scene_end(f);
}

/* From here on so many files more can be opened, until limit_end(). */
struct file_limit {
    struct rlimit before;
    int taken[64];
    size_t count;
};

static void limit_begin(struct file_limit *limit, size_t room)
{
    check_number(getrlimit(RLIMIT_NOFILE, &limit->before), 0);
    struct rlimit now = {64, limit->before.rlim_max};
    check_number(setrlimit(RLIMIT_NOFILE, &now), 0);
    limit->count = 0;
    for (int fd = dup(0); fd >= 0; fd = dup(0))
        limit->taken[limit->count++] = fd;
    check_number(errno, EMFILE);
    check(limit->count >= room);
    for (size_t i = 0; i < room; i++)
        close(limit->taken[--limit->count]);
}

static void limit_end(struct file_limit *limit)
{
    while (limit->count > 0)
        close(limit->taken[--limit->count]);
    check_number(setrlimit(RLIMIT_NOFILE, &limit->before), 0);
}

TEST(without_a_free_descriptor_a_spool_is_not_opened_and_loses_nothing)
{
    struct scene *f = scene_begin();
    char said[4096];
    enum spool_opened opened = SPOOL_UNUSABLE;
    scene_append(f, 4);
    scene_restart(f);
    scene_append(f, 4);
    scene_stop(f);
    size_t room = 0;
    while (opened != SPOOL_OPENED && room < 8) {
        struct file_limit limit;
        int folder = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        limit_begin(&limit, room++);
        opened = spool_open(folder, &f->settings, &f->disk, &f->now, &f->spool, &f->found);
        check(opened == SPOOL_OPENED || errno == EMFILE);
        limit_end(&limit);
    }
    check_number(room - 1, 2); /* the ledger, and one file after the other */
    scene_send_all(f, said, sizeof said);
    check_span(span_text(said), "0-3,4-7");
    check_number(scene_figures(f).sent, f->produced);
    scene_end(f);
}

/* The test may be root's, whom no mode keeps out. */
static void keep_out(const char *path)
{
    check_number(chmod(path, 0), 0);
    if (geteuid() == 0)
        check_number(seteuid(65534), 0);
}

static void let_in(const char *path)
{
    if (getuid() == 0)
        check_number(seteuid(0), 0);
    check_number(chmod(path, 0600), 0);
}

TEST(a_segment_that_may_not_be_read_now_fails_the_opening_and_nothing_is_removed)
{
    struct scene *f = scene_begin();
    char path[512], ledger[512], said[4096];
    scene_append(f, 4);
    segment_path(f, path, sizeof path); /* the first one, with a second behind it */
    scene_restart(f);
    scene_append(f, 4);
    scene_stop(f);
    snprintf(ledger, sizeof ledger, "%s/ledger", f->path);
    check(chmod(f->path, 0777) == 0 && chmod(ledger, 0666) == 0);
    keep_out(path);
    check_number(scene_try_open(f, &f->spool), SPOOL_UNUSABLE);
    check_number(errno, EACCES);
    let_in(path);
    scene_start(f);
    scene_send_all(f, said, sizeof said);
    check_span(span_text(said), "0-3,4-7");
    check_number(scene_figures(f).sent, f->produced);
    scene_end(f);
}

TEST(a_segment_that_may_not_be_read_now_goes_on_waiting)
{
    struct scene *f = scene_begin();
    struct spool_batch out;
    char path[512], said[4096];
    scene_append(f, 4);
    scene_restart(f);
    check(chmod(f->path, 0755) == 0);
    segment_path(f, path, sizeof path);
    keep_out(path);
    check(!scene_batch(f, SPOOL_BACKLOG, 512, &out, said, sizeof said));
    let_in(path);
    check_number(scene_figures(f).waiting, f->produced);
    scene_send_all(f, said, sizeof said);
    check_span(span_text(said), "0-3");
    check_number(scene_figures(f).sent, f->produced);
    scene_end(f);
}

int spool_damage_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_torn_tail_is_cut_at_the_last_whole_record),
        cmocka_unit_test(a_flipped_byte_loses_its_record_and_nothing_else_wherever_it_is),
        cmocka_unit_test(a_flipped_byte_in_the_ledger_leaves_its_other_slot),
        cmocka_unit_test(without_its_ledger_a_spool_says_what_it_does_not_know),
        cmocka_unit_test(a_full_disk_takes_all_of_a_commit_or_nothing),
        cmocka_unit_test(a_disk_that_fails_is_told_from_one_that_is_full),
        cmocka_unit_test(a_segment_that_somebody_removed_is_counted),
        cmocka_unit_test(without_a_free_descriptor_a_spool_is_not_opened_and_loses_nothing),
        cmocka_unit_test(
            a_segment_that_may_not_be_read_now_fails_the_opening_and_nothing_is_removed),
        cmocka_unit_test(a_segment_that_may_not_be_read_now_goes_on_waiting),
    };
    return cmocka_run_group_tests_name("damage to a spool", tests, NULL, NULL);
}
