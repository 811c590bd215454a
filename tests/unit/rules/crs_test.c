/* SPDX-License-Identifier: Apache-2.0 */
/* The OWASP Core Rule Set itself, from SIDEGATE_TEST_DATA. */
#include "tests/unit/rules/scene.h"
#include "tests/unit/rules/suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef SIDEGATE_SOURCE_DIR
#define SIDEGATE_SOURCE_DIR "."
#endif

/* NULL where the rule set is not there: the tests then say that they were skipped. */
static struct scene *crs_open(void)
{
    static const char before[] =
        "SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess On\n"
        "SecRule REQUEST_HEADERS:Content-Type \"^application/json\" "
        "\"id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON\"\n";
    const char *data = getenv("SIDEGATE_TEST_DATA");
    char setup[512];
    char rules[512];
    if (data == NULL)
        data = SIDEGATE_SOURCE_DIR "/../shared/data";
    snprintf(setup, sizeof(setup), "%s/crs-4/crs-setup.conf.example", data);
    snprintf(rules, sizeof(rules), "%s/crs-4/rules/*.conf", data);
    if (access(setup, R_OK) != 0) {
        print_message("%s is not there: skipped\n", setup);
        skip();
        return NULL;
    }
    const char *const paths[] = {setup, rules};
    return scene_open_files(paths, 2, before, "");
}

static void honest_fields(struct scene *s)
{
    scene_field(s, "Host", "shop.example");
    scene_field(s, "User-Agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0");
    scene_field(s, "Accept", "text/html,application/xhtml+xml");
    scene_field(s, "Accept-Language", "en-US,en;q=0.5");
}

TEST(an_honest_request_passes_the_core_rule_set_without_a_score)
{
    struct scene *s = crs_open();
    honest_fields(s);
    scene_field(s, "Cookie", "session=8f14e45fceea167a; theme=dark");
    scene_get(s, "/products/list?category=books&page=2&sort=title");
    scene_answer_field(s, "Content-Type", "text/html");
    scene_answer(s, 200, "<html><body>Books</body></html>");
    scene_run(s, PHASE_LOGGING);
    check(inspection_verdict(s->tx).action == VERDICT_PASS);
    check_number(inspection_score(s->tx, false), 0);
    check_number(inspection_score(s->tx, true), 0);
    check_number(scene_count(s), 0);
    check(s->step == INSPECTION_DONE);
    scene_close(s);
}

TEST(an_injection_in_the_query_is_refused_with_its_score)
{
    struct scene *s = crs_open();
    honest_fields(s);
    scene_get(s, "/products?id=1%27%20UNION%20SELECT%20username,password%20FROM%20users--%20-");
    check(inspection_verdict(s->tx).action == VERDICT_DENY);
    check_number(inspection_verdict(s->tx).status, 403);
    check_number(inspection_verdict(s->tx).rule_id, 949110);
    check(inspection_score(s->tx, false) >= 5);
    check(scene_has(s, 942100));
    check(scene_has(s, 949110));
    scene_close(s);
}

TEST(an_injection_in_a_form_is_refused)
{
    struct scene *s = crs_open();
    honest_fields(s);
    scene_field(s, "Content-Length", "40");
    scene_body(s, "application/x-www-form-urlencoded", "q=<script>alert(document.cookie)</script>");
    scene_send(s, "POST", "/search");
    check(inspection_verdict(s->tx).action == VERDICT_DENY);
    check(scene_has(s, 941110));
    scene_close(s);
}

TEST(an_injection_in_json_is_refused)
{
    struct scene *s = crs_open();
    honest_fields(s);
    scene_field(s, "Content-Length", "40");
    scene_body(s, "application/json", "{\"file\":\"../../../../etc/passwd\"}");
    scene_send(s, "POST", "/api");
    check(inspection_verdict(s->tx).action == VERDICT_DENY);
    check(scene_has(s, 930120));
    check_span(scene_match(s, 930120)->variable_name, "ARGS:json.file");
    scene_close(s);
}

TEST(detection_only_lets_the_injection_pass_and_says_so)
{
    struct scene *s = crs_open();
    s->options.engine = ENGINE_DETECTION_ONLY;
    honest_fields(s);
    scene_get(s, "/?id=1%27%20OR%20%271%27=%271%27--%20-");
    scene_run(s, PHASE_LOGGING);
    check(inspection_verdict(s->tx).action == VERDICT_PASS);
    check(inspection_verdict(s->tx).would_block);
    check(inspection_score(s->tx, false) >= 5);
    scene_close(s);
}

TEST(a_leak_in_the_answer_is_refused)
{
    struct scene *s = crs_open();
    honest_fields(s);
    scene_get(s, "/");
    scene_answer_field(s, "Content-Type", "text/html");
    scene_answer(s, 200,
                 "You have an error in your SQL syntax; check the manual that corresponds to your "
                 "MySQL server version for the right syntax to use near ''' at line 1");
    check(inspection_verdict(s->tx).action == VERDICT_DENY);
    check(inspection_score(s->tx, true) >= 4);
    scene_close(s);
}

TEST(slices_of_a_nanosecond_come_to_the_same_verdict_and_log)
{
    static const char target[] = "/p?id=1%27%20UNION%20SELECT%20a,b%20FROM%20c--%20-&x=<script>";
    struct scene *s = crs_open();
    honest_fields(s);
    scene_get(s, target);
    uint64_t ids[64];
    size_t want;
    const struct rule_match *matches = inspection_matches(s->tx, &want);
    check(want < 64);
    for (size_t i = 0; i < want; i++)
        ids[i] = matches[i].rule_id;
    struct verdict verdict = inspection_verdict(s->tx);
    scene_again(s, 8 << 20);
    s->budget_ns = 1;
    honest_fields(s);
    scene_get(s, target);
    size_t got;
    matches = inspection_matches(s->tx, &got);
    check(s->pauses > 20);
    check_number(got, want);
    for (size_t i = 0; i < got; i++)
        check_number(matches[i].rule_id, ids[i]);
    check_number(inspection_verdict(s->tx).rule_id, verdict.rule_id);
    scene_close(s);
}

int crs_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_request_passes_the_core_rule_set_without_a_score),
        cmocka_unit_test(an_injection_in_the_query_is_refused_with_its_score),
        cmocka_unit_test(an_injection_in_a_form_is_refused),
        cmocka_unit_test(an_injection_in_json_is_refused),
        cmocka_unit_test(detection_only_lets_the_injection_pass_and_says_so),
        cmocka_unit_test(a_leak_in_the_answer_is_refused),
        cmocka_unit_test(slices_of_a_nanosecond_come_to_the_same_verdict_and_log),
    };
    return cmocka_run_group_tests_name("core rule set", tests, NULL, NULL);
}
