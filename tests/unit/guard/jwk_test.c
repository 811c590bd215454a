/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/jwk.h"

#include "tests/check.h"
#include "tests/unit/guard/signer.h"
#include "tests/unit/guard/suites.h"

static void check_refused(struct span document, const char *why)
{
    struct key_set_problem problem;
    struct key_set *keys = key_set_read(document, &problem);
    key_set_free(keys);
    check(keys == NULL);
    check_span(span_text(problem.why), why);
}

static void check_jwk_refused(const char *document, const char *why)
{
    check_refused(span_text(document), why);
}

TEST(a_set_keeps_what_can_check_signatures_and_leaves_the_rest_out)
{
    struct signer ec = signer_new("P-256", SPAN("a"));
    struct span document = arena_format(ec.arena,
                                        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"secp256k1\"},{"
                                        "\"kty\":\"XYZ\"},{\"kty\":\"RSA\",\"use\":"
                                        "\"enc\"},{\"kty\":\"oct\",\"alg\":\"A128KW\"},{\"kty\":"
                                        "\"EC\",\"key_ops\":[\"deriveKey\"]},"
                                        "{\"kty\":\"OKP\",\"crv\":\"X25519\"}," SPAN_FORMAT "]}",
                                        span_arg(ec.jwk));
    struct key_set_problem problem;
    struct key_set *keys = key_set_read(document, &problem);
    check(keys != NULL);
    check_number(key_set_count(keys), 1);
    check_span(jwk_id(key_set_at(keys, 0)), "a");
    key_set_free(keys);
    signer_free(&ec);
}

TEST(a_key_for_verifying_is_taken_by_what_it_says_of_itself)
{
    struct signer ec = signer_new("P-256", (struct span){NULL, 0});
    struct span more = arena_format(
        ec.arena,
        SPAN_FORMAT ",\"use\":\"sig\",\"key_ops\":[\"sign\",\"verify\"],\"alg\":\"ES256\"}",
        span_arg(span_first(ec.jwk, ec.jwk.len - 1)));
    struct key_set_problem problem;
    struct key_set *keys = key_set_read(more, &problem);
    check(keys != NULL);
    check(jwk_id(key_set_at(keys, 0)).at == NULL);
    key_set_free(keys);
    signer_free(&ec);
}

TEST(a_key_is_known_again_in_another_set_by_all_that_it_says)
{
    struct signer ec = signer_new("P-256", SPAN("a")), other = signer_new("P-256", SPAN("a"));
    struct key_set_problem problem;
    struct key_set *one = key_set_read(ec.jwk, &problem);
    struct key_set *same =
        key_set_read(arena_format(ec.arena, "{\"keys\":[" SPAN_FORMAT ", " SPAN_FORMAT "]}",
                                  span_arg(other.jwk), span_arg(ec.jwk)),
                     &problem);
    struct key_set *renamed =
        key_set_read(arena_format(ec.arena, SPAN_FORMAT ",\"use\":\"sig\"}",
                                  span_arg(span_first(ec.jwk, ec.jwk.len - 1))),
                     &problem);
    struct jwk_mark mark = jwk_mark(key_set_at(one, 0));
    check(key_set_has(one, mark) && key_set_has(same, mark));
    check(!key_set_has(renamed, mark));
    check(!key_set_has(one, jwk_mark(key_set_at(same, 0))));
    check(!key_set_has_secrets(one));
    key_set_free(one);
    key_set_free(same);
    key_set_free(renamed);
    signer_free(&ec);
    signer_free(&other);
}

TEST(rsa_keys_below_2048_bits_are_refused)
{
    struct signer weak = signer_new("RSA:1024", SPAN("a"));
    check_refused(weak.jwk, "an RSA key of fewer than 2048 bits is too weak");
    signer_free(&weak);
}

TEST(rsa_exponents_of_one_or_an_even_number_are_refused)
{
    static const char *const exponents[] = {"AQ", "AAAB", "Ag", "AAAC"};
    struct signer rsa = signer_new("RSA:2048", SPAN("a"));
    size_t e = span_find(rsa.jwk, SPAN("\"e\":\""));
    for (size_t i = 0; i < sizeof exponents / sizeof *exponents; i++)
        check_refused(arena_format(rsa.arena, SPAN_FORMAT "\"e\":\"%s\"}",
                                   span_arg(span_first(rsa.jwk, e)), exponents[i]),
                      "an RSA exponent like this one makes no key");
    signer_free(&rsa);
}

TEST(secrets_below_32_bytes_are_refused)
{
    struct signer weak = signer_new("HMAC:31", SPAN("a"));
    check_refused(weak.jwk, "a secret of fewer than 32 bytes is too weak");
    signer_free(&weak);
}

TEST(a_point_has_to_lie_on_its_curve)
{
    check_jwk_refused("{\"kty\":\"EC\",\"crv\":\"P-256\","
                      "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
                      "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}",
                      "x and y are no point of the curve");
    check_jwk_refused("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\"}",
                      "x or y is missing, not base64url or of a wrong length");
    check_jwk_refused("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQ\"}",
                      "x is missing, not base64url or of a wrong length");
}

TEST(members_that_are_missing_or_misspelt_are_refused)
{
    check_jwk_refused("{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "n or e is missing or not base64url");
    check_jwk_refused("{\"kty\":\"RSA\",\"n\":\"a+b\",\"e\":\"AQAB\"}",
                      "n or e is missing or not base64url");
    check_jwk_refused("{\"kty\":\"oct\",\"k\":\"abc=\"}", "k is missing or not base64url");
    check_jwk_refused("{\"kty\":\"oct\",\"kid\":7,\"k\":\"abc\"}",
                      "kid is a text of at most 256 bytes");
    check_jwk_refused("{\"kty\":\"oct\",\"alg\":\"RS256\","
                      "\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
                      "alg is not for keys of this type");
}

TEST(documents_that_are_no_set_are_refused_with_a_place)
{
    struct key_set_problem problem;
    check(key_set_read(SPAN("{\"keys\": [\n  {\"kty\": }]}"), &problem) == NULL);
    check_number(problem.line, 2);
    check_jwk_refused("{\"keys\":[],\"keys\":[]}",
                      "this is no JSON, or a member stands in it twice");
    check_jwk_refused("", "this is no JSON, or a member stands in it twice");
    check_jwk_refused("{\"keys\":{}}", "keys is a list of at most 128 keys");
    check_jwk_refused("{\"keys\":[]}", "there is no key in it that could check a signature");
    check_jwk_refused("{\"keys\":[1]}", "a key is an object");
    check_jwk_refused("{}", "there is no key in it that could check a signature");
}

int jwk_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_keeps_what_can_check_signatures_and_leaves_the_rest_out),
        cmocka_unit_test(a_key_for_verifying_is_taken_by_what_it_says_of_itself),
        cmocka_unit_test(a_key_is_known_again_in_another_set_by_all_that_it_says),
        cmocka_unit_test(rsa_keys_below_2048_bits_are_refused),
        cmocka_unit_test(rsa_exponents_of_one_or_an_even_number_are_refused),
        cmocka_unit_test(secrets_below_32_bytes_are_refused),
        cmocka_unit_test(a_point_has_to_lie_on_its_curve),
        cmocka_unit_test(members_that_are_missing_or_misspelt_are_refused),
        cmocka_unit_test(documents_that_are_no_set_are_refused_with_a_place),
    };
    return cmocka_run_group_tests_name("jwk", tests, NULL, NULL);
}
