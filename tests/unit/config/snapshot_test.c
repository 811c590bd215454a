/* SPDX-License-Identifier: Apache-2.0 */
/* What a snapshot is built from and shares. */
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
    struct snapshot *first = folder_build(&folder, WITH_RULES, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    struct snapshot *same = folder_build(&folder, "# moved by a line\n" WITH_RULES, first);
    struct snapshot *other = folder_build(&folder, WITH_RULES "timeouts: { idle: 1s }\n", first);
    check(same->ruleset == first->ruleset && same->routes == first->routes);
    check_number(same->hash, first->hash);
    check(same->number == first->number + 1);
    check(other->ruleset == first->ruleset && other->routes == first->routes);
    check(other->hash != first->hash);
    check_number(other->settings->timeouts.idle_us, 1000000);
    struct snapshot *routed =
        folder_build(&folder, WITH_RULES "routes: [{ match: GET /x }]\n", first);
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
    struct snapshot *first = folder_build(&folder, text, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check(networks_have_text(first->ip_sets[0].networks, SPAN("192.0.2.7")));
    check(networks_have_text(first->ip_sets[0].networks, SPAN("::1")));
    struct snapshot *same = folder_build(&folder, text, first);
    check(same->ip_sets[0].networks == first->ip_sets[0].networks);
    folder_write(&folder, "list.txt", "203.0.113.0/24\n", 0644);
    struct snapshot *other = folder_build(&folder, text, first);
    check(!networks_have_text(other->ip_sets[0].networks, SPAN("192.0.2.7")));
    check(networks_have_text(other->ip_sets[0].networks, SPAN("203.0.113.7")));
    check(other->hash != first->hash);
    folder_write(&folder, "list.txt", "203.0.113.0/24\n\n203.0.113.0/33\n", 0644);
    check(folder_build(&folder, text, first) == NULL);
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
    struct snapshot *first = folder_build(
        &folder, NEEDED "ip_sets: { a: { addresses: ['::1'] }, b: { addresses: ['::2'] } }\n",
        NULL);
    live_entries_put(first->ip_sets[1].live, &entry, 1);
    struct snapshot *other = folder_build(
        &folder, NEEDED "ip_sets: { b: { addresses: ['::3'] }, c: { addresses: ['::4'] } }\n",
        first);
    snapshot_give(first);
    check(address_set_has(&other->ip_sets[0], &entry.network.at, 1));
    check(!address_set_has(&other->ip_sets[1], &entry.network.at, 1));
    struct snapshot *without =
        folder_build(&folder, NEEDED "ip_sets: { c: { addresses: ['::4'] } }\n", other);
    snapshot_give(other);
    struct snapshot *again =
        folder_build(&folder, NEEDED "ip_sets: { b: { addresses: ['::3'] } }\n", without);
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
        folder_build(&folder, NEEDED "ip_sets: { a: { file: list.txt, refresh: 1s } }\n", NULL);
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
        folder_build(&folder, NEEDED "ip_sets: { a: { file: list.txt, refresh: 1s } }\n", NULL);
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
    struct snapshot *first = folder_build(&folder, WITH_RULES, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    folder_write(&folder, "rules/words.data", "two\n", 0644);
    struct snapshot *words = folder_build(&folder, WITH_RULES, first);
    check(words->ruleset != first->ruleset);
    check(words->hash != first->hash);
    write_rule(&folder, "rules/c.conf", 3); /* a new answer to the pattern */
    struct snapshot *more = folder_build(&folder, WITH_RULES, words);
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
    struct snapshot *snapshot = folder_build(&folder, NEEDED "rules: { baseline: on }\n", NULL);
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
    struct snapshot *without = folder_build(&folder, WITH_RULES, NULL);
    check(ruleset_find(without->ruleset, 5100800) == NULL);
    folder_write(&folder, "rules/b.conf", "SecRuleRemoveById 5100900\n", 0644);
    struct snapshot *with =
        folder_build(&folder, NEEDED "rules: { files: [rules/*.conf], baseline: on }\n", without);
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
    struct snapshot *snapshot = folder_build(&folder, NEEDED, NULL);
    check(snapshot->ruleset == NULL);
    check_number(snapshot->inspection.engine, ENGINE_OFF);
    check_number(snapshots_alive(), before + 1);
    check(snapshot_take(snapshot) == snapshot);
    snapshot_give(snapshot);
    check_number(snapshots_alive(), before + 1);
    snapshot_give(snapshot);
    check_number(snapshots_alive(), before);
    check(folder_build(&folder, "version: 2\n", NULL) == NULL);
    check_number(snapshots_alive(), before);
    folder_close(&folder);
}

TEST(faults_of_rules_and_routes_are_said_in_one_run)
{
    struct folder folder;
    folder_open(&folder);
    folder_write(&folder, "rules/a.conf", "SecRool ARGS x\n", 0644);
    check(folder_build(&folder, WITH_RULES "routes: [{ match: 'GET /a{b}' }]\n", NULL) == NULL);
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
    check(folder_build(&folder, WITH_RULES, NULL) == NULL);
    check(strstr(folder_faults(&folder), "everybody may write it") != NULL);
    check(folder_build(&folder, NEEDED "rules: { files: [nowhere.conf] }\n", NULL) == NULL);
    check(strncmp(folder_faults(&folder), "a.yaml:4:18: ", 13) == 0);
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
    };
    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
