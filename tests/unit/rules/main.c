/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the inspection: small rules, one request, what comes of it. */
#include "tests/unit/rules/suites.h"

int main(void)
{
    int failed = evaluation_suite() + values_suite() + actions_suite() + exclusions_suite() +
                 verdict_suite() + bodies_suite() + crs_suite() + forms_suite() +
                 persistent_suite() + store_suite() + secrets_suite() + place_suite();
    return failed != 0;
}
