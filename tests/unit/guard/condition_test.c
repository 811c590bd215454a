/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/condition.h"

#include "rules/base/networks.h"
#include "tests/check.h"
#include "tests/unit/guard/suites.h"

static struct pair pairs[] = {{SPAN_INIT("User-Agent"), SPAN_INIT("curl/7")},
                              {SPAN_INIT("X-Debug"), SPAN_INIT("no")},
                              {SPAN_INIT("x-debug"), SPAN_INIT("yes")}};
static const struct fields fields = {.at = pairs, .count = 3, .size = 3};

static struct asked request(const char *address)
{
    struct asked asked = {.method = SPAN("POST"),
                          .host = SPAN("Api.Example"),
                          .path = SPAN("/admin/users"),
                          .query = SPAN("q=1&debug=on&debug=off"),
                          .route = SPAN("/admin/{proxy+}"),
                          .fields = &fields};
    asked.has_address = ip_parse(span_text(address), &asked.address);
    return asked;
}

/* One question with one pattern. */
static bool holds(enum condition_kind kind, const char *name, const char *pattern)
{
    struct asked asked = request("192.0.2.7");
    struct span text = span_text(pattern);
    struct condition condition = {
        .kind = kind, .name = span_text(name), .texts = &text, .text_count = 1};
    return condition_holds(&condition, &asked);
}

TEST(methods_and_paths_are_compared_with_their_case)
{
    check(holds(CONDITION_METHOD, "", "POST") && !holds(CONDITION_METHOD, "", "post"));
    check(holds(CONDITION_PATH, "", "/admin/*") && !holds(CONDITION_PATH, "", "/Admin/*"));
    check(!holds(CONDITION_PATH, "", "/admin"));
    check(holds(CONDITION_ROUTE, "", "/admin/{proxy+}"));
}

TEST(hosts_are_compared_without_case)
{
    check(holds(CONDITION_HOST, "", "api.example") && holds(CONDITION_HOST, "", "*.EXAMPLE"));
    check(!holds(CONDITION_HOST, "", "example"));
}

TEST(one_of_the_fields_of_a_name_is_enough)
{
    check(holds(CONDITION_HEADER, "x-debug", "yes") && holds(CONDITION_HEADER, "X-DEBUG", "no"));
    check(holds(CONDITION_HEADER, "user-agent", "curl/*"));
    check(!holds(CONDITION_HEADER, "x-absent", "*"));
}

TEST(one_of_the_arguments_of_a_name_is_enough)
{
    check(holds(CONDITION_QUERY, "debug", "off") && holds(CONDITION_QUERY, "q", "?"));
    check(!holds(CONDITION_QUERY, "deb", "*") && !holds(CONDITION_QUERY, "q", "2"));
}

TEST(a_client_is_in_a_network_or_in_a_set)
{
    struct network network;
    check(network_parse(SPAN("192.0.2.0/24"), &network));
    struct networks *set = networks_new();
    check(networks_add(set, SPAN("2001:db8::/32")));
    networks_seal(set);
    const struct networks *sets[] = {set};
    const size_t first = 0;
    struct condition inside = {.kind = CONDITION_ADDRESS, .networks = &network, .network_count = 1};
    struct condition listed = {.kind = CONDITION_IP_SET, .sets = &first, .set_count = 1};
    struct asked near = request("192.0.2.7"), far = request("2001:db8::1"), unix = request("unix:");
    near.ip_sets = far.ip_sets = unix.ip_sets = sets;
    check(condition_holds(&inside, &near) && !condition_holds(&inside, &far));
    check(!condition_holds(&listed, &near) && condition_holds(&listed, &far));
    check(!condition_holds(&inside, &unix) && !condition_holds(&listed, &unix));
    networks_free(set);
}

TEST(all_any_and_not_are_what_they_say)
{
    struct asked asked = request("192.0.2.7");
    struct span post = SPAN("POST"), other = SPAN("/other");
    struct condition parts[] = {
        {.kind = CONDITION_METHOD, .texts = &post, .text_count = 1},
        {.kind = CONDITION_PATH, .texts = &other, .text_count = 1},
    };
    struct condition all = {.kind = CONDITION_ALL, .parts = parts, .part_count = 2};
    struct condition any = {.kind = CONDITION_ANY, .parts = parts, .part_count = 2};
    struct condition not = {.kind = CONDITION_NOT, .parts = &parts[1], .part_count = 1};
    check(!condition_holds(&all, &asked) && condition_holds(&any, &asked));
    check(condition_holds(&not, &asked));
    all.part_count = 0;
    check(condition_holds(&all, &asked));
}

int condition_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_and_paths_are_compared_with_their_case),
        cmocka_unit_test(hosts_are_compared_without_case),
        cmocka_unit_test(one_of_the_fields_of_a_name_is_enough),
        cmocka_unit_test(one_of_the_arguments_of_a_name_is_enough),
        cmocka_unit_test(a_client_is_in_a_network_or_in_a_set),
        cmocka_unit_test(all_any_and_not_are_what_they_say),
    };
    return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
