/* SPDX-License-Identifier: Apache-2.0 */
/* The file that a thread of its own writes. */
#include "sidecar/alarm_journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "sidecar/loop/loop.h"
#include "tests/check.h"
#include "tests/unit/alarms/suites.h"

enum { LINES = 2000, TURN_US = 20000, TURNS = 1000 };

struct scene {
    char folder[64];
    struct loop *loop;
    struct alarm_journal *journal;
    int told, error; /* how often; the latest */
};

static void on_told(void *context, int error)
{
    struct scene *scene = context;
    scene->told++;
    scene->error = error;
}

static void scene_begin(struct scene *scene)
{
    *scene = (struct scene){.folder = "/tmp/alarm_journal.XXXXXX"};
    check(mkdtemp(scene->folder) != NULL);
    scene->loop = loop_new(NULL);
    scene->journal = alarm_journal_start(scene->folder, scene->loop, on_told, scene);
    check(scene->loop != NULL && scene->journal != NULL);
}

static void journal_end(struct scene *scene)
{
    check(alarm_journal_stop(scene->journal, clock_monotonic_us() + 10000000));
    loop_turn(scene->loop, 0);
    alarm_journal_free(scene->journal);
    scene->journal = NULL;
}

static void remove_file(const struct scene *scene, const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", scene->folder, name);
    unlink(path);
}

static void scene_end(struct scene *scene)
{
    journal_end(scene);
    loop_free(scene->loop);
    remove_file(scene, "alarms.log");
    remove_file(scene, "alarms.log.broken");
    remove_file(scene, "alarms.lock");
    check(rmdir(scene->folder) == 0); /* and nothing else was there */
}

/* Until something was written, or could not be. */
static void wait_for_word(struct scene *scene)
{
    int before = scene->told;
    for (int i = 0; i < TURNS && scene->told == before; i++)
        loop_turn(scene->loop, TURN_US);
    check(scene->told > before);
}

struct reading {
    size_t lines, wrong;
};

/* "line 0", "line 1"... */
static void take(void *context, struct span line)
{
    struct reading *reading = context;
    char want[32];
    snprintf(want, sizeof want, "line %zu", reading->lines++);
    reading->wrong += !span_is(line, span_text(want));
}

static size_t lines_of(const struct scene *scene)
{
    struct reading reading = {0};
    check(alarm_journal_read(scene->folder, take, &reading));
    check_number(reading.wrong, 0);
    return reading.lines;
}

TEST(lines_come_to_the_disk_in_their_order_and_none_is_lost_at_the_end)
{
    struct scene scene;
    char line[32];
    scene_begin(&scene);
    check(!alarm_journal_is_second(scene.journal));
    check_number(lines_of(&scene), 0);
    alarm_journal_renew(scene.journal, SPAN("line 0\n"));
    for (int i = 1; i < LINES; i++) {
        snprintf(line, sizeof line, "line %d\n", i);
        alarm_journal_add(scene.journal, span_text(line));
    }
    journal_end(&scene);
    check_number(scene.error, 0);
    check_number(lines_of(&scene), LINES);
    scene.journal = alarm_journal_start(scene.folder, scene.loop, on_told, &scene);
    alarm_journal_renew(scene.journal, SPAN("line 0\nline 1\n"));
    wait_for_word(&scene);
    check(alarm_journal_is_kept(scene.journal));
    check_number(lines_of(&scene), 2);
    check(alarm_journal_put_aside(scene.folder));
    check_number(lines_of(&scene), 0);
    scene_end(&scene);
}

TEST(two_programs_do_not_undo_each_others_work)
{
    struct scene scene;
    struct scene other = {.told = 0};
    scene_begin(&scene);
    alarm_journal_renew(scene.journal, SPAN("line 0\n"));
    wait_for_word(&scene);
    snprintf(other.folder, sizeof other.folder, "%s", scene.folder);
    other.loop = loop_new(NULL);
    other.journal = alarm_journal_start(other.folder, other.loop, on_told, &other);
    check(alarm_journal_is_second(other.journal));
    alarm_journal_renew(other.journal, SPAN("another's\n"));
    wait_for_word(&other);
    check_number(other.error, EBUSY);
    check_number(lines_of(&scene), 1);
    journal_end(&scene);
    alarm_journal_renew(other.journal, SPAN("line 0\nline 1\n"));
    wait_for_word(&other);
    check_number(other.error, 0);
    check_number(lines_of(&other), 2);
    scene.journal = other.journal;
    loop_free(scene.loop);
    scene.loop = other.loop;
    scene_end(&scene);
}

TEST(what_cannot_be_written_is_said_and_written_anew_later)
{
    struct scene scene;
    char path[96];
    scene_begin(&scene);
    snprintf(path, sizeof path, "%s/alarms.log.new", scene.folder);
    check(symlink("/nowhere/at/all", path) == 0);
    alarm_journal_renew(scene.journal, SPAN("line 0\n"));
    wait_for_word(&scene);
    check(scene.error != 0);
    alarm_journal_add(scene.journal, SPAN("line 1\n")); /* nowhere to put it */
    unlink(path);
    alarm_journal_renew(scene.journal, SPAN("line 0\nline 1\n"));
    wait_for_word(&scene);
    check_number(scene.error, 0);
    check_number(lines_of(&scene), 2);
    scene_end(&scene);
}

/* A pipe whose other end nobody opens is like a disk that is gone. */
TEST(a_disk_that_hangs_is_waited_for_until_the_deadline_and_no_longer)
{
    struct scene scene;
    char path[96];
    scene_begin(&scene);
    snprintf(path, sizeof path, "%s/alarms.log.new", scene.folder);
    check(mkfifo(path, 0600) == 0);
    alarm_journal_renew(scene.journal, SPAN("a\n"));
    uint64_t before = clock_monotonic_us();
    check(!alarm_journal_stop(scene.journal, before));
    check(clock_monotonic_us() - before < 5 * UINT64_C(1000000));
    alarm_journal_free(scene.journal); /* it is the thread's now, which hangs on */
    loop_free(scene.loop);
    unlink(path);
    remove_file(&scene, "alarms.lock");
}

int journal_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_hangs_is_waited_for_until_the_deadline_and_no_longer),
        cmocka_unit_test(lines_come_to_the_disk_in_their_order_and_none_is_lost_at_the_end),
        cmocka_unit_test(two_programs_do_not_undo_each_others_work),
        cmocka_unit_test(what_cannot_be_written_is_said_and_written_anew_later),
    };
    return cmocka_run_group_tests_name("the journal of alarms", tests, NULL, NULL);
}
