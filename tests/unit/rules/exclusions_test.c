/* SPDX-License-Identifier: Apache-2.0 */
/* ctl:ruleRemove...: for this transaction, from here on. */
#include "tests/unit/rules/scene.h"
#include "tests/unit/rules/suites.h"

#include <stdio.h>

static const char targets[] =
    "SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES \"@rx evil\" \"id:%s,phase:2,pass,log,tag:'attack-x',"
    "tag:'PCI/6.5.10',msg:'An attack',setvar:tx.n%s=+1\"\n";

/* Rules 100, 101, 102 alike, behind what `ctl` does in phase 1. */
static struct scene *behind(const char *ctl)
{
    char rules[4096];
    size_t len =
        (size_t)snprintf(rules, sizeof(rules), "SecAction \"id:1,phase:1,pass,nolog,%s\"\n", ctl);
    for (int i = 100; i < 103; i++) {
        char id[8];
        snprintf(id, sizeof(id), "%d", i);
        char rule[512];
        size_t at = 0;
        for (const char *c = targets; *c != '\0'; c++) {
            if (c[0] == '%' && c[1] == 's') {
                at += (size_t)snprintf(rule + at, sizeof(rule) - at, "%s", id);
                c++;
            } else {
                rule[at++] = *c;
            }
        }
        rule[at] = '\0';
        len += (size_t)snprintf(rules + len, sizeof(rules) - len, "%s", rule);
    }
    struct scene *s = scene_open(rules);
    scene_field(s, "Cookie", "c=evil; session_id=evil");
    scene_get(s, "/?a=evil&b=evil&evil=1");
    return s;
}

TEST(nothing_removed_leaves_all_rules_and_values)
{
    struct scene *s = behind("setvar:tx.x=1");
    check_number(scene_count(s), 3);
    check_span(scene_tx(s, "n100"), "5");
    scene_close(s);
}

TEST(a_rule_is_removed_by_id_or_by_a_range_of_ids)
{
    struct scene *s = behind("ctl:ruleRemoveById=101");
    check(scene_has(s, 100) && !scene_has(s, 101) && scene_has(s, 102));
    scene_close(s);
    s = behind("ctl:ruleRemoveById=101-999999");
    check(scene_has(s, 100) && !scene_has(s, 101) && !scene_has(s, 102));
    scene_close(s);
}

TEST(rules_are_removed_by_their_tag_as_text_or_as_pattern)
{
    struct scene *s = behind("ctl:ruleRemoveByTag=attack-x");
    check_number(scene_count(s), 0);
    scene_close(s);
    s = behind("ctl:ruleRemoveByTag=attack");
    check_number(scene_count(s), 3);
    scene_close(s);
    s = behind("ctl:ruleRemoveByTag=^attack-");
    check_number(scene_count(s), 0);
    scene_close(s);
    s = behind("ctl:ruleRemoveByTag=PCI/6.5.10");
    check_number(scene_count(s), 0);
    scene_close(s);
}

TEST(rules_are_removed_by_their_message)
{
    struct scene *s = behind("ctl:'ruleRemoveByMsg=An attack'");
    check_number(scene_count(s), 0);
    scene_close(s);
}

TEST(a_target_is_removed_from_one_rule_by_name)
{
    struct scene *s = behind("ctl:ruleRemoveTargetById=101;ARGS:a");
    check_span(scene_tx(s, "n100"), "5");
    check_span(scene_tx(s, "n101"), "4");
    scene_close(s);
}

TEST(a_target_is_removed_from_a_range_of_rules_as_a_whole)
{
    struct scene *s = behind("ctl:ruleRemoveTargetById=100-101;ARGS");
    check_span(scene_tx(s, "n100"), "3");
    check_span(scene_tx(s, "n101"), "3");
    check_span(scene_tx(s, "n102"), "5");
    scene_close(s);
}

TEST(a_target_is_removed_by_a_pattern_of_names)
{
    struct scene *s = behind("ctl:ruleRemoveTargetById=100;REQUEST_COOKIES:/^session_/");
    check_span(scene_tx(s, "n100"), "4");
    scene_close(s);
}

TEST(a_target_is_removed_from_all_rules_of_a_tag)
{
    struct scene *s = behind("ctl:ruleRemoveTargetByTag=attack-x;ARGS:a,"
                             "ctl:ruleRemoveTargetByTag=attack-x;ARGS:B");
    check_span(scene_tx(s, "n100"), "3");
    check_span(scene_tx(s, "n102"), "3");
    scene_close(s);
}

TEST(an_attribute_expression_of_xml_is_a_target_like_any_other)
{
    struct scene *s = behind("ctl:ruleRemoveTargetByTag=attack-x;XML://@*");
    check_span(scene_tx(s, "n100"), "5");
    scene_close(s);
}

TEST(removal_holds_from_where_it_ran)
{
    struct scene *s =
        scene_open("SecRule ARGS \"@rx .\" \"id:100,phase:1,pass,log\"\n"
                   "SecAction \"id:1,phase:1,pass,nolog,ctl:ruleRemoveById=100-102\"\n"
                   "SecRule ARGS \"@rx .\" \"id:101,phase:1,pass,log\"\n"
                   "SecRule ARGS \"@rx .\" \"id:102,phase:2,pass,log,chain\"\n"
                   "SecRule ARGS \"@rx .\"");
    scene_get(s, "/?a=1");
    check(scene_has(s, 100));
    check_number(scene_count(s), 1);
    scene_again(s, 1 << 20);
    scene_get(s, "/?a=1");
    check(scene_has(s, 100));
    scene_close(s);
}

TEST(a_removed_target_is_removed_from_later_links_too)
{
    struct scene *s =
        scene_open("SecAction \"id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=100;ARGS:a\"\n"
                   "SecRule REQUEST_METHOD \"@streq GET\" \"id:100,phase:1,pass,log,chain\"\n"
                   "SecRule ARGS \"@rx evil\"");
    scene_get(s, "/?a=evil");
    check(!scene_has(s, 100));
    scene_again(s, 1 << 20);
    scene_get(s, "/?b=evil");
    check(scene_has(s, 100));
    scene_close(s);
}

int exclusions_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_removed_leaves_all_rules_and_values),
        cmocka_unit_test(a_rule_is_removed_by_id_or_by_a_range_of_ids),
        cmocka_unit_test(rules_are_removed_by_their_tag_as_text_or_as_pattern),
        cmocka_unit_test(rules_are_removed_by_their_message),
        cmocka_unit_test(a_target_is_removed_from_one_rule_by_name),
        cmocka_unit_test(a_target_is_removed_from_a_range_of_rules_as_a_whole),
        cmocka_unit_test(a_target_is_removed_by_a_pattern_of_names),
        cmocka_unit_test(a_target_is_removed_from_all_rules_of_a_tag),
        cmocka_unit_test(an_attribute_expression_of_xml_is_a_target_like_any_other),
        cmocka_unit_test(removal_holds_from_where_it_ran),
        cmocka_unit_test(a_removed_target_is_removed_from_later_links_too),
    };
    return cmocka_run_group_tests_name("exclusions", tests, NULL, NULL);
}
