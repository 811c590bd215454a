/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/must.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/unit/base/suites.h"

static void say_stage(void *context)
{
    if (write(STDERR_FILENO, context, 5) != 5)
        _exit(1);
}

/* Runs `die` in a child whose stderr is a pipe; what it said lands in `said`. */
static int dies_with(void (*die)(void), char *said, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        die();
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    ssize_t got;
    while (len + 1 < size && (got = read(ends[0], said + len, size - 1 - len)) > 0)
        len += (size_t)got;
    said[len] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void fail_a_must(void)
{
    signal(SIGABRT, SIG_DFL);
    char stage[] = "STAGE";
    must_last_words(say_stage, stage);
    must(1 + 1 == 3);
}

static void pass_a_must(void)
{
    must(1 + 1 == 2);
}

TEST(a_must_that_fails_says_where_and_its_last_words_and_aborts)
{
    char said[1024];
    int status = dies_with(fail_a_must, said, sizeof said);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    check(strstr(said, "must(1 + 1 == 3) failed in fail_a_must at ") == said);
    check(strstr(said, "must_test.c:") != NULL);
    check_span(span_from(span_text(said), strlen(said) - 5), "STAGE");
}

TEST(a_must_that_holds_does_nothing)
{
    char said[64];
    check_number(dies_with(pass_a_must, said, sizeof said), 0);
    check_span(span_text(said), "");
}

TEST(memory_of_loads_is_zeroed_and_never_null)
{
    char *memory = must_alloc(64);
    for (int i = 0; i < 64; i++)
        check_number(memory[i], 0);
    memory = must_realloc(memory, 128);
    check(memory != NULL);
    free(memory);
    char *empty = must_alloc(0);
    check(empty != NULL);
    free(empty);
    char *copy = must_strdup("text");
    check_span(span_text(copy), "text");
    free(copy);
}

int must_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_must_that_fails_says_where_and_its_last_words_and_aborts),
        cmocka_unit_test(a_must_that_holds_does_nothing),
        cmocka_unit_test(memory_of_loads_is_zeroed_and_never_null),
    };
    return cmocka_run_group_tests_name("must", tests, NULL, NULL);
}
