/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/map.h"

#include <stdio.h>

#include "rules/base/siphash.h"
#include "tests/check.h"
#include "tests/unit/base/suites.h"

static int values[4];

TEST(siphash_gives_the_numbers_of_its_paper)
{
    uint8_t key[16];
    char text[15];
    for (int i = 0; i < 16; i++)
        key[i] = (uint8_t)i;
    for (int i = 0; i < 15; i++)
        text[i] = (char)i;
    check(siphash(key, span_make(text, 15)) == UINT64_C(0xa129ca6149be45e5));
    check(siphash(key, span_make(text, 0)) == UINT64_C(0x726fdb47dd0e0e31));
    check(siphash(key, span_make(text, 8)) == UINT64_C(0x93f5f5799a932462));
}

TEST(the_hash_without_case_is_that_of_the_lower_case_text)
{
    uint8_t key[16] = {1, 2, 3};
    char text[256], lower[256];
    for (int i = 0; i < 256; i++) {
        text[i] = (char)i;
        lower[i] = byte_lower((char)i);
    }
    for (size_t len = 0; len <= 256; len++)
        check(siphash_nocase(key, span_make(text, len)) == siphash(key, span_make(lower, len)));
}

TEST(a_hash_of_many_texts_knows_their_order_and_where_they_end)
{
    const char *lists[][2] = {{"a", "b"}, {"b", "a"}, {"ab", ""}, {"", "ab"}, {"a", "b"}};
    uint64_t hashes[5] = {0};
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 2; j++)
            siphash_add(&hashes[i], span_text(lists[i][j]));
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            check(hashes[i] != hashes[j]);
    check(hashes[0] == hashes[4]);
}

TEST(the_key_of_the_process_stays_the_same_and_is_not_zero)
{
    static const uint8_t zero[16];
    check(hash_key() == hash_key());
    check(memcmp(hash_key(), zero, 16) != 0);
}

TEST(a_map_finds_what_was_set_and_says_what_it_replaced)
{
    struct map *map = map_new(NULL, false);
    check(map_find(map, SPAN("a")) == NULL);
    check(map_set(map, SPAN("a"), &values[0]) == NULL);
    check(map_set(map, SPAN("A"), &values[1]) == NULL);
    check(map_set(map, SPAN("a"), &values[2]) == &values[0]);
    check(map_find(map, SPAN("a")) == &values[2]);
    check(map_find(map, SPAN("A")) == &values[1]);
    check(map_set(map, SPAN(""), &values[3]) == NULL);
    check(map_find(map, SPAN("")) == &values[3]);
    check_number(map_count(map), 3);
    map_free(map);
    map_free(NULL);
}

TEST(a_map_without_case_keeps_the_first_spelling)
{
    struct map *map = map_new(NULL, true);
    map_set(map, SPAN("Content-Type"), &values[0]);
    check(map_set(map, SPAN("content-TYPE"), &values[1]) == &values[0]);
    check(map_find(map, SPAN("CONTENT-TYPE")) == &values[1]);
    size_t cursor = 0;
    struct span name;
    void *value;
    check(map_next(map, &cursor, &name, &value));
    check_span(name, "Content-Type");
    check(!map_next(map, &cursor, &name, &value));
    map_free(map);
}

static void fill_and_empty(struct map *map)
{
    char name[16];
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "name-%d", i);
        check(map_set(map, span_text(name), name + 1) == NULL);
        if (i % 2 == 1) { /* every other one goes again: holes must not lose or double anything */
            snprintf(name, sizeof name, "name-%d", i - 1);
            check(map_remove(map, span_text(name)) != NULL);
            check(map_remove(map, span_text(name)) == NULL);
        }
    }
    check_number(map_count(map), 1000);
    size_t cursor = 0;
    struct span found;
    void *value;
    for (int i = 1; i < 2000; i += 2) {
        snprintf(name, sizeof name, "name-%d", i);
        check(map_find(map, span_text(name)) != NULL);
        check(map_next(map, &cursor, &found, &value));
        check_span(found, name);
    }
    check(!map_next(map, &cursor, &found, &value));
}

TEST(two_thousand_names_come_and_half_of_them_go_in_order)
{
    struct map *map = map_new(NULL, false);
    fill_and_empty(map);
    map_free(map);
    struct arena *arena = arena_new(NULL, 1 << 20);
    map = map_new(arena, true);
    fill_and_empty(map);
    arena_free(arena);
}

TEST(putting_and_removing_one_name_for_ever_does_not_grow_the_map)
{
    struct arena *arena = arena_new(NULL, 1 << 20);
    struct map *map = map_new(arena, false);
    for (int i = 0; i < 20; i++) {
        map_set(map, SPAN("a"), &values[0]);
        check(map_remove(map, SPAN("a")) == &values[0]);
    }
    check_number(map_count(map), 0);
    check(map_find(map, SPAN("a")) == NULL);
    check(arena_used(arena) <= 8192);
    arena_free(arena);
}

TEST(a_full_arena_leaves_the_map_as_it_was)
{
    struct arena *arena = arena_new(NULL, 8192);
    struct map *map = map_new(arena, false);
    map_set(map, SPAN("a"), &values[0]);
    arena_text(arena, 1 << 20);
    check(arena_is_full(arena));
    check(map_set(map, SPAN("b"), &values[1]) == NULL);
    check(map_find(map, SPAN("b")) == NULL);
    check(map_find(map, SPAN("a")) == &values[0]);
    check(map_set(map, SPAN("a"), &values[2]) == &values[0]);
    check_number(map_count(map), 1);
    check(map_new(arena, false) == NULL);
    arena_free(arena);
}

int map_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_gives_the_numbers_of_its_paper),
        cmocka_unit_test(the_hash_without_case_is_that_of_the_lower_case_text),
        cmocka_unit_test(a_hash_of_many_texts_knows_their_order_and_where_they_end),
        cmocka_unit_test(the_key_of_the_process_stays_the_same_and_is_not_zero),
        cmocka_unit_test(a_map_finds_what_was_set_and_says_what_it_replaced),
        cmocka_unit_test(a_map_without_case_keeps_the_first_spelling),
        cmocka_unit_test(two_thousand_names_come_and_half_of_them_go_in_order),
        cmocka_unit_test(putting_and_removing_one_name_for_ever_does_not_grow_the_map),
        cmocka_unit_test(a_full_arena_leaves_the_map_as_it_was),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
