/* SPDX-License-Identifier: Apache-2.0 */
/* The spool, with a clock in the test's hand and a disk that does what it is told. */
#include "exporters/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/crc32c.h"
#include "exporters/spool_segment.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

#define SECOND UINT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define MIB    UINT64_C(1048576)

struct fixture {
    char path[256];
    struct spool *spool;
    struct spool_settings settings;
    struct spool_time now;
    struct spool_found found;
    struct spool_disk disk;
    size_t disk_room; /* SIZE_MAX: as much as one likes */
    int disk_error;
    unsigned made;     /* records, numbered from 0 */
    uint64_t produced; /* their units */
    struct buf read;
};

static ssize_t disk_write(void *context, int fd, const void *bytes, size_t len, off_t at)
{
    struct fixture *f = context;
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

static enum spool_opened try_open(struct fixture *f, struct spool **spool)
{
    int folder = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(folder >= 0);
    return spool_open(folder, &f->settings, &f->disk, &f->now, spool, &f->found);
}

static void start(struct fixture *f)
{
    check_number(try_open(f, &f->spool), SPOOL_OPENED);
}

static struct fixture *set_up(void)
{
    struct fixture *f = must_alloc(sizeof *f);
    folder_make(f->path, sizeof f->path);
    f->settings = (struct spool_settings){64 * MIB, 24 * HOUR, SPOOL_FSYNC_OFF};
    f->now = (struct spool_time){.monotonic_us = HOUR, .wall_us = 100000 * HOUR, .boot = "first"};
    f->disk = (struct spool_disk){disk_write, f};
    f->disk_room = SIZE_MAX;
    f->disk_error = ENOSPC;
    buf_init(&f->read, MIB);
    start(f);
    return f;
}

static void stop(struct fixture *f)
{
    spool_close(f->spool);
    f->spool = NULL;
}

static void restart(struct fixture *f)
{
    stop(f);
    start(f);
}

static void tear_down(struct fixture *f)
{
    stop(f);
    folder_remove(f->path);
    buf_fini(&f->read);
    free(f);
}

static struct spool_figures figures(struct fixture *f)
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

static void pass(struct fixture *f, uint64_t us)
{
    f->now.monotonic_us += us;
    f->now.wall_us += us;
    spool_tick(f->spool, &f->now);
}

static unsigned units_of(unsigned record)
{
    return 1 + record % 5;
}

/* "N:" and dots up to `len`, and a line feed. */
static size_t write_record(char *to, unsigned record, size_t len)
{
    memset(to, '.', len);
    int n = snprintf(to, 16, "%u:", record);
    to[n] = '.';
    to[len - 1] = '\n';
    return len;
}

static void append_long(struct fixture *f, unsigned count, size_t len)
{
    char *text = must_alloc(len + 16);
    for (unsigned i = 0; i < count; i++) {
        unsigned units = units_of(f->made);
        if (!spool_has_room(f->spool))
            check_number(spool_commit(f->spool), SPOOL_COMMITTED);
        write_record(text, f->made, len);
        check(spool_append(f->spool, span_make(text, len), units, 1));
        f->made++;
        f->produced += units;
    }
    check_number(spool_commit(f->spool), SPOOL_COMMITTED);
    free(text);
}

static void append(struct fixture *f, unsigned count)
{
    append_long(f, count, 100);
}

/* Reads a batch; says which records it has as "0-9 11-12". */
static bool batch(struct fixture *f, enum spool_lane lane, unsigned most, struct spool_batch *out,
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
        units += units_of((unsigned)number);
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

/* Sends everything that waits in both lanes; what arrived, in order of arrival. */
static void send_all(struct fixture *f, char *said, size_t size)
{
    struct spool_batch out;
    char one[4096];
    size_t len = 0;
    *said = '\0';
    for (enum spool_lane lane = SPOOL_BACKLOG; lane <= SPOOL_FRESH; lane++) {
        while (batch(f, lane, 512, &out, one, sizeof one)) {
            spool_settle(f->spool, &out, 0, DROP_REJECTED);
            if (len + 64 < size)
                len += (size_t)snprintf(said + len, size - len, len > 0 ? ",%s" : "%s", one);
            figures(f);
        }
    }
}

/* The only segment's path. */
static struct span segment_path(struct fixture *f, char *to, size_t size)
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

TEST(crc32c_is_the_one_of_its_document)
{
    char zeros[32] = "", ones[32], counted[32];
    for (int i = 0; i < 32; i++) {
        ones[i] = (char)0xff;
        counted[i] = (char)i;
    }
    check(crc32c(0, SPAN("123456789")) == 0xe3069283U);
    check(crc32c(0, span_make(zeros, 32)) == 0x8a9136aaU); /* RFC 3720 B.4 */
    check(crc32c(0, span_make(ones, 32)) == 0x62a8ab43U);
    check(crc32c(0, span_make(counted, 32)) == 0x46dd794eU);
    check(crc32c(crc32c(0, SPAN("1234")), SPAN("56789")) == 0xe3069283U);
}

TEST(records_come_back_in_order_and_whole)
{
    struct fixture *f = set_up();
    struct spool_batch out;
    char said[4096];
    spool_preamble(f->spool, SPAN("who made them"));
    append(f, 10);
    check(batch(f, SPOOL_FRESH, 6, &out, said, sizeof said));
    check_span(span_text(said), "0-2"); /* 1 + 2 + 3 units */
    check_span(out.preamble, "who made them");
    check_number(out.signal, 1);
    spool_settle(f->spool, &out, 2, DROP_REJECTED);
    check_number(figures(f).sent, 4);
    check_number(figures(f).lost[DROP_REJECTED], 2);
    check(batch(f, SPOOL_FRESH, 512, &out, said, sizeof said));
    check_span(span_text(said), "3-9");
    check(!batch(f, SPOOL_FRESH, 512, &out, said, sizeof said));
    check_number(figures(f).waiting_records, 7);
    tear_down(f);
}

TEST(what_is_not_settled_waits_for_the_next_process)
{
    struct fixture *f = set_up();
    struct spool_batch one, two;
    char said[4096];
    append(f, 20);
    check(batch(f, SPOOL_FRESH, 10, &one, said, sizeof said));
    check_span(span_text(said), "0-3");
    check(batch(f, SPOOL_FRESH, 10, &two, said, sizeof said));
    check_span(span_text(said), "4-6");
    spool_settle(f->spool, &two, 0, DROP_REJECTED); /* the second one before the first */
    restart(f);
    check_number(f->found.ledger, LEDGER_SOUND);
    check_number(f->found.waiting_records, 17);
    check_number(figures(f).sent, two.units);
    append(f, 5);
    check(batch(f, SPOOL_FRESH, 512, &one, said, sizeof said));
    check_span(span_text(said), "20-24"); /* the fresh ones do not wait for the backlog */
    spool_return(f->spool, &one);
    send_all(f, said, sizeof said);
    check_span(span_text(said), "0-3,7-19,20-24");
    check_number(figures(f).waiting, 0);
    tear_down(f);
}

TEST(a_batch_that_is_returned_is_read_again)
{
    struct fixture *f = set_up();
    struct spool_batch one, two;
    char said[4096];
    append(f, 20);
    check(batch(f, SPOOL_FRESH, 10, &one, said, sizeof said));
    check(batch(f, SPOOL_FRESH, 10, &two, said, sizeof said));
    spool_return(f->spool, &one);
    send_all(f, said, sizeof said);
    check_span(span_text(said), "0-3,7-19");
    spool_return(f->spool, &two);
    send_all(f, said, sizeof said);
    check_span(span_text(said), "4-6");
    tear_down(f);
}

TEST(an_outage_becomes_the_backlog_and_new_records_pass_it)
{
    struct fixture *f = set_up();
    struct spool_batch out;
    char said[4096];
    append(f, 30);
    check_number(figures(f).backlog, 0);
    spool_split(f->spool);
    check_number(figures(f).backlog, figures(f).waiting);
    append(f, 5);
    check(batch(f, SPOOL_FRESH, 512, &out, said, sizeof said));
    check_span(span_text(said), "30-34");
    spool_settle(f->spool, &out, 0, DROP_REJECTED);
    check(batch(f, SPOOL_BACKLOG, 10, &out, said, sizeof said));
    check_span(span_text(said), "0-3");
    spool_settle(f->spool, &out, 0, DROP_REJECTED);
    restart(f);
    append(f, 1);
    send_all(f, said, sizeof said);
    check_span(span_text(said), "4-29,35-35");
    tear_down(f);
}

TEST(a_torn_tail_is_cut_at_the_last_whole_record)
{
    char said[4096], path[512];
    for (off_t cut = 1; cut < 172; cut += 19) {
        struct fixture *f = set_up();
        append(f, 10);
        stop(f);
        struct stat status;
        segment_path(f, path, sizeof path);
        check(stat(path, &status) == 0);
        check(truncate(path, status.st_size - cut) == 0);
        /* the ledger of a process that was killed knows nothing of the tenth */
        snprintf(path, sizeof path, "%s/ledger", f->path);
        check(unlink(path) == 0);
        f->produced -= units_of(9);
        start(f);
        check_number(f->found.torn_bytes, 172 - cut);
        send_all(f, said, sizeof said);
        check_span(span_text(said), "0-8");
        check_number(figures(f).lost[DROP_CORRUPT], 0);
        tear_down(f);
    }
}

TEST(a_flipped_byte_loses_its_record_and_nothing_else_wherever_it_is)
{
    char said[4096], path[512];
    enum { HEAD = SEGMENT_HEAD_BYTES, FRAME = 172, COUNT = 5 };
    for (off_t at = 0; at < HEAD + COUNT * FRAME; at++) {
        struct fixture *f = set_up();
        append(f, COUNT);
        stop(f);
        segment_path(f, path, sizeof path);
        flip(path, at);
        start(f);
        send_all(f, said, sizeof said);
        int hit = at < HEAD || (at - HEAD) % FRAME >= FRAME - 24 ? -1 : (int)(at - HEAD) / FRAME;
        static const char *const want[] = {"1-4", "0-0 2-4", "0-1 3-4", "0-2 4-4", "0-3"};
        check_span(span_text(said), hit < 0 ? "0-4" : want[hit]);
        check_number(figures(f).lost[DROP_CORRUPT], hit < 0 ? 0 : units_of((unsigned)hit));
        check_number(figures(f).waiting, 0);
        tear_down(f);
    }
}

TEST(a_flipped_byte_in_the_ledger_leaves_its_other_slot)
{
    char said[4096], path[512];
    struct spool_batch out;
    for (off_t at = 0; at < 2 * LEDGER_SLOT_BYTES; at += 13) {
        struct fixture *f = set_up();
        append(f, 10);
        check(batch(f, SPOOL_FRESH, 10, &out, said, sizeof said));
        spool_settle(f->spool, &out, 0, DROP_REJECTED);
        check(spool_keep(f->spool));
        check(batch(f, SPOOL_FRESH, 10, &out, said, sizeof said));
        spool_settle(f->spool, &out, 0, DROP_REJECTED);
        check(spool_keep(f->spool));
        check(batch(f, SPOOL_FRESH, 10, &out, said, sizeof said));
        spool_settle(f->spool, &out, 0, DROP_REJECTED);
        stop(f);
        snprintf(path, sizeof path, "%s/ledger", f->path);
        flip(path, at);
        start(f);
        check(f->found.ledger == LEDGER_SOUND || f->found.ledger == LEDGER_MENDED);
        check(figures(f).sent == 18 || figures(f).sent == 25);
        send_all(f, said, sizeof said);
        check_number(figures(f).sent, f->produced);
        tear_down(f);
    }
}

TEST(without_its_ledger_a_spool_says_what_it_does_not_know)
{
    struct fixture *f = set_up();
    char said[4096], path[512];
    append_long(f, 100, 100000); /* several segments */
    struct spool_batch out;
    for (unsigned i = 0; i < 50; i++) {
        check(batch(f, SPOOL_FRESH, 1, &out, said, sizeof said));
        spool_settle(f->spool, &out, 0, DROP_REJECTED);
    }
    for (unsigned i = 0; i < 4; i++)
        check(spool_keep(f->spool));
    stop(f);
    snprintf(path, sizeof path, "%s/ledger", f->path);
    check(unlink(path) == 0);
    start(f);
    check(figures(f).lost[DROP_FORGOTTEN] > 0);
    check_number(figures(f).sent, 0);
    send_all(f, said, sizeof said);
    check_number(figures(f).sent + figures(f).lost[DROP_FORGOTTEN], f->produced);
    tear_down(f);
}

TEST(the_oldest_are_lost_first_where_there_are_too_many_bytes)
{
    struct fixture *f = set_up();
    char said[65536];
    f->settings.most_bytes = 2 * MIB;
    restart(f);
    append_long(f, 60, 100000); /* 6 MB */
    struct spool_figures now = figures(f);
    check(now.bytes <= 2 * MIB && now.bytes > 1 * MIB);
    check(now.lost[DROP_SPOOL_FULL] > 0);
    send_all(f, said, sizeof said);
    check(span_ends(span_text(said), SPAN("-59")));
    check_number(figures(f).sent + now.lost[DROP_SPOOL_FULL], f->produced);
    tear_down(f);
}

TEST(what_is_under_way_while_its_segment_is_dropped_counts_once)
{
    struct fixture *f = set_up();
    struct spool_batch out;
    char said[4096];
    f->settings.most_bytes = 2 * MIB;
    restart(f);
    append_long(f, 2, 100000);
    check(batch(f, SPOOL_FRESH, 1, &out, said, sizeof said));
    append_long(f, 60, 100000);
    check_number(figures(f).lost[DROP_SPOOL_FULL] > 0, true);
    spool_settle(f->spool, &out, 0, DROP_REJECTED);
    check_number(figures(f).sent, 1);
    send_all(f, said, sizeof said);
    check_number(figures(f).waiting, 0);
    tear_down(f);
}

TEST(what_is_too_old_is_lost_and_the_rest_is_not)
{
    struct fixture *f = set_up();
    char said[4096];
    for (unsigned hour = 0; hour < 30; hour++) {
        append(f, 1);
        pass(f, HOUR);
    }
    check(figures(f).lost[DROP_EXPIRED] > 0);
    send_all(f, said, sizeof said);
    check_span(span_text(said), "6-7,8-9,10-11,12-13,14-15,16-17,18-19,20-21,22-23,24-25,26-27,"
                                "28-29"); /* an hour and a bit is a segment */
    check_number(figures(f).lost[DROP_EXPIRED], 1 + 2 + 3 + 4 + 5 + 1);
    tear_down(f);
}

TEST(a_day_without_a_receiver_costs_nothing)
{
    struct fixture *f = set_up();
    char said[65536];
    f->settings.most_age_us = 25 * HOUR;
    restart(f);
    for (unsigned minute = 0; minute < 24 * 60; minute++) {
        append(f, 1);
        pass(f, 60 * SECOND);
        check(spool_keep(f->spool));
        if (minute % 500 == 250)
            restart(f);
    }
    send_all(f, said, sizeof said);
    check_number(figures(f).sent, f->produced);
    for (unsigned i = 0; i < 4; i++)
        check(spool_keep(f->spool));
    check(figures(f).segments <= 1);
    tear_down(f);
}

TEST(a_wall_clock_that_jumps_makes_nothing_older)
{
    struct fixture *f = set_up();
    char said[4096];
    append(f, 3);
    f->now.wall_us += 1000 * HOUR; /* while it runs */
    pass(f, SECOND);
    check_number(figures(f).waiting_records, 3);
    f->now.wall_us -= 5000 * HOUR;
    restart(f); /* while it does not, on the same machine */
    pass(f, SECOND);
    f->now.wall_us += 9000 * HOUR;
    restart(f);
    check_number(figures(f).waiting_records, 3);
    memcpy(f->now.boot, "second", 6); /* booted anew, with a clock that went back */
    f->now.monotonic_us = SECOND;
    f->now.wall_us -= 9000 * HOUR;
    restart(f);
    append(f, 1);
    check_number(figures(f).waiting_records, 4);
    memcpy(f->now.boot, "third.", 6); /* booted anew after 23 hours */
    f->now.wall_us += 23 * HOUR;
    restart(f);
    check_number(figures(f).waiting_records, 4);
    memcpy(f->now.boot, "fourth", 6); /* and again: now they are too old */
    f->now.wall_us += 2 * HOUR;
    restart(f);
    send_all(f, said, sizeof said);
    check_number(figures(f).lost[DROP_EXPIRED], f->produced);
    tear_down(f);
}

TEST(a_full_disk_takes_all_of_a_commit_or_nothing)
{
    char said[4096];
    for (size_t room = 0; room < 700; room += 31) {
        struct fixture *f = set_up();
        append(f, 2);
        f->disk_room = room;
        char text[128];
        for (unsigned i = 0; i < 4; i++) {
            check(spool_append(f->spool, span_make(text, write_record(text, f->made++, 100)),
                               units_of(2 + i), 1));
        }
        bool fits = room >= 4 * 172;
        check_number(spool_commit(f->spool), fits ? SPOOL_COMMITTED : SPOOL_NO_ROOM);
        check_number(spool_pending(f->spool), fits ? 0 : 3 + 4 + 5 + 1);
        f->produced += fits ? 3 + 4 + 5 + 1 : 0;
        figures(f);
        f->disk_room = SIZE_MAX; /* somebody made room */
        check_number(spool_commit(f->spool), SPOOL_COMMITTED);
        f->produced += fits ? 0 : 3 + 4 + 5 + 1;
        restart(f);
        send_all(f, said, sizeof said);
        check_span(span_text(said), "0-5");
        tear_down(f);
    }
}

TEST(a_disk_that_fails_is_told_from_one_that_is_full)
{
    struct fixture *f = set_up();
    f->disk_room = 0;
    f->disk_error = EIO;
    check(spool_append(f->spool, SPAN("0:\n"), 1, 1));
    check_number(spool_commit(f->spool), SPOOL_FAILED);
    check(!spool_keep(f->spool)); /* nor can the ledger be written */
    f->disk_room = SIZE_MAX;
    check_number(spool_commit(f->spool), SPOOL_COMMITTED);
    f->produced = 1;
    check_number(figures(f).waiting, 1);
    check(spool_keep(f->spool));
    tear_down(f);
}

TEST(two_processes_never_have_the_same_folder)
{
    struct fixture *f = set_up();
    struct spool *second;
    check_number(try_open(f, &second), SPOOL_BUSY);
    check(second == NULL);
    stop(f);
    start(f);
    tear_down(f);
}

TEST(what_was_lost_before_it_came_stands_in_the_ledger_too)
{
    struct fixture *f = set_up();
    append(f, 3);
    spool_lost(f->spool, 7, DROP_QUEUE_FULL);
    spool_note(f->spool, 42, 7);
    spool_resent(f->spool, 3);
    f->produced += 7;
    restart(f);
    check_number(figures(f).lost[DROP_QUEUE_FULL], 7);
    check_number(figures(f).resent, 3);
    check_number(spool_noted(f->spool, 42), 7);
    check_number(spool_noted(f->spool, 43), 0);
    tear_down(f);
}

TEST(segments_that_are_done_with_are_removed)
{
    struct fixture *f = set_up();
    char said[4096];
    for (unsigned i = 0; i < 20; i++) {
        append_long(f, 10, 100000);
        send_all(f, said, sizeof said);
        check(spool_keep(f->spool));
    }
    for (unsigned i = 0; i < 4; i++)
        check(spool_keep(f->spool));
    check(figures(f).bytes < 1 * MIB);
    restart(f);
    check_number(f->found.waiting, 0);
    tear_down(f);
}

TEST(fsync_is_due_200_ms_after_the_first_byte_that_waits_for_it)
{
    struct fixture *f = set_up();
    f->settings.fsync = SPOOL_FSYNC_INTERVAL;
    restart(f);
    check(spool_due_us(f->spool) == UINT64_MAX);
    append(f, 1);
    pass(f, 50000);
    append(f, 1);
    check_number(spool_due_us(f->spool), 150000);
    pass(f, 150000);
    check_number(spool_due_us(f->spool), 0);
    check(spool_keep(f->spool));
    check(spool_due_us(f->spool) == UINT64_MAX);
    spool_change(f->spool, &(struct spool_settings){64 * MIB, HOUR, SPOOL_FSYNC_ALWAYS});
    append(f, 1);
    check(spool_due_us(f->spool) == UINT64_MAX);
    tear_down(f);
}

TEST(a_segment_that_somebody_removed_is_counted)
{
    struct fixture *f = set_up();
    char said[4096], path[512];
    append(f, 4);
    restart(f);
    append(f, 4);
    stop(f);
    segment_path(f, path, sizeof path);
    check(unlink(path) == 0);
    start(f);
    send_all(f, said, sizeof said);
    check_span(span_text(said), "0-3");
    check_number(figures(f).lost[DROP_CORRUPT], 5 + 1 + 2 + 3);
    tear_down(f);
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
    struct fixture *f = set_up();
    char said[4096];
    enum spool_opened opened = SPOOL_UNUSABLE;
    append(f, 4);
    restart(f);
    append(f, 4);
    stop(f);
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
    send_all(f, said, sizeof said);
    check_span(span_text(said), "0-3,4-7");
    check_number(figures(f).sent, f->produced);
    tear_down(f);
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
    struct fixture *f = set_up();
    char path[512], ledger[512], said[4096];
    append(f, 4);
    segment_path(f, path, sizeof path); /* the first one, with a second behind it */
    restart(f);
    append(f, 4);
    stop(f);
    snprintf(ledger, sizeof ledger, "%s/ledger", f->path);
    check(chmod(f->path, 0777) == 0 && chmod(ledger, 0666) == 0);
    keep_out(path);
    check_number(try_open(f, &f->spool), SPOOL_UNUSABLE);
    check_number(errno, EACCES);
    let_in(path);
    start(f);
    send_all(f, said, sizeof said);
    check_span(span_text(said), "0-3,4-7");
    check_number(figures(f).sent, f->produced);
    tear_down(f);
}

TEST(a_segment_that_may_not_be_read_now_goes_on_waiting)
{
    struct fixture *f = set_up();
    struct spool_batch out;
    char path[512], said[4096];
    append(f, 4);
    restart(f);
    check(chmod(f->path, 0755) == 0);
    segment_path(f, path, sizeof path);
    keep_out(path);
    check(!batch(f, SPOOL_BACKLOG, 512, &out, said, sizeof said));
    let_in(path);
    check_number(figures(f).waiting, f->produced);
    send_all(f, said, sizeof said);
    check_span(span_text(said), "0-3");
    check_number(figures(f).sent, f->produced);
    tear_down(f);
}

int spool_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_is_the_one_of_its_document),
        cmocka_unit_test(records_come_back_in_order_and_whole),
        cmocka_unit_test(what_is_not_settled_waits_for_the_next_process),
        cmocka_unit_test(a_batch_that_is_returned_is_read_again),
        cmocka_unit_test(an_outage_becomes_the_backlog_and_new_records_pass_it),
        cmocka_unit_test(a_torn_tail_is_cut_at_the_last_whole_record),
        cmocka_unit_test(a_flipped_byte_loses_its_record_and_nothing_else_wherever_it_is),
        cmocka_unit_test(a_flipped_byte_in_the_ledger_leaves_its_other_slot),
        cmocka_unit_test(without_its_ledger_a_spool_says_what_it_does_not_know),
        cmocka_unit_test(the_oldest_are_lost_first_where_there_are_too_many_bytes),
        cmocka_unit_test(what_is_under_way_while_its_segment_is_dropped_counts_once),
        cmocka_unit_test(what_is_too_old_is_lost_and_the_rest_is_not),
        cmocka_unit_test(a_day_without_a_receiver_costs_nothing),
        cmocka_unit_test(a_wall_clock_that_jumps_makes_nothing_older),
        cmocka_unit_test(a_full_disk_takes_all_of_a_commit_or_nothing),
        cmocka_unit_test(a_disk_that_fails_is_told_from_one_that_is_full),
        cmocka_unit_test(two_processes_never_have_the_same_folder),
        cmocka_unit_test(what_was_lost_before_it_came_stands_in_the_ledger_too),
        cmocka_unit_test(segments_that_are_done_with_are_removed),
        cmocka_unit_test(fsync_is_due_200_ms_after_the_first_byte_that_waits_for_it),
        cmocka_unit_test(a_segment_that_somebody_removed_is_counted),
        cmocka_unit_test(without_a_free_descriptor_a_spool_is_not_opened_and_loses_nothing),
        cmocka_unit_test(
            a_segment_that_may_not_be_read_now_fails_the_opening_and_nothing_is_removed),
        cmocka_unit_test(a_segment_that_may_not_be_read_now_goes_on_waiting),
    };
    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
