/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/access.h"

#include "tests/check.h"
#include "tests/unit/guard/suites.h"

static const struct span login = SPAN_INIT("/login");
static const struct condition at_login = {.kind = CONDITION_PATH, .texts = &login, .text_count = 1};

static struct access_entry entry(const char *name, enum access_action action)
{
    return (struct access_entry){.name = span_text(name),
                                 .match = &at_login,
                                 .match_text = SPAN("path: /login"),
                                 .action = action,
                                 .mode = GUARD_ON,
                                 .status = 403};
}

struct walk {
    struct access_entry list[4];
    size_t at;
    struct decisions decisions;
};

static enum access_step walk(struct walk *w, const char *path)
{
    struct asked asked = {.path = span_text(path)};
    return access_run(w->list, 4, &w->at, &asked, &w->decisions);
}

TEST(the_first_allow_or_block_ends_the_list)
{
    struct walk w = {.list = {entry("seen", ACCESS_COUNT), entry("staff", ACCESS_ALLOW),
                              entry("closed", ACCESS_BLOCK), entry("late", ACCESS_COUNT)}};
    check_number(walk(&w, "/login"), ACCESS_ALLOWED);
    check_number(w.decisions.count, 2);
    check_number(w.decisions.at[0].kind, DECISION_COUNT);
    check_number(w.decisions.at[1].kind, DECISION_ALLOW);
    check_span(w.decisions.at[1].name, "staff");
    check_span(w.decisions.at[1].reason, "path: /login");
}

TEST(a_block_has_its_status)
{
    struct walk w = {.list = {entry("closed", ACCESS_BLOCK)}};
    w.list[0].status = 451;
    check_number(walk(&w, "/login"), ACCESS_BLOCKED);
    check_number(w.decisions.at[0].status, 451);
    assert_string_equal(decision_word(w.decisions.at[0].kind), "block");
}

TEST(who_no_entry_is_about_goes_on)
{
    struct walk w = {.list = {entry("a", ACCESS_BLOCK), entry("b", ACCESS_BLOCK),
                              entry("c", ACCESS_BLOCK), entry("d", ACCESS_BLOCK)}};
    check_number(walk(&w, "/"), ACCESS_END);
    check_number(w.decisions.count, 0);
}

TEST(an_entry_without_a_match_is_about_everybody)
{
    struct walk w = {.list = {entry("closed", ACCESS_BLOCK)}};
    w.list[0].match = NULL;
    check_number(walk(&w, "/anything"), ACCESS_BLOCKED);
}

TEST(an_entry_that_only_detects_says_what_it_would_do)
{
    struct walk w = {.list = {entry("a", ACCESS_BLOCK), entry("b", ACCESS_ALLOW),
                              entry("c", ACCESS_BLOCK), entry("d", ACCESS_COUNT)}};
    w.list[0].mode = w.list[1].mode = GUARD_DETECTION_ONLY;
    w.list[2].mode = GUARD_OFF;
    check_number(walk(&w, "/login"), ACCESS_END);
    check_number(w.decisions.count, 3);
    check_number(w.decisions.at[0].kind, DECISION_WOULD_BLOCK);
    check_number(w.decisions.at[1].kind, DECISION_WOULD_ALLOW);
    check_number(w.decisions.at[2].kind, DECISION_COUNT);
}

TEST(the_rules_stand_where_the_list_names_them)
{
    struct walk w = {.list = {entry("a", ACCESS_COUNT),
                              {.is_rules = true},
                              entry("b", ACCESS_BLOCK),
                              entry("c", ACCESS_BLOCK)}};
    check_number(walk(&w, "/login"), ACCESS_RULES);
    check_number(w.decisions.count, 1);
    check_number(walk(&w, "/login"), ACCESS_BLOCKED);
    check_span(w.decisions.at[1].name, "b");
}

TEST(the_decision_that_ends_a_request_is_kept_however_many_there_were)
{
    struct decisions decisions = {.count = 0};
    struct decision seen = {.kind = DECISION_COUNT}, last = {.kind = DECISION_BLOCK};
    for (unsigned i = 0; i < DECISIONS_MOST + 3; i++)
        decisions_add(&decisions, &seen);
    decisions_add(&decisions, &last);
    check_number(decisions.count, DECISIONS_MOST);
    check_number(decisions.at[DECISIONS_MOST - 1].kind, DECISION_BLOCK);
}

TEST(who_is_unknown_gets_the_benefit_of_the_doubt_or_does_not)
{
    struct span de = SPAN("DE");
    struct condition country = {.kind = CONDITION_COUNTRY, .texts = &de, .text_count = 1};
    struct walk w = {.list = {entry("friends", ACCESS_ALLOW), entry("foes", ACCESS_BLOCK),
                              entry("seen", ACCESS_COUNT), entry("more", ACCESS_COUNT)}};
    for (size_t i = 0; i < 4; i++)
        w.list[i].match = &country;
    struct asked asked = {.geo_unknown_blocks = false};
    check_number(access_run(w.list, 4, &w.at, &asked, &w.decisions), ACCESS_ALLOWED);
    w.at = 1;
    check_number(access_run(w.list, 4, &w.at, &asked, &w.decisions), ACCESS_END);
    w.at = 0;
    asked.geo_unknown_blocks = true;
    check_number(access_run(w.list, 4, &w.at, &asked, &w.decisions), ACCESS_BLOCKED);
    check_number(w.at, 2);
}

TEST(nobody_is_let_in_by_a_doubtful_path_but_kept_out_by_it)
{
    struct condition not_login = {.kind = CONDITION_NOT, .parts = &at_login, .part_count = 1};
    struct walk w = {.list = {entry("in", ACCESS_ALLOW), entry("others", ACCESS_ALLOW),
                              entry("seen", ACCESS_COUNT), entry("out", ACCESS_BLOCK)}};
    w.list[1].match = &not_login;
    struct asked asked = {.path = SPAN("/login"), .path_is_doubtful = true};
    check_number(access_run(w.list, 4, &w.at, &asked, &w.decisions), ACCESS_BLOCKED);
    check_number(w.decisions.count, 2);
    asked.path = SPAN("/");
    w.at = 0;
    check_number(access_run(w.list, 4, &w.at, &asked, &w.decisions), ACCESS_END);
}

int access_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_allow_or_block_ends_the_list),
        cmocka_unit_test(a_block_has_its_status),
        cmocka_unit_test(who_no_entry_is_about_goes_on),
        cmocka_unit_test(an_entry_without_a_match_is_about_everybody),
        cmocka_unit_test(an_entry_that_only_detects_says_what_it_would_do),
        cmocka_unit_test(the_rules_stand_where_the_list_names_them),
        cmocka_unit_test(who_is_unknown_gets_the_benefit_of_the_doubt_or_does_not),
        cmocka_unit_test(nobody_is_let_in_by_a_doubtful_path_but_kept_out_by_it),
        cmocka_unit_test(the_decision_that_ends_a_request_is_kept_however_many_there_were),
    };
    return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
