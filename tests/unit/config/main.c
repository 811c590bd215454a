/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the configuration. */
#include "tests/unit/config/suites.h"

int main(void)
{
    int failed = document_suite() + substitute_suite() + fault_suite() + settings_suite() +
                 merge_suite() + environment_suite() + routes_suite() + snapshot_suite() +
                 snapshot_rules_suite() + exclusion_suite() + precedence_suite() +
                 secret_file_suite() + sampling_document_suite();
    return failed != 0;
}
