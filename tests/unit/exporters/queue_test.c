/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

TEST(items_leave_in_the_order_they_came)
{
    struct queue *queue = queue_new(8);
    struct buf to;
    buf_init(&to, 100);
    queue_put(queue, SPAN("one,"), 1);
    queue_put(queue, SPAN("two,"), 2);
    queue_put(queue, SPAN("three"), 3);
    check_number(queue_units(queue), 6);
    check_number(queue_take(queue, &to, 3), 3);
    check_span(buf_span(&to), "one,two,");
    check_number(queue_adds_up(queue).waiting, 6);
    queue_sent(queue, 2);
    queue_dropped(queue, 1, DROP_REJECTED);
    buf_clear(&to);
    check_number(queue_take(queue, &to, 1), 3); /* one item at least */
    check_span(buf_span(&to), "three");
    queue_sent(queue, 3);
    check_number(queue_take(queue, &to, 10), 0);
    struct destination_figures figures = queue_adds_up(queue);
    check_number(figures.sent, 5);
    check_number(figures.dropped[DROP_REJECTED], 1);
    buf_fini(&to);
    queue_free(queue);
}

TEST(the_oldest_is_dropped_first_and_counted)
{
    struct queue *queue = queue_new(2);
    struct buf to;
    buf_init(&to, 100);
    queue_put(queue, SPAN("a"), 1);
    queue_put(queue, SPAN("b"), 10);
    queue_put(queue, SPAN("c"), 100);
    queue_put(queue, SPAN("d"), 1000);
    check_number(queue_adds_up(queue).dropped[DROP_QUEUE_FULL], 11);
    check_number(queue_take(queue, &to, 9999), 1100);
    check_span(buf_span(&to), "cd");
    queue_limit(queue, 1);
    queue_put(queue, SPAN("e"), 1);
    queue_put(queue, SPAN("f"), 1);
    check_number(queue_adds_up(queue).dropped[DROP_QUEUE_FULL], 12);
    check_number(queue_abandon(queue, DROP_SHUTDOWN), 1);
    queue_lost(queue, 5, DROP_RING_FULL);
    check_number(queue_adds_up(queue).dropped[DROP_RING_FULL], 5);
    buf_fini(&to);
    queue_free(queue);
}

TEST(the_units_are_bounded_where_that_is_asked_for)
{
    struct queue *queue = queue_new(100);
    struct buf to;
    buf_init(&to, 100);
    queue_limit_units(queue, 10);
    queue_put(queue, SPAN("a"), 4);
    queue_put(queue, SPAN("b"), 6);
    check_number(queue_units(queue), 10);
    queue_put(queue, SPAN("c"), 1); /* the oldest goes */
    check_number(queue_units(queue), 7);
    check_number(queue_adds_up(queue).dropped[DROP_QUEUE_FULL], 4);
    queue_put(queue, SPAN("d"), 50); /* one item may be larger than all of it */
    check_number(queue_units(queue), 50);
    queue_limit_units(queue, 0);
    queue_put(queue, SPAN("e"), 50);
    queue_limit_units(queue, 60);
    check_number(queue_take(queue, &to, 999), 50);
    check_span(buf_span(&to), "e");
    queue_sent(queue, 50);
    check_number(queue_adds_up(queue).dropped[DROP_QUEUE_FULL], 4 + 7 + 50);
    buf_fini(&to);
    queue_free(queue);
}

TEST(what_an_earlier_process_left_counts_and_is_told_apart)
{
    struct queue *queue = queue_new(10);
    struct buf to;
    struct queue_early early;
    buf_init(&to, 100);
    struct destination_figures before = {.produced = 20, .sent = 10, .waiting = 7, .resent = 2};
    before.dropped[DROP_SHUTDOWN] = 3;
    queue_carry(queue, &before);
    queue_put(queue, SPAN("a"), 1);
    queue_put(queue, SPAN("b"), 4);
    check_number(queue_put_count(queue), 2);
    check_number(queue_oldest(queue), 0);
    check_number(queue_take(queue, &to, 1), 1);
    check_number(queue_oldest(queue), 1);
    queue_dropped(queue, 1, DROP_SHUTDOWN);
    check_number(queue_abandon(queue, DROP_SHUTDOWN), 4);
    check_number(queue_oldest(queue), 2);
    struct destination_figures figures = queue_adds_up(queue);
    check_number(figures.produced, 25);
    check_number(figures.waiting, 7);
    check_number(figures.resent, 2);
    check_number(figures.dropped[DROP_SHUTDOWN], 8);
    check_number(queue_dropped_here(queue, DROP_SHUTDOWN), 5);
    queue_early(queue, &early);
    check_number(early.dropped[DROP_SHUTDOWN], 4); /* the other was in somebody's hand */
    queue_leave(queue, 7);
    check_number(queue_adds_up(queue).produced, 18);
    buf_fini(&to);
    queue_free(queue);
}

TEST(an_account_that_is_kept_goes_on_and_what_waited_is_lost)
{
    struct queue_account account = {.produced = 0};
    struct buf to;
    buf_init(&to, 100);
    struct queue *first = queue_new(10);
    queue_keep(first, &account, DROP_CRASH);
    queue_put(first, SPAN("sent"), 1);
    queue_put(first, SPAN("in hand"), 2);
    queue_put(first, SPAN("queued"), 4);
    queue_lost(first, 8, DROP_RING_FULL);
    check_number(queue_take(first, &to, 3), 3);
    queue_sent(first, 1);
    queue_dropped(first, 1, DROP_SHUTDOWN);
    check_number(queue_adds_up(first).waiting, 5);

    struct queue *second = queue_new(10); /* the first one's process was killed */
    queue_keep(second, &account, DROP_CRASH);
    queue_forget_ring_full(second);
    struct destination_figures figures = queue_adds_up(second);
    check_number(figures.produced, 7); /* the ring tells of the others again */
    check_number(figures.sent, 1);
    check_number(figures.waiting, 0);
    check_number(figures.dropped[DROP_CRASH], 5);
    check_number(figures.dropped[DROP_RING_FULL], 0);
    check_number(queue_dropped_here(second, DROP_SHUTDOWN), 0);
    struct queue_early early; /* a ledger that is to have the account needs all of it */
    queue_early(second, &early);
    check_number(early.sent, 1);
    check_number(early.dropped[DROP_CRASH], 5);
    check_number(early.dropped[DROP_SHUTDOWN], 1);
    queue_put(second, SPAN("more"), 16);
    queue_lost(second, 64, DROP_RING_FULL);
    queue_let_go(second);
    queue_put(second, SPAN("of its own"), 32);
    check_number(queue_adds_up(second).produced, 119);

    struct queue *third = queue_new(10); /* the second one's thread hangs */
    queue_keep(third, &account, DROP_WRITE_ERROR);
    check_number(queue_adds_up(third).dropped[DROP_WRITE_ERROR], 16);
    check_number(queue_adds_up(third).dropped[DROP_RING_FULL], 64); /* nobody tells of them again */
    check_number(queue_adds_up(third).produced, 87);
    buf_fini(&to);
    queue_free(first);
    queue_free(second);
    queue_free(third);
}

TEST(an_account_whose_owner_was_killed_between_two_figures_adds_up)
{
    struct queue_account account = {.produced = 1, .sent = 1};
    atomic_store(&account.dropped[DROP_QUEUE_FULL], 1); /* and was not produced yet */
    struct queue *queue = queue_new(10);
    queue_keep(queue, &account, DROP_CRASH);
    check_number(queue_adds_up(queue).produced, 2);
    check_number(queue_adds_up(queue).dropped[DROP_CRASH], 0);
    queue_free(queue);
}

struct looking {
    struct queue *queue;
    atomic_bool ends;
    atomic_uint looks, falls;
};

/* What a scrape sees of produced at any moment. */
static void *look_on(void *context)
{
    struct looking *looking = context;
    uint64_t most = 0;
    while (!looking->ends) {
        struct destination_figures figures = {.produced = 0};
        queue_figures(looking->queue, &figures);
        looking->falls += figures.produced < most;
        looking->looks++;
        most = figures.produced;
    }
    return NULL;
}

TEST(an_item_in_hand_that_is_queued_after_all_counts_as_produced_at_every_moment)
{
    enum { ROUNDS = 20000 };
    struct looking looking = {.queue = queue_new(10)};
    struct buf to;
    pthread_t thread;
    buf_init(&to, 100);
    queue_put(looking.queue, SPAN("first"), 1);
    must(pthread_create(&thread, NULL, look_on, &looking) == 0);
    for (unsigned i = 0; i < ROUNDS || looking.looks < ROUNDS; i++) {
        queue_pass(looking.queue, 3);
        queue_requeue(looking.queue, SPAN("passed"), 3);
        buf_clear(&to);
        check_number(queue_take(looking.queue, &to, 100), i == 0 ? 4 : 3);
        queue_sent(looking.queue, i == 0 ? 4 : 3);
        check(i > 0 || span_is(buf_span(&to), SPAN("firstpassed")));
    }
    looking.ends = true;
    pthread_join(thread, NULL);
    check_number(looking.falls, 0);
    check_number(queue_adds_up(looking.queue).waiting, 0);
    buf_fini(&to);
    queue_free(looking.queue);
}

TEST(the_bytes_are_bounded_too)
{
    struct queue *queue = queue_new(1000000);
    char *large = must_alloc(QUEUE_LARGEST_BYTES + 1);
    queue_put(queue, span_make(large, QUEUE_LARGEST_BYTES + 1), 1);
    check_number(queue_adds_up(queue).dropped[DROP_QUEUE_FULL], 1);
    for (unsigned i = 0; i < 200; i++)
        queue_put(queue, span_make(large, QUEUE_LARGEST_BYTES), 1);
    struct destination_figures figures = queue_adds_up(queue);
    check(figures.waiting >= 20 && figures.waiting <= 21);
    check_number(queue_abandon(queue, DROP_SHUTDOWN), figures.waiting);
    free(large);
    queue_free(queue);
}

TEST(the_circle_closes_without_a_seam)
{
    struct queue *queue = queue_new(100);
    struct buf to;
    buf_init(&to, QUEUE_LARGEST_BYTES);
    char *text = must_alloc(50000);
    unsigned taken = 0;
    for (unsigned put = 0; put < 500; put++) {
        size_t len = 1 + (put * 7919U) % 49999;
        memset(text, 'a' + (int)(put % 26), len);
        queue_put(queue, span_make(text, len), 1);
        if (put < 5)
            continue; /* the queue is never empty: it goes round */
        buf_clear(&to);
        check_number(queue_take(queue, &to, 1), 1);
        check_number(to.len, 1 + (taken * 7919U) % 49999);
        for (size_t i = 0; i < to.len; i++)
            check_number(to.at[i], 'a' + (int)(taken % 26));
        queue_sent(queue, 1);
        taken++;
    }
    check_number(queue_adds_up(queue).sent, 495);
    free(text);
    buf_fini(&to);
    queue_free(queue);
}

int queue_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_leave_in_the_order_they_came),
        cmocka_unit_test(the_oldest_is_dropped_first_and_counted),
        cmocka_unit_test(the_units_are_bounded_where_that_is_asked_for),
        cmocka_unit_test(what_an_earlier_process_left_counts_and_is_told_apart),
        cmocka_unit_test(an_account_that_is_kept_goes_on_and_what_waited_is_lost),
        cmocka_unit_test(an_account_whose_owner_was_killed_between_two_figures_adds_up),
        cmocka_unit_test(
            an_item_in_hand_that_is_queued_after_all_counts_as_produced_at_every_moment),
        cmocka_unit_test(the_bytes_are_bounded_too),
        cmocka_unit_test(the_circle_closes_without_a_seam),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
