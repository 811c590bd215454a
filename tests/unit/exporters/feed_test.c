/* SPDX-License-Identifier: Apache-2.0 */
/* The way from a queue to a sender, with and without a spool, with the real thread. */
#include "exporters/feed.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "exporters/feed_inside.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

#define MIB UINT64_C(1048576)

struct fixture {
    char path[256];
    struct queue *queue;
    struct feed *feed;
    struct feed_spool settings;
    struct buf items, preamble;
    struct feed_batch batch;
    enum spool_lane lane;
    uint64_t wanted;
};

static struct destination_figures figures(const struct fixture *f)
{
    return queue_adds_up(f->queue);
}

static void start(struct fixture *f)
{
    f->queue = queue_new(100);
    f->feed = feed_new(f->queue, -1, "otlp", (struct feed_kind){1, "spans"});
    feed_preamble(f->feed, SPAN("whose"));
    feed_use(f->feed, &f->settings);
}

static struct fixture *set_up(bool spooled)
{
    struct fixture *f = must_alloc(sizeof *f);
    folder_make(f->path, sizeof f->path);
    f->settings = (struct feed_spool){
        .path = spooled ? f->path : NULL,
        .spool = {64 * MIB, UINT64_C(3600) * 1000000, SPOOL_FSYNC_INTERVAL},
        .ring = 77,
    };
    buf_init(&f->items, MIB);
    buf_init(&f->preamble, MIB);
    start(f);
    return f;
}

static enum feed_end stop(struct fixture *f)
{
    enum feed_end end = feed_stop(f->feed, clock_monotonic_us() + 5000000);
    figures(f);
    queue_free(f->queue);
    f->feed = NULL;
    return end;
}

static void tear_down(struct fixture *f)
{
    if (f->feed != NULL)
        stop(f);
    folder_remove(f->path);
    buf_fini(&f->items);
    buf_fini(&f->preamble);
    free(f);
}

static void put(struct fixture *f, struct span item, unsigned units)
{
    queue_put(f->queue, item, units);
    feed_wake(f->feed);
}

static bool is_open(void *context)
{
    struct fixture *f = context;
    struct feed_figures state;
    feed_figures(f->feed, &state);
    return state.is_open;
}

static bool all_is_safe(void *context)
{
    struct fixture *f = context;
    figures(f);
    return feed_safe(f->feed) == queue_put_count(f->queue) && feed_is_settled(f->feed);
}

static bool batch_comes(void *context)
{
    struct fixture *f = context;
    figures(f);
    buf_clear(&f->items);
    buf_clear(&f->preamble);
    return feed_take(f->feed, f->lane, 512, &f->items, &f->preamble, &f->batch);
}

static bool spool_has_settled(void *context)
{
    struct fixture *f = context;
    struct feed_figures state;
    figures(f);
    feed_figures(f->feed, &state);
    return state.spool.sent + state.spool.lost[DROP_REJECTED] == f->wanted;
}

TEST(without_a_spool_the_queue_is_all_there_is)
{
    struct fixture *f = set_up(false);
    put(f, SPAN("one"), 1);
    check_number(feed_safe(f->feed), 1); /* there is nothing to wait for */
    check(!feed_is_on_disk(f->feed));
    check_number(feed_waiting(f->feed, SPOOL_FRESH), 1);
    f->lane = SPOOL_FRESH;
    check(batch_comes(f));
    check_span(buf_span(&f->items), "one");
    check_span(buf_span(&f->preamble), "");
    feed_settle(f->feed, &f->batch, 0, DROP_REJECTED);
    check_number(figures(f).sent, 1);
    put(f, SPAN("two"), 2);
    check(batch_comes(f));
    feed_return(f->feed, &f->batch);
    put(f, SPAN("three"), 3);
    feed_stop(f->feed, 0);
    check_number(figures(f).dropped[DROP_SHUTDOWN], 5);
    f->feed = NULL;
    queue_free(f->queue);
    tear_down(f);
}

TEST(with_a_spool_items_are_safe_once_they_are_on_disk)
{
    struct fixture *f = set_up(true);
    put(f, SPAN("one,"), 1);
    put(f, SPAN("two"), 2);
    check(comes_true(all_is_safe, f));
    check(comes_true(is_open, f) && feed_is_on_disk(f->feed));
    f->lane = SPOOL_FRESH;
    check(comes_true(batch_comes, f));
    check_span(buf_span(&f->items), "one,two");
    check_span(buf_span(&f->preamble), "whose");
    check_number(f->batch.units, 3);
    feed_settle(f->feed, &f->batch, 1, DROP_REJECTED);
    f->wanted = 3;
    check(comes_true(spool_has_settled, f));
    check_number(figures(f).sent, 2);
    check_number(figures(f).dropped[DROP_REJECTED], 1);
    check_number(stop(f), FEED_ENDED);
    tear_down(f);
}

TEST(what_is_not_sent_is_the_backlog_of_the_next_process_and_its_figures_go_on)
{
    struct fixture *f = set_up(true);
    put(f, SPAN("sent"), 5);
    f->lane = SPOOL_FRESH;
    check(comes_true(batch_comes, f));
    feed_settle(f->feed, &f->batch, 0, DROP_REJECTED);
    put(f, SPAN("left"), 7);
    check(comes_true(batch_comes, f));
    feed_resent(f->feed, &f->batch);
    feed_return(f->feed, &f->batch);
    put(f, SPAN("late"), 9); /* comes to the disk at the end alone */
    check_number(stop(f), FEED_WAITS);
    start(f);
    check(comes_true(is_open, f));
    check_number(figures(f).produced, 21);
    check_number(figures(f).sent, 5);
    check_number(figures(f).resent, 7);
    put(f, SPAN("fresh"), 1);
    f->lane = SPOOL_FRESH;
    check(comes_true(batch_comes, f));
    check_span(buf_span(&f->items), "fresh");
    feed_settle(f->feed, &f->batch, 0, DROP_REJECTED);
    f->lane = SPOOL_BACKLOG;
    check(comes_true(batch_comes, f));
    check_span(buf_span(&f->items), "leftlate");
    feed_settle(f->feed, &f->batch, 0, DROP_REJECTED);
    f->wanted = 22;
    check(comes_true(spool_has_settled, f));
    check_number(figures(f).sent, 22);
    tear_down(f);
}

TEST(losses_before_the_spool_stand_in_its_ledger_and_a_rings_are_counted_once)
{
    struct fixture *f = set_up(true);
    queue_lost(f->queue, 11, DROP_RING_FULL);
    queue_lost(f->queue, 3, DROP_REJECTED);
    stop(f);
    start(f); /* another child of the same parent counts the ring's losses from the beginning */
    queue_lost(f->queue, 11 + 2, DROP_RING_FULL);
    check(comes_true(is_open, f));
    check_number(figures(f).dropped[DROP_RING_FULL], 13);
    check_number(figures(f).dropped[DROP_REJECTED], 3);
    stop(f);
    f->settings.ring = 78; /* another parent */
    start(f);
    queue_lost(f->queue, 1, DROP_RING_FULL);
    check(comes_true(is_open, f));
    check_number(figures(f).dropped[DROP_RING_FULL], 14);
    check_number(figures(f).produced, 17);
    tear_down(f);
}

TEST(a_folder_that_is_taken_is_waited_for_with_spans_in_memory)
{
    struct fixture *f = set_up(false);
    int folder = open(f->path, O_RDONLY | O_DIRECTORY);
    check_number(flock(folder, LOCK_EX), 0);
    f->settings.path = f->path;
    feed_use(f->feed, &f->settings);
    put(f, SPAN("one"), 1);
    f->lane = SPOOL_FRESH;
    check(comes_true(batch_comes, f)); /* from the queue */
    check(!f->batch.is_spooled && !feed_is_on_disk(f->feed));
    feed_settle(f->feed, &f->batch, 0, DROP_REJECTED);
    close(folder);
    check(comes_true(is_open, f));
    put(f, SPAN("two"), 1);
    check(comes_true(batch_comes, f));
    check(f->batch.is_spooled);
    feed_settle(f->feed, &f->batch, 0, DROP_REJECTED);
    tear_down(f);
}

/* Files end there from now on: what is written beyond fails with EFBIG. */
static void files_end_at(rlim_t bytes)
{
    struct rlimit limit;
    must(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = bytes;
    must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static bool is_in_memory(void *context)
{
    struct fixture *f = context;
    return !feed_is_on_disk(f->feed);
}

static bool is_on_disk_again(void *context)
{
    return !is_in_memory(context);
}

TEST(while_the_disk_is_full_items_wait_in_memory_and_leave_from_there)
{
    struct fixture *f = set_up(true);
    char *text = must_alloc(20000);
    signal(SIGXFSZ, SIG_IGN);
    check(comes_true(is_open, f));
    files_end_at(8192); /* the ledger has its room, a long item has none */
    put(f, span_make(text, 20000), 1);
    check(comes_true(is_in_memory, f));
    put(f, SPAN("from memory"), 2);
    f->lane = SPOOL_FRESH;
    check(comes_true(batch_comes, f));
    check(!f->batch.is_spooled);
    check_span(buf_span(&f->items), "from memory");
    check_number(feed_safe(f->feed), 2); /* there is nothing to wait for */
    feed_settle(f->feed, &f->batch, 0, DROP_REJECTED);
    files_end_at(RLIM_INFINITY);
    check(comes_true(is_on_disk_again, f));
    check(comes_true(batch_comes, f)); /* the long one was not lost */
    check(f->batch.is_spooled);
    check_number(f->items.len, 20000);
    feed_settle(f->feed, &f->batch, 0, DROP_REJECTED);
    check_number(figures(f).sent, 3);
    stop(f);
    start(f);
    check(comes_true(is_open, f)); /* the ledger knows what went past the spool */
    check_number(figures(f).sent, 3);
    check_number(figures(f).produced, 3);
    tear_down(f);
    free(text);
}

TEST(a_disk_that_stays_full_costs_what_cannot_be_kept_and_says_so_in_the_ledger)
{
    struct fixture *f = set_up(true);
    char *text = must_alloc(20000);
    signal(SIGXFSZ, SIG_IGN);
    check(comes_true(is_open, f));
    files_end_at(8192);
    put(f, span_make(text, 20000), 4);
    check(comes_true(is_in_memory, f));
    put(f, span_make(text, 20000), 5);
    stop(f);
    files_end_at(RLIM_INFINITY);
    start(f);
    check(comes_true(is_open, f));
    check_number(figures(f).dropped[DROP_SHUTDOWN], 9);
    check_number(figures(f).produced, 9);
    tear_down(f);
    free(text);
}

static bool spool_is_closed(void *context)
{
    return !is_open(context);
}

TEST(a_spool_that_is_left_by_a_change_keeps_what_it_has)
{
    struct fixture *f = set_up(true);
    f->lane = SPOOL_FRESH;
    put(f, SPAN("one"), 1);
    check(comes_true(batch_comes, f));
    struct feed_batch in_hand = f->batch;
    put(f, SPAN("two"), 2);
    check(comes_true(all_is_safe, f));
    struct feed_spool none = {.path = NULL};
    feed_use(f->feed, &none);
    check(comes_true(spool_is_closed, f));
    check_number(figures(f).waiting, 1); /* what is in hand */
    feed_return(f->feed, &in_hand);
    check_number(figures(f).waiting, 0);
    feed_use(f->feed, &f->settings);
    check(comes_true(is_open, f));
    check_number(figures(f).waiting, 3);
    f->lane = SPOOL_BACKLOG;
    check(comes_true(batch_comes, f));
    check_span(buf_span(&f->items), "onetwo");
    feed_settle(f->feed, &f->batch, 0, DROP_REJECTED);
    tear_down(f);
}

/* A thread that was started and is asleep: what wakes it is in the eventfd. */
static bool is_woken(struct feed *feed)
{
    eventfd_t count;
    return eventfd_read(feed->wake, &count) == 0;
}

TEST(a_batch_that_lay_ready_while_others_rested_rests_no_more_once_it_is_taken)
{
    struct fixture *f = set_up(false);
    f->lane = SPOOL_FRESH;
    f->feed->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    f->feed->running = true;
    struct feed_batch resting = {.is_spooled = true, .units = 1};
    resting.spool.range.from.sequence = 1;
    for (int others = 0; others < 2; others++) {
        struct feed_lane *lane = &f->feed->lanes[SPOOL_FRESH];
        lane->batch = (struct feed_batch){.is_spooled = true, .units = 2};
        lane->batch.spool.range.from.sequence = 2;
        lane->state = FEED_READY;
        feed_rest(f->feed, &resting, others > 0);
        check(is_woken(f->feed) == (others > 0));
        check(batch_comes(f) && f->batch.units == 2);
        check(is_woken(f->feed) == (others > 0)); /* alone it never rested: there is no news */
    }
    f->feed->running = false;
    tear_down(f);
}

int feed_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_spool_the_queue_is_all_there_is),
        cmocka_unit_test(with_a_spool_items_are_safe_once_they_are_on_disk),
        cmocka_unit_test(what_is_not_sent_is_the_backlog_of_the_next_process_and_its_figures_go_on),
        cmocka_unit_test(losses_before_the_spool_stand_in_its_ledger_and_a_rings_are_counted_once),
        cmocka_unit_test(a_folder_that_is_taken_is_waited_for_with_spans_in_memory),
        cmocka_unit_test(while_the_disk_is_full_items_wait_in_memory_and_leave_from_there),
        cmocka_unit_test(
            a_disk_that_stays_full_costs_what_cannot_be_kept_and_says_so_in_the_ledger),
        cmocka_unit_test(a_spool_that_is_left_by_a_change_keeps_what_it_has),
        cmocka_unit_test(a_batch_that_lay_ready_while_others_rested_rests_no_more_once_it_is_taken),
    };
    return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
