/* SPDX-License-Identifier: Apache-2.0 */
/* rules.exclusions: what acts, where, and until when. */
#include <stdio.h>

#include "rules/language/ruleset.h"
#include "sidecar/config/exclusions.h"
#include "sidecar/config/route_rules.h"
#include "tests/check.h"
#include "tests/unit/config/folder.h"
#include "tests/unit/config/suites.h"

#define RULES                                                                     \
    "SecRule ARGS \"@streq evil\" \"id:100,phase:1,deny,log,tag:'attack-x'\"\n"   \
    "SecRule ARGS:other \"@streq evil\" \"id:101,phase:1,deny,log\"\n"            \
    "SecRule ARGS \"@streq evil\" \"id:205,phase:2,deny,log,tag:'attack-y/1'\"\n" \
    "SecRule REQUEST_METHOD \"@streq GET\" \"id:300,phase:2,deny,log,chain\"\n"   \
    "  SecRule ARGS \"@streq chained\" \"t:none\"\n"

enum { DAY_S = 86400 };
static const uint64_t today_s = UINT64_C(1795219200); /* 2026-11-21 */

static uint64_t wall_us(void *context)
{
    const uint64_t *seconds = context;
    return *seconds * 1000000;
}

static uint64_t no_cpu(void *context)
{
    (void)context;
    return 0;
}

static struct snapshot *build(struct folder *folder, const char *exclusions)
{
    char text[2048], path[128];
    snprintf(text, sizeof text, NEEDED "rules: { files: [own.conf], exclusions: [%s] }\n",
             exclusions);
    folder_write(folder, "own.conf", RULES, 0644);
    snprintf(path, sizeof path, "%s", folder_write(folder, "a.yaml", text, 0644));
    const char *files[] = {path};
    struct settings_source source = folder_source(folder, files, 1);
    source.now_s = today_s;
    faults_free(folder->faults);
    folder->faults = faults_new();
    return snapshot_build(&source, NULL, folder->faults);
}

/* The ids that match in phases 1 and 2 in detection only, as "100 205". */
static const char *matches(const struct snapshot *snapshot, const char *target, uint64_t now_s)
{
    static _Thread_local char said[128];
    struct arena *arena = arena_new(NULL, 16 << 20);
    struct inspection_world world = {
        .wall_us = wall_us, .cpu_ns = no_cpu, .context = &now_s, .scratch = scratch_new()};
    struct span path = span_first(span_text(target), strcspn(target, "?"));
    struct route_choice choice = {routes_at(snapshot->routes, 0), path,
                                  span_find(path, SPAN("..")) != SPAN_NONE};
    struct inspection_options options = route_rules_options(snapshot, &choice);
    options.engine = ENGINE_DETECTION_ONLY;
    struct inspection *tx = inspection_begin(snapshot->ruleset, &options, &world, arena);
    struct inspection_request request = {
        .method = SPAN("GET"), .target = span_text(target), .protocol = SPAN("HTTP/1.1")};
    inspection_set_request(tx, &request);
    route_rules_tell(tx, snapshot, &choice);
    inspection_run(tx, PHASE_REQUEST_HEADERS, 0);
    inspection_request_body_end(tx, false);
    inspection_run(tx, PHASE_REQUEST_BODY, 0);
    size_t count, len = 0;
    said[0] = '\0';
    const struct rule_match *at = inspection_matches(tx, &count);
    for (size_t i = 0; i < count; i++)
        if (at[i].rule_id < EXCLUSION_FIRST_ID)
            len += (size_t)snprintf(said + len, sizeof said - len, "%s%llu", len > 0 ? " " : "",
                                    (unsigned long long)at[i].rule_id);
    inspection_end(tx);
    scratch_free(world.scratch);
    arena_free(arena);
    return said;
}

static void check_matches(const char *exclusions, const char *target, const char *wanted)
{
    struct folder folder;
    folder_open(&folder);
    struct snapshot *snapshot = build(&folder, exclusions);
    check_span(span_text(folder_faults(&folder)), "");
    check_span(span_text(matches(snapshot, target, today_s)), wanted);
    snapshot_give(snapshot);
    folder_close(&folder);
}

TEST(without_an_exclusion_all_rules_look)
{
    check_matches("", "/a?q=evil&other=evil&c=chained", "100 101 205 300");
}

TEST(a_rule_is_named_by_its_id_a_range_a_tag_or_a_list_of_these)
{
    check_matches("{ rule: 100, reason: r }", "/a?q=evil", "205");
    check_matches("{ rule: 100-204, reason: r }", "/a?q=evil", "205");
    check_matches("{ rule: 'tag:attack-x', reason: r }", "/a?q=evil", "205");
    check_matches("{ rule: 'tag:^attack-', reason: r }", "/a?q=evil", "");
    check_matches("{ rule: [100, 'tag:attack-y/1'], reason: r }", "/a?q=evil", "");
    check_matches("{ rule: '100, 205', reason: r }", "/a?q=evil", "");
}

TEST(a_target_is_left_out_in_every_link_and_others_are_looked_at)
{
    check_matches("{ rule: 100-205, target: 'ARGS:q', reason: r }", "/a?q=evil", "");
    check_matches("{ rule: 100-205, target: 'ARGS:q', reason: r }", "/a?q=evil&r=evil", "100 205");
    check_matches("{ rule: 100-205, target: 'ARGS:/^q/', reason: r }", "/a?qq=evil", "");
    check_matches("{ rule: 'tag:attack-x', target: ARGS, reason: r }", "/a?qq=evil", "205");
    check_matches("{ rule: 300, target: 'ARGS:c', reason: r }", "/a?c=chained", "");
}

TEST(a_path_is_exact_or_a_beginning_with_a_star)
{
    check_matches("{ rule: 100, path: /a, reason: r }", "/a?q=evil", "205");
    check_matches("{ rule: 100, path: /a, reason: r }", "/a/b?q=evil", "100 205");
    check_matches("{ rule: 100, path: '/a/*', reason: r }", "/a/b?q=evil", "205");
    check_matches("{ rule: 100, path: '/a/*', reason: r }", "/ab?q=evil", "100 205");
    check_matches("{ rule: 100, path: '/a*', reason: r }", "/ab?q=evil", "205");
    check_matches("{ rule: 100, path: '/*', reason: r }", "/?q=evil", "205");
}

TEST(on_a_doubtful_path_no_exclusion_with_a_path_acts)
{
    check_matches("{ rule: 100, path: '/a/*', reason: r }", "/a/../b?q=evil", "100 205");
    check_matches("{ rule: 100, reason: r }", "/a/../b?q=evil", "205");
}

TEST(an_exclusion_ends_with_its_day_in_a_running_program)
{
    struct folder folder;
    folder_open(&folder);
    struct snapshot *snapshot =
        build(&folder, "{ rule: 100, reason: r, expires: 2026-11-22 }, "
                       "{ rule: 205, path: /a, reason: r, expires: 2026-11-23 }");
    check_span(span_text(folder_faults(&folder)), "");
    check_span(span_text(matches(snapshot, "/a?q=evil", today_s)), "");
    check_span(span_text(matches(snapshot, "/a?q=evil", today_s + DAY_S - 1)), "");
    check_span(span_text(matches(snapshot, "/a?q=evil", today_s + DAY_S)), "100");
    check_span(span_text(matches(snapshot, "/a?q=evil", today_s + 2 * DAY_S)), "100 205");
    snapshot_give(snapshot);
    folder_close(&folder);
}

TEST(an_exclusion_whose_day_has_come_is_warned_of)
{
    struct folder folder;
    folder_open(&folder);
    struct snapshot *snapshot = build(&folder, "{ rule: 100, reason: r, expires: 2026-11-21 }, "
                                               "{ rule: 205, reason: r, expires: 2026-11-22 }");
    check_span(span_text(folder_faults(&folder)),
               "a.yaml:4:75: warning: rules.exclusions[].expires: this day has come: the exclusion "
               "does not act (take it out, or give it another day)\n");
    check(snapshot->settings->rules.exclusions[0].expired);
    check(!snapshot->settings->rules.exclusions[1].expired);
    snapshot_give(snapshot);
    folder_close(&folder);
}

TEST(what_names_no_loaded_rule_is_warned_of_at_its_place)
{
    struct folder folder;
    folder_open(&folder);
    struct snapshot *snapshot =
        build(&folder, "{ rule: [100, 7, 8-99, 'tag:nothing'], reason: r }");
    check_span(span_text(folder_faults(&folder)),
               "a.yaml:4:56: warning: rules.exclusions[].rule: no rule that is loaded is meant by "
               "'7'\n"
               "a.yaml:4:59: warning: rules.exclusions[].rule: no rule that is loaded is meant by "
               "'8-99'\n"
               "a.yaml:4:66: warning: rules.exclusions[].rule: no rule that is loaded is meant by "
               "'tag:nothing'\n");
    const struct settings *settings = snapshot->settings;
    check_number(exclusion_rule_count(&settings->rules.exclusions[0], settings, snapshot->ruleset),
                 1);
    const struct rule *made = ruleset_find(snapshot->ruleset, EXCLUSION_FIRST_ID);
    check_number(made->line, 4);
    check(exclusion_of(settings, made) == &settings->rules.exclusions[0]);
    check(exclusion_of(settings, ruleset_find(snapshot->ruleset, 100)) == NULL);
    snapshot_give(snapshot);
    folder_close(&folder);
}

TEST(exclusions_print_and_read_back_as_the_same)
{
    struct folder folder;
    struct buf text;
    folder_open(&folder);
    buf_init(&text, 1 << 20);
    struct snapshot *snapshot =
        build(&folder, "{ rule: [100, 'tag:attack-x', 8-300], target: 'ARGS:/^a,b$/', path: "
                       "'/a b'.., reason: r }");
    check(snapshot == NULL);
    snapshot = build(&folder, "{ rule: [100, 'tag:a,b', 8-300], target: 'ARGS:/^a,b$/', path: "
                              "'/a/*', reason: \"so: 'it' is\", expires: 2030-01-31 }");
    settings_print(snapshot->settings, &text);
    buf_add_byte(&text, '\0');
    struct settings *again = folder_read(&folder, text.at, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    struct buf printed;
    buf_init(&printed, 1 << 20);
    settings_print(again, &printed);
    buf_add_byte(&printed, '\0');
    check(span_is(buf_span(&printed), buf_span(&text)));
    buf_fini(&printed);
    check_number(again->rules.exclusions[0].rule_count, 3);
    check_span(again->rules.exclusions[0].rules[1].tag, "a,b");
    settings_free(again);
    snapshot_give(snapshot);
    buf_fini(&text);
    folder_close(&folder);
}

int exclusion_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_exclusion_all_rules_look),
        cmocka_unit_test(a_rule_is_named_by_its_id_a_range_a_tag_or_a_list_of_these),
        cmocka_unit_test(a_target_is_left_out_in_every_link_and_others_are_looked_at),
        cmocka_unit_test(a_path_is_exact_or_a_beginning_with_a_star),
        cmocka_unit_test(on_a_doubtful_path_no_exclusion_with_a_path_acts),
        cmocka_unit_test(an_exclusion_ends_with_its_day_in_a_running_program),
        cmocka_unit_test(an_exclusion_whose_day_has_come_is_warned_of),
        cmocka_unit_test(what_names_no_loaded_rule_is_warned_of_at_its_place),
        cmocka_unit_test(exclusions_print_and_read_back_as_the_same),
    };
    return cmocka_run_group_tests_name("exclusion", tests, NULL, NULL);
}
