/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/state/rates.h"

#include <pthread.h>
#include <stdatomic.h>

#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/state/suites.h"

#define SECOND UINT64_C(1000000)
#define START  (UINT64_C(1000000) * SECOND) /* a clock that did not begin just now */

static const struct rate_limit window = {
    .algorithm = RATE_SLIDING_WINDOW, .limit = 100, .window_us = 60 * SECOND, .keys_most = 1024};
static const struct rate_limit bucket = {.algorithm = RATE_TOKEN_BUCKET,
                                         .limit = 50,
                                         .burst = 100,
                                         .window_us = SECOND,
                                         .keys_most = 1024};
static const struct rate_key client = {{0x123456789abcdef0, 42}};

/* As a hash would spread it: splitmix64. */
static uint64_t spread(uint64_t number)
{
    number += 0x9e3779b97f4a7c15;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
    number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
    return number ^ (number >> 31);
}

static struct rate_key key_of(uint64_t number)
{
    return (struct rate_key){{spread(number), spread(~number)}};
}

/* How many of `asked` pass at one moment. */
static unsigned passing(struct rates *rates, const struct rate_key *key, uint64_t now_us,
                        unsigned asked)
{
    unsigned passed = 0;
    for (unsigned i = 0; i < asked; i++)
        passed += rates_ask(rates, key, now_us).passes;
    return passed;
}

/* ---- the room ---- */

TEST(each_slot_is_a_cache_line_of_its_own)
{
    struct rate_limit limit = window;
    for (limit.keys_most = 1024; limit.keys_most <= 1 << 20; limit.keys_most *= 4)
        rates_give(rates_new(&limit)); /* looks at where the slots begin */
}

/* ---- a sliding window ---- */

TEST(a_window_lets_exactly_its_limit_pass)
{
    struct rates *rates = rates_new(&window);
    for (unsigned i = 0; i < 100; i++) {
        struct rate_verdict verdict = rates_ask(rates, &client, START + i);
        check(verdict.passes);
        check_number(verdict.remaining, 99 - i);
    }
    check(!rates_ask(rates, &client, START + 100).passes);
    struct rate_key other = key_of(1);
    check_number(passing(rates, &other, START, 200), 100);
    rates_give(rates);
}

TEST(no_run_of_a_window_holds_more_than_the_limit)
{
    static uint64_t passed_at[100000];
    struct rates *rates = rates_new(&window);
    size_t count = 0;
    for (uint64_t ms = 0; ms < 600000; ms += 7 + spread(ms) % 200) {
        uint64_t now_us = START + ms * 1000;
        if (rates_ask(rates, &client, now_us).passes)
            passed_at[count++] = now_us;
        if (count > 100)
            check(passed_at[count - 1] - passed_at[count - 101] >= window.window_us);
    }
    check(count > 800); /* of ten windows: nine whole ones at the least */
    rates_give(rates);
}

TEST(after_the_time_that_a_window_names_a_request_passes_and_not_before)
{
    struct rates *rates = rates_new(&window);
    check_number(passing(rates, &client, START, 40), 40);
    check_number(passing(rates, &client, START + 20 * SECOND, 100), 60);
    uint64_t retry_us = rates_ask(rates, &client, START + 20 * SECOND).retry_us;
    check(retry_us >= 40 * SECOND && retry_us <= 47 * SECOND);
    check(!rates_ask(rates, &client, START + 20 * SECOND + retry_us - 1).passes);
    check_number(passing(rates, &client, START + 20 * SECOND + retry_us, 100), 40);
    rates_give(rates);
}

TEST(who_is_refused_is_not_counted)
{
    struct rates *rates = rates_new(&window);
    check_number(passing(rates, &client, START, 100000), 100);
    check_number(passing(rates, &client, START + 67 * SECOND, 100000), 100);
    rates_give(rates);
}

TEST(a_long_silence_empties_a_window)
{
    struct rates *rates = rates_new(&window);
    check_number(passing(rates, &client, START, 100), 100);
    check_number(passing(rates, &client, START + 86400 * SECOND, 200), 100);
    check_number(passing(rates, &client, START, 200), 0); /* a clock that fell behind */
    rates_give(rates);
}

/* ---- a token bucket ---- */

TEST(a_bucket_lets_its_burst_pass_and_then_its_rate)
{
    struct rates *rates = rates_new(&bucket);
    check_number(passing(rates, &client, START, 1000), 100);
    unsigned passed = 0;
    for (uint64_t ms = 1; ms <= 10000; ms++)
        passed += passing(rates, &client, START + ms * 1000, 3);
    check_number(passed, 500);
    check_number(passing(rates, &client, START + 60 * SECOND, 1000), 100);
    rates_give(rates);
}

TEST(after_the_time_that_a_bucket_names_a_request_passes_and_not_before)
{
    struct rates *rates = rates_new(&bucket);
    check_number(passing(rates, &client, START, 1000), 100);
    uint64_t retry_us = rates_ask(rates, &client, START + 5000).retry_us;
    check_number(retry_us, 15000);
    check(!rates_ask(rates, &client, START + 5000 + retry_us - 1).passes);
    check(rates_ask(rates, &client, START + 5000 + retry_us).passes);
    rates_give(rates);
}

TEST(a_bucket_says_how_many_are_left)
{
    struct rates *rates = rates_new(&bucket);
    check_number(rates_ask(rates, &client, START).remaining, 99);
    check_number(rates_ask(rates, &client, START).remaining, 98);
    check_number(rates_ask(rates, &client, START + SECOND).remaining, 99);
    rates_give(rates);
}

TEST(a_rate_that_does_not_divide_is_kept_over_a_day)
{
    struct rate_limit seventh = bucket;
    seventh.limit = 7;
    seventh.burst = 1;
    seventh.window_us = 60 * SECOND;
    struct rates *rates = rates_new(&seventh);
    unsigned passed = 0;
    for (uint64_t ms = 0; ms < 86400000; ms += 50)
        passed += rates_ask(rates, &client, START + ms * 1000).passes;
    check(passed >= 7 * 1440 * 99 / 100 && passed <= 7 * 1440 + 1);
    rates_give(rates);
}

TEST(limits_that_no_store_can_hold_do_not_fit)
{
    struct rate_limit limit = bucket;
    check(rate_limit_fits(&limit) && rate_limit_fits(&window));
    limit.window_us = 86400 * SECOND;
    limit.limit = 1;
    limit.burst = 366;
    check(rate_limit_fits(&limit));
    limit.burst = 367;
    check(!rate_limit_fits(&limit));
    limit.limit = 0;
    check(!rate_limit_fits(&limit));
}

/* ---- everything counted ---- */

static const struct rate_limit count = {
    .algorithm = RATE_COUNT, .limit = 1, .window_us = 300 * SECOND, .keys_most = 10000};

TEST(a_count_counts_everything_however_much)
{
    struct rates *rates = rates_new(&count);
    for (uint64_t n = 1; n <= 100000; n++)
        check_number(rates_count(rates, &client, START + n), n);
    struct rate_key other = key_of(1);
    check_number(rates_count(rates, &other, START), 1);
    rates_give(rates);
}

TEST(a_count_is_of_the_window_and_of_a_57th_more_at_the_most)
{
    static uint64_t asked_at[100000];
    struct rates *rates = rates_new(&count);
    size_t all = 0, first = 0, first_late = 0;
    for (uint64_t ms = 0; ms < 3600000; ms += 7 + spread(ms) % 200) {
        uint64_t now_us = START + ms * 1000;
        asked_at[all++] = now_us;
        while (asked_at[first] + count.window_us <= now_us)
            first++;
        while (asked_at[first_late] + count.window_us / 57 * 58 + 58 <= now_us)
            first_late++;
        uint64_t counted = rates_count(rates, &client, now_us);
        check(counted >= all - first && counted <= all - first_late);
    }
    check(all > 30000);
    check_number(rates_count(rates, &client, START + 7200 * SECOND), 1);
    rates_give(rates);
}

TEST(a_count_takes_256_bytes_a_key)
{
    struct rates *rates = rates_new(&count);
    check(rates_bytes(rates) <= 16384 * 256 + 8192 + 64);
    for (uint64_t n = 0; n < 10000; n++) {
        struct rate_key key = key_of(n);
        check_number(rates_count(rates, &key, START), 1);
    }
    check_number(rates_forgotten(rates), 0);
    rates_give(rates);
}

TEST(a_flood_of_random_keys_forgets_nobody_who_came_often)
{
    struct rates *rates = rates_new(&count);
    for (uint64_t n = 0; n < 50; n++)
        rates_count(rates, &client, START);
    for (uint64_t n = 0; n < 1000000; n++) {
        struct rate_key key = key_of(n);
        rates_count(rates, &key, START);
    }
    check_number(rates_count(rates, &client, START), 51);
    rates_give(rates);
}

/* ---- threads ---- */

enum { THREADS = 4, TRIES = 200000 };

struct crowd {
    struct rates *rates;
    _Atomic uint64_t clock_us;
    _Atomic unsigned passed;
};

static void *ask_many(void *context)
{
    struct crowd *crowd = context;
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t now_us = atomic_fetch_add(&crowd->clock_us, 10);
        if (rates_ask(crowd->rates, &client, now_us).passes)
            atomic_fetch_add(&crowd->passed, 1);
    }
    return NULL;
}

static unsigned passing_of_many(const struct rate_limit *limit)
{
    struct crowd crowd = {.rates = rates_new(limit)};
    pthread_t threads[THREADS];
    atomic_init(&crowd.clock_us, START);
    atomic_init(&crowd.passed, 0);
    for (size_t i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, ask_many, &crowd) == 0);
    for (size_t i = 0; i < THREADS; i++)
        must(pthread_join(threads[i], NULL) == 0);
    rates_give(crowd.rates);
    return atomic_load(&crowd.passed);
}

TEST(threads_together_let_exactly_the_limit_pass)
{
    /* 800,000 tries over 8 s of their clock */
    check_number(passing_of_many(&window), 100);
    unsigned passed = passing_of_many(&bucket); /* its burst, and 50 in each of 8 s */
    check(passed >= 498 && passed <= 500);
}

static void *count_many(void *context)
{
    struct crowd *crowd = context;
    for (unsigned i = 0; i < TRIES; i++)
        if (rates_count(crowd->rates, &client, START) <= TRIES)
            atomic_fetch_add(&crowd->passed, 1);
    return NULL;
}

TEST(threads_together_count_every_one)
{
    struct crowd crowd = {.rates = rates_new(&count)};
    pthread_t threads[THREADS];
    atomic_init(&crowd.passed, 0);
    for (size_t i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, count_many, &crowd) == 0);
    for (size_t i = 0; i < THREADS; i++)
        must(pthread_join(threads[i], NULL) == 0);
    check_number(atomic_load(&crowd.passed), TRIES);
    check_number(rates_count(crowd.rates, &client, START), THREADS * TRIES + 1);
    rates_give(crowd.rates);
}

/* ---- more keys than there is room ---- */

enum { ATTACK_KEYS = 1000000, HONEST = 200 };

/* Honest clients ask once a second, in the middle of an attack of keys that are never seen again.
 */
static void attack(const struct rate_limit *limit, bool forgets)
{
    struct rates *rates = rates_new(limit);
    unsigned refused = 0;
    for (uint64_t n = 0; n < ATTACK_KEYS; n++) {
        uint64_t now_us = START + n * 60;
        struct rate_key key = key_of(n);
        check(rates_ask(rates, &key, now_us).passes);
        if (n % (ATTACK_KEYS / 60 / HONEST) == 0) {
            struct rate_key honest = key_of(UINT64_MAX - n / (ATTACK_KEYS / 60 / HONEST) % HONEST);
            refused += !rates_ask(rates, &honest, now_us).passes;
        }
    }
    check_number(refused, 0);
    check(rates_bytes(rates) <= 65536 * 64 + 8192 + 64);
    check((rates_forgotten(rates) > 0) == forgets);
    rates_give(rates);
}

TEST(a_million_random_keys_in_a_minute_refuse_no_honest_client)
{
    struct rate_limit limit = window;
    limit.keys_most = 65536;
    attack(&limit, true);
    limit = bucket;
    limit.keys_most = 65536;
    attack(&limit, false); /* a token is back after 20 ms: those before have nothing counted */
}

/* Who has come often is not forgotten for those who have come once. */
static void flood(const struct rate_limit *limit, unsigned used, unsigned left)
{
    struct rates *rates = rates_new(limit);
    check_number(passing(rates, &client, START, used), used);
    for (uint64_t n = 0; n < ATTACK_KEYS; n++) {
        struct rate_key key = key_of(n);
        check(rates_ask(rates, &key, START).passes);
    }
    check_number(passing(rates, &client, START, 1000), left);
    rates_give(rates);
}

TEST(a_flood_of_random_keys_is_no_way_around_a_limit)
{
    flood(&window, 60, 40);
    flood(&window, 100, 0);
    flood(&bucket, 100, 0);
}

TEST(nobody_is_forgotten_while_a_third_of_the_room_is_free)
{
    struct rate_limit limit = window;
    limit.keys_most = 65536;
    struct rates *rates = rates_new(&limit);
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t n = 0; n < 65536 * 2 / 3; n++) {
            struct rate_key key = key_of(n);
            check(rates_ask(rates, &key, START).passes);
        }
    }
    check_number(rates_forgotten(rates), 0);
    rates_give(rates);
}

TEST(keys_with_nothing_left_to_count_make_room_first)
{
    struct rates *rates = rates_new(&window);
    for (uint64_t n = 0; n < 100000; n++) { /* 100 at a time, each gone before the next ones */
        struct rate_key key = key_of(n);
        rates_ask(rates, &key, START + n / 100 * 70 * SECOND);
    }
    check_number(rates_forgotten(rates), 0);
    rates_give(rates);
}

TEST(a_store_lives_as_long_as_its_last_owner)
{
    struct rates *rates = rates_new(&window);
    check_number(passing(rates, &client, START, 100), 100);
    struct rates *after_reload = rates_take(rates);
    rates_give(rates);
    check_number(passing(after_reload, &client, START, 100), 0);
    rates_give(after_reload);
}

int rates_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_slot_is_a_cache_line_of_its_own),
        cmocka_unit_test(a_window_lets_exactly_its_limit_pass),
        cmocka_unit_test(no_run_of_a_window_holds_more_than_the_limit),
        cmocka_unit_test(after_the_time_that_a_window_names_a_request_passes_and_not_before),
        cmocka_unit_test(who_is_refused_is_not_counted),
        cmocka_unit_test(a_long_silence_empties_a_window),
        cmocka_unit_test(a_bucket_lets_its_burst_pass_and_then_its_rate),
        cmocka_unit_test(after_the_time_that_a_bucket_names_a_request_passes_and_not_before),
        cmocka_unit_test(a_bucket_says_how_many_are_left),
        cmocka_unit_test(a_rate_that_does_not_divide_is_kept_over_a_day),
        cmocka_unit_test(limits_that_no_store_can_hold_do_not_fit),
        cmocka_unit_test(a_count_counts_everything_however_much),
        cmocka_unit_test(a_count_is_of_the_window_and_of_a_57th_more_at_the_most),
        cmocka_unit_test(a_count_takes_256_bytes_a_key),
        cmocka_unit_test(a_flood_of_random_keys_forgets_nobody_who_came_often),
        cmocka_unit_test(threads_together_count_every_one),
        cmocka_unit_test(threads_together_let_exactly_the_limit_pass),
        cmocka_unit_test(a_million_random_keys_in_a_minute_refuse_no_honest_client),
        cmocka_unit_test(a_flood_of_random_keys_is_no_way_around_a_limit),
        cmocka_unit_test(nobody_is_forgotten_while_a_third_of_the_room_is_free),
        cmocka_unit_test(keys_with_nothing_left_to_count_make_room_first),
        cmocka_unit_test(a_store_lives_as_long_as_its_last_owner),
    };
    return cmocka_run_group_tests_name("rates", tests, NULL, NULL);
}
