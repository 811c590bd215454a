/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "sidecar/config/options.h"
#include "tests/check.h"
#include "tests/unit/config/folder.h"
#include "tests/unit/config/suites.h"

TEST(what_is_not_given_has_the_default_of_the_table)
{
    struct folder folder;
    folder_open(&folder);
    struct settings *settings = folder_read(&folder, NEEDED, NULL);
    check(settings != NULL);
    check_number(settings->process.threads, 0);
    check(settings->process.user.at == NULL);
    check_number(settings->process.log_level, LOG_INFO);
    check_span(settings->listeners[0].name, "127.0.0.1:8080");
    check_span(settings->status.address_text, "127.0.0.1:7602");
    check_number(address_port(&settings->admin.address), 7601);
    check_number(settings->upstreams[0].max_connections, 128);
    check_number(settings->upstreams[0].max_pending, 256);
    check_number(settings->upstreams[0].idle_timeout_us, 55000000);
    check(!settings->rules.present);
    check_number(settings->rules.mode, ENGINE_ON);
    check_number(settings->rules.crs.levels.paranoia, 0);
    check_number(settings->rules.request_inspect, 128 * 1024);
    check_number(settings->rules.request_over, OVER_BODY_REJECT);
    check_number(settings->rules.response_inspect, 0);
    check_number(settings->rules.response_over, OVER_BODY_PREFIX);
    check_number(settings->rules.response_type_count, 2);
    check_span(settings->rules.response_types[1], "application/json");
    check_number(settings->rules.cpu_budget_us, 20000);
    check_number(settings->rules.on_failure, ON_FAILURE_DENY);
    check_span(settings->access_log.to.path, "/dev/stdout");
    check(settings->rules.log.path.at == NULL);
    check_span(settings->access_log.format, "json");
    check(!settings->traces.on);
    check_span(settings->traces.service_name, "unknown_service-sidecar");
    check_number(settings->limits.connections, 10000);
    check_number(settings->limits.header_bytes, 32 * 1024);
    check_number(settings->limits.memory_bytes, 0);
    check_number(settings->timeouts.connect_us, 1000000);
    check_number(settings->timeouts.connection_age_us, UINT64_C(3600000000));
    settings_free(settings);
    folder_close(&folder);
}

TEST(what_is_given_lands_in_its_field)
{
    struct folder folder;
    folder_open(&folder);
    struct settings *settings = folder_read(
        &folder,
        "version: 1\n"
        "process: { threads: 3, user: nobody, log: { level: debug } }\n"
        "service: { name: orders, environment: prod }\n"
        "listeners:\n"
        "  - { name: public, address: 'unix:/run/p.sock', trusted_proxies: [10.0.0.0/8, '::1'] }\n"
        "status: { address: off }\n"
        "admin: { address: off }\n"
        "upstreams:\n"
        "  a: { targets: ['http://127.0.0.1', 'http://[::1]:81/', 'http://unix:/run/a', "
        "'unix:/run/b'], max_pending: 0 }\n"
        "  b: { targets: ['http://localhost:3000'] }\n"
        "rules: { mode: detection_only, response_body: { inspect: 1MiB, types: [a/b] }, "
        "cpu_budget: "
        "0, on_failure: allow }\n"
        "routes: [{ match: 'GET /x', upstream: b, timeouts: { request: 29s } }]\n"
        "access_log: { path: off, format: '$context.requestId, $context.status' }\n"
        "otlp: { endpoint: 'http://c:4318', compression: none, timeout: 1500ms }\n"
        "traces: { sampler: always_off }\n"
        "metrics: { prometheus: off }\n"
        "limits: { memory: 512MiB, both_lengths: reframe, underscore_names: pass, doubtful_paths: "
        "pass }\n"
        "timeouts: { body_rate: 1KiB/s, drain_delay: 0 }\n",
        NULL);
    check_span(
        span_text(folder_faults(&folder)),
        "a.yaml:11:8: warning: rules: there is nothing to load, so that nothing is inspected "
        "(add rules.baseline, rules.crs.folder or rules.files)\n");
    check(settings != NULL);
    check_number(settings->process.threads, 3);
    check_span(settings->process.user, "nobody");
    check_number(settings->process.log_level, LOG_DEBUG);
    check_span(settings->listeners[0].name, "public");
    check_number(settings->listeners[0].trusted_proxy_count, 2);
    check_number(settings->listeners[0].trusted_proxies[0].bits, 96 + 8);
    check(settings->status.address_text.at == NULL && settings->admin.address_text.at == NULL);
    const struct upstream_settings *a = &settings->upstreams[0];
    check_span(a->name, "a");
    check_number(a->target_count, 4);
    check_span(a->targets[0], "127.0.0.1:80");
    check_span(a->targets[1], "[::1]:81");
    check_span(a->targets[2], "unix:/run/a");
    check_span(a->targets[3], "unix:/run/b");
    check_number(address_port(&a->addresses[1]), 81);
    check_number(a->max_pending, 0);
    check_number(settings->rules.mode, ENGINE_DETECTION_ONLY);
    check(settings->rules.mode_given && settings->rules.response_types_given);
    check(!settings->rules.request_inspect_given && !settings->rules.response_over_given);
    check_number(settings->rules.response_inspect, 1 << 20);
    check_number(settings->rules.response_type_count, 1);
    check_number(settings->rules.cpu_budget_us, 0);
    check_number(settings->rules.on_failure, ON_FAILURE_ALLOW);
    check_span(settings->routes[0].method, "GET");
    check_span(settings->routes[0].pattern, "/x");
    check_number(settings->routes[0].upstream, 1);
    check_number(settings->routes[0].request_timeout_us, 29000000);
    check_number(settings->routes[0].place.line, 12);
    check(settings->access_log.to.path.at == NULL);
    check_span(settings->access_log.format, "$context.requestId, $context.status");
    check(settings->traces.on && !settings->otlp.receivers[0].gzip &&
          !settings->metrics.prometheus);
    check_number(settings->otlp.receivers[0].timeout_us, 1500000);
    check_number(settings->traces.sampler, SAMPLER_ALWAYS_OFF);
    check_span(settings->traces.service_name, "orders-sidecar");
    check_number(settings->limits.memory_bytes, 512 << 20);
    check(settings->limits.reframe_both_lengths && settings->limits.pass_underscore_names &&
          settings->limits.pass_doubtful_paths);
    check_number(settings->timeouts.body_rate, 1024);
    check_number(settings->timeouts.drain_delay_us, 0);
    settings_free(settings);
    folder_close(&folder);
}

TEST(file_names_are_relative_to_the_file_that_names_them)
{
    struct folder folder;
    char want[128];
    folder_open(&folder);
    folder_write(&folder, "token", "  s3cret \nmore\n", 0600);
    struct settings *settings = folder_read(&folder,
                                            NEEDED "rules: { files: [a/*.conf, /b.conf] }\n"
                                                   "admin: { token_file: token }\n",
                                            NULL);
    check(settings != NULL);
    snprintf(want, sizeof want, "%s/a/*.conf", folder.path);
    check_span(settings->rules.files[0], want);
    check_span(settings->rules.files[1], "/b.conf");
    check_number(settings->rules.file_places[1].column, 28);
    check(settings->rules.present);
    check_span(settings->admin.token, "s3cret");
    settings_free(settings);
    folder_close(&folder);
}

static struct span printed(const struct settings *settings, struct buf *to)
{
    buf_init(to, 1 << 20);
    settings_print(settings, to);
    buf_add_byte(to, '\0');
    return span_make(to->at, to->len - 1);
}

TEST(printed_settings_read_back_as_the_same)
{
    struct folder folder;
    struct buf first, second;
    folder_open(&folder);
    struct settings *settings = folder_read(
        &folder,
        NEEDED
        "rules: { crs: { folder: /crs, paranoia: 2 }, files: ['a b.conf'], after: [x] }\n"
        "routes: [{ match: 'ANY /{proxy+}', timeouts: { request: 5s } }, { match: GET /y }]\n"
        "block_answer: { text: \"no: \\\"$${x}\\\" #1\" }\n"
        "service: { name: 'true', environment: \"\\u00e9\\n\" }\n",
        NULL);
    check_span(span_text(folder_faults(&folder)), "");
    struct span text = printed(settings, &first);
    settings_free(settings);
    settings = folder_read(&folder, text.at, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_span(settings->block_text, "no: \"${x}\" #1");
    check_span(settings->service.environment, "\xc3\xa9\n");
    check_span(printed(settings, &second), text.at);
    settings_free(settings);
    buf_fini(&first);
    buf_fini(&second);
    folder_close(&folder);
}

TEST(secrets_are_not_printed)
{
    struct folder folder;
    struct buf text;
    folder_open(&folder);
    folder_write(&folder, "token", "s3cret\n", 0600);
    struct settings *settings = folder_read(
        &folder, NEEDED "admin: { token_file: token }\notlp: { endpoint: 'http://u:pw@c:1/x' }\n",
        NULL);
    check(settings != NULL);
    struct span all = printed(settings, &text);
    check(span_find(all, SPAN("s3cret")) == SPAN_NONE);
    check(span_find(all, SPAN("pw")) == SPAN_NONE);
    check(span_find(all, SPAN("endpoint: \"http://********@c:1/x\"\n")) != SPAN_NONE);
    settings_free(settings);
    buf_fini(&text);
    folder_close(&folder);
}

TEST(receivers_of_exports_are_one_map_or_a_list_of_them)
{
    struct folder folder;
    struct buf text;
    folder_open(&folder);
    struct settings *settings = folder_read(
        &folder,
        NEEDED "process: { state_dir: /s }\nmetrics: { exporter: otlp }\n"
               "otlp:\n- { name: a, endpoint: 'http://a:1/base/', headers: { x-key: s3cret } }\n"
               "- { name: b, endpoint: 'https://b:2', protocol: grpc, signals: [metrics] }\n",
        NULL);
    check(settings != NULL);
    check_number(settings->otlp.channel_count, 3);
    const struct channel_settings *channels = settings->otlp.channels;
    check_span(channels[0].url, "http://a:1/base/v1/traces");
    check_span(channels[0].spool.path, "/s/spool-a");
    check_span(channels[1].url, "http://a:1/base/v1/metrics");
    check_span(channels[1].spool.path, "/s/spool-a-metrics");
    check_span(channels[2].name, "b");
    check_span(channels[2].url,
               "https://b:2/opentelemetry.proto.collector.metrics.v1.MetricsService/Export");
    check_number(channels[2].protocol, OTLP_GRPC);
    struct span all = printed(settings, &text);
    check(span_find(all, SPAN("otlp:\n  - name: a\n    endpoint: \"http://a:1/base/\"\n")) !=
          SPAN_NONE);
    check(span_find(all, SPAN("    headers: {x-key: \"********\"}\n")) != SPAN_NONE);
    check(span_find(all, SPAN("  - name: b\n")) != SPAN_NONE);
    settings_free(settings);
    buf_fini(&text);
    settings = folder_read(&folder, NEEDED "otlp: { endpoint: 'http://a:1' }\n",
                           "otlp.compression=gzip", NULL);
    check_number(settings->otlp.channel_count, 1);
    check(settings->otlp.channels[0].gzip);
    all = printed(settings, &text);
    check(span_find(all, SPAN("otlp:\n  name: otlp\n  endpoint: \"http://a:1\"\n")) != SPAN_NONE);
    settings_free(settings);
    buf_fini(&text);
    folder_close(&folder);
}

TEST(the_hash_follows_the_values_and_nothing_else)
{
    struct folder folder;
    folder_open(&folder);
    folder_write(&folder, "token", "one\n", 0600);
    struct settings *a = folder_read(&folder, NEEDED "admin: { token_file: token }\n", NULL);
    struct settings *b =
        folder_read(&folder, "# a word\n" NEEDED "admin:\n  token_file: 'token'\n", NULL);
    struct settings *c =
        folder_read(&folder, NEEDED "admin: { token_file: token }\n", "limits.url=9KiB", NULL);
    folder_write(&folder, "token", "two\n", 0600);
    struct settings *d = folder_read(&folder, NEEDED "admin: { token_file: token }\n", NULL);
    check(a->hash == b->hash);
    check(a->hash != c->hash);
    check(a->hash != d->hash);
    settings_free(a);
    settings_free(b);
    settings_free(c);
    settings_free(d);
    folder_close(&folder);
}

TEST(the_table_of_options_has_every_row)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    settings_options(&text);
    const struct option *option;
    for (size_t i = 0; (option = options_at(i)) != NULL; i++) {
        char line[64];
        snprintf(line, sizeof line, "\n%s ", option->path);
        check(span_find(buf_span(&text), span_text(line)) != SPAN_NONE);
        check(options_find(span_text(option->path)) == option);
    }
    buf_fini(&text);
}

int settings_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_has_the_default_of_the_table),
        cmocka_unit_test(what_is_given_lands_in_its_field),
        cmocka_unit_test(file_names_are_relative_to_the_file_that_names_them),
        cmocka_unit_test(printed_settings_read_back_as_the_same),
        cmocka_unit_test(secrets_are_not_printed),
        cmocka_unit_test(receivers_of_exports_are_one_map_or_a_list_of_them),
        cmocka_unit_test(the_hash_follows_the_values_and_nothing_else),
        cmocka_unit_test(the_table_of_options_has_every_row),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
