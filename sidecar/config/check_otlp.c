/* SPDX-License-Identifier: Apache-2.0 */
/* Where exports go: receivers and signals become channels. */
#include "sidecar/config/read.h"

static bool is_given(const struct reading *reading, const char *path)
{
    return tree_find_path(reading->root, span_text(path)) != NULL;
}

/* "/v1/traces" goes behind the endpoint, whatever its path. */
static struct span url_of(struct arena *arena, struct span endpoint, enum otlp_signal signal)
{
    while (span_ends(endpoint, SPAN("/")))
        endpoint.len--;
    return arena_format(arena, SPAN_FORMAT "%s", span_arg(endpoint), otlp_signal_row(signal)->path);
}

static void add_channel(struct reading *reading, struct span name, enum otlp_signal signal)
{
    struct settings *settings = reading->settings;
    settings->otlp.channels[settings->otlp.channel_count++] = (struct channel_settings){
        .name = name,
        .signal = signal,
        .url = url_of(reading->arena, settings->otlp.endpoint, signal),
        .timeout_us = settings->otlp.timeout_us,
        .gzip = settings->otlp.gzip,
        .spool = settings->otlp.spool,
    };
}

/* Without an endpoint spans go nowhere, which is what printed settings say. */
static void settle_exporters(struct settings *settings, bool has_otlp)
{
    unsigned *exporters = &settings->traces.exporters;
    if (!has_otlp)
        *exporters &= ~(unsigned)TRACE_EXPORTER_OTLP;
    if (*exporters == 0)
        *exporters = TRACE_EXPORTER_NONE;
    settings->traces.on = (*exporters & (TRACE_EXPORTER_OTLP | TRACE_EXPORTER_XRAY)) != 0;
}

void otlp_check(struct reading *reading)
{
    struct settings *settings = reading->settings;
    bool has_endpoint = settings->otlp.endpoint.at != NULL;
    const struct node *exporter = tree_find_path(reading->root, SPAN("traces.exporter"));
    bool is_wanted = (settings->traces.exporters & TRACE_EXPORTER_OTLP) != 0;
    if (is_wanted && !has_endpoint && exporter != NULL)
        fault_add(reading->faults, FAULT_ERROR, exporter->place, SPAN("add otlp.endpoint"),
                  "traces.exporter: there is no collector to export to");
    struct span state = settings->process.state_dir;
    if (state.at != NULL && !is_given(reading, "otlp.spool.path")) {
        struct span path = arena_format(reading->arena, SPAN_FORMAT "/spool", span_arg(state));
        settings->otlp.spool.path = span_text(arena_string(reading->arena, path));
    }
    if (settings->traces.service_name.at == NULL)
        settings->traces.service_name =
            arena_format(reading->arena, SPAN_FORMAT "-sidecar", span_arg(settings->service.name));
    settings->otlp.channels =
        arena_alloc(reading->arena, CHANNELS_MOST * sizeof *settings->otlp.channels);
    is_wanted = is_wanted && has_endpoint && settings->otlp.channels != NULL;
    settle_exporters(settings, is_wanted);
    if (is_wanted)
        add_channel(reading, SPAN("otlp"), OTLP_TRACES);
}
