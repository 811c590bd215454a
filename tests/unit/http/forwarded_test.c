/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http/forwarded.h"

#include "tests/check.h"
#include "tests/unit/http/suites.h"

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
        cmocka_unit_test(the_client_is_the_rightmost_address_that_is_not_trusted),
        cmocka_unit_test(a_stranger_is_not_believed),
        cmocka_unit_test(a_trusted_proxy_is_added_to),
    };
    return cmocka_run_group_tests_name("forwarded", tests, NULL, NULL);
}
