/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON reader that says whether the text is one value: small, strict, of its own. */
#ifndef SIDEGATE_TESTS_UNIT_EXPORTERS_JSON_H
#define SIDEGATE_TESTS_UNIT_EXPORTERS_JSON_H

#include <stdbool.h>

#include "rules/base/span.h"

bool json_is_valid(struct span text);

#endif
