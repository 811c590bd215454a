/* SPDX-License-Identifier: Apache-2.0 */
/* Plans. */
#include "exporters/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exporters/writer.h"
#include "rules/base/must.h"

enum { QUEUE_RECORDS = 8192 }; /* where the settings say 0 */

static char *text_of(struct span text)
{
    return text.at != NULL ? span_own(text) : NULL;
}

static struct span own(struct span text)
{
    return span_make(text_of(text), text.len);
}

static void let_go(struct span text)
{
    union {
        const char *in;
        char *out;
    } own = {text.at};
    free(own.out);
}

static struct xray_service xray_own(const struct xray_service *from)
{
    return (struct xray_service){.name = own(from->name),
                                 .environment = own(from->environment),
                                 .origin = own(from->origin),
                                 .account = own(from->account),
                                 .region = own(from->region),
                                 .api = own(from->api),
                                 .stage = own(from->stage)};
}

static void xray_let_go(const struct xray_service *xray)
{
    const struct span texts[] = {xray->name,   xray->environment, xray->origin, xray->account,
                                 xray->region, xray->api,         xray->stage};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        let_go(texts[i]);
}

void plan_free(struct plan *plan)
{
    if (plan == NULL)
        return;
    for (size_t i = 0; i < LOGS; i++) {
        if (plan->logs[i].fd >= 0)
            close(plan->logs[i].fd);
        log_settings_free(plan->logs[i].to);
    }
    access_template_free(plan->access_template);
    free(plan->audit_storage);
    xray_let_go(&plan->xray);
    waf_redaction_free(plan->waf_redaction);
    free(plan->waf_source);
    free(plan->execution_stage);
    channel_list_free(plan->channels);
    free(plan);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* NULL: JSON. What is refused here was refused when the settings were read. */
static struct access_template *template_of(struct span format)
{
    struct access_template_fault fault;
    if (format.at == NULL || span_is(format, SPAN("json")))
        return NULL;
    struct access_template *made = access_template_new(format, &fault);
    must(made != NULL);
    return made;
}

static bool checks_out(const struct plan *plan, char *why, size_t size)
{
    if (plan->audit_storage == NULL || access(plan->audit_storage, W_OK | X_OK) == 0)
        return true;
    snprintf(why, size, "%s: the audit log's folder cannot be written to", plan->audit_storage);
    return false;
}

static bool open_logs(struct plan *plan, const struct plan *old, char *why, size_t size)
{
    for (size_t i = 0; i < LOGS; i++) {
        struct log_plan *log = &plan->logs[i];
        const char *path = log->to->path.at;
        if (path == NULL || (old != NULL && same_text(path, old->logs[i].to->path.at)))
            continue;
        log->fd = log_open(path, why, size);
        if (log->fd < 0)
            return false;
    }
    return true;
}

struct plan *plan_new(const struct exporter_settings *settings, const struct plan *old, char *why,
                      size_t size)
{
    struct plan *plan = must_alloc(sizeof *plan);
    for (size_t i = 0; i < LOGS; i++)
        plan->logs[i] = (struct log_plan){log_settings_copy(&settings->logs[i]), -1};
    plan->xray = xray_own(&settings->xray);
    plan->access_template = template_of(settings->access_format);
    plan->audit_format = settings->audit_log.format;
    if (settings->audit_log.type == AUDIT_CONCURRENT)
        plan->audit_storage = text_of(settings->audit_log.storage_dir);
    plan->audit_modes =
        (struct audit_modes){settings->audit_log.folder_mode, settings->audit_log.file_mode};
    plan->waf_redaction = waf_redaction_new(&settings->waf_redaction);
    plan->filters = settings->filters;
    plan->waf_source = text_of(settings->waf_source);
    plan->execution_stage = text_of(settings->execution_stage);
    plan->queue_records = settings->queue_records > 0 ? settings->queue_records : QUEUE_RECORDS;
    plan->channels = channel_list_new(settings);
    plan->otlp_logs = settings->otlp_logs & (OTLP_LOG_REQUESTS | OTLP_LOG_EVENTS);
    plan->limits = settings->limits;
    if (!plan->limits.are_given)
        plan->limits = (struct otlp_limits){.spans = NO_SPAN_LIMITS, .logs = NO_ATTRIBUTE_LIMITS};
    plan->channels->queue_records = plan->queue_records;
    if (checks_out(plan, why, size) && open_logs(plan, old, why, size))
        return plan;
    plan_free(plan);
    return NULL;
}

bool plan_wants_anything(const struct plan *plan)
{
    bool wants = plan->channels->count > 0;
    for (size_t i = 0; i < LOGS; i++)
        wants |= log_settings_want(plan->logs[i].to);
    return wants;
}
