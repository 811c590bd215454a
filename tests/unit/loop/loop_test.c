/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "tests/check.h"
#include "tests/unit/loop/hand_clock.h"
#include "tests/unit/loop/suites.h"

struct pipe_watch {
    struct watch watch;
    int reading, writing;
    unsigned told, calls;
    struct watch *removes; /* taken away when called */
};

static void on_pipe(struct watch *watch, unsigned events)
{
    struct pipe_watch *pipe_watch = list_entry(watch, struct pipe_watch, watch);
    pipe_watch->told = events;
    pipe_watch->calls++;
    if (pipe_watch->removes != NULL)
        watch_remove(pipe_watch->removes);
}

static void pipe_open(struct pipe_watch *pipe_watch, struct loop *loop, unsigned events)
{
    int ends[2];
    *pipe_watch = (struct pipe_watch){.told = 0};
    check(pipe(ends) == 0);
    pipe_watch->reading = ends[0];
    pipe_watch->writing = ends[1];
    check(watch_add(loop, &pipe_watch->watch, ends[0], events, on_pipe));
}

static void pipe_put(const struct pipe_watch *pipe_watch)
{
    check(write(pipe_watch->writing, "x", 1) == 1);
}

static void pipe_close(struct pipe_watch *pipe_watch)
{
    watch_remove(&pipe_watch->watch);
    close(pipe_watch->reading);
    if (pipe_watch->writing >= 0)
        close(pipe_watch->writing);
}

TEST(a_descriptor_is_reported_as_long_as_it_is_ready_and_watched)
{
    struct hand_clock hand;
    struct pipe_watch one;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    pipe_open(&one, loop, WATCH_READ);
    loop_turn(loop, 1000000);
    check_number(one.calls, 0);
    pipe_put(&one);
    loop_turn(loop, 0);
    loop_turn(loop, 0);
    check_number(one.calls, 2);
    check_number(one.told, WATCH_READ);
    watch_change(&one.watch, 0);
    loop_turn(loop, 0);
    check_number(one.calls, 2);
    watch_change(&one.watch, WATCH_READ);
    loop_turn(loop, 0);
    check_number(one.calls, 3);
    pipe_close(&one);
    loop_free(loop);
}

TEST(a_hangup_is_reported_even_where_nothing_is_watched)
{
    struct hand_clock hand;
    struct pipe_watch one;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    pipe_open(&one, loop, 0);
    close(one.writing);
    one.writing = -1;
    loop_turn(loop, 0);
    check_number(one.told, WATCH_HANGUP);
    pipe_close(&one);
    loop_free(loop);
}

TEST(a_watch_that_is_removed_in_a_callback_is_not_called_in_that_turn)
{
    struct hand_clock hand;
    struct pipe_watch one, other;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    pipe_open(&one, loop, WATCH_READ);
    pipe_open(&other, loop, WATCH_READ);
    one.removes = &other.watch;
    other.removes = &one.watch;
    pipe_put(&one);
    pipe_put(&other);
    loop_turn(loop, 0);
    check_number(one.calls + other.calls, 1);
    loop_turn(loop, 0);
    check_number(one.calls + other.calls, 2);
    one.removes = other.removes = NULL;
    pipe_close(&one);
    pipe_close(&other);
    loop_free(loop);
}

TEST(a_removed_watch_may_be_removed_and_added_again)
{
    struct hand_clock hand;
    struct pipe_watch one;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    pipe_open(&one, loop, WATCH_READ);
    watch_remove(&one.watch);
    watch_remove(&one.watch);
    check(watch_add(loop, &one.watch, one.reading, WATCH_READ, on_pipe));
    pipe_put(&one);
    loop_turn(loop, 0);
    check_number(one.calls, 1);
    check(!watch_add(loop, &(struct watch){.fd = -1}, -1, WATCH_READ, on_pipe));
    pipe_close(&one);
    loop_free(loop);
}

/* ---- tasks ---- */

struct note {
    struct task task;
    struct loop *loop;
    struct note *posts; /* when it runs */
    char letter;
    char *text; /* where it notes its letter */
};

static void note_run(struct task *task)
{
    struct note *note = list_entry(task, struct note, task);
    size_t len = strlen(note->text);
    note->text[len] = note->letter;
    note->text[len + 1] = '\0';
    if (note->posts != NULL)
        loop_post(note->loop, &note->posts->task);
}

static void note_init(struct note *note, struct loop *loop, char letter, char *text)
{
    *note = (struct note){.loop = loop, .letter = letter, .text = text};
    task_init(&note->task, note_run);
}

TEST(tasks_run_once_in_order_and_new_ones_in_the_next_round)
{
    struct hand_clock hand;
    struct note a, b, c;
    char text[16] = "";
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    note_init(&a, loop, 'a', text);
    note_init(&b, loop, 'b', text);
    note_init(&c, loop, 'c', text);
    a.posts = &c;
    loop_post(loop, &a.task);
    loop_post(loop, &b.task);
    loop_post(loop, &a.task);
    loop_turn(loop, 0);
    check_span(span_text(text), "abc");
    loop_post(loop, &b.task);
    loop_post(loop, &c.task);
    task_cancel(&b.task);
    task_cancel(&b.task);
    loop_turn(loop, 0);
    check_span(span_text(text), "abcc");
    loop_free(loop);
}

TEST(a_task_that_posts_itself_for_ever_does_not_starve_descriptors)
{
    struct hand_clock hand;
    struct note a;
    struct pipe_watch one;
    char text[1024] = "";
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    pipe_open(&one, loop, WATCH_READ);
    pipe_put(&one);
    note_init(&a, loop, 'a', text);
    a.posts = &a;
    loop_post(loop, &a.task);
    loop_turn(loop, 0);
    check_number(strlen(text), 64);
    check_number(one.calls, 1);
    loop_turn(loop, 0);
    check_number(strlen(text), 128);
    check_number(one.calls, 2);
    task_cancel(&a.task);
    pipe_close(&one);
    loop_free(loop);
}

/* ---- the loop as a whole ---- */

static void stop(struct timer *timer)
{
    loop_stop(timer->loop);
}

TEST(a_loop_turns_until_it_is_stopped_and_may_run_again)
{
    struct loop *loop = loop_new(NULL);
    struct timer timer;
    timer_init(&timer, loop, stop);
    for (int i = 0; i < 2; i++) {
        timer_arm(&timer, loop_clock_us(loop) + 1);
        loop_run(loop);
        check(!timer_is_armed(&timer));
    }
    loop_free(loop);
}

TEST(the_system_loop_waits_for_its_timer)
{
    struct loop *loop = loop_new(clock_system());
    struct timer timer;
    timer_init(&timer, loop, stop);
    uint64_t at_us = loop_clock_us(loop) + 3000;
    timer_arm(&timer, at_us);
    loop_run(loop);
    check(loop_now_us(loop) >= at_us);
    check(loop_wall_us(loop) > 1600000000000000U);
    loop_free(loop);
}

TEST(time_is_looked_at_once_a_turn)
{
    struct hand_clock hand;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    check_number(loop_now_us(loop), 5000000);
    check_number(loop_wall_us(loop), 77);
    hand.now_us += 10;
    hand.wall_us += 20;
    check_number(loop_now_us(loop), 5000000);
    check_number(loop_clock_us(loop), 5000010);
    loop_turn(loop, 0);
    check_number(loop_now_us(loop), 5000010);
    check_number(loop_wall_us(loop), 97);
    loop_free(loop);
}

int loop_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_descriptor_is_reported_as_long_as_it_is_ready_and_watched),
        cmocka_unit_test(a_hangup_is_reported_even_where_nothing_is_watched),
        cmocka_unit_test(a_watch_that_is_removed_in_a_callback_is_not_called_in_that_turn),
        cmocka_unit_test(a_removed_watch_may_be_removed_and_added_again),
        cmocka_unit_test(tasks_run_once_in_order_and_new_ones_in_the_next_round),
        cmocka_unit_test(a_task_that_posts_itself_for_ever_does_not_starve_descriptors),
        cmocka_unit_test(a_loop_turns_until_it_is_stopped_and_may_run_again),
        cmocka_unit_test(the_system_loop_waits_for_its_timer),
        cmocka_unit_test(time_is_looked_at_once_a_turn),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
