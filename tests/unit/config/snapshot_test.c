/* SPDX-License-Identifier: Apache-2.0 */
/* What a snapshot is built from, shares, and settles between YAML and SecLang. */
#include "sidecar/config/snapshot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/networks.h"
#include "rules/language/ruleset.h"
#include "sidecar/guard/address_set.h"
#include "sidecar/state/documents.h"
#include "sidecar/state/live_entries.h"
#include "tests/check.h"
#include "tests/unit/config/folder.h"
#include "tests/unit/config/suites.h"

static struct snapshot *build(struct folder *folder, const char *text,
                              const struct snapshot *before)
{
    char path[128];
    snprintf(path, sizeof path, "%s", folder_write(folder, "a.yaml", text, 0644));
    const char *files[] = {path};
    struct settings_source source = folder_source(folder, files, 1);
    faults_free(folder->faults);
    folder->faults = faults_new();
    return snapshot_build(&source, before, folder->faults);
}

#define WITH_RULES NEEDED "rules: { files: [rules/*.conf] }\n"

static void write_rule(struct folder *folder, const char *name, unsigned id)
{
    char text[256];
    snprintf(text, sizeof text, "SecRule ARGS \"@rx x\" \"id:%u,phase:1,deny\"\n", id);
    folder_write(folder, name, text, 0644);
}

TEST(parts_that_have_not_changed_are_shared)
{
    struct folder folder;
    folder_open(&folder);
    write_rule(&folder, "rules/a.conf", 1);
    struct snapshot *first = build(&folder, WITH_RULES, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    struct snapshot *same = build(&folder, "# moved by a line\n" WITH_RULES, first);
    struct snapshot *other = build(&folder, WITH_RULES "timeouts: { idle: 1s }\n", first);
    check(same->ruleset == first->ruleset && same->routes == first->routes);
    check_number(same->hash, first->hash);
    check(same->number == first->number + 1);
    check(other->ruleset == first->ruleset && other->routes == first->routes);
    check(other->hash != first->hash);
    check_number(other->settings->timeouts.idle_us, 1000000);
    struct snapshot *routed = build(&folder, WITH_RULES "routes: [{ match: GET /x }]\n", first);
    check(routed->ruleset == first->ruleset && routed->routes != first->routes);
    snapshot_give(first);
    check(ruleset_find(same->ruleset, 1) != NULL); /* outlives the one that made it */
    snapshot_give(same);
    snapshot_give(other);
    snapshot_give(routed);
    folder_close(&folder);
}

TEST(lists_of_addresses_are_read_again_where_their_file_has_changed)
{
    struct folder folder;
    const char *text = NEEDED "ip_sets: { a: { addresses: ['::1'], file: list.txt } }\n";
    folder_open(&folder);
    folder_write(&folder, "list.txt", "# bad ones\n192.0.2.0/24\n198.51.100.1-198.51.100.9\n",
                 0644);
    struct snapshot *first = build(&folder, text, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check(networks_have_text(first->ip_sets[0].networks, SPAN("192.0.2.7")));
    check(networks_have_text(first->ip_sets[0].networks, SPAN("::1")));
    struct snapshot *same = build(&folder, text, first);
    check(same->ip_sets[0].networks == first->ip_sets[0].networks);
    folder_write(&folder, "list.txt", "203.0.113.0/24\n", 0644);
    struct snapshot *other = build(&folder, text, first);
    check(!networks_have_text(other->ip_sets[0].networks, SPAN("192.0.2.7")));
    check(networks_have_text(other->ip_sets[0].networks, SPAN("203.0.113.7")));
    check(other->hash != first->hash);
    folder_write(&folder, "list.txt", "203.0.113.0/24\n\n203.0.113.0/33\n", 0644);
    check(build(&folder, text, first) == NULL);
    check_span(span_text(folder_faults(&folder)),
               "list.txt:3:1: found '203.0.113.0/33', expected an address, a network or a range "
               "(10.0.0.0/8, 2001:db8::/32, 192.0.2.1 or 192.0.2.1-192.0.2.9)\n");
    snapshot_give(first);
    snapshot_give(same);
    snapshot_give(other);
    folder_close(&folder);
}

TEST(a_set_keeps_by_its_name_what_was_put_into_it_over_a_reload)
{
    struct folder folder;
    struct live_entry entry = {.until_us = LIVE_FOR_EVER};
    folder_open(&folder);
    check(network_parse(SPAN("192.0.2.7"), &entry.network));
    struct snapshot *first =
        build(&folder, NEEDED "ip_sets: { a: { addresses: ['::1'] }, b: { addresses: ['::2'] } }\n",
              NULL);
    live_entries_put(first->ip_sets[1].live, &entry, 1);
    struct snapshot *other =
        build(&folder, NEEDED "ip_sets: { b: { addresses: ['::3'] }, c: { addresses: ['::4'] } }\n",
              first);
    snapshot_give(first);
    check(address_set_has(&other->ip_sets[0], &entry.network.at, 1));
    check(!address_set_has(&other->ip_sets[1], &entry.network.at, 1));
    struct snapshot *without =
        build(&folder, NEEDED "ip_sets: { c: { addresses: ['::4'] } }\n", other);
    snapshot_give(other);
    struct snapshot *again =
        build(&folder, NEEDED "ip_sets: { b: { addresses: ['::3'] } }\n", without);
    check_number(live_entries_count(again->ip_sets[0].live), 0); /* it was another set */
    snapshot_give(without);
    snapshot_give(again);
    folder_close(&folder);
}

/* All that this process has read so far, from files or elsewhere. */
static unsigned long bytes_read(void)
{
    char line[64];
    FILE *file = fopen("/proc/self/io", "r");
    check(file != NULL && fgets(line, sizeof line, file) != NULL);
    fclose(file);
    check(strncmp(line, "rchar: ", 7) == 0);
    return strtoul(line + 7, NULL, 10);
}

TEST(a_list_that_was_only_touched_is_read_once_and_not_at_every_look)
{
    enum { LINES = 20000, FEW = 20000 };
    struct folder folder;
    struct buf text;
    folder_open(&folder);
    buf_init(&text, 1 << 20);
    for (unsigned i = 0; i < LINES; i++)
        buf_format(&text, "10.0.%u.%u\n", i / 256, i % 256);
    buf_add_byte(&text, '\0');
    folder_write(&folder, "list.txt", text.at, 0644);
    struct snapshot *first =
        build(&folder, NEEDED "ip_sets: { a: { file: list.txt, refresh: 1s } }\n", NULL);
    check(first != NULL);
    const struct timespec times[] = {{1, 0}, {1, 0}};
    check(utimensat(AT_FDCWD, folder_path(&folder, "list.txt"), times, 0) == 0);
    unsigned long before = bytes_read();
    check(snapshot_renew(first, 1U << RENEW_IP_LISTS, folder.faults) == NULL);
    unsigned long between = bytes_read();
    check(between - before > text.len - 1);
    check(snapshot_renew(first, 1U << RENEW_IP_LISTS, folder.faults) == NULL);
    check(bytes_read() - between < FEW);
    check_number(faults_count(folder.faults, FAULT_ERROR), 0);
    snapshot_give(first);
    buf_fini(&text);
    folder_close(&folder);
}

TEST(only_the_kinds_that_changed_are_read_again)
{
    struct folder folder;
    folder_open(&folder);
    folder_write(&folder, "list.txt", "192.0.2.7\n", 0644);
    struct snapshot *first =
        build(&folder, NEEDED "ip_sets: { a: { file: list.txt, refresh: 1s } }\n", NULL);
    folder_write(&folder, "list.txt", "192.0.2.8\n192.0.2.9\n", 0644);
    unsigned others = (1U << RENEW_TLS) | (1U << RENEW_GEO) | (1U << RENEW_API_KEYS);
    check(snapshot_renew(first, others, folder.faults) == NULL);
    struct snapshot *second = snapshot_renew(first, 1U << RENEW_IP_LISTS, folder.faults);
    check(second != NULL && networks_have_text(second->ip_sets[0].networks, SPAN("192.0.2.9")));
    snapshot_give(second);
    snapshot_give(first);
    folder_close(&folder);
}

static void fetch(struct documents *documents, const char *bytes)
{
    struct document fetched = {.bytes = span_text(bytes)};
    documents_offer(documents, SPAN("http://a.example/list\n"), &fetched);
}

TEST(what_was_fetched_is_a_list_once_it_was_found_to_be_one)
{
    struct folder folder;
    struct documents *documents = documents_new();
    const char *files[1];
    char path[128];
    folder_open(&folder);
    snprintf(path, sizeof path, "%s",
             folder_write(&folder, "a.yaml",
                          NEEDED "ip_sets: { a: { url: 'http://a.example/list', addresses: "
                                 "['::1'] } }\n",
                          0644));
    files[0] = path;
    struct settings_source source = folder_source(&folder, files, 1);
    source.documents = documents;
    faults_free(folder.faults);
    folder.faults = faults_new();
    struct snapshot *none = snapshot_build(&source, NULL, folder.faults);
    check(none->ip_sets[0].is_missing && none->ip_sets[0].denies);
    check(networks_have_text(none->ip_sets[0].networks, SPAN("::1")));
    fetch(documents, "<html>");
    check(snapshot_renew(none, 1U << RENEW_IP_LISTS, folder.faults) == NULL);
    fetch(documents, "192.0.2.7\n");
    struct snapshot *first = snapshot_renew(none, 1U << RENEW_IP_LISTS, folder.faults);
    check(first != NULL && !first->ip_sets[0].is_missing);
    check(networks_have_text(first->ip_sets[0].networks, SPAN("192.0.2.7")));
    check(networks_have_text(first->ip_sets[0].networks, SPAN("::1")));
    fetch(documents, "192.0.2.8\n192.0.2.300\n");
    check(snapshot_renew(first, 1U << RENEW_IP_LISTS, folder.faults) == NULL);
    struct snapshot *again = snapshot_build(&source, first, folder.faults); /* a reload */
    check(again->ip_sets[0].networks == first->ip_sets[0].networks);
    check_number(faults_count(folder.faults, FAULT_ERROR), 0);
    snapshot_give(none);
    snapshot_give(first);
    snapshot_give(again);
    documents_free(documents);
    folder_close(&folder);
}

TEST(rules_are_compiled_again_where_a_file_or_a_pattern_has_other_answers)
{
    struct folder folder;
    folder_open(&folder);
    write_rule(&folder, "rules/a.conf", 1);
    folder_write(&folder, "rules/words.data", "one\n", 0644);
    folder_write(&folder, "rules/b.conf",
                 "SecRule ARGS \"@pmFromFile words.data\" \"id:2,phase:1,deny\"\n", 0644);
    struct snapshot *first = build(&folder, WITH_RULES, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    folder_write(&folder, "rules/words.data", "two\n", 0644);
    struct snapshot *words = build(&folder, WITH_RULES, first);
    check(words->ruleset != first->ruleset);
    check(words->hash != first->hash);
    write_rule(&folder, "rules/c.conf", 3); /* a new answer to the pattern */
    struct snapshot *more = build(&folder, WITH_RULES, words);
    check(more->ruleset != words->ruleset);
    check(ruleset_find(more->ruleset, 3) != NULL && ruleset_find(words->ruleset, 3) == NULL);
    snapshot_give(first);
    snapshot_give(words);
    snapshot_give(more);
    folder_close(&folder);
}

static bool has_tag(const struct rule *rule, const char *tag)
{
    for (size_t i = 0; i < rule->tag_count; i++)
        if (span_is(rule->tags[i].text, span_text(tag)))
            return true;
    return false;
}

TEST(the_baseline_is_part_of_the_program_and_each_of_its_rules_says_what_it_is)
{
    struct folder folder;
    folder_open(&folder);
    struct snapshot *snapshot = build(&folder, NEEDED "rules: { baseline: on }\n", NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_number(snapshot->inspection.engine, ENGINE_ON);
    size_t refusing = 0;
    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        const struct ruleset_phase *steps = &snapshot->ruleset->phases[phase];
        for (size_t i = 0; i < steps->count; i++) {
            const struct rule *rule = steps->steps[i].rule;
            if (rule == NULL || !span_is(span_text(rule->file), SPAN("baseline.conf")))
                continue;
            check(rule->id >= 5100000 && rule->id <= 5100999);
            if (rule->disruptive != DISRUPTIVE_DENY)
                continue;
            refusing++;
            check(rule->log && rule->message.text.len > 0 && rule->severity != SEVERITY_NONE);
            check(has_tag(rule, "sidegate-baseline"));
        }
    }
    check(refusing >= 38);
    snapshot_give(snapshot);
    folder_close(&folder);
}

TEST(the_baseline_stands_before_other_rules_and_is_compiled_in_and_out)
{
    struct folder folder;
    folder_open(&folder);
    write_rule(&folder, "rules/a.conf", 1);
    struct snapshot *without = build(&folder, WITH_RULES, NULL);
    check(ruleset_find(without->ruleset, 5100800) == NULL);
    folder_write(&folder, "rules/b.conf", "SecRuleRemoveById 5100900\n", 0644);
    struct snapshot *with =
        build(&folder, NEEDED "rules: { files: [rules/*.conf], baseline: on }\n", without);
    check_span(span_text(folder_faults(&folder)), "");
    check(ruleset_find(with->ruleset, 5100800) != NULL);
    check(ruleset_find(with->ruleset, 5100900) == NULL);
    check(ruleset_find(with->ruleset, 5100800)->index < ruleset_find(with->ruleset, 1)->index);
    snapshot_give(without);
    snapshot_give(with);
    folder_close(&folder);
}

TEST(snapshots_are_counted)
{
    struct folder folder;
    folder_open(&folder);
    unsigned before = snapshots_alive();
    struct snapshot *snapshot = build(&folder, NEEDED, NULL);
    check(snapshot->ruleset == NULL);
    check_number(snapshot->inspection.engine, ENGINE_OFF);
    check_number(snapshots_alive(), before + 1);
    check(snapshot_take(snapshot) == snapshot);
    snapshot_give(snapshot);
    check_number(snapshots_alive(), before + 1);
    snapshot_give(snapshot);
    check_number(snapshots_alive(), before);
    check(build(&folder, "version: 2\n", NULL) == NULL);
    check_number(snapshots_alive(), before);
    folder_close(&folder);
}

TEST(faults_of_rules_and_routes_are_said_in_one_run)
{
    struct folder folder;
    folder_open(&folder);
    folder_write(&folder, "rules/a.conf", "SecRool ARGS x\n", 0644);
    check(build(&folder, WITH_RULES "routes: [{ match: 'GET /a{b}' }]\n", NULL) == NULL);
    check_number(faults_count(folder.faults, FAULT_ERROR), 2);
    const char *said = folder_faults(&folder);
    check(strncmp(said, "rules/a.conf:1:1: ", 18) == 0);
    check(strstr(said, "\na.yaml:5:19: routes[].match: 'GET /a{b}'") != NULL);
    folder_close(&folder);
}

TEST(rule_files_that_everybody_may_write_or_that_are_missing_are_refused)
{
    struct folder folder;
    folder_open(&folder);
    folder_write(&folder, "rules/a.conf", "SecRuleEngine On\n", 0646);
    check(build(&folder, WITH_RULES, NULL) == NULL);
    check(strstr(folder_faults(&folder), "everybody may write it") != NULL);
    check(build(&folder, NEEDED "rules: { files: [nowhere.conf] }\n", NULL) == NULL);
    check(strncmp(folder_faults(&folder), "a.yaml:4:18: ", 13) == 0);
    folder_close(&folder);
}

/* ---- YAML over SecLang ---- */

TEST(directives_hold_where_the_settings_are_silent)
{
    struct folder folder;
    folder_open(&folder);
    folder_write(&folder, "rules/a.conf",
                 "SecRuleEngine DetectionOnly\nSecRequestBodyLimit 1000\n"
                 "SecRequestBodyLimitAction ProcessPartial\nSecResponseBodyAccess On\n"
                 "SecResponseBodyLimit 2000\nSecResponseBodyMimeType a/b\n",
                 0644);
    struct snapshot *snapshot = build(&folder, WITH_RULES, NULL);
    check(snapshot != NULL);
    check_number(snapshot->inspection.engine, ENGINE_DETECTION_ONLY);
    check(snapshot->inspection.request_body_access && snapshot->inspection.response_body_access);
    check_number(snapshot->inspection.request_body_limit, 1000);
    check_number(snapshot->inspection.response_body_limit, 2000);
    check_number(snapshot->settings->rules.request_over, OVER_BODY_PREFIX);
    const struct inspection_options *options = &snapshot->inspection;
    check_span(options->response_body_types[options->response_body_type_count - 1], "a/b");
    check_span(span_text(folder_faults(&folder)),
               "a.yaml:4:8: warning: SecRuleEngine DetectionOnly holds, since rules.mode is not "
               "given: nothing is refused (set rules.mode to have the last word)\n");
    snapshot_give(snapshot);
    folder_close(&folder);
}

TEST(the_settings_win_over_directives_and_say_so)
{
    struct folder folder;
    folder_open(&folder);
    folder_write(&folder, "rules/a.conf",
                 "SecRuleEngine DetectionOnly\nSecRequestBodyLimit 1000\n"
                 "SecRequestBodyLimitAction ProcessPartial\nSecResponseBodyAccess On\n"
                 "SecResponseBodyMimeType a/b\n",
                 0644);
    struct snapshot *snapshot =
        build(&folder,
              NEEDED "rules: { files: [rules/*.conf], mode: on, request_body: { inspect: 2KiB, "
                     "over_limit: reject }, response_body: { inspect: 0, types: [c/d] } }\n",
              NULL);
    check(snapshot != NULL);
    check_number(snapshot->inspection.engine, ENGINE_ON);
    check_number(snapshot->inspection.request_body_limit, 2048);
    check(!snapshot->inspection.response_body_access);
    check_number(snapshot->settings->rules.request_over, OVER_BODY_REJECT);
    check_number(snapshot->inspection.response_body_type_count, 1);
    check_span(
        span_text(folder_faults(&folder)),
        "a.yaml:4:8: warning: rules.mode wins over SecRuleEngine, which says something else\n"
        "a.yaml:4:8: warning: rules.request_body.inspect wins over SecRequestBodyLimit, which "
        "says something else\n"
        "a.yaml:4:8: warning: rules.request_body.over_limit wins over "
        "SecRequestBodyLimitAction, which says something else\n"
        "a.yaml:4:8: warning: rules.response_body.inspect wins over SecResponseBodyAccess, "
        "which says something else\n"
        "a.yaml:4:8: warning: rules.response_body.types wins over SecResponseBodyMimeType, "
        "which says something else\n");
    snapshot_give(snapshot);
    folder_close(&folder);
}

TEST(the_settings_have_their_defaults_where_nobody_speaks)
{
    struct folder folder;
    folder_open(&folder);
    write_rule(&folder, "rules/a.conf", 1);
    struct snapshot *snapshot = build(&folder, WITH_RULES, NULL);
    check_number(snapshot->inspection.engine, ENGINE_ON);
    check(snapshot->inspection.request_body_access);
    check(!snapshot->inspection.response_body_access);
    check_number(snapshot->inspection.request_body_limit, 128 * 1024);
    snapshot_give(snapshot);
    folder_close(&folder);
}

/* ---- the base, and a Core Rule Set ---- */

TEST(bodies_are_read_by_their_content_type_unless_the_files_have_their_own_way)
{
    struct folder folder;
    folder_open(&folder);
    write_rule(&folder, "rules/a.conf", 1);
    struct snapshot *snapshot = build(&folder, WITH_RULES, NULL);
    check(ruleset_find(snapshot->ruleset, 200000) != NULL);
    check(ruleset_find(snapshot->ruleset, 200001) != NULL);
    check(ruleset_find(snapshot->ruleset, 200006) != NULL);
    check(ruleset_find(snapshot->ruleset, 200002) == NULL); /* there is no CRS */
    snapshot_give(snapshot);
    folder_write(&folder, "rules/b.conf",
                 "# id:200000 is only spoken of\n"
                 "SecRule ARGS \"@rx x\" \"id:'200001',phase:1,pass\"\n",
                 0644);
    snapshot = build(&folder, WITH_RULES, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check(ruleset_find(snapshot->ruleset, 200000) != NULL);
    check(strstr(ruleset_find(snapshot->ruleset, 200001)->file, "b.conf") != NULL);
    snapshot_give(snapshot);
    folder_close(&folder);
}

TEST(an_audit_log_of_seclang_alone_is_as_modsecurity_writes_it)
{
    struct folder folder;
    folder_open(&folder);
    folder_write(&folder, "rules/a.conf",
                 "SecAuditEngine RelevantOnly\nSecAuditLog audit.log\nSecAuditLogParts ABZ\n"
                 "SecAuditLogStorageDir /store\nSecAuditLogType Concurrent\n"
                 "SecAuditLogRelevantStatus ^5\n",
                 0644);
    struct snapshot *snapshot = build(&folder, WITH_RULES, NULL);
    check(snapshot != NULL);
    const struct settings *settings = snapshot->settings;
    check(span_starts(settings->audit_log.path, SPAN("/"))); /* beside the file that names it */
    check(span_ends(settings->audit_log.path, SPAN("/rules/audit.log")));
    check_number(settings->audit_log.format, AUDIT_NATIVE);
    check_number(settings->audit_log.type, AUDIT_CONCURRENT);
    check_span(settings->audit_log.storage_dir, "/store");
    check(snapshot->audit_status != NULL);
    check_number(snapshot->inspection.audit_engine, AUDIT_RELEVANT_ONLY);
    check_span(snapshot->inspection.audit_parts, "ABZ");
    check_span(span_text(folder_faults(&folder)), "");
    snapshot_give(snapshot);
    folder_close(&folder);
}

TEST(the_settings_win_over_the_directives_of_the_audit_log)
{
    struct folder folder;
    folder_open(&folder);
    folder_write(&folder, "rules/a.conf",
                 "SecAuditEngine Off\nSecAuditLog a\nSecAuditLogParts ABZ\n"
                 "SecAuditLogType Concurrent\nSecAuditLogFormat Native\n",
                 0644);
    struct snapshot *snapshot = build(
        &folder, WITH_RULES "audit_log: { path: /mine, when: always, parts: ABHZ, type: serial }\n",
        NULL);
    check(snapshot != NULL);
    const struct settings *settings = snapshot->settings;
    check_span(settings->audit_log.path, "/mine");
    check_number(settings->audit_log.format, AUDIT_NATIVE); /* nobody else spoke of it */
    check_number(settings->audit_log.type, AUDIT_SERIAL);
    check(snapshot->audit_status == NULL);
    check_number(snapshot->inspection.audit_engine, AUDIT_ON);
    check_span(snapshot->inspection.audit_parts, "ABHZ");
    const char *said = folder_faults(&folder);
    check(strstr(said, "audit_log.path wins over SecAuditLog,") != NULL);
    check(strstr(said, "audit_log.when wins over SecAuditEngine,") != NULL);
    check(strstr(said, "audit_log.parts wins over SecAuditLogParts,") != NULL);
    check(strstr(said, "audit_log.type wins over SecAuditLogType,") != NULL);
    snapshot_give(snapshot);
    folder_close(&folder);
}

TEST(a_concurrent_audit_log_wants_its_folder)
{
    struct folder folder;
    folder_open(&folder);
    folder_write(&folder, "rules/a.conf", "SecAuditLogType Concurrent\nSecAuditLog /a\n", 0644);
    struct snapshot *snapshot = build(&folder, WITH_RULES, NULL);
    check(snapshot != NULL);
    check_number(snapshot->settings->audit_log.type, AUDIT_SERIAL);
    check(strstr(folder_faults(&folder), "so they go into one") != NULL);
    snapshot_give(snapshot);
    check(build(&folder, NEEDED "audit_log: { path: /a, type: concurrent }\n", NULL) == NULL);
    check(strstr(folder_faults(&folder), "add audit_log.storage_dir") != NULL);
    check(build(&folder, NEEDED "audit_log: { relevant_status: '(5' }\n", NULL) == NULL);
    check(build(&folder, NEEDED "audit_log: { parts: ABX }\n", NULL) == NULL);
    folder_close(&folder);
}

/* The phase's starters in their order, as "1 2 3". */
static const char *order(const struct snapshot *snapshot, char *to, size_t size)
{
    const struct ruleset_phase *phase = &snapshot->ruleset->phases[PHASE_REQUEST_HEADERS];
    size_t len = 0;
    to[0] = '\0';
    for (size_t i = 0; i < phase->count && len < size; i++) {
        const struct rule *rule = phase->steps[i].rule;
        if (rule != NULL && (rule->id < 200000 || rule->id > 200006))
            len += (size_t)snprintf(to + len, size - len, "%s%llu", len > 0 ? " " : "",
                                    (unsigned long long)rule->id);
    }
    return to;
}

static void write_crs(struct folder *folder)
{
    write_rule(folder, "crs/crs-setup.conf.example", 10);
    write_rule(folder, "plugins/x-config.conf", 90); /* beside the folder: not looked at */
    write_rule(folder, "crs/x.conf", 91);
    write_rule(folder, "before.conf", 1);
    write_rule(folder, "own.conf", 2);
    write_rule(folder, "after.conf", 3);
}

#define WITH_CRS                                                                             \
    NEEDED "rules: { before: [before.conf], files: [own.conf], after: [after.conf], crs: { " \
           "folder: crs, paranoia: 2, inbound_threshold: 7 } }\n"

static void make_inner(struct folder *folder, const char *inner)
{
    char path[128];
    snprintf(path, sizeof path, "%s", folder_path(folder, inner));
    check_number(mkdir(path, 0755), 0);
}

TEST(a_folder_of_rules_is_loaded_in_the_order_of_the_core_rule_set)
{
    struct folder folder;
    char text[256];
    folder_open(&folder);
    write_crs(&folder);
    make_inner(&folder, "crs/rules");
    make_inner(&folder, "crs/plugins");
    write_rule(&folder, "crs/rules/one.conf", 20);
    write_rule(&folder, "crs/plugins/p-config.conf", 11);
    write_rule(&folder, "crs/plugins/p-before.conf", 12);
    write_rule(&folder, "crs/plugins/p-after.conf", 21);
    struct snapshot *snapshot = build(&folder, WITH_CRS, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_span(span_text(order(snapshot, text, sizeof text)), "1 10 9990000 11 12 20 21 2 3");
    /* a setup of one's own goes before the example */
    write_rule(&folder, "crs/crs-setup.conf", 13);
    struct snapshot *own = build(&folder, WITH_CRS, snapshot);
    check_span(span_text(order(own, text, sizeof text)), "1 13 9990000 11 12 20 21 2 3");
    snapshot_give(snapshot);
    snapshot_give(own);
    folder_close(&folder);
}

TEST(one_ruleset_serves_routes_with_other_levels_of_the_core_rule_set)
{
    struct folder folder;
    char text[256];
    folder_open(&folder);
    write_crs(&folder);
    make_inner(&folder, "crs/rules");
    write_rule(&folder, "crs/rules/one.conf", 20);
    struct snapshot *first = build(
        &folder, WITH_CRS "routes: [{ match: ANY /a, rules: { crs: { paranoia: 3 } } }]\n", NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_span(span_text(order(first, text, sizeof text)), "1 10 9990000 9990001 9990005 20 2 3");
    /* another level is another route, not another ruleset */
    struct snapshot *second = build(
        &folder, WITH_CRS "routes: [{ match: ANY /a, rules: { crs: { paranoia: 4 } } }]\n", first);
    check(first->ruleset == second->ruleset);
    check(first->routes != second->routes);
    const struct route *route = routes_match(second->routes, SPAN("GET"), SPAN("/a"));
    check_number(route->variable_count, 1);
    check_span(route->variables[0].name, "sidegate_paranoia");
    check_span(route->variables[0].value, "4");
    /* another key is */
    struct snapshot *third = build(
        &folder, WITH_CRS "routes: [{ match: ANY /a, rules: { crs: { inbound_threshold: 4 } } }]\n",
        second);
    check_span(span_text(order(third, text, sizeof text)), "1 10 9990000 9990003 20 2 3");
    snapshot_give(first);
    snapshot_give(second);
    snapshot_give(third);
    folder_close(&folder);
}

TEST(an_owasp_crs_load_file_goes_before_the_folder)
{
    struct folder folder;
    char text[256];
    folder_open(&folder);
    write_crs(&folder);
    make_inner(&folder, "crs/rules");
    write_rule(&folder, "crs/rules/one.conf", 20);
    write_rule(&folder, "crs/rules/two.conf", 22);
    folder_write(&folder, "crs/owasp-crs.load",
                 "# Include crs-setup of old\nInclude crs-setup.conf.example\n"
                 "IncludeOptional nothing*.conf\nInclude rules/one.conf\n",
                 0644);
    struct snapshot *snapshot = build(&folder, WITH_CRS, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_span(span_text(order(snapshot, text, sizeof text)), "1 10 9990000 20 2 3");
    snapshot_give(snapshot);
    folder_write(&folder, "crs/owasp-crs.load",
                 "Include crs-setup.conf.example\n\nInclude missing.conf\n", 0644);
    check(build(&folder, WITH_CRS, NULL) == NULL);
    check(strncmp(folder_faults(&folder), "crs/owasp-crs.load:3:9: ", 24) == 0);
    folder_close(&folder);
}

TEST(a_folder_without_rules_is_refused)
{
    struct folder folder;
    folder_open(&folder);
    write_crs(&folder);
    check(build(&folder, WITH_CRS, NULL) == NULL);
    check(strncmp(folder_faults(&folder), "a.yaml:4:88: rules.crs.folder: '", 32) == 0);
    check(strstr(folder_faults(&folder), "holds no Core Rule Set") != NULL);
    folder_close(&folder);
}

int snapshot_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_that_have_not_changed_are_shared),
        cmocka_unit_test(lists_of_addresses_are_read_again_where_their_file_has_changed),
        cmocka_unit_test(a_list_that_was_only_touched_is_read_once_and_not_at_every_look),
        cmocka_unit_test(only_the_kinds_that_changed_are_read_again),
        cmocka_unit_test(what_was_fetched_is_a_list_once_it_was_found_to_be_one),
        cmocka_unit_test(a_set_keeps_by_its_name_what_was_put_into_it_over_a_reload),
        cmocka_unit_test(rules_are_compiled_again_where_a_file_or_a_pattern_has_other_answers),
        cmocka_unit_test(the_baseline_is_part_of_the_program_and_each_of_its_rules_says_what_it_is),
        cmocka_unit_test(the_baseline_stands_before_other_rules_and_is_compiled_in_and_out),
        cmocka_unit_test(snapshots_are_counted),
        cmocka_unit_test(faults_of_rules_and_routes_are_said_in_one_run),
        cmocka_unit_test(rule_files_that_everybody_may_write_or_that_are_missing_are_refused),
        cmocka_unit_test(directives_hold_where_the_settings_are_silent),
        cmocka_unit_test(the_settings_win_over_directives_and_say_so),
        cmocka_unit_test(the_settings_have_their_defaults_where_nobody_speaks),
        cmocka_unit_test(an_audit_log_of_seclang_alone_is_as_modsecurity_writes_it),
        cmocka_unit_test(the_settings_win_over_the_directives_of_the_audit_log),
        cmocka_unit_test(a_concurrent_audit_log_wants_its_folder),
        cmocka_unit_test(bodies_are_read_by_their_content_type_unless_the_files_have_their_own_way),
        cmocka_unit_test(a_folder_of_rules_is_loaded_in_the_order_of_the_core_rule_set),
        cmocka_unit_test(one_ruleset_serves_routes_with_other_levels_of_the_core_rule_set),
        cmocka_unit_test(an_owasp_crs_load_file_goes_before_the_folder),
        cmocka_unit_test(a_folder_without_rules_is_refused),
    };
    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
