/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/changes/suites.h"

int main(void)
{
    return log_suite() + desk_suite() > 0;
}
