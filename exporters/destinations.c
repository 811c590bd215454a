/* SPDX-License-Identifier: Apache-2.0 */
/* The rows' functions. */
#include "exporters/destinations.h"

#include "exporters/access_log.h"
#include "exporters/audit_log.h"
#include "exporters/cloudwatch/metric_filters.h"
#include "exporters/execution_log.h"
#include "exporters/log_records.h"
#include "exporters/plan.h"
#include "exporters/record.h"
#include "exporters/rule_log.h"
#include "exporters/stage_spans.h"
#include "exporters/xray.h"
#include "rules/base/must.h"

enum { SECOND_US = 1000000 };

static unsigned access_log_units(const struct report *report)
{
    (void)report;
    return 1;
}

static void access_log_items(struct items *items, const struct report *report)
{
    if (items->plan->access_template != NULL)
        access_template_add(items->plan->access_template, &items->line, report, &items->scratch);
    else
        access_log_add(&items->line, report);
    if (items->plan->filters != NULL)
        metric_filters_line(items->plan->filters,
                            (int64_t)((report->began_wall_us + report->duration_us) / SECOND_US),
                            buf_span(&items->line));
    items_put(items, &items->line, 1);
}

static unsigned rule_log_units(const struct report *report)
{
    unsigned lines = 0;
    for (size_t i = 0; i < report->waf.match_count && i < RECORD_MATCHES; i++)
        lines += report->waf.matches[i].audit_only ? 0 : 1;
    return lines;
}

static void rule_log_items(struct items *items, const struct report *report)
{
    for (size_t i = 0; i < report->waf.match_count; i++) {
        if (report->waf.matches[i].audit_only)
            continue;
        rule_log_add(&items->line, report, i);
        items_put(items, &items->line, 1);
    }
}

static unsigned audit_log_units(const struct report *report)
{
    return report->audit.wanted ? 1 : 0;
}

static void audit_log_items(struct items *items, const struct report *report)
{
    const struct plan *plan = items->plan;
    if (plan->audit_storage == NULL) {
        audit_add(&items->record, report, plan->audit_format, &items->scratch);
    } else {
        audit_add(&items->larger, report, plan->audit_format, &items->scratch);
        audit_item_add(&items->record, report,
                       &(struct audit_place){plan->audit_storage, plan->audit_modes},
                       &items->larger);
        items_put_both(items, &items->record, &items->larger, 1);
        buf_clear(&items->larger);
        return;
    }
    items_put(items, &items->record, 1);
}

static unsigned xray_units(const struct report *report)
{
    return report->sampled ? 1 : 0;
}

static void xray_file_items(struct items *items, const struct report *report)
{
    xray_add(&items->line, report, &items->plan->xray, XRAY_DOCUMENT_BYTES);
    items_put(items, &items->line, 1);
}

static void xray_daemon_items(struct items *items, const struct report *report)
{
    buf_add(&items->line, SPAN(XRAY_HEADER));
    xray_file_items(items, report);
}

static void execution_log_items(struct items *items, const struct report *report)
{
    const struct execution_place place = {span_text(items->plan->waf_source),
                                          span_text(items->plan->execution_stage)};
    for (size_t row = 0; execution_log_next(&items->line, &row, report, &place, &items->scratch);)
        items_put(items, &items->line, 1);
}

static unsigned waf_log_units(const struct report *report)
{
    return report->waf_log.wanted ? 1 : 0;
}

static void waf_log_items(struct items *items, const struct report *report)
{
    waf_log_add(&items->record, report, items->plan->waf_redaction,
                span_text(items->plan->waf_source), &items->scratch);
    items_put(items, &items->record, 1);
}

/* What goes there is no report: exporter_line(). */
static unsigned no_units(const struct report *report)
{
    (void)report;
    return 0;
}

static void no_items(struct items *items, const struct report *report)
{
    (void)items;
    (void)report;
}

static const struct log_destination logs[LOGS] = {
#define LOG(id, name, ...) \
    [DESTINATION_##        \
        id] = {{name, name ".syslog", name ".cloudwatch_logs", name ".firehose"}, __VA_ARGS__},
#include "exporters/destinations.tbl"
#undef LOG
};

const struct log_destination *log_destination(enum destination destination)
{
    must((unsigned)destination < LOGS);
    return &logs[destination];
}

const char *log_signal(enum destination destination)
{
    bool is_traces = destination == DESTINATION_XRAY_FILE || destination == DESTINATION_XRAY_DAEMON;
    return is_traces ? "traces" : destination == DESTINATION_EMF ? "metrics" : "logs";
}

static unsigned spans_of(const struct report *report)
{
    if (!report->sampled)
        return 0;
    unsigned stages = (unsigned)__builtin_popcountll(stages_told(report));
    return 1 + stages + report->authorizer.is_called + (unsigned)report->attempt_count;
}

unsigned report_units(const struct report *report, enum destination destination)
{
    if (report_goes_on(report))
        return destination == DESTINATION_XRAY_FILE || destination == DESTINATION_XRAY_DAEMON;
    if ((unsigned)destination < LOGS)
        return logs[destination].units(report);
    if (destination == DESTINATION_OTLP_EVENTS)
        return log_events_count(report);
    return destination == DESTINATION_OTLP_REQUESTS ? 1 : spans_of(report);
}
