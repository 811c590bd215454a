/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/routes.h"

#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/config/suites.h"

enum { ROUTES_MOST = 16 };

/* Routes out of "GET /x" texts; the upstream is the row's number. */
static struct routes *make(const char *const *matches, size_t count, struct faults *faults)
{
    static struct route_settings rows[ROUTES_MOST];
    struct settings settings = {.routes = rows, .route_count = count};
    settings.timeouts.request_us = 60;
    for (size_t i = 0; i < count; i++) {
        struct span rest = span_text(matches[i]);
        rows[i] = (struct route_settings){.match = rest, .upstream = (unsigned)i};
        rows[i].method = span_cut(&rest, ' ');
        rows[i].pattern = rest;
        rows[i].request_timeout_us = i == 0 ? 29 : 0;
        rows[i].place = (struct place){"f", (unsigned)i + 1, 3};
    }
    return routes_new(&settings, faults);
}

static const char *const table[] = {
    "GET /pets/dog/1", "GET /pets/dog/{id}",    "GET /pets/{proxy+}",
    "ANY /{proxy+}",   "POST /pets/{kind}/new", "ANY /pets/dog/1",
    "GET /",           "DELETE /pets/{a}/{b}",  "PUT /%7Euser/{x}",
};

static const struct {
    const char *method, *path, *route; /* NULL: none */
} asked[] = {
    {"GET", "/pets/dog/1", "/pets/dog/1"},
    {"POST", "/pets/dog/1", "/pets/dog/1"}, /* ANY of the more specific path */
    {"GET", "/pets/dog/2", "/pets/dog/{id}"},
    {"GET", "/pets/cat/2", "/pets/{proxy+}"},
    {"GET", "/pets/cat", "/pets/{proxy+}"},
    {"GET", "/pets/dog/1/2", "/pets/{proxy+}"},
    {"GET", "/pets", "/{proxy+}"}, /* {proxy+} is at least one segment */
    {"GET", "/pets/", "/{proxy+}"},
    {"POST", "/pets/dog/new", "/pets/{kind}/new"}, /* back from the literal to {kind} */
    {"POST", "/pets/dog/2", "/{proxy+}"},
    {"DELETE", "/pets/dog/2", "/pets/{a}/{b}"},
    {"GET", "/", "/"},
    {"POST", "/", NULL},
    {"GET", "/pets/dog/1/", "/pets/dog/1"}, /* a slash at the end does not count */
    {"get", "/pets/dog/1", "/pets/dog/1"},  /* methods are case-sensitive: ANY */
    {"get", "/", NULL},
    {"PUT", "/~user/x", "/%7Euser/{x}"}, /* the canonical form of both is compared */
    {"GET", "/PETS/dog/1", "/{proxy+}"},
    {"OPTIONS", "*", NULL},
    {"GET", "", NULL},
};

TEST(the_most_specific_path_wins_then_the_method)
{
    struct faults *faults = faults_new();
    struct routes *routes = make(table, sizeof table / sizeof *table, faults);
    check(routes != NULL);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        const struct route *route =
            routes_match(routes, span_text(asked[i].method), span_text(asked[i].path));
        check((route == NULL) == (asked[i].route == NULL));
        if (route != NULL)
            check_span(route->template, asked[i].route);
    }
    check_number(routes_match(routes, SPAN("GET"), SPAN("/pets/dog/1"))->upstream, 0);
    check_number(routes_match(routes, SPAN("PUT"), SPAN("/pets/dog/1"))->upstream, 5);
    routes_free(routes);
    faults_free(faults);
}

TEST(the_order_in_the_file_does_not_count)
{
    static const char *const reversed[] = {"ANY /{proxy+}", "ANY /a/{b}", "GET /a/{b}", "ANY /a/c"};
    struct faults *faults = faults_new();
    struct routes *routes = make(reversed, 4, faults);
    check_number(routes_match(routes, SPAN("GET"), SPAN("/a/x"))->upstream, 2);
    check_number(routes_match(routes, SPAN("PUT"), SPAN("/a/x"))->upstream, 1);
    check_number(routes_match(routes, SPAN("GET"), SPAN("/a/c"))->upstream, 3);
    routes_free(routes);
    faults_free(faults);
}

TEST(without_routes_everything_goes_to_the_only_upstream)
{
    struct faults *faults = faults_new();
    struct routes *routes = make(NULL, 0, faults);
    const struct route *route = routes_match(routes, SPAN("ODD"), SPAN("*"));
    check_span(route->template, "");
    check_number(route->upstream, 0);
    check_number(route->request_timeout_us, 60);
    check(routes_at(routes, 0) == route && routes_at(routes, 1) == NULL);
    routes_free(routes);
    faults_free(faults);
}

TEST(a_routes_own_timeout_goes_before_the_general_one)
{
    static const char *const two[] = {"GET /a", "GET /b"};
    struct faults *faults = faults_new();
    struct routes *routes = make(two, 2, faults);
    check_number(routes_at(routes, 0)->request_timeout_us, 29);
    check_number(routes_at(routes, 1)->request_timeout_us, 60);
    check(routes_at(routes, 2) == NULL);
    routes_free(routes);
    faults_free(faults);
}

TEST(a_pattern_that_no_request_fits_is_refused)
{
    static const struct {
        const char *match, *message;
    } rows[] = {
        {"GET /a{b}", "a variable is a whole segment"},
        {"GET /{}", "a variable's name has letters, digits, _ - ."},
        {"GET /{a b}", "a variable's name has letters, digits, _ - ."},
        {"GET /{a+}/b", "{name+} stands only at the end"},
        {"GET /a//b", "no request comes by such a path"},
        {"GET /a/../b", "no request comes by such a path"},
        {"GET /a%2fb", "no request comes by such a path"},
        {"GET /a b", "no request comes by such a path"},
        {"GET /a\x7f", "no request comes by such a path"},
        {"GET /{a}/b/{a}", "two variables have the same name"},
        {"GET /{a}/{a+}", "two variables have the same name"},
        {"GET /a?b={c}", "a query is no part of the path"},
        {"GET /{a}?b#c", "a query is no part of the path"},
        {"GET /a#b?c", "no request's path has a '#'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct faults *faults = faults_new();
        char want[128];
        snprintf(want, sizeof want, "routes[].match: '%s': %s", rows[i].match, rows[i].message);
        check(make(&rows[i].match, 1, faults) == NULL);
        check_span(span_text(faults_at(faults, 0)->message), want);
        check_number(faults_at(faults, 0)->place.column, 3);
        faults_free(faults);
    }
}

TEST(a_path_with_a_query_or_a_fragment_is_named_without_it)
{
    static const char *const rows[] = {"GET /a/{b}?c=1", "GET /a/{b}#c"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct faults *faults = faults_new();
        check(make(&rows[i], 1, faults) == NULL);
        check_span(span_text(faults_at(faults, 0)->hint), "did you mean 'GET /a/{b}'?");
        faults_free(faults);
    }
}

TEST(variables_of_different_names_may_follow_each_other)
{
    static const char *const one[] = {"GET /a/{a}/{b}/{c+}"};
    struct faults *faults = faults_new();
    struct routes *routes = make(one, 1, faults);
    check(routes_match(routes, SPAN("GET"), SPAN("/a/1/2/3/4")) != NULL);
    routes_free(routes);
    faults_free(faults);
}

TEST(two_routes_for_the_same_requests_are_refused_at_the_second)
{
    static const char *const twins[] = {"GET /a/{x}", "GET /b", "GET /a/{y}/", "ANY /{p+}",
                                        "ANY /{q+}"};
    struct faults *faults = faults_new();
    check(make(twins, 5, faults) == NULL);
    check_number(faults_count(faults, FAULT_ERROR), 2);
    check_number(faults_at(faults, 0)->place.line, 3);
    check_span(span_text(faults_at(faults, 0)->message),
               "routes[].match: 'GET /a/{y}/' is for the same requests as 'GET /a/{x}'");
    check_number(faults_at(faults, 1)->place.line, 5);
    faults_free(faults);
}

TEST(a_route_says_what_stands_where_its_template_has_names)
{
    static const char *const given[] = {"GET /a/{x}/b/{y}", "GET /f/{proxy+}"};
    static const struct {
        const char *path, *want;
    } cases[] = {
        {"/a/1/b/2%202", "x=1;y=2%202;"},
        {"/a/1/b/2/", "x=1;y=2;"},
        {"/f/1/2/3", "proxy=1/2/3;"},
        {"/f/1", "proxy=1;"},
    };
    struct faults *faults = faults_new();
    struct routes *routes = make(given, 2, faults);
    check(routes != NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair pairs[ROUTE_PARAMETERS_MOST];
        char said[256];
        size_t len = 0;
        const struct route *route = routes_match(routes, SPAN("GET"), span_text(cases[i].path));
        check(route != NULL);
        size_t count = route_parameters(route, span_text(cases[i].path), pairs);
        for (size_t k = 0; k < count; k++)
            len += (size_t)snprintf(said + len, sizeof said - len, SPAN_FORMAT "=" SPAN_FORMAT ";",
                                    span_arg(pairs[k].name), span_arg(pairs[k].value));
        check_span(span_make(said, len), cases[i].want);
        check_span(route->key, given[i / 2]);
    }
    routes_free(routes);
    faults_free(faults);
}

int routes_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_specific_path_wins_then_the_method),
        cmocka_unit_test(the_order_in_the_file_does_not_count),
        cmocka_unit_test(without_routes_everything_goes_to_the_only_upstream),
        cmocka_unit_test(a_routes_own_timeout_goes_before_the_general_one),
        cmocka_unit_test(a_pattern_that_no_request_fits_is_refused),
        cmocka_unit_test(a_path_with_a_query_or_a_fragment_is_named_without_it),
        cmocka_unit_test(variables_of_different_names_may_follow_each_other),
        cmocka_unit_test(two_routes_for_the_same_requests_are_refused_at_the_second),
        cmocka_unit_test(a_route_says_what_stands_where_its_template_has_names),
    };
    return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
