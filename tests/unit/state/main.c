/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that outlive a request. */
#include <stdio.h>

#include "sidecar/state/collections.h"
#include "sidecar/state/listings.h"
#include "tests/check.h"
#include "tests/unit/state/suites.h"

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
    collections_set(c, &counter, 0, SPAN("5"), 0);
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
    collections_set(c, &counter, 0, SPAN("5"), 0);
    collections_set(c, &counter, 0, (struct span){NULL, 0}, 0);
    check(got(c, &counter, 1, arena).at == NULL);
    check_number(collections_count(c), 1); /* what is known of the collection itself */
    collections_free(c);
    arena_free(arena);
}

TEST(a_variable_expires_when_it_was_told_to_and_at_last_with_the_timeout)
{
    struct arena *arena = arena_new(NULL, 4096);
    struct collections *c = collections_new(100, 10 * SECOND);
    collections_set(c, &counter, 0, SPAN("5"), 0);
    collections_expire(c, &counter, 0, 2 * SECOND);
    check_span(got(c, &counter, 2 * SECOND - 1, arena), "5");
    check(got(c, &counter, 2 * SECOND, arena).at == NULL);
    collections_set(c, &counter, 0, SPAN("6"), 0);
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
        collections_set(c, &key, i, SPAN("1"), 0);
    }
    check(collections_count(c) <= 160 + 16);
    collections_free(c);
}

TEST(what_is_written_to_lives_on_as_a_whole)
{
    struct arena *arena = arena_new(NULL, 4096);
    struct collections *c = collections_new(100, 10 * SECOND);
    struct collection_key other = counter;
    other.name = SPAN("other");
    collections_set(c, &counter, 0, SPAN("5"), 0);
    for (unsigned at = 6; at < 60; at += 6)
        collections_set(c, &other, at * SECOND, SPAN("1"), 0);
    check_span(got(c, &counter, 60 * SECOND, arena), "5");
    check(got(c, &counter, 64 * SECOND, arena).at == NULL);
    collections_free(c);
    arena_free(arena);
}

TEST(what_was_forgotten_does_not_come_back_with_the_next_write)
{
    struct arena *arena = arena_new(NULL, 4096);
    struct collections *c = collections_new(100, 10 * SECOND);
    struct collection_key other = counter;
    other.name = SPAN("other");
    collections_set(c, &counter, 0, SPAN("5"), 0);
    collections_set(c, &other, 11 * SECOND, SPAN("1"), 0);
    check(got(c, &counter, 12 * SECOND, arena).at == NULL);
    check_span(got(c, &other, 12 * SECOND, arena), "1");
    collections_free(c);
    arena_free(arena);
}

TEST(what_a_variable_was_told_holds_over_later_writes)
{
    struct arena *arena = arena_new(NULL, 4096);
    struct collections *c = collections_new(100, 10 * SECOND);
    collections_set(c, &counter, 0, SPAN("5"), 0);
    collections_expire(c, &counter, 0, 2 * SECOND);
    collections_set(c, &counter, SECOND, SPAN("6"), 0);
    check(got(c, &counter, 2 * SECOND, arena).at == NULL);
    collections_free(c);
    arena_free(arena);
}

TEST(a_timeout_may_be_given_with_the_write)
{
    struct arena *arena = arena_new(NULL, 4096);
    struct collections *c = collections_new(100, 10 * SECOND);
    collections_set(c, &counter, 0, SPAN("5"), 3 * SECOND);
    check_span(got(c, &counter, 3 * SECOND - 1, arena), "5");
    check(got(c, &counter, 3 * SECOND, arena).at == NULL);
    collections_free(c);
    arena_free(arena);
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
    collections_set(c, &key, 0, SPAN("5"), 0);
    key.name = SPAN("gone");
    collections_set(c, &key, 0, SPAN("6"), 0);
    collections_expire(c, &key, 0, SECOND);
    key.name = SPAN("score");
    collections_set(c, &key, 0, SPAN("7"), 0);
    key.key = SPAN("192.0.2.11");
    collections_set(c, &key, 0, SPAN("8"), 0);
    collections_each(c, SPAN("ip"), counter.key, 2 * SECOND, list_one, &listed);
    check_span(span_make(listed.text, listed.len), "counter=5;score=7;");
    collections_free(c);
}

/* ---- what block lists said ---- */

static enum listing look(struct listings *l, uint64_t now_us, bool *ask)
{
    uint32_t address;
    return listings_find(l, SPAN("1.2.0.192.bl.example"), now_us, &address, ask);
}

static void say(struct listings *l, uint64_t now_us, enum listing listing, uint64_t good_us)
{
    listings_set(l, SPAN("1.2.0.192.BL.example"), now_us, listing, 0x7f000002, good_us);
}

TEST(one_is_told_to_ask_and_all_know_when_there_is_an_answer)
{
    struct listings *l = listings_new(100);
    bool ask;
    uint32_t address = 0;
    check_number(look(l, 1, &ask), LISTING_UNKNOWN);
    check(ask);
    check_number(look(l, 2, &ask), LISTING_UNKNOWN);
    check(!ask);
    say(l, 3, LISTING_LISTED, 10 * SECOND);
    check_number(listings_find(l, SPAN("1.2.0.192.bl.example"), 4, &address, &ask), LISTING_LISTED);
    check(!ask && address == 0x7f000002);
    listings_free(l);
}

TEST(an_old_answer_holds_while_one_asks_anew_but_not_for_ever)
{
    struct listings *l = listings_new(100);
    bool ask;
    look(l, 0, &ask);
    say(l, 0, LISTING_LISTED, 10 * SECOND);
    check_number(look(l, 10 * SECOND, &ask), LISTING_LISTED);
    check(ask);
    check_number(look(l, 11 * SECOND, &ask), LISTING_LISTED);
    check(!ask);
    say(l, 11 * SECOND, LISTING_UNKNOWN, 20 * SECOND); /* the asking failed */
    check_number(look(l, 30 * SECOND, &ask), LISTING_LISTED);
    check(!ask);
    check_number(look(l, 31 * SECOND, &ask), LISTING_LISTED);
    check(ask);
    say(l, 32 * SECOND, LISTING_NONE, 10 * SECOND);
    check_number(look(l, 33 * SECOND, &ask), LISTING_NONE);
    check_number(look(l, 42 * SECOND + LISTINGS_STALE_US, &ask), LISTING_UNKNOWN);
    listings_free(l);
}

TEST(who_was_told_to_ask_and_never_came_back_is_not_waited_for)
{
    struct listings *l = listings_new(100);
    bool ask;
    look(l, 1, &ask);
    look(l, LISTINGS_ASKING_US, &ask);
    check(!ask);
    look(l, 1 + LISTINGS_ASKING_US, &ask);
    check(ask);
    listings_free(l);
}

TEST(many_names_stay_within_the_bound)
{
    struct listings *l = listings_new(160);
    for (unsigned i = 0; i < 10000; i++) {
        char name[32];
        uint32_t address;
        bool ask;
        int len = snprintf(name, sizeof(name), "%u.%u.bl.example", i / 256, i % 256);
        listings_find(l, span_make(name, (size_t)len), i, &address, &ask);
    }
    check(listings_count(l) <= 160 + 16);
    listings_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_is_found_again_under_its_collection_key_and_name),
        cmocka_unit_test(setting_nothing_removes),
        cmocka_unit_test(a_variable_expires_when_it_was_told_to_and_at_last_with_the_timeout),
        cmocka_unit_test(many_keys_stay_within_the_bound),
        cmocka_unit_test(what_is_written_to_lives_on_as_a_whole),
        cmocka_unit_test(what_was_forgotten_does_not_come_back_with_the_next_write),
        cmocka_unit_test(what_a_variable_was_told_holds_over_later_writes),
        cmocka_unit_test(a_timeout_may_be_given_with_the_write),
        cmocka_unit_test(a_key_lists_its_own_variables_that_live),
        cmocka_unit_test(one_is_told_to_ask_and_all_know_when_there_is_an_answer),
        cmocka_unit_test(an_old_answer_holds_while_one_asks_anew_but_not_for_ever),
        cmocka_unit_test(who_was_told_to_ask_and_never_came_back_is_not_waited_for),
        cmocka_unit_test(many_names_stay_within_the_bound),
    };
    return cmocka_run_group_tests_name("collections and listings", tests, NULL, NULL) +
           documents_suite() + live_entries_suite() + quotas_suite() + rates_suite() +
           results_suite() + samplers_suite() + state_file_suite() + tokens_suite() +
           key_store_suite();
}
