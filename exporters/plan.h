/* SPDX-License-Identifier: Apache-2.0 */
/* Exporter settings with texts of their own, and the files that were opened for them: what can fail
 * has been done before the exporter thread sees a plan. */
#ifndef SIDEGATE_EXPORTERS_PLAN_H
#define SIDEGATE_EXPORTERS_PLAN_H

#include "exporters/access_template.h"
#include "exporters/audit_file.h"
#include "exporters/channels.h"
#include "exporters/exporter.h"

/* Where one log goes. */
struct log_plan {
    struct log_settings *to; /* with texts of its own */
    int fd;                  /* -1: the file stays as it is; who uses one puts -1 in its place */
};

struct plan {
    struct log_plan logs[LOGS];              /* by destination */
    struct access_template *access_template; /* NULL: the access log is JSON by access_log.h */
    enum audit_format audit_format;
    char *audit_storage; /* NULL: records stand in the log itself */
    struct audit_modes audit_modes;
    struct waf_redaction *waf_redaction;
    char *waf_source, *execution_stage;
    struct channel_list *channels;
    unsigned otlp_logs; /* OTLP_LOG_... */
    struct otlp_limits limits;
    struct xray_service xray;       /* texts of its own */
    struct metric_filters *filters; /* NULL: none */
    size_t queue_records;
};

/* Opens the logs that are not open already by `old` (NULL: none is). NULL: `why`. */
struct plan *plan_new(const struct exporter_settings *settings, const struct plan *old, char *why,
                      size_t size);
void plan_free(struct plan *plan); /* NULL allowed */

bool plan_wants_anything(const struct plan *plan);
#endif
