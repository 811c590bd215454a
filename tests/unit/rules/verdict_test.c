/* SPDX-License-Identifier: Apache-2.0 */
/* Phases, allow, refusals, detection only, and what the log says of them. */
#include "tests/unit/rules/scene.h"
#include "tests/unit/rules/suites.h"

#include <stdio.h>
#include <string.h>

TEST(deny_refuses_with_403_unless_said_and_ends_the_phase)
{
    struct scene *s = scene_open("SecRule ARGS:a \"@streq 1\" \"id:1,phase:1,deny,log\"\n"
                                 "SecAction \"id:2,phase:1,pass,log\"\n"
                                 "SecAction \"id:3,phase:2,pass,log\"");
    scene_get(s, "/?a=1");
    struct verdict verdict = inspection_verdict(s->tx);
    check(verdict.action == VERDICT_DENY);
    check_number(verdict.status, 403);
    check_number(verdict.rule_id, 1);
    check(!verdict.would_block);
    check(scene_match(s, 1)->disruptive);
    check_number(scene_count(s), 1);
    scene_close(s);
}

TEST(a_status_stands_in_the_verdict)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,deny,status:406,log\"");
    scene_get(s, "/");
    check_number(inspection_verdict(s->tx).status, 406);
    scene_close(s);
}

TEST(block_does_what_the_phase_default_says)
{
    struct scene *s = scene_open("SecDefaultAction \"phase:1,log,auditlog,deny,status:409\"\n"
                                 "SecAction \"id:1,phase:1,block,log\"");
    scene_get(s, "/");
    check(inspection_verdict(s->tx).action == VERDICT_DENY);
    check_number(inspection_verdict(s->tx).status, 409);
    scene_close(s);
}

TEST(redirect_says_where_with_its_macros_in_place)
{
    struct scene *s =
        scene_open("SecAction \"id:1,phase:1,redirect:'https://%{SERVER_NAME}/no',log\"\n");
    scene_field(s, "Host", "shop.example");
    scene_get(s, "/");
    check(inspection_verdict(s->tx).action == VERDICT_REDIRECT);
    check_number(inspection_verdict(s->tx).status, 302);
    check_span(inspection_verdict(s->tx).redirect, "https://shop.example/no");
    check(span_is(inspection_verdict(s->tx).redirect_literals, SPAN("https://\0/no\0")));
    scene_close(s);
    s = scene_open("SecAction \"id:1,phase:1,redirect:'https://shop.example/no',log\"\n");
    scene_get(s, "/");
    check(inspection_verdict(s->tx).redirect_literals.at == NULL);
    scene_close(s);
}

TEST(drop_closes)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,drop,log\"");
    scene_get(s, "/");
    check(inspection_verdict(s->tx).action == VERDICT_DROP);
    scene_close(s);
}

TEST(a_refusal_without_log_still_refuses)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,deny,nolog\"");
    scene_get(s, "/");
    check(inspection_verdict(s->tx).action == VERDICT_DENY);
    check_number(scene_count(s), 0);
    scene_close(s);
}

TEST(nolog_and_auditlog_speak_to_the_audit_log_alone)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,pass,nolog,auditlog,msg:'kept'\"\n"
                                 "SecAction \"id:2,phase:1,pass,auditlog,nolog\"\n"
                                 "SecAction \"id:3,phase:1,pass,log,noauditlog\"");
    scene_get(s, "/");
    size_t count;
    const struct rule_match *matches = inspection_matches(s->tx, &count);
    check_number(count, 2);
    check_number(matches[0].rule_id, 1);
    check(matches[0].audit && matches[0].audit_only);
    check_span(matches[0].message, "kept");
    check_number(matches[1].rule_id, 3);
    check(!matches[1].audit && !matches[1].audit_only);
    scene_close(s);
}

TEST(phases_run_in_order_and_phase_5_runs_after_a_refusal)
{
    struct scene *s = scene_open("SecAction \"id:5,phase:5,deny,log\"\n"
                                 "SecAction \"id:2,phase:2,deny,log\"\n"
                                 "SecAction \"id:1,phase:1,pass,log\"");
    scene_get(s, "/");
    scene_run(s, PHASE_LOGGING);
    size_t count;
    const struct rule_match *matches = inspection_matches(s->tx, &count);
    check_number(count, 3);
    check_number(matches[0].rule_id, 1);
    check_number(matches[1].rule_id, 2);
    check_number(matches[2].rule_id, 5);
    check(!matches[2].disruptive);
    check_number(inspection_verdict(s->tx).rule_id, 2);
    scene_close(s);
}

TEST(phase_5_never_refuses)
{
    struct scene *s = scene_open("SecAction \"id:5,phase:5,deny,log\"");
    scene_get(s, "/");
    scene_run(s, PHASE_LOGGING);
    check(scene_has(s, 5));
    check(inspection_verdict(s->tx).action == VERDICT_PASS);
    scene_close(s);
}

TEST(a_phase_runs_once)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,pass,nolog,setvar:tx.n=+1\"\n"
                                 "SecAction \"id:2,phase:2,pass,nolog,setvar:tx.n=+1\"");
    scene_get(s, "/");
    scene_run(s, PHASE_REQUEST_BODY);
    scene_run(s, PHASE_REQUEST_HEADERS);
    check_span(scene_tx(s, "n"), "2");
    scene_close(s);
}

static const char allow_rules[] = "SecAction \"id:1,phase:1,%s,nolog\"\n"
                                  "SecAction \"id:11,phase:1,pass,log\"\n"
                                  "SecAction \"id:12,phase:2,pass,log\"\n"
                                  "SecAction \"id:13,phase:3,pass,log\"\n"
                                  "SecAction \"id:15,phase:5,pass,log\"";

static struct scene *allowed(const char *how)
{
    char rules[512];
    const char *mark = strstr(allow_rules, "%s");
    snprintf(rules, sizeof(rules), "%.*s%s%s", (int)(mark - allow_rules), allow_rules, how,
             mark + 2);
    struct scene *s = scene_open(rules);
    scene_get(s, "/");
    scene_answer(s, 200, NULL);
    scene_run(s, PHASE_LOGGING);
    return s;
}

TEST(allow_leaves_only_phase_5)
{
    struct scene *s = allowed("allow");
    check(!scene_has(s, 11) && !scene_has(s, 12) && !scene_has(s, 13) && scene_has(s, 15));
    check(!inspection_wants_request_body(s->tx));
    scene_close(s);
}

TEST(allow_phase_leaves_the_other_phases)
{
    struct scene *s = allowed("allow:phase");
    check(!scene_has(s, 11) && scene_has(s, 12) && scene_has(s, 13) && scene_has(s, 15));
    scene_close(s);
}

TEST(allow_request_leaves_the_response)
{
    struct scene *s = allowed("allow:request");
    check(!scene_has(s, 11) && !scene_has(s, 12) && scene_has(s, 13) && scene_has(s, 15));
    scene_close(s);
}

TEST(detection_only_evaluates_and_logs_everything_and_says_what_it_would_have_done)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,deny,status:406,log\"\n"
                                 "SecAction \"id:2,phase:1,deny,log\"\n"
                                 "SecAction \"id:3,phase:2,drop,log\"");
    s->options.engine = ENGINE_DETECTION_ONLY;
    scene_get(s, "/");
    struct verdict verdict = inspection_verdict(s->tx);
    check(verdict.action == VERDICT_PASS);
    check(verdict.would_block);
    check_number(verdict.status, 406);
    check_number(verdict.rule_id, 1);
    check_number(scene_count(s), 3);
    check(scene_match(s, 1)->disruptive);
    check(!scene_match(s, 2)->disruptive);
    scene_close(s);
}

TEST(an_engine_that_is_off_runs_nothing)
{
    struct scene *s = scene_open("SecRuleEngine Off\nSecAction \"id:1,phase:1,deny,log\"");
    scene_get(s, "/");
    scene_run(s, PHASE_LOGGING);
    check_number(scene_count(s), 0);
    check(inspection_verdict(s->tx).action == VERDICT_PASS);
    check(!inspection_wants_request_body(s->tx));
    scene_close(s);
}

TEST(noauditlog_does_not_keep_a_match_out_of_the_log)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,pass,log,noauditlog\"\n"
                                 "SecAction \"id:2,phase:1,pass,nolog,auditlog\"");
    scene_get(s, "/");
    check(scene_has(s, 1));
    check(!scene_match(s, 1)->audit);
    check(!scene_has(s, 2));
    scene_close(s);
}

TEST(a_match_carries_the_words_of_its_rule)
{
    struct scene *s =
        scene_open("SecRule ARGS:a \"@pm x evil\" "
                   "\"id:9,phase:1,pass,log,capture,rev:'2',ver:'V/1',severity:'CRITICAL',"
                   "maturity:7,accuracy:8,tag:'one',tag:'two/%{REQUEST_METHOD}',msg:'Saw %{TX.0}',"
                   "logdata:'found within %{MATCHED_VAR_NAME}: %{MATCHED_VAR}'\"");
    scene_get(s, "/?a=an+evil");
    const struct rule_match *m = scene_match(s, 9);
    check_span(m->message, "Saw evil");
    check_span(m->data, "found within ARGS:a: an evil");
    check_span(m->operator_text, "pm");
    check_number(m->severity, 2);
    check_span(m->revision, "2");
    check_span(m->version, "V/1");
    check_number(m->maturity, 7);
    check_number(m->accuracy, 8);
    check_number(m->tag_count, 2);
    check_span(m->tags[1], "two/GET");
    check_span(span_text(m->file), "test.conf");
    check_number(m->line, 1);
    check(m->phase == PHASE_REQUEST_HEADERS);
    scene_close(s);
}

TEST(the_score_is_read_where_either_crs_keeps_it)
{
    struct scene *s =
        scene_open("SecAction \"id:1,phase:1,pass,nolog,setvar:tx.anomaly_score=7\"\n"
                   "SecAction \"id:2,phase:2,pass,nolog,setvar:tx.blocking_inbound_anomaly_score=9,"
                   "setvar:tx.blocking_outbound_anomaly_score=4\"");
    scene_start(s, "GET", "/");
    check_number(inspection_score(s->tx, false), 0);
    scene_run(s, PHASE_REQUEST_HEADERS);
    check_number(inspection_score(s->tx, false), 7);
    scene_run(s, PHASE_REQUEST_BODY);
    check_number(inspection_score(s->tx, false), 9);
    check_number(inspection_score(s->tx, true), 4);
    scene_close(s);
}

int verdict_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deny_refuses_with_403_unless_said_and_ends_the_phase),
        cmocka_unit_test(a_status_stands_in_the_verdict),
        cmocka_unit_test(block_does_what_the_phase_default_says),
        cmocka_unit_test(redirect_says_where_with_its_macros_in_place),
        cmocka_unit_test(drop_closes),
        cmocka_unit_test(a_refusal_without_log_still_refuses),
        cmocka_unit_test(nolog_and_auditlog_speak_to_the_audit_log_alone),
        cmocka_unit_test(phases_run_in_order_and_phase_5_runs_after_a_refusal),
        cmocka_unit_test(phase_5_never_refuses),
        cmocka_unit_test(a_phase_runs_once),
        cmocka_unit_test(allow_leaves_only_phase_5),
        cmocka_unit_test(allow_phase_leaves_the_other_phases),
        cmocka_unit_test(allow_request_leaves_the_response),
        cmocka_unit_test(
            detection_only_evaluates_and_logs_everything_and_says_what_it_would_have_done),
        cmocka_unit_test(an_engine_that_is_off_runs_nothing),
        cmocka_unit_test(noauditlog_does_not_keep_a_match_out_of_the_log),
        cmocka_unit_test(a_match_carries_the_words_of_its_rule),
        cmocka_unit_test(the_score_is_read_where_either_crs_keeps_it),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
