/* SPDX-License-Identifier: Apache-2.0 */
/* Which values a target has. */
#include "tests/unit/rules/scene.h"
#include "tests/unit/rules/suites.h"

#include <stdio.h>

/* A rule that always matches and writes what a macro says. */
#define SAY(id, what) "SecAction \"id:" #id ",phase:1,pass,log,msg:'" what "'\"\n"

static void check_says(const char *macro, const char *method, const char *target, const char *want)
{
    char rule[256];
    snprintf(rule, sizeof(rule), "SecAction \"id:1,phase:1,pass,log,msg:'[%s]'\"", macro);
    struct scene *s = scene_open(rule);
    scene_field(s, "Host", "shop.example:8443");
    scene_field(s, "Authorization", "Basic dXNlcjpwYXNz");
    scene_field(s, "Cookie", "a=1; b=two=2;; =x; c");
    scene_send(s, method, target);
    check_span(scene_match(s, 1)->message, want);
    scene_close(s);
}

TEST(the_target_is_cut_at_the_first_raw_question_mark)
{
    check_says("%{REQUEST_FILENAME}", "GET", "/a%3Fb/c%20d?x=1?y", "[/a%3Fb/c%20d]");
    check_says("%{QUERY_STRING}", "GET", "/a%3Fb/c%20d?x=1?y", "[x=1?y]");
    check_says("%{REQUEST_URI}", "GET", "/a%3Fb?x=1", "[/a%3Fb?x=1]");
    check_says("%{REQUEST_BASENAME}", "GET", "/a/b/c.php?x=/z", "[c.php]");
    check_says("%{REQUEST_BASENAME}", "GET", "/a/b\\c.php", "[c.php]");
}

TEST(the_path_is_decoded_from_phase_2_on_but_still_cut_raw)
{
    struct scene *s =
        scene_open("SecRule REQUEST_FILENAME \"@streq /a%3Fb/%zz%20c\" \"id:1,phase:1,pass,log\"\n"
                   "SecRule REQUEST_FILENAME \"@streq /a?b/%zz c\" \"id:2,phase:2,pass,log\"\n"
                   "SecRule REQUEST_BASENAME \"@streq %zz c\" \"id:3,phase:2,pass,log\"\n"
                   "SecRule REQUEST_URI \"@streq /a%3Fb/%zz%20c?q=%20\" \"id:4,phase:2,pass,log\"");
    scene_get(s, "/a%3Fb/%zz%20c?q=%20");
    check_number(scene_count(s), 4);
    scene_close(s);
}

TEST(an_absolute_target_loses_scheme_and_authority_but_stays_raw_in_its_own_variable)
{
    check_says("%{REQUEST_URI}", "GET", "http://h.example:80/p?q=http://x/", "[/p?q=http://x/]");
    check_says("%{REQUEST_URI_RAW}", "GET", "http://h.example/p", "[http://h.example/p]");
    check_says("%{REQUEST_URI}", "GET", "http://h.example", "[/]");
    check_says("%{REQUEST_FILENAME}", "GET", "http://h.example?q=1", "[]");
    check_says("%{REQUEST_URI}", "CONNECT", "h.example:443", "[h.example:443]");
    check_says("%{REQUEST_URI}", "OPTIONS", "*", "[*]");
    check_says("%{REQUEST_URI}", "GET", "/go?to=http://h.example/", "[/go?to=http://h.example/]");
}

TEST(a_fragment_is_no_part_of_the_target_but_stays_in_its_raw_form)
{
    check_says("%{REQUEST_URI} %{QUERY_STRING} %{ARGS.b}", "GET", "/p?a=1&b=2#c?d",
               "[/p?a=1&b=2 a=1&b=2 2]");
    check_says("%{REQUEST_URI} %{REQUEST_FILENAME}", "GET", "/p#c?d=1", "[/p /p]");
    check_says("%{REQUEST_URI_RAW}", "GET", "/p#c?d", "[/p#c?d]");
    check_says("%{REQUEST_URI}", "GET", "/p%23c", "[/p%23c]");
}

TEST(rules_are_told_the_version_of_the_language_that_they_may_use)
{
    struct scene *s = scene_open("SecRule MODSEC_BUILD \"@ge 030000000\" \"id:1,phase:1,pass\"\n"
                                 "SecRule MODSEC_BUILD \"@ge 020900000\" \"id:2,phase:1,pass\"");
    scene_get(s, "/");
    check_number(scene_count(s), 2);
    scene_close(s);
}

TEST(env_is_the_environment_and_what_rules_set_there)
{
    static const struct pair environment[] = {{SPAN_INIT("STAGE"), SPAN_INIT("test")},
                                              {SPAN_INIT("REGION"), SPAN_INIT("north")}};
    struct scene *s =
        scene_open("SecRule ENV:STAGE \"@streq test\" \"id:1,phase:1,pass,setenv:REGION=south\"\n"
                   "SecRule ENV:REGION \"@streq south\" \"id:2,phase:1,pass,msg:'%{ENV.STAGE}'\"\n"
                   "SecRule ENV \"@streq north\" \"id:3,phase:1,pass\"\n"
                   "SecRule &ENV \"@eq 2\" \"id:4,phase:1,pass\"\n"
                   "SecRule ENV:NOWHERE \".*\" \"id:5,phase:1,pass\"");
    s->world.environment = environment;
    s->world.environment_count = 2;
    scene_get(s, "/");
    check(scene_has(s, 1) && scene_has(s, 4) && !scene_has(s, 3) && !scene_has(s, 5));
    check_span(scene_match(s, 2)->message, "test");
    scene_close(s);
}

TEST(the_line_the_method_and_the_client_are_what_was_given)
{
    check_says("%{REQUEST_LINE}", "PUT", "/x", "[PUT /x HTTP/1.1]");
    check_says("%{REQUEST_METHOD} %{REQUEST_PROTOCOL}", "PUT", "/x", "[PUT HTTP/1.1]");
    check_says("%{REMOTE_ADDR}:%{REMOTE_PORT}", "GET", "/", "[192.0.2.7:40000]");
    check_says("%{SERVER_ADDR}:%{SERVER_PORT}", "GET", "/", "[198.51.100.1:443]");
    check_says("%{UNIQUE_ID}", "GET", "/", "[Xq3-1]");
    check_says("%{SERVER_NAME}", "GET", "/", "[shop.example]");
    check_says("%{REMOTE_USER} %{AUTH_TYPE}", "GET", "/", "[user Basic]");
}

TEST(the_time_is_handed_in_and_said_in_utc)
{
    check_says("%{TIME} %{TIME_EPOCH}", "GET", "/", "[00:00:00 1767225600]");
    check_says("%{TIME_YEAR}-%{TIME_MON}-%{TIME_DAY}", "GET", "/", "[2026-0-1]");
    check_says("%{TIME_HOUR}:%{TIME_MIN}:%{TIME_SEC} %{TIME_WDAY}", "GET", "/", "[0:0:0 4]");
}

TEST(an_unknown_or_unset_macro_leaves_nothing)
{
    check_says("%{TX.nothing}", "GET", "/", "[]");
    check_says("%{ARGS.x}%{REQUEST_BODY}", "GET", "/", "[]");
}

TEST(cookies_are_split_and_nameless_ones_left_out)
{
    struct scene *s =
        scene_open("SecRule &REQUEST_COOKIES \"@eq 4\" \"id:1,phase:1,pass,log\"\n"
                   "SecRule REQUEST_COOKIES:B \"@streq two=2\" \"id:2,phase:1,pass,log\"\n"
                   "SecRule REQUEST_COOKIES_NAMES \"@streq c\" \"id:3,phase:1,pass,log\"\n"
                   "SecRule REQUEST_COOKIES:c \"@streq\" \"id:4,phase:1,pass,log\"");
    scene_field(s, "cookie", "a=1; b=two=2;; =x; c");
    scene_field(s, "Cookie", "d=4");
    scene_get(s, "/");
    check(scene_has(s, 1));
    check(scene_has(s, 2));
    check(scene_has(s, 3));
    scene_close(s);
}

TEST(names_of_arguments_headers_and_tx_differ_beyond_case_only)
{
    struct scene *s =
        scene_open("SecAction \"id:1,phase:1,pass,nolog,setvar:tx.MyName=v\"\n"
                   "SecRule TX:myname \"@streq v\" \"id:2,phase:1,pass,log\"\n"
                   "SecRule ARGS:UserName \"@streq bob\" \"id:3,phase:1,pass,log\"\n"
                   "SecRule REQUEST_HEADERS:user-agent \"@streq curl\" \"id:4,phase:1,pass,log\"");
    scene_field(s, "USER-AGENT", "curl");
    scene_get(s, "/?username=bob");
    check_number(scene_count(s), 3);
    check_span(scene_match(s, 4)->variable_name, "REQUEST_HEADERS:USER-AGENT");
    check_span(scene_match(s, 3)->variable_name, "ARGS:username");
    scene_close(s);
}

TEST(a_regex_selector_finds_its_names_anywhere_and_without_case)
{
    struct scene *s =
        scene_open("SecRule ARGS:/^ID_/ \"@rx .\" \"id:1,phase:1,pass,log,setvar:tx.n=+1\"\n"
                   "SecRule &ARGS:/_b$/ \"@eq 1\" \"id:2,phase:1,pass,log\"");
    scene_get(s, "/?id_a=1&xid_a=2&Id_B=3");
    check_span(scene_tx(s, "n"), "2");
    check(scene_has(s, 2));
    scene_close(s);
}

TEST(a_count_comes_after_exclusions)
{
    struct scene *s =
        scene_open("SecRule &ARGS|!ARGS:b \"@eq 2\" \"id:1,phase:1,pass,log\"\n"
                   "SecRule &REQUEST_HEADERS:Host \"@eq 2\" \"id:2,phase:1,pass,log\"");
    scene_field(s, "Host", "a");
    scene_field(s, "host", "b");
    scene_get(s, "/?a=1&b=2&c=3");
    check(scene_has(s, 1));
    check_span(scene_match(s, 1)->variable_name, "&ARGS");
    check_span(scene_match(s, 1)->variable_value, "2");
    check_span(scene_match(s, 2)->variable_name, "&REQUEST_HEADERS:Host");
    scene_close(s);
}

TEST(an_excluded_target_is_not_looked_at_by_name_or_by_pattern)
{
    struct scene *s = scene_open(
        "SecRule ARGS|!ARGS:a \"@rx x\" \"id:1,phase:1,pass,log,setvar:tx.one=+1\"\n"
        "SecRule ARGS|!ARGS:/^[ab]$/ \"@rx x\" \"id:2,phase:1,pass,log,setvar:tx.two=+1\"\n"
        "SecRule ARGS|!ARGS \"@rx x\" \"id:3,phase:1,pass,log\"");
    scene_get(s, "/?a=x&b=x&c=x");
    check_span(scene_tx(s, "one"), "2");
    check_span(scene_tx(s, "two"), "1");
    check(!scene_has(s, 3));
    scene_close(s);
}

TEST(arguments_come_from_the_query_first_and_then_from_the_body)
{
    struct scene *s = scene_open(
        "SecRule ARGS \"@rx .\" \"id:1,phase:2,pass,log,setvar:'tx.all=%{tx.all}%{MATCHED_VAR}'\"\n"
        "SecRule ARGS_GET \"@rx .\" "
        "\"id:2,phase:2,pass,log,setvar:'tx.get=%{tx.get}%{MATCHED_VAR}'\"\n"
        "SecRule ARGS_POST \"@rx .\" "
        "\"id:3,phase:2,pass,log,setvar:'tx.post=%{tx.post}%{MATCHED_VAR}'\"\n"
        "SecRule ARGS_NAMES \"@rx .\" "
        "\"id:4,phase:2,pass,log,setvar:'tx.names=%{tx.names}%{MATCHED_VAR}'\"\n"
        "SecRule ARGS_COMBINED_SIZE \"@eq 8\" \"id:5,phase:2,pass,log\"");
    scene_body(s, "application/x-www-form-urlencoded", "c=3&d=4");
    scene_send(s, "POST", "/?a=1&b=2");
    check_span(scene_tx(s, "all"), "1234");
    check_span(scene_tx(s, "get"), "12");
    check_span(scene_tx(s, "post"), "34");
    check_span(scene_tx(s, "names"), "abcd");
    check(scene_has(s, 5));
    scene_close(s);
}

TEST(a_rule_can_ask_about_itself)
{
    struct scene *s =
        scene_open("SecAction \"id:77,phase:1,pass,log,rev:'3',severity:CRITICAL,msg:'m',"
                   "logdata:'%{RULE.id} %{RULE.rev} %{RULE.severity} %{RULE.msg}'\"");
    scene_get(s, "/");
    check_span(scene_match(s, 77)->data, "77 3 2 m");
    scene_close(s);
}

TEST(the_highest_severity_is_the_gravest_so_far)
{
    struct scene *s = scene_open(
        SAY(1, "%{HIGHEST_SEVERITY}") "SecAction \"id:2,phase:1,pass,nolog,severity:WARNING\"\n"
                                      "SecAction \"id:3,phase:1,pass,nolog,severity:NOTICE\"\n" SAY(
                                          4, "%{HIGHEST_SEVERITY}"));
    scene_get(s, "/");
    check_span(scene_match(s, 1)->message, "255");
    check_span(scene_match(s, 4)->message, "4");
    scene_close(s);
}

TEST(the_response_is_there_from_phase_3_on)
{
    struct scene *s = scene_open(
        "SecRule RESPONSE_STATUS \"@rx .\" \"id:1,phase:1,pass,log\"\n"
        "SecRule RESPONSE_STATUS \"@streq 500\" \"id:2,phase:3,pass,log\"\n"
        "SecRule RESPONSE_HEADERS:X-Powered-By \"@contains PHP\" \"id:3,phase:3,pass,log\"\n"
        "SecRule RESPONSE_HEADERS_NAMES \"@streq X-Powered-By\" \"id:4,phase:3,pass,log\"");
    scene_answer_field(s, "X-Powered-By", "PHP/8");
    scene_get(s, "/");
    scene_answer(s, 500, NULL);
    check(!scene_has(s, 1));
    check(scene_has(s, 2));
    check(scene_has(s, 3));
    check(scene_has(s, 4));
    scene_close(s);
}

TEST(the_full_request_is_line_fields_and_body)
{
    struct scene *s =
        scene_open("SecRule FULL_REQUEST \"@rx ^POST / HTTP/1.1\\r\\nHost: h\\r\\n\" "
                   "\"id:1,phase:2,pass,log\"\n"
                   "SecRule FULL_REQUEST \"@endsWith a=1\" \"id:2,phase:2,pass,log\"");
    scene_field(s, "Host", "h");
    scene_body(s, "application/x-www-form-urlencoded", "a=1");
    scene_send(s, "POST", "/");
    check_number(scene_count(s), 2);
    scene_close(s);
}

/* JSON is read by a rule's word. */
#define AS_JSON "SecAction \"id:100,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON\"\n"

static struct scene *json_scene(const char *rules, const char *body)
{
    struct scene *s = scene_open(rules);
    scene_body(s, "application/json", body);
    scene_send(s, "POST", "/");
    return s;
}

TEST(a_key_of_an_object_or_array_is_a_name_of_its_own)
{
    struct scene *s = json_scene(
        AS_JSON "SecRule ARGS_NAMES \"@streq json.a__in\" \"id:1,phase:2,pass\"\n"
                "SecRule ARGS_NAMES \"@streq json.b\" \"id:2,phase:2,pass\"\n"
                "SecRule ARGS_POST_NAMES \"@streq json.b.c\" \"id:3,phase:2,pass\"\n"
                "SecRule ARGS_NAMES \"@streq json.d\" \"id:4,phase:2,pass\"\n"
                "SecRule ARGS_NAMES \"@streq json.b.e.array_0.f\" \"id:5,phase:2,pass\"\n"
                "SecRule &ARGS_NAMES \"@eq 9\" \"id:6,phase:2,pass\"\n"
                "SecRule &ARGS \"@eq 3\" \"id:7,phase:2,pass\"\n"
                "SecRule ARGS_NAMES \"@rx ^json(?:\\.array_0)?$\" \"id:8,phase:2,pass\"\n"
                "SecRule &ARGS_GET_NAMES \"@eq 0\" \"id:9,phase:2,pass\"",
        "{\"a__in\":[\"x\",\"y\"],\"b\":{\"c\":{},\"e\":[{\"f\":[[1]]}]},\"d\":[]}");
    for (uint64_t id = 1; id <= 9; id++)
        check(scene_has(s, id) == (id != 8));
    scene_close(s);
}

TEST(who_excludes_the_first_name_in_a_container_excludes_the_containers_own)
{
    static const char *const rules[] = {
        AS_JSON "SecRule ARGS_NAMES \"@contains k1\" \"id:1,phase:2,pass\"\n"
                "SecRuleUpdateTargetById 1 \"!ARGS_NAMES:json.k1.array_0\"",
        AS_JSON "SecRule ARGS_NAMES \"@contains k1\" \"id:1,phase:2,pass\"\n"
                "SecRuleUpdateTargetById 1 \"!ARGS_NAMES:/\\.array_[0-9]+$/\"",
        AS_JSON "SecAction \"id:2,phase:1,pass,nolog,"
                "ctl:ruleRemoveTargetById=1;ARGS_NAMES:json.k1.array_0\"\n"
                "SecRule ARGS_NAMES \"@contains k1\" \"id:1,phase:2,pass\"",
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct scene *s = json_scene(rules[i], "{\"k1\":[\"x\"]}");
        check(!scene_has(s, 1));
        scene_close(s);
        s = json_scene(rules[i], "{\"k1\":\"x\"}");
        check(scene_has(s, 1));
        scene_close(s);
    }
}

TEST(a_container_says_nothing_where_a_name_below_it_did)
{
#define COUNTING                                                    \
    AS_JSON "SecAction \"id:2,phase:1,pass,nolog,setvar:tx.n=0\"\n" \
            "SecRule ARGS_NAMES \"@contains evil\" \"id:1,phase:2,pass,setvar:tx.n=+5\""
    static const struct {
        const char *body, *score;
    } rows[] = {
        {"{\"evil\":\"x\"}", "5"},          {"{\"evil\":[\"x\"]}", "5"},
        {"{\"evil\":[\"x\",\"y\"]}", "10"}, {"{\"evil\":{\"a\":{\"b\":1}}}", "5"},
        {"{\"evil\":{\"a\":{}}}", "5"},     {"{\"evil\":{},\"evil2\":{\"a\":1}}", "10"},
        {"{\"a\":{\"b\":1}}", "0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene *s = json_scene(COUNTING, rows[i].body);
        check_span(scene_tx(s, "n"), rows[i].score);
        scene_close(s);
    }
#undef COUNTING
}

TEST(names_of_containers_are_limited_as_arguments_are)
{
    struct scene *s = json_scene(AS_JSON "SecArgumentsLimit 2\n"
                                         "SecRule REQBODY_ERROR \"@eq 1\" \"id:1,phase:2,pass\"\n"
                                         "SecRule &ARGS_NAMES \"@eq 2\" \"id:2,phase:2,pass\"",
                                 "{\"a\":{},\"b\":[],\"c\":{}}");
    check(scene_has(s, 1) && scene_has(s, 2));
    scene_close(s);
}

int values_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_target_is_cut_at_the_first_raw_question_mark),
        cmocka_unit_test(the_path_is_decoded_from_phase_2_on_but_still_cut_raw),
        cmocka_unit_test(
            an_absolute_target_loses_scheme_and_authority_but_stays_raw_in_its_own_variable),
        cmocka_unit_test(a_fragment_is_no_part_of_the_target_but_stays_in_its_raw_form),
        cmocka_unit_test(rules_are_told_the_version_of_the_language_that_they_may_use),
        cmocka_unit_test(env_is_the_environment_and_what_rules_set_there),
        cmocka_unit_test(the_line_the_method_and_the_client_are_what_was_given),
        cmocka_unit_test(the_time_is_handed_in_and_said_in_utc),
        cmocka_unit_test(an_unknown_or_unset_macro_leaves_nothing),
        cmocka_unit_test(cookies_are_split_and_nameless_ones_left_out),
        cmocka_unit_test(names_of_arguments_headers_and_tx_differ_beyond_case_only),
        cmocka_unit_test(a_regex_selector_finds_its_names_anywhere_and_without_case),
        cmocka_unit_test(a_count_comes_after_exclusions),
        cmocka_unit_test(an_excluded_target_is_not_looked_at_by_name_or_by_pattern),
        cmocka_unit_test(arguments_come_from_the_query_first_and_then_from_the_body),
        cmocka_unit_test(a_rule_can_ask_about_itself),
        cmocka_unit_test(the_highest_severity_is_the_gravest_so_far),
        cmocka_unit_test(the_response_is_there_from_phase_3_on),
        cmocka_unit_test(the_full_request_is_line_fields_and_body),
        cmocka_unit_test(a_key_of_an_object_or_array_is_a_name_of_its_own),
        cmocka_unit_test(who_excludes_the_first_name_in_a_container_excludes_the_containers_own),
        cmocka_unit_test(a_container_says_nothing_where_a_name_below_it_did),
        cmocka_unit_test(names_of_containers_are_limited_as_arguments_are),
    };
    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
