/* SPDX-License-Identifier: Apache-2.0 */
/* @detectSQLi captures its fingerprint, @detectXSS the whole value, as in ModSecurity. */
#include "rules/match/operator_rows.h"

#include "rules/match/sqli.h"
#include "rules/match/xss.h"

#include <stdio.h>

enum operator_answer operator_run_detect_sqli(const struct operator* op, struct operator_run *run)
{
    struct sqli_finding finding;
    char why[128];

    (void)op;
    if (!sqli_detect(run->value, &finding))
        return OPERATOR_NO;
    run->captures.at[0] = arena_copy(run->arena, span_text(finding.fingerprint));
    run->captures.count = 1;
    snprintf(why, sizeof(why), "%s: %s", finding.fingerprint, finding.sentence);
    run->found = arena_copy(run->arena, span_text(why));
    return OPERATOR_YES;
}

enum operator_answer operator_run_detect_xss(const struct operator* op, struct operator_run *run)
{
    struct xss_finding finding;

    (void)op;
    if (!xss_detect(run->value, &finding))
        return OPERATOR_NO;
    run->captures.at[0] = run->value;
    run->captures.count = 1;
    run->found = finding.part;
    return OPERATOR_YES;
}
