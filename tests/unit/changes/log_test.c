/* SPDX-License-Identifier: Apache-2.0 */
/* The file that the log of changes is. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sidecar/change_chain.h"
#include "sidecar/change_log.h"
#include "tests/check.h"
#include "tests/unit/changes/suites.h"

struct scene {
    char path[64];
    const char *why;           /* of the last one that failed */
    struct change_fault fault; /* the same */
    struct change_wait wait;
};

static bool waits_not(void *context)
{
    (void)context;
    return false;
}

static void scene_begin(struct scene *scene)
{
    *scene = (struct scene){.path = "/tmp/change_log.XXXXXX", .wait = {waits_not, NULL}};
    int fd = mkstemp(scene->path);
    check(fd >= 0);
    close(fd);
}

static void scene_end(const struct scene *scene)
{
    unlink(scene->path);
}

static bool add(struct scene *scene, struct span before, struct span after)
{
    const struct change change = {
        .event = "Drain", .what = SPAN("process"), .before = before, .after = after};
    scene->fault = (struct change_fault){.is_full = false};
    struct buf body;
    buf_init(&body, (size_t)1 << 20);
    scene->why = change_write(&change, &body);
    struct change_log *log = scene->why == NULL
                                 ? change_log_begin(scene->path, NULL, &scene->wait, &scene->fault)
                                 : NULL;
    bool well = log != NULL && change_log_put(log, buf_span(&body), &scene->fault);
    if (scene->why == NULL)
        scene->why = scene->fault.why;
    change_log_end(log);
    buf_fini(&body);
    return well;
}

static uint64_t records(const struct scene *scene)
{
    FILE *file = fopen(scene->path, "re");
    check(file != NULL);
    struct chain_verdict verdict = chain_verify(&file, 1, 1, NULL);
    fclose(file);
    check(verdict.is_well);
    return verdict.records;
}

TEST(a_value_that_would_break_its_line_is_refused_and_the_file_stays_as_it_was)
{
    struct scene scene;
    scene_begin(&scene);
    check(add(&scene, SPAN("{\"a\":1}"), SPAN("{\"a\":\"\\n\"}")));
    check(!add(&scene, SPAN("{\n\"a\":1}"), SPAN("{}")));
    check(strstr(scene.why, "before: a control character in it") != NULL);
    check(!add(&scene, SPAN("{}"), SPAN("{\"a\":1}\r")));
    check(strstr(scene.why, "after: a control character in it") != NULL);
    check(!add(&scene, SPAN("{}"), SPAN("{\"a\":\0}")));
    check_number(records(&scene), 1);
    check(add(&scene, span_make(NULL, 0), span_make(NULL, 0)));
    check_number(records(&scene), 2);
    scene_end(&scene);
}

/* Somebody who holds the file until so many pauses are over, which is as long as anybody waits. */
struct holder {
    int fd;
    unsigned pauses, patience;
};

static bool pause_beside(void *context)
{
    struct holder *holder = context;
    if (holder->pauses > 0 && --holder->pauses == 0)
        close(holder->fd);
    return holder->patience-- > 0;
}

static struct holder hold(struct scene *scene, unsigned pauses, unsigned patience)
{
    struct holder holder = {open(scene->path, O_RDONLY | O_CLOEXEC), pauses, patience};
    check(holder.fd >= 0 && flock(holder.fd, LOCK_EX) == 0);
    return holder;
}

TEST(who_holds_the_file_is_waited_for_as_long_as_there_is_patience)
{
    struct scene scene;
    scene_begin(&scene);
    struct holder short_one = hold(&scene, 3, 5);
    scene.wait = (struct change_wait){pause_beside, &short_one};
    check(add(&scene, SPAN("{}"), SPAN("{}")));
    check_number(short_one.patience, 2);
    struct holder long_one = hold(&scene, 0, 5);
    scene.wait.context = &long_one;
    check(!add(&scene, SPAN("{}"), SPAN("{}")));
    check(strstr(scene.why, "somebody else has held it for too long") != NULL);
    close(long_one.fd);
    check_number(records(&scene), 1);
    check(add(&scene, SPAN("{}"), SPAN("{}")));
    check_number(records(&scene), 2);
    scene_end(&scene);
}

TEST(a_pause_says_when_its_moment_has_come)
{
    uint64_t far = UINT64_MAX, past = 0;
    check(change_pause_until(&far));
    check(!change_pause_until(&past));
}

/* A record over the file's limit of so many bytes; how many files there are with it. */
static unsigned rotated(struct scene *scene, uint64_t most_bytes, unsigned keep)
{
    const struct change change = {.event = "Drain", .what = SPAN("process")};
    const struct change_rotation rotation = {most_bytes, keep};
    struct buf body;
    buf_init(&body, CHAIN_LINE_MOST);
    check(change_write(&change, &body) == NULL);
    struct change_log *log = change_log_begin(scene->path, &rotation, &scene->wait, &scene->fault);
    check(log != NULL && change_log_put(log, buf_span(&body), &scene->fault));
    change_log_end(log);
    buf_fini(&body);
    unsigned files = 1;
    char name[96];
    while (snprintf(name, sizeof name, "%s.%u", scene->path, files) > 0 && access(name, F_OK) == 0)
        files++;
    return files;
}

/* Of the files from .`oldest` to the one that is written. */
static struct chain_verdict verdict_of(const struct scene *scene, unsigned oldest, uint64_t from)
{
    FILE *files[8];
    char name[96];
    for (unsigned i = 0; i <= oldest; i++) {
        snprintf(name, sizeof name, i < oldest ? "%s.%u" : "%s", scene->path, oldest - i);
        files[i] = fopen(name, "re");
        check(files[i] != NULL);
    }
    struct chain_verdict verdict = chain_verify(files, oldest + 1, from, NULL);
    for (unsigned i = 0; i <= oldest; i++)
        fclose(files[i]);
    return verdict;
}

static void remove_rotated(const struct scene *scene)
{
    char name[96];
    for (unsigned i = 1; i < 8; i++) {
        snprintf(name, sizeof name, "%s.%u", scene->path, i);
        unlink(name);
    }
}

TEST(the_chain_goes_on_over_the_files_that_the_log_is_rotated_into)
{
    struct scene scene;
    scene_begin(&scene);
    check_number(rotated(&scene, 1000, 0), 1);
    check_number(rotated(&scene, 100, 0), 2);
    check_number(rotated(&scene, 100, 0), 3);
    check(add(&scene, SPAN("{}"), SPAN("{}"))); /* a command, which does not rotate */
    struct chain_verdict verdict = verdict_of(&scene, 2, 1);
    check(verdict.is_well);
    check_number(verdict.records, 4);
    check(!verdict_of(&scene, 1, 1).is_well); /* the first file is missing... */
    check(verdict_of(&scene, 1, 2).is_well);  /* ...as somebody knew */
    check(!verdict_of(&scene, 1, 3).is_well);
    remove_rotated(&scene);
    scene_end(&scene);
}

TEST(only_so_many_rotated_files_are_kept_where_that_is_asked_for)
{
    struct scene scene;
    scene_begin(&scene);
    for (unsigned i = 0; i < 6; i++)
        check_number(rotated(&scene, 100, 2), i < 2 ? i + 1 : 3);
    struct chain_verdict verdict = verdict_of(&scene, 2, 4);
    check(verdict.is_well);
    check_number(verdict.records, 3);
    remove_rotated(&scene);
    scene_end(&scene);
}

TEST(a_rotation_that_a_crash_left_half_done_and_a_torn_end_break_no_chain)
{
    struct scene scene;
    char name[96];
    scene_begin(&scene);
    check_number(rotated(&scene, 1000, 0), 1);
    int fd = open(scene.path, O_WRONLY | O_APPEND | O_CLOEXEC);
    check(write(fd, "{\"sequence\":2,", 14) == 14);
    close(fd);
    snprintf(name, sizeof name, "%s.1", scene.path);
    check(rename(scene.path, name) == 0); /* and no new file yet */
    check_number(rotated(&scene, 1000, 0), 2);
    struct chain_verdict verdict = verdict_of(&scene, 1, 1);
    check(verdict.is_well);
    check_number(verdict.records, 2);
    check_number(verdict.torn_file, 0);
    check_number(verdict.torn_line, 2);
    remove_rotated(&scene);
    scene_end(&scene);
}

TEST(while_the_file_before_cannot_be_opened_no_chain_begins_anew)
{
    struct scene scene;
    char name[96], aside[96];
    scene_begin(&scene);
    check_number(rotated(&scene, 1000, 0), 1);
    snprintf(name, sizeof name, "%s.1", scene.path);
    snprintf(aside, sizeof aside, "%s.2", scene.path);
    check(rename(scene.path, aside) == 0);
    check(symlink(name, name) == 0); /* to itself: it is there, and cannot be opened */
    check(!add(&scene, SPAN("{}"), SPAN("{}")));
    check(strstr(scene.why, "the file before it cannot be read: Too many levels") != NULL);
    check(unlink(name) == 0 && rename(aside, name) == 0);
    check(add(&scene, SPAN("{}"), SPAN("{}")));
    struct chain_verdict verdict = verdict_of(&scene, 1, 1);
    check(verdict.is_well);
    check_number(verdict.records, 2);
    remove_rotated(&scene);
    scene_end(&scene);
}

TEST(where_there_is_no_room_for_a_record_nothing_begins)
{
    struct scene scene;
    struct rlimit before, less;
    scene_begin(&scene);
    check(getrlimit(RLIMIT_FSIZE, &before) == 0);
    less = before;
    less.rlim_cur = 1000;
    check(setrlimit(RLIMIT_FSIZE, &less) == 0);
    check(!add(&scene, SPAN("{}"), SPAN("{}")));
    check(setrlimit(RLIMIT_FSIZE, &before) == 0);
    check(scene.fault.is_full);
    check(strstr(scene.why, "File too large") != NULL);
    check_number(records(&scene), 0);
    check(add(&scene, SPAN("{}"), SPAN("{}")));
    struct stat status;
    check(stat(scene.path, &status) == 0 && status.st_size < 1000); /* no room is left behind it */
    scene_end(&scene);
}

TEST(a_pipe_is_no_log_of_changes)
{
    struct scene scene;
    scene_begin(&scene);
    unlink(scene.path);
    check(mkfifo(scene.path, 0600) == 0);
    check(!change_log_open(scene.path, &scene.fault));
    check(strstr(scene.fault.why, "this is no file") != NULL);
    check(!add(&scene, SPAN("{}"), SPAN("{}")));
    scene_end(&scene);
}

int log_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_that_would_break_its_line_is_refused_and_the_file_stays_as_it_was),
        cmocka_unit_test(who_holds_the_file_is_waited_for_as_long_as_there_is_patience),
        cmocka_unit_test(a_pause_says_when_its_moment_has_come),
        cmocka_unit_test(the_chain_goes_on_over_the_files_that_the_log_is_rotated_into),
        cmocka_unit_test(only_so_many_rotated_files_are_kept_where_that_is_asked_for),
        cmocka_unit_test(a_rotation_that_a_crash_left_half_done_and_a_torn_end_break_no_chain),
        cmocka_unit_test(while_the_file_before_cannot_be_opened_no_chain_begins_anew),
        cmocka_unit_test(where_there_is_no_room_for_a_record_nothing_begins),
        cmocka_unit_test(a_pipe_is_no_log_of_changes),
    };
    return cmocka_run_group_tests_name("the log of changes", tests, NULL, NULL);
}
