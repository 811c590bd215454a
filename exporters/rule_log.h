/* SPDX-License-Identifier: Apache-2.0 */
/* The rule log: a line for each match, in the form of ModSecurity 2's lines in Apache's error log,
 * so that tools made for it (go-ftw, fail2ban, log shippers) read it. */
#ifndef SIDEGATE_EXPORTERS_RULE_LOG_H
#define SIDEGATE_EXPORTERS_RULE_LOG_H

#include "exporters/report.h"
#include "rules/base/buf.h"

/* The line of the i-th match, with its line feed. */
void rule_log_add(struct buf *to, const struct report *report, size_t i);

#endif
