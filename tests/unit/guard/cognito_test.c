/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/cognito.h"

#include "tests/check.h"
#include "tests/unit/guard/suites.h"

static void check_issuer(const char *pool, const char *issuer)
{
    struct arena *arena = arena_new(NULL, 4096);
    check_span(cognito_issuer(span_text(pool), arena), issuer);
    arena_free(arena);
}

TEST(a_user_pool_is_named_by_its_id_or_its_arn)
{
    check_issuer("eu-west-1_AbC123",
                 "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC123");
    check_issuer("arn:aws:cognito-idp:us-east-2:123456789012:userpool/us-east-2_XYZ",
                 "https://cognito-idp.us-east-2.amazonaws.com/us-east-2_XYZ");
    check_issuer("cn-north-1_A1", "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_A1");
}

TEST(what_is_no_user_pool_has_no_issuer)
{
    static const char *const wrong[] = {
        "",
        "eu-west-1",
        "_abc",
        "eu-west-1_",
        "eu-west-1_a/b",
        "evil.example/eu-west-1_a",
        "eu-west-1_a_b",
        "arn:aws:cognito-idp:eu-west-1:1:userpool/us-east-2_XYZ",
        "arn:aws:cognito-identity:eu-west-1:1:userpool/eu-west-1_XYZ",
        "arn:aws:cognito-idp:eu-west-1:1:identitypool/eu-west-1_XYZ",
        "arn:aws:cognito-idp:eu-west-1_XYZ",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_issuer(wrong[i], "");
}

int cognito_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_pool_is_named_by_its_id_or_its_arn),
        cmocka_unit_test(what_is_no_user_pool_has_no_issuer),
    };
    return cmocka_run_group_tests_name("cognito", tests, NULL, NULL);
}
