/* SPDX-License-Identifier: Apache-2.0 */
/* Several files, --set, variables in values: who wins. */
#include <stdio.h>

#include "sidecar/config/print.h"
#include "tests/check.h"
#include "tests/unit/config/folder.h"
#include "tests/unit/config/suites.h"

/* NEEDED, then the files in order. */
static struct settings *read_two(struct folder *folder, const char *first, const char *second)
{
    char a[128], b[128];
    snprintf(a, sizeof a, "%s", folder_write(folder, "a.yaml", first, 0644));
    snprintf(b, sizeof b, "%s", folder_write(folder, "sub/b.yaml", second, 0644));
    const char *files[] = {a, b};
    struct settings_source source = folder_source(folder, files, 2);
    faults_free(folder->faults);
    folder->faults = faults_new();
    return settings_read(&source, folder->faults);
}

TEST(maps_of_later_files_merge_and_lists_replace)
{
    struct folder folder;
    char want[128];
    folder_open(&folder);
    struct settings *settings = read_two(
        &folder,
        NEEDED "limits: { url: 1KiB, header_count: 7 }\nrules: { files: [x.conf, y.conf] }\n",
        "limits: { url: 2KiB }\nrules: { files: [z.conf] }\n"
        "upstreams: { app: { max_pending: 9 }, other: { targets: ['unix:/x'] } }\n"
        "routes: [{ match: GET /, upstream: other }]\n");
    check_span(span_text(folder_faults(&folder)), "");
    check_number(settings->limits.url_bytes, 2048);
    check_number(settings->limits.header_count, 7);
    check_number(settings->rules.file_count, 1);
    snprintf(want, sizeof want, "%s/sub/z.conf", folder.path);
    check_span(settings->rules.files[0], want);
    check_number(settings->upstream_count, 2);
    check_number(settings->upstreams[0].max_pending, 9);
    check_span(settings->upstreams[0].targets[0], "127.0.0.1:3000");
    check_number(settings->routes[0].upstream, 1);
    settings_free(settings);
    folder_close(&folder);
}

TEST(faults_name_the_file_that_they_stand_in)
{
    struct folder folder;
    folder_open(&folder);
    check(read_two(&folder, NEEDED "limits: { url: 1 }\n", "limits: { body: 1 }\n") == NULL);
    check_span(span_text(folder_faults(&folder)),
               "a.yaml:4:16: limits.url: found '1', expected a size with a unit, from 256B to "
               "1MiB\n"
               "sub/b.yaml:1:17: limits.body: found '1', expected a size with a unit, like 128KiB "
               "(up to 1024GiB)\n");
    folder_close(&folder);
}

TEST(a_setting_of_the_command_line_wins_over_files)
{
    struct folder folder;
    folder_open(&folder);
    struct settings *settings = folder_read(
        &folder, NEEDED "limits: { url: 1KiB }\nrules: { files: [a, b] }\n", "limits.url=3KiB",
        "limits.body=1MiB", "rules.files=[c]", "listeners.0.address=127.0.0.1:9",
        "upstreams.app.targets=[unix:/x]", "timeouts={idle: 5s}", "service.name=a=b", NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_number(settings->limits.url_bytes, 3072);
    check_number(settings->limits.body_bytes, 1 << 20);
    check_number(settings->rules.file_count, 1);
    check_span(settings->listeners[0].address_text, "127.0.0.1:9");
    check_span(settings->upstreams[0].targets[0], "unix:/x");
    check_number(settings->timeouts.idle_us, 5000000);
    check_span(settings->service.name, "a=b");
    settings_free(settings);
    folder_close(&folder);
}

TEST(a_wrong_setting_of_the_command_line_is_said_as_such)
{
    static const struct {
        const char *set, *said;
    } rows[] = {
        {"limits.url=1",
         "--set limits.url: limits.url: found '1', expected a size with a unit, from 256B to "
         "1MiB\n"},
        {"limits.ulr=1KiB",
         "--set limits.ulr: unknown key 'ulr' in limits (did you mean 'url'?)\n"},
        {"limits.url", "--set limits.url: expected KEY=VALUE (--set limits.body=1MiB)\n"},
        {"=x", "--set : expected KEY=VALUE (--set limits.body=1MiB)\n"},
        {"listeners.3.name=x",
         "--set listeners.3.name: there is no item '3' in that list (items are counted from 0)\n"},
        {"rules.mode=", "--set rules.mode: rules.mode: found nothing, expected on, detection_only "
                        "or off\n"},
        {"rules.files=[a", "--set rules.files: did not find expected ',' or ']' (while parsing a "
                           "flow sequence)\n"},
    };
    struct folder folder;
    folder_open(&folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(folder_read(&folder, NEEDED, rows[i].set, NULL) == NULL);
        check_span(span_text(folder_faults(&folder)), rows[i].said);
    }
    folder_close(&folder);
}

TEST(variables_are_put_into_values_and_add_no_structure)
{
    struct folder folder;
    folder_open(&folder);
    folder.variables[0] = "NAME=a: [b]";
    folder.variables[1] = "PORT=81";
    struct settings *settings =
        folder_read(&folder,
                    NEEDED "service: { name: \"${NAME}\", environment: \"${E:-dev}\" }\n"
                           "status: { address: \"127.0.0.1:${PORT}\" }\n",
                    NULL);
    check_span(settings->service.name, "a: [b]");
    check_span(settings->service.environment, "dev");
    check_number(address_port(&settings->status.address), 81);
    settings_free(settings);
    folder_close(&folder);
}

TEST(what_only_a_restart_changes_is_warned_of)
{
    struct folder folder;
    folder_open(&folder);
    struct settings *a = folder_read(&folder, NEEDED, NULL);
    struct settings *b =
        folder_read(&folder, NEEDED "process: { threads: 2 }\n", "limits.url=1KiB", NULL);
    settings_warn_restart(a, b, folder.faults);
    check_number(faults_count(folder.faults, FAULT_WARNING), 1);
    check_span(span_text(faults_at(folder.faults, 0)->message),
               "process.threads has changed; it takes effect at the next start");
    settings_free(a);
    settings_free(b);
    folder_close(&folder);
}

int merge_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_of_later_files_merge_and_lists_replace),
        cmocka_unit_test(faults_name_the_file_that_they_stand_in),
        cmocka_unit_test(a_setting_of_the_command_line_wins_over_files),
        cmocka_unit_test(a_wrong_setting_of_the_command_line_is_said_as_such),
        cmocka_unit_test(variables_are_put_into_values_and_add_no_structure),
        cmocka_unit_test(what_only_a_restart_changes_is_warned_of),
    };
    return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
