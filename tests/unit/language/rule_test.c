/* SPDX-License-Identifier: Apache-2.0 */
/* Rules, chains, markers and what they inherit. */
#include "tests/unit/language/desk.h"
#include "tests/unit/language/suites.h"

static const struct rule *rule_of(const struct desk *desk, uint64_t id)
{
    const struct rule *rule = ruleset_find(desk->ruleset, id);
    check(rule != NULL && rule->id == id);
    return rule;
}

TEST(a_rule_is_read_with_all_that_it_says)
{
    struct desk desk = {0};
    desk_load(&desk,
              "\nSecRule ARGS:id|!ARGS:/^_ga/|&TX:x \"!@rx ^\\\"a\\d\" \\\n"
              "  \"id:42,phase:request,t:none,t:urlDecodeUni,t:lowercase,capture,multiMatch,\\\n"
              "  msg:'it\\'s %{TX.0}',logdata:'%{MATCHED_VAR}',tag:'a',tag:'b/c',ver:'CRS/4',\\\n"
              "  rev:2,severity:'CRITICAL',maturity:9,accuracy:8,deny,status:406\"\n");
    const struct rule *rule = rule_of(&desk, 42);
    check_span(span_text(rule->file), "a.conf");
    check_number(rule->line, 2);
    check_number(rule->phase, PHASE_REQUEST_BODY);
    check_number(rule->target_count, 3);
    check_number(rule->targets[0].selector, SELECTOR_NAME);
    check_span(rule->targets[0].name, "id");
    check(rule->targets[1].excluded && rule->targets[1].selector == SELECTOR_PATTERN);
    check_span(rule->targets[1].name, "^_ga");
    check(rule->targets[1].pattern != NULL);
    check(rule->targets[2].counted && rule->targets[2].variable == VARIABLE_TX);
    check_span(span_text(operator_name(rule->operator)), "rx");
    check(operator_is_negated(rule->operator));
    check_span(operator_argument(rule->operator)->text, "^\"a\\d");
    check_number(rule->transformation_count, 2);
    check_span(span_text(rule->transformations[0]->name), "urlDecodeUni");
    check(rule->capture && rule->multi_match && rule->log && rule->audit);
    check_span(rule->message.text, "it's %{TX.0}");
    check(rule->message.has_variables && rule->data.has_variables);
    check_number(rule->tag_count, 2);
    check_span(rule->tags[1].text, "b/c");
    check_span(rule->version, "CRS/4");
    check_span(rule->revision, "2");
    check_number(rule->severity, 2);
    check_number(rule->maturity, 9);
    check_number(rule->accuracy, 8);
    check_number(rule->disruptive, DISRUPTIVE_DENY);
    check_number(rule->status, 406);
    check(ruleset_find(desk.ruleset, 43) == NULL);
    desk_clear(&desk);
}

TEST(a_rule_without_words_about_it_has_the_values_of_the_manual)
{
    struct desk desk = {0};
    desk_load(&desk, "SecRule ARGS foo \"id:1\"\nSecAction \"id:2,nolog,auditlog\"\n"
                     "SecAction \"id:3,redirect:'http://x/%{REQUEST_URI}'\"\n");
    const struct rule *rule = rule_of(&desk, 1);
    check_number(rule->phase, PHASE_REQUEST_BODY);
    check_number(rule->severity, SEVERITY_NONE);
    check(rule->disruptive == DISRUPTIVE_PASS && !rule->was_block);
    check(rule->log && rule->audit);
    check_span(span_text(operator_name(rule->operator)), "rx");
    rule = rule_of(&desk, 2);
    check(!rule->log && rule->audit && rule->operator== NULL && rule->target_count == 0);
    rule = rule_of(&desk, 3);
    check_number(rule->disruptive, DISRUPTIVE_REDIRECT);
    check_number(rule->status, 302);
    check(rule->redirect.has_variables);
    desk_clear(&desk);
}

TEST(a_default_action_is_inherited_by_the_rules_of_its_phase)
{
    struct desk desk = {0};
    desk_load(&desk, "SecAction \"id:1,phase:1,block\"\n"
                     "SecDefaultAction \"phase:1,nolog,deny,status:429,t:lowercase,tag:'d'\"\n"
                     "SecAction \"id:2,phase:1\"\n"
                     "SecAction \"id:3,phase:1,block,t:trim,log,status:400\"\n"
                     "SecAction \"id:4,phase:1,pass,t:none,t:length\"\n"
                     "SecAction \"id:5,phase:2,block\"\n"
                     "SecRule ARGS a \"id:6,phase:1,chain,t:none\"\n"
                     "  SecRule ARGS b \"t:trim\"\n");
    check_number(rule_of(&desk, 1)->disruptive, DISRUPTIVE_PASS);
    const struct rule *rule = rule_of(&desk, 2);
    check(rule->disruptive == DISRUPTIVE_DENY && rule->status == 429 && !rule->was_block);
    check(!rule->log && !rule->audit && rule->tag_count == 1 && rule->transformation_count == 1);
    rule = rule_of(&desk, 3);
    check(rule->disruptive == DISRUPTIVE_DENY && rule->status == 400 && rule->was_block);
    check(rule->log && rule->audit && rule->transformation_count == 2);
    rule = rule_of(&desk, 4);
    check(rule->disruptive == DISRUPTIVE_PASS && rule->transformation_count == 1);
    check_span(span_text(rule->transformations[0]->name), "length");
    rule = rule_of(&desk, 5);
    check(rule->was_block && rule->disruptive == DISRUPTIVE_PASS && rule->log);
    rule = rule_of(&desk, 6);
    check_number(rule->transformation_count, 0);
    check_number(rule->chain->transformation_count, 2);
    desk_clear(&desk);
}

TEST(a_chain_hangs_together_and_counts_as_one)
{
    struct desk desk = {0};
    desk_load(&desk, "SecRule ARGS a \"id:1,phase:3,chain,deny\"\n"
                     "  SecRule TX:a b \"chain,setvar:tx.x=1\"\n"
                     "  SecRule TX:b c\n"
                     "SecAction \"id:2,phase:3\"\n");
    const struct rule *rule = rule_of(&desk, 1);
    check_number(desk.ruleset->rule_count, 2);
    check_number(desk.ruleset->phases[PHASE_RESPONSE_HEADERS].count, 2);
    check(rule->chain != NULL && rule->chain->chain != NULL && rule->chain->chain->chain == NULL);
    check_number(rule->chain->id, 0);
    check_number(rule->chain->phase, PHASE_RESPONSE_HEADERS);
    check_number(rule->chain->action_count, 1);
    check_number(rule->chain->line, 2);
    check_number(rule->index, 0);
    check_number(rule_of(&desk, 2)->index, 1);
    desk_clear(&desk);
}

TEST(jumps_lead_to_steps_of_the_same_phase)
{
    struct desk desk = {0};
    desk_load(&desk, "SecMarker END\n"
                     "SecAction \"id:1,phase:1,skipAfter:END\"\n"
                     "SecAction \"id:2,phase:2\"\n"
                     "SecAction \"id:3,phase:1,skip:1\"\n"
                     "SecAction \"id:4,phase:1,skip:9\"\n"
                     "SecMarker END\n"
                     "SecAction \"id:5,phase:1,skipAfter:6\"\n"
                     "SecAction \"id:6,phase:1\"\n");
    /* phase 1: END 1 3 4 END 5 6 */
    check_number(desk.ruleset->phases[1].count, 7);
    check_number(desk.ruleset->phases[2].count, 3);
    check(desk.ruleset->phases[1].steps[0].rule == NULL);
    check_number(desk.ruleset->phases[1].steps[1].rule->id, 1);
    check_number(rule_of(&desk, 1)->go_to, 4);
    check_number(rule_of(&desk, 2)->go_to, 0);
    check_number(rule_of(&desk, 3)->go_to, 4);
    check_number(rule_of(&desk, 4)->go_to, 7);
    check_number(rule_of(&desk, 5)->go_to, 7);
    desk_clear(&desk);
}

TEST(targets_are_cut_where_they_end)
{
    struct desk desk = {0};
    desk_load(&desk, "SecRule \"ARGS:body[0][value] | ARGS:/a\\/b|c/,XML://@*|XML:/*|"
                     "TX:'/x,y/'|ARGS:'a|b'|&ARGS\" a \"id:1\"\n");
    const struct rule *rule = rule_of(&desk, 1);
    check_number(rule->target_count, 7);
    check_span(rule->targets[0].name, "body[0][value]");
    check_span(rule->targets[1].name, "a\\/b|c");
    check_number(rule->targets[1].selector, SELECTOR_PATTERN);
    check_span(rule->targets[2].name, "//@*");
    check_span(rule->targets[3].name, "/*");
    check_number(rule->targets[3].selector, SELECTOR_NAME);
    check_span(rule->targets[4].name, "x,y");
    check_number(rule->targets[4].selector, SELECTOR_PATTERN);
    check_span(rule->targets[5].name, "a|b");
    check_number(rule->targets[5].selector, SELECTOR_NAME);
    check(rule->targets[6].counted && rule->targets[6].selector == SELECTOR_ALL);
    desk_clear(&desk);
}

int rule_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_is_read_with_all_that_it_says),
        cmocka_unit_test(a_rule_without_words_about_it_has_the_values_of_the_manual),
        cmocka_unit_test(a_default_action_is_inherited_by_the_rules_of_its_phase),
        cmocka_unit_test(a_chain_hangs_together_and_counts_as_one),
        cmocka_unit_test(jumps_lead_to_steps_of_the_same_phase),
        cmocka_unit_test(targets_are_cut_where_they_end),
    };
    return cmocka_run_group_tests_name("rule", tests, NULL, NULL);
}
