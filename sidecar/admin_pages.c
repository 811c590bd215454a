/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of both ports: one row each. */
#include <stdlib.h>
#include <unistd.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/admin_inside.h"
#include "sidecar/figures.h"
#include "sidecar/http/date.h"

enum { HEARTBEAT_MOST_US = 5000000, FIRST_LISTS_US = 30000000 };

static bool say(struct service_call *call, unsigned status, struct span text)
{
    call->status = status;
    call->type = SPAN("text/plain; charset=utf-8");
    buf_add(&call->body, text);
    return true;
}

/* ---- probes ---- */

static bool workers_turn(const struct process *process)
{
    uint64_t now_us = loop_now_us(process->loop);
    for (unsigned w = 0; w < process->workers.count; w++) {
        uint64_t beat_us = worker_heartbeat_us(process->workers.at[w]);
        if (beat_us + HEARTBEAT_MOST_US < now_us)
            return false;
    }
    return true;
}

static bool page_livez(struct process *process, struct service_call *call)
{
    bool alive = workers_turn(process);
    return say(call, alive ? 200 : 503,
               alive ? SPAN("ok\n") : SPAN("a worker does not turn any more\n"));
}

static bool page_startupz(struct process *process, struct service_call *call)
{
    bool started = process->state != PROCESS_STARTING;
    return say(call, started ? 200 : 503, started ? SPAN("ok\n") : SPAN("starting\n"));
}

/* Only at the start, and not for ever. */
static bool lists_came(struct process *process)
{
    bool late = loop_now_us(process->loop) > process->began_us + FIRST_LISTS_US;
    if (process->waits_for_lists && (late || list_fetcher_has_tried(process->fetcher)))
        process->waits_for_lists = false;
    return process->fetcher != NULL && !process->waits_for_lists;
}

static bool page_readyz(struct process *process, struct service_call *call)
{
    bool serving = process->state == PROCESS_SERVING, turning = workers_turn(process);
    bool listed = lists_came(process), ready = serving && turning && listed;
    if (span_find(call->query, SPAN("verbose")) == SPAN_NONE)
        return say(call, ready ? 200 : 503, ready ? SPAN("ok\n") : SPAN("not ready\n"));
    call->status = ready ? 200 : 503;
    call->type = SPAN("text/plain; charset=utf-8");
    buf_format(&call->body, "[%c] serving (neither starting nor draining)\n", serving ? '+' : '-');
    buf_format(&call->body, "[%c] every worker turns\n", turning ? '+' : '-');
    buf_format(&call->body, "[%c] lists from servers were asked for\n", listed ? '+' : '-');
    buf_format(&call->body, "%s\n", ready ? "ready" : "not ready");
    return true;
}

/* ---- metrics ---- */

static bool page_metrics(struct process *process, struct service_call *call)
{
    if (!process->snapshot->settings->metrics.prometheus) {
        admin_problem(call, 404, SPAN("metrics.prometheus is off"));
        return true;
    }
    const struct fields *asked = &call->client->head->fields;
    enum page_form form = page_form_of(fields_get(asked, SPAN("accept")));
    struct figures figures;
    call->status = 200;
    call->type = page_form_type(form);
    figures_begin(&figures, process);
    metrics_print(process->workers.metrics, process->workers.exporter, &figures.facts, form,
                  &call->body);
    figures_end(&figures);
    return true;
}

/* ---- status ---- */

static void add_listeners(struct buf *to, const struct settings *settings)
{
    buf_add(to, SPAN(",\"listeners\":["));
    for (size_t i = 0; i < settings->listener_count; i++) {
        buf_add(to, i > 0 ? SPAN(",{\"name\":") : SPAN("{\"name\":"));
        json_add_string(to, settings->listeners[i].name);
        buf_add(to, SPAN(",\"address\":"));
        json_add_string(to, settings->listeners[i].address_text);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, ']');
}

static void add_exports(struct buf *to, const struct exporter *exporter)
{
    buf_add(to, SPAN(",\"exports\":["));
    bool any = false;
    for (unsigned i = 0; exporter != NULL && i < exporter_accounts(exporter); i++) {
        struct destination_figures figures;
        struct spool_state spool;
        exporter_account(exporter, i, &figures, &spool);
        if (!figures.on)
            continue;
        uint64_t dropped = 0;
        for (unsigned r = 0; r < DROP_REASONS; r++)
            dropped += figures.dropped[r];
        buf_format(to,
                   "%s{\"destination\":\"%s\",\"signal\":\"%s\",\"produced\":%llu,\"sent\":%llu,"
                   "\"dropped\":%llu,\"waiting\":%llu}",
                   any ? "," : "", figures.name, figures.signal,
                   (unsigned long long)figures.produced, (unsigned long long)figures.sent,
                   (unsigned long long)dropped, (unsigned long long)figures.waiting);
        any = true;
    }
    buf_add_byte(to, ']');
}

static void add_reload(struct buf *to, const struct process *process)
{
    char time[TIMESTAMP_LENGTH];
    timestamp_write(time, process->facts.last_reload_wall_us);
    buf_format(to,
               ",\"configuration\":{\"snapshot\":%llu,\"last_reload_successful\":%s,\"last_"
               "reload\":\"%.*s\"",
               (unsigned long long)process->facts.snapshot_number,
               process->facts.last_reload_successful ? "true" : "false", TIMESTAMP_LENGTH, time);
    buf_add(to, SPAN(",\"faults\":"));
    const char *faults =
        process->reload.refused != NULL ? process->reload.refused : process->reload.files_refused;
    if (faults != NULL)
        json_add_string(to, span_text(faults));
    else
        buf_add(to, SPAN("null"));
    buf_add_byte(to, '}');
}

static const char *state_name(enum process_state state)
{
    switch (state) {
    case PROCESS_STARTING: return "starting";
    case PROCESS_SERVING: return "serving";
    case PROCESS_LEAVING:
    case PROCESS_CLOSING: return "draining";
    case PROCESS_OVER: break;
    }
    return "over";
}

static const char *rules_name(const struct snapshot *snapshot)
{
    static const char *const names[] = {"off", "detection_only", "on"};
    return snapshot->ruleset == NULL ? "none" : names[snapshot->inspection.engine];
}

static bool page_status(struct process *process, struct service_call *call)
{
    struct buf *to = &call->body;
    call->status = 200;
    call->type = SPAN("application/json");
    buf_format(to,
               "{\"version\":\"%s\",\"pid\":%d,\"state\":\"%s\",\"uptime_s\":%llu,\"threads\":%u",
               process->facts.version, (int)getpid(), state_name(process->state),
               (unsigned long long)((loop_now_us(process->loop) - process->began_us) / 1000000),
               process->workers.count);
    buf_format(
        to,
        ",\"connections\":%u,\"requests_in_flight\":%u,\"child_restarts\":%llu,\"rules\":\"%s\"",
        atomic_load(&process->workers.connections), atomic_load(&process->workers.in_flight),
        (unsigned long long)process->facts.child_restarts, rules_name(process->snapshot));
    add_listeners(to, process->snapshot->settings);
    add_reload(to, process);
    add_exports(to, process->workers.exporter);
    buf_add(to, SPAN("}\n"));
    return true;
}

/* ---- orders ---- */

static bool page_reload(struct process *process, struct service_call *call)
{
    struct change_who who = admin_who(process, call);
    admin_wait_for_reload(process->admin, call);
    reload_begin(process);
    process_change_asked(process, &who);
    return false;
}

static bool page_drain(struct process *process, struct service_call *call)
{
    call->status = 202;
    call->type = SPAN("application/json");
    buf_add(&call->body, SPAN("{\"state\":\"draining\"}\n"));
    admin_change(process, call, &(struct change){.event = "Drain", .what = SPAN("process")});
    drain_begin(process, false);
    return true;
}

const struct admin_page admin_pages[] = {
    {PORT_BOTH, SPAN_INIT("GET"), SPAN_INIT("/livez"), true, page_livez, false},
    {PORT_BOTH, SPAN_INIT("GET"), SPAN_INIT("/readyz"), true, page_readyz, false},
    {PORT_BOTH, SPAN_INIT("GET"), SPAN_INIT("/startupz"), true, page_startupz, false},
    {PORT_STATUS, SPAN_INIT("GET"), SPAN_INIT("/metrics"), true, page_metrics, false},
    {PORT_ADMIN, SPAN_INIT("GET"), SPAN_INIT("/metrics"), false, page_metrics, false},
    {PORT_ADMIN, SPAN_INIT("GET"), SPAN_INIT("/api/v1/status"), false, page_status, false},
    {PORT_ADMIN, SPAN_INIT("GET"), SPAN_INIT("/api/v1/metrics"), false, admin_page_metric_data,
     false},
    {PORT_ADMIN, SPAN_INIT("POST"), SPAN_INIT("/api/v1/metrics"), false, admin_page_metric_data,
     false},
    {PORT_ADMIN, SPAN_INIT("GET"), SPAN_INIT("/api/v1/sampled_requests"), false, admin_page_samples,
     false},
    {PORT_ADMIN, SPAN_INIT("GET"), SPAN_INIT("/api/v1/alarms"), false, admin_page_alarms, false},
    {PORT_ADMIN, SPAN_INIT("GET"), SPAN_INIT("/api/v1/alarms/*"), false, admin_page_alarm, false},
    {PORT_ADMIN, SPAN_INIT("POST"), SPAN_INIT("/api/v1/alarms/*"), false, admin_page_alarm_post,
     true},
    {PORT_ADMIN, SPAN_INIT("POST"), SPAN_INIT("/api/v1/reload"), false, page_reload, false},
    {PORT_ADMIN, SPAN_INIT("POST"), SPAN_INIT("/api/v1/drain"), false, page_drain, true},
    {PORT_ADMIN, SPAN_INIT("GET"), SPAN_INIT("/api/v1/drops"), false, admin_page_drops, false},
    {PORT_ADMIN, SPAN_INIT("GET"), SPAN_INIT("/api/v1/usage"), false, admin_page_usage, false},
    {PORT_ADMIN, SPAN_INIT("PATCH"), SPAN_INIT("/api/v1/usage"), false, admin_page_usage_patch,
     true},
    {PORT_ADMIN, SPAN_INIT("GET"), SPAN_INIT("/api/v1/ip_sets"), false, admin_page_ip_sets, false},
    {PORT_ADMIN, SPAN_INIT("GET"), SPAN_INIT("/api/v1/ip_sets/*"), false, admin_page_ip_set, false},
    {PORT_ADMIN, SPAN_INIT("PUT"), SPAN_INIT("/api/v1/ip_sets/*"), false, admin_page_ip_set_put,
     true},
    {PORT_ADMIN, SPAN_INIT("POST"), SPAN_INIT("/api/v1/ip_sets/*"), false, admin_page_ip_set_put,
     true},
    {PORT_ADMIN, SPAN_INIT("DELETE"), SPAN_INIT("/api/v1/ip_sets/*"), false,
     admin_page_ip_set_delete, true},
};
const size_t admin_page_count = sizeof(admin_pages) / sizeof(admin_pages[0]);
