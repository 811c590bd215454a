/* SPDX-License-Identifier: Apache-2.0 */
/* Outlets whose thread does not end when it is told to: one that waits for a name server, say. The
 * way that stands in for syslog here hangs as long as it is asked to. */
#define syslog_kind a_kind
#include "exporters/outlets.c" // NOLINT(bugprone-suspicious-include)
#include "exporters/sender.c"  // NOLINT(bugprone-suspicious-include)

#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

enum { PATIENCE_US = 10 * 1000 * 1000 };

static struct {
    atomic_bool hangs, is_away, takes_one; /* takes_one: then it is away */
    atomic_uint delivered;
    sem_t begun, never;
} way;

static void *way_begin(const struct log_settings *settings, const char *log)
{
    (void)settings;
    (void)log;
    return NULL;
}

static void way_deliver(void *sink, struct sender *sender, struct span entries,
                        struct delivery *out)
{
    struct entry entry;
    if (atomic_load(&way.is_away)) {
        *out = (struct delivery){.again = true, .why = "away"};
        sem_post(&way.begun);
        return;
    }
    (void)sink;
    (void)sender;
    bool one = atomic_exchange(&way.takes_one, false);
    atomic_store(&way.is_away, one);
    while (!(one && out->sent == 1) && entry_next(&entries, &entry))
        out->sent++;
    sem_post(&way.begun);
    while (atomic_load(&way.hangs))
        sem_wait(&way.never);
    atomic_fetch_add(&way.delivered, out->sent);
}

static void way_end(void *sink)
{
    (void)sink;
}

const struct sender_kind a_kind = {
    .full_bytes = 1, .full_units = 10, .begin = way_begin, .deliver = way_deliver, .end = way_end};

struct place {
    int fd;
    struct ring *ring;
    struct hold *hold;
};

static struct place place_new(void)
{
    struct place place = {.fd = ring_create(1, 0)};
    place.ring = ring_open(place.fd);
    place.hold = hold_new(place.ring);
    return place;
}

static void place_free(struct place *place)
{
    hold_free(place->hold);
    ring_close(place->ring);
    close(place->fd);
}

/* The access log goes there, or nowhere. The plan before is let go. */
static struct plan *use_with(struct outlets *outlets, bool on, struct plan *before,
                             const char *folder)
{
    char why[128];
    struct exporter_settings settings = {.queue_records = 100};
    settings.logs[DESTINATION_ACCESS_LOG].spool =
        (struct spool_place){span_text(folder), 1 << 26, UINT64_C(1) << 40, SPOOL_FSYNC_OFF};
    if (on)
        settings.logs[DESTINATION_ACCESS_LOG].syslog.address = SPAN("udp://127.0.0.1:9");
    struct plan *plan = plan_new(&settings, before, why, sizeof why);
    check(plan != NULL);
    outlets_apply(outlets, plan);
    plan_free(before);
    return plan;
}

static struct plan *use(struct outlets *outlets, bool on, struct plan *before)
{
    return use_with(outlets, on, before, NULL);
}

static void tell(struct outlets *outlets, const char *line)
{
    outlets_line(outlets, DESTINATION_ACCESS_LOG, span_text(line));
    outlets_wake(outlets);
    sem_wait(&way.begun);
}

/* Of the log's receiver; false: there is none. */
static bool account(const struct outlets *outlets, struct destination_figures *out)
{
    for (unsigned i = 0; i < outlets_count(outlets); i++) {
        struct spool_state spool;
        outlets_account(outlets, i, out, &spool);
        if (strcmp(out->name, "access_log.syslog") == 0)
            return true;
    }
    return false;
}

static void begin(bool hangs)
{
    atomic_store(&way.hangs, hangs);
    atomic_store(&way.delivered, 0);
    while (sem_trywait(&way.begun) == 0)
        continue; /* of a test before */
}

TEST(a_thread_that_hangs_is_left_with_its_queue_and_the_next_one_goes_on_with_the_account)
{
    struct destination_figures figures;
    struct place place = place_new();
    struct outlets *outlets = outlets_new(place.ring, place.hold, 100);
    begin(true);
    struct plan *plan = use(outlets, true, NULL);
    tell(outlets, "one\n");
    uint64_t before = clock_monotonic_us();
    plan = use(outlets, false, plan); /* a reload that turns it off */
    check(clock_monotonic_us() - before < PATIENCE_US);
    check(account(outlets, &figures) && !figures.on);
    check_number(figures.waiting, 1); /* nobody knows what becomes of it */
    atomic_store(&way.hangs, false);  /* of those that come; the first one waits for ever */
    plan = use(outlets, true, plan);
    check(account(outlets, &figures) && figures.on);
    check_number(figures.produced, 1);
    check_number(figures.dropped[DROP_SHUTDOWN], 1); /* for whoever asks: nobody waits for it */
    tell(outlets, "two\n");
    outlets_stop(outlets, clock_monotonic_us() + PATIENCE_US); /* and waits for what is under way */
    check_number(atomic_load(&way.delivered), 1);
    plan_free(plan);
    place_free(&place);
}

TEST(a_thread_that_hangs_at_the_end_is_waited_for_until_the_deadline_and_no_longer)
{
    struct place place = place_new();
    struct outlets *outlets = outlets_new(place.ring, place.hold, 100);
    begin(true);
    struct plan *plan = use(outlets, true, NULL);
    tell(outlets, "one\n");
    uint64_t before = clock_monotonic_us();
    outlets_stop(outlets, before);
    check(clock_monotonic_us() - before < PATIENCE_US);
    check_number(atomic_load(&way.delivered), 0);
    plan_free(plan);
    place_free(&place);
}

/* Of a log's spools, and the one of its syslog. */
struct spools {
    char folder[32], path[64], own[80];
};

static void spools_make(struct spools *spools)
{
    snprintf(spools->folder, sizeof spools->folder, "/tmp/outlets.XXXXXX");
    check(mkdtemp(spools->folder) != NULL);
    snprintf(spools->path, sizeof spools->path, "%s/lines", spools->folder);
    snprintf(spools->own, sizeof spools->own, "%s.syslog", spools->path);
    check(mkdir(spools->own, 0700) == 0);
}

static void spools_remove(struct spools *spools)
{
    folder_remove(spools->own);
    rmdir(spools->folder);
}

/* One process after the other, with a spool. */
struct scene {
    struct spools spools;
    struct place place;
    struct outlets *outlets; /* of the one that runs */
    struct plan *plan;
};

static void scene_begin(struct scene *scene)
{
    scene->place = place_new();
    spools_make(&scene->spools);
    begin(false);
}

static void scene_start(struct scene *scene, bool is_away)
{
    atomic_store(&way.is_away, is_away);
    scene->outlets = outlets_new(scene->place.ring, scene->place.hold, 100);
    scene->plan = use_with(scene->outlets, true, NULL, scene->spools.path);
}

static void scene_stop(struct scene *scene)
{
    outlets_stop(scene->outlets, clock_monotonic_us() + PATIENCE_US);
    plan_free(scene->plan);
}

static void scene_end(struct scene *scene)
{
    place_free(&scene->place);
    spools_remove(&scene->spools);
}

static void put_lines(struct scene *scene, unsigned lines)
{
    for (unsigned i = 0; i < lines; i++)
        outlets_line(scene->outlets, DESTINATION_ACCESS_LOG, SPAN("one\n"));
}

static bool delivers(unsigned lines)
{
    for (uint64_t until = clock_monotonic_us() + PATIENCE_US;
         atomic_load(&way.delivered) < lines && clock_monotonic_us() < until;)
        sched_yield();
    return atomic_load(&way.delivered) == lines;
}

TEST(lines_that_nobody_took_wait_on_disk_for_the_next_process)
{
    enum { LINES = 50 };
    struct scene scene;
    scene_begin(&scene);
    scene_start(&scene, true);
    put_lines(&scene, LINES);
    tell(scene.outlets, "and one more\n");
    hold_step(scene.place.hold);
    uint64_t before = clock_monotonic_us();
    scene_stop(&scene);
    check(clock_monotonic_us() - before < PATIENCE_US); /* they are safe: nothing is waited for */
    check_number(atomic_load(&way.delivered), 0);
    scene_start(&scene, false);
    check(delivers(LINES + 1));
    scene_stop(&scene);
    scene_end(&scene);
}

TEST(what_was_sent_of_a_batch_that_goes_back_to_the_disk_counts_as_sent_again)
{
    enum { LINES = 5 };
    struct destination_figures figures;
    struct scene scene;
    scene_begin(&scene);
    scene_start(&scene, true);
    put_lines(&scene, LINES);
    scene_stop(&scene);
    atomic_store(&way.takes_one, true);
    scene_start(&scene, false);
    check(delivers(1));
    scene_stop(&scene);
    scene_start(&scene, false);
    check(delivers(1 + LINES));
    check(account(scene.outlets, &figures));
    check_number(figures.produced, LINES);
    check_number(figures.resent, 1);
    scene_stop(&scene);
    scene_end(&scene);
}

/* A thread hangs at a reload, and the next one brings another: what is told of that. */
static void tell_of_hanging(const char *path, char *told, size_t size)
{
    struct place place = place_new();
    struct outlets *outlets = outlets_new(place.ring, place.hold, 100);
    int pipes[2];
    check(pipe2(pipes, O_CLOEXEC | O_NONBLOCK) == 0);
    begin(true);
    atomic_store(&way.is_away, false);
    struct plan *plan = use_with(outlets, true, NULL, path);
    tell(outlets, "one\n");
    plan = use_with(outlets, false, plan, path);
    atomic_store(&way.hangs, false);
    say_to(pipes[1]);
    plan = use_with(outlets, true, plan, path);
    say_to(STDERR_FILENO);
    outlets_stop(outlets, clock_monotonic_us() + PATIENCE_US);
    ssize_t n = read(pipes[0], told, size - 1);
    told[n > 0 ? n : 0] = '\0';
    close(pipes[0]);
    close(pipes[1]);
    plan_free(plan);
    place_free(&place);
}

TEST(what_becomes_of_the_lines_of_a_thread_that_hangs_is_told_with_a_spool_and_without)
{
    struct spools spools;
    char told[512];
    tell_of_hanging(NULL, told, sizeof told);
    check(strstr(told, "is left alone, what it has is given up") != NULL);
    spools_make(&spools);
    tell_of_hanging(spools.path, told, sizeof told);
    check(strstr(told, "given up") == NULL);
    check(strstr(told, "is left alone, its spool keeps what it has for the next start, and figures "
                       "begin anew") != NULL);
    spools_remove(&spools);
}

/* As a spool that a sender of lines was given would have it, had somebody written there. */
static void write_broken(const char *folder)
{
    const struct spool_settings settings = {1 << 26, UINT64_C(1) << 40, SPOOL_FSYNC_OFF};
    struct spool_time now = {.monotonic_us = clock_monotonic_us(), .wall_us = clock_wall_us()};
    struct spool_found found;
    struct spool *spool;
    check(spool_open(open(folder, O_RDONLY | O_DIRECTORY), &settings, NULL, &now, &spool, &found) ==
          SPOOL_OPENED);
    check(spool_append(spool, SPAN("no entry"), 3, ENTRY_ON_DISK));
    check(spool_commit(spool) == SPOOL_COMMITTED);
    spool_close(spool);
}

static bool refuses(const struct outlets *outlets, unsigned lines)
{
    struct destination_figures figures = {0};
    for (uint64_t until = clock_monotonic_us() + PATIENCE_US;
         figures.dropped[DROP_REJECTED] < lines && clock_monotonic_us() < until; sched_yield())
        check(account(outlets, &figures));
    return figures.dropped[DROP_REJECTED] == lines;
}

TEST(what_lies_on_the_disk_and_is_no_entry_is_given_up_and_counted)
{
    struct scene scene;
    scene_begin(&scene);
    write_broken(scene.spools.own);
    scene_start(&scene, false);
    check(refuses(scene.outlets, 3));
    check_number(atomic_load(&way.delivered), 0);
    tell(scene.outlets, "goes on\n");
    check(delivers(1));
    scene_stop(&scene);
    scene_end(&scene);
}

int main(void)
{
    sem_init(&way.begun, 0, 0);
    sem_init(&way.never, 0, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_thread_that_hangs_is_left_with_its_queue_and_the_next_one_goes_on_with_the_account),
        cmocka_unit_test(
            a_thread_that_hangs_at_the_end_is_waited_for_until_the_deadline_and_no_longer),
        cmocka_unit_test(lines_that_nobody_took_wait_on_disk_for_the_next_process),
        cmocka_unit_test(what_was_sent_of_a_batch_that_goes_back_to_the_disk_counts_as_sent_again),
        cmocka_unit_test(what_lies_on_the_disk_and_is_no_entry_is_given_up_and_counted),
        cmocka_unit_test(
            what_becomes_of_the_lines_of_a_thread_that_hangs_is_told_with_a_spool_and_without),
    };
    return cmocka_run_group_tests_name("outlets", tests, NULL, NULL);
}
