/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that outlive a request. */
#include <stdio.h>

#include "sidecar/state/collections.h"
#include "tests/check.h"

static const struct collection_key counter = {SPAN_INIT("IP"), SPAN_INIT("192.0.2.1"),
                                              SPAN_INIT("counter")};

enum { SECOND = 1000000 };

static struct span got(struct collections *c, const struct collection_key *key, uint64_t now_us,
                       struct arena *arena)
{
    struct span value = {NULL, 0};
    collections_get(c, key, now_us, arena, &value);
    return value;
}

TEST(a_variable_is_found_again_under_its_collection_key_and_name)
{
    struct arena *arena = arena_new(NULL, 4096);
    struct collections *c = collections_new(100, 3600u * (uint64_t)SECOND);
    collections_set(c, &counter, 0, SPAN("5"));
    check_span(got(c, &counter, 1, arena), "5");
    struct collection_key other = counter;
    other.key = SPAN("192.0.2.2");
    check(got(c, &other, 1, arena).at == NULL);
    other = counter;
    other.name = SPAN("COUNTER");
    check_span(got(c, &other, 1, arena), "5");
    collections_free(c);
    arena_free(arena);
}

TEST(setting_nothing_removes)
{
    struct arena *arena = arena_new(NULL, 4096);
    struct collections *c = collections_new(100, 3600u * (uint64_t)SECOND);
    collections_set(c, &counter, 0, SPAN("5"));
    collections_set(c, &counter, 0, (struct span){NULL, 0});
    check(got(c, &counter, 1, arena).at == NULL);
    check_number(collections_count(c), 0);
    collections_free(c);
    arena_free(arena);
}

TEST(a_variable_expires_when_it_was_told_to_and_at_last_with_the_timeout)
{
    struct arena *arena = arena_new(NULL, 4096);
    struct collections *c = collections_new(100, 10 * SECOND);
    collections_set(c, &counter, 0, SPAN("5"));
    collections_expire(c, &counter, 0, 2 * SECOND);
    check_span(got(c, &counter, 2 * SECOND - 1, arena), "5");
    check(got(c, &counter, 2 * SECOND, arena).at == NULL);
    collections_set(c, &counter, 0, SPAN("6"));
    check(got(c, &counter, 10 * SECOND, arena).at == NULL);
    collections_free(c);
    arena_free(arena);
}

TEST(many_keys_stay_within_the_bound)
{
    struct collections *c = collections_new(160, 3600u * (uint64_t)SECOND);
    for (unsigned i = 0; i < 10000; i++) {
        char name[32];
        int len = snprintf(name, sizeof(name), "10.0.%u.%u", i / 256, i % 256);
        struct collection_key key = counter;
        key.key = span_make(name, (size_t)len);
        collections_set(c, &key, i, SPAN("1"));
    }
    check(collections_count(c) <= 160 + 16);
    collections_free(c);
}

struct listed {
    char text[256];
    size_t len;
};

static void list_one(void *to, struct span name, struct span value)
{
    struct listed *listed = to;
    listed->len +=
        (size_t)snprintf(listed->text + listed->len, sizeof listed->text - listed->len,
                         SPAN_FORMAT "=" SPAN_FORMAT ";", span_arg(name), span_arg(value));
}

TEST(a_key_lists_its_own_variables_that_live)
{
    struct listed listed = {.len = 0};
    struct collections *c = collections_new(1000, 10 * SECOND);
    struct collection_key key = counter;
    collections_set(c, &key, 0, SPAN("5"));
    key.name = SPAN("gone");
    collections_set(c, &key, 0, SPAN("6"));
    collections_expire(c, &key, 0, SECOND);
    key.name = SPAN("score");
    collections_set(c, &key, 0, SPAN("7"));
    key.key = SPAN("192.0.2.11");
    collections_set(c, &key, 0, SPAN("8"));
    collections_each(c, SPAN("ip"), counter.key, 2 * SECOND, list_one, &listed);
    check_span(span_make(listed.text, listed.len), "counter=5;score=7;");
    collections_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_is_found_again_under_its_collection_key_and_name),
        cmocka_unit_test(setting_nothing_removes),
        cmocka_unit_test(a_variable_expires_when_it_was_told_to_and_at_last_with_the_timeout),
        cmocka_unit_test(many_keys_stay_within_the_bound),
        cmocka_unit_test(a_key_lists_its_own_variables_that_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
