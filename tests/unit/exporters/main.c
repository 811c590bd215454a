/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/sample.h"

int main(void)
{
    return record_tests() + ring_tests() + queue_tests() + line_tests() + metrics_tests() +
               exporter_tests() >
           0;
}
