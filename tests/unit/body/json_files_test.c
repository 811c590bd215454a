/* SPDX-License-Identifier: Apache-2.0 */
/* JSONTestSuite (github.com/nst/JSONTestSuite): y_ must be accepted, n_ refused, i_ is free. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/body/body.h"
#include "tests/check.h"
#include "tests/unit/body/suites.h"

#ifndef SIDEGATE_SOURCE_DIR
#define SIDEGATE_SOURCE_DIR "."
#endif

enum { FILE_MOST_BYTES = 1 << 20 };

static bool is_accepted(struct span text)
{
    const struct body_limits limits = {.arguments = 10000, .depth = 512};
    struct arena *arena = arena_new(NULL, 16 << 20);
    struct body *body = body_begin(BODY_JSON, SPAN("application/json"), &limits, arena);
    body_push(body, text);
    bool accepted = !body_end(body, true)->flags.failed;
    body_free(body);
    arena_free(arena);
    return accepted;
}

/* The file's bytes in a block of exactly their length; `text->at` is to be freed. */
static void read_whole(const char *path, struct span *text)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *all = malloc(FILE_MOST_BYTES);
    assert_non_null(all);
    size_t len = fread(all, 1, FILE_MOST_BYTES, file);
    fclose(file);
    char *exact = realloc(all, len + 1);
    assert_non_null(exact);
    *text = span_make(exact, len);
}

/* 1 where the answer is as the name of the file says. */
static size_t try_file(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct span text;
    read_whole(path, &text);
    bool accepted = is_accepted(text);
    free((void *)(uintptr_t)text.at);
    /* No body at all is no document, but it is no fault of a request either: see json.c. */
    bool no_body = text.len == 0;
    if (name[0] == 'i' || accepted == (name[0] == 'y') || no_body)
        return 1;
    print_error("%s is %s\n", name, accepted ? "accepted" : "refused");
    return 0;
}

TEST(the_json_test_suite_is_answered_as_it_wants)
{
    const char *data = getenv("SIDEGATE_TEST_DATA");
    char folder[512];
    snprintf(folder, sizeof folder, "%s/http-jsontestsuite/test_parsing",
             data != NULL ? data : SIDEGATE_SOURCE_DIR "/../shared/data");
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        print_message("JSONTestSuite is not at %s: skipped\n", folder);
        skip();
    }
    size_t files = 0, right = 0;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (!span_ends(span_text(entry->d_name), SPAN(".json")))
            continue;
        files++;
        right += try_file(folder, entry->d_name);
    }
    closedir(dir);
    check_number(right, files);
    check(files >= 300);
}

int json_files_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_json_test_suite_is_answered_as_it_wants),
    };
    return cmocka_run_group_tests_name("json files", tests, NULL, NULL);
}
