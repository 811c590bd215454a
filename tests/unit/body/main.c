/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the body parsers. */
#include "tests/unit/body/suites.h"

int main(void)
{
    int failed = body_suite() + urlencoded_suite() + multipart_suite() + multipart_flags_suite() +
                 multipart_boundary_suite() + json_suite() + json_files_suite() + xml_suite() +
                 decoder_suite();
    return failed != 0;
}
