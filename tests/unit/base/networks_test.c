/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/networks.h"

#include "tests/check.h"
#include "tests/unit/base/suites.h"

static struct networks *made_of(const char *const *list)
{
    struct networks *networks = networks_new();

    for (; *list != NULL; list++)
        check(networks_add(networks, span_text(*list)));
    networks_seal(networks);
    return networks;
}

TEST(an_address_is_itself_and_a_network_all_that_it_spans)
{
    const char *const list[] = {"192.0.2.7", "198.51.100.9/24", "2001:db8::/33", "10.0.0.0/8",
                                NULL};
    struct networks *a = made_of(list);

    check(networks_have_text(a, SPAN("192.0.2.7")));
    check(!networks_have_text(a, SPAN("192.0.2.8")));
    check(networks_have_text(a, SPAN("198.51.100.0")) &&
          networks_have_text(a, SPAN("198.51.100.255")));
    check(!networks_have_text(a, SPAN("198.51.101.0")));
    check(networks_have_text(a, SPAN("2001:db8:7fff::1")) &&
          !networks_have_text(a, SPAN("2001:db8:8000::")));
    check(networks_have_text(a, SPAN("10.255.255.255")) &&
          !networks_have_text(a, SPAN("11.0.0.0")));
    networks_free(a);
}

TEST(networks_that_overlap_are_one)
{
    const char *const list[] = {"10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/9", "11.0.0.1", NULL};
    struct networks *a = made_of(list);

    check(networks_have_text(a, SPAN("10.200.0.0")) && networks_have_text(a, SPAN("11.0.0.1")));
    check(!networks_have_text(a, SPAN("11.0.0.0")));
    networks_free(a);
}

TEST(a_mapped_address_is_its_ipv4_address)
{
    const char *const list[] = {"192.0.2.0/24", NULL};
    struct networks *a = made_of(list);

    check(networks_have_text(a, SPAN("::ffff:192.0.2.1")));
    check(!networks_have_text(a, SPAN("::192.0.2.1")));
    networks_free(a);
}

TEST(a_mapped_address_is_one_of_ipv6_too_where_it_is_written_so)
{
    const char *const list[] = {"::/80", NULL};
    struct networks *a = made_of(list);

    check(networks_have_text(a, SPAN("::ffff:192.0.2.1")));
    check(!networks_have_text(a, SPAN("192.0.2.1")));
    networks_free(a);
}

TEST(a_prefix_of_zero_spans_its_own_family)
{
    const char *const list[] = {"0.0.0.0/0", NULL};
    const char *const six[] = {"::/0", NULL};
    struct networks *a = made_of(list);

    check(networks_have_text(a, SPAN("255.255.255.255")) &&
          !networks_have_text(a, SPAN("2001:db8::1")));
    networks_free(a);
    a = made_of(six);
    check(!networks_have_text(a, SPAN("255.255.255.255")) &&
          networks_have_text(a, SPAN("2001:db8::1")));
    networks_free(a);
}

TEST(a_range_holds_both_its_ends)
{
    const char *const list[] = {"192.0.2.5-192.0.2.9", "2001:db8::1 - 2001:db8::f", NULL};
    struct networks *a = made_of(list);

    check(networks_have_text(a, SPAN("192.0.2.5")) && networks_have_text(a, SPAN("192.0.2.9")));
    check(!networks_have_text(a, SPAN("192.0.2.4")) && !networks_have_text(a, SPAN("192.0.2.10")));
    check(networks_have_text(a, SPAN("2001:db8::f")) &&
          !networks_have_text(a, SPAN("2001:db8::10")));
    networks_free(a);
}

TEST(a_file_has_an_entry_a_line_and_comments)
{
    struct networks *a = networks_new();
    size_t line;
    struct span wrong;

    check(networks_add_lines(a, SPAN("# office\r\n192.0.2.0/24 # all\n\n 2001:db8::/32 ; v6\n"),
                             &line, &wrong));
    check(!networks_add_lines(a, SPAN("198.51.100.1\n\n198.51.100.x\n"), &line, &wrong));
    check_number(line, 3);
    check_span(wrong, "198.51.100.x");
    networks_seal(a);
    check(networks_have_text(a, SPAN("192.0.2.7")) && networks_have_text(a, SPAN("198.51.100.1")));
    check(networks_have_text(a, SPAN("2001:db8::1")));
    networks_free(a);
}

TEST(a_hundred_thousand_networks_take_less_than_a_megabyte)
{
    struct networks *a = networks_new();
    char text[32];

    for (unsigned i = 0; i < 100000; i++) { /* every second /24 from 1.0.0.0 on */
        struct ip ip = {{[10] = 0xff, [11] = 0xff}};
        uint32_t v4 = 0x01000000U + i * 512U;
        ip.at[12] = (uint8_t)(v4 >> 24);
        ip.at[13] = (uint8_t)(v4 >> 16);
        ip.at[14] = (uint8_t)(v4 >> 8);
        size_t len = ip_write(&ip, text);
        memcpy(text + len, "/24", 3);
        check(networks_add(a, span_make(text, len + 3)));
    }
    networks_seal(a);
    check_number(networks_count(a), 100000);
    check(networks_bytes(a) < 1000000);
    check(networks_have_text(a, SPAN("1.0.0.255")) && !networks_have_text(a, SPAN("1.0.1.0")));
    check(networks_have_text(a, SPAN("1.0.2.9")) && !networks_have_text(a, SPAN("0.255.255.255")));
    networks_free(a);
}

TEST(what_is_no_address_is_refused_and_never_found)
{
    const char *const wrong[] = {"",         "1.2.3",           "1.2.3.4/33",  "1.2.3.4/",
                                 "::1/129",  "1.2.3.4/x",       "1.2.3.4.5",   "localhost",
                                 "1.2.3.4 ", "1.2.3.9-1.2.3.4", "1.2.3.4-::1", "-"};
    struct networks *a = networks_new();

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        check(!networks_add(a, span_text(wrong[i])));
    networks_seal(a);
    check(!networks_have_text(a, SPAN("1.2.3.4")) && !networks_have_text(a, SPAN("")));
    networks_free(a);
}

int networks_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_itself_and_a_network_all_that_it_spans),
        cmocka_unit_test(networks_that_overlap_are_one),
        cmocka_unit_test(a_mapped_address_is_its_ipv4_address),
        cmocka_unit_test(a_mapped_address_is_one_of_ipv6_too_where_it_is_written_so),
        cmocka_unit_test(a_prefix_of_zero_spans_its_own_family),
        cmocka_unit_test(a_range_holds_both_its_ends),
        cmocka_unit_test(a_file_has_an_entry_a_line_and_comments),
        cmocka_unit_test(a_hundred_thousand_networks_take_less_than_a_megabyte),
        cmocka_unit_test(what_is_no_address_is_refused_and_never_found),
    };
    return cmocka_run_group_tests_name("networks", tests, NULL, NULL);
}
