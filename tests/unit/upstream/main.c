/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of connections to backends. */
#include "tests/unit/upstream/suites.h"

int main(void)
{
    int failed = pool_suite() + pool_socket_suite();
    return failed != 0;
}
