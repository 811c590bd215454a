/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/state/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/unit/state/suites.h"

struct scene {
    char parent[64], folder[PATH_MAX], path[PATH_MAX], beside[PATH_MAX];
};

static void scene_begin(struct scene *s)
{
    *s = (struct scene){.parent = "/tmp/state_file.XXXXXX"};
    check(mkdtemp(s->parent) != NULL);
    check(state_file_path(s->folder, s->parent, "state"));
    check(state_file_path(s->path, s->folder, "book.log"));
    check(state_file_path(s->beside, s->folder, "book.log.new"));
}

static void scene_end(struct scene *s)
{
    unlink(s->path);
    unlink(s->beside);
    rmdir(s->folder);
    check_number(rmdir(s->parent), 0);
}

static struct span text_of(const char *path, char *to, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t len = read(fd, to, size);
    close(fd);
    return span_make(to, len > 0 ? (size_t)len : 0);
}

TEST(a_folder_is_made_and_one_at_a_time_has_it)
{
    struct scene s;
    scene_begin(&s);
    int first = state_file_lock(s.folder, NULL);
    check(first >= 0);
    errno = 0;
    check_number(state_file_lock(s.folder, NULL), -1);
    check_number(errno, EBUSY);
    int other = state_file_lock(s.folder, s.path); /* a file of it is another lock */
    check(other >= 0);
    check_number(state_file_lock(s.folder, s.path), -1);
    close(first);
    close(other);
    first = state_file_lock(s.folder, NULL);
    check(first >= 0);
    close(first);
    scene_end(&s);
}

TEST(a_folder_that_cannot_be_made_is_no_lock)
{
    struct scene s;
    scene_begin(&s);
    check_number(state_file_lock(s.path, NULL), -1); /* its parent is not there */
    check_number(errno, ENOENT);
    scene_end(&s);
}

TEST(a_file_is_replaced_whole_and_goes_on_behind_that)
{
    struct scene s;
    char text[64];
    scene_begin(&s);
    close(state_file_lock(s.folder, NULL));
    close(state_file_renew(s.path, s.beside, SPAN("before\n")));
    int fd = state_file_renew(s.path, s.beside, SPAN("now\n"));
    check(fd >= 0 && access(s.beside, F_OK) != 0);
    check(state_file_write(fd, SPAN("and then\n")));
    close(fd);
    check_span(text_of(s.path, text, sizeof text), "now\nand then\n");
    scene_end(&s);
}

TEST(where_a_file_cannot_be_replaced_the_one_before_stands)
{
    struct scene s;
    char text[64];
    scene_begin(&s);
    close(state_file_lock(s.folder, NULL));
    close(state_file_renew(s.path, s.beside, SPAN("before\n")));
    check_number(mkdir(s.beside, 0700), 0);
    check_number(state_file_renew(s.path, s.beside, SPAN("now\n")), -1);
    check_number(errno, EISDIR);
    check_number(rmdir(s.beside), 0);
    check_span(text_of(s.path, text, sizeof text), "before\n");
    unlink(s.path);
    check_number(mkdir(s.path, 0700), 0);
    check_number(state_file_renew(s.path, s.beside, SPAN("now\n")), -1);
    check_number(errno, EISDIR);
    check(access(s.beside, F_OK) != 0);
    check_number(rmdir(s.path), 0);
    scene_end(&s);
}

TEST(a_full_disk_is_said)
{
    int fd = open("/dev/full", O_WRONLY);
    check(!state_file_write(fd, SPAN("now\n")));
    check_number(errno, ENOSPC);
    close(fd);
}

TEST(a_name_that_is_too_long_is_none)
{
    char name[PATH_MAX], to[PATH_MAX];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    check(!state_file_path(to, "folder", name));
    check_number(errno, ENAMETOOLONG);
}

int state_file_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_made_and_one_at_a_time_has_it),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_no_lock),
        cmocka_unit_test(a_file_is_replaced_whole_and_goes_on_behind_that),
        cmocka_unit_test(where_a_file_cannot_be_replaced_the_one_before_stands),
        cmocka_unit_test(a_full_disk_is_said),
        cmocka_unit_test(a_name_that_is_too_long_is_none),
    };
    return cmocka_run_group_tests_name("files of the state", tests, NULL, NULL);
}
