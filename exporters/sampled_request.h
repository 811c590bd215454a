/* SPDX-License-Identifier: Apache-2.0 */
/* One sampled request as AWS WAF's GetSampledRequests shows it: SampledHTTPRequest of its API, in
 * JSON. Masked and redacted as AWS WAF's log is (waf_log.h). */
#ifndef SIDEGATE_EXPORTERS_SAMPLED_REQUEST_H
#define SIDEGATE_EXPORTERS_SAMPLED_REQUEST_H

#include "exporters/report.h"
#include "exporters/waf_log.h"
#include "rules/base/buf.h"

/* What the rule that it is a sample of did. */
struct sampled_by {
    struct span inner;      /* the rule within a rule group; empty: it is of none */
    const char *action;     /* "ALLOW", "BLOCK", "COUNT" */
    const char *overridden; /* what would have been done where it only detects; "": nothing */
};

/* The object without its end: who prints it adds `,"Weight":N}`. At most SAMPLE_TEXT_MOST bytes:
 * a value is cut at 1 KiB, the URI at 2 KiB, and fields and labels that do not fit are left out.
 * `to` is empty and has a ceiling of SAMPLED_ROOM or more; `scratch` is cleared. */
enum { SAMPLED_ROOM = 32 * 1024 };
void sampled_request_add(struct buf *to, const struct report *report, const struct sampled_by *by,
                         const struct waf_redaction *redaction, struct buf *scratch);

#endif
