/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/ip.h"

#include "tests/check.h"
#include "tests/unit/base/suites.h"

TEST(addresses_are_read_strictly)
{
    static const char *const good[] = {"192.0.2.1", "0.0.0.0", "::", "2001:DB8::1",
                                       "::ffff:1.2.3.4"};
    static const char *const bad[] = {
        "",           "1.2.3",     "1.2.3.4.5", "01.2.3.4",     "1.2.3.256",
        "1.2.3.4 ",   "0x1.2.3.4", "localhost", "fe80::1%eth0", "[::1]",
        "1.2.3.4:80", "16909060",  "unix:",     "::1/128"};
    struct ip ip;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        check(ip_parse(span_text(good[i]), &ip));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(!ip_parse(span_text(bad[i]), &ip));
    check(!ip_parse(SPAN("1.2.3.4\0"), &ip));
}

TEST(an_ipv4_address_is_its_mapped_form)
{
    struct ip a, b;
    check(ip_parse(SPAN("192.0.2.1"), &a) && ip_parse(SPAN("::ffff:192.0.2.1"), &b));
    check(ip_compare(&a, &b) == 0 && ip_is_v4(&a));
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
    struct ip ip;
    check(network_parse(span_text(network), &parsed));
    check(ip_parse(span_text(address), &ip));
    return network_has(&parsed, 1, &ip);
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

TEST(an_address_is_written_as_rfc_5952_has_it)
{
    static const char *const texts[][2] = {{"192.0.2.1", "192.0.2.1"},
                                           {"::ffff:192.0.2.1", "192.0.2.1"},
                                           {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ip ip;
        char to[IP_TEXT_MOST];
        check(ip_parse(span_text(texts[i][0]), &ip));
        check_span(span_make(to, ip_write(&ip, to)), texts[i][1]);
    }
}

int ip_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_strictly),
        cmocka_unit_test(an_ipv4_address_is_its_mapped_form),
        cmocka_unit_test(networks_have_no_bits_beyond_their_prefix),
        cmocka_unit_test(a_network_has_its_addresses_and_no_others),
        cmocka_unit_test(an_address_is_written_as_rfc_5952_has_it),
    };
    return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
