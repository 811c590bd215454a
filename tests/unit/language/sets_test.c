/* SPDX-License-Identifier: Apache-2.0 */
/* The OWASP Core Rule Set, loaded whole: version 4 from SIDEGATE_TEST_DATA, 3.3.4 where Debian's
 * package is installed. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/language/desk.h"
#include "tests/unit/language/suites.h"

struct numbers {
    unsigned rules, links, actions, targets, transformations, markers;
};

static void count_link(const struct rule *rule, struct numbers *numbers)
{
    numbers->actions += (unsigned)rule->action_count;
    numbers->targets += (unsigned)rule->target_count;
    numbers->transformations += (unsigned)rule->transformation_count;
    for (size_t i = 0; i < rule->target_count; i++)
        check(rule->targets[i].selector != SELECTOR_PATTERN || rule->targets[i].pattern != NULL);
}

static struct numbers count_rules(const struct ruleset *ruleset)
{
    struct numbers numbers = {0};
    for (unsigned phase = 1; phase < PHASE_COUNT; phase++)
        for (size_t i = 0; i < ruleset->phases[phase].count; i++) {
            const struct rule *rule = ruleset->phases[phase].steps[i].rule;
            numbers.rules += rule != NULL;
            numbers.markers += rule == NULL && phase == 1;
            if (rule == NULL)
                continue;
            check(rule->go_to == 0 ||
                  (rule->go_to > i && rule->go_to <= ruleset->phases[phase].count));
            count_link(rule, &numbers);
            for (const struct rule *link = rule->chain; link != NULL; link = link->chain) {
                numbers.links++;
                count_link(link, &numbers);
            }
        }
    return numbers;
}

static void load_paths(struct desk *desk, const char *const *paths, size_t count)
{
    desk->faults = faults_new();
    buf_init(&desk->said, 1 << 20);
    struct ruleset_builder *builder = ruleset_builder_new(ruleset_disk(), desk->faults);
    for (size_t i = 0; i < count; i++)
        ruleset_builder_add(builder, paths[i], (struct place){NULL, 0, 0});
    desk->ruleset = ruleset_builder_finish(builder);
    ruleset_builder_free(builder);
    faults_print(desk->faults, &desk->said);
}

static bool is_there(const char *path)
{
    if (access(path, R_OK) == 0)
        return true;
    print_message("%s is not there: skipped\n", path);
    return false;
}

TEST(version_4_of_the_core_rule_set_loads_whole_and_without_a_fault)
{
    struct desk desk = {0};
    const char *data = getenv("SIDEGATE_TEST_DATA");
    char setup[512], rules[512];
    data = data != NULL ? data : SIDEGATE_SOURCE_DIR "/../shared/data";
    snprintf(setup, sizeof setup, "%s/crs-4/crs-setup.conf.example", data);
    snprintf(rules, sizeof rules, "%s/crs-4/rules/*.conf", data);
    if (!is_there(setup))
        skip();
    load_paths(&desk, (const char *const[]){setup, rules}, 2);
    check_span(buf_span(&desk.said), "");
    struct numbers numbers = count_rules(desk.ruleset);
    check_number(numbers.rules, 630);
    check_number(numbers.links, 73);
    check_number(numbers.markers, 30);
    check_number(desk.ruleset->rule_count, 630);
    const struct rule *rule = ruleset_find(desk.ruleset, 942100);
    check(rule->was_block && rule->severity == 2 && rule->target_count > 6);
    check_span(span_text(operator_name(rule->operator)), "detectSQLi");
    desk_clear(&desk);
}

TEST(version_3_of_the_core_rule_set_loads_whole)
{
    struct desk desk = {0};
    const char *root =
        getenv("SIDEGATE_CRS3"); /* where Debian's package modsecurity-crs was unpacked */
    root = root != NULL ? root : "";
    char setup[512], rules[512];
    snprintf(setup, sizeof setup, "%s/etc/modsecurity/crs/crs-setup.conf", root);
    snprintf(rules, sizeof rules, "%s/usr/share/modsecurity-crs/rules/*.conf", root);
    const char *const paths[] = {setup, rules};
    if (!is_there(paths[0]))
        skip();
    load_paths(&desk, paths, 2);
    check_number(faults_count(desk.faults, FAULT_ERROR), 0);
    struct numbers numbers = count_rules(desk.ruleset);
    check_number(numbers.rules, 634);
    check_number(numbers.links, 166);
    check_number(numbers.markers, 40);
    desk_clear(&desk);
}

/* The shapes that ModSecurity's recommended configuration has: ids in quotes, spaces behind commas,
 * a message over lines, a pattern as selector. */
TEST(a_base_configuration_loads_and_says_what_has_no_effect)
{
    struct desk desk = {0};
    desk_file(&desk, "unicode.mapping", "20127 (US-ASCII)\n00a0:20 00a1:21\n");
    desk_read(&desk,
              "SecRuleEngine DetectionOnly\nSecRequestBodyLimit 13107200\n"
              "SecRule REQUEST_HEADERS:Content-Type \"^(?:text|application)/xml\" \\\n"
              "     \"id:'200000',phase:1,t:none,t:lowercase,pass,nolog,"
              "ctl:requestBodyProcessor=XML\"\n"
              "SecRule REQBODY_ERROR \"!@eq 0\" \\\n"
              "\"id:'200002', phase:2,t:none,log,deny,status:400,msg:'No.',"
              "logdata:'%{reqbody_error_msg}',severity:2\"\n"
              "SecRule MULTIPART_STRICT_ERROR \"!@eq 0\" \\\n"
              "\"id:'200003',phase:2,t:none,log,deny,status:400, \\\n"
              "msg:'Strict: \\\nPE %{REQBODY_PROCESSOR_ERROR}, \\\n"
              "FL %{MULTIPART_FILE_LIMIT_EXCEEDED}'\"\n"
              "SecRule TX:/^MSC_/ \"!@streq 0\" \"id:'200005',phase:2,t:none,deny\"\n"
              "SecTmpDir /tmp/\nSecStatusEngine On\nSecUnicodeMapFile unicode.mapping 20127\n");
    check_number(faults_count(desk.faults, FAULT_ERROR), 0);
    check_number(faults_count(desk.faults, FAULT_WARNING), 2);
    check_number(desk.ruleset->settings.unicode_map[0xa1], 0x21);
    check_number(desk.ruleset->rule_count, 4);
    const struct rule *rule = ruleset_find(desk.ruleset, 200003);
    check_span(rule->message.text, "Strict: PE %{REQBODY_PROCESSOR_ERROR}, "
                                   "FL %{MULTIPART_FILE_LIMIT_EXCEEDED}");
    desk_clear(&desk);
}

int sets_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_4_of_the_core_rule_set_loads_whole_and_without_a_fault),
        cmocka_unit_test(a_base_configuration_loads_and_says_what_has_no_effect),
        cmocka_unit_test(version_3_of_the_core_rule_set_loads_whole),
    };
    return cmocka_run_group_tests_name("sets", tests, NULL, NULL);
}
