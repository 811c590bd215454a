/* SPDX-License-Identifier: Apache-2.0 */
/* SecRuleRemoveBy... and SecRuleUpdate... */
#include <stdio.h>

#include "tests/unit/language/desk.h"
#include "tests/unit/language/suites.h"

static const char rules[] = "SecRule ARGS a \"id:1,tag:attack-sqli,msg:'one',pass\"\n"
                            "SecRule ARGS b \"id:2,tag:attack-xss,msg:'two (2)',chain\"\n"
                            "  SecRule TX:x c \"t:lowercase\"\n"
                            "SecRule ARGS d \"id:30,tag:attack-sqli,deny\"\n"
                            "SecAction \"id:31\"\n";

static void load(struct desk *desk, const char *before, const char *after)
{
    char text[2048];
    snprintf(text, sizeof text, "%s%s%s", before, rules, after);
    desk_load(desk, text);
}

static bool is_left(const struct desk *desk, uint64_t id)
{
    return ruleset_find(desk->ruleset, id) != NULL;
}

TEST(rules_are_removed_by_ids_ranges_and_lists_wherever_that_is_said)
{
    struct desk desk = {0};
    load(&desk, "SecRuleRemoveById 1\n", "SecRuleRemoveById \"30-40\" 2\n");
    check_number(desk.ruleset->rule_count, 0);
    check_number(desk.ruleset->phases[PHASE_REQUEST_BODY].count, 0);
    desk_clear(&desk);
    load(&desk, "", "SecRuleRemoveById 1,30\n");
    check(!is_left(&desk, 1) && is_left(&desk, 2) && !is_left(&desk, 30));
    check_number(ruleset_find(desk.ruleset, 31)->index, 1);
    desk_clear(&desk);
}

TEST(rules_are_removed_by_tag_and_message_as_text_or_pattern)
{
    struct desk desk = {0};
    load(&desk, "", "SecRuleRemoveByTag attack-sqli\n");
    check(!is_left(&desk, 1) && is_left(&desk, 2) && !is_left(&desk, 30));
    desk_clear(&desk);
    load(&desk, "", "SecRuleRemoveByTag \"^attack-(?!xss)\"\n");
    check(!is_left(&desk, 1) && is_left(&desk, 2) && !is_left(&desk, 30));
    desk_clear(&desk);
    load(&desk, "", "SecRuleRemoveByMsg \"two (2)\"\n");
    check(is_left(&desk, 1) && !is_left(&desk, 2));
    desk_clear(&desk);
}

TEST(what_names_no_rule_is_a_warning)
{
    check_faults("SecRuleRemoveById 5\nSecRuleRemoveByTag nosuch\nSecRuleRemoveByMsg nosuch\n"
                 "SecRuleUpdateTargetById \"7 8-9\" !ARGS:x\n",
                 "a.conf:1:19: warning: no rule has the id 5\n"
                 "a.conf:2:20: warning: no rule has the tag 'nosuch'\n"
                 "a.conf:3:20: warning: no rule has the message 'nosuch'\n"
                 "a.conf:4:26: warning: no rule has the id 7\n"
                 "a.conf:4:28: warning: no rule has the id 8-9\n");
}

TEST(a_ruleset_knows_which_directives_changed_which_rule)
{
    struct desk desk = {0};
    load(&desk, "",
         "SecRuleRemoveById 1 30\nSecRuleUpdateTargetByTag attack-sqli \"!ARGS:a b\"\n"
         "SecRuleUpdateActionById 2 \"nolog,msg:'a \\\"b\\\"'\"\n");
    const struct ruleset *ruleset = desk.ruleset;
    const struct ruleset_change *changes = ruleset->changes;
    check(ruleset->change_count >= 4);
    check_number(changes[0].rule_id, 1);
    check_number(changes[1].rule_id, 30);
    check(changes[0].removed && changes[1].removed && changes[0].line == changes[1].line);
    check_span(changes[0].directive, "SecRuleRemoveById 1 30");
    check_span(changes[2].directive, "SecRuleUpdateTargetByTag attack-sqli \"!ARGS:a b\"");
    check(!changes[2].removed && changes[2].line == changes[0].line + 1);
    const struct ruleset_change *last = &changes[ruleset->change_count - 1];
    check_number(last->rule_id, 2);
    check_span(last->directive, "SecRuleUpdateActionById 2 \"nolog,msg:'a \\\"b\\\"'\"");
    desk_clear(&desk);
}

TEST(targets_are_added_excluded_and_replaced)
{
    struct desk desk = {0};
    load(&desk, "SecRuleUpdateTargetById 2 \"!REQUEST_COOKIES:/^_ga(?:_\\w+)?$/\"\n",
         "SecRuleUpdateTargetById 1,30 \"!ARGS:a,REQUEST_COOKIES\"\n"
         "SecRuleUpdateTargetById 2:1 TX:y TX:x\n"
         "SecRuleUpdateTargetByTag attack-sqli !ARGS:b\n"
         "SecRuleUpdateTargetByMsg one !ARGS:c\n"
         "SecRuleUpdateTargetById 31 !ARGS:c\n");
    const struct rule *rule = ruleset_find(desk.ruleset, 1);
    check_number(rule->target_count, 5);
    check(rule->targets[1].excluded && !rule->targets[2].excluded);
    check_span(rule->targets[1].name, "a");
    check_span(rule->targets[3].name, "b");
    check_span(rule->targets[4].name, "c");
    rule = ruleset_find(desk.ruleset, 2);
    check_number(rule->target_count, 2);
    check_span(rule->targets[1].name, "^_ga(?:_\\w+)?$");
    check_number(rule->chain->target_count, 1);
    check_span(rule->chain->targets[0].name, "y");
    check_number(ruleset_find(desk.ruleset, 30)->target_count, 4);
    check_number(ruleset_find(desk.ruleset, 31)->target_count, 0);
    desk_clear(&desk);
}

TEST(actions_are_added_and_replaced)
{
    struct desk desk = {0};
    load(&desk, "SecMarker END\n",
         "SecRuleUpdateActionById 1 \"deny,status:404,nolog,msg:'uno',tag:t,t:trim\"\n"
         "SecRuleUpdateActionById 2:1 \"t:none,setvar:tx.a=1\"\n"
         "SecRuleUpdateActionById 30-31 \"skipAfter:TAIL\"\nSecMarker TAIL\n");
    const struct rule *rule = ruleset_find(desk.ruleset, 1);
    check(rule->disruptive == DISRUPTIVE_DENY && rule->status == 404 && !rule->log);
    check_span(rule->message.text, "uno");
    check_number(rule->tag_count, 2);
    check_number(rule->transformation_count, 1);
    rule = ruleset_find(desk.ruleset, 2)->chain;
    check_number(rule->transformation_count, 0);
    check_number(rule->action_count, 1);
    check_number(ruleset_find(desk.ruleset, 30)->go_to, 5);
    desk_clear(&desk);
}

TEST(faults_of_updates_have_places_too)
{
    check_faults("SecAction \"id:1\"\nSecRuleUpdateActionById 1 \"pass,id:4\"\n",
                 "a.conf:2:33: id cannot be changed by an update\n");
    check_faults("SecAction \"id:1\"\nSecRuleUpdateActionById 1 \"pass,dney\"\n",
                 "a.conf:2:33: unknown action 'dney' (did you mean 'deny'?)\n");
    check_faults("SecRule ARGS a \"id:1,chain\"\nSecRule ARGS b\nSecAction \"id:2\"\n"
                 "SecRuleUpdateActionById 1:1 \"deny,t:trim\"\n"
                 "SecRuleUpdateActionById 1-2 \"t:trm\"\n",
                 "a.conf:4:30: deny stands at the first rule of a chain only\n"
                 "a.conf:5:32: unknown transformation 'trm' (did you mean 'trim'?)\n");
    check_faults("SecRuleRemoveById 4-x\n",
                 "a.conf:1:21: the end of a range of ids is a number from 4 to "
                 "9223372036854775807, not 'x'\n");
    check_faults("SecRuleUpdateTargetById 1 \"!ARGZ:a\"\n",
                 "a.conf:1:29: unknown variable 'ARGZ' (did you mean 'ARGS'?)\n");
}

int update_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_removed_by_ids_ranges_and_lists_wherever_that_is_said),
        cmocka_unit_test(rules_are_removed_by_tag_and_message_as_text_or_pattern),
        cmocka_unit_test(what_names_no_rule_is_a_warning),
        cmocka_unit_test(a_ruleset_knows_which_directives_changed_which_rule),
        cmocka_unit_test(targets_are_added_excluded_and_replaced),
        cmocka_unit_test(actions_are_added_and_replaced),
        cmocka_unit_test(faults_of_updates_have_places_too),
    };
    return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
