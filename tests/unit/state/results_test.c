/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/state/results.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/state/suites.h"

enum { SECOND = 1000000, ROOM = 64 * 1024, ROOMY = 1 << 20, NARROW = 16 * 1024 };

struct thing {
    struct kept kept;
    unsigned *freed;
    unsigned number;
};

static void thing_free(struct kept *kept)
{
    struct thing *thing = (struct thing *)(void *)kept;
    if (thing->freed != NULL)
        (*thing->freed)++;
    free(thing);
}

static void put(struct results *results, const char *key, uint64_t until_us, size_t bytes,
                unsigned *freed)
{
    struct thing *thing = must_alloc(sizeof *thing);
    kept_init(&thing->kept, bytes, thing_free);
    thing->freed = freed;
    struct results_id id = results_id(results, span_text(key));
    results_set(results, &id, until_us, &thing->kept);
    kept_give(&thing->kept);
}

static bool knows(struct results *results, const char *key, uint64_t now_us)
{
    struct results_id id = results_id(results, span_text(key));
    struct kept *kept = results_find(results, &id, now_us);
    kept_give(kept);
    return kept != NULL;
}

TEST(a_result_is_known_by_its_key_until_its_time_is_over)
{
    struct results *results = results_new(ROOMY);
    unsigned freed = 0;
    put(results, "alice", (uint64_t)10 * SECOND, 100, &freed);
    check(knows(results, "alice", (uint64_t)10 * SECOND - 1));
    check(!knows(results, "bob", 1));
    check(!knows(results, "alice", (uint64_t)10 * SECOND));
    check_number(freed, 1);
    check_number(results_held(results).bytes, 0);
    results_give(results);
}

TEST(a_newer_result_takes_the_place_of_the_older)
{
    struct results *results = results_new(ROOMY);
    unsigned freed = 0;
    put(results, "alice", 10, 100, &freed);
    put(results, "alice", 20, 100, &freed);
    check_number(freed, 1);
    check(knows(results, "alice", 15));
    check_number(results_held(results).count, 1);
    results_give(results);
    check_number(freed, 2);
}

TEST(what_somebody_still_looks_at_outlives_the_store)
{
    struct results *results = results_new(ROOMY);
    unsigned freed = 0;
    put(results, "alice", 10, 100, &freed);
    struct results_id id = results_id(results, SPAN("alice"));
    struct kept *kept = results_find(results, &id, 1);
    results_give(results);
    check_number(freed, 0);
    kept_give(kept);
    check_number(freed, 1);
}

TEST(results_of_many_keys_stay_within_the_bytes_and_the_one_in_use_stays)
{
    struct results *results = results_new(ROOM);
    unsigned freed = 0;
    put(results, "honest", 10, 100, &freed);
    for (unsigned i = 0; i < 20000; i++) {
        char key[32];
        snprintf(key, sizeof key, "random %u", i);
        put(results, key, 10, 100, &freed);
        check(knows(results, "honest", 1));
        check(results_held(results).bytes <= ROOM);
    }
    check(results_held(results).count > 100);
    size_t left = results_held(results).count;
    check_number(freed, 20001 - left);
    results_give(results);
    check_number(freed, 20001);
}

TEST(a_result_that_is_too_large_for_its_shard_is_not_kept)
{
    struct results *results = results_new(ROOM);
    unsigned freed = 0;
    put(results, "alice", 10, ROOM, &freed);
    check(!knows(results, "alice", 1));
    check_number(freed, 1);
    results_give(results);
}

TEST(a_result_that_is_too_large_drives_no_other_out_but_the_older_of_its_key)
{
    enum { OTHERS = 64 };
    struct results *results = results_new(ROOM);
    unsigned freed = 0;
    char key[16];
    for (unsigned i = 0; i < OTHERS; i++) {
        snprintf(key, sizeof key, "%u", i);
        put(results, key, 10, 100, &freed);
    }
    put(results, "alice", 10, 100, &freed);
    unsigned before = freed;
    put(results, "alice", 10, ROOM, &freed);
    check(!knows(results, "alice", 1));
    check_number(freed, before + 2);
    check_number(results_held(results).count, OTHERS + 1 - before - 1);
    results_give(results);
}

static void *work(void *context)
{
    for (unsigned i = 0; i < 3000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%u", i % 50);
        if (!knows(context, key, i))
            put(context, key, i + 20, 600, NULL);
    }
    return NULL;
}

TEST(threads_share_a_store_of_results)
{
    struct results *results = results_new(NARROW);
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++)
        must(pthread_create(&threads[i], NULL, work, results) == 0);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    check(results_held(results).bytes <= NARROW);
    results_give(results_take(results));
    results_give(results);
}

int results_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_known_by_its_key_until_its_time_is_over),
        cmocka_unit_test(a_newer_result_takes_the_place_of_the_older),
        cmocka_unit_test(what_somebody_still_looks_at_outlives_the_store),
        cmocka_unit_test(results_of_many_keys_stay_within_the_bytes_and_the_one_in_use_stays),
        cmocka_unit_test(a_result_that_is_too_large_for_its_shard_is_not_kept),
        cmocka_unit_test(a_result_that_is_too_large_drives_no_other_out_but_the_older_of_its_key),
        cmocka_unit_test(threads_share_a_store_of_results),
    };
    return cmocka_run_group_tests_name("results", tests, NULL, NULL);
}
