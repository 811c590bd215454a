/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http/target.h"

#include "tests/check.h"
#include "tests/unit/http/suites.h"

TEST(the_four_forms_are_told_apart)
{
    struct target target = target_split(SPAN("/a//b?c?d"), SPAN("GET"));
    check_number(target.form, TARGET_ORIGIN);
    check_span(target.path, "/a//b");
    check_span(target.query, "c?d");
    target = target_split(SPAN("//host/a"), SPAN("GET"));
    check_number(target.form, TARGET_ORIGIN);
    check_span(target.path, "//host/a");
    check(target.query.at == NULL);
    target = target_split(SPAN("/?"), SPAN("GET"));
    check(target.query.at != NULL && target.query.len == 0);
    target = target_split(SPAN("HTTPS://a:8443/b?c"), SPAN("GET"));
    check_number(target.form, TARGET_ABSOLUTE);
    check_span(target.scheme, "HTTPS");
    check_span(target.authority, "a:8443");
    check_span(target.path, "/b");
    check_span(target.query, "c");
    target = target_split(SPAN("http://a?b"), SPAN("GET"));
    check_span(target.path, "/");
    check_span(target.query, "b");
    target = target_split(SPAN("[::1]:443"), SPAN("CONNECT"));
    check_number(target.form, TARGET_AUTHORITY);
    check_span(target.authority, "[::1]:443");
    check_number(target_split(SPAN("*"), SPAN("OPTIONS")).form, TARGET_ASTERISK);
}

TEST(wrong_targets_are_wrong)
{
    static const char *const bad[] = {
        "",         "a",    "*",           "\\",      "/ ",        "/\x7f",       "/\x1f",
        "/a#b",     "/\t",  "http:/a",     "http://", "http:///a", "http://u@a/", "http://a:x/",
        "ftp://a/", "://a", "http://a b/", "?a",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_number(target_split(span_text(bad[i]), SPAN("GET")).form, TARGET_WRONG);
    check_number(target_split(SPAN("/\0"), SPAN("GET")).form, TARGET_WRONG);
    static const char *const bad_connect[] = {
        "/", "a", "http://a:1/", "a:", ":1", "a:65536", "u@a:1"};
    for (size_t i = 0; i < sizeof bad_connect / sizeof *bad_connect; i++)
        check_number(target_split(span_text(bad_connect[i]), SPAN("CONNECT")).form, TARGET_WRONG);
}

TEST(hosts_are_valid_or_not)
{
    static const char *const good[] = {
        "",      "a",           "a.b-c_d:80",      "192.0.2.1",
        "[::1]", "[::1]:65535", "[2001:db8::1]:0", "xn--caf-dma.example",
        "a."};
    static const char *const bad[] = {":80",
                                      "a:",
                                      "a:65536",
                                      "a:080000",
                                      "a:-1",
                                      "a:b",
                                      "a:1:2",
                                      "u@a",
                                      "a/b",
                                      "a?b",
                                      "a b",
                                      "[::1",
                                      "::1",
                                      "[]",
                                      "[::1]x",
                                      "[1.2.3.4]",
                                      "[fe80::1%25eth0]",
                                      "[v1.a:b]",
                                      "a%00",
                                      "a%41",
                                      "caf\xc3\xa9",
                                      "a\\b",
                                      "a#b",
                                      "a\tb",
                                      "[::1]]",
                                      "x[::1]"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        check(authority_is_valid(span_text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct span authority = span_text(bad[i]);
        if (authority_is_valid(authority))
            print_error("taken: " SPAN_FORMAT "\n", span_arg(authority));
        check(!authority_is_valid(authority));
    }
    check(!authority_is_valid(SPAN("a\0")));
}

struct way {
    const char *path, *canonical;
    unsigned doubts;
};

TEST(many_spellings_are_one_path)
{
    static const struct way ways[] = {
        {"/", "/", 0},
        {"/admin", "/admin", 0},
        {"/admin/", "/admin/", 0},
        {"/%61dmin", "/admin", 0},
        {"/%41", "/A", 0},
        {"/%7euser", "/~user", 0},
        {"/a%20b", "/a%20b", 0},
        {"/a%3fb", "/a%3Fb", 0},
        {"/caf%c3%a9", "/caf%C3%A9", 0},
        {"/caf\xc3\xa9", "/caf\xc3\xa9", 0},
        {"//admin", "/admin", 0},
        {"/a///b//", "/a/b/", 0},
        {"/./admin", "/admin", PATH_DOT_SEGMENTS},
        {"/x/../admin", "/admin", PATH_DOT_SEGMENTS},
        {"/x/%2e%2E/admin", "/admin", PATH_DOT_SEGMENTS},
        {"/x/.%2e/admin", "/admin", PATH_DOT_SEGMENTS},
        {"/../../admin", "/admin", PATH_DOT_SEGMENTS},
        {"/a/b/..", "/a/", PATH_DOT_SEGMENTS},
        {"/a/b/.", "/a/b/", PATH_DOT_SEGMENTS},
        {"/..", "/", PATH_DOT_SEGMENTS},
        {"/a//../b", "/b", PATH_DOT_SEGMENTS},
        {"/...", "/...", 0},
        {"/.a/..b/c..", "/.a/..b/c..", 0},
        {"/a/..;/b", "/a/..;/b", PATH_DOT_SEGMENTS},
        {"/a;x=1/b", "/a;x=1/b", 0},
        {"/a%2fb", "/a%2Fb", PATH_ENCODED_SLASH},
        {"/a%5cb", "/a%5Cb", PATH_ENCODED_SLASH},
        {"/a\\b", "/a\\b", PATH_ENCODED_SLASH},
        {"/a%2f..%2fb", "/a%2F..%2Fb", PATH_ENCODED_SLASH},
        {"/a%00", "/a%00", PATH_NUL},
        {"/a%", "/a%", PATH_BROKEN_ESCAPE},
        {"/a%2", "/a%2", PATH_BROKEN_ESCAPE},
        {"/a%zz%61", "/a%zza", PATH_BROKEN_ESCAPE},
        {"/a%252e", "/a%252e", 0},
        {"/%u0061", "/%u0061", PATH_BROKEN_ESCAPE},
        {"/x/..%2f%00%g", "/x/..%2F%00%g", PATH_ENCODED_SLASH | PATH_NUL | PATH_BROKEN_ESCAPE},
        {"*", "*", 0},
        {"", "", 0},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct arena *arena = arena_new(NULL, 65536);
        unsigned doubts, again;
        struct span path = path_canonical(span_text(ways[i].path), arena, &doubts);
        check_span(path, ways[i].canonical);
        check_number(doubts, ways[i].doubts);
        struct span twice = path_canonical(path, arena, &again);
        check(span_is(twice, path) && twice.at == path.at);
        arena_free(arena);
    }
}

TEST(a_canonical_path_is_not_copied)
{
    struct span path = SPAN("/a/%2F/b");
    unsigned doubts;
    check(path_canonical(path, NULL, &doubts).at == path.at);
}

int target_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_forms_are_told_apart),
        cmocka_unit_test(wrong_targets_are_wrong),
        cmocka_unit_test(hosts_are_valid_or_not),
        cmocka_unit_test(many_spellings_are_one_path),
        cmocka_unit_test(a_canonical_path_is_not_copied),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
