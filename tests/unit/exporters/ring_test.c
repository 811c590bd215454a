/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/ring.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exporters/record.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

struct fixture {
    int fd;
    struct ring *ring;
    struct record_view view;
};

static struct fixture *set_up(unsigned workers)
{
    struct fixture *f = must_alloc(sizeof *f);
    f->fd = ring_create(workers, 0);
    check(f->fd >= 0);
    f->ring = ring_open(f->fd);
    check(f->ring != NULL);
    return f;
}

static void tear_down(struct fixture *f)
{
    ring_close(f->ring);
    close(f->fd);
    free(f);
}

/* The status of the next record, which tests use as its number; 0: none. */
static unsigned take(struct fixture *f, enum ring_lane lane)
{
    struct ring_place place;
    if (!ring_next(f->ring, lane, &place))
        return 0;
    check(record_read(place.record, &f->view));
    ring_taken(f->ring, &place);
    return f->view.report.status;
}

TEST(what_was_put_is_taken_in_order)
{
    struct fixture *f = set_up(1);
    struct report report = plain_report();
    for (report.status = 1; report.status <= 3; report.status++)
        check(ring_put(f->ring, 0, &report));
    for (unsigned i = 1; i <= 3; i++)
        check_number(take(f, LANE_ORDINARY), i);
    check_number(take(f, LANE_ORDINARY), 0);
    check(ring_is_empty(f->ring));
    tear_down(f);
}

TEST(matches_and_blocks_take_the_security_lane)
{
    struct fixture *f = set_up(1);
    struct report report = sample_report();
    check(ring_put(f->ring, 0, &report));
    report = plain_report();
    report.status = 403;
    report.waf.action = WAF_BLOCK;
    check(ring_put(f->ring, 0, &report));
    check_number(take(f, LANE_ORDINARY), 0);
    check_number(take(f, LANE_SECURITY), 200);
    check_number(take(f, LANE_SECURITY), 403);
    tear_down(f);
}

TEST(records_of_several_workers_come_in_the_order_of_their_ends)
{
    struct fixture *f = set_up(3);
    struct report report = plain_report();
    const unsigned workers[] = {2, 0, 1, 0, 2};
    for (unsigned i = 0; i < 5; i++) {
        report.status = i + 1;
        report.began_wall_us += 10;
        check(ring_put(f->ring, workers[i], &report));
    }
    for (unsigned i = 1; i <= 5; i++)
        check_number(take(f, LANE_ORDINARY), i);
    tear_down(f);
}

TEST(the_ring_wraps_around_without_a_seam)
{
    struct fixture *f = set_up(1);
    struct report report = sample_report();
    report.status = 1;
    check(ring_put(f->ring, 0, &report));
    for (unsigned i = 1; i <= 3000; i++) { /* about five times the lane, and never empty */
        report.status = i + 1;
        check(ring_put(f->ring, 0, &report));
        check_number(take(f, LANE_SECURITY), i);
        check_span(f->view.report.waf.matches[1].variable_name,
                   "TX:blocking_inbound_anomaly_score");
    }
    tear_down(f);
}

static const char *put_and_take(struct fixture *f, unsigned status)
{
    struct report report = plain_report();
    struct ring_place place;
    report.status = status;
    check(ring_put(f->ring, 0, &report));
    check(ring_next(f->ring, LANE_ORDINARY, &place));
    check_number(take(f, LANE_ORDINARY), status);
    return place.record.at;
}

TEST(a_lane_that_was_emptied_is_filled_from_its_start_again)
{
    struct fixture *f = set_up(1);
    const char *first = put_and_take(f, 1);
    check(put_and_take(f, 2) == first);
    ring_hold(f->ring, true); /* a kill now would lose what is taken */
    check(put_and_take(f, 3) == first);
    check(put_and_take(f, 4) > first);
    check(ring_mark(f->ring));
    ring_release(f->ring);
    struct report report = plain_report();
    check(ring_put(f->ring, 0, &report));
    ring_close(f->ring); /* it died */
    f->ring = ring_open(f->fd);
    check_number(take(f, LANE_ORDINARY), report.status);
    tear_down(f);
}

TEST(a_full_ring_refuses_and_counts_lines_lines_and_spans)
{
    struct fixture *f = set_up(1);
    struct report report = sample_report();
    unsigned kept = 0;
    while (ring_put(f->ring, 0, &report))
        kept++;
    check(kept > 100);
    check(!ring_put(f->ring, 0, &report));
    check_number(ring_lost(f->ring, DESTINATION_ACCESS_LOG), 2);
    check_number(ring_lost(f->ring, DESTINATION_RULE_LOG), 4);
    check_number(ring_lost(f->ring, DESTINATION_TRACES), 2 * (1 + 3 + 2));
    for (unsigned i = 0; i < kept; i++)
        check_number(take(f, LANE_SECURITY), 200);
    check(ring_put(f->ring, 0, &report));
    tear_down(f);
}

TEST(a_ring_that_fills_says_so_long_before_it_is_full)
{
    struct fixture *f = set_up(1);
    struct report report = plain_report();
    check(!ring_fills(f->ring, 0));
    unsigned quiet = 0, all = 0;
    for (; ring_put(f->ring, 0, &report); all++)
        quiet += ring_fills(f->ring, 0) ? 0 : 1;
    check(quiet > 0 && quiet < all / 2);
    while (take(f, LANE_ORDINARY) != 0)
        continue;
    check(!ring_fills(f->ring, 0));
    tear_down(f);
}

TEST(nothing_is_kept_that_nobody_wants)
{
    struct fixture *f = set_up(1);
    struct report plain = plain_report(), sample = sample_report();
    ring_want(f->ring, RING_WANTS(DESTINATION_RULE_LOG));
    check(ring_put(f->ring, 0, &plain));
    check(ring_is_empty(f->ring));
    check(ring_put(f->ring, 0, &sample));
    check(!ring_is_empty(f->ring));
    tear_down(f);
}

TEST(a_record_survives_its_process_and_a_half_one_is_never_seen)
{
    struct fixture *f = set_up(1);
    struct report report = plain_report();
    pid_t child = fork();
    if (child == 0) {
        struct ring *ring = ring_open(f->fd);
        for (report.status = 1;; report.status++) {
            if (!ring_put(ring, 0, &report))
                report.status--;
        }
    }
    unsigned seen = 0;
    while (seen < 1000) { /* the child is killed in the middle of its work */
        unsigned next = take(f, LANE_ORDINARY);
        check(next == 0 || next == seen + 1);
        seen = next != 0 ? next : seen;
    }
    kill(child, SIGKILL);
    check_number(waitpid(child, NULL, 0), child);
    struct ring *again = ring_open(f->fd);
    ring_close(f->ring);
    f->ring = again;
    for (unsigned next; (next = take(f, LANE_ORDINARY)) != 0; seen = next)
        check_number(next, seen + 1);
    report.status = 7;
    check(ring_put(f->ring, 0, &report));
    check_number(take(f, LANE_ORDINARY), 7);
    tear_down(f);
}

TEST(a_scribbled_frame_gives_up_its_lane_and_no_more)
{
    struct fixture *f = set_up(2);
    struct report report = plain_report();
    check(ring_put(f->ring, 0, &report));
    report.status = 201;
    check(ring_put(f->ring, 1, &report));
    struct ring_place place;
    check(ring_next(f->ring, LANE_ORDINARY, &place));
    check_number(place.worker, 0);
    uint64_t nonsense = UINT64_MAX;
    char *frame = (char *)(uintptr_t)place.record.at - 16;
    memcpy(frame, &nonsense, sizeof nonsense);
    check_number(take(f, LANE_ORDINARY), 201);
    check(ring_is_empty(f->ring));
    check(ring_put(f->ring, 0, &report));
    check_number(take(f, LANE_ORDINARY), 201);
    tear_down(f);
}

TEST(a_scribbled_count_of_workers_is_believed_up_to_those_there_are)
{
    enum { REACH_AT = 36 }; /* in the head */
    struct fixture *f = set_up(2);
    struct report report = plain_report();
    uint32_t reach = 0, nonsense = UINT32_MAX;
    check(ring_put(f->ring, 0, &report));
    check(pread(f->fd, &reach, sizeof reach, REACH_AT) == (ssize_t)sizeof reach);
    check_number(reach, 1);
    check(pwrite(f->fd, &nonsense, sizeof nonsense, REACH_AT) == (ssize_t)sizeof nonsense);
    check_number(take(f, LANE_ORDINARY), report.status);
    check_number(take(f, LANE_ORDINARY), 0);
    tear_down(f);
}

TEST(what_is_held_comes_again_to_the_next_reader_and_is_marked)
{
    struct fixture *f = set_up(2);
    struct report report = plain_report();
    for (report.status = 1; report.status <= 6; report.status++)
        check(ring_put(f->ring, report.status % 2, &report));
    ring_hold(f->ring, true);
    check_number(take(f, LANE_ORDINARY) + take(f, LANE_ORDINARY), 2 + 4);
    check(ring_mark(f->ring)); /* the first two are safe soon */
    check_number(take(f, LANE_ORDINARY) + take(f, LANE_ORDINARY), 6 + 1);
    ring_release(f->ring);
    check(ring_mark(f->ring));
    ring_close(f->ring); /* it died */
    f->ring = ring_open(f->fd);
    unsigned again = 0, fresh = 0;
    struct ring_place place;
    while (ring_next(f->ring, LANE_ORDINARY, &place)) {
        check(record_read(place.record, &f->view));
        *(place.again ? &again : &fresh) += f->view.report.status;
        ring_taken(f->ring, &place);
    }
    check_number(again, 6 + 1);
    check_number(fresh, 3 + 5);
    check(!ring_mark(f->ring)); /* this one holds nothing */
    tear_down(f);
}

TEST(room_that_is_held_is_not_written_over_and_is_free_afterwards)
{
    struct fixture *f = set_up(1);
    struct report report = plain_report();
    report.status = 1;
    ring_hold(f->ring, true);
    unsigned put = 0;
    while (ring_put(f->ring, 0, &report)) {
        check_number(take(f, LANE_ORDINARY), 1);
        put++;
        check(put < 1000000);
    }
    check(ring_is_empty(f->ring) && ring_is_tight(f->ring));
    check(!ring_fills(f->ring, 0)); /* nobody needs to hurry */
    check(ring_mark(f->ring));
    ring_release(f->ring);
    check(!ring_is_tight(f->ring));
    for (unsigned i = 0; i < put; i++)
        check(ring_put(f->ring, 0, &report));
    tear_down(f);
}

TEST(every_ring_has_a_name_of_its_own)
{
    struct fixture *f = set_up(1), *g = set_up(1);
    check(ring_id(f->ring) != ring_id(g->ring));
    struct ring *same = ring_open(f->fd);
    check(ring_id(f->ring) == ring_id(same));
    ring_close(same);
    tear_down(f);
    tear_down(g);
}

TEST(another_file_is_no_ring)
{
    int fd = ring_create(1, 0);
    check(pwrite(fd, "no", 2, 0) == 2);
    check(ring_open(fd) == NULL);
    close(fd);
    check(ring_open(-1) == NULL);
    check_number(ring_create(0, 0), -1);
}

enum { THREADED_RECORDS = 20000 };

static void *produce(void *context)
{
    struct ring *ring = context;
    struct report report = plain_report(), sample = sample_report();
    for (unsigned i = 1; i <= THREADED_RECORDS; i++) {
        const struct report *next = i % 16 == 0 ? &sample : &report;
        report.status = sample.status = i;
        while (!ring_put(ring, 0, next))
            sched_yield();
    }
    return NULL;
}

TEST(a_writer_and_a_reader_share_a_ring_without_a_lock)
{
    struct fixture *f = set_up(1);
    pthread_t thread;
    check_number(pthread_create(&thread, NULL, produce, f->ring), 0);
    unsigned seen = 0, last[LANES] = {0};
    while (seen < THREADED_RECORDS) {
        for (unsigned lane = 0; lane < LANES; lane++) {
            unsigned next = take(f, (enum ring_lane)lane);
            if (next == 0)
                continue;
            check(next > last[lane]);
            last[lane] = next;
            seen++;
        }
    }
    pthread_join(thread, NULL);
    check(ring_is_empty(f->ring));
    tear_down(f);
}

int ring_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_taken_in_order),
        cmocka_unit_test(matches_and_blocks_take_the_security_lane),
        cmocka_unit_test(records_of_several_workers_come_in_the_order_of_their_ends),
        cmocka_unit_test(the_ring_wraps_around_without_a_seam),
        cmocka_unit_test(a_lane_that_was_emptied_is_filled_from_its_start_again),
        cmocka_unit_test(a_full_ring_refuses_and_counts_lines_lines_and_spans),
        cmocka_unit_test(a_ring_that_fills_says_so_long_before_it_is_full),
        cmocka_unit_test(nothing_is_kept_that_nobody_wants),
        cmocka_unit_test(a_record_survives_its_process_and_a_half_one_is_never_seen),
        cmocka_unit_test(a_scribbled_frame_gives_up_its_lane_and_no_more),
        cmocka_unit_test(a_scribbled_count_of_workers_is_believed_up_to_those_there_are),
        cmocka_unit_test(what_is_held_comes_again_to_the_next_reader_and_is_marked),
        cmocka_unit_test(room_that_is_held_is_not_written_over_and_is_free_afterwards),
        cmocka_unit_test(every_ring_has_a_name_of_its_own),
        cmocka_unit_test(another_file_is_no_ring),
        cmocka_unit_test(a_writer_and_a_reader_share_a_ring_without_a_lock),
    };
    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
