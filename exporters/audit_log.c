/* SPDX-License-Identifier: Apache-2.0 */
/* What both forms share. */
#include "exporters/audit_log.h"

bool audit_has(const struct report *report, char part)
{
    return span_find_byte(report->audit.parts, part) != SPAN_NONE;
}

struct span audit_engine_name(const struct report *report)
{
    switch (report->waf.mode) {
    case ENGINE_ON: return SPAN("Enabled");
    case ENGINE_DETECTION_ONLY: return SPAN("DetectionOnly");
    case ENGINE_OFF: break;
    }
    return SPAN("Disabled");
}

void audit_add(struct buf *to, const struct report *report, enum audit_format format,
               struct buf *scratch)
{
    if (format == AUDIT_NATIVE)
        audit_add_native(to, report);
    else
        audit_add_json(to, report, scratch);
    buf_clear(scratch);
}
