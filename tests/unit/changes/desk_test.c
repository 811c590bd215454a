/* SPDX-License-Identifier: Apache-2.0 */
/* Orders around the log of changes: when they are carried out, and when they are answered. */
#include "sidecar/change_desk.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "rules/base/must.h"
#include "sidecar/change_chain.h"
#include "tests/check.h"
#include "tests/unit/changes/suites.h"

enum { PATIENCE_US = 10 * 1000 * 1000, WORDS_BYTES = 256 };

struct scene {
    struct loop *loop;
    struct change_desk *desk;
    char path[64];
    char words[WORDS_BYTES]; /* what happened, a letter each */
    unsigned lacking;
};

struct order {
    struct change_turn turn;
    struct scene *scene;
    char name;
};

static void note(struct scene *scene, char name, const char *what)
{
    size_t len = strlen(scene->words);
    snprintf(scene->words + len, sizeof scene->words - len, "%c %s, ", name, what);
}

static unsigned lines(const struct scene *scene)
{
    FILE *file = fopen(scene->path, "re");
    check(file != NULL);
    struct chain_verdict verdict = chain_verify(&file, 1, 1, NULL);
    fclose(file);
    check(verdict.is_well);
    return (unsigned)verdict.records;
}

static void act(struct change_turn *turn, const struct change_fault *fault)
{
    struct order *order = list_entry(turn, struct order, turn);
    const struct change change = {.event = "Drain", .what = SPAN("process")};
    if (fault != NULL) {
        note(order->scene, order->name, fault->is_full ? "has no room" : "is refused");
        return;
    }
    note(order->scene, order->name, "is done");
    change_desk_write(order->scene->desk, span_text(order->scene->path), &change);
}

static void end(struct change_turn *turn, const struct change_fault *fault)
{
    struct order *order = list_entry(turn, struct order, turn);
    note(order->scene, order->name, fault == NULL ? "is written" : "is missing");
}

static void lacks(void *context, const char *what, const char *why)
{
    struct scene *scene = context;
    check(strcmp(what, "Drain process") == 0 && *why != '\0');
    scene->lacking++;
}

static void scene_begin(struct scene *scene)
{
    *scene = (struct scene){.path = "/tmp/change_desk.XXXXXX"};
    int fd = mkstemp(scene->path);
    check(fd >= 0);
    close(fd);
    scene->loop = loop_new(NULL);
    scene->desk = change_desk_new(scene->loop, lacks, scene);
}

static void scene_end(struct scene *scene)
{
    change_desk_free(scene->desk);
    loop_free(scene->loop);
    unlink(scene->path);
}

static struct order order_of(struct scene *scene, char name)
{
    return (struct order){
        .turn = {.places = {{.path = span_text(scene->path)}}, .act = act, .end = end},
        .scene = scene,
        .name = name};
}

static void finish(struct scene *scene)
{
    check(change_desk_finish(scene->desk, clock_monotonic_us() + PATIENCE_US));
}

TEST(orders_are_carried_out_one_after_the_other_each_written_before_the_next)
{
    struct scene scene;
    scene_begin(&scene);
    struct order a = order_of(&scene, 'a'), b = order_of(&scene, 'b');
    change_desk_take(scene.desk, &a.turn);
    change_desk_take(scene.desk, &b.turn);
    check_span(span_text(scene.words), ""); /* nothing is done at once */
    finish(&scene);
    check_span(span_text(scene.words), "a is done, a is written, b is done, b is written, ");
    check_number(lines(&scene), 2);
    check_number(scene.lacking, 0);
    scene_end(&scene);
}

TEST(while_the_log_is_held_the_loop_goes_on_and_the_order_is_not_carried_out)
{
    struct scene scene;
    scene_begin(&scene);
    struct order a = order_of(&scene, 'a'), b = order_of(&scene, 'b');
    int held = open(scene.path, O_RDONLY | O_CLOEXEC);
    check(held >= 0 && flock(held, LOCK_EX) == 0);
    change_desk_take(scene.desk, &a.turn);
    uint64_t before = clock_monotonic_us();
    loop_turn(scene.loop, 0);
    check(clock_monotonic_us() - before < 200000); /* the lock is tried for half a second */
    check(!change_desk_finish(scene.desk, clock_monotonic_us()));
    finish(&scene);
    close(held);
    change_desk_take(scene.desk, &b.turn);
    finish(&scene);
    check_span(span_text(scene.words), "a is refused, b is done, b is written, ");
    check_number(lines(&scene), 1);
    scene_end(&scene);
}

TEST(a_log_that_need_not_be_there_is_done_without_and_what_it_lacks_is_told)
{
    struct scene scene;
    scene_begin(&scene);
    struct order a = order_of(&scene, 'a'), b = order_of(&scene, 'b');
    unlink(scene.path);
    check(mkdir(scene.path, 0700) == 0); /* it cannot be a file */
    a.turn.places[0].is_optional = true;
    change_desk_take(scene.desk, &a.turn);
    change_desk_take(scene.desk, &b.turn);
    finish(&scene);
    check_span(span_text(scene.words), "a is done, a is written, b is refused, ");
    check_number(scene.lacking, 1);
    rmdir(scene.path);
    scene_end(&scene);
}

/* Of a disk that answers after all, once nobody waits any more: what it answers is for nobody. */
TEST(an_answer_that_comes_after_the_end_finds_nobody_and_harms_nothing)
{
    static struct scene scene;    /* its desk is kept as long as the program */
    int bell = dup(STDIN_FILENO); /* the next number that is free: the loop's, which is readable */
    check(bell >= 0 && close(bell) == 0); /* where mail waits */
    scene_begin(&scene);
    struct order *a = must_alloc(sizeof *a);
    *a = order_of(&scene, 'a');
    int held = open(scene.path, O_RDWR | O_APPEND | O_CLOEXEC);
    check(held >= 0 && flock(held, LOCK_EX) == 0);
    change_desk_take(scene.desk, &a->turn);
    check(!change_desk_finish(scene.desk, clock_monotonic_us()));
    check(flock(held, LOCK_UN) == 0);
    struct pollfd answer = {.fd = bell, .events = POLLIN};
    check(poll(&answer, 1, PATIENCE_US / 1000) == 1);
    free(a); /* who gave the order is gone */
    change_desk_free(scene.desk);
    loop_turn(scene.loop, 0);
    check_span(span_text(scene.words), "");
    check(flock(held, LOCK_EX | LOCK_NB) == 0); /* the log is others' again */
    close(held);
    loop_free(scene.loop);
    unlink(scene.path);
}

static unsigned threads(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    check(tasks != NULL);
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

TEST(a_desk_that_waits_for_the_lock_stops_waiting_when_it_is_given_up)
{
    static struct scene scene; /* as above */
    unsigned before = threads();
    scene_begin(&scene);
    struct order *a = must_alloc(sizeof *a);
    *a = order_of(&scene, 'a');
    int held = open(scene.path, O_RDONLY | O_CLOEXEC);
    check(held >= 0 && flock(held, LOCK_EX) == 0);
    change_desk_take(scene.desk, &a->turn);
    check(!change_desk_finish(scene.desk, clock_monotonic_us()));
    free(a);
    change_desk_free(scene.desk);
    check_number(threads(), before);
    close(held);
    loop_free(scene.loop);
    unlink(scene.path);
}

static void act_beside(struct change_turn *turn, const struct change_fault *fault)
{
    struct order *order = list_entry(turn, struct order, turn);
    const struct change change = {.event = "Drain", .what = SPAN("process")};
    check(fault == NULL);
    change_desk_write(order->scene->desk, SPAN("/nowhere"), &change);
}

static void lacks_now(void *context, const char *what, const char *why)
{
    check(what != NULL);
    check_span(span_text(why), "its log is not open");
    lacks(context, what, why);
}

TEST(a_record_without_an_open_log_is_not_told_the_fault_of_an_earlier_order)
{
    struct scene scene;
    scene_begin(&scene);
    change_desk_free(scene.desk);
    scene.desk = change_desk_new(scene.loop, lacks_now, &scene);
    struct order a = order_of(&scene, 'a'), b = order_of(&scene, 'b');
    a.turn.places[0].path = SPAN("/tmp"); /* it cannot be a file */
    b.turn.act = act_beside;
    change_desk_take(scene.desk, &a.turn);
    change_desk_take(scene.desk, &b.turn);
    finish(&scene);
    check_span(span_text(scene.words), "a is refused, b is written, ");
    check_number(scene.lacking, 1);
    scene_end(&scene);
}

int desk_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_carried_out_one_after_the_other_each_written_before_the_next),
        cmocka_unit_test(while_the_log_is_held_the_loop_goes_on_and_the_order_is_not_carried_out),
        cmocka_unit_test(a_log_that_need_not_be_there_is_done_without_and_what_it_lacks_is_told),
        cmocka_unit_test(an_answer_that_comes_after_the_end_finds_nobody_and_harms_nothing),
        cmocka_unit_test(a_desk_that_waits_for_the_lock_stops_waiting_when_it_is_given_up),
        cmocka_unit_test(a_record_without_an_open_log_is_not_told_the_fault_of_an_earlier_order),
    };
    return cmocka_run_group_tests_name("orders and the log of changes", tests, NULL, NULL);
}
