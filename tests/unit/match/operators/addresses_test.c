/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/match/addresses.h"

#include "tests/check.h"
#include "tests/unit/match/operators/suites.h"

static struct addresses *made_of(const char *const *list)
{
    struct addresses *addresses = addresses_new();

    for (; *list != NULL; list++)
        check(addresses_add(addresses, span_text(*list)));
    addresses_seal(addresses);
    return addresses;
}

TEST(an_address_is_itself_and_a_network_all_that_it_spans)
{
    const char *const list[] = {"192.0.2.7", "198.51.100.9/24", "2001:db8::/33", "10.0.0.0/8",
                                NULL};
    struct addresses *a = made_of(list);

    check(addresses_has(a, SPAN("192.0.2.7")));
    check(!addresses_has(a, SPAN("192.0.2.8")));
    check(addresses_has(a, SPAN("198.51.100.0")) && addresses_has(a, SPAN("198.51.100.255")));
    check(!addresses_has(a, SPAN("198.51.101.0")));
    check(addresses_has(a, SPAN("2001:db8:7fff::1")) && !addresses_has(a, SPAN("2001:db8:8000::")));
    check(addresses_has(a, SPAN("10.255.255.255")) && !addresses_has(a, SPAN("11.0.0.0")));
    addresses_free(a);
}

TEST(networks_that_overlap_are_one)
{
    const char *const list[] = {"10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/9", "11.0.0.1", NULL};
    struct addresses *a = made_of(list);

    check(addresses_has(a, SPAN("10.200.0.0")) && addresses_has(a, SPAN("11.0.0.1")));
    check(!addresses_has(a, SPAN("11.0.0.0")));
    addresses_free(a);
}

TEST(a_mapped_address_is_its_ipv4_address)
{
    const char *const list[] = {"192.0.2.0/24", NULL};
    struct addresses *a = made_of(list);

    check(addresses_has(a, SPAN("::ffff:192.0.2.1")));
    check(!addresses_has(a, SPAN("::192.0.2.1")));
    addresses_free(a);
}

TEST(a_prefix_of_zero_spans_its_own_family)
{
    const char *const list[] = {"0.0.0.0/0", NULL};
    struct addresses *a = made_of(list);

    check(addresses_has(a, SPAN("255.255.255.255")) && !addresses_has(a, SPAN("2001:db8::1")));
    addresses_free(a);
}

TEST(what_is_no_address_is_refused_and_never_found)
{
    const char *const wrong[] = {"",          "1.2.3",     "1.2.3.4/33", "1.2.3.4/", "::1/129",
                                 "1.2.3.4/x", "1.2.3.4.5", "localhost",  "1.2.3.4 "};
    struct addresses *a = addresses_new();

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        check(!addresses_add(a, span_text(wrong[i])));
    addresses_seal(a);
    check(!addresses_has(a, SPAN("1.2.3.4")) && !addresses_has(a, SPAN("")));
    addresses_free(a);
}

int addresses_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_itself_and_a_network_all_that_it_spans),
        cmocka_unit_test(networks_that_overlap_are_one),
        cmocka_unit_test(a_mapped_address_is_its_ipv4_address),
        cmocka_unit_test(a_prefix_of_zero_spans_its_own_family),
        cmocka_unit_test(what_is_no_address_is_refused_and_never_found),
    };
    return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
