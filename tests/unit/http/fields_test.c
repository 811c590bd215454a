/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http/fields.h"

#include "tests/check.h"
#include "tests/unit/http/suites.h"

/* Fields from "Name: value" lines that end with a null pointer. */
static struct fields fields_of(struct arena *arena, const char *const *lines)
{
    struct fields fields = {0};
    for (; *lines != NULL; lines++) {
        struct span value = span_text(*lines);
        struct span name = span_cut(&value, ':');
        check(fields_add(&fields, arena, name, span_trim_ows(value)));
    }
    return fields;
}
#define FIELDS(arena, ...) fields_of(arena, (const char *const[]){__VA_ARGS__, NULL})

TEST(names_compare_without_case_and_the_first_value_counts)
{
    struct arena *arena = arena_new(NULL, 65536);
    struct fields fields = FIELDS(arena, "A: 1", "b: 2", "a: 3");
    check_span(fields_get(&fields, SPAN("a")), "1");
    check_span(fields_get(&fields, SPAN("B")), "2");
    check(fields_get(&fields, SPAN("c")).at == NULL);
    check_number(fields_count(&fields, SPAN("A")), 2);
    check_number(fields_remove(&fields, SPAN("A")), 2);
    check_number(fields.count, 1);
    arena_free(arena);
}

TEST(an_empty_value_is_not_an_absent_one)
{
    struct arena *arena = arena_new(NULL, 65536);
    struct fields fields = {0};
    check(fields_add(&fields, arena, SPAN("a"), (struct span){NULL, 0}));
    check(fields_get(&fields, SPAN("a")).at != NULL);
    arena_free(arena);
}

TEST(names_that_some_backends_take_for_another_go_with_it)
{
    struct arena *arena = arena_new(NULL, 4096);
    struct fields fields = {0};
    check(fields_add(&fields, arena, SPAN("X_User"), SPAN("root")));
    check(fields_add(&fields, arena, SPAN("x-user"), SPAN("root")));
    check(fields_add(&fields, arena, SPAN("X-Users"), SPAN("kept")));
    check_number(fields_remove_alike(&fields, SPAN("X-User")), 2);
    check_number(fields.count, 1);
    check_span(fields_get(&fields, SPAN("x-users")), "kept");
    arena_free(arena);
}

TEST(setting_replaces_all_by_one)
{
    struct arena *arena = arena_new(NULL, 65536);
    struct fields fields = FIELDS(arena, "A: 1", "B: 2", "a: 3");
    check(fields_set(&fields, arena, SPAN("A"), SPAN("4")));
    check_number(fields.count, 2);
    check_span(fields_get(&fields, SPAN("a")), "4");
    arena_free(arena);
}

TEST(fields_grow_until_the_arena_is_full)
{
    struct arena *arena = arena_new(NULL, 16384);
    struct fields fields = {0};
    size_t count = 0;
    while (fields_add(&fields, arena, SPAN("a"), SPAN("b")))
        count++;
    check(count > 100 && fields.count == count);
    check(arena_is_full(arena));
    check_span(fields.at[count - 1].value, "b");
    arena_free(arena);
}

TEST(tokens_are_found_in_lists_over_all_lines)
{
    struct arena *arena = arena_new(NULL, 65536);
    struct fields fields = FIELDS(arena, "Connection: a,\t Keep-Alive ", "connection: b");
    check(fields_have_token(&fields, SPAN("Connection"), SPAN("keep-alive")));
    check(fields_have_token(&fields, SPAN("Connection"), SPAN("B")));
    check(!fields_have_token(&fields, SPAN("Connection"), SPAN("keep")));
    check(!fields_have_token(&fields, SPAN("Other"), SPAN("a")));
    arena_free(arena);
}

TEST(hop_by_hop_fields_and_what_connection_names_go)
{
    struct arena *arena = arena_new(NULL, 65536);
    struct fields fields =
        FIELDS(arena, "X-Secret: 1", "Host: a", "Connection: close, x-secret, x2", "Keep-Alive: 1",
               "Proxy-Connection: a", "TE: trailers", "Transfer-Encoding: chunked", "Upgrade: h2c",
               "Trailer: x", "Proxy-Authenticate: a", "Proxy-Authorization: b", "X3: 3", "X2: 2");
    fields_remove_hop_by_hop(&fields, false);
    check_number(fields.count, 2);
    check_span(fields.at[0].name, "Host");
    check_span(fields.at[1].name, "X3");
    fields = FIELDS(arena, "Connection: trailer", "Trailer: x");
    fields_remove_hop_by_hop(&fields, true);
    check_number(fields.count, 1);
    arena_free(arena);
}

TEST(connection_cannot_name_what_others_decide_by)
{
    struct arena *arena = arena_new(NULL, 65536);
    struct fields fields =
        FIELDS(arena, "Host: a", "Cookie: b", "X-Forwarded-For: 192.0.2.1",
               "Connection: host, cookie, X-Forwarded-For, content-length", "Content-Length: 1");
    fields_remove_hop_by_hop(&fields, false);
    check_number(fields.count, 4);
    arena_free(arena);
}

TEST(tokens_are_not_empty)
{
    check(http_is_token(SPAN("M-SEARCH")));
    check(!http_is_token(SPAN("")));
    check(!http_is_token(SPAN("a b")));
}

TEST(statuses_have_their_phrases)
{
    check_span(http_reason(100), "Continue");
    check_span(http_reason(200), "OK");
    check_span(http_reason(431), "Request Header Fields Too Large");
    check_span(http_reason(511), "Network Authentication Required");
    check_span(http_reason(599), "");
    check_span(http_reason(0), "");
    size_t known = 0;
    for (unsigned status = 0; status < 1000; status++)
        known += http_reason(status).len > 0;
    check_number(known, 61);
}

int fields_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_compare_without_case_and_the_first_value_counts),
        cmocka_unit_test(an_empty_value_is_not_an_absent_one),
        cmocka_unit_test(names_that_some_backends_take_for_another_go_with_it),
        cmocka_unit_test(setting_replaces_all_by_one),
        cmocka_unit_test(fields_grow_until_the_arena_is_full),
        cmocka_unit_test(tokens_are_found_in_lists_over_all_lines),
        cmocka_unit_test(hop_by_hop_fields_and_what_connection_names_go),
        cmocka_unit_test(connection_cannot_name_what_others_decide_by),
        cmocka_unit_test(tokens_are_not_empty),
        cmocka_unit_test(statuses_have_their_phrases),
    };
    return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
