/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cloudwatch/suites.h"

int main(void)
{
    int failures = 0;
    failures += tally_suite();
    failures += store_suite();
    failures += query_suite();
    failures += request_suite();
    failures += archive_suite();
    failures += archive_stop_suite();
    failures += filter_suite();
    failures += collector_suite();
    failures += emf_suite();
    return failures > 0;
}
