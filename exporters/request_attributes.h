/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a request in OTLP, by its spans and by its log records alike: attributes by
 * OpenTelemetry's conventions, waf.* and sidegate.*. */
#ifndef SIDEGATE_EXPORTERS_REQUEST_ATTRIBUTES_H
#define SIDEGATE_EXPORTERS_REQUEST_ATTRIBUTES_H

#include "exporters/otlp_write.h"
#include "exporters/report.h"
#include "rules/base/buf.h"

void method_attributes_add(struct attributes *to, struct span method);
/* Who asked for what, and what was answered. */
void request_attributes_add(struct attributes *to, const struct report *report);
/* What the rules came to. */
void verdict_attributes_add(struct attributes *to, const struct report *report);
/* What matched, but not the value: it is the client's, and the rule log has it. */
void match_attributes_add(struct attributes *to, const struct rule_match *match);
void decision_attributes_add(struct attributes *to, const struct report_decision *decision);

/* When the stage of that name was over: what was said in it is dated so. */
uint64_t stage_end_nano(const struct report *report, struct span name);

#endif
