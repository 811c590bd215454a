/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/state/samplers.h"

#include <pthread.h>

#include "rules/base/must.h"
#include "sidecar/http/sampling.h"
#include "tests/check.h"
#include "tests/unit/state/suites.h"

static const uint8_t kept_id[16] = {[9] = 0xff, [10] = 0xff}, dropped_id[16] = {1};
static const uint64_t noon_us = UINT64_C(1795262400000000);
enum { SECOND_US = 1000000 };

static const struct fields no_fields = {NULL, 0, 0};
static const struct sampling_request request = {.path = SPAN_INIT("/"), .fields = &no_fields};

static struct samplers *with(unsigned reservoir, unsigned rate, enum sampling_source source)
{
    const struct sampling_rule list[] = {
        {.name = SPAN("own"), .reservoir = reservoir, .rate = rate}, sampling_rule_default};
    struct samplers *samplers = samplers_new();
    samplers_set(samplers, &(struct sampling_rules){list, 2}, source);
    return samplers;
}

static enum sampling_fate ask(struct samplers *samplers, const uint8_t id[16], uint64_t wall_us)
{
    return samplers_ask(samplers, &request, id, wall_us).fate;
}

static uint64_t counted(struct samplers *samplers, enum sampling_fate fate)
{
    struct sampling_figures figures;
    check(samplers_figures(samplers, 0, &figures));
    return figures.fates[fate];
}

TEST(nothing_known_is_the_default_rule)
{
    struct samplers *samplers = samplers_new();
    struct sampling_verdict verdict = samplers_ask(samplers, &request, dropped_id, noon_us);
    check_span(span_make(verdict.name, verdict.name_length), "Default");
    check_number(verdict.fate, SAMPLING_RESERVOIR);
    check_number(ask(samplers, dropped_id, noon_us), SAMPLING_NOT);
    check_number(ask(samplers, kept_id, noon_us), SAMPLING_RATE);
    check_number(samplers_source(samplers), SAMPLING_BUILT_IN);
    samplers_free(samplers);
}

TEST(a_reservoir_is_spent_and_full_again_with_the_next_second)
{
    struct samplers *samplers = with(2, 0, SAMPLING_FILE);
    for (unsigned second = 0; second < 3; second++) {
        uint64_t now_us = noon_us + (uint64_t)second * SECOND_US;
        check_number(ask(samplers, dropped_id, now_us), SAMPLING_RESERVOIR);
        check_number(ask(samplers, dropped_id, now_us + 400000), SAMPLING_RESERVOIR);
        check_number(ask(samplers, dropped_id, now_us + 999999), SAMPLING_NOT);
    }
    check_number(counted(samplers, SAMPLING_RESERVOIR), 6);
    check_number(counted(samplers, SAMPLING_NOT), 3);
    samplers_free(samplers);
}

TEST(a_clock_that_is_behind_or_was_set_back_costs_nothing)
{
    struct samplers *samplers = with(1, 0, SAMPLING_FILE);
    check_number(ask(samplers, dropped_id, noon_us), SAMPLING_RESERVOIR);
    check_number(ask(samplers, dropped_id, noon_us - 1), SAMPLING_NOT);
    check_number(ask(samplers, dropped_id, noon_us - 3600u * (uint64_t)SECOND_US),
                 SAMPLING_RESERVOIR);
    samplers_free(samplers);
}

TEST(beyond_the_reservoir_the_rate_goes_by_the_traces_id)
{
    struct samplers *samplers = with(0, SAMPLING_WHOLE / 2, SAMPLING_FILE);
    unsigned kept = 0;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t id[16] = {[9] = (uint8_t)i};
        kept += ask(samplers, id, noon_us) == SAMPLING_RATE;
    }
    check_number(kept, 128);
    samplers_free(samplers);
}

TEST(before_a_quota_is_granted_and_after_it_one_a_second_is_borrowed)
{
    struct samplers *samplers = with(50, 0, SAMPLING_SERVICE);
    check_number(ask(samplers, dropped_id, noon_us), SAMPLING_BORROWED);
    check_number(ask(samplers, dropped_id, noon_us), SAMPLING_NOT);
    samplers_grant(samplers, &(struct sampling_target){.name = SPAN("own"),
                                                       .has_quota = true,
                                                       .quota = 3,
                                                       .until_us = noon_us + 2 * SECOND_US});
    for (unsigned i = 0; i < 3; i++)
        check_number(ask(samplers, dropped_id, noon_us + SECOND_US), SAMPLING_RESERVOIR);
    check_number(ask(samplers, dropped_id, noon_us + SECOND_US), SAMPLING_NOT);
    check_number(ask(samplers, dropped_id, noon_us + 2 * SECOND_US), SAMPLING_BORROWED);
    check_number(ask(samplers, dropped_id, noon_us + 2 * SECOND_US), SAMPLING_NOT);
    samplers_free(samplers);
}

TEST(nothing_is_borrowed_where_there_is_no_reservoir)
{
    struct samplers *samplers = with(0, 0, SAMPLING_SERVICE);
    check_number(ask(samplers, dropped_id, noon_us), SAMPLING_NOT);
    samplers_free(samplers);
}

TEST(a_granted_rate_holds_and_grants_to_strangers_are_nothing)
{
    struct samplers *samplers = with(0, 0, SAMPLING_SERVICE);
    struct sampling_target target = {
        .name = SPAN("stranger"), .has_rate = true, .rate = SAMPLING_WHOLE};
    samplers_grant(samplers, &target);
    check_number(ask(samplers, dropped_id, noon_us), SAMPLING_NOT);
    target.name = SPAN("own");
    samplers_grant(samplers, &target);
    check_number(ask(samplers, dropped_id, noon_us), SAMPLING_RATE);
    samplers_free(samplers);
}

TEST(a_rule_that_keeps_its_name_keeps_what_was_counted)
{
    struct samplers *samplers = with(1, 0, SAMPLING_FILE);
    check_number(ask(samplers, dropped_id, noon_us), SAMPLING_RESERVOIR);
    const struct sampling_rule list[] = {
        {.name = SPAN("new"), .method = SPAN("POST"), .reservoir = 1},
        {.name = SPAN("own"), .reservoir = 1, .rate = SAMPLING_WHOLE},
        sampling_rule_default};
    samplers_set(samplers, &(struct sampling_rules){list, 3}, SAMPLING_FILE);
    check_number(ask(samplers, dropped_id, noon_us),
                 SAMPLING_RATE); /* spent, and the rate is new */
    struct sampling_figures figures;
    check(samplers_figures(samplers, 1, &figures));
    check_number(figures.fates[SAMPLING_RESERVOIR], 1);
    check(!samplers_figures(samplers, 3, &figures));
    samplers_free(samplers);
}

/* ---- threads ---- */

enum { THREADS = 4, TIMES = 20000, RESERVOIR = 777 };

struct crowd {
    struct samplers *samplers;
    pthread_t thread;
    unsigned sampled;
};

static void *ask_many(void *context)
{
    struct crowd *crowd = context;
    for (unsigned i = 0; i < TIMES; i++)
        crowd->sampled += ask(crowd->samplers, dropped_id, noon_us + i) == SAMPLING_RESERVOIR;
    return NULL;
}

TEST(threads_together_spend_exactly_one_reservoir)
{
    struct samplers *samplers = with(RESERVOIR, 0, SAMPLING_FILE);
    struct crowd crowds[THREADS];
    unsigned sampled = 0;
    for (size_t i = 0; i < THREADS; i++) {
        crowds[i] = (struct crowd){.samplers = samplers};
        must(pthread_create(&crowds[i].thread, NULL, ask_many, &crowds[i]) == 0);
    }
    for (unsigned i = 0; i < 100; i++) { /* rules come meanwhile, the same ones */
        const struct sampling_rule list[] = {{.name = SPAN("own"), .reservoir = RESERVOIR},
                                             sampling_rule_default};
        samplers_set(samplers, &(struct sampling_rules){list, 2}, SAMPLING_FILE);
    }
    for (size_t i = 0; i < THREADS; i++) {
        must(pthread_join(crowds[i].thread, NULL) == 0);
        sampled += crowds[i].sampled;
    }
    check_number(sampled, RESERVOIR);
    check_number(counted(samplers, SAMPLING_RESERVOIR), RESERVOIR);
    check_number(counted(samplers, SAMPLING_NOT), THREADS * TIMES - RESERVOIR);
    samplers_free(samplers);
}

int samplers_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_known_is_the_default_rule),
        cmocka_unit_test(a_reservoir_is_spent_and_full_again_with_the_next_second),
        cmocka_unit_test(a_clock_that_is_behind_or_was_set_back_costs_nothing),
        cmocka_unit_test(beyond_the_reservoir_the_rate_goes_by_the_traces_id),
        cmocka_unit_test(before_a_quota_is_granted_and_after_it_one_a_second_is_borrowed),
        cmocka_unit_test(nothing_is_borrowed_where_there_is_no_reservoir),
        cmocka_unit_test(a_granted_rate_holds_and_grants_to_strangers_are_nothing),
        cmocka_unit_test(a_rule_that_keeps_its_name_keeps_what_was_counted),
        cmocka_unit_test(threads_together_spend_exactly_one_reservoir),
    };
    return cmocka_run_group_tests_name("samplers", tests, NULL, NULL);
}
