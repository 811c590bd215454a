/* SPDX-License-Identifier: Apache-2.0 */
/* What is left in memory of a file with a secret in it. */
#include <malloc.h>
#include <stddef.h>
#include <string.h>

#include "rules/base/buf.h"
#include "sidecar/config/private_file.h"
#include "tests/check.h"
#include "tests/unit/config/folder.h"
#include "tests/unit/config/suites.h"

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

static const char *mark; /* NULL: nobody looks */
static unsigned left;    /* blocks that were given back with the mark in them */

static void look(void *block)
{
    const char *looked_for = mark;
    if (looked_for == NULL || block == NULL)
        return;
    mark = NULL;
    left += memmem(block, malloc_usable_size(block), looked_for, strlen(looked_for)) != NULL;
    mark = looked_for;
}

void *__wrap_realloc(void *old, size_t size)
{
    look(old); /* it may move, and the old one stays as it was */
    return __real_realloc(old, size);
}

void __wrap_free(void *old)
{
    look(old);
    __real_free(old);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

enum { LINES = 20000 };

/* A file that grows its buffer many times; the mark stands at its start. */
static const char *write_long(struct folder *folder, mode_t mode)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_add(&text, SPAN("{\"k\":\"the-secret-itself\"}\n"));
    for (unsigned i = 0; i < LINES; i++)
        buf_format(&text, "line %u\n", i);
    buf_add_byte(&text, '\0');
    const char *path = folder_write(folder, "key", text.at, mode);
    buf_fini(&text);
    return path;
}

static void forget(struct buf *text)
{
    explicit_bzero(text->at, text->size);
    buf_fini(text);
}

TEST(reading_a_secret_leaves_no_copy_of_it_behind)
{
    struct folder folder;
    struct buf text;
    char why[160];
    bool everybody;
    folder_open(&folder);
    const char *path = write_long(&folder, 0600);
    left = 0;
    mark = "the-secret-itself";
    buf_init(&text, 1 << 20);
    check(secret_file_read(path, &text, why, sizeof why));
    check(text.len > 100000);
    forget(&text);
    check_number(left, 0);
    buf_init(&text, 1 << 20);
    check(maybe_secret_file_read(path, &text, &everybody, why, sizeof why) && !everybody);
    forget(&text);
    check_number(left, 0);
    buf_init(&text, 1000); /* too small for it */
    check(!secret_file_read(path, &text, why, sizeof why));
    forget(&text);
    check_number(left, 0);
    buf_init(&text, 1 << 20);
    check(file_read(path, &text, why, sizeof why));
    check(left > 0); /* of what is no secret copies stay: the look above finds them */
    mark = NULL;
    buf_fini(&text);
    folder_close(&folder);
}

TEST(who_reads_what_may_be_a_secret_is_told_whether_everybody_may)
{
    struct folder folder;
    struct buf text;
    char why[160];
    bool everybody = false;
    folder_open(&folder);
    buf_init(&text, 1 << 20);
    check(maybe_secret_file_read(write_long(&folder, 0644), &text, &everybody, why, sizeof why));
    check(everybody);
    check(!maybe_secret_file_read(write_long(&folder, 0646), &text, &everybody, why, sizeof why));
    check_span(span_text(why), "everybody may write it; take that right away (chmod o-w)");
    buf_fini(&text);
    folder_close(&folder);
}

int secret_file_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_a_secret_leaves_no_copy_of_it_behind),
        cmocka_unit_test(who_reads_what_may_be_a_secret_is_told_whether_everybody_may),
    };
    return cmocka_run_group_tests_name("secret files", tests, NULL, NULL);
}
