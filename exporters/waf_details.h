/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule found where, as AWS WAF's log has it: only SQL injection and cross-site scripting
 * say so, all other statements have an empty list. */
#ifndef SIDEGATE_EXPORTERS_WAF_DETAILS_H
#define SIDEGATE_EXPORTERS_WAF_DETAILS_H

#include "exporters/report.h"
#include "rules/base/buf.h"

/* [{"conditionType", "sensitivityLevel", "location", "matchedData", "matchedFieldName"}]; `rule`
 * NULL: nothing is known. */
void waf_details_add(struct buf *to, const struct report_waf_rule *rule);
/* The same of a SecLang rule: by its operator, or the tags that the CRS has. */
void waf_details_add_match(struct buf *to, const struct report *report,
                           const struct rule_match *match);

#endif
