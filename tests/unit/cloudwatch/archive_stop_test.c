/* SPDX-License-Identifier: Apache-2.0 */
/* An archive that is stopped while it writes: the disk stands still in the middle of a transaction,
 * and goes on once the stop has begun, or when nobody waits for it any more. */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "exporters/cloudwatch/archive.h"
#include "exporters/cloudwatch/archive_file.h"
#include "tests/check.h"
#include "tests/unit/cloudwatch/suites.h"
#include "tests/unit/exporters/sample.h"

enum {
    METRICS = 6,
    MINUTES = 60,
    MINUTE_S = 60,
    VALUES = 50, /* a second: some 20 KiB a minute, 6 MiB in all, some six transactions */
    SECOND_SUM = VALUES * (VALUES + 1) / 2,
    MINUTE_SUM = MINUTE_S * SECOND_SUM,
    FIRST_BYTES = 3 << 20, /* into the third one, or so */
    LOTS = 64 << 20,
    AGE_MOST_S = 15 * 86400,
    PATIENCE_US = 20000000,
};

/* ---- a disk that stands still once ---- */

static struct {
    atomic_bool is_armed, goes_on_with_stop;
    atomic_size_t written;
    sem_t stands, goes, ended;
    pthread_key_t of_writer; /* says when its thread has ended */
} disk;

static void say_ended(void *ended)
{
    sem_post(ended);
}

static void disk_arm(bool goes_on_with_stop)
{
    sem_init(&disk.stands, 0, 0);
    sem_init(&disk.goes, 0, 0);
    sem_init(&disk.ended, 0, 0);
    check_number(pthread_key_create(&disk.of_writer, say_ended), 0);
    disk.written = 0;
    disk.goes_on_with_stop = goes_on_with_stop;
    disk.is_armed = true;
}

static void comes(sem_t *what)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 60;
    check_number(sem_timedwait(what, &end), 0);
}

static void disk_free(void)
{
    check_number(pthread_key_delete(disk.of_writer), 0);
    sem_destroy(&disk.stands);
    sem_destroy(&disk.goes);
    sem_destroy(&disk.ended);
}

/* In place of the C library's; SQLite writes by it alone. */
ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t offset)
{
    if (disk.is_armed && atomic_fetch_add(&disk.written, n) > FIRST_BYTES) {
        disk.is_armed = false;
        pthread_setspecific(disk.of_writer, &disk.ended);
        sem_post(&disk.stands);
        sem_wait(&disk.goes);
    }
    return syscall(SYS_pwrite64, fd, buf, n, offset);
}

/* Likewise: archive_stop() waits for its thread by it, once that is told to end. */
int pthread_timedjoin_np(pthread_t th, void **thread_return, const struct timespec *abstime)
{
    int (*join)(pthread_t, void **, const struct timespec *) = NULL;
    *(void **)&join = dlsym(RTLD_NEXT, "pthread_timedjoin_np");
    if (disk.goes_on_with_stop) {
        disk.goes_on_with_stop = false;
        sem_post(&disk.goes);
    }
    return join(th, thread_return, abstime);
}

/* ---- what is written ---- */

static struct metric_id id_of(unsigned i)
{
    static const char *const names[METRICS + 1] = {"m0", "m1", "m2", "m3", "m4", "m5", "late"};
    return (struct metric_id){SPAN("Sidegate"), span_text(names[i]), NULL, 0};
}

static void second_add(struct metric_store *store, unsigned metric, int64_t second)
{
    struct metric_id id = id_of(metric);
    struct sketch sketch = {0};
    for (unsigned value = 1; value <= VALUES; value++)
        sketch_add(&sketch, value, 1);
    check(metric_store_add(store, &id, second, &sketch));
    sketch_fini(&sketch);
}

static void minute_add(struct metric_store *store, unsigned metric, int64_t start_s)
{
    for (unsigned s = 0; s < MINUTE_S; s++)
        second_add(store, metric, start_s + s);
}

/* The sum that the file has of a metric, of all minutes. */
static double sum_of(struct archive_file *file, unsigned metric, int64_t start_s)
{
    const struct math_window window = {start_s, MINUTE_S, MINUTES};
    struct metric_id id = id_of(metric);
    struct sketch slots[MINUTES] = {{0}};
    uint64_t broken = 0;
    double sum = 0;
    struct buf key;
    buf_init(&key, 4096);
    check(metric_key_make(&key, &id));
    check(archive_file_read(file, buf_span(&key), &window, INT64_MAX, slots, &broken) ==
          ARCHIVE_FILE_WELL);
    for (unsigned i = 0; i < MINUTES; i++) {
        check(slots[i].sum == 0 || slots[i].sum == MINUTE_SUM);
        sum += slots[i].sum;
        sketch_fini(&slots[i]);
    }
    check_number(broken, 0);
    buf_fini(&key);
    return sum;
}

struct scene {
    char folder[256];
    struct archive_settings settings;
    int64_t start_s;
    struct metric_store *store;
    struct archive *archive;
    struct archive_file *file; /* as it was left */
};

/* It stands in the middle of its work. */
static void scene_begin(struct scene *scene, bool goes_on_with_stop)
{
    folder_make(scene->folder, sizeof scene->folder);
    scene->settings = (struct archive_settings){scene->folder, LOTS, AGE_MOST_S};
    scene->start_s = ((int64_t)time(NULL) / MINUTE_S - MINUTES) * MINUTE_S;
    scene->store = metric_store_new(100, LOTS);
    for (unsigned i = 0; i < METRICS; i++)
        for (int64_t m = 0; m < MINUTES; m++)
            minute_add(scene->store, i, scene->start_s + m * MINUTE_S);
    disk_arm(goes_on_with_stop);
    scene->archive = archive_start(scene->store, &scene->settings);
    check(scene->archive != NULL);
    comes(&disk.stands);
}

static void scene_look(struct scene *scene)
{
    scene->file = archive_file_new(&scene->settings, 1);
    check(archive_file_open(scene->file) == ARCHIVE_FILE_WELL);
}

static void scene_end(struct scene *scene)
{
    archive_file_free(scene->file);
    metric_store_free(scene->store);
    folder_remove(scene->folder);
    disk_free();
}

TEST(what_was_taken_until_it_stops_in_the_middle_of_its_work_is_written_once)
{
    struct scene scene;
    scene_begin(&scene, true);
    minute_add(scene.store, METRICS, scene.start_s); /* while the disk stands still */
    check(archive_stop(scene.archive, clock_monotonic_us() + PATIENCE_US));
    scene_look(&scene);
    for (unsigned i = 0; i < METRICS; i++)
        check(sum_of(scene.file, i, scene.start_s) == (double)MINUTES * MINUTE_SUM);
    check(sum_of(scene.file, METRICS, scene.start_s) == MINUTE_SUM);
    scene_end(&scene);
}

TEST(who_is_waited_for_no_longer_ends_after_the_part_that_it_is_at)
{
    static struct archive *left; /* nobody frees it, for the process ends */
    struct scene scene;
    double sum = 0;
    scene_begin(&scene, false);
    left = scene.archive;
    check(!archive_stop(left, clock_monotonic_us()));
    sem_post(&disk.goes);
    comes(&disk.ended);
    scene_look(&scene);
    for (unsigned i = 0; i < METRICS; i++)
        sum += sum_of(scene.file, i, scene.start_s);
    check(sum > 0 && sum < (double)METRICS * MINUTES * MINUTE_SUM);
    scene_end(&scene);
}

int archive_stop_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_taken_until_it_stops_in_the_middle_of_its_work_is_written_once),
        cmocka_unit_test(who_is_waited_for_no_longer_ends_after_the_part_that_it_is_at),
    };
    return cmocka_run_group_tests_name("a stop of metrics on disk", tests, NULL, NULL);
}
