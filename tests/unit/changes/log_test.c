/* SPDX-License-Identifier: Apache-2.0 */
/* The file that the log of changes is. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "sidecar/change_chain.h"
#include "sidecar/change_log.h"
#include "tests/check.h"
#include "tests/unit/changes/suites.h"

enum { WHY_BYTES = 256 };

struct scene {
    char path[64];
    char why[WHY_BYTES]; /* of the last one that failed */
};

static void scene_begin(struct scene *scene)
{
    *scene = (struct scene){.path = "/tmp/change_log.XXXXXX"};
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
    scene->why[0] = '\0';
    return change_log_add(scene->path, &change, scene->why, sizeof scene->why);
}

static uint64_t records(const struct scene *scene)
{
    FILE *file = fopen(scene->path, "re");
    check(file != NULL);
    struct chain_verdict verdict = chain_verify(file, NULL);
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

TEST(who_holds_the_file_is_not_waited_for_without_end)
{
    struct scene scene;
    scene_begin(&scene);
    int held = open(scene.path, O_RDONLY | O_CLOEXEC);
    check(held >= 0 && flock(held, LOCK_EX) == 0);
    check(!add(&scene, SPAN("{}"), SPAN("{}")));
    check(strstr(scene.why, "somebody else has held it for too long") != NULL);
    close(held);
    check_number(records(&scene), 0);
    check(add(&scene, SPAN("{}"), SPAN("{}")));
    check_number(records(&scene), 1);
    scene_end(&scene);
}

int log_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_that_would_break_its_line_is_refused_and_the_file_stays_as_it_was),
        cmocka_unit_test(who_holds_the_file_is_not_waited_for_without_end),
    };
    return cmocka_run_group_tests_name("the log of changes", tests, NULL, NULL);
}
