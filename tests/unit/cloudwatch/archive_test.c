/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics on disk. */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "exporters/cloudwatch/archive.h"
#include "exporters/cloudwatch/archive_file.h"
#include "exporters/cloudwatch/packed.h"
#include "exporters/cloudwatch/steady.h"
#include "tests/check.h"
#include "tests/hearing.h"
#include "tests/unit/cloudwatch/suites.h"
#include "tests/unit/exporters/sample.h"

enum { MINUTE_S = 60, LOTS = 1 << 24, SLOTS = 8, AGE_MOST_S = 15 * 86400 };

static atomic_uint masks; /* times that the process's mask was changed */

/* In place of the C library's. */
mode_t umask(mode_t mask)
{
    masks++;
    return (mode_t)syscall(SYS_umask, mask);
}

/* Now, on a full minute: what is old goes by the real clock. */
static int64_t minute_now(void)
{
    return (int64_t)time(NULL) / MINUTE_S * MINUTE_S;
}

static void add(struct metric_store *store, const char *name, int64_t second, double value)
{
    struct metric_id id = {SPAN("Sidegate"), span_text(name), NULL, 0};
    struct sketch sketch = {0};
    sketch_add(&sketch, value, 1);
    check(metric_store_add(store, &id, second, &sketch));
    sketch_fini(&sketch);
}

struct question {
    const char *name;
    struct math_window window;
    double sums[SLOTS];
    size_t listed;
    bool done;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

static void on_metric(void *context, const struct metric_id *id)
{
    (void)id;
    ((struct question *)context)->listed++;
}

static void answer(void *context, const struct metric_source *source)
{
    struct question *question = context;
    struct metric_id id = {SPAN("Sidegate"), span_text(question->name), NULL, 0};
    struct sketch slots[SLOTS] = {{0}};
    source->read(source->context, &id, &question->window, slots);
    source->each(source->context, on_metric, question);
    for (size_t i = 0; i < SLOTS; i++) {
        question->sums[i] = slots[i].sum;
        sketch_fini(&slots[i]);
    }
    pthread_mutex_lock(&question->lock);
    question->done = true;
    pthread_cond_signal(&question->wake);
    pthread_mutex_unlock(&question->lock);
}

static struct question ask(struct archive *archive, const char *name, int64_t start_s,
                           unsigned period_s)
{
    struct question question = {name,
                                {start_s, period_s, SLOTS},
                                {0},
                                0,
                                false,
                                PTHREAD_MUTEX_INITIALIZER,
                                PTHREAD_COND_INITIALIZER};
    check(archive_ask(archive, answer, &question));
    pthread_mutex_lock(&question.lock);
    while (!question.done)
        pthread_cond_wait(&question.wake, &question.lock);
    pthread_mutex_unlock(&question.lock);
    return question;
}

/* What a question was counted as is known when the next one is asked: two, for there may have been
 * none before. */
static struct archive_figures figures_of(struct archive *archive)
{
    ask(archive, "nothing", minute_now(), 60);
    ask(archive, "nothing", minute_now(), 60);
    return archive_figures(archive);
}

struct scene {
    char folder[256];
    struct metric_store *store;
    struct archive *archive;
};

static void scene_start(struct scene *scene)
{
    const struct archive_settings settings = {scene->folder, 64 << 20, AGE_MOST_S};
    scene->store = metric_store_new(100, LOTS);
    scene->archive = archive_start(scene->store, &settings);
    check(scene->archive != NULL);
}

static void scene_begin(struct scene *scene)
{
    folder_make(scene->folder, sizeof scene->folder);
    scene_start(scene);
}

static void scene_stop(struct scene *scene)
{
    check(archive_stop(scene->archive, clock_monotonic_us() + 10000000));
    metric_store_free(scene->store);
}

static void scene_end(struct scene *scene)
{
    scene_stop(scene);
    folder_remove(scene->folder);
}

TEST(what_was_counted_before_a_restart_is_there_after_it_by_the_second_and_the_minute)
{
    struct scene scene;
    int64_t now_s = minute_now();
    scene_begin(&scene);
    for (int64_t i = 0; i < 90; i++)
        add(scene.store, "m", now_s - 120 + i, 1);
    add(scene.store, "gone", now_s - 120, 5);
    scene_stop(&scene);
    scene_start(&scene);
    struct question got = ask(scene.archive, "m", now_s - 120, 60);
    check(got.sums[0] == 60 && got.sums[1] == 30 && got.sums[2] == 0);
    check_number(got.listed, 2);
    got = ask(scene.archive, "m", now_s - 120, 1);
    check(got.sums[0] == 1 && got.sums[7] == 1);
    add(scene.store, "m", now_s - 120 + 95, 100); /* the same minute, by another run */
    got = ask(scene.archive, "m", now_s - 120, 60);
    check(got.sums[0] == 60 && got.sums[1] == 130);
    check_number(got.listed, 2);
    scene_stop(&scene);
    scene_start(&scene);
    got = ask(scene.archive, "m", now_s - 120, 60);
    check(got.sums[0] == 60 && got.sums[1] == 130);
    scene_end(&scene);
}

TEST(memory_alone_answers_where_there_is_no_folder)
{
    struct metric_store *store = metric_store_new(100, LOTS);
    struct archive *archive = archive_start(store, &(struct archive_settings){NULL, 1, 1});
    int64_t now_s = minute_now();
    add(store, "m", now_s, 3);
    check(ask(archive, "m", now_s, 60).sums[0] == 3);
    check(archive_stop(archive, clock_monotonic_us() + 10000000));
    metric_store_free(store);
}

/* What a disk does that is gone: it never comes back. */
static void hang(void *context, const struct metric_source *source)
{
    (void)source;
    sem_t *begun = context, never;
    sem_init(&never, 0, 0);
    sem_post(begun);
    for (;;)
        sem_wait(&never);
}

TEST(a_disk_that_hangs_is_waited_for_until_the_deadline_and_no_longer)
{
    struct scene scene;
    sem_t begun;
    scene_begin(&scene);
    sem_init(&begun, 0, 0);
    check(archive_ask(scene.archive, hang, &begun));
    sem_wait(&begun);
    uint64_t before = clock_monotonic_us();
    check(!archive_stop(scene.archive, before));
    check(clock_monotonic_us() - before < 5 * UINT64_C(1000000));
    folder_remove(scene.folder); /* the store is the thread's now */
}

enum { ASIDE_BYTES = PATH_MAX + 8 };

/* A folder with a metrics.db that is none; what it will be called once it is put aside. */
static void scene_make_broken(struct scene *scene, char path[PATH_MAX], char aside[ASIDE_BYTES])
{
    folder_make(scene->folder, sizeof scene->folder);
    snprintf(path, PATH_MAX, "%s/metrics.db", scene->folder);
    snprintf(aside, ASIDE_BYTES, "%s.broken", path);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 10000; i++)
        fputs("this is no database ", file);
    fclose(file);
}

TEST(a_database_that_is_none_is_put_aside_and_memory_goes_into_a_new_one)
{
    struct scene scene;
    char path[PATH_MAX], aside[ASIDE_BYTES];
    int64_t now_s = minute_now();
    scene_make_broken(&scene, path, aside);
    scene_start(&scene);
    add(scene.store, "m", now_s, 3);
    check(ask(scene.archive, "m", now_s, 60).sums[0] == 3);
    check_number(figures_of(scene.archive).broken, 1);
    check_number(access(aside, F_OK), 0);
    scene_stop(&scene);
    scene_start(&scene);
    check(ask(scene.archive, "m", now_s, 60).sums[0] == 3);
    check_number(figures_of(scene.archive).broken, 0);
    scene_end(&scene);
}

TEST(a_database_that_cannot_be_put_aside_is_said_once)
{
    struct scene scene;
    char path[PATH_MAX], aside[ASIDE_BYTES];
    int64_t now_s = minute_now();
    scene_make_broken(&scene, path, aside);
    check_number(mkdir(aside, 0700), 0);
    struct hearing hearing = hearing_begin();
    scene_start(&scene);
    add(scene.store, "m", now_s, 3);
    for (unsigned i = 0; i < 5; i++)
        check(ask(scene.archive, "m", now_s, 60).sums[0] == 3);
    struct archive_figures figures = figures_of(scene.archive);
    char said[1024] = "";
    check(pread(hearing.file, said, sizeof said - 1, 0) > 0);
    hearing_end(&hearing);
    check(span_ends(span_text(said), SPAN("it cannot be put aside: Is a directory\n")));
    check(strchr(said, '\n') == strrchr(said, '\n'));
    check_number(figures.broken, 0);
    check(figures.failures >= 5);
    scene_stop(&scene);
    check_number(access(path, F_OK), 0);
    check_number(rmdir(aside), 0);
    scene_start(&scene);
    check_number(figures_of(scene.archive).broken, 1);
    scene_end(&scene);
}

TEST(a_folder_that_is_gone_loses_nothing_once_it_is_there_again)
{
    struct scene scene;
    int64_t now_s = minute_now();
    folder_make(scene.folder, sizeof scene.folder);
    folder_remove(scene.folder);
    scene_start(&scene);
    add(scene.store, "m", now_s, 3);
    check(ask(scene.archive, "m", now_s, 60).sums[0] == 3);
    check(figures_of(scene.archive).failures > 0);
    check_number(mkdir(scene.folder, 0700), 0);
    scene_stop(&scene);
    scene_start(&scene);
    check(ask(scene.archive, "m", now_s, 60).sums[0] == 3);
    scene_end(&scene);
}

/* ---- the file ---- */

/* 200 samples in its seventh second. */
static struct span minute_of(struct buf *to, double value)
{
    struct sketch sketch = {0};
    buf_add_byte(to, 7);
    for (int i = 0; i < 200; i++)
        sketch_add(&sketch, value * (i + 1), 1);
    check(packed_add(to, &sketch));
    sketch_fini(&sketch);
    return buf_span(to);
}

TEST(the_oldest_minutes_go_where_there_are_more_bytes_than_there_may_be)
{
    char folder[256];
    struct buf bytes;
    uint64_t forgotten = 0, broken = 0;
    int64_t now = minute_now() / MINUTE_S;
    folder_make(folder, sizeof folder);
    const struct archive_settings settings = {folder, 2 << 20, AGE_MOST_S};
    struct archive_file *file = archive_file_new(&settings, 1);
    buf_init(&bytes, LOTS);
    struct span minute = minute_of(&bytes, 1.37);
    check(archive_file_open(file) == ARCHIVE_FILE_WELL);
    enum archive_file_state came = ARCHIVE_FILE_WELL;
    unsigned failures = 0;
    for (int64_t i = 4000; i > 0; i--) {
        if (i % 50 == 0) {
            check(archive_file_trim(file, now * MINUTE_S, &forgotten) == ARCHIVE_FILE_WELL);
            check(archive_file_begin(file) == ARCHIVE_FILE_WELL);
            came = ARCHIVE_FILE_WELL;
        }
        if (came == ARCHIVE_FILE_WELL)
            came = archive_file_put(file, SPAN("key"), now - i, minute);
        if (came == ARCHIVE_FILE_WELL && i % 50 == 1)
            came = archive_file_commit(file);
        failures += came != ARCHIVE_FILE_WELL;
    }
    check_number(failures, 0);
    check(forgotten > 100);
    check(archive_file_bytes(file) <= (2 << 20) + 4096);
    struct sketch slot = {0};
    struct math_window window = {(now - 1) * MINUTE_S, 60, 1};
    check(archive_file_read(file, SPAN("key"), &window, INT64_MAX, &slot, &broken) ==
          ARCHIVE_FILE_WELL);
    check_number(slot.count, 200);
    check_number(broken, 0);
    sketch_fini(&slot);
    archive_file_free(file);
    buf_fini(&bytes);
    folder_remove(folder);
}

TEST(the_files_are_their_owners_alone_and_the_process_has_its_own_mask_meanwhile)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char folder[256], path[PATH_MAX];
    folder_make(folder, sizeof folder);
    const struct archive_settings settings = {folder, 64 << 20, AGE_MOST_S};
    struct archive_file *file = archive_file_new(&settings, 1);
    unsigned before = masks;
    mode_t mask = umask(0);
    check(archive_file_open(file) == ARCHIVE_FILE_WELL);
    umask(mask);
    check_number(masks - before, 2); /* the test's */
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct stat facts;
        snprintf(path, sizeof path, "%s/metrics.db%s", folder, parts[i]);
        check_number(stat(path, &facts), 0);
        check_number(facts.st_mode & 0777, 0600);
    }
    archive_file_free(file);
    folder_remove(folder);
}

/* Whether a minute is left that is a day old, where 15 days are kept. */
static bool stays_after_trim(int64_t now_s)
{
    char folder[256];
    struct buf bytes;
    uint64_t forgotten = 0, broken = 0;
    int64_t minute = minute_now() / MINUTE_S - 1440;
    struct math_window window = {minute * MINUTE_S, 60, 1};
    struct sketch slot = {0};
    folder_make(folder, sizeof folder);
    const struct archive_settings settings = {folder, 64 << 20, AGE_MOST_S};
    struct archive_file *file = archive_file_new(&settings, 1);
    buf_init(&bytes, LOTS);
    check(archive_file_open(file) == ARCHIVE_FILE_WELL);
    check(archive_file_begin(file) == ARCHIVE_FILE_WELL);
    check(archive_file_put(file, SPAN("key"), minute, minute_of(&bytes, 1)) == ARCHIVE_FILE_WELL);
    check(archive_file_commit(file) == ARCHIVE_FILE_WELL);
    check(archive_file_trim(file, now_s, &forgotten) == ARCHIVE_FILE_WELL);
    check(archive_file_read(file, SPAN("key"), &window, INT64_MAX, &slot, &broken) ==
          ARCHIVE_FILE_WELL);
    bool stays = slot.count == 200;
    sketch_fini(&slot);
    archive_file_free(file);
    buf_fini(&bytes);
    folder_remove(folder);
    return stays;
}

TEST(what_is_too_old_goes_by_the_time_that_is_given_and_nothing_where_none_is)
{
    check(stays_after_trim(minute_now()));
    check(!stays_after_trim(minute_now() + (int64_t)20 * 86400));
    check(stays_after_trim(0));
}

TEST(a_clock_that_leaps_is_not_believed_for_an_hour)
{
    enum { YEAR_S = 365 * 86400, BEGAN_S = 1795254000 };
    struct steady steady = {0};
    check(steady_is(&steady, BEGAN_S, 50));
    check(steady_is(&steady, BEGAN_S + 70, 110)); /* set right by a few seconds */
    check(!steady_is(&steady, BEGAN_S + YEAR_S, 170));
    check(!steady_is(&steady, BEGAN_S + 180, 230)); /* and back */
    check(!steady_is(&steady, BEGAN_S + 180 + 3599, 230 + 3599));
    check(steady_is(&steady, BEGAN_S + 180 + 3600, 230 + 3600));
    check(steady_is(&steady, BEGAN_S + YEAR_S, YEAR_S)); /* long idle is no leap */
}

TEST(a_clock_that_begins_elsewhere_than_the_archive_ended_is_not_believed_for_an_hour)
{
    enum { DAY_S = 86400, BEGAN_S = 1795254000 };
    static const int64_t ended[] = {BEGAN_S - 20 * DAY_S, BEGAN_S + 1000 * DAY_S,
                                    BEGAN_S - STEADY_LEAP_S - 1};
    for (size_t i = 0; i < sizeof ended / sizeof *ended; i++) {
        struct steady steady = {0};
        steady_begin(&steady, BEGAN_S, 50, ended[i]);
        check(!steady_is(&steady, BEGAN_S, 50));
        check(!steady_is(&steady, BEGAN_S + 3599, 3649));
        check(steady_is(&steady, BEGAN_S + 3600, 3650));
    }
    struct steady steady = {0};
    steady_begin(&steady, BEGAN_S, 50, BEGAN_S - 300);
    check(steady_is(&steady, BEGAN_S, 50));
    check(!steady_is(&steady, BEGAN_S + 2 * DAY_S, 60)); /* set by somebody, then */
    steady_begin(&steady, BEGAN_S, 50, 0);               /* an archive that begins */
    check(steady_is(&steady, BEGAN_S, 50));
}

/* By a clock that is far ahead at a start everything would be too old; one far behind writes what
 * seems to lie in the future. */
TEST(an_archive_is_not_emptied_by_a_clock_that_is_wrong_when_it_starts)
{
    struct scene scene;
    int64_t now_s = minute_now(), long_ago_s = now_s - (int64_t)20 * 86400,
            ahead_s = now_s + (int64_t)365 * 86400;
    scene_begin(&scene);
    add(scene.store, "old", long_ago_s, 7);
    scene_stop(&scene);
    scene_start(&scene);
    check(ask(scene.archive, "old", long_ago_s, 60).sums[0] == 7);
    add(scene.store, "ahead", ahead_s, 3);
    scene_stop(&scene);
    for (int i = 0; i < 2; i++) {
        scene_start(&scene);
        check(ask(scene.archive, "old", long_ago_s, 60).sums[0] == 7);
        check(ask(scene.archive, "ahead", ahead_s, 60).sums[0] == 3);
        scene_stop(&scene);
    }
    folder_remove(scene.folder);
}

TEST(more_than_there_may_be_at_once_is_refused_and_what_was_there_stays)
{
    char folder[256];
    struct buf bytes;
    uint64_t broken = 0;
    folder_make(folder, sizeof folder);
    const struct archive_settings settings = {folder, 256 << 10, AGE_MOST_S};
    struct archive_file *file = archive_file_new(&settings, 1);
    buf_init(&bytes, LOTS);
    struct span minute = minute_of(&bytes, 1.37);
    check(archive_file_open(file) == ARCHIVE_FILE_WELL);
    check(archive_file_begin(file) == ARCHIVE_FILE_WELL);
    check(archive_file_put(file, SPAN("key"), 1000, minute) == ARCHIVE_FILE_WELL);
    check(archive_file_commit(file) == ARCHIVE_FILE_WELL);
    check(archive_file_begin(file) == ARCHIVE_FILE_WELL);
    enum archive_file_state came = ARCHIVE_FILE_WELL;
    for (int64_t i = 0; came == ARCHIVE_FILE_WELL && i < 10000; i++)
        came = archive_file_put(file, SPAN("key"), 2000 + i, minute);
    check(came == ARCHIVE_FILE_FAILS);
    check(span_find(span_text(archive_file_why(file)), SPAN("full")) != SPAN_NONE);
    struct sketch slots[2] = {{0}};
    struct math_window window = {(int64_t)1000 * MINUTE_S, 60, 1};
    check(archive_file_read(file, SPAN("key"), &window, INT64_MAX, slots, &broken) ==
          ARCHIVE_FILE_WELL);
    check_number(slots[0].count, 200);
    window.start_s = (int64_t)2000 * MINUTE_S;
    check(archive_file_read(file, SPAN("key"), &window, INT64_MAX, &slots[1], &broken) ==
          ARCHIVE_FILE_WELL);
    check_number(slots[1].count, 0);
    sketch_fini(&slots[0]);
    archive_file_free(file);
    buf_fini(&bytes);
    folder_remove(folder);
}

static bool is_alike(const struct sketch *a, const struct sketch *b)
{
    return a->count == b->count && a->sum == b->sum && a->least == b->least && a->most == b->most;
}

/* Whatever byte is changed: it is put aside, or what it holds is refused, or it says the truth. */
TEST(bytes_that_changed_on_disk_are_never_told_as_figures)
{
    enum { MINUTES = 5 }; /* with these there are pages of every kind; more are more of the same */
    char folder[256], path[PATH_MAX];
    struct buf bytes;
    struct sketch truth = {0};
    folder_make(folder, sizeof folder);
    const struct archive_settings settings = {folder, 64 << 20, AGE_MOST_S};
    struct archive_file *file = archive_file_new(&settings, 1);
    buf_init(&bytes, LOTS);
    struct span minute = minute_of(&bytes, 1.37);
    for (int i = 0; i < 200; i++)
        sketch_add(&truth, 1.37 * (i + 1), 1);
    check(archive_file_open(file) == ARCHIVE_FILE_WELL);
    check(archive_file_begin(file) == ARCHIVE_FILE_WELL);
    for (int64_t i = 0; i < MINUTES; i++)
        check(archive_file_put(file, SPAN("key"), 1000 + i, minute) == ARCHIVE_FILE_WELL);
    check(archive_file_commit(file) == ARCHIVE_FILE_WELL);
    archive_file_free(file);
    snprintf(path, sizeof path, "%s/metrics.db", folder);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END);
    unsigned refused = 0;
    for (off_t at = 0; at < size; at += 1 + at / 7 % 397) {
        unsigned char byte;
        uint64_t broken = 0;
        check(pread(fd, &byte, 1, at) == 1);
        unsigned char changed = (unsigned char)(byte ^ 0x40);
        check(pwrite(fd, &changed, 1, at) == 1);
        file = archive_file_new(&settings, 2);
        struct math_window window = {(int64_t)1000 * MINUTE_S, 60, MINUTES};
        struct sketch slots[MINUTES] = {{0}};
        bool well = archive_file_open(file) == ARCHIVE_FILE_WELL &&
                    archive_file_read(file, SPAN("key"), &window, INT64_MAX, slots, &broken) ==
                        ARCHIVE_FILE_WELL;
        for (size_t i = 0; i < MINUTES; i++) {
            check(slots[i].count == 0 || is_alike(&slots[i], &truth));
            sketch_fini(&slots[i]);
        }
        refused += !well || broken > 0;
        archive_file_free(file);
        check(pwrite(fd, &byte, 1, at) == 1);
    }
    check(refused > 20);
    sketch_fini(&truth);
    close(fd);
    buf_fini(&bytes);
    folder_remove(folder);
}

int archive_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            what_was_counted_before_a_restart_is_there_after_it_by_the_second_and_the_minute),
        cmocka_unit_test(memory_alone_answers_where_there_is_no_folder),
        cmocka_unit_test(a_disk_that_hangs_is_waited_for_until_the_deadline_and_no_longer),
        cmocka_unit_test(a_database_that_is_none_is_put_aside_and_memory_goes_into_a_new_one),
        cmocka_unit_test(a_database_that_cannot_be_put_aside_is_said_once),
        cmocka_unit_test(a_folder_that_is_gone_loses_nothing_once_it_is_there_again),
        cmocka_unit_test(the_oldest_minutes_go_where_there_are_more_bytes_than_there_may_be),
        cmocka_unit_test(
            the_files_are_their_owners_alone_and_the_process_has_its_own_mask_meanwhile),
        cmocka_unit_test(what_is_too_old_goes_by_the_time_that_is_given_and_nothing_where_none_is),
        cmocka_unit_test(a_clock_that_leaps_is_not_believed_for_an_hour),
        cmocka_unit_test(
            a_clock_that_begins_elsewhere_than_the_archive_ended_is_not_believed_for_an_hour),
        cmocka_unit_test(an_archive_is_not_emptied_by_a_clock_that_is_wrong_when_it_starts),
        cmocka_unit_test(more_than_there_may_be_at_once_is_refused_and_what_was_there_stays),
        cmocka_unit_test(bytes_that_changed_on_disk_are_never_told_as_figures),
    };
    return cmocka_run_group_tests_name("metrics on disk", tests, NULL, NULL);
}
