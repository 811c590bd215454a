/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/discovery.h"

#include "tests/check.h"
#include "tests/unit/guard/suites.h"

static void check_url(const char *document, const char *issuer, const char *url)
{
    struct arena *arena = arena_new(NULL, 8192);
    const char *why = NULL;
    const char *got = discovery_keys_url(span_text(document), span_text(issuer), arena, &why);
    check_span(span_text(got), url);
    check((got == NULL) == (why != NULL));
    arena_free(arena);
}

TEST(an_issuer_says_where_its_keys_are)
{
    check_url("{\"issuer\":\"https://id.example/\",\"jwks_uri\":\"https://k.example/keys\"}",
              "https://id.example/", "https://k.example/keys");
    check_url("{\"issuer\":\"http://127.0.0.1:9\",\"jwks_uri\":\"http://127.0.0.1:9/keys\"}",
              "http://127.0.0.1:9", "http://127.0.0.1:9/keys");
}

TEST(a_description_of_another_issuer_is_not_taken)
{
    check_url("{\"issuer\":\"https://id.example\",\"jwks_uri\":\"https://k.example/keys\"}",
              "https://id.example/", "");
    check_url("{\"jwks_uri\":\"https://k.example/keys\"}", "https://id.example/", "");
}

TEST(keys_of_an_issuer_with_tls_come_with_tls)
{
    check_url("{\"issuer\":\"https://id.example\",\"jwks_uri\":\"http://k.example/keys\"}",
              "https://id.example", "");
}

TEST(a_description_that_names_no_url_is_not_taken)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{\"issuer\":\"http://i\"}",
        "{\"issuer\":\"http://i\",\"jwks_uri\":7}",
        "{\"issuer\":\"http://i\",\"jwks_uri\":\"/keys\"}",
        "{\"issuer\":\"http://i\",\"jwks_uri\":\"file:///etc/passwd\"}",
        "{\"issuer\":\"http://i\",\"jwks_uri\":\"http:///keys\"}",
        "{\"issuer\":\"http://i\",\"jwks_uri\":\"http://u:p@k/keys\"}",
        "{\"issuer\":\"http://i\",\"jwks_uri\":\"http://k/ keys\"}",
        "{\"issuer\":\"http://i\",\"jwks_uri\":\"http://k\",\"jwks_uri\":\"http://l\"}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_url(wrong[i], "http://i", "");
}

TEST(an_answer_may_be_kept_for_as_long_as_it_says)
{
    check_number(discovery_life_us(SPAN("")), 0);
    check_number(discovery_life_us(SPAN("public, must-revalidate")), 0);
    check_number(discovery_life_us(SPAN("public, Max-Age=3600, must-revalidate")), 3600000000);
    check_number(discovery_life_us(SPAN("max-age=\"60\"")), 60000000);
    check_number(discovery_life_us(SPAN("max-age=0")), 1);
    check_number(discovery_life_us(SPAN("max-age=600, no-cache")), 1);
    check_number(discovery_life_us(SPAN("max-age=-5")), 0);
    check(discovery_life_us(SPAN("max-age=18446744073709551615")) > 0);
}

int discovery_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_issuer_says_where_its_keys_are),
        cmocka_unit_test(a_description_of_another_issuer_is_not_taken),
        cmocka_unit_test(keys_of_an_issuer_with_tls_come_with_tls),
        cmocka_unit_test(a_description_that_names_no_url_is_not_taken),
        cmocka_unit_test(an_answer_may_be_kept_for_as_long_as_it_says),
    };
    return cmocka_run_group_tests_name("discovery", tests, NULL, NULL);
}
