/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/drops: of every destination what was made for it and what became of that, and what
 * lies on disk. produced = sent + all that was dropped + waiting. */
#include <limits.h>

#include "exporters/destinations.h"
#include "rules/base/encode.h"
#include "sidecar/admin_inside.h"

static void add_number(struct buf *to, const char *name, uint64_t number)
{
    buf_format(to, ",\"%s\":%llu", name, (unsigned long long)number);
}

/* Where the spool of a log's receiver lies, by the settings of now. */
static struct span path_of_log(const struct settings *settings,
                               const struct destination_figures *of, char *path, size_t size)
{
    struct exporter_settings all = process_exporter_settings(settings);
    for (unsigned i = 0; i < LOGS * SINKS; i++) {
        enum log_sink sink = (enum log_sink)(i % SINKS);
        const struct log_destination *log = log_destination((enum destination)(i / SINKS));
        if (span_is(span_text(log->names[sink]), span_text(of->name)) &&
            log_settings_spool(&all.logs[i / SINKS], sink, path, size))
            return span_text(path);
    }
    return (struct span){NULL, 0};
}

/* Where a channel's spool lies. */
static struct span path_of(const struct settings *settings, const struct destination_figures *of)
{
    for (size_t i = 0; i < settings->otlp.channel_count; i++) {
        const struct channel_settings *channel = &settings->otlp.channels[i];
        if (span_is(channel->name, span_text(of->name)) &&
            span_is(span_text(otlp_signal_row(channel->signal)->name), span_text(of->signal)))
            return channel->spool.path;
    }
    return (struct span){NULL, 0};
}

static void add_spool(struct buf *to, struct span path, const struct spool_state *spool)
{
    if (!spool->is_on) {
        buf_add(to, SPAN("null"));
        return;
    }
    buf_add(to, SPAN("{\"path\":"));
    json_add_string(to, path);
    buf_format(to, ",\"open\":%s", spool->is_open ? "true" : "false");
    add_number(to, "waiting", spool->waiting);
    add_number(to, "backlog", spool->backlog);
    add_number(to, "records", spool->records);
    add_number(to, "bytes", spool->bytes);
    add_number(to, "segments", spool->segments);
    buf_add_byte(to, '}');
}

static void add_destination(struct buf *to, const struct settings *settings,
                            const struct destination_figures *figures,
                            const struct spool_state *spool)
{
    buf_format(to, "{\"destination\":\"%s\",\"signal\":\"%s\",\"on\":%s", figures->name,
               figures->signal, figures->on ? "true" : "false");
    add_number(to, "produced", figures->produced);
    add_number(to, "sent", figures->sent);
    add_number(to, "waiting", figures->waiting);
    add_number(to, "resent", figures->resent);
    buf_add(to, SPAN(",\"dropped\":{"));
    for (unsigned r = 0; r < DROP_REASONS; r++)
        buf_format(to, "%s\"%s\":%llu", r > 0 ? "," : "", drop_reason_name((enum drop_reason)r),
                   (unsigned long long)figures->dropped[r]);
    buf_add(to, SPAN("},\"spool\":"));
    char text[PATH_MAX];
    struct span path = path_of(settings, figures);
    if (path.at == NULL)
        path = path_of_log(settings, figures, text, sizeof text);
    add_spool(to, path, spool);
    buf_add_byte(to, '}');
}

bool admin_page_drops(struct process *process, struct service_call *call)
{
    struct buf *to = &call->body;
    const struct exporter *exporter = process->workers.exporter;
    call->status = 200;
    call->type = SPAN("application/json");
    buf_add(to, SPAN("{\"destinations\":["));
    for (unsigned i = 0; exporter != NULL && i < exporter_accounts(exporter); i++) {
        struct destination_figures figures;
        struct spool_state spool;
        exporter_account(exporter, i, &figures, &spool);
        if (i > 0)
            buf_add_byte(to, ',');
        add_destination(to, process->snapshot->settings, &figures, &spool);
    }
    buf_add(to, SPAN("]}\n"));
    return true;
}
