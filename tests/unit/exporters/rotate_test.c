/* SPDX-License-Identifier: Apache-2.0 */
/* Making room: when the file before is compressed. */
#include "exporters/rotate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

static bool is_there(void *context)
{
    return access(context, F_OK) == 0;
}

TEST(a_file_is_compressed_only_once_the_next_one_is_open)
{
    const struct rotation rotation = {.most_bytes = 1, .keep = 9, .compress = true};
    char folder[128], path[256], before[256], packed[256], text[64];
    struct rotator *rotator = rotator_new();
    folder_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(before, sizeof before, "%s/log.1", folder);
    snprintf(packed, sizeof packed, "%s/log.1.gz", folder);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, "one\n", 4) == 4);
    check(rotator_turn(rotator, &rotation, path, fd) == ROTATED);
    /* the path could not be opened: the old file goes on, and is asked for again */
    must(write(fd, "two\n", 4) == 4);
    check(rotator_turn(rotator, &rotation, path, fd) == ROTATED);
    check_span(file_read(before, text, sizeof text), "one\ntwo\n");
    check(access(packed, F_OK) != 0);
    close(fd);
    rotator_go_on(rotator, &rotation);
    check(comes_true(is_there, packed));
    rotator_free(rotator, UINT64_MAX / 2);
    check(access(before, F_OK) != 0);
    folder_remove(folder);
}

int rotate_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_compressed_only_once_the_next_one_is_open),
    };
    return cmocka_run_group_tests_name("rotate", tests, NULL, NULL);
}
