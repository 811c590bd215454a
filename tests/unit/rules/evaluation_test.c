/* SPDX-License-Identifier: Apache-2.0 */
/* One rule: operators on values, chains, captures, transformations, flow. */
#include "tests/unit/rules/scene.h"
#include "tests/unit/rules/suites.h"

#include <string.h>

TEST(a_rule_matches_the_value_that_its_operator_finds)
{
    struct scene *s =
        scene_open("SecRule ARGS:q \"@contains attack\" \"id:1,phase:1,pass,log,msg:'found'\"");
    scene_get(s, "/?q=an+attack");
    check(scene_has(s, 1));
    check_span(scene_match(s, 1)->variable_name, "ARGS:q");
    check_span(scene_match(s, 1)->variable_value, "an attack");
    check_span(scene_match(s, 1)->message, "found");
    scene_close(s);
}

TEST(an_absent_variable_matches_neither_an_operator_nor_its_negation)
{
    struct scene *s = scene_open("SecRule ARGS:q \"@rx x\" \"id:1,phase:1,pass,log\"\n"
                                 "SecRule ARGS:q \"!@rx x\" \"id:2,phase:1,pass,log\"\n"
                                 "SecRule &ARGS:q \"@eq 0\" \"id:3,phase:1,pass,log\"");
    scene_get(s, "/?other=1");
    check(!scene_has(s, 1));
    check(!scene_has(s, 2));
    check(scene_has(s, 3));
    scene_close(s);
}

TEST(a_negated_operator_looks_at_each_value_alone)
{
    struct scene *s = scene_open("SecRule ARGS \"!@rx ^x$\" \"id:1,phase:1,pass,log\"");
    scene_get(s, "/?a=x&b=y&c=x");
    check(scene_has(s, 1));
    check_span(scene_match(s, 1)->variable_name, "ARGS:b");
    check(scene_match(s, 1)->negated);
    scene_close(s);
}

TEST(a_rule_is_logged_once_with_the_value_that_matched_last)
{
    struct scene *s = scene_open(
        "SecRule ARGS \"@rx x\" \"id:1,phase:1,pass,log,logdata:'%{MATCHED_VAR_NAME}'\"");
    scene_get(s, "/?a=x1&b=x2");
    check_number(scene_count(s), 1);
    check_span(scene_match(s, 1)->variable_value, "x2");
    check_span(scene_match(s, 1)->data, "ARGS:b");
    scene_close(s);
}

TEST(a_chain_needs_all_of_its_links)
{
    struct scene *s = scene_open("SecRule ARGS:a \"@streq 1\" \"id:1,phase:1,pass,log,chain\"\n"
                                 "SecRule ARGS:b \"@streq 2\"\n"
                                 "SecRule ARGS:a \"@streq 1\" \"id:2,phase:1,pass,log,chain\"\n"
                                 "SecRule ARGS:b \"@streq 3\"");
    scene_get(s, "/?a=1&b=2");
    check(scene_has(s, 1));
    check(!scene_has(s, 2));
    scene_close(s);
}

TEST(a_chain_is_logged_with_the_variable_of_its_last_link)
{
    struct scene *s = scene_open(
        "SecRule ARGS:a \"@streq 1\" \"id:1,phase:1,pass,log,chain,msg:'%{MATCHED_VAR}'\"\n"
        "SecRule ARGS:b \"@contains two\"");
    scene_get(s, "/?a=1&b=two2");
    check_span(scene_match(s, 1)->variable_name, "ARGS:b");
    check_span(scene_match(s, 1)->message, "two2");
    check_span(scene_match(s, 1)->operator_argument, "two");
    scene_close(s);
}

TEST(the_actions_of_a_link_run_even_if_a_later_link_fails)
{
    struct scene *s =
        scene_open("SecRule ARGS:a \"@streq 1\" \"id:1,phase:1,deny,chain,setvar:tx.first=1\"\n"
                   "SecRule ARGS:b \"@streq 2\" \"chain,setvar:tx.second=1\"\n"
                   "SecRule ARGS:c \"@streq 3\" \"setvar:tx.third=1\"");
    scene_get(s, "/?a=1&b=2&c=4");
    check_span(scene_tx(s, "first"), "1");
    check_span(scene_tx(s, "second"), "1");
    check_unset(scene_tx(s, "third"));
    check_number(scene_count(s), 0);
    check(inspection_verdict(s->tx).action == VERDICT_PASS);
    scene_close(s);
}

TEST(the_actions_of_a_link_run_once_for_each_value_that_matches)
{
    struct scene *s =
        scene_open("SecRule ARGS \"@rx x\" \"id:1,phase:1,pass,nolog,setvar:tx.n=+1\"");
    scene_get(s, "/?a=x&b=y&c=x&d=xx");
    check_span(scene_tx(s, "n"), "3");
    scene_close(s);
}

TEST(a_capture_fills_tx_0_to_9_and_clears_the_rest)
{
    struct scene *s =
        scene_open("SecRule ARGS:a \"@rx (.)(.)(.)\" \"id:1,phase:1,pass,nolog,capture\"\n"
                   "SecRule ARGS:b \"@rx (.)$\" "
                   "\"id:2,phase:1,pass,log,capture,logdata:'%{TX.0}-%{TX.1}-%{TX.2}'\"");
    scene_get(s, "/?a=123&b=xyz");
    check_span(scene_tx(s, "0"), "z");
    check_span(scene_tx(s, "1"), "z");
    check_unset(scene_tx(s, "2"));
    check_span(scene_match(s, 2)->data, "z-z-");
    scene_close(s);
}

TEST(without_capture_older_captures_stay)
{
    struct scene *s = scene_open("SecRule ARGS:a \"@rx (.)\" \"id:1,phase:1,pass,nolog,capture\"\n"
                                 "SecRule ARGS:b \"@rx (.)\" \"id:2,phase:1,pass,nolog\"");
    scene_get(s, "/?a=1&b=2");
    check_span(scene_tx(s, "1"), "1");
    scene_close(s);
}

TEST(a_later_link_sees_the_captures_of_an_earlier_one)
{
    struct scene *s =
        scene_open("SecRule ARGS:a \"@rx ^(\\w+)=\" \"id:1,phase:1,pass,log,capture,chain\"\n"
                   "SecRule TX:1 \"@streq key\"");
    scene_get(s, "/?a=key%3Dvalue");
    check(scene_has(s, 1));
    check_span(scene_match(s, 1)->variable_name, "TX:1");
    scene_close(s);
}

TEST(transformations_are_applied_in_order_before_the_operator)
{
    struct scene *s =
        scene_open("SecRule ARGS:a \"@streq <x>\" "
                   "\"id:1,phase:1,pass,log,t:none,t:lowercase,t:urlDecode,t:htmlEntityDecode\"");
    scene_get(s, "/?a=%2526LT;X%253E");
    check(scene_has(s, 1));
    check_span(scene_match(s, 1)->variable_value, "<x>");
    scene_close(s);
}

TEST(multi_match_looks_at_the_value_before_and_after_each_change)
{
    struct scene *s =
        scene_open("SecRule ARGS:a \"@contains X\" "
                   "\"id:1,phase:1,pass,nolog,multiMatch,t:none,t:lowercase,setvar:tx.upper=+1\"\n"
                   "SecRule ARGS:a \"@contains x\" "
                   "\"id:2,phase:1,pass,nolog,multiMatch,t:none,t:lowercase,t:removeNulls,setvar:"
                   "tx.lower=+1\"\n"
                   "SecRule ARGS:a \"@contains X\" "
                   "\"id:3,phase:1,pass,nolog,t:none,t:lowercase,setvar:tx.single=+1\"");
    scene_get(s, "/?a=X");
    check_span(scene_tx(s, "upper"), "1");
    check_span(scene_tx(s, "lower"), "1");
    check_unset(scene_tx(s, "single"));
    scene_close(s);
}

TEST(matched_vars_gather_over_the_links_of_one_rule)
{
    struct scene *s = scene_open("SecRule ARGS \"@rx x\" \"id:1,phase:1,pass,log,chain\"\n"
                                 "SecRule &MATCHED_VARS \"@eq 2\" \"chain\"\n"
                                 "SecRule MATCHED_VARS_NAMES \"@streq ARGS:b\"");
    scene_get(s, "/?a=x&b=x&c=y");
    check(scene_has(s, 1));
    check_span(scene_match(s, 1)->variable_name, "MATCHED_VARS_NAMES:ARGS:b");
    scene_close(s);
}

TEST(matched_var_is_empty_at_the_beginning_of_the_next_rule)
{
    struct scene *s = scene_open("SecRule ARGS \"@rx x\" \"id:1,phase:1,pass,log\"\n"
                                 "SecRule MATCHED_VAR \"@rx x\" \"id:2,phase:1,pass,log\"\n"
                                 "SecRule &MATCHED_VARS \"@eq 0\" \"id:3,phase:1,pass,log\"");
    scene_get(s, "/?a=x");
    check(!scene_has(s, 2));
    check(scene_has(s, 3));
    scene_close(s);
}

TEST(a_sec_action_always_matches)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,pass,log,msg:'here',setvar:tx.a=1\"");
    scene_get(s, "/");
    check(scene_has(s, 1));
    check_span(scene_tx(s, "a"), "1");
    check_number(scene_match(s, 1)->variable_name.len, 0);
    scene_close(s);
}

TEST(skip_passes_over_rules_and_counts_a_chain_as_one)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,pass,nolog,skip:2\"\n"
                                 "SecRule ARGS \"@rx .\" \"id:2,phase:1,pass,log,chain\"\n"
                                 "SecRule ARGS \"@rx .\"\n"
                                 "SecAction \"id:3,phase:1,pass,log\"\n"
                                 "SecAction \"id:4,phase:1,pass,log\"");
    scene_get(s, "/?a=1");
    check_number(scene_count(s), 1);
    check(scene_has(s, 4));
    scene_close(s);
}

TEST(skip_after_goes_on_behind_the_marker_of_the_same_phase)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,pass,nolog,skipAfter:END\"\n"
                                 "SecAction \"id:2,phase:1,pass,log\"\n"
                                 "SecAction \"id:3,phase:2,pass,log\"\n"
                                 "SecMarker END\n"
                                 "SecAction \"id:4,phase:1,pass,log\"");
    scene_get(s, "/");
    check(!scene_has(s, 2));
    check(scene_has(s, 3));
    check(scene_has(s, 4));
    scene_close(s);
}

TEST(a_rule_that_does_not_match_skips_nothing)
{
    struct scene *s =
        scene_open("SecRule ARGS:a \"@streq 1\" \"id:1,phase:1,pass,nolog,skipAfter:END\"\n"
                   "SecAction \"id:2,phase:1,pass,log\"\n"
                   "SecMarker END");
    scene_get(s, "/?a=2");
    check(scene_has(s, 2));
    scene_close(s);
}

TEST(an_operator_argument_sees_the_value_of_its_macro_now)
{
    struct scene *s =
        scene_open("SecAction \"id:1,phase:1,pass,nolog,setvar:'tx.want=GET POST'\"\n"
                   "SecRule REQUEST_METHOD \"!@within %{tx.want}\" \"id:2,phase:1,pass,log\"\n"
                   "SecAction \"id:3,phase:1,pass,nolog,setvar:tx.want=POST\"\n"
                   "SecRule REQUEST_METHOD \"!@within %{tx.want}\" \"id:4,phase:1,pass,log\"");
    scene_get(s, "/");
    check(!scene_has(s, 2));
    check(scene_has(s, 4));
    check_span(scene_match(s, 4)->operator_argument, "POST");
    scene_close(s);
}

TEST(a_macro_in_a_pattern_means_only_itself)
{
    struct scene *s = scene_open("SecRule ARGS:a \"@rx ^%{ARGS.b}$\" \"id:1,phase:1,pass,log\"");
    scene_get(s, "/?a=xyz&b=x.z");
    check(!scene_has(s, 1));
    scene_again(s, 1 << 20);
    scene_get(s, "/?a=x.z&b=x.z");
    check(scene_has(s, 1));
    scene_close(s);
}

TEST(numbers_are_read_from_the_front_of_a_text)
{
    struct scene *s = scene_open("SecRule ARGS:a \"@eq 12\" \"id:1,phase:1,pass,log\"\n"
                                 "SecRule ARGS:b \"@eq 0\" \"id:2,phase:1,pass,log\"\n"
                                 "SecRule ARGS:c \"@gt 4294967296\" \"id:3,phase:1,pass,log\"");
    scene_get(s, "/?a=12abc&b=abc&c=99999999999999999999");
    check_number(scene_count(s), 3);
    scene_close(s);
}

TEST(a_pattern_that_runs_over_its_limit_is_counted_and_said_in_tx)
{
    struct scene *s =
        scene_open("SecRule ARGS:a \"@rx ^(a+)+$\" \"id:1,phase:1,deny,log\"\n"
                   "SecRule TX:/^MSC_/ \"!@streq 0\" \"id:2,phase:2,deny,log,status:500\"");
    scene_get(s, "/?a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
    check(!scene_has(s, 1));
    check_number(inspection_limits(s->tx, LIMIT_PATTERN), 1);
    check_span(scene_tx(s, "MSC_PCRE_LIMITS_EXCEEDED"), "1");
    check_number(inspection_verdict(s->tx).status, 500);
    scene_close(s);
}

TEST(a_limit_says_where_it_struck)
{
    struct scene *s = scene_open("SecRule ARGS \"@rx ^(a+)+$\" \"id:7,phase:1,pass,log\"\n"
                                 "SecArgumentsLimit 2");
    scene_get(s, "/?b=b&a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!&c=1");
    const struct limit_struck *struck = inspection_struck(s->tx);
    check_number(inspection_limits(s->tx, LIMIT_ARGUMENTS), 1);
    check(struck->kind == LIMIT_PATTERN); /* what ended the rules before what they merely missed */
    check_number(struck->phase, 1);
    check_number(struck->rule_id, 7);
    check_span(struck->target, "ARGS:a");
    inspection_exhausted(s->tx);
    check(inspection_struck(s->tx)->kind == LIMIT_PATTERN);
    scene_again(s, 1 << 20);
    scene_get(s, "/?b=b");
    check(inspection_struck(s->tx) == NULL);
    scene_close(s);
}

TEST(a_budget_that_runs_out_between_slices_is_told_at_the_latest_value)
{
    struct scene *s = scene_open("SecRule ARGS \"@rx b\" \"id:7,phase:1,pass,log\"");
    scene_start(s, "GET", "/?a0=1&a1=1&a2=1&a3=1&a4=1&a5=1&a6=1&a7=1&a8=1&a9=1");
    check(inspection_run(s->tx, PHASE_REQUEST_HEADERS, 1) == INSPECTION_MORE);
    inspection_exhausted(s->tx);
    check(inspection_struck(s->tx)->kind == LIMIT_CPU_BUDGET);
    check_number(inspection_struck(s->tx)->rule_id, 7);
    check_span(inspection_struck(s->tx)->target, "ARGS:a7");
    scene_close(s);
}

static const char many_rules[] =
    "SecRule ARGS|ARGS_NAMES|REQUEST_HEADERS \"@rx [aeiou]\" "
    "\"id:1,phase:1,pass,log,capture,t:none,t:lowercase,setvar:tx.n=+1,setvar:tx.%{MATCHED_VAR_"
    "NAME}=%{TX.0},chain\"\n"
    "SecRule MATCHED_VARS|TX:/^args/ \"!@rx ^$\" \"setvar:tx.m=+1\"\n"
    "SecRule &ARGS \"@ge 3\" \"id:2,phase:1,pass,log,skip:1\"\n"
    "SecAction \"id:3,phase:1,pass,log\"\n"
    "SecRule ARGS|REQUEST_HEADERS \"@contains e\" "
    "\"id:4,phase:2,pass,log,multiMatch,t:none,t:uppercase,t:lowercase,setvar:tx.k=+1\"\n"
    "SecRule REQUEST_HEADERS \"@rx .\" \"id:5,phase:2,pass,log,logdata:'%{tx.n} %{tx.m} %{tx.k} "
    "%{MATCHED_VAR}'\"";

static struct span many_run(struct scene *s, uint64_t budget_ns)
{
    scene_field(s, "Host", "example.net");
    scene_field(s, "Accept", "text/html, */*");
    scene_field(s, "User-Agent", "a test of some length");
    s->budget_ns = budget_ns;
    scene_get(s, "/?one=eins&two=zwei&three=drei&four=vier&five=fuenf&six=sechs");
    return scene_match(s, 5)->data;
}

TEST(slices_of_a_nanosecond_find_exactly_what_one_run_finds)
{
    struct scene *whole = scene_open(many_rules);
    struct scene *sliced = scene_open(many_rules);
    struct span want = many_run(whole, 0);
    struct span got = many_run(sliced, 1);
    check_number(whole->pauses, 0);
    check(sliced->pauses > 5);
    check(span_is(got, want));
    size_t want_count, count;
    const struct rule_match *wanted = inspection_matches(whole->tx, &want_count);
    const struct rule_match *matches = inspection_matches(sliced->tx, &count);
    check_number(count, want_count);
    for (size_t i = 0; i < count; i++) {
        check_number(matches[i].rule_id, wanted[i].rule_id);
        check(span_is(matches[i].variable_name, wanted[i].variable_name));
        check(span_is(matches[i].variable_value, wanted[i].variable_value));
    }
    scene_close(whole);
    scene_close(sliced);
}

TEST(any_slice_length_finds_the_same)
{
    struct scene *whole = scene_open(many_rules);
    struct span want = many_run(whole, 0);
    for (uint64_t budget = 50; budget <= 1000; budget += 50) {
        struct scene *sliced = scene_open(many_rules);
        check(span_is(many_run(sliced, budget), want));
        scene_close(sliced);
    }
    scene_close(whole);
}

TEST(a_slice_does_one_value_at_least)
{
    struct scene *s = scene_open("SecRule REQUEST_HEADERS|ARGS \"@rx x$\" "
                                 "\"id:1,phase:1,pass,log,t:none,t:lowercase,setvar:tx.n=+1\"");
    char *text = test_malloc(32768);
    memset(text, 'X', 32767);
    text[32767] = '\0';
    for (int i = 0; i < 4; i++)
        scene_field(s, "Long", text);
    s->budget_ns = 1;
    scene_get(s, "/?a=x&b=y");
    check(s->step == INSPECTION_DONE);
    check_number(s->pauses, 4);
    check_span(scene_tx(s, "n"), "5");
    scene_close(s);
    test_free(text);
}

/* `slice_ns` 0: in one go. How often a value of a mebibyte paused is left in s->pauses. */
static void long_value_run(struct scene *s, uint64_t slice_ns)
{
    enum { LONG = 1024 * 1024 };
    char *text = test_malloc(LONG + 1);
    memset(text, 'a', LONG);
    memcpy(text + LONG / 2 - 3, "XabcX", 5);
    text[LONG] = '\0';
    scene_field(s, "Long", text);
    scene_field(s, "Short", "XabcX");
    s->budget_ns = slice_ns;
    scene_get(s, "/");
    check(s->step == INSPECTION_DONE);
    test_free(text);
}

TEST(a_long_value_is_looked_at_in_slices_too)
{
    static const char rules[] =
        "SecRule REQUEST_HEADERS \"@rx x(abc)x\" \"id:1,phase:1,pass,log,capture,t:lowercase,"
        "setvar:tx.n=+1,logdata:'%{TX.1} in %{MATCHED_VAR_NAME}'\"\n"
        "SecRule REQUEST_HEADERS \"!@rx zzz\" \"id:2,phase:1,pass,log,setvar:tx.m=+1\"\n"
        "SecRule REQUEST_HEADERS \"@rx ^a+x\" \"id:3,phase:1,pass,log,t:lowercase\"\n"
        "SecRule REQUEST_HEADERS \"@rx abcX\" \"id:4,phase:1,pass,log,multiMatch,t:lowercase\"";
    struct scene *whole = scene_open(rules), *sliced = scene_open(rules);
    long_value_run(whole, 0);
    long_value_run(sliced, 1);
    check_number(whole->pauses, 0);
    check(sliced->pauses > 40); /* 15 windows to the match of rule 1, 31 to the end for rule 2 */
    check_number(scene_count(sliced), scene_count(whole));
    check_number(scene_count(sliced), 4);
    check(span_is(scene_match(sliced, 1)->data, scene_match(whole, 1)->data));
    check_span(scene_match(sliced, 1)->data, "abc in REQUEST_HEADERS:Short");
    check_span(scene_tx(sliced, "n"), "2");
    check_span(scene_tx(sliced, "m"), "2");
    scene_close(whole);
    scene_close(sliced);
}

TEST(a_full_arena_is_a_limit_and_never_a_match)
{
    struct scene *s = scene_open(many_rules);
    unsigned full = 0;
    for (size_t ceiling = 4096; ceiling <= 65536; ceiling += 4096) {
        scene_again(s, ceiling);
        scene_field(s, "Host", "example.net");
        scene_start(s, "GET", "/?one=eins&two=zwei&three=drei&four=vier&five=fuenf");
        if (s->tx == NULL)
            continue;
        scene_run(s, PHASE_REQUEST_HEADERS);
        if (s->step == INSPECTION_LIMIT) {
            full++;
            check_number(inspection_limits(s->tx, LIMIT_MEMORY), 1);
            check(inspection_struck(s->tx)->kind == LIMIT_MEMORY);
            scene_run(s, PHASE_REQUEST_BODY);
            check(s->step == INSPECTION_LIMIT);
        }
    }
    check(full > 0);
    check(s->step == INSPECTION_DONE);
    scene_close(s);
}

TEST(each_chunk_of_memory_may_fail_once)
{
    struct scene *s = scene_open(many_rules);
    unsigned limits = 0;
    for (unsigned n = 2; n < 60; n++) {
        scene_again(s, 1 << 20);
        scene_field(s, "Cookie", "a=1; b=2");
        scene_body(s, "application/x-www-form-urlencoded", "seven=sieben&eight=acht");
        arena_fail_nth(n);
        scene_start(s, "POST", "/?one=eins&two=zwei&three=drei&four=vier&five=fuenf");
        if (s->tx != NULL) {
            scene_run(s, PHASE_REQUEST_HEADERS);
            inspection_request_body(s->tx, span_text(s->body));
            inspection_request_body_end(s->tx, false);
            scene_run(s, PHASE_REQUEST_BODY);
            limits += s->step == INSPECTION_LIMIT;
        }
        arena_fail_nth(0);
    }
    check(limits > 0);
    check(s->step == INSPECTION_DONE);
    scene_close(s);
}

int evaluation_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_matches_the_value_that_its_operator_finds),
        cmocka_unit_test(an_absent_variable_matches_neither_an_operator_nor_its_negation),
        cmocka_unit_test(a_negated_operator_looks_at_each_value_alone),
        cmocka_unit_test(a_rule_is_logged_once_with_the_value_that_matched_last),
        cmocka_unit_test(a_chain_needs_all_of_its_links),
        cmocka_unit_test(a_chain_is_logged_with_the_variable_of_its_last_link),
        cmocka_unit_test(the_actions_of_a_link_run_even_if_a_later_link_fails),
        cmocka_unit_test(the_actions_of_a_link_run_once_for_each_value_that_matches),
        cmocka_unit_test(a_capture_fills_tx_0_to_9_and_clears_the_rest),
        cmocka_unit_test(without_capture_older_captures_stay),
        cmocka_unit_test(a_later_link_sees_the_captures_of_an_earlier_one),
        cmocka_unit_test(transformations_are_applied_in_order_before_the_operator),
        cmocka_unit_test(multi_match_looks_at_the_value_before_and_after_each_change),
        cmocka_unit_test(matched_vars_gather_over_the_links_of_one_rule),
        cmocka_unit_test(matched_var_is_empty_at_the_beginning_of_the_next_rule),
        cmocka_unit_test(a_sec_action_always_matches),
        cmocka_unit_test(skip_passes_over_rules_and_counts_a_chain_as_one),
        cmocka_unit_test(skip_after_goes_on_behind_the_marker_of_the_same_phase),
        cmocka_unit_test(a_rule_that_does_not_match_skips_nothing),
        cmocka_unit_test(an_operator_argument_sees_the_value_of_its_macro_now),
        cmocka_unit_test(a_macro_in_a_pattern_means_only_itself),
        cmocka_unit_test(numbers_are_read_from_the_front_of_a_text),
        cmocka_unit_test(a_pattern_that_runs_over_its_limit_is_counted_and_said_in_tx),
        cmocka_unit_test(a_limit_says_where_it_struck),
        cmocka_unit_test(a_budget_that_runs_out_between_slices_is_told_at_the_latest_value),
        cmocka_unit_test(slices_of_a_nanosecond_find_exactly_what_one_run_finds),
        cmocka_unit_test(any_slice_length_finds_the_same),
        cmocka_unit_test(a_slice_does_one_value_at_least),
        cmocka_unit_test(a_long_value_is_looked_at_in_slices_too),
        cmocka_unit_test(a_full_arena_is_a_limit_and_never_a_match),
        cmocka_unit_test(each_chunk_of_memory_may_fail_once),
    };
    return cmocka_run_group_tests_name("evaluation", tests, NULL, NULL);
}
