/* SPDX-License-Identifier: Apache-2.0 */
/* What a spool gives back, in which order, and what its bounds cost. */
#include "exporters/spool.h"

#include "exporters/crc32c.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"
#include "tests/unit/exporters/spool_scene.h"

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
    struct scene *f = scene_begin();
    struct spool_batch out;
    char said[4096];
    spool_preamble(f->spool, SPAN("who made them"));
    scene_append(f, 10);
    check(scene_batch(f, SPOOL_FRESH, 6, &out, said, sizeof said));
    check_span(span_text(said), "0-2"); /* 1 + 2 + 3 units */
    check_span(out.preamble, "who made them");
    check_number(out.signal, 1);
    spool_settle(f->spool, &out, 2, DROP_REJECTED);
    check_number(scene_figures(f).sent, 4);
    check_number(scene_figures(f).lost[DROP_REJECTED], 2);
    check(scene_batch(f, SPOOL_FRESH, 512, &out, said, sizeof said));
    check_span(span_text(said), "3-9");
    check(!scene_batch(f, SPOOL_FRESH, 512, &out, said, sizeof said));
    check_number(scene_figures(f).waiting_records, 7);
    scene_end(f);
}

TEST(what_is_not_settled_waits_for_the_next_process)
{
    struct scene *f = scene_begin();
    struct spool_batch one, two;
    char said[4096];
    scene_append(f, 20);
    check(scene_batch(f, SPOOL_FRESH, 10, &one, said, sizeof said));
    check_span(span_text(said), "0-3");
    check(scene_batch(f, SPOOL_FRESH, 10, &two, said, sizeof said));
    check_span(span_text(said), "4-6");
    spool_settle(f->spool, &two, 0, DROP_REJECTED); /* the second one before the first */
    scene_restart(f);
    check_number(f->found.ledger, LEDGER_SOUND);
    check_number(f->found.waiting_records, 17);
    check_number(scene_figures(f).sent, two.units);
    scene_append(f, 5);
    check(scene_batch(f, SPOOL_FRESH, 512, &one, said, sizeof said));
    check_span(span_text(said), "20-24"); /* the fresh ones do not wait for the backlog */
    spool_return(f->spool, &one);
    scene_send_all(f, said, sizeof said);
    check_span(span_text(said), "0-3,7-19,20-24");
    check_number(scene_figures(f).waiting, 0);
    scene_end(f);
}

TEST(a_batch_that_is_returned_is_read_again)
{
    struct scene *f = scene_begin();
    struct spool_batch one, two;
    char said[4096];
    scene_append(f, 20);
    check(scene_batch(f, SPOOL_FRESH, 10, &one, said, sizeof said));
    check(scene_batch(f, SPOOL_FRESH, 10, &two, said, sizeof said));
    spool_return(f->spool, &one);
    scene_send_all(f, said, sizeof said);
    check_span(span_text(said), "0-3,7-19");
    spool_return(f->spool, &two);
    scene_send_all(f, said, sizeof said);
    check_span(span_text(said), "4-6");
    scene_end(f);
}

TEST(an_outage_becomes_the_backlog_and_new_records_pass_it)
{
    struct scene *f = scene_begin();
    struct spool_batch out;
    char said[4096];
    scene_append(f, 30);
    check_number(scene_figures(f).backlog, 0);
    spool_split(f->spool);
    check_number(scene_figures(f).backlog, scene_figures(f).waiting);
    scene_append(f, 5);
    check(scene_batch(f, SPOOL_FRESH, 512, &out, said, sizeof said));
    check_span(span_text(said), "30-34");
    spool_settle(f->spool, &out, 0, DROP_REJECTED);
    check(scene_batch(f, SPOOL_BACKLOG, 10, &out, said, sizeof said));
    check_span(span_text(said), "0-3");
    spool_settle(f->spool, &out, 0, DROP_REJECTED);
    scene_restart(f);
    scene_append(f, 1);
    scene_send_all(f, said, sizeof said);
    check_span(span_text(said), "4-29,35-35");
    scene_end(f);
}

TEST(the_oldest_are_lost_first_where_there_are_too_many_bytes)
{
    struct scene *f = scene_begin();
    char said[65536];
    f->settings.most_bytes = 2 * MIB;
    scene_restart(f);
    scene_append_long(f, 60, 100000); /* 6 MB */
    struct spool_figures now = scene_figures(f);
    check(now.bytes <= 2 * MIB && now.bytes > 1 * MIB);
    check(now.lost[DROP_SPOOL_FULL] > 0);
    scene_send_all(f, said, sizeof said);
    check(span_ends(span_text(said), SPAN("-59")));
    check_number(scene_figures(f).sent + now.lost[DROP_SPOOL_FULL], f->produced);
    scene_end(f);
}

TEST(what_is_under_way_while_its_segment_is_dropped_counts_once)
{
    struct scene *f = scene_begin();
    struct spool_batch out;
    char said[4096];
    f->settings.most_bytes = 2 * MIB;
    scene_restart(f);
    scene_append_long(f, 2, 100000);
    check(scene_batch(f, SPOOL_FRESH, 1, &out, said, sizeof said));
    scene_append_long(f, 60, 100000);
    check_number(scene_figures(f).lost[DROP_SPOOL_FULL] > 0, true);
    spool_settle(f->spool, &out, 0, DROP_REJECTED);
    check_number(scene_figures(f).sent, 1);
    scene_send_all(f, said, sizeof said);
    check_number(scene_figures(f).waiting, 0);
    scene_end(f);
}

TEST(what_is_too_old_is_lost_and_the_rest_is_not)
{
    struct scene *f = scene_begin();
    char said[4096];
    for (unsigned hour = 0; hour < 30; hour++) {
        scene_append(f, 1);
        scene_pass(f, HOUR);
    }
    check(scene_figures(f).lost[DROP_EXPIRED] > 0);
    scene_send_all(f, said, sizeof said);
    check_span(span_text(said), "6-7,8-9,10-11,12-13,14-15,16-17,18-19,20-21,22-23,24-25,26-27,"
                                "28-29"); /* an hour and a bit is a segment */
    check_number(scene_figures(f).lost[DROP_EXPIRED], 1 + 2 + 3 + 4 + 5 + 1);
    scene_end(f);
}

TEST(a_day_without_a_receiver_costs_nothing)
{
    struct scene *f = scene_begin();
    char said[65536];
    f->settings.most_age_us = 25 * HOUR;
    scene_restart(f);
    for (unsigned minute = 0; minute < 24 * 60; minute++) {
        scene_append(f, 1);
        scene_pass(f, 60 * SECOND);
        check(spool_keep(f->spool));
        if (minute % 500 == 250)
            scene_restart(f);
    }
    scene_send_all(f, said, sizeof said);
    check_number(scene_figures(f).sent, f->produced);
    for (unsigned i = 0; i < 4; i++)
        check(spool_keep(f->spool));
    check(scene_figures(f).segments <= 1);
    scene_end(f);
}

TEST(a_wall_clock_that_jumps_makes_nothing_older)
{
    struct scene *f = scene_begin();
    char said[4096];
    scene_append(f, 3);
    f->now.wall_us += 1000 * HOUR; /* while it runs */
    scene_pass(f, SECOND);
    check_number(scene_figures(f).waiting_records, 3);
    f->now.wall_us -= 5000 * HOUR;
    scene_restart(f); /* while it does not, on the same machine */
    scene_pass(f, SECOND);
    f->now.wall_us += 9000 * HOUR;
    scene_restart(f);
    check_number(scene_figures(f).waiting_records, 3);
    memcpy(f->now.boot, "second", 6); /* booted anew, with a clock that went back */
    f->now.monotonic_us = SECOND;
    f->now.wall_us -= 9000 * HOUR;
    scene_restart(f);
    scene_append(f, 1);
    check_number(scene_figures(f).waiting_records, 4);
    memcpy(f->now.boot, "third.", 6); /* booted anew after 23 hours */
    f->now.wall_us += 23 * HOUR;
    scene_restart(f);
    check_number(scene_figures(f).waiting_records, 4);
    memcpy(f->now.boot, "fourth", 6); /* and again: now they are too old */
    f->now.wall_us += 2 * HOUR;
    scene_restart(f);
    scene_send_all(f, said, sizeof said);
    check_number(scene_figures(f).lost[DROP_EXPIRED], f->produced);
    scene_end(f);
}

TEST(two_processes_never_have_the_same_folder)
{
    struct scene *f = scene_begin();
    struct spool *second;
    check_number(scene_try_open(f, &second), SPOOL_BUSY);
    check(second == NULL);
    scene_stop(f);
    scene_start(f);
    scene_end(f);
}

TEST(what_was_lost_before_it_came_stands_in_the_ledger_too)
{
    struct scene *f = scene_begin();
    scene_append(f, 3);
    spool_lost(f->spool, 7, DROP_QUEUE_FULL);
    spool_note(f->spool, 42, 7);
    spool_resent(f->spool, 3);
    f->produced += 7;
    scene_restart(f);
    check_number(scene_figures(f).lost[DROP_QUEUE_FULL], 7);
    check_number(scene_figures(f).resent, 3);
    check_number(spool_noted(f->spool, 42), 7);
    check_number(spool_noted(f->spool, 43), 0);
    scene_end(f);
}

TEST(what_rests_while_its_process_ends_was_not_sent_twice)
{
    struct scene *f = scene_begin();
    struct spool_batch first, second, third;
    char said[64];
    scene_append(f, 9);
    check(scene_batch(f, SPOOL_FRESH, 1, &first, said, sizeof said));
    check(scene_batch(f, SPOOL_FRESH, 1, &second, said, sizeof said));
    check(scene_batch(f, SPOOL_FRESH, 1, &third, said, sizeof said));
    const uint64_t resting[] = {third.range.from.sequence, first.range.from.sequence};
    spool_rest(f->spool, resting, 2);
    scene_restart(f);
    uint64_t resent = scene_figures(f).resent;
    check_number(resent, second.units);
    check(scene_batch(f, SPOOL_BACKLOG, 1, &first, said, sizeof said));
    spool_rest(f->spool, &first.range.from.sequence, 1);
    spool_rest(f->spool, NULL, 0); /* it is tried again */
    scene_restart(f);
    check_number(scene_figures(f).resent, resent + first.units);
    scene_end(f);
}

TEST(segments_that_are_done_with_are_removed)
{
    struct scene *f = scene_begin();
    char said[4096];
    for (unsigned i = 0; i < 20; i++) {
        scene_append_long(f, 10, 100000);
        scene_send_all(f, said, sizeof said);
        check(spool_keep(f->spool));
    }
    for (unsigned i = 0; i < 4; i++)
        check(spool_keep(f->spool));
    check(scene_figures(f).bytes < 1 * MIB);
    scene_restart(f);
    check_number(f->found.waiting, 0);
    scene_end(f);
}

TEST(fsync_is_due_200_ms_after_the_first_byte_that_waits_for_it)
{
    struct scene *f = scene_begin();
    f->settings.fsync = SPOOL_FSYNC_INTERVAL;
    scene_restart(f);
    check(spool_due_us(f->spool) == UINT64_MAX);
    scene_append(f, 1);
    scene_pass(f, 50000);
    scene_append(f, 1);
    check_number(spool_due_us(f->spool), 150000);
    scene_pass(f, 150000);
    check_number(spool_due_us(f->spool), 0);
    check(spool_keep(f->spool));
    check(spool_due_us(f->spool) == UINT64_MAX);
    spool_change(f->spool, &(struct spool_settings){64 * MIB, HOUR, SPOOL_FSYNC_ALWAYS});
    scene_append(f, 1);
    check(spool_due_us(f->spool) == UINT64_MAX);
    scene_end(f);
}

int spool_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_is_the_one_of_its_document),
        cmocka_unit_test(records_come_back_in_order_and_whole),
        cmocka_unit_test(what_is_not_settled_waits_for_the_next_process),
        cmocka_unit_test(a_batch_that_is_returned_is_read_again),
        cmocka_unit_test(an_outage_becomes_the_backlog_and_new_records_pass_it),
        cmocka_unit_test(the_oldest_are_lost_first_where_there_are_too_many_bytes),
        cmocka_unit_test(what_is_under_way_while_its_segment_is_dropped_counts_once),
        cmocka_unit_test(what_rests_while_its_process_ends_was_not_sent_twice),
        cmocka_unit_test(what_is_too_old_is_lost_and_the_rest_is_not),
        cmocka_unit_test(a_day_without_a_receiver_costs_nothing),
        cmocka_unit_test(a_wall_clock_that_jumps_makes_nothing_older),
        cmocka_unit_test(two_processes_never_have_the_same_folder),
        cmocka_unit_test(what_was_lost_before_it_came_stands_in_the_ledger_too),
        cmocka_unit_test(segments_that_are_done_with_are_removed),
        cmocka_unit_test(fsync_is_due_200_ms_after_the_first_byte_that_waits_for_it),
    };
    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
