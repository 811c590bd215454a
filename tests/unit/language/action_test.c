/* SPDX-License-Identifier: Apache-2.0 */
/* Actions with work to do. */
#include "tests/unit/language/desk.h"
#include "tests/unit/language/suites.h"

/* The only rule's i-th action. */
static const struct action *action_at(const struct desk *desk, size_t i)
{
    const struct rule *rule = ruleset_find(desk->ruleset, 1);
    check(rule != NULL && i < rule->action_count);
    return &rule->actions[i];
}

TEST(setvar_sets_adds_subtracts_and_removes)
{
    struct desk desk = {0};
    desk_load(&desk, "SecAction \"id:1,setvar:tx.a=b,setvar:'tx.s=+%{tx.n}',setvar:TX.s=-5,"
                     "setvar:!ip.c,setvar:tx.flag,"
                     "setvar:'tx.%{rule.id}-x-%{MATCHED_VAR_NAME}=%{tx.0}'\"\n");
    const struct action *action = action_at(&desk, 0);
    check_number(action->name, ACTION_SETVAR);
    check_number(action->setvar.collection, VARIABLE_TX);
    check_number(action->setvar.how, SETVAR_SET);
    check_span(action->setvar.key.text, "a");
    check_span(action->setvar.value.text, "b");
    action = action_at(&desk, 1);
    check_number(action->setvar.how, SETVAR_ADD);
    check_span(action->setvar.value.text, "%{tx.n}");
    check(action->setvar.value.has_variables);
    action = action_at(&desk, 2);
    check_number(action->setvar.how, SETVAR_SUBTRACT);
    check_span(action->setvar.value.text, "5");
    action = action_at(&desk, 3);
    check_number(action->setvar.how, SETVAR_UNSET);
    check_number(action->setvar.collection, VARIABLE_IP);
    check_span(action->setvar.key.text, "c");
    check_span(action_at(&desk, 4)->setvar.value.text, "1");
    action = action_at(&desk, 5);
    check_span(action->setvar.key.text, "%{rule.id}-x-%{MATCHED_VAR_NAME}");
    check_number(action->setvar.key.count, 3);
    desk_clear(&desk);
}

TEST(collections_are_opened_and_expire)
{
    struct desk desk = {0};
    desk_load(&desk, "SecAction \"id:1,initcol:ip=%{REMOTE_ADDR}_%{tx.ua},initcol:global=global,"
                     "setsid:%{REQUEST_COOKIES.s},setuid:u,setrsc:r,"
                     "expirevar:'ip.block=%{tx.time}',setenv:'A=b'\"\n");
    check_number(action_at(&desk, 0)->initcol.collection, VARIABLE_IP);
    check_number(action_at(&desk, 0)->initcol.key.count, 3);
    check_number(action_at(&desk, 1)->initcol.collection, VARIABLE_GLOBAL);
    check_number(action_at(&desk, 2)->initcol.collection, VARIABLE_SESSION);
    check_number(action_at(&desk, 3)->initcol.collection, VARIABLE_USER);
    check_number(action_at(&desk, 4)->initcol.collection, VARIABLE_RESOURCE);
    check_span(action_at(&desk, 4)->initcol.key.text, "r");
    check_span(action_at(&desk, 5)->expirevar.key.text, "block");
    check_span(action_at(&desk, 5)->expirevar.seconds.text, "%{tx.time}");
    check_span(action_at(&desk, 6)->setenv.name.text, "A");
    check_span(action_at(&desk, 6)->setenv.value.text, "b");
    desk_clear(&desk);
}

TEST(ctl_keeps_what_it_names)
{
    struct desk desk = {0};
    desk_load(&desk, "SecAction \"id:1,ctl:ruleEngine=detectiononly,ctl:ruleRemoveById=5-9,"
                     "ctl:'ruleRemoveById=1,7-8',ctl:ruleRemoveByTag=attack-sqli,"
                     "ctl:ruleRemoveTargetById=942100;ARGS:load[],"
                     "ctl:ruleRemoveTargetByTag=OWASP_CRS;XML://@*,"
                     "ctl:'ruleRemoveTargetByMsg=x, y;REQUEST_COOKIES:/^a,b/',"
                     "ctl:requestBodyProcessor=XML,ctl:auditLogParts=+E\"\n");
    const struct action *action = action_at(&desk, 0);
    check_number(action->ctl.name, CTL_RULE_ENGINE);
    check_span(action->ctl.text, "detectiononly");
    check(action_at(&desk, 1)->ctl.ids.first == 5 && action_at(&desk, 1)->ctl.ids.last == 9);
    check(action_at(&desk, 2)->ctl.ids.first == 1 && action_at(&desk, 2)->ctl.ids.last == 1);
    check(action_at(&desk, 3)->ctl.ids.first == 7 && action_at(&desk, 3)->ctl.ids.last == 8);
    check_span(action_at(&desk, 4)->ctl.tag, "attack-sqli");
    action = action_at(&desk, 5);
    check(action->ctl.ids.first == 942100 && action->ctl.target.variable == VARIABLE_ARGS);
    check_span(action->ctl.target.name, "load[]");
    action = action_at(&desk, 6);
    check_span(action->ctl.tag, "OWASP_CRS");
    check_number(action->ctl.target.variable, VARIABLE_XML);
    check_span(action->ctl.target.name, "//@*");
    check_span(action_at(&desk, 7)->ctl.tag, "x, y");
    check_span(action_at(&desk, 7)->ctl.target.name, "^a,b");
    check_span(action_at(&desk, 8)->ctl.text, "XML");
    check_span(action_at(&desk, 9)->ctl.text, "+E");
    desk_clear(&desk);
}

TEST(allow_has_three_reaches)
{
    struct desk desk = {0};
    desk_load(&desk, "SecAction \"id:1,allow\"\nSecAction \"id:2,allow:phase\"\n"
                     "SecAction \"id:3,allow:request\"\nSecAction \"id:4,deny,drop\"\n");
    check_number(ruleset_find(desk.ruleset, 1)->disruptive, DISRUPTIVE_ALLOW);
    check_number(ruleset_find(desk.ruleset, 2)->disruptive, DISRUPTIVE_ALLOW_PHASE);
    check_number(ruleset_find(desk.ruleset, 3)->disruptive, DISRUPTIVE_ALLOW_REQUEST);
    check_number(ruleset_find(desk.ruleset, 4)->disruptive, DISRUPTIVE_DROP);
    desk_clear(&desk);
}

int action_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setvar_sets_adds_subtracts_and_removes),
        cmocka_unit_test(collections_are_opened_and_expire),
        cmocka_unit_test(ctl_keeps_what_it_names),
        cmocka_unit_test(allow_has_three_reaches),
    };
    return cmocka_run_group_tests_name("action", tests, NULL, NULL);
}
