/* SPDX-License-Identifier: Apache-2.0 */
/* The names of limits, as metrics and logs spell them. */
#include "rules/match/result.h"

#include "rules/base/must.h"

const char *limit_name(enum limit_kind kind)
{
    static const char *const names[LIMIT_KINDS] = {
        [LIMIT_CPU_BUDGET] = "cpu_budget",     [LIMIT_PATTERN] = "pattern",
        [LIMIT_REQUEST_BODY] = "request_body", [LIMIT_RESPONSE_BODY] = "response_body",
        [LIMIT_ARGUMENTS] = "arguments",       [LIMIT_MEMORY] = "memory",
    };
    must(kind < LIMIT_KINDS);
    return names[kind];
}
