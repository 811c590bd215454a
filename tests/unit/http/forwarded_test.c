/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http/forwarded.h"

#include "tests/check.h"
#include "tests/unit/http/suites.h"

TEST(addresses_are_read_strictly)
{
    static const char *const good[] = {"192.0.2.1", "0.0.0.0", "::", "2001:DB8::1",
                                       "::ffff:1.2.3.4"};
    static const char *const bad[] = {
        "",           "1.2.3",     "1.2.3.4.5", "01.2.3.4",     "1.2.3.256",
        "1.2.3.4 ",   "0x1.2.3.4", "localhost", "fe80::1%eth0", "[::1]",
        "1.2.3.4:80", "16909060",  "unix:",     "::1/128"};
    uint8_t ip[16];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        check(ip_parse(span_text(good[i]), ip));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(!ip_parse(span_text(bad[i]), ip));
    check(!ip_parse(SPAN("1.2.3.4\0"), ip));
}

TEST(an_ipv4_address_is_its_mapped_form)
{
    uint8_t a[16], b[16];
    check(ip_parse(SPAN("192.0.2.1"), a) && ip_parse(SPAN("::ffff:192.0.2.1"), b));
    assert_memory_equal(a, b, 16);
}

TEST(networks_have_no_bits_beyond_their_prefix)
{
    static const char *const bad[] = {
        "10.0.0.1/8", "10.0.0.0/33", "2001:db8::/129", "10.0.0.0/",      "10.0.0.0/8/8",
        "/8",         "10.0.0.0/-1", "::1/127",        "192.0.2.128/24", "10.0.0.0/0008"};
    struct network network;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(!network_parse(span_text(bad[i]), &network));
    check(network_parse(SPAN("0.0.0.0/0"), &network));
    check_number(network.bits, 96);
    check(network_parse(SPAN("192.0.2.1"), &network));
    check_number(network.bits, 128);
}

static bool holds(const char *network, const char *address)
{
    struct network parsed;
    uint8_t ip[16];
    check(network_parse(span_text(network), &parsed));
    check(ip_parse(span_text(address), ip));
    return network_has(&parsed, 1, ip);
}

TEST(a_network_has_its_addresses_and_no_others)
{
    check(holds("10.0.0.0/8", "10.255.0.1"));
    check(!holds("10.0.0.0/8", "11.0.0.1"));
    check(holds("10.0.0.0/8", "::ffff:10.1.1.1"));
    check(holds("192.0.2.128/25", "192.0.2.129"));
    check(!holds("192.0.2.128/25", "192.0.2.127"));
    check(holds("0.0.0.0/0", "203.0.113.9"));
    check(!holds("0.0.0.0/0", "2001:db8::1"));
    check(holds("::/0", "203.0.113.9"));
    check(holds("2001:db8::/33", "2001:db8:7fff::"));
    check(!holds("2001:db8::/33", "2001:db8:8000::"));
    check(holds("192.0.2.1", "192.0.2.1") && !holds("192.0.2.1", "192.0.2.0"));
}

struct story {
    const char *peer, *lines[3], *client;
};

TEST(the_client_is_the_rightmost_address_that_is_not_trusted)
{
    static const struct story stories[] = {
        {"203.0.113.9", {"192.0.2.1"}, "203.0.113.9"},
        {"10.0.0.1", {NULL}, "10.0.0.1"},
        {"10.0.0.1", {"192.0.2.1"}, "192.0.2.1"},
        {"10.0.0.1", {"6.6.6.6, 192.0.2.1"}, "192.0.2.1"},
        {"10.0.0.1", {"192.0.2.1, 10.0.0.7, 10.0.0.8"}, "192.0.2.1"},
        {"10.0.0.1", {"6.6.6.6", "192.0.2.1", "10.0.0.8"}, "192.0.2.1"},
        {"10.0.0.1", {"10.0.0.9,10.0.0.8"}, "10.0.0.9"},
        {"10.0.0.1", {"192.0.2.1:4711"}, "192.0.2.1"},
        {"10.0.0.1", {"[2001:db8::1]:4711"}, "2001:db8::1"},
        {"10.0.0.1", {"[2001:db8::1]"}, "2001:db8::1"},
        {"10.0.0.1", {"2001:db8::1"}, "2001:db8::1"},
        {"10.0.0.1", {"6.6.6.6, unknown"}, "10.0.0.1"},
        {"10.0.0.1", {"6.6.6.6, unknown, 10.0.0.8"}, "10.0.0.8"},
        {"10.0.0.1", {"6.6.6.6,"}, "10.0.0.1"},
        {"10.0.0.1", {"6.6.6.6", ""}, "6.6.6.6"},
        {"10.0.0.1", {"::ffff:10.0.0.2"}, "::ffff:10.0.0.2"},
        {"10.0.0.1", {"192.0.2.1, ::ffff:10.0.0.2"}, "192.0.2.1"},
        {"unix:", {"192.0.2.1"}, "unix:"},
    };
    struct network trusted;
    check(network_parse(SPAN("10.0.0.0/8"), &trusted));
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        struct arena *arena = arena_new(NULL, 65536);
        struct fields fields = {0};
        for (size_t j = 0; j < 3 && stories[i].lines[j] != NULL; j++)
            fields_add(&fields, arena, SPAN("x-forwarded-for"), span_text(stories[i].lines[j]));
        check_span(forwarded_client(&fields, span_text(stories[i].peer), &trusted, 1),
                   stories[i].client);
        arena_free(arena);
    }
}

TEST(a_stranger_is_not_believed)
{
    struct arena *arena = arena_new(NULL, 65536);
    struct fields fields = {0};
    fields_add(&fields, arena, SPAN("X-Forwarded-For"), SPAN("6.6.6.6"));
    fields_add(&fields, arena, SPAN("X-Forwarded-Proto"), SPAN("https"));
    fields_add(&fields, arena, SPAN("X-Forwarded-Host"), SPAN("evil"));
    fields_add(&fields, arena, SPAN("Forwarded"), SPAN("for=6.6.6.6"));
    check(forwarded_set(&fields, arena, SPAN("192.0.2.1"), false, SPAN("http"), SPAN("a")));
    check_number(fields.count, 3);
    check_span(fields_get(&fields, SPAN("X-Forwarded-For")), "192.0.2.1");
    check_span(fields_get(&fields, SPAN("X-Forwarded-Proto")), "http");
    check_span(fields_get(&fields, SPAN("X-Forwarded-Host")), "a");
    arena_free(arena);
}

TEST(a_trusted_proxy_is_added_to)
{
    struct arena *arena = arena_new(NULL, 65536);
    struct fields fields = {0};
    fields_add(&fields, arena, SPAN("X-Forwarded-For"), SPAN("192.0.2.1"));
    fields_add(&fields, arena, SPAN("x-forwarded-for"), SPAN("10.0.0.7"));
    fields_add(&fields, arena, SPAN("X-Forwarded-Proto"), SPAN("https"));
    fields_add(&fields, arena, SPAN("Forwarded"), SPAN("for=192.0.2.1"));
    check(forwarded_set(&fields, arena, SPAN("10.0.0.1"), true, SPAN("http"), SPAN("a")));
    check_number(fields_count(&fields, SPAN("X-Forwarded-For")), 1);
    check_span(fields_get(&fields, SPAN("X-Forwarded-For")), "192.0.2.1, 10.0.0.7, 10.0.0.1");
    check_span(fields_get(&fields, SPAN("X-Forwarded-Proto")), "https");
    check_span(fields_get(&fields, SPAN("X-Forwarded-Host")), "a");
    check_span(fields_get(&fields, SPAN("Forwarded")), "for=192.0.2.1");
    arena_free(arena);
}

int forwarded_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_strictly),
        cmocka_unit_test(an_ipv4_address_is_its_mapped_form),
        cmocka_unit_test(networks_have_no_bits_beyond_their_prefix),
        cmocka_unit_test(a_network_has_its_addresses_and_no_others),
        cmocka_unit_test(the_client_is_the_rightmost_address_that_is_not_trusted),
        cmocka_unit_test(a_stranger_is_not_believed),
        cmocka_unit_test(a_trusted_proxy_is_added_to),
    };
    return cmocka_run_group_tests_name("forwarded", tests, NULL, NULL);
}
