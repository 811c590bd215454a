/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of patterns, operators, transformations and detectors. */
#include "tests/unit/match/operators/suites.h"

int main(void)
{
    int failed = pattern_suite() + phrases_suite() + transformation_suite() + operator_suite() +
                 sqli_suite() + xss_suite() + rbl_suite();
    return failed != 0;
}
