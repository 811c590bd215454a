/* SPDX-License-Identifier: Apache-2.0 */
/* Spans that nothing waits before go straight into the batch that they leave with. */
#include "exporters/otlp.h"
#include "tests/check.h"
#include "tests/unit/exporters/otlp_pair.h"
#include "tests/unit/exporters/sample.h"

TEST(an_empty_batch_that_lacks_memory_for_its_first_item_stays_open)
{
    struct otlp_pair *f = otlp_pair_new(false);
    struct buf *batch = otlp_open_batch(f->way.otlp);
    check(batch != NULL);
    size_t from = batch->len;
    check(buf_add(batch, buf_span(&f->way.item)));
    buf_fail_nth(1); /* for the item's size */
    check(!otlp_filled(f->way.otlp, from, SPANS));
    buf_fail_nth(0);
    buf_cut(batch, from);
    queue_put(f->way.queue, buf_span(&f->way.item), SPANS);
    check(otlp_open_batch(f->way.otlp) == batch);
    otlp_pair_step(f); /* from now on it is a second */
    f->way.now_us += SECOND;
    check(comes_true(otlp_pair_is_settled, f));
    f->way.now_us += SECOND;
    otlp_pair_stands_still(f);
    check_number(f->collector.requests, 1); /* the queue's, and none without spans */
    check_number(otlp_pair_figures(f).sent, SPANS);
    otlp_pair_put(f, 1);
    otlp_pair_step(f);
    f->way.now_us += SECOND;
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).sent, 2 * SPANS);
    otlp_pair_free(f);
}

TEST(spans_go_past_the_queue_while_nothing_waits_and_the_receiver_is_there)
{
    struct otlp_pair *f = otlp_pair_new(false);
    otlp_pair_put(f, 1);
    check_number(queue_units(f->way.queue), 0);
    check_number(otlp_pair_figures(f).waiting, SPANS);
    otlp_pair_step(f); /* from now on it is a second */
    f->way.now_us += SECOND;
    check(comes_true(otlp_pair_is_settled, f));
    f->collector.answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    otlp_pair_put(f, 1);
    otlp_pair_step(f);
    f->way.now_us += SECOND;
    check(comes_true(otlp_pair_is_stuck, f));
    otlp_pair_put(f, 2);
    check_number(queue_units(f->way.queue), 2 * SPANS);
    otlp_pair_free(f);
}

TEST(what_is_too_much_for_a_batch_begins_the_next_and_nothing_waits_in_the_queue)
{
    struct otlp_pair *f = otlp_pair_new(false);
    f->way.to.batch = (struct otlp_batch){.units = 3 * SPANS - 1};
    otlp_change(f->way.otlp, &f->way.settings);
    otlp_pair_put(f, 3);
    check_number(queue_units(f->way.queue), 0);
    check_number(otlp_pair_figures(f).waiting, 3 * SPANS);
    f->wanted = 1;
    check(comes_true(otlp_pair_has_come, f)); /* it is full: at once */
    check_number(f->collector.spans, 2 * SPANS);
    otlp_pair_stands_still(f);
    f->way.now_us += SECOND;
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).sent, 3 * SPANS);
    check_number(f->collector.spans, 3 * SPANS);
    otlp_pair_free(f);
}

TEST(where_no_batch_is_free_what_is_too_much_waits_in_the_queue)
{
    struct otlp_pair *f = otlp_pair_new(false);
    f->way.to.batch = (struct otlp_batch){.units = 2 * SPANS - 1};
    otlp_change(f->way.otlp, &f->way.settings);
    otlp_pair_put(f, 5); /* three may be under way */
    check_number(queue_units(f->way.queue), 2 * SPANS);
    check_number(otlp_pair_figures(f).waiting, 5 * SPANS);
    f->way.flush = true;
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).sent, 5 * SPANS);
    check_number(f->collector.spans, 5 * SPANS);
    otlp_pair_free(f);
}

TEST(a_next_batch_that_lacks_memory_leaves_its_item_to_the_queue)
{
    for (unsigned nth = 1; nth <= 2; nth++) { /* for the item, for its size */
        struct otlp_pair *f = otlp_pair_new(false);
        f->way.to.batch = (struct otlp_batch){.units = 2 * SPANS - 1};
        otlp_change(f->way.otlp, &f->way.settings);
        otlp_pair_put(f, 1);
        struct buf *batch = otlp_open_batch(f->way.otlp);
        size_t from = batch->len;
        check(buf_add(batch, buf_span(&f->way.item)));
        buf_fail_nth(1 + nth); /* the first is for what a request begins with */
        check(!otlp_filled(f->way.otlp, from, SPANS));
        buf_fail_nth(0);
        check_number(batch->len, from);
        queue_put(f->way.queue, buf_span(&f->way.item), SPANS);
        otlp_pair_put(f, 1); /* there is memory again */
        f->way.flush = true;
        check(comes_true(otlp_pair_is_settled, f));
        check_number(otlp_pair_figures(f).sent, 3 * SPANS);
        check_number(f->collector.spans, 3 * SPANS);
        otlp_pair_free(f);
    }
}

TEST(what_was_filled_is_queued_after_all_where_a_spool_comes)
{
    struct otlp_pair *f = otlp_pair_new(false);
    f->way.to.batch = (struct otlp_batch){.units = 4096};
    otlp_change(f->way.otlp, &f->way.settings);
    otlp_pair_put(f, 600); /* more than one item may be */
    check_number(queue_units(f->way.queue), 0);
    otlp_queue_filled(f->way.otlp);
    check_number(queue_units(f->way.queue), 600 * SPANS);
    check_number(otlp_pair_figures(f).waiting, 600 * SPANS);
    f->way.flush = true;
    check(comes_true(otlp_pair_is_settled, f));
    check_number(otlp_pair_figures(f).sent, 600 * SPANS);
    check_number(f->collector.spans, 600 * SPANS);
    otlp_pair_free(f);
}

int otlp_filling_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_batch_that_lacks_memory_for_its_first_item_stays_open),
        cmocka_unit_test(spans_go_past_the_queue_while_nothing_waits_and_the_receiver_is_there),
        cmocka_unit_test(
            what_is_too_much_for_a_batch_begins_the_next_and_nothing_waits_in_the_queue),
        cmocka_unit_test(where_no_batch_is_free_what_is_too_much_waits_in_the_queue),
        cmocka_unit_test(a_next_batch_that_lacks_memory_leaves_its_item_to_the_queue),
        cmocka_unit_test(what_was_filled_is_queued_after_all_where_a_spool_comes),
    };
    return cmocka_run_group_tests_name("otlp filling", tests, otlp_scene_past_the_queue,
                                       otlp_scene_by_the_queue);
}
