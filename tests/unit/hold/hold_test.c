/* SPDX-License-Identifier: Apache-2.0 */
/* What a kill at any moment would cost, as the ring has it: every unit comes again or is counted as
 * lost, and none is both. The disk behind a feed is told how far it came. */
#define feed_safe       fake_feed_safe
#define feed_is_on_disk fake_feed_is_on_disk
#define feed_figures    fake_feed_figures
#define feed_wake       fake_feed_wake
#include "exporters/hold.c" // NOLINT(bugprone-suspicious-include)

#include <stdatomic.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

enum { ID = 77 };

struct feed {
    bool writes;
    uint64_t safe; /* items; and units: */
    uint64_t waiting;
};

uint64_t feed_safe(struct feed *feed)
{
    return feed->writes ? feed->safe : UINT64_MAX;
}

bool feed_is_on_disk(struct feed *feed)
{
    return feed->writes;
}

void feed_figures(struct feed *feed, struct feed_figures *figures)
{
    figures->spool.waiting = feed->waiting;
}

void feed_wake(struct feed *feed)
{
    (void)feed;
}

struct place {
    int fd;
    struct ring *ring;
    struct hold *hold;
    struct queue *queue;
    struct feed feed;
};

static struct place *set_up(bool writes)
{
    struct place *place = must_alloc(sizeof *place);
    place->fd = ring_create(1, 0);
    place->ring = ring_open(place->fd);
    place->hold = hold_new(place->ring);
    place->queue = queue_new(10000);
    place->feed.writes = writes;
    hold_join(place->hold, ID, place->queue, &place->feed);
    hold_keep(place->hold, ID, HOLD_RECORDS);
    return place;
}

static void tear_down(struct place *place)
{
    hold_free(place->hold);
    queue_free(place->queue);
    ring_close(place->ring);
    close(place->fd);
    free(place);
}

/* A record that becomes one item of two units; false: the ring is full. */
static bool put(struct place *place)
{
    struct report report = sample_report();
    struct ring_place at;
    if (!ring_put(place->ring, 0, &report))
        return false;
    check(ring_next(place->ring, LANE_SECURITY, &at));
    queue_put(place->queue, SPAN("an item"), 2);
    ring_taken(place->ring, &at);
    return true;
}

/* So many items more come to the disk. */
static void write_to_disk(struct place *place, unsigned items)
{
    struct buf to;
    buf_init(&to, 1 << 20);
    uint64_t units = 0;
    for (unsigned i = 0; i < items; i++)
        units += queue_take(place->queue, &to, 1);
    check_number(units, 2U * items);
    place->feed.safe += items;
    place->feed.waiting += units;
    buf_fini(&to);
}

/* Items that the next process would make again. */
static uint64_t comes_again(const struct place *place)
{
    struct ring *next = ring_open(place->fd);
    struct ring_place at;
    uint64_t count = 0;
    ring_hold(next, true); /* this look frees nothing */
    while (ring_next(next, LANE_SECURITY, &at)) {
        count += at.again;
        ring_taken(next, &at);
    }
    ring_close(next);
    return ring_keeps(place->ring, ID) ? count : 0;
}

/* Were it killed now: every unit is in the spool, comes again or is lost, and none both. */
static void check_kill(const struct place *place, uint64_t produced)
{
    uint64_t again = 2 * comes_again(place), lost = ring_at_risk(place->ring, ID);
    check_number(place->feed.waiting + again + lost, produced);
}

TEST(what_a_disk_that_fails_did_not_take_is_lost_or_comes_again_and_never_both)
{
    struct place *place = set_up(false);
    uint64_t units = 0;
    for (unsigned round = 0; round < 5; round++) {
        check(put(place));
        check(put(place));
        units += 4;
        check_kill(place, units); /* before the round is over */
        hold_step(place->hold);
        check_kill(place, units);
    }
    check(ring_at_risk(place->ring, ID) > 0);
    tear_down(place);
}

TEST(what_room_for_workers_came_before_is_at_risk_until_the_disk_has_it)
{
    struct place *place = set_up(true);
    uint64_t units = 0;
    while (!ring_is_tight(place->ring)) {
        check(put(place));
        units += 2;
    }
    check_number(comes_again(place), units / 2);
    hold_step(place->hold); /* makes room */
    check(!ring_is_tight(place->ring));
    check_number(ring_at_risk(place->ring, ID), units);
    check(put(place));
    units += 2;
    hold_step(place->hold);
    check_kill(place, units);
    check_number(ring_at_risk(place->ring, ID), units - 2);
    write_to_disk(place, 10);
    hold_step(place->hold);
    check_number(ring_at_risk(place->ring, ID), units - 2 - 20);
    check_kill(place, units);
    write_to_disk(place, (unsigned)(units / 2 - 10));
    hold_step(place->hold);
    check_number(ring_at_risk(place->ring, ID), 0);
    check_number(place->feed.waiting, units);
    tear_down(place);
}

TEST(what_a_disk_takes_in_time_is_never_at_risk)
{
    struct place *place = set_up(true);
    for (unsigned round = 1; round <= 5; round++) {
        check(put(place));
        hold_step(place->hold);
        check_number(ring_at_risk(place->ring, ID), 0);
        write_to_disk(place, 1);
        hold_step(place->hold);
        check_number(ring_at_risk(place->ring, ID), 0);
        check_number(comes_again(place), 0);
        check_kill(place, UINT64_C(2) * round);
    }
    tear_down(place);
}

TEST(without_a_spool_all_that_is_in_memory_is_at_risk_and_nothing_comes_again)
{
    struct place *place = set_up(true);
    hold_keep(place->hold, ID, HOLD_MEMORY);
    place->feed.writes = false;
    check(put(place));
    hold_step(place->hold);
    check_number(ring_at_risk(place->ring, ID), 2);
    check_number(comes_again(place), 0);
    check(put(place));
    hold_step(place->hold);
    check_number(ring_at_risk(place->ring, ID), 4);
    tear_down(place);
}

TEST(the_next_process_knows_whose_records_come_again_and_what_was_lost)
{
    struct place *place = set_up(false);
    check(put(place));
    hold_step(place->hold);
    hold_step(place->hold); /* nobody waits for this disk */
    check(put(place));
    struct ring *ring = ring_open(place->fd);
    struct hold *next = hold_new(ring);
    struct queue *queue = queue_new(10), *another = queue_new(10);
    hold_join(next, ID, queue, &place->feed);
    hold_join(next, ID + 1, another, &place->feed);
    struct destination_figures figures = queue_adds_up(queue);
    check_number(figures.dropped[DROP_CRASH], 2);
    check(hold_owes(next, ID));
    check(!hold_owes(next, ID + 1));
    hold_keep(next, ID, HOLD_MEMORY);
    check(!ring_keeps(ring, ID));
    hold_free(next);
    ring_close(ring);
    queue_free(queue);
    queue_free(another);
    tear_down(place);
}

static void put_and_send(struct queue *queue, unsigned sent)
{
    struct buf to;
    buf_init(&to, 100);
    queue_put(queue, SPAN("sent"), sent);
    check_number(queue_take(queue, &to, sent), sent);
    queue_sent(queue, sent);
    queue_put(queue, SPAN("waits"), 7);
    buf_fini(&to);
}

/* What the next process finds of a queue whose process was killed. */
static struct destination_figures left_of(struct place *place, enum hold_way way)
{
    struct hold *next = hold_new(place->ring);
    struct queue *queue = queue_new(10);
    hold_join(next, ID, queue, &place->feed);
    hold_keep(next, ID, way);
    struct destination_figures figures = queue_adds_up(queue);
    queue_let_go(queue);
    hold_free(next);
    queue_free(queue);
    return figures;
}

TEST(without_a_spool_the_account_goes_on_with_the_next_process_to_the_unit)
{
    struct place *place = set_up(false);
    queue_free(place->queue);
    hold_free(place->hold);
    ring_keep(place->ring, ID, false);
    place->hold = hold_new(place->ring);
    place->queue = queue_new(10);
    hold_join(place->hold, ID, place->queue, &place->feed);
    hold_keep(place->hold, ID, HOLD_MEMORY);
    put_and_send(place->queue, 5);
    hold_step(place->hold); /* the account says it: nothing else does */
    check_number(ring_at_risk(place->ring, ID), 0);
    queue_lost(place->queue, 3, DROP_QUEUE_FULL);
    struct destination_figures figures = left_of(place, HOLD_MEMORY);
    check_number(figures.produced, 15);
    check_number(figures.sent, 5);
    check_number(figures.dropped[DROP_CRASH], 7);
    check_number(figures.dropped[DROP_QUEUE_FULL], 3);
    tear_down(place);
}

TEST(where_a_spool_has_the_account_the_ring_has_none)
{
    static const enum hold_way ways[] = {HOLD_SPOOL, HOLD_RECORDS};
    for (size_t i = 0; i < 2; i++) {
        struct place *place = set_up(true); /* that has taken it back */
        put_and_send(place->queue, 5);
        check_number(left_of(place, ways[i]).produced, 0);
        check_number(left_of(place, HOLD_MEMORY).produced, 0); /* the spool is given up */
        tear_down(place);
    }
}

/* The exporter tells a process of all that its ring ever lost, once, in the first round: to those
 * that are there. */
TEST(what_the_ring_had_no_room_for_stays_in_the_account_of_one_that_comes_by_a_reload)
{
    for (unsigned late = 0; late < 2; late++) {
        struct place *place = set_up(false);
        struct queue_account *account = ring_channel_account(place->ring, ID + 1);
        atomic_store(&account->produced, 9);
        atomic_store(&account->sent, 4);
        atomic_store(&account->dropped[DROP_RING_FULL], 5);
        if (late)
            hold_step(place->hold);
        struct queue *queue = queue_new(10);
        hold_join(place->hold, ID + 1, queue, &place->feed);
        check_number(queue_adds_up(queue).sent, 4);
        check_number(queue_adds_up(queue).dropped[DROP_RING_FULL], late ? 5 : 0);
        check_number(queue_adds_up(queue).produced, late ? 9 : 4);
        hold_leave(place->hold, ID + 1, FEED_ENDED);
        tear_down(place);
        queue_free(queue);
    }
}

TEST(what_was_counted_before_there_was_a_spool_is_there_with_it)
{
    struct place *place = set_up(false);
    struct hold *hold = hold_new(place->ring);
    struct queue *queue = queue_new(10);
    hold_join(hold, ID + 1, queue, &place->feed);
    put_and_send(queue, 5);
    hold_keep(hold, ID + 1, HOLD_SPOOL);
    check_number(queue_adds_up(queue).sent, 5);
    check_number(queue_adds_up(queue).waiting, 7);
    check_number(atomic_load(&ring_channel_account(place->ring, ID + 1)->produced), 0);
    hold_free(hold);
    queue_free(queue);
    tear_down(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_disk_that_fails_did_not_take_is_lost_or_comes_again_and_never_both),
        cmocka_unit_test(what_room_for_workers_came_before_is_at_risk_until_the_disk_has_it),
        cmocka_unit_test(what_a_disk_takes_in_time_is_never_at_risk),
        cmocka_unit_test(without_a_spool_all_that_is_in_memory_is_at_risk_and_nothing_comes_again),
        cmocka_unit_test(without_a_spool_the_account_goes_on_with_the_next_process_to_the_unit),
        cmocka_unit_test(where_a_spool_has_the_account_the_ring_has_none),
        cmocka_unit_test(
            what_the_ring_had_no_room_for_stays_in_the_account_of_one_that_comes_by_a_reload),
        cmocka_unit_test(what_was_counted_before_there_was_a_spool_is_there_with_it),
        cmocka_unit_test(the_next_process_knows_whose_records_come_again_and_what_was_lost),
    };
    return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
