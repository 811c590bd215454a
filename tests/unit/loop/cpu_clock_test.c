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

/* What a request is charged for, whose rules look at the clock again and again. */
TEST(a_machine_that_stands_still_again_and_again_costs_a_millisecond_in_all)
{
    enum { STALLS = 100, OWN_NS = 10000 };
    struct thread thread = {.used_ns = 0};
    struct cpu_clock clock;
    cpu_clock_init(&clock, thread_ns, &thread);
    uint64_t now_us = 5000000, before = cpu_clock_ns(&clock, now_us), charged = 0;
    for (unsigned i = 0; i < STALLS; i++) {
        uint64_t looked = cpu_clock_ns(&clock, now_us);
        thread.used_ns += OWN_NS;
        now_us += i % 2 == 0 ? 900 : 100000; /* within what is not asked for, and far beyond */
        uint64_t more = cpu_clock_ns(&clock, now_us) - looked;
        check(more <= 1000000);
        charged += more;
    }
    check_number(charged, cpu_clock_ns(&clock, now_us) - before);
    check(charged <= UINT64_C(1) * STALLS * OWN_NS + 1000000);
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
        cmocka_unit_test(a_machine_that_stands_still_again_and_again_costs_a_millisecond_in_all),
        cmocka_unit_test(the_thread_s_own_clock_goes_on_with_its_work),
    };
    return cmocka_run_group_tests_name("cpu_clock", tests, NULL, NULL);
}
