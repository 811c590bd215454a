/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of calls, of connections to backends, and of the resolver. */
#include "tests/unit/upstream/suites.h"

int main(void)
{
    int failed = call_suite() + pool_suite() + pool_socket_suite() + resolver_suite();
    return failed != 0;
}
