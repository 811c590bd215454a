/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/condition.h"

#include "rules/base/networks.h"
#include "sidecar/guard/address_set.h"
#include "sidecar/state/live_entries.h"
#include "tests/check.h"
#include "tests/unit/guard/suites.h"

static struct pair pairs[] = {{SPAN_INIT("User-Agent"), SPAN_INIT("curl/7")},
                              {SPAN_INIT("X-Debug"), SPAN_INIT("no")},
                              {SPAN_INIT("x-debug"), SPAN_INIT("yes")}};
static const struct fields fields = {.at = pairs, .count = 3, .size = 3};

static bool condition_holds(const struct condition *condition, const struct asked *asked)
{
    return condition_ask(condition, asked) == CONDITION_YES;
}

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
    const struct address_set sets[] = {{.name = SPAN("listed"), .networks = set}};
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

TEST(what_was_put_into_a_set_is_in_it_until_its_time_is_over)
{
    struct networks *none = networks_new();
    struct live_entries *live = live_entries_new(10);
    struct live_entry entry = {.until_us = 1000};
    const struct address_set sets[] = {{.name = SPAN("listed"), .networks = none, .live = live}};
    const size_t first = 0;
    struct condition listed = {.kind = CONDITION_IP_SET, .sets = &first, .set_count = 1};
    struct asked near = request("192.0.2.7"), far = request("192.0.2.8");
    networks_seal(none);
    near.ip_sets = far.ip_sets = sets;
    check(!condition_holds(&listed, &near));
    check(network_parse(SPAN("192.0.2.7"), &entry.network));
    live_entries_put(live, &entry, 1);
    near.now_us = far.now_us = 999;
    check(condition_holds(&listed, &near) && !condition_holds(&listed, &far));
    near.now_us = 1000;
    check(!condition_holds(&listed, &near));
    live_entries_give(live);
    networks_free(none);
}

TEST(who_is_in_a_list_that_never_came_nobody_knows_and_who_denies_decides)
{
    struct networks *none = networks_new(), *some = networks_new();
    check(networks_add(some, SPAN("192.0.2.7")));
    networks_seal(none);
    networks_seal(some);
    const struct address_set sets[] = {
        {.name = SPAN("gone"), .networks = none, .is_missing = true},
        {.name = SPAN("strict"), .networks = none, .is_missing = true, .denies = true},
        {.name = SPAN("here"), .networks = some}};
    const size_t gone = 0, both[] = {0, 1}, either[] = {0, 2};
    struct condition one = {.kind = CONDITION_IP_SET, .sets = &gone, .set_count = 1};
    struct condition two = {.kind = CONDITION_IP_SET, .sets = both, .set_count = 2};
    struct condition any = {.kind = CONDITION_IP_SET, .sets = either, .set_count = 2};
    struct condition not = {.kind = CONDITION_NOT, .parts = &two, .part_count = 1};
    struct asked near = request("192.0.2.7"), unix = request("unix:");
    near.ip_sets = unix.ip_sets = sets;
    check_number(condition_ask(&one, &near), CONDITION_MISSING);
    check_number(condition_ask(&not, &near), CONDITION_MISSING);
    check_number(condition_ask(&any, &near), CONDITION_YES); /* it is in one that came */
    check_number(condition_ask(&one, &unix), CONDITION_NO);  /* it has no address at all */
    check_span(condition_missing_set(&one, &near)->name, "gone");
    check_span(condition_missing_set(&not, &near)->name, "strict");
    networks_free(none);
    networks_free(some);
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

/* What is asked of a client that was looked up already. */
static enum condition_answer ask_of(const struct geo_place *place,
                                    const struct condition *condition)
{
    static const struct geo geo;
    struct asked_place known = {true, *place};
    struct asked asked = request("192.0.2.7");
    asked.geo = &geo;
    asked.place = &known;
    return condition_ask(condition, &asked);
}

static const struct geo_place bavaria = {
    .country = SPAN_INIT("DE"), .subdivision = SPAN_INIT("BY"), .asn = 64496, .anonymous = GEO_VPN};
static const struct geo_place nowhere;

TEST(a_certificate_is_asked_for_its_subject_issuer_names_and_fingerprint)
{
    static const struct span sans[] = {SPAN_INIT("DNS:till.shop.example"),
                                       SPAN_INIT("URI:spiffe://shop.example/till")};
    struct asked_certificate certificate = {.subject = SPAN("CN=till,O=Shop"),
                                            .issuer = SPAN("CN=Shop CA"),
                                            .fingerprint = SPAN("ab12"),
                                            .sans = sans,
                                            .san_count = 2};
    static const struct {
        enum condition_kind kind;
        const char *fits, *differs;
    } rows[] = {
        {CONDITION_SUBJECT, "CN=till,*", "CN=Till,*"},
        {CONDITION_ISSUER, "CN=Shop CA", "CN=Shop"},
        {CONDITION_FINGERPRINT, "AB12", "ab13"},
        {CONDITION_SAN, "URI:spiffe://shop.example/*", "DNS:shop.example"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct asked with = request("192.0.2.7"), without = request("192.0.2.7");
        with.certificate = &certificate;
        struct span good = span_text(rows[i].fits), bad = span_text(rows[i].differs);
        struct condition fits = {.kind = rows[i].kind, .texts = &good, .text_count = 1};
        struct condition differs = {.kind = rows[i].kind, .texts = &bad, .text_count = 1};
        check(condition_holds(&fits, &with) && !condition_holds(&differs, &with));
        check(!condition_holds(&fits, &without));
    }
}

TEST(a_country_is_asked_for_in_any_case)
{
    struct span codes[] = {SPAN("FR"), SPAN("de")};
    struct condition country = {.kind = CONDITION_COUNTRY, .texts = codes, .text_count = 2};
    check_number(ask_of(&bavaria, &country), CONDITION_YES);
    country.text_count = 1;
    check_number(ask_of(&bavaria, &country), CONDITION_NO);
    country.kind = CONDITION_REGISTERED_COUNTRY;
    check_number(ask_of(&bavaria, &country), CONDITION_UNKNOWN);
}

TEST(of_who_is_in_no_database_nobody_knows_the_country)
{
    struct span codes[] = {SPAN("DE"), SPAN("XX")};
    struct condition country = {.kind = CONDITION_COUNTRY, .texts = codes, .text_count = 1};
    struct condition not = {.kind = CONDITION_NOT, .parts = &country, .part_count = 1};
    check_number(ask_of(&nowhere, &country), CONDITION_UNKNOWN);
    check_number(ask_of(&nowhere, &not ), CONDITION_UNKNOWN);
    country.text_count = 2;
    check_number(ask_of(&nowhere, &country), CONDITION_YES);
    check_number(ask_of(&nowhere, &not ), CONDITION_NO);
}

TEST(what_decides_whoever_it_is_needs_no_country)
{
    struct span de = SPAN("DE"), post = SPAN("POST"), get = SPAN("GET");
    struct condition parts[] = {
        {.kind = CONDITION_COUNTRY, .texts = &de, .text_count = 1},
        {.kind = CONDITION_METHOD, .texts = &post, .text_count = 1},
    };
    struct condition all = {.kind = CONDITION_ALL, .parts = parts, .part_count = 2};
    struct condition any = {.kind = CONDITION_ANY, .parts = parts, .part_count = 2};
    check_number(ask_of(&nowhere, &all), CONDITION_UNKNOWN);
    check_number(ask_of(&nowhere, &any), CONDITION_YES);
    parts[1].texts = &get;
    check_number(ask_of(&nowhere, &all), CONDITION_NO);
    check_number(ask_of(&nowhere, &any), CONDITION_UNKNOWN);
}

TEST(subdivisions_networks_and_proxies_are_asked_for)
{
    struct span by = SPAN("DE-by"), other = SPAN("AT-BY");
    uint32_t asn = 64496, zero = 0;
    struct condition in = {.kind = CONDITION_SUBDIVISION, .texts = &by, .text_count = 1};
    check_number(ask_of(&bavaria, &in), CONDITION_YES);
    check_number(ask_of(&nowhere, &in), CONDITION_UNKNOWN);
    in.texts = &other;
    check_number(ask_of(&bavaria, &in), CONDITION_NO);
    struct condition of = {.kind = CONDITION_ASN, .numbers = &asn, .number_count = 1};
    check_number(ask_of(&bavaria, &of), CONDITION_YES);
    check_number(ask_of(&nowhere, &of), CONDITION_UNKNOWN);
    of.numbers = &zero;
    check_number(ask_of(&bavaria, &of), CONDITION_NO);
    check_number(ask_of(&nowhere, &of), CONDITION_YES);
    struct condition hidden = {.kind = CONDITION_ANONYMOUS, .anonymous = GEO_VPN | GEO_TOR};
    check_number(ask_of(&bavaria, &hidden), CONDITION_YES);
    check_number(ask_of(&nowhere, &hidden), CONDITION_NO);
    hidden.anonymous = GEO_TOR;
    check_number(ask_of(&bavaria, &hidden), CONDITION_NO);
}

TEST(what_a_match_asks_for_is_known_however_deep_it_lies)
{
    struct condition route = {.kind = CONDITION_ROUTE}, country = {.kind = CONDITION_COUNTRY};
    struct condition not = {.kind = CONDITION_NOT, .parts = &route, .part_count = 1};
    check(condition_asks_path(&not ) && !condition_asks_place(&not ));
    not .parts = &country;
    check(!condition_asks_path(&not ) && condition_asks_place(&not ));
}

int condition_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_and_paths_are_compared_with_their_case),
        cmocka_unit_test(hosts_are_compared_without_case),
        cmocka_unit_test(one_of_the_fields_of_a_name_is_enough),
        cmocka_unit_test(one_of_the_arguments_of_a_name_is_enough),
        cmocka_unit_test(a_client_is_in_a_network_or_in_a_set),
        cmocka_unit_test(what_was_put_into_a_set_is_in_it_until_its_time_is_over),
        cmocka_unit_test(who_is_in_a_list_that_never_came_nobody_knows_and_who_denies_decides),
        cmocka_unit_test(all_any_and_not_are_what_they_say),
        cmocka_unit_test(a_certificate_is_asked_for_its_subject_issuer_names_and_fingerprint),
        cmocka_unit_test(a_country_is_asked_for_in_any_case),
        cmocka_unit_test(of_who_is_in_no_database_nobody_knows_the_country),
        cmocka_unit_test(what_decides_whoever_it_is_needs_no_country),
        cmocka_unit_test(subdivisions_networks_and_proxies_are_asked_for),
        cmocka_unit_test(what_a_match_asks_for_is_known_however_deep_it_lies),
    };
    return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
