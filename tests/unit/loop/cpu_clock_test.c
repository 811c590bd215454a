/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/loop/cpu_clock.h"

#include "tests/check.h"
#include "tests/unit/loop/suites.h"

struct thread {
    uint64_t used_ns;
    unsigned asked;
};

static uint64_t thread_ns(void *context)
{
    struct thread *thread = context;
    thread->asked++;
    return thread->used_ns;
}

TEST(the_kernel_is_asked_once_a_millisecond)
{
    struct thread thread = {.used_ns = 7000000};
    struct cpu_clock clock;
    cpu_clock_init(&clock, thread_ns, &thread);
    check_number(cpu_clock_ns(&clock, 5000000), 7000000);
    check_number(cpu_clock_ns(&clock, 5000300), 7300000);
    check_number(cpu_clock_ns(&clock, 5000999), 7999000);
    check_number(thread.asked, 1);
    thread.used_ns = 8000000;
    check_number(cpu_clock_ns(&clock, 5001000), 8000000);
    check_number(thread.asked, 2);
}

TEST(waiting_for_the_cpu_costs_nothing)
{
    struct thread thread = {.used_ns = 0};
    struct cpu_clock clock;
    cpu_clock_init(&clock, thread_ns, &thread);
    uint64_t before = cpu_clock_ns(&clock, 5000000);
    thread.used_ns = 200000;
    check_number(cpu_clock_ns(&clock, 5100000) - before, 200000);
}

TEST(a_short_wait_that_was_charged_is_not_taken_back)
{
    struct thread thread = {.used_ns = 0};
    struct cpu_clock clock;
    cpu_clock_init(&clock, thread_ns, &thread);
    check_number(cpu_clock_ns(&clock, 5000900), 0);
    check_number(cpu_clock_ns(&clock, 5001800), 900000);
    thread.used_ns = 100000;
    check_number(cpu_clock_ns(&clock, 5001900), 900000);
    thread.used_ns = 1100000;
    check_number(cpu_clock_ns(&clock, 5002900), 1100000);
}

TEST(the_thread_s_own_clock_goes_on_with_its_work)
{
    struct cpu_clock clock;
    cpu_clock_init(&clock, NULL, NULL);
    uint64_t before = cpu_clock_ns(&clock, 5000000);
    uint64_t after = before;
    for (uint64_t now_us = 5001000; after == before; now_us += 1000)
        after = cpu_clock_ns(&clock, now_us);
    check(after > before);
}

int cpu_clock_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_is_asked_once_a_millisecond),
        cmocka_unit_test(waiting_for_the_cpu_costs_nothing),
        cmocka_unit_test(a_short_wait_that_was_charged_is_not_taken_back),
        cmocka_unit_test(the_thread_s_own_clock_goes_on_with_its_work),
    };
    return cmocka_run_group_tests_name("cpu_clock", tests, NULL, NULL);
}
