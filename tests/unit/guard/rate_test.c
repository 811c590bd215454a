/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/rate.h"

#include "sidecar/guard/access.h"
#include "tests/check.h"
#include "tests/unit/guard/suites.h"

static struct pair pairs[] = {{SPAN_INIT("X-User"), SPAN_INIT("a")},
                              {SPAN_INIT("x-user"), SPAN_INIT("second")},
                              {SPAN_INIT("Cookie"), SPAN_INIT("theme=dark; sid=1")},
                              {SPAN_INIT("Cookie"), SPAN_INIT("sid=2; other=3")}};
static const struct fields fields = {.at = pairs, .count = 4, .size = 4};

/* A limit of one in a minute, by the parts of one word each. */
struct desk {
    struct rate_settings rate;
    struct rate_part parts[RATE_PARTS_MOST];
    struct rates *store;
    struct asked asked;
};

static void open_desk(struct desk *desk, const char *key)
{
    struct span rest = span_text(key);
    *desk = (struct desk){
        .rate = {.name = SPAN_INIT("one"),
                 .how = {.limit = 1, .window_us = 60000000, .keys_most = 1024},
                 .parts = desk->parts,
                 .ipv6_prefix = 64},
        .asked = {.method = SPAN("GET"),
                  .host = SPAN("api.example"),
                  .path = SPAN("/login"),
                  .query = SPAN("user=a"),
                  .route = SPAN("/{proxy+}"),
                  .fields = &fields,
                  .now_us = 1000000000},
    };
    while (rest.at != NULL)
        check(rate_part_parse(span_cut(&rest, ' '), &desk->parts[desk->rate.part_count++]));
    desk->store = rates_new(&desk->rate.how);
    desk->asked.rates = &desk->store;
    desk->asked.has_address = ip_parse(SPAN("192.0.2.1"), &desk->asked.address);
}

static enum rate_answer ask(struct desk *desk)
{
    struct rate_verdict verdict;
    return rate_ask(&desk->rate, &desk->asked, &verdict);
}

static void check_new(struct desk *desk)
{
    check_number(ask(desk), RATE_PASSES);
    check_number(ask(desk), RATE_OVER);
}

TEST(a_part_is_a_word_or_a_word_and_a_name)
{
    struct rate_part part;
    check(rate_part_parse(SPAN("client_address"), &part) && part.kind == RATE_BY_CLIENT_ADDRESS);
    check(rate_part_parse(SPAN("header:x-user"), &part) && part.kind == RATE_BY_HEADER);
    check_span(part.name, "x-user");
    check(!rate_part_parse(SPAN("header:"), &part) && !rate_part_parse(SPAN("header"), &part));
    check(!rate_part_parse(SPAN("paths"), &part) && !rate_part_parse(SPAN(""), &part));
}

TEST(addresses_count_whole_and_of_ipv6_by_their_network)
{
    struct desk desk;
    open_desk(&desk, "client_address");
    check_new(&desk);
    ip_parse(SPAN("192.0.2.2"), &desk.asked.address);
    check_new(&desk);
    ip_parse(SPAN("2001:db8::1"), &desk.asked.address);
    check_new(&desk);
    ip_parse(SPAN("2001:db8::ffff:ffff:ffff:ffff"), &desk.asked.address);
    check_number(ask(&desk), RATE_OVER);
    ip_parse(SPAN("2001:db8:0:1::"), &desk.asked.address);
    check_new(&desk);
    desk.asked.has_address = false;
    check_number(ask(&desk), RATE_NO_KEY);
    rates_give(desk.store);
}

TEST(an_odd_prefix_cuts_within_a_byte)
{
    struct desk desk;
    open_desk(&desk, "client_address");
    desk.rate.ipv6_prefix = 61;
    ip_parse(SPAN("2001:db8:0:8::1"), &desk.asked.address);
    check_new(&desk);
    ip_parse(SPAN("2001:db8:0:f::1"), &desk.asked.address);
    check_number(ask(&desk), RATE_OVER);
    ip_parse(SPAN("2001:db8:0:10::1"), &desk.asked.address);
    check_new(&desk);
    rates_give(desk.store);
}

TEST(the_first_field_and_the_first_cookie_of_a_name_count)
{
    struct desk desk;
    open_desk(&desk, "header:X-USER cookie:sid");
    check_new(&desk);
    pairs[1].value = pairs[3].value = SPAN("sid=changed");
    check_number(ask(&desk), RATE_OVER);
    pairs[2].value = SPAN("sid=4");
    check_new(&desk);
    pairs[2].value = SPAN("theme=dark; sid=1");
    rates_give(desk.store);
}

TEST(an_argument_counts_by_what_it_means)
{
    struct desk desk;
    open_desk(&desk, "query:user");
    check_new(&desk);
    static const char *const same[] = {"user=%61", "%75ser=a", "x&user=a&user=b"};
    for (size_t i = 0; i < 3; i++) {
        desk.asked.query = span_text(same[i]);
        check_number(ask(&desk), RATE_OVER);
    }
    static const char *const others[] = {"user=%6", "user=a+b", "user=", "user=%zz"};
    for (size_t i = 0; i < 4; i++) {
        desk.asked.query = span_text(others[i]);
        check_new(&desk);
    }
    desk.asked.query = SPAN("user=a%20b");
    check_number(ask(&desk), RATE_OVER);
    desk.asked.query = SPAN("users=a");
    check_number(ask(&desk), RATE_NO_KEY);
    desk.asked.query = span_make(NULL, 0);
    check_number(ask(&desk), RATE_NO_KEY);
    rates_give(desk.store);
}

TEST(parts_do_not_run_together)
{
    struct desk desk;
    open_desk(&desk, "method path");
    desk.asked.method = SPAN("GET");
    desk.asked.path = SPAN("/a");
    check_new(&desk);
    desk.asked.method = SPAN("GET/");
    desk.asked.path = SPAN("a");
    check_new(&desk);
    rates_give(desk.store);
}

TEST(hosts_count_in_any_case)
{
    struct desk desk;
    open_desk(&desk, "host");
    check_new(&desk);
    desk.asked.host = SPAN("API.Example");
    check_number(ask(&desk), RATE_OVER);
    rates_give(desk.store);
}

TEST(a_request_without_a_part_of_the_key_is_neither_counted_nor_limited)
{
    struct desk desk;
    open_desk(&desk, "client_address header:absent");
    check_number(ask(&desk), RATE_NO_KEY);
    desk.parts[1].name = SPAN("x-user");
    check_new(&desk);
    desk.asked.route = SPAN("");
    desk.parts[1].kind = RATE_BY_ROUTE;
    check_number(ask(&desk), RATE_NO_KEY);
    rates_give(desk.store);
}

TEST(a_claim_counts_once_a_token_was_found_good)
{
    static const struct pair claims[] = {{SPAN_INIT("iss"), SPAN_INIT("x")},
                                         {SPAN_INIT("sub"), SPAN_INIT("alice")}};
    struct desk desk;
    open_desk(&desk, "jwt.sub");
    check_number(ask(&desk), RATE_NO_KEY);
    desk.asked.claims = claims;
    desk.asked.claim_count = 2;
    check_new(&desk);
    rates_give(desk.store);
}

TEST(without_stores_nothing_is_counted)
{
    struct desk desk;
    open_desk(&desk, "client_address");
    desk.asked.rates = NULL;
    check_number(ask(&desk), RATE_NO_KEY);
    check_number(ask(&desk), RATE_NO_KEY);
    rates_give(desk.store);
}

TEST(an_entry_with_a_rate_is_about_what_comes_more_often)
{
    struct desk desk;
    struct access_entry entries[2] = {{.name = SPAN_INIT("off"), .mode = GUARD_OFF},
                                      {.name = SPAN_INIT("one"), .mode = GUARD_ON, .status = 429}};
    open_desk(&desk, "client_address");
    desk.rate.text = SPAN("more than 1 in 60s");
    entries[0].rate = entries[1].rate = desk.rate;
    for (unsigned i = 0; i < 3; i++) {
        struct decisions decisions = {.count = 0};
        size_t at = 0;
        enum access_step step = access_run(entries, 2, &at, &desk.asked, &decisions);
        check_number(step, i == 0 ? ACCESS_END : ACCESS_BLOCKED);
        check_number(decisions.count, i == 0 ? 0 : 1);
        if (i == 0)
            continue;
        check_span(decisions.at[0].reason, "more than 1 in 60s");
        check_number(decisions.at[0].status, 429);
        check(decisions.at[0].rate == &entries[1].rate && decisions.at[0].retry_us >= 60000000);
    }
    rates_give(desk.store);
}

TEST(the_fields_name_the_limit_and_the_time)
{
    struct arena *arena = arena_new(NULL, 4096);
    struct rate_settings rate = {.name = SPAN("a \"b\"\\ \xc3\xa4"),
                                 .how = {.limit = 100, .window_us = 60000000}};
    struct rate_told told = rate_tell(&rate, 1000001, arena);
    check_number(told.retry_after_s, 2);
    check_span(told.fields[0].name, "RateLimit-Policy");
    check_span(told.fields[0].value, "\"a \\\"b\\\"\\\\ __\";q=100;w=60");
    check_span(told.fields[1].name, "RateLimit");
    check_span(told.fields[1].value, "\"a \\\"b\\\"\\\\ __\";r=0;t=2");
    check_number(rate_tell(&rate, 1, arena).retry_after_s, 1);
    arena_free(arena);
}

int rate_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_a_word_or_a_word_and_a_name),
        cmocka_unit_test(addresses_count_whole_and_of_ipv6_by_their_network),
        cmocka_unit_test(an_odd_prefix_cuts_within_a_byte),
        cmocka_unit_test(the_first_field_and_the_first_cookie_of_a_name_count),
        cmocka_unit_test(an_argument_counts_by_what_it_means),
        cmocka_unit_test(parts_do_not_run_together),
        cmocka_unit_test(hosts_count_in_any_case),
        cmocka_unit_test(a_request_without_a_part_of_the_key_is_neither_counted_nor_limited),
        cmocka_unit_test(a_claim_counts_once_a_token_was_found_good),
        cmocka_unit_test(without_stores_nothing_is_counted),
        cmocka_unit_test(an_entry_with_a_rate_is_about_what_comes_more_often),
        cmocka_unit_test(the_fields_name_the_limit_and_the_time),
    };
    return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
