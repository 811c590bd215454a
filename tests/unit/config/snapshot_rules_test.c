/* SPDX-License-Identifier: Apache-2.0 */
/* What a snapshot settles between YAML and SecLang, and what it makes of a Core Rule Set. */
#include "sidecar/config/snapshot.h"

#include <stdio.h>
#include <sys/stat.h>

#include "rules/language/ruleset.h"
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
    struct snapshot *snapshot = folder_build(&folder, WITH_RULES, NULL);
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
    struct snapshot *snapshot = folder_build(
        &folder,
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
    struct snapshot *snapshot = folder_build(&folder, WITH_RULES, NULL);
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
    struct snapshot *snapshot = folder_build(&folder, WITH_RULES, NULL);
    check(ruleset_find(snapshot->ruleset, 200000) != NULL);
    check(ruleset_find(snapshot->ruleset, 200001) != NULL);
    check(ruleset_find(snapshot->ruleset, 200006) != NULL);
    check(ruleset_find(snapshot->ruleset, 200002) == NULL); /* there is no CRS */
    snapshot_give(snapshot);
    folder_write(&folder, "rules/b.conf",
                 "# id:200000 is only spoken of\n"
                 "SecRule ARGS \"@rx x\" \"id:'200001',phase:1,pass\"\n",
                 0644);
    snapshot = folder_build(&folder, WITH_RULES, NULL);
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
    struct snapshot *snapshot = folder_build(&folder, WITH_RULES, NULL);
    check(snapshot != NULL);
    const struct settings *settings = snapshot->settings;
    check(span_starts(settings->audit_log.to.path, SPAN("/"))); /* beside the file that names it */
    check(span_ends(settings->audit_log.to.path, SPAN("/rules/audit.log")));
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
    struct snapshot *snapshot = folder_build(
        &folder, WITH_RULES "audit_log: { path: /mine, when: always, parts: ABHZ, type: serial }\n",
        NULL);
    check(snapshot != NULL);
    const struct settings *settings = snapshot->settings;
    check_span(settings->audit_log.to.path, "/mine");
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
    struct snapshot *snapshot = folder_build(&folder, WITH_RULES, NULL);
    check(snapshot != NULL);
    check_number(snapshot->settings->audit_log.type, AUDIT_SERIAL);
    check(strstr(folder_faults(&folder), "so they go into one") != NULL);
    snapshot_give(snapshot);
    check(folder_build(&folder, NEEDED "audit_log: { path: /a, type: concurrent }\n", NULL) ==
          NULL);
    check(strstr(folder_faults(&folder), "add audit_log.storage_dir") != NULL);
    check(folder_build(&folder, NEEDED "audit_log: { relevant_status: '(5' }\n", NULL) == NULL);
    check(folder_build(&folder, NEEDED "audit_log: { parts: ABX }\n", NULL) == NULL);
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
    struct snapshot *snapshot = folder_build(&folder, WITH_CRS, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_span(span_text(order(snapshot, text, sizeof text)), "1 10 9990000 11 12 20 21 2 3");
    /* a setup of one's own goes before the example */
    write_rule(&folder, "crs/crs-setup.conf", 13);
    struct snapshot *own = folder_build(&folder, WITH_CRS, snapshot);
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
    struct snapshot *first = folder_build(
        &folder, WITH_CRS "routes: [{ match: ANY /a, rules: { crs: { paranoia: 3 } } }]\n", NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_span(span_text(order(first, text, sizeof text)), "1 10 9990000 9990001 9990005 20 2 3");
    /* another level is another route, not another ruleset */
    struct snapshot *second = folder_build(
        &folder, WITH_CRS "routes: [{ match: ANY /a, rules: { crs: { paranoia: 4 } } }]\n", first);
    check(first->ruleset == second->ruleset);
    check(first->routes != second->routes);
    const struct route *route = routes_match(second->routes, SPAN("GET"), SPAN("/a"));
    check_number(route->variable_count, 1);
    check_span(route->variables[0].name, "sidegate_paranoia");
    check_span(route->variables[0].value, "4");
    /* another key is */
    struct snapshot *third = folder_build(
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
    struct snapshot *snapshot = folder_build(&folder, WITH_CRS, NULL);
    check_span(span_text(folder_faults(&folder)), "");
    check_span(span_text(order(snapshot, text, sizeof text)), "1 10 9990000 20 2 3");
    snapshot_give(snapshot);
    folder_write(&folder, "crs/owasp-crs.load",
                 "Include crs-setup.conf.example\n\nInclude missing.conf\n", 0644);
    check(folder_build(&folder, WITH_CRS, NULL) == NULL);
    check(strncmp(folder_faults(&folder), "crs/owasp-crs.load:3:9: ", 24) == 0);
    folder_close(&folder);
}

TEST(a_folder_without_rules_is_refused)
{
    struct folder folder;
    folder_open(&folder);
    write_crs(&folder);
    check(folder_build(&folder, WITH_CRS, NULL) == NULL);
    check(strncmp(folder_faults(&folder), "a.yaml:4:88: rules.crs.folder: '", 32) == 0);
    check(strstr(folder_faults(&folder), "holds no Core Rule Set") != NULL);
    folder_close(&folder);
}

int snapshot_rules_suite(void)
{
    const struct CMUnitTest tests[] = {
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
    return cmocka_run_group_tests_name("snapshot_rules", tests, NULL, NULL);
}
