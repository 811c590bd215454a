/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/state/live_entries.h"

#include <pthread.h>
#include <stdatomic.h>

#include "tests/check.h"
#include "tests/unit/state/suites.h"

enum { SECOND = 1000000 };

static struct ip ip_of(const char *text)
{
    struct ip ip;
    check(ip_parse(span_text(text), &ip));
    return ip;
}

static struct network network_of(const char *text)
{
    struct network network;
    check(network_parse(span_text(text), &network));
    return network;
}

static enum live_put put(struct live_entries *entries, const char *network, uint64_t until_us,
                         uint64_t now_us)
{
    struct live_entry entry = {network_of(network), until_us, 0, SPAN("scans")};
    return live_entries_put(entries, &entry, now_us);
}

static bool has(struct live_entries *entries, const char *address, uint64_t now_us)
{
    struct ip ip = ip_of(address);
    return live_entries_have(entries, &ip, now_us);
}

static bool removed(struct live_entries *entries, const char *text, uint64_t now_us)
{
    struct network network = network_of(text);
    return live_entries_remove(entries, &network, now_us);
}

TEST(addresses_and_networks_of_both_families_are_found)
{
    struct live_entries *entries = live_entries_new(100);
    check(!has(entries, "203.0.113.9", 1));
    check_number(put(entries, "203.0.113.0/24", LIVE_FOR_EVER, 1), LIVE_ADDED);
    check_number(put(entries, "192.0.2.1", LIVE_FOR_EVER, 1), LIVE_ADDED);
    check_number(put(entries, "2001:db8::/33", LIVE_FOR_EVER, 1), LIVE_ADDED);
    check(has(entries, "203.0.113.0", 1) && has(entries, "203.0.113.255", 1));
    check(!has(entries, "203.0.112.255", 1) && !has(entries, "203.0.114.0", 1));
    check(has(entries, "192.0.2.1", 1) && !has(entries, "192.0.2.2", 1));
    check(has(entries, "2001:db8:7fff::1", 1) && !has(entries, "2001:db8:8000::1", 1));
    live_entries_give(entries);
}

TEST(a_mapped_address_is_its_address_of_ipv4)
{
    struct live_entries *entries = live_entries_new(100);
    put(entries, "::ffff:203.0.113.0/120", LIVE_FOR_EVER, 1);
    check(has(entries, "203.0.113.7", 1) && has(entries, "::ffff:203.0.113.7", 1));
    check(removed(entries, "203.0.113.0/24", 1));
    check(!has(entries, "203.0.113.7", 1));
    live_entries_give(entries);
}

TEST(all_of_ipv6_is_nothing_of_ipv4_and_the_reverse)
{
    struct live_entries *entries = live_entries_new(100);
    put(entries, "::/0", LIVE_FOR_EVER, 1);
    check(has(entries, "2001:db8::1", 1) && !has(entries, "203.0.113.7", 1));
    check(removed(entries, "::/0", 1));
    put(entries, "0.0.0.0/0", LIVE_FOR_EVER, 1);
    check(!has(entries, "2001:db8::1", 1) && has(entries, "203.0.113.7", 1));
    live_entries_give(entries);
}

TEST(an_entry_is_gone_to_the_microsecond_when_its_time_is_over)
{
    struct live_entries *entries = live_entries_new(100);
    put(entries, "203.0.113.7", 10 * SECOND, 1);
    check(has(entries, "203.0.113.7", 10 * SECOND - 1));
    check(!has(entries, "203.0.113.7", 10 * SECOND));
    check_number(live_entries_count(entries), 1);
    check(!removed(entries, "203.0.113.7", 10 * SECOND));
    check_number(live_entries_count(entries), 0);
    live_entries_give(entries);
}

TEST(who_is_put_in_again_has_the_new_time)
{
    struct live_entries *entries = live_entries_new(100);
    check_number(put(entries, "203.0.113.7", 10 * SECOND, 1), LIVE_ADDED);
    check_number(put(entries, "203.0.113.7", 20 * SECOND, 2), LIVE_CHANGED);
    check(has(entries, "203.0.113.7", 19 * SECOND));
    check_number(put(entries, "203.0.113.7", 30 * SECOND, 20 * SECOND), LIVE_ADDED);
    check_number(live_entries_count(entries), 1);
    live_entries_give(entries);
}

TEST(a_network_and_an_address_in_it_are_two_entries)
{
    struct live_entries *entries = live_entries_new(100);
    put(entries, "203.0.113.0/24", 10 * SECOND, 1);
    put(entries, "203.0.113.0/32", 20 * SECOND, 1);
    check(has(entries, "203.0.113.0", 15 * SECOND) && !has(entries, "203.0.113.1", 15 * SECOND));
    check(!removed(entries, "203.0.113.0/25", 1));
    check(removed(entries, "203.0.113.0/24", 1));
    check(has(entries, "203.0.113.0", 1) && !has(entries, "203.0.113.1", 1));
    live_entries_give(entries);
}

struct told {
    size_t count;
    uint64_t sum_us;
    struct span reason;
};

static void tell(void *context, const struct live_entry *entry)
{
    struct told *told = context;
    told->count++;
    told->sum_us += entry->until_us;
    check_span(entry->reason, "scans");
}

TEST(sweeping_shows_what_is_over_and_says_when_to_come_again)
{
    struct live_entries *entries = live_entries_new(100);
    struct told over = {0}, left = {0};
    put(entries, "203.0.113.1", 10 * SECOND, 1);
    put(entries, "203.0.113.2", 20 * SECOND, 1);
    put(entries, "203.0.113.3", 30 * SECOND, 1);
    put(entries, "203.0.113.4", LIVE_FOR_EVER, 1);
    check_number(live_entries_sweep(entries, 20 * SECOND, tell, &over), 30 * SECOND);
    check_number(over.count, 2);
    check_number(over.sum_us, 30 * SECOND);
    live_entries_each(entries, 25 * SECOND, tell, &left);
    check_number(left.count, 2);
    check(live_entries_sweep(entries, 30 * SECOND, NULL, NULL) == LIVE_FOR_EVER);
    live_entries_give(entries);
}

static struct live_entry numbered(unsigned i, uint64_t until_us)
{
    struct live_entry entry = {network_of("10.0.0.0"), until_us, 0, {NULL, 0}};
    entry.network.at.at[13] = (uint8_t)(i >> 16);
    entry.network.at.at[14] = (uint8_t)(i >> 8);
    entry.network.at.at[15] = (uint8_t)i;
    return entry;
}

TEST(no_more_than_the_bound_are_held_and_what_is_over_makes_room)
{
    struct live_entries *entries = live_entries_new(1000);
    for (unsigned i = 0; i < 1000; i++) {
        struct live_entry entry = numbered(i, i < 500 ? 10 * SECOND : LIVE_FOR_EVER);
        check_number(live_entries_put(entries, &entry, 1), LIVE_ADDED);
    }
    struct live_entry more = numbered(1000, LIVE_FOR_EVER);
    check_number(live_entries_put(entries, &more, 1), LIVE_FULL);
    check(!has(entries, "10.0.3.232", 1));
    check_number(live_entries_put(entries, &more, 10 * SECOND), LIVE_ADDED);
    check(has(entries, "10.0.3.232", 10 * SECOND));
    check_number(live_entries_count(entries), 501);
    live_entries_give(entries);
}

TEST(what_stays_is_found_whatever_else_goes)
{
    enum { ALL = 3000 };
    struct live_entries *entries = live_entries_new(ALL);
    for (unsigned i = 0; i < ALL; i++) {
        struct live_entry entry = numbered(i, i % 3 == 0 ? 10 * SECOND : LIVE_FOR_EVER);
        live_entries_put(entries, &entry, 1);
    }
    for (unsigned i = 1; i < ALL; i += 3) {
        struct live_entry entry = numbered(i, 0);
        check(live_entries_remove(entries, &entry.network, 1));
    }
    live_entries_sweep(entries, 10 * SECOND, NULL, NULL);
    for (unsigned i = 0; i < ALL; i++) {
        struct live_entry entry = numbered(i, 0);
        check(live_entries_have(entries, &entry.network.at, 10 * SECOND) == (i % 3 == 2));
    }
    check_number(live_entries_count(entries), ALL / 3);
    live_entries_give(entries);
}

struct looking {
    struct live_entries *entries;
    _Atomic unsigned turn; /* how often it was put in and taken out, and what is so now: odd: in */
    atomic_bool over;
    _Atomic unsigned looks, wrong;
};

/* A look that no change fell into has to be right. */
static void *look(void *context)
{
    struct looking *looking = context;
    struct ip ip = ip_of("203.0.113.7"), steady = ip_of("192.0.2.1");
    while (!atomic_load(&looking->over)) {
        unsigned before = atomic_load(&looking->turn);
        bool found = live_entries_have(looking->entries, &ip, 1);
        bool is_settled = before % 4 == 1 || before % 4 == 3;
        if (is_settled && atomic_load(&looking->turn) == before && found != (before % 4 == 1))
            atomic_fetch_add(&looking->wrong, 1);
        if (!live_entries_have(looking->entries, &steady, 1))
            atomic_fetch_add(&looking->wrong, 1);
        atomic_fetch_add(&looking->looks, 1);
    }
    return NULL;
}

TEST(changes_are_seen_by_every_look_that_begins_after_them)
{
    enum { THREADS = 3, TURNS = 2000 };
    struct looking looking = {.entries = live_entries_new(5000)};
    pthread_t threads[THREADS];
    put(looking.entries, "192.0.2.1", LIVE_FOR_EVER, 1);
    for (size_t i = 0; i < THREADS; i++)
        check(pthread_create(&threads[i], NULL, look, &looking) == 0);
    while (atomic_load(&looking.looks) < THREADS)
        continue;
    for (unsigned i = 0; i < TURNS; i++) {
        struct live_entry other = numbered(i, LIVE_FOR_EVER);
        put(looking.entries, "203.0.113.0/24", LIVE_FOR_EVER, 1);
        atomic_fetch_add(&looking.turn, 1); /* 1: in */
        live_entries_put(looking.entries, &other, 1);
        atomic_fetch_add(&looking.turn, 1); /* 2: unsettled */
        check(removed(looking.entries, "203.0.113.0/24", 1));
        atomic_fetch_add(&looking.turn, 1); /* 3: out */
        atomic_fetch_add(&looking.turn, 1); /* 0: unsettled */
    }
    atomic_store(&looking.over, true);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    check_number(atomic_load(&looking.wrong), 0);
    live_entries_give(looking.entries);
}

int live_entries_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_networks_of_both_families_are_found),
        cmocka_unit_test(a_mapped_address_is_its_address_of_ipv4),
        cmocka_unit_test(all_of_ipv6_is_nothing_of_ipv4_and_the_reverse),
        cmocka_unit_test(an_entry_is_gone_to_the_microsecond_when_its_time_is_over),
        cmocka_unit_test(who_is_put_in_again_has_the_new_time),
        cmocka_unit_test(a_network_and_an_address_in_it_are_two_entries),
        cmocka_unit_test(sweeping_shows_what_is_over_and_says_when_to_come_again),
        cmocka_unit_test(no_more_than_the_bound_are_held_and_what_is_over_makes_room),
        cmocka_unit_test(what_stays_is_found_whatever_else_goes),
        cmocka_unit_test(changes_are_seen_by_every_look_that_begins_after_them),
    };
    return cmocka_run_group_tests_name("live entries", tests, NULL, NULL);
}
