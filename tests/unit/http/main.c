/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the words of HTTP. */
#include "tests/unit/http/suites.h"

int main(void)
{
    int failed = bytes_suite() + date_suite() + fields_suite() + forwarded_suite() +
                 target_suite() + traceparent_suite() + tracestate_suite() + propagation_suite() +
                 sampling_suite() + sampling_rules_suite();
    return failed != 0;
}
