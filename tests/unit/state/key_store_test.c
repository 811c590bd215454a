/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of an issuer: when they are fetched, how long they serve, and who waits for them. The clock
 * is turned by hand. */
#include "sidecar/state/key_store.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/state/suites.h"

#define SECOND UINT64_C(1000000)
#define HOUR   (3600 * SECOND)

static const struct key_store_settings by_url = {.refresh_us = 2 * HOUR, .stale_us = 24 * HOUR};

/* A set is a number on the heap. */
static void *set_of(unsigned number)
{
    unsigned *set = must_alloc(sizeof *set);
    *set = number;
    return set;
}

static unsigned set_at(struct key_store *store, uint64_t now_us)
{
    struct key_hold hold = key_store_hold(store, now_us);
    unsigned number = hold.set != NULL ? *(const unsigned *)hold.set : 0;
    key_store_let_go(store, &hold);
    return number;
}

static void count_word(void *context)
{
    ++*(unsigned *)context;
}

struct scene {
    struct key_store *store;
    unsigned words;
};

static void open_scene(struct scene *scene)
{
    *scene = (struct scene){.store = key_store_new(&by_url, free)};
    key_store_watch(scene->store, count_word, &scene->words);
}

static void fetch(struct scene *scene, unsigned number, uint64_t life_us, uint64_t now_us)
{
    key_store_begin(scene->store);
    key_store_set(scene->store, set_of(number), life_us, now_us, 0);
}

static void fail_to_fetch(struct scene *scene, uint64_t now_us)
{
    key_store_begin(scene->store);
    key_store_failed(scene->store, now_us, 0);
}

TEST(a_set_that_is_given_once_serves_for_ever)
{
    struct key_store *store = key_store_new(&(struct key_store_settings){0}, free);
    key_store_set(store, set_of(7), 0, 5, 0);
    check_number(set_at(store, UINT64_MAX - 1), 7);
    check(key_store_due_us(store) == UINT64_MAX);
    check_number(key_store_ask(store, 1, HOUR), KEYS_SAME);
    key_store_give(store);
}

TEST(who_comes_before_the_first_set_waits_for_it)
{
    struct scene scene;
    open_scene(&scene);
    check_number(key_store_due_us(scene.store), 0);
    struct key_hold hold = key_store_hold(scene.store, SECOND);
    check(hold.set == NULL);
    key_store_let_go(scene.store, &hold);
    check_number(key_store_ask(scene.store, hold.version, SECOND), KEYS_COMING);
    key_store_begin(scene.store);
    check(key_store_due_us(scene.store) == UINT64_MAX);
    check_number(key_store_ask(scene.store, hold.version, SECOND), KEYS_COMING);
    key_store_set(scene.store, set_of(1), 0, 2 * SECOND, 0);
    check_number(key_store_ask(scene.store, hold.version, 2 * SECOND), KEYS_CHANGED);
    check_number(set_at(scene.store, 2 * SECOND), 1);
    key_store_give(scene.store);
}

TEST(where_the_first_set_does_not_come_nobody_waits_for_the_next_try)
{
    struct scene scene;
    open_scene(&scene);
    fail_to_fetch(&scene, SECOND);
    check_number(key_store_ask(scene.store, 0, 2 * SECOND), KEYS_SAME);
    check_number(scene.words, 0);
    key_store_give(scene.store);
}

TEST(where_nobody_fetches_nobody_waits)
{
    struct key_store *store = key_store_new(&by_url, free);
    check_number(key_store_ask(store, 0, HOUR), KEYS_SAME);
    key_store_give(store);
}

TEST(a_set_is_fetched_again_before_it_is_old)
{
    struct scene scene;
    open_scene(&scene);
    fetch(&scene, 1, 0, HOUR);
    check_number(key_store_due_us(scene.store), HOUR + 2 * HOUR / 8 * 5);
    key_store_begin(scene.store);
    key_store_set(scene.store, set_of(2), 0, 3 * HOUR, UINT64_MAX);
    check(key_store_due_us(scene.store) <= 3 * HOUR + 2 * HOUR / 8 * 6);
    check_number(set_at(scene.store, 3 * HOUR), 2);
    key_store_give(scene.store);
}

TEST(the_issuers_word_shortens_a_life_within_bounds)
{
    struct scene scene;
    open_scene(&scene);
    fetch(&scene, 1, 600 * SECOND, 0);
    check_number(key_store_due_us(scene.store), 600 * SECOND / 8 * 5);
    fetch(&scene, 1, 1, 0);
    check_number(key_store_due_us(scene.store), 60 * SECOND / 8 * 5);
    fetch(&scene, 1, 100 * HOUR, 0);
    check_number(key_store_due_us(scene.store), 2 * HOUR / 8 * 5);
    key_store_give(scene.store);
}

TEST(failures_are_tried_again_after_growing_pauses)
{
    struct scene scene;
    open_scene(&scene);
    static const uint64_t pauses_s[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    for (size_t i = 0; i < sizeof pauses_s / sizeof *pauses_s; i++) {
        fail_to_fetch(&scene, HOUR);
        check_number(key_store_due_us(scene.store), HOUR + pauses_s[i] * SECOND / 2);
    }
    key_store_begin(scene.store);
    key_store_failed(scene.store, HOUR, UINT64_MAX);
    check(key_store_due_us(scene.store) <= HOUR + 60 * SECOND);
    fetch(&scene, 1, 0, HOUR);
    fail_to_fetch(&scene, HOUR);
    check_number(key_store_due_us(scene.store), HOUR + SECOND / 2);
    key_store_give(scene.store);
}

TEST(the_last_good_set_serves_for_as_long_as_the_policy_says)
{
    struct scene scene;
    open_scene(&scene);
    fetch(&scene, 1, 0, HOUR);
    fail_to_fetch(&scene, 2 * HOUR);
    check_number(set_at(scene.store, 27 * HOUR - 1), 1);
    check_number(set_at(scene.store, 27 * HOUR), 0);
    check_number(key_store_ask(scene.store, 1, 27 * HOUR), KEYS_COMING);
    check_number(scene.words, 1);
    fail_to_fetch(&scene, 27 * HOUR);
    check_number(key_store_ask(scene.store, 1, 27 * HOUR + SECOND), KEYS_SAME);
    key_store_give(scene.store);
}

TEST(an_unknown_key_is_asked_for_once_by_all_who_bring_it)
{
    struct scene scene;
    open_scene(&scene);
    fetch(&scene, 1, 0, HOUR);
    check_number(key_store_ask(scene.store, 1, HOUR), KEYS_COMING);
    check_number(key_store_ask(scene.store, 1, HOUR), KEYS_COMING);
    check_number(scene.words, 1);
    check_number(key_store_due_us(scene.store), 0);
    fetch(&scene, 2, 0, HOUR + SECOND);
    check_number(key_store_ask(scene.store, 1, HOUR + SECOND), KEYS_CHANGED);
    key_store_give(scene.store);
}

TEST(for_unknown_keys_a_few_fetches_come_at_once_and_then_one_in_five_seconds)
{
    struct scene scene;
    open_scene(&scene);
    fetch(&scene, 1, 0, HOUR);
    for (uint64_t version = 1; version <= 5; version++) {
        check_number(key_store_ask(scene.store, version, HOUR), KEYS_COMING);
        fetch(&scene, 1, 0, HOUR);
    }
    check_number(key_store_ask(scene.store, 6, HOUR), KEYS_SAME);
    check_number(key_store_ask(scene.store, 6, HOUR + 5 * SECOND - 1), KEYS_SAME);
    check_number(key_store_ask(scene.store, 6, HOUR + 5 * SECOND), KEYS_COMING);
    fetch(&scene, 1, 0, HOUR + 5 * SECOND);
    check_number(key_store_ask(scene.store, 7, HOUR + 5 * SECOND), KEYS_SAME);
    check_number(scene.words, 6);
    key_store_give(scene.store);
}

TEST(what_was_fetched_and_what_failed_is_counted)
{
    struct scene scene;
    open_scene(&scene);
    fetch(&scene, 1, 0, HOUR);
    fail_to_fetch(&scene, 2 * HOUR);
    fail_to_fetch(&scene, 3 * HOUR);
    struct key_store_figures figures = key_store_figures(scene.store);
    check_number(figures.fetched, 1);
    check_number(figures.failed, 2);
    check_number(figures.fetched_us, HOUR);
    key_store_give(scene.store);
}

/* ---- threads ---- */

enum { SWAPS = 2000, LOOKS = 20000 };

static void *look(void *context)
{
    struct key_store *store = context;
    unsigned before = 0;
    for (unsigned i = 0; i < LOOKS; i++) {
        unsigned now = set_at(store, HOUR);
        check(now >= before && now <= SWAPS);
        before = now;
    }
    return NULL;
}

TEST(a_set_is_swapped_under_the_eyes_of_those_who_use_it)
{
    struct scene scene;
    pthread_t threads[3];
    open_scene(&scene);
    fetch(&scene, 1, 0, HOUR);
    for (size_t i = 0; i < 3; i++)
        check(pthread_create(&threads[i], NULL, look, scene.store) == 0);
    for (unsigned i = 2; i <= SWAPS; i++)
        fetch(&scene, i, 0, HOUR);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    check_number(set_at(scene.store, HOUR), SWAPS);
    key_store_give(scene.store);
}

struct wanting {
    struct key_store *store;
    _Atomic bool over;
};

static void *want(void *context)
{
    struct wanting *wanting = context;
    for (uint64_t i = 0; i < LOOKS; i++)
        key_store_ask(wanting->store, 1, HOUR + i * 10 * SECOND);
    atomic_store(&wanting->over, true);
    return NULL;
}

TEST(who_fetches_no_more_hears_no_more)
{
    struct scene scene;
    struct wanting wanting = {.over = false};
    pthread_t thread;
    open_scene(&scene);
    fetch(&scene, 1, 0, HOUR);
    wanting.store = scene.store;
    check(pthread_create(&thread, NULL, want, &wanting) == 0);
    while (!atomic_load(&wanting.over)) {
        unsigned *words = must_alloc(sizeof *words);
        key_store_watch(scene.store, count_word, words);
        sched_yield();
        key_store_watch(scene.store, NULL, NULL);
        free(words);
    }
    pthread_join(thread, NULL);
    key_store_give(scene.store);
}

int key_store_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_that_is_given_once_serves_for_ever),
        cmocka_unit_test(who_comes_before_the_first_set_waits_for_it),
        cmocka_unit_test(where_the_first_set_does_not_come_nobody_waits_for_the_next_try),
        cmocka_unit_test(where_nobody_fetches_nobody_waits),
        cmocka_unit_test(a_set_is_fetched_again_before_it_is_old),
        cmocka_unit_test(the_issuers_word_shortens_a_life_within_bounds),
        cmocka_unit_test(failures_are_tried_again_after_growing_pauses),
        cmocka_unit_test(the_last_good_set_serves_for_as_long_as_the_policy_says),
        cmocka_unit_test(an_unknown_key_is_asked_for_once_by_all_who_bring_it),
        cmocka_unit_test(for_unknown_keys_a_few_fetches_come_at_once_and_then_one_in_five_seconds),
        cmocka_unit_test(what_was_fetched_and_what_failed_is_counted),
        cmocka_unit_test(a_set_is_swapped_under_the_eyes_of_those_who_use_it),
        cmocka_unit_test(who_fetches_no_more_hears_no_more),
    };
    return cmocka_run_group_tests_name("keys of issuers", tests, NULL, NULL);
}
