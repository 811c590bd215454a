/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the toolbox. */
#include "tests/unit/base/suites.h"

int main(void)
{
    int failed = must_suite() + span_suite() + list_suite() + arena_suite() + buf_suite() +
                 map_suite() + number_suite() + ip_suite() + networks_suite() + glob_suite() +
                 encode_suite() + uuid_suite() + fault_suite() + zone_suite();
    return failed != 0;
}
