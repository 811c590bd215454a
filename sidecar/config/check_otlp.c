/* SPDX-License-Identifier: Apache-2.0 */
/* Where exports go: receivers and signals become channels. */
#include "sidecar/config/private_file.h"
#include "sidecar/config/read.h"

enum { PEM_BYTES = 1024 * 1024, SHOWN_BYTES = 200 };

/* ---- one receiver ---- */

/* Where it stands: the map of `otlp` itself, or one of its list. */
static const struct node *node_of(const struct reading *reading, size_t i)
{
    const struct node *node = tree_find(reading->root, SPAN("otlp"));
    if (node == NULL || node->kind != NODE_LIST)
        return node;
    for (node = node->first; node != NULL && i > 0; i--)
        node = node->next;
    return node;
}

static void refuse(struct reading *reading, const struct node *node, const char *key,
                   const char *hint, const char *message)
{
    const struct node *found = node != NULL ? tree_find_path(node, span_text(key)) : NULL;
    struct place place = found != NULL  ? found->place
                         : node != NULL ? node->place
                                        : reading->root->place;
    fault_add(reading->faults, FAULT_ERROR, place, span_text(hint), "otlp.%s: %s", key, message);
}

static bool has_one_signal(unsigned signals)
{
    return (signals & (signals - 1)) == 0;
}

static void check_file(struct reading *reading, const struct node *node, const char *key,
                       struct span path, bool is_secret)
{
    char why[160];
    struct buf text;
    if (path.at == NULL)
        return;
    buf_init(&text, PEM_BYTES);
    if (!(is_secret ? secret_file_read : private_file_read)(path.at, &text, why, sizeof why)) {
        struct span message = arena_format(reading->arena, "'" SPAN_FORMAT "': %s",
                                           span_arg(span_first(path, SHOWN_BYTES)), why);
        refuse(reading, node, key, "", arena_string(reading->arena, message));
    }
    buf_wipe(&text);
}

static void check_tls(struct reading *reading, const struct node *node,
                      const struct receiver_settings *receiver)
{
    struct span url = receiver->url.at != NULL ? receiver->url : receiver->endpoint;
    bool is_tls = url.at == NULL || span_starts(url, SPAN("https://"));
    const char *key = receiver->ca_file.at != NULL     ? "ca_file"
                      : receiver->cert_file.at != NULL ? "cert_file"
                                                       : "key_file";
    bool any = receiver->ca_file.at != NULL || receiver->cert_file.at != NULL ||
               receiver->key_file.at != NULL;
    if (any && !is_tls)
        refuse(reading, node, key, "endpoint: https://...", "the receiver is not https://");
    bool said = node != NULL && (reading_refused_key(reading, node, "cert_file") ||
                                 reading_refused_key(reading, node, "key_file"));
    if ((receiver->cert_file.at != NULL) != (receiver->key_file.at != NULL) && !said)
        refuse(reading, node, receiver->cert_file.at != NULL ? "cert_file" : "key_file",
               "cert_file: and key_file:", "a certificate and its key go together");
    if (!is_tls)
        return;
    check_file(reading, node, "ca_file", receiver->ca_file, false);
    check_file(reading, node, "cert_file", receiver->cert_file, false);
    check_file(reading, node, "key_file", receiver->key_file, true);
}

static bool is_name(struct span name)
{
    bool is = name.len > 0 && name.len <= 63;
    for (size_t i = 0; i < name.len && is; i++)
        is = byte_is_alpha(name.at[i]) || byte_is_digit(name.at[i]) || name.at[i] == '_' ||
             name.at[i] == '-';
    return is;
}

static void check_names(struct reading *reading, size_t i)
{
    const struct receiver_settings *all = reading->settings->otlp.receivers;
    if (!is_name(all[i].name))
        refuse(reading, node_of(reading, i), "name", "",
               "expected letters, digits, _ and -, at most 63");
    for (size_t k = 0; k < i; k++) {
        if (span_is(all[k].name, all[i].name) && (all[k].signals & all[i].signals) != 0) {
            refuse(reading, node_of(reading, i), "name", "give each receiver its own",
                   "another receiver of the same signals is called so");
            return;
        }
    }
}

/* Where nothing is said of a spool and the state has a folder, it is there. */
static void settle_spool(struct reading *reading, const struct node *node,
                         struct receiver_settings *receiver)
{
    struct span state = reading->settings->process.state_dir;
    bool is_given = node != NULL && tree_find_path(node, SPAN("spool.path")) != NULL;
    if (is_given || state.at == NULL)
        return;
    bool is_plain = span_is(receiver->name, SPAN("otlp"));
    struct span path =
        arena_format(reading->arena, SPAN_FORMAT "/spool%s" SPAN_FORMAT, span_arg(state),
                     is_plain ? "" : "-", span_arg(is_plain ? SPAN("") : receiver->name));
    receiver->spool.path = span_text(arena_string(reading->arena, path));
}

/* The address of one signal where that of all belongs: its path would come twice. */
static void check_endpoint(struct reading *reading, const struct node *node, struct span endpoint)
{
    const struct node *at = node != NULL ? tree_find_path(node, SPAN("endpoint")) : NULL;
    while (span_ends(endpoint, SPAN("/")))
        endpoint.len--;
    for (unsigned signal = 0; signal < OTLP_SIGNALS && at != NULL; signal++) {
        struct span path = span_text(otlp_signal_row((enum otlp_signal)signal)->path);
        if (span_ends(endpoint, path))
            fault_add(reading->faults, FAULT_WARNING, at->place, SPAN("leave that path out"),
                      "otlp.endpoint: " SPAN_FORMAT " goes behind it, and would be there twice",
                      span_arg(path));
    }
}

static void check_receiver(struct reading *reading, size_t i)
{
    struct receiver_settings *receiver = &reading->settings->otlp.receivers[i];
    const struct node *node = node_of(reading, i);
    check_names(reading, i);
    if (receiver->url.at != NULL && receiver->endpoint.at != NULL)
        refuse(reading, node, "url", "endpoint: alone, or url: alone",
               "there is an endpoint already");
    if (receiver->url.at != NULL && !has_one_signal(receiver->signals))
        refuse(reading, node, "url", "signals: [traces]",
               "this is where one signal goes: which one?");
    check_endpoint(reading, node, receiver->endpoint);
    check_tls(reading, node, receiver);
    settle_spool(reading, node, receiver);
}

/* ---- channels ---- */

/* "/v1/traces" goes behind the endpoint, whatever its path. */
static struct span url_of(struct arena *arena, const struct receiver_settings *receiver,
                          enum otlp_signal signal)
{
    const struct otlp_signal_row *row = otlp_signal_row(signal);
    struct span endpoint = receiver->url.at != NULL ? receiver->url : receiver->endpoint;
    bool is_grpc = receiver->protocol == OTLP_GRPC;
    if (receiver->url.at != NULL && !is_grpc)
        return receiver->url;
    while (span_ends(endpoint, SPAN("/")))
        endpoint.len--;
    return arena_format(arena, SPAN_FORMAT "%s", span_arg(endpoint),
                        is_grpc ? row->grpc_path : row->path);
}

/* A folder of its own for each signal. */
static struct spool_place spool_of(struct arena *arena, const struct receiver_settings *receiver,
                                   enum otlp_signal signal)
{
    struct spool_place spool = receiver->spool;
    if (spool.path.at == NULL || signal == OTLP_TRACES)
        return spool;
    struct span path =
        arena_format(arena, SPAN_FORMAT "-%s", span_arg(spool.path), otlp_signal_row(signal)->name);
    spool.path = span_text(arena_string(arena, path));
    return spool;
}

/* Those of the settings, then those of the file. */
static void set_headers(struct reading *reading, const struct receiver_settings *receiver,
                        struct channel_settings *channel)
{
    size_t count = receiver->header_count + receiver->file_headers.count;
    struct pair *headers = arena_alloc(reading->arena, (count + 1) * sizeof *headers);
    if (headers == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        headers[i] = i < receiver->header_count
                         ? receiver->headers[i]
                         : receiver->file_headers.at[i - receiver->header_count];
    channel->headers = headers;
    channel->header_count = count;
}

static void refuse_shared_spool(struct reading *reading, size_t i,
                                const struct channel_settings *channel)
{
    const struct channel_settings *all = reading->settings->otlp.channels;
    for (; all != channel; all++) {
        if (all->spool.path.at != NULL && span_is(all->spool.path, channel->spool.path))
            refuse(reading, node_of(reading, i), "spool.path", "give each receiver its own",
                   "another receiver has this folder");
    }
}

/* Metrics are few: they have none of these settings. What never comes together is not waited for.
 */
static struct otlp_batch batch_of(const struct settings *settings, enum otlp_signal signal)
{
    struct otlp_batch batch = {.units = 0};
    if (signal == OTLP_TRACES)
        batch = settings->traces.batch;
    else if (signal == OTLP_LOGS)
        batch = settings->logs.batch;
    if (batch.queue_units > 0 && batch.units > batch.queue_units)
        batch.units = batch.queue_units;
    return batch;
}

static void check_batch(struct reading *reading, const char *key, const struct otlp_batch *batch)
{
    const struct node *asked = tree_find_path(reading->root, span_text(key));
    if (asked != NULL && batch->queue_units > 0 && batch->units > batch->queue_units)
        fault_add(reading->faults, FAULT_WARNING, asked->place, span_make(NULL, 0),
                  "%s: so many never wait, requests have %u at the most", key, batch->queue_units);
}

static void add_channel(struct reading *reading, size_t i, enum otlp_signal signal)
{
    struct settings *settings = reading->settings;
    const struct receiver_settings *receiver = &settings->otlp.receivers[i];
    if (settings->otlp.channel_count == CHANNELS_MOST) {
        refuse(reading, node_of(reading, i), "name", "", "there are too many receivers");
        return;
    }
    struct channel_settings *channel = &settings->otlp.channels[settings->otlp.channel_count++];
    *channel = (struct channel_settings){
        .name = receiver->name,
        .signal = signal,
        .url = url_of(reading->arena, receiver, signal),
        .protocol = receiver->protocol,
        .timeout_us = receiver->timeout_us,
        .gzip = receiver->gzip,
        .ca_file = receiver->ca_file,
        .cert_file = receiver->cert_file,
        .key_file = receiver->key_file,
        .spool = spool_of(reading->arena, receiver, signal),
        .batch = batch_of(settings, signal),
    };
    set_headers(reading, receiver, channel);
    refuse_shared_spool(reading, i, channel);
}

static bool takes(const struct receiver_settings *receiver, enum otlp_signal signal)
{
    bool has_place = receiver->endpoint.at != NULL || receiver->url.at != NULL;
    return has_place && (receiver->signals >> signal & 1U) != 0;
}

/* Every receiver that takes the signal gets it. */
static void add_channels(struct reading *reading, enum otlp_signal signal)
{
    struct settings *settings = reading->settings;
    for (size_t i = 0; i < settings->otlp.receiver_count && settings->otlp.channels != NULL; i++) {
        if (takes(&settings->otlp.receivers[i], signal))
            add_channel(reading, i, signal);
    }
}

/* ---- all of it ---- */

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
static bool has_receiver(const struct reading *reading, const char *key, enum otlp_signal signal,
                         bool wanted)
{
    const struct settings *settings = reading->settings;
    const struct node *asked = tree_find_path(reading->root, span_text(key));
    bool found = false;
    for (size_t i = 0; i < settings->otlp.receiver_count; i++)
        found |= takes(&settings->otlp.receivers[i], signal);
    if (wanted && !found && asked != NULL && !reading_refused(reading, asked) &&
        !reading_refused_key(reading, reading->root, "otlp"))
        fault_add(reading->faults, FAULT_ERROR, asked->place, SPAN("add otlp.endpoint"),
                  "%s: there is no collector to export to", key);
    return wanted && found;
}

/* An attribute of the resource; at == NULL: it is not given. */
static struct span given(const struct settings *settings, struct span name)
{
    for (size_t i = 0; i < settings->otlp.resource_count; i++) {
        if (span_is(settings->otlp.resource[i].name, name))
            return settings->otlp.resource[i].value;
    }
    return span_make(NULL, 0);
}

void otlp_check(struct reading *reading)
{
    struct settings *settings = reading->settings;
    bool traces = (settings->traces.exporters & TRACE_EXPORTER_OTLP) != 0;
    traces = has_receiver(reading, "traces.exporter", OTLP_TRACES, traces);
    settings->metrics.push =
        has_receiver(reading, "metrics.exporter", OTLP_METRICS, settings->metrics.push);
    unsigned kinds = OTLP_LOG_REQUESTS | OTLP_LOG_EVENTS;
    bool logs = (settings->logs.otlp & kinds) != 0;
    logs = has_receiver(reading, "logs.otlp", OTLP_LOGS, logs);
    settings->logs.otlp = logs ? settings->logs.otlp & kinds : OTLP_LOG_NONE;
    if (settings->traces.service_name.at == NULL)
        settings->traces.service_name = given(settings, SPAN("service.name"));
    if (settings->traces.service_name.at == NULL)
        settings->traces.service_name =
            arena_format(reading->arena, SPAN_FORMAT "-sidecar", span_arg(settings->service.name));
    for (size_t i = 0; i < settings->otlp.receiver_count; i++)
        check_receiver(reading, i);
    settings->otlp.channels =
        arena_alloc(reading->arena, CHANNELS_MOST * sizeof *settings->otlp.channels);
    settings->traces.limits.of_events.length = settings->traces.limits.own.length;
    settle_exporters(settings, traces);
    check_batch(reading, "traces.batch.size", &settings->traces.batch);
    check_batch(reading, "logs.batch.size", &settings->logs.batch);
    if (traces)
        add_channels(reading, OTLP_TRACES);
    if (settings->metrics.push)
        add_channels(reading, OTLP_METRICS);
    if (logs)
        add_channels(reading, OTLP_LOGS);
}
