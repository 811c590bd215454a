/* SPDX-License-Identifier: Apache-2.0 */
/* AWS WAF's own log record, one JSON line a request: AWS WAF developer guide, "Log fields for web
 * ACL traffic". What AWS calls the web ACL is here the whole of what guards a request:
 *
 *   entry of the access list        a rule: REGULAR, RATE_BASED
 *   rule of a web ACL               the same; GROUP and MANAGED_RULE_GROUP where it names a group
 *   SecLang (the CRS, own rules)    the rule group "seclang"
 *   nobody minded                   Default_Action
 *
 * What would have been done (detection_only) counts, with overriddenAction. Keys are AWS's; what
 * has no meaning here (captcha, challenge, fingerprints) is left out. */
#ifndef SIDEGATE_EXPORTERS_WAF_LOG_H
#define SIDEGATE_EXPORTERS_WAF_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "exporters/report.h"
#include "rules/base/buf.h"

/* What stands there as REDACTED. Fields that carry credentials always do (mask.h), and so do
 * secrets in the query. */
struct waf_redaction {
    bool method, query_string, uri_path;
    const struct span *headers; /* names; case does not matter */
    size_t header_count;
};

/* With texts of its own. */
struct waf_redaction *waf_redaction_new(const struct waf_redaction *from);
void waf_redaction_free(struct waf_redaction *redaction); /* NULL allowed */

/* The value of a field of the request, as it may be shown: as it is, or a copy at the end of
 * `scratch`, which lives until the scratch changes. */
struct span waf_field_shown(const struct waf_redaction *redaction, const struct pair *field,
                            struct buf *scratch);

enum waf_condition_kind { WAF_CONDITION_ACTION, WAF_CONDITION_LABEL };
struct waf_condition {
    enum waf_condition_kind kind;
    struct span text; /* "ALLOW", "BLOCK", "COUNT", "EXCLUDED_AS_COUNT"; a label as a whole */
};
struct waf_filter {
    bool keeps;     /* Behavior: KEEP or DROP */
    bool meets_all; /* Requirement: MEETS_ALL or MEETS_ANY */
    const struct waf_condition *conditions;
    size_t condition_count;
};
/* LoggingFilter: the first filter that fits decides. */
struct waf_filters {
    bool drops; /* DefaultBehavior */
    const struct waf_filter *at;
    size_t count;
};

/* Is a line to be written of it? Looks at decisions, matches and labels alone. */
bool waf_log_keeps(const struct waf_filters *filters, const struct report *report);

/* One line with its line feed. Any bytes in the report make valid JSON; `source` is httpSourceId;
 * `scratch` is cleared. */
void waf_log_add(struct buf *to, const struct report *report, const struct waf_redaction *redaction,
                 struct span source, struct buf *scratch);

/* The rule that ended it, as the record names it: "Default_Action", "seclang", an entry's or a web
 * ACL's rule's name; and what was done: "ALLOW", "BLOCK". */
struct waf_end {
    struct span rule;
    const char *type, *action;
    const struct report_decision *decision; /* NULL: the rules, or nobody */
};
struct waf_end waf_log_end(const struct report *report);

#endif
