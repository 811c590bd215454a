/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the guards. */
#include "tests/unit/guard/suites.h"

int main(void)
{
    int failed = condition_suite() + access_suite() + rate_suite() + geo_suite() + policy_suite() +
                 policy_cases_suite();
    failed += jwk_suite() + jws_suite() + jwt_suite() + sigv4_suite() + sigv4_vectors_suite();
    failed += web_acl_suite() + web_acl_run_suite() + api_key_suite() + discovery_suite() +
              cognito_suite();
    failed += authorizer_event_suite() + authorizer_answer_suite();
    return failed != 0;
}
