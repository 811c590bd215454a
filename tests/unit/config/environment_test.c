/* SPDX-License-Identifier: Apache-2.0 */
/* OTEL_* and AWS_XRAY_*: what the environment says of keys that are not set. */
#include "sidecar/http/propagation.h"
#include "tests/check.h"
#include "tests/unit/config/folder.h"
#include "tests/unit/config/suites.h"

TEST(of_a_list_in_a_variable_only_the_word_that_is_unknown_is_ignored)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_PROPAGATORS=b3,foo, xray";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check_number(settings->traces.propagators,
                 PROPAGATOR_SET(PROPAGATOR_XRAY) | PROPAGATOR_SET(PROPAGATOR_B3));
    check_span(span_text(folder_faults(&folder)),
               "OTEL_PROPAGATORS: warning: 'foo' is ignored: expected tracecontext, baggage, b3, "
               "b3multi, xray or none\n");
    settings_free(settings);
    folder.variables[0] = "OTEL_PROPAGATORS=foo,bar";
    settings = folder_read(&folder, NEEDED, NULL);
    check_number(settings->traces.propagators,
                 PROPAGATOR_SET(PROPAGATOR_TRACECONTEXT) | PROPAGATOR_SET(PROPAGATOR_BAGGAGE));
    settings_free(settings);
    folder_close(&folder);
}

TEST(opentelemetrys_variables_stand_for_keys_that_are_not_set)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_SERVICE_NAME=from-environment";
    folder.variables[1] = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318";
    folder.variables[2] = "OTEL_TRACES_SAMPLER=always_on";
    folder.variables[3] = "OTEL_TRACES_SAMPLER_ARG=0.25";
    folder.variables[4] = "OTEL_PROPAGATORS=xray, b3";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check_span(settings->traces.service_name, "from-environment");
    check_span(settings->otlp.receivers[0].endpoint, "http://collector:4318");
    check_number(settings->traces.sampler, SAMPLER_ALWAYS_ON);
    check_number(settings->traces.ratio, 250000000);
    check_number(settings->traces.propagators,
                 PROPAGATOR_SET(PROPAGATOR_XRAY) | PROPAGATOR_SET(PROPAGATOR_B3));
    check(settings->traces.on);
    settings_free(settings);
    settings = folder_read(&folder,
                           NEEDED "traces: { service_name: own, sampler: always_off }\n"
                                  "otlp: { endpoint: 'http://own:1' }\n",
                           NULL);
    check_span(settings->traces.service_name, "own");
    check_span(settings->otlp.receivers[0].endpoint, "http://own:1");
    check_number(settings->traces.sampler, SAMPLER_ALWAYS_OFF);
    settings_free(settings);
    folder_close(&folder);
}

TEST(variables_of_the_exporter_say_how_a_receiver_is_spoken_to)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317";
    folder.variables[1] = "OTEL_EXPORTER_OTLP_PROTOCOL=grpc";
    folder.variables[2] = "OTEL_EXPORTER_OTLP_INSECURE=TRUE";
    folder.variables[3] = "OTEL_EXPORTER_OTLP_HEADERS=x-key=a%20b%3D, x-other = c=d";
    folder.variables[4] = "OTEL_EXPORTER_OTLP_TIMEOUT=2500";
    folder.variables[5] = "OTEL_EXPORTER_OTLP_COMPRESSION=gzip";
    folder.variables[6] = "OTEL_METRICS_EXPORTER=otlp";
    folder.variables[7] = "OTEL_METRIC_EXPORT_INTERVAL=5000";
    folder.variables[8] = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=Delta";
    folder.variables[9] =
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=base2_exponential_bucket_"
        "histogram";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_number(settings->otlp.channel_count, 2);
    const struct receiver_settings *receiver = &settings->otlp.receivers[0];
    check_span(receiver->endpoint, "http://collector:4317");
    check_number(receiver->protocol, OTLP_GRPC);
    check_number(receiver->timeout_us, 2500000);
    check(receiver->gzip);
    check_number(receiver->header_count, 2);
    check_span(receiver->headers[0].name, "x-key");
    check_span(receiver->headers[0].value, "a b=");
    check_span(receiver->headers[1].name, "x-other");
    check_span(receiver->headers[1].value, "c=d");
    check(settings->metrics.push && settings->metrics.is_delta && settings->metrics.is_exponential);
    check_number(settings->metrics.interval_us, 5000000);
    settings_free(settings);
    settings =
        folder_read(&folder, NEEDED "otlp: { endpoint: 'http://own:1', timeout: 1s }\n", NULL);
    check_span(settings->otlp.receivers[0].endpoint, "http://own:1");
    check_number(settings->otlp.receivers[0].timeout_us, 1000000);
    check(settings->otlp.receivers[0].gzip);
    settings_free(settings);
    settings = folder_read(&folder, NEEDED "otlp: [{ endpoint: 'http://own:1' }]\n", NULL);
    check(!settings->otlp.receivers[0].gzip);
    settings_free(settings);
    folder_close(&folder);
}

TEST(a_variable_turns_the_log_records_on_and_off)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318";
    folder.variables[1] = "OTEL_LOGS_EXPORTER=otlp";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_number(settings->logs.otlp, OTLP_LOG_REQUESTS | OTLP_LOG_EVENTS);
    settings_free(settings);
    settings = folder_read(&folder, NEEDED "logs: { otlp: events }\n", NULL);
    check_number(settings->logs.otlp, OTLP_LOG_EVENTS);
    settings_free(settings);
    folder.variables[1] = "OTEL_LOGS_EXPORTER=none";
    settings = folder_read(&folder, NEEDED, NULL);
    check_number(settings->logs.otlp, OTLP_LOG_NONE);
    settings_free(settings);
    folder_close(&folder);
}

TEST(variables_of_one_signal_hold_for_it_alone_and_its_endpoint_is_the_whole_address)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_EXPORTER_OTLP_ENDPOINT=http://all:4318/base";
    folder.variables[1] = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://one:9/as/it/is";
    folder.variables[2] = "OTEL_EXPORTER_OTLP_METRICS_HEADERS=x-key=m";
    folder.variables[3] = "OTEL_EXPORTER_OTLP_HEADERS=x-key=all";
    folder.variables[4] = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=1000";
    folder.variables[5] = "OTEL_METRICS_EXPORTER=otlp";
    struct settings *settings = folder_read(&folder, NEEDED "process: { state_dir: /s }\n", NULL);
    check(settings != NULL);
    check_number(settings->otlp.channel_count, 2);
    const struct channel_settings *traces = &settings->otlp.channels[0], *metrics = traces + 1;
    check_span(traces->url, "http://all:4318/base/v1/traces");
    check_number(traces->timeout_us, 1000000);
    check_span(traces->headers[0].value, "all");
    check_span(traces->spool.path, "/s/spool");
    check_span(metrics->url, "http://one:9/as/it/is");
    check_number(metrics->timeout_us, 10000000);
    check_span(metrics->headers[0].value, "m");
    check_span(metrics->spool.path, "/s/spool-metrics");
    check_span(metrics->name, "otlp");
    settings_free(settings);
    folder.variables[0] = "OTEL_EXPORTER_OTLP_ENDPOINT=";
    settings = folder_read(&folder, NEEDED, NULL); /* metrics alone have somewhere to go */
    check_number(settings->otlp.channel_count, 1);
    check_number(settings->otlp.channels[0].signal, OTLP_METRICS);
    settings_free(settings);
    folder_close(&folder);
}

TEST(an_exporter_of_the_environment_without_an_endpoint_goes_where_collectors_listen)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_TRACES_EXPORTER=otlp";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check(settings != NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_number(settings->otlp.channel_count, 1);
    check_span(settings->otlp.channels[0].url, "http://localhost:4318/v1/traces");
    check(settings->traces.on);
    settings_free(settings);
    folder.variables[1] = "OTEL_METRICS_EXPORTER=otlp";
    folder.variables[2] = "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=grpc";
    folder.variables[3] = "OTEL_LOGS_EXPORTER=otlp";
    folder.variables[4] = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://own:9/logs";
    settings = folder_read(&folder, NEEDED, NULL);
    check(settings != NULL);
    const struct channel_settings *channels = settings->otlp.channels;
    check_number(settings->otlp.channel_count, 3);
    check_span(channels[0].url, "http://localhost:4318/v1/traces");
    check(span_starts(channels[1].url, SPAN("http://localhost:4317/")));
    check_number(channels[1].protocol, OTLP_GRPC);
    check_span(channels[2].url, "http://own:9/logs");
    settings_free(settings);
    settings = folder_read(&folder, NEEDED "otlp: { protocol: grpc }\n", NULL);
    check(settings != NULL);
    check(span_starts(settings->otlp.channels[0].url, SPAN("http://localhost:4317/")));
    settings_free(settings);
    settings = folder_read(&folder, NEEDED "otlp: { endpoint: 'http://all:1' }\n", NULL);
    check(settings != NULL);
    check_span(settings->otlp.channels[0].url, "http://all:1/v1/traces");
    settings_free(settings);
    folder.variables[0] = "OTEL_TRACES_EXPORTER=none"; /* and others have nothing to do with it */
    settings = folder_read(&folder, NEEDED, NULL);
    check(settings != NULL);
    check_number(settings->otlp.channel_count, 2);
    check_number(settings->otlp.channels[0].signal, OTLP_METRICS);
    settings_free(settings);
    folder_close(&folder);
}

TEST(variables_of_the_exporter_that_are_wrong_are_ignored_and_no_secret_is_quoted)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_EXPORTER_OTLP_ENDPOINT=http://all:4318";
    folder.variables[1] = "OTEL_EXPORTER_OTLP_PROTOCOL=http/json";
    folder.variables[2] = "OTEL_EXPORTER_OTLP_TIMEOUT=soon";
    folder.variables[3] = "OTEL_EXPORTER_OTLP_HEADERS=s3cret";
    folder.variables[4] = "OTEL_TRACES_EXPORTER=console";
    folder.variables[5] = "OTEL_LOG_LEVEL=DEBUG";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check_span(span_text(folder_faults(&folder)),
               "OTEL_TRACES_EXPORTER: warning: 'console' is ignored: expected otlp, xray or none\n"
               "OTEL_EXPORTER_OTLP_PROTOCOL: warning: 'http/json' is ignored: expected "
               "http/protobuf or grpc\n"
               "OTEL_EXPORTER_OTLP_HEADERS: warning: what is not NAME=VALUE, NAME=VALUE is "
               "ignored\n"
               "OTEL_EXPORTER_OTLP_TIMEOUT: warning: 'soon' is ignored: expected milliseconds\n");
    check_number(settings->otlp.receivers[0].timeout_us, 10000000);
    check_number(settings->process.log_level, LOG_DEBUG);
    settings_free(settings);
    folder_close(&folder);
}

TEST(attributes_of_the_environment_name_the_service_where_nobody_else_does)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_RESOURCE_ATTRIBUTES=service.name=orders%2c,team=shop";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check_span(settings->traces.service_name, "orders,");
    check_number(settings->otlp.resource_count, 2);
    check_span(settings->otlp.resource[1].value, "shop");
    settings_free(settings);
    folder.variables[1] = "OTEL_SERVICE_NAME=wins";
    settings = folder_read(&folder, NEEDED, NULL);
    check_span(settings->traces.service_name, "wins");
    settings_free(settings);
    settings = folder_read(&folder, NEEDED "resource: { attributes: { team: own } }\n", NULL);
    check_number(settings->otlp.resource_count, 1);
    check_span(settings->otlp.resource[0].value, "own");
    settings_free(settings);
    folder_close(&folder);
}

TEST(variables_of_the_batch_processors_say_when_spans_and_log_records_leave)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_EXPORTER_OTLP_ENDPOINT=http://all:4318";
    folder.variables[1] = "OTEL_BSP_SCHEDULE_DELAY=250";
    folder.variables[2] = "OTEL_BSP_MAX_QUEUE_SIZE=2048";
    folder.variables[3] = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=64";
    folder.variables[4] = "OTEL_BLRP_SCHEDULE_DELAY=5000";
    folder.variables[5] = "OTEL_BLRP_MAX_QUEUE_SIZE=100";
    folder.variables[6] = "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE=400";
    folder.variables[7] = "OTEL_LOGS_EXPORTER=otlp";
    struct settings *settings =
        folder_read(&folder, NEEDED "traces: { batch: { size: 32 } }\n", NULL);
    check(settings != NULL);
    const struct channel_settings *traces = &settings->otlp.channels[0], *logs = traces + 1;
    check_number(traces->batch.delay_us, 250000);
    check_number(traces->batch.queue_units, 2048);
    check_number(traces->batch.units, 32); /* the file's */
    check_number(logs->batch.delay_us, 5000000);
    check_number(logs->batch.queue_units, 100);
    check_number(logs->batch.units, 100); /* more never wait */
    check_span(span_text(folder_faults(&folder)),
               "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: warning: logs.batch.size: so many never wait, "
               "requests have 100 at the most\n");
    settings_free(settings);
    folder_close(&folder);
}

TEST(variables_with_broken_numbers_are_ignored_with_a_warning)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_EXPORTER_OTLP_ENDPOINT=http://all:4318";
    folder.variables[1] = "OTEL_BSP_SCHEDULE_DELAY=-1";
    folder.variables[2] = "OTEL_BSP_MAX_QUEUE_SIZE=many";
    folder.variables[3] = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=0";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check(settings != NULL);
    check_span(span_text(folder_faults(&folder)),
               "OTEL_BSP_SCHEDULE_DELAY: warning: '-1' is ignored: expected milliseconds\n"
               "OTEL_BSP_MAX_QUEUE_SIZE: warning: 'many' is ignored: expected a number from 1 to "
               "1000000\n"
               "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: warning: '0' is ignored: expected a number from 1 "
               "to 1000000\n");
    check_number(settings->otlp.channels[0].batch.delay_us, 1000000);
    check_number(settings->otlp.channels[0].batch.units, 8192);
    check_number(settings->otlp.channels[0].batch.queue_units, 0);
    settings_free(settings);
    folder_close(&folder);
}

TEST(variables_without_effect_and_slips_of_the_pen_are_said)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_BSP_EXPORT_TIMEOUT=30000";
    folder.variables[1] = "OTEL_METRICS_EXEMPLAR_FILTER=trace_based"; /* as it is here */
    folder.variables[2] = "OTEL_TRACE_EXPORTER=otlp";
    folder.variables[3] = "OTEL_EXPORTER_OTLP_TRACES_HEADER=x-key=s3cret";
    folder.variables[4] = "OTEL_PYTHON_LOG_LEVEL=info"; /* another program's */
    folder.variables[5] = "OTEL_CONFIG_FILE=";
    folder.variables[6] = "OTHER_TRACES_EXPORTER=otlp";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check(settings != NULL);
    check_span(span_text(folder_faults(&folder)),
               "OTEL_BSP_EXPORT_TIMEOUT: warning: has no effect here: spans are tried until they "
               "are taken; OTEL_EXPORTER_OTLP_TIMEOUT bounds one try\n"
               "OTEL_TRACE_EXPORTER: warning: there is no variable of this name (did you mean "
               "'OTEL_TRACES_EXPORTER'?)\n"
               "OTEL_EXPORTER_OTLP_TRACES_HEADER: warning: there is no variable of this name (did "
               "you mean 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'?)\n");
    settings_free(settings);
    folder_close(&folder);
}

TEST(variables_of_limits_hold_for_spans_and_log_records_the_narrower_name_first)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=100";
    folder.variables[1] = "OTEL_ATTRIBUTE_COUNT_LIMIT=20";
    folder.variables[2] = "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=10";
    folder.variables[3] = "OTEL_SPAN_EVENT_COUNT_LIMIT=0";
    folder.variables[4] = "OTEL_SPAN_LINK_COUNT_LIMIT=0";
    folder.variables[5] = "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT=3";
    folder.variables[6] = "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT=0";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check(settings != NULL);
    const struct span_limits *spans = &settings->traces.limits;
    check_number(spans->own.length, 100);
    check_number(spans->own.most, 10);
    check_number(spans->events, 0);
    check_number(spans->links, 0);
    check_number(spans->of_events.most, 3);
    check_number(spans->of_events.length, 100);
    check_number(settings->logs.limits.length, 100); /* 0 was refused */
    check_number(settings->logs.limits.most, 20);
    check_span(span_text(folder_faults(&folder)),
               "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: warning: '0' is ignored: expected a "
               "number from 1 to 1000000\n");
    settings_free(settings);
    folder_close(&folder);
}

TEST(a_variable_says_where_xrays_daemon_is_in_either_of_its_forms)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "AWS_XRAY_DAEMON_ADDRESS=127.0.0.2:2001";
    folder.variables[1] = "OTEL_TRACES_EXPORTER=xray";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check(settings != NULL);
    check_span(settings->traces.xray.daemon, "udp:127.0.0.2:2001");
    check(settings->traces.xray.sampling.endpoint.at == NULL);
    settings_free(settings);
    folder.variables[0] = "AWS_XRAY_DAEMON_ADDRESS=tcp:127.0.0.3:2002 udp:[::1]:2003";
    settings = folder_read(&folder, NEEDED "traces: { exporter: [xray], sampler: xray }\n", NULL);
    check(settings != NULL);
    check_span(settings->traces.xray.daemon, "udp:[::1]:2003");
    check_span(settings->traces.xray.sampling.endpoint, "http://127.0.0.3:2002");
    settings_free(settings);
    settings = folder_read(
        &folder, NEEDED "traces: { exporter: xray, xray: { address: 127.0.0.9:1 } }\n", NULL);
    check(settings != NULL);
    check_span(settings->traces.xray.daemon, "udp:127.0.0.9:1");
    check_span(span_text(folder_faults(&folder)), "");
    settings_free(settings);
    folder.variables[1] = NULL; /* nothing goes to X-Ray: of no interest, broken or not */
    folder.variables[0] = "AWS_XRAY_DAEMON_ADDRESS=tcp:127.0.0.3:2002";
    settings = folder_read(&folder, NEEDED, NULL);
    check(settings != NULL);
    check_span(span_text(folder_faults(&folder)), "");
    settings_free(settings);
    settings = folder_read(&folder, NEEDED "traces: { exporter: xray }\n", NULL);
    check(settings != NULL);
    check_span(settings->traces.xray.daemon, "udp:127.0.0.1:2000");
    check_span(span_text(folder_faults(&folder)),
               "AWS_XRAY_DAEMON_ADDRESS: warning: 'tcp:127.0.0.3:2002' is ignored: expected "
               "127.0.0.1:2000, or tcp:127.0.0.1:2000 udp:127.0.0.1:2000, numeric\n");
    settings_free(settings);
    folder_close(&folder);
}

TEST(a_signal_may_go_by_grpc_over_plain_tcp_by_variables_of_its_own)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=collector:4317";
    folder.variables[1] = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc";
    folder.variables[2] = "OTEL_EXPORTER_OTLP_TRACES_INSECURE=true";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check(settings != NULL && settings->otlp.channel_count == 1);
    check_span(settings->otlp.channels[0].url,
               "http://collector:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export");
    settings_free(settings);
    folder_close(&folder);
}

TEST(a_disabled_sdk_exports_nothing_whatever_is_set)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_SDK_DISABLED=True";
    struct settings *settings = folder_read(
        &folder, NEEDED "otlp: { endpoint: 'http://own:1' }\nmetrics: { exporter: otlp }\n", NULL);
    check(!settings->traces.on && !settings->metrics.push);
    check_number(settings->otlp.receiver_count, 0);
    settings_free(settings);
    folder_close(&folder);
}

TEST(a_sampler_of_the_environment_that_is_not_known_is_ignored_with_a_warning)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "OTEL_TRACES_SAMPLER=jaeger_remote";
    folder.variables[1] = "OTEL_SERVICE_NAME=";
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check_number(settings->traces.sampler, SAMPLER_PARENT_BASED);
    check_span(settings->traces.service_name, "unknown_service-sidecar");
    check_span(span_text(folder_faults(&folder)),
               "OTEL_TRACES_SAMPLER: warning: 'jaeger_remote' is ignored: expected "
               "parentbased_always_on, always_on, always_off, parentbased_always_off, "
               "traceidratio, parentbased_traceidratio or xray\n");
    settings_free(settings);
    folder.variables[0] = "OTEL_TRACES_SAMPLER=trace_id_ratio";
    folder.variables[1] = "OTEL_PROPAGATORS=tracecontext,b3mutli";
    folder.variables[2] = "OTEL_SDK_DISABLED=yes";
    settings = folder_read(&folder, NEEDED, NULL);
    check_span(span_text(folder_faults(&folder)),
               "OTEL_TRACES_SAMPLER: warning: 'trace_id_ratio' is ignored: expected "
               "parentbased_always_on, always_on, always_off, parentbased_always_off, "
               "traceidratio, parentbased_traceidratio or xray (did you mean 'traceidratio'?)\n"
               "OTEL_PROPAGATORS: warning: 'b3mutli' is ignored: expected "
               "tracecontext, baggage, b3, b3multi, xray or none (did you mean 'b3multi'?)\n"
               "OTEL_SDK_DISABLED: warning: 'yes' is ignored: expected true or false\n");
    settings_free(settings);
    folder.variables[1] = folder.variables[2] = NULL;
    folder.variables[0] = "OTEL_TRACES_SAMPLER=xray";
    settings = folder_read(&folder, NEEDED, NULL);
    check_number(settings->traces.sampler, SAMPLER_XRAY);
    settings_free(settings);
    folder.variables[2] = "OTEL_TRACES_SAMPLER_ARG=endpoint=http://127.0.0.1:2000, "
                          "polling_interval=360";
    settings = folder_read(&folder, NEEDED, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_span(settings->traces.xray.sampling.endpoint, "http://127.0.0.1:2000");
    check_number(settings->traces.xray.sampling.refresh_us, 360000000);
    settings_free(settings);
    folder_close(&folder);
}

TEST(an_argument_that_the_sampler_does_not_know_is_said_and_ignored)
{
    static const struct {
        const char *sampler, *argument, *faults;
    } rows[] = {
        {"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=endpoint=http://a",
         "OTEL_TRACES_SAMPLER_ARG: warning: 'endpoint=http://a' is ignored: expected a number from "
         "0 to 1, like 0.25\n"},
        {"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=1.5",
         "OTEL_TRACES_SAMPLER_ARG: warning: '1.5' is ignored: expected a number from 0 to 1, like "
         "0.25\n"},
        {"OTEL_TRACES_SAMPLER=xray", "OTEL_TRACES_SAMPLER_ARG=0.5",
         "OTEL_TRACES_SAMPLER_ARG: warning: '0.5' is ignored: expected endpoint=URL, "
         "polling_interval=SECONDS\n"},
    };
    struct folder folder;
    folder_open(&folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        folder.variables[0] = rows[i].sampler;
        folder.variables[1] = rows[i].argument;
        struct settings *settings = folder_read(&folder, NEEDED, NULL);
        check_span(span_text(folder_faults(&folder)), rows[i].faults);
        check_number(settings->traces.ratio, 1000000000);
        settings_free(settings);
    }
    folder_close(&folder);
}

int environment_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opentelemetrys_variables_stand_for_keys_that_are_not_set),
        cmocka_unit_test(variables_of_the_exporter_say_how_a_receiver_is_spoken_to),
        cmocka_unit_test(a_variable_turns_the_log_records_on_and_off),
        cmocka_unit_test(
            variables_of_one_signal_hold_for_it_alone_and_its_endpoint_is_the_whole_address),
        cmocka_unit_test(
            variables_of_the_exporter_that_are_wrong_are_ignored_and_no_secret_is_quoted),
        cmocka_unit_test(attributes_of_the_environment_name_the_service_where_nobody_else_does),
        cmocka_unit_test(variables_of_the_batch_processors_say_when_spans_and_log_records_leave),
        cmocka_unit_test(
            an_exporter_of_the_environment_without_an_endpoint_goes_where_collectors_listen),
        cmocka_unit_test(variables_with_broken_numbers_are_ignored_with_a_warning),
        cmocka_unit_test(variables_without_effect_and_slips_of_the_pen_are_said),
        cmocka_unit_test(a_signal_may_go_by_grpc_over_plain_tcp_by_variables_of_its_own),
        cmocka_unit_test(
            variables_of_limits_hold_for_spans_and_log_records_the_narrower_name_first),
        cmocka_unit_test(a_variable_says_where_xrays_daemon_is_in_either_of_its_forms),
        cmocka_unit_test(a_disabled_sdk_exports_nothing_whatever_is_set),
        cmocka_unit_test(of_a_list_in_a_variable_only_the_word_that_is_unknown_is_ignored),
        cmocka_unit_test(a_sampler_of_the_environment_that_is_not_known_is_ignored_with_a_warning),
        cmocka_unit_test(an_argument_that_the_sampler_does_not_know_is_said_and_ignored),
    };
    return cmocka_run_group_tests_name("environment", tests, NULL, NULL);
}
