/* SPDX-License-Identifier: Apache-2.0 */
/* Broken rules: each says where it is broken, and what was probably meant. */
#include "tests/unit/language/desk.h"
#include "tests/unit/language/suites.h"

TEST(an_unknown_directive_is_named)
{
    check_faults("SecRuleEngine On\n  SecRulEngine On\n",
                 "a.conf:2:3: unknown directive 'SecRulEngine' (did you mean 'SecRuleEngine'?)\n");
    check_faults("<IfModule security2>\n", "a.conf:1:1: unknown directive '<IfModule' "
                                           "(sections of Apache are not understood here)\n");
}

TEST(a_directive_with_too_few_or_too_many_words_is_told_its_shape)
{
    check_faults("SecRule ARGS\n", "a.conf:1:1: SecRule needs TARGETS OPERATOR [ACTIONS]\n");
    check_faults("SecRule ARGS @rx a \"id:1\"\n",
                 "a.conf:1:21: SecRule takes TARGETS OPERATOR [ACTIONS]; 'id:1' is too many "
                 "(words with spaces stand in double quotes)\n");
    check_faults("SecResponseBodyMimeTypesClear x\n",
                 "a.conf:1:31: SecResponseBodyMimeTypesClear takes nothing; 'x' is too many\n");
}

TEST(what_is_not_supported_says_why)
{
    check_faults("SecRuleScript /x.lua \"id:1\"\n",
                 "a.conf:1:1: SecRuleScript is not supported: a rule runs no scripts here\n");
    check_faults("SecAction \"id:1,exec:/bin/true\"\n",
                 "a.conf:1:17: the action exec is not supported: a rule starts no programs\n");
    check_faults("SecTmpDir /tmp\nSecTmpDir /tmp\n",
                 "a.conf:1:1: warning: SecTmpDir has no effect: no temporary files are written\n");
}

TEST(a_map_of_characters_must_be_there_and_have_the_code_page)
{
    struct desk desk = {0};
    desk_file(&desk, "m", "(none)\n00a1:22\n1251 (x)\n0434:64 043e:6f\n\n1252\n00a1:21\n");
    desk_read(&desk, "SecUnicodeMapFile m 1251\n");
    check(desk.ruleset != NULL);
    check_number(desk.ruleset->settings.unicode_map[0x434], 'd');
    check_number(desk.ruleset->settings.unicode_map[0xa1], 0);
    desk_clear(&desk);
    desk = (struct desk){0};
    desk_file(&desk, "m", "1251 (x)\n0434:64\n");
    desk_read(&desk, "SecUnicodeMapFile m 1250\n");
    check_span(buf_span(&desk.said), "a.conf:1:21: the file has no code page '1250'\n");
    desk_clear(&desk);
    check_faults("SecUnicodeMapFile m\n", "a.conf:1:1: SecUnicodeMapFile needs FILE CODEPAGE\n");
}

TEST(an_unknown_variable_is_found_in_a_list_over_two_lines)
{
    check_faults("SecRule \"ARGS|!REQUEST_COOKIES:/a|b/|\\\n  REQUEST_HEADER:x|TX:a\" \\\n"
                 "  \"@rx a\" \"id:1\"\n",
                 "a.conf:2:3: unknown variable 'REQUEST_HEADER' (did you mean "
                 "'REQUEST_HEADERS'?)\n");
}

TEST(a_wrong_target_is_told_what_is_wrong_with_it)
{
    check_faults("SecRule ARGS||TX:a \"@rx a\" \"id:1\"\n",
                 "a.conf:1:14: the name of a variable is missing\n");
    check_faults("SecRule ARGS: \"@rx a\" \"id:1\"\n",
                 "a.conf:1:14: a name is missing behind the colon\n");
    check_faults("SecRule REQUEST_URI:a \"@rx a\" \"id:1\"\n",
                 "a.conf:1:20: REQUEST_URI is one value and has no names to select\n");
    check_faults("SecRule ARGS:/ab \"@rx a\" \"id:1\"\n",
                 "a.conf:1:14: this pattern has no closing slash\n");
    check_faults("SecRule \"ARGS:'ab\" \"@rx a\" \"id:1\"\n",
                 "a.conf:1:15: this quote is not closed\n");
    check_faults("SecRule \"ARGS TX:a\" \"@rx a\" \"id:1\"\n",
                 "a.conf:1:15: between two targets stands |\n");
    check_faults("SecRule XML:/a/b[ \"@rx a\" \"id:1\"\n",
                 "a.conf:1:13: this is no expression of XPath 1.0: '/a/b['\n");
    check_faults("SecRule XML:/a/b \"@rx a\" \"id:1,xmlns:soap\"\n",
                 "a.conf:1:38: xmlns needs PREFIX=NAMESPACE\n");
    check_faults("SecRule XML:/a/b \"@rx a\" \"id:1,xmlns:soap='schemas.example/soap'\"\n",
                 "a.conf:1:38: a namespace is a whole address, with its scheme\n");
    check_faults(
        "SecRule ARGS \"@inspectFile x.lua\" \"id:1\"\n",
        "a.conf:1:16: @inspectFile is not supported: a rule starts no programs and runs no "
        "scripts\n");
    check_faults("SecRule !ARGS:a \"@rx a\" \"id:1\"\n",
                 "a.conf:1:9: every target is excluded, so this rule looks at nothing\n");
}

TEST(a_wrong_pattern_of_a_selector_is_found_to_the_byte)
{
    struct desk desk = {0};
    desk_read(&desk, "SecRule \"ARGS:/a(b/\" \"@rx a\" \"id:1\"\n");
    check(desk.ruleset == NULL);
    check(span_starts(buf_span(&desk.said), SPAN("a.conf:1:19: ")));
    desk_clear(&desk);
}

TEST(an_unknown_operator_is_named)
{
    check_faults("SecRule ARGS \"!@contain x\" \"id:1\"\n",
                 "a.conf:1:17: no such operator: @contain (did you mean 'contains'?)\n");
}

TEST(a_wrong_pattern_is_found_behind_escapes_and_continuations)
{
    struct desk desk = {0};
    desk_read(&desk, "SecRule ARGS \"@rx \\\"a\\\"\\\nb(c\" \\\n    \"id:1\"\n");
    check(desk.ruleset == NULL);
    check(span_starts(buf_span(&desk.said), SPAN("a.conf:2:4: ")));
    desk_clear(&desk);
}

TEST(an_unknown_action_is_found_in_a_quoted_list_over_lines)
{
    check_faults(
        "SecRule ARGS \"@rx a\" \\\n    \"id:1,\\\n    msg:'it\\'s, so',\\\n    serverity:3\"\n",
        "a.conf:4:5: unknown action 'serverity' (did you mean 'severity'?)\n");
    check_faults("SecAction \"id:1,,pass\"\n", "a.conf:1:17: the name of an action is missing\n");
    check_faults("SecAction \"id:1,msg:two words\"\n",
                 "a.conf:1:25: a comma is missing behind msg "
                 "(values with spaces or commas stand in single quotes)\n");
    check_faults("SecAction \"id:1,msg:'open\"\n", "a.conf:1:21: this quote is not closed\n");
    check_faults("SecAction \"id:1,pass:now\"\n", "a.conf:1:22: pass takes no value\n");
    check_faults("SecAction \"id:1,msg\"\n",
                 "a.conf:1:17: msg needs a value: what a match means\n");
}

TEST(values_of_actions_are_checked)
{
    check_faults("SecAction \"id:1,t:lowercas\"\n",
                 "a.conf:1:19: unknown transformation 'lowercas' (did you mean 'lowercase'?)\n");
    check_faults("SecAction \"id:1,severity:CRITCAL\"\n",
                 "a.conf:1:26: severity is EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, "
                 "INFO or DEBUG, not 'CRITCAL' (did you mean 'CRITICAL'?)\n");
    check_faults("SecAction \"id:1,phase:6\"\n",
                 "a.conf:1:23: phase is 1, 2, 3, 4, 5, request, response or logging, not '6' "
                 "(did you mean '1'?)\n");
    check_faults("SecAction \"id:1,phase:reqest\"\n",
                 "a.conf:1:23: phase is 1, 2, 3, 4, 5, request, response or logging, not 'reqest' "
                 "(did you mean 'request'?)\n");
    check_faults("SecAction \"id:x\"\n",
                 "a.conf:1:15: id is a number from 1 to 9223372036854775807, not 'x'\n");
    check_faults("SecAction \"id:1,deny,status:99\"\n",
                 "a.conf:1:29: status is a number from 100 to 599, not '99'\n");
    check_faults("SecAction \"id:1,allow:phse\"\n",
                 "a.conf:1:23: allow is phase or request, not 'phse' (did you mean 'phase'?)\n");
    check_faults("SecAction \"id:1,msg:'a %{tz.b}'\"\n",
                 "a.conf:1:26: unknown variable in %{tz.b} (did you mean 'TX'?)\n");
}

TEST(actions_that_write_variables_are_checked)
{
    check_faults("SecAction \"id:1,setvar:'txx.a=1'\"\n",
                 "a.conf:1:25: 'txx' is no collection that setvar can write "
                 "(did you mean 'TX'?)\n");
    check_faults("SecAction \"id:1,setvar:tx\"\n", "a.conf:1:26: setvar needs COLLECTION.NAME\n");
    check_faults("SecAction \"id:1,initcol:sesion=1\"\n",
                 "a.conf:1:25: 'sesion' is no collection that initcol can write "
                 "(did you mean 'SESSION'?)\n");
    check_faults("SecAction \"id:1,expirevar:ip.a\"\n",
                 "a.conf:1:31: expirevar needs COLLECTION.NAME=SECONDS\n");
    check_faults("SecAction \"id:1,setvar:!tx.a=1\"\n",
                 "a.conf:1:24: setvar with ! removes a variable and takes no value\n");
}

TEST(options_of_ctl_are_checked)
{
    check_faults("SecAction \"id:1,ctl:ruleEngin=On\"\n",
                 "a.conf:1:21: unknown option 'ruleEngin' of ctl (did you mean 'ruleEngine'?)\n");
    check_faults("SecAction \"id:1,ctl:ruleEngine=Onn\"\n",
                 "a.conf:1:32: ruleEngine is On, Off or DetectionOnly, not 'Onn' "
                 "(did you mean 'On'?)\n");
    check_faults("SecAction \"id:1,ctl:requestBodyProcessor=JSO\"\n",
                 "a.conf:1:42: requestBodyProcessor is URLENCODED, MULTIPART, JSON or XML, not "
                 "'JSO' (did you mean 'JSON'?)\n");
    check_faults("SecAction \"id:1,ctl:ruleRemoveById=9-3\"\n",
                 "a.conf:1:38: the end of a range of ids is a number from 9 to "
                 "9223372036854775807, not '3'\n");
    check_faults("SecAction \"id:1,ctl:ruleRemoveTargetById=9;ARG:x\"\n",
                 "a.conf:1:44: unknown variable 'ARG' (did you mean 'ARGS'?)\n");
    check_faults("SecAction \"id:1,ctl:ruleRemoveTargetByTag=x\"\n",
                 "a.conf:1:44: a semicolon and a target are missing\n");
    check_faults("SecAction \"id:1,ctl:auditLogParts=+EX\"\n",
                 "a.conf:1:37: auditLogParts is letters from A to K and Z, not 'X'\n");
}

TEST(a_second_rule_with_an_id_names_the_first)
{
    check_faults("SecAction \"id:7\"\n\nSecAction \"phase:1,id:'7'\"\n",
                 "a.conf:3:24: the id 7 is taken by the rule at a.conf:1\n");
    check_faults("SecRule ARGS a pass\n", "a.conf:1:1: this rule has no id\n");
    check_faults("SecAction pass\n", "a.conf:1:1: warning: this rule has no id\n");
}

TEST(a_jump_to_no_marker_names_the_nearest)
{
    check_faults("SecAction \"id:1,skipAfter:END-TEST\"\nSecMarker \"END-TESTS\"\n",
                 "a.conf:1:27: no SecMarker is called 'END-TEST' (did you mean 'END-TESTS'?)\n");
    check_faults("SecMarker A\nSecAction \"id:1,skipAfter:A\"\n",
                 "a.conf:2:27: the marker 'A' stands before this rule\n");
}

TEST(a_chain_needs_its_links_and_links_know_their_place)
{
    check_faults("SecAction \"id:1,chain\"\nSecMarker X\n",
                 "a.conf:1:17: warning: no rule follows this chain, so it never matches\n");
    check_faults("SecAction \"id:1,chain\"\n",
                 "a.conf:1:17: warning: no rule follows this chain, so it never matches\n");
    check_faults(
        "SecAction \"id:1,chain\"\nSecRule ARGS a \"id:2,deny,skipAfter:X\"\n",
        "a.conf:2:20: warning: a chain goes by the id of its first rule, so this one means "
        "nothing\n"
        "a.conf:2:22: deny stands at the first rule of a chain only\n"
        "a.conf:2:27: skipAfter stands at the first rule of a chain only\n");
}

TEST(a_default_action_has_a_phase_and_says_what_becomes_of_a_request)
{
    check_faults("SecDefaultAction log\n",
                 "a.conf:1:18: SecDefaultAction names no phase\n"
                 "a.conf:1:18: SecDefaultAction says not what becomes of a request "
                 "(pass, deny, drop, allow or redirect)\n");
    check_faults("SecDefaultAction \"phase:1,pass,id:4\"\n",
                 "a.conf:1:32: id stands at rules, not in SecDefaultAction\n");
}

TEST(an_open_quote_takes_the_rest_of_the_line)
{
    check_faults("SecRule ARGS \"@rx a\" \"id:1,pass\nSecAction \"id:2\"\n",
                 "a.conf:1:22: warning: this quote is not closed: the rest of the line is taken\n");
    check_faults("SecRule ARGS \"@rx a\n  \"id:1\"\nSecRuleEngine Offf\n",
                 "a.conf:1:14: warning: this quote is not closed: the rest of the line is taken\n"
                 "a.conf:1:1: this rule has no id\n"
                 "a.conf:2:4: unknown directive 'id:1'\n"
                 "a.conf:3:15: SecRuleEngine is On, Off or DetectionOnly, not 'Offf' "
                 "(did you mean 'Off'?)\n");
    check_faults("SecAction \"id:1,msg:'a \"b\" c'\"\n",
                 "a.conf:1:25: 'b' follows the closing quote (a quote inside is written \\\")\n");
}

TEST(one_broken_rule_does_not_break_the_next)
{
    check_faults("SecRule ARGZ \"@rx a\" \"id:1,chain\"\n  SecRule ARGS b \"t:none\"\n"
                 "SecAction \"id:2,nosuch,chain\"\n  SecRule ARGS b\nSecAction \"id:3\"\n",
                 "a.conf:1:9: unknown variable 'ARGZ' (did you mean 'ARGS'?)\n"
                 "a.conf:3:17: unknown action 'nosuch'\n");
    check_faults("SecRule ARGS \"a\"b \"id:1,chain\"\n  SecRule ARGS b \"t:none\"\nSecAction "
                 "\"id:3\"\n",
                 "a.conf:1:17: 'b' follows the closing quote (a quote inside is written \\\")\n");
}

int fault_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_directive_is_named),
        cmocka_unit_test(a_directive_with_too_few_or_too_many_words_is_told_its_shape),
        cmocka_unit_test(what_is_not_supported_says_why),
        cmocka_unit_test(a_map_of_characters_must_be_there_and_have_the_code_page),
        cmocka_unit_test(an_unknown_variable_is_found_in_a_list_over_two_lines),
        cmocka_unit_test(a_wrong_target_is_told_what_is_wrong_with_it),
        cmocka_unit_test(a_wrong_pattern_of_a_selector_is_found_to_the_byte),
        cmocka_unit_test(an_unknown_operator_is_named),
        cmocka_unit_test(a_wrong_pattern_is_found_behind_escapes_and_continuations),
        cmocka_unit_test(an_unknown_action_is_found_in_a_quoted_list_over_lines),
        cmocka_unit_test(values_of_actions_are_checked),
        cmocka_unit_test(actions_that_write_variables_are_checked),
        cmocka_unit_test(options_of_ctl_are_checked),
        cmocka_unit_test(a_second_rule_with_an_id_names_the_first),
        cmocka_unit_test(a_jump_to_no_marker_names_the_nearest),
        cmocka_unit_test(a_chain_needs_its_links_and_links_know_their_place),
        cmocka_unit_test(a_default_action_has_a_phase_and_says_what_becomes_of_a_request),
        cmocka_unit_test(an_open_quote_takes_the_rest_of_the_line),
        cmocka_unit_test(one_broken_rule_does_not_break_the_next),
    };
    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
