/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of reading SecLang. */
#include "tests/unit/language/suites.h"

int main(void)
{
    int failed = names_suite() + line_suite() + fault_suite() + rule_suite() + action_suite() +
                 update_suite() + settings_suite() + files_suite() + sets_suite();
    return failed != 0;
}
