/* SPDX-License-Identifier: Apache-2.0 */
/* The rule log: a line for each match, in the form of ModSecurity 2's lines in Apache's error log,
 * so that tools made for it (go-ftw, fail2ban, log shippers) read it. */
#ifndef SIDEGATE_EXPORTERS_RULE_LOG_H
#define SIDEGATE_EXPORTERS_RULE_LOG_H

#include "exporters/report.h"
#include "rules/base/buf.h"

/* The line of the i-th match, with its line feed. */
void rule_log_add(struct buf *to, const struct report *report, size_t i);

/* The same from "ModSecurity: " on, without the line feed: a message of the audit log. */
void rule_message_add(struct buf *to, const struct report *report, size_t i);
/* Why it matched: "Matched "Operator `rx' ...". `escaped`: so that it may stand in a line. */
void rule_reason_add(struct buf *to, const struct rule_match *match, bool escaped);
/* Escaped as ModSecurity does: quotes, backslashes, control bytes, what is not ASCII. */
void line_add_escaped(struct buf *to, struct span text);
/* The rule as SecLang, as far as a match tells it; on one line. */
void rule_text_add(struct buf *to, const struct rule_match *match);

#endif
