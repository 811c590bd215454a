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

/* A folder of its own for each signal. */
static struct otlp_spool_settings spool_of(struct reading *reading, enum otlp_signal signal)
{
    struct otlp_spool_settings spool = reading->settings->otlp.spool;
    if (spool.path.at == NULL || signal == OTLP_TRACES)
        return spool;
    struct span path = arena_format(reading->arena, SPAN_FORMAT "-%s", span_arg(spool.path),
                                    otlp_signal_row(signal)->name);
    spool.path = span_text(arena_string(reading->arena, path));
    return spool;
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
        .spool = spool_of(reading, signal),
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

/* What is asked for by `key` and has nowhere to go is said. */
static bool has_receiver(const struct reading *reading, const char *key, bool wanted)
{
    const struct node *asked = tree_find_path(reading->root, span_text(key));
    bool has_endpoint = reading->settings->otlp.endpoint.at != NULL;
    if (wanted && !has_endpoint && asked != NULL)
        fault_add(reading->faults, FAULT_ERROR, asked->place, SPAN("add otlp.endpoint"),
                  "%s: there is no collector to export to", key);
    return wanted && has_endpoint;
}

void otlp_check(struct reading *reading)
{
    struct settings *settings = reading->settings;
    bool is_wanted = (settings->traces.exporters & TRACE_EXPORTER_OTLP) != 0;
    is_wanted = has_receiver(reading, "traces.exporter", is_wanted);
    settings->metrics.push = has_receiver(reading, "metrics.exporter", settings->metrics.push);
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
    is_wanted = is_wanted && settings->otlp.channels != NULL;
    settle_exporters(settings, is_wanted);
    if (is_wanted)
        add_channel(reading, SPAN("otlp"), OTLP_TRACES);
    if (settings->metrics.push && settings->otlp.channels != NULL)
        add_channel(reading, SPAN("otlp"), OTLP_METRICS);
}
