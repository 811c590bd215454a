/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of one thread's events. */
#include "tests/unit/loop/suites.h"

int main(void)
{
    int failed = loop_suite() + timer_suite() + mail_suite() + cpu_clock_suite();
    return failed != 0;
}
