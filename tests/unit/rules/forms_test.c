/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in which people write the same thing, and who looks on while rules run. */
#include "tests/unit/rules/scene.h"
#include "tests/unit/rules/suites.h"

#include <stdio.h>

TEST(a_percent_sign_behind_a_macro_belongs_to_it_where_it_can_mean_nothing_else)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,pass,nolog,setvar:tx.a=5,"
                                 "setvar:'tx.b=%{tx.a}% of',setvar:tx.c=%{tx.a}%,"
                                 "setvar:tx.d=%{tx.a}%20,setvar:tx.e=%{tx.a}%{tx.a}\"");
    scene_get(s, "/");
    check_span(scene_tx(s, "b"), "5 of");
    check_span(scene_tx(s, "c"), "5");
    check_span(scene_tx(s, "d"), "5%20");
    check_span(scene_tx(s, "e"), "55");
    scene_close(s);
}

TEST(a_macro_may_name_its_key_by_a_pattern)
{
    struct scene *s =
        scene_open("SecRule ARGS:a \"@rx .\" \"id:1,phase:1,pass,nolog,"
                   "setvar:'tx.got=%{ARGS:/^UsEr_/}',setvar:'tx.none=%{ARGS:/x$/}'\"");
    scene_get(s, "/?a=1&user_id=7&user_name=b");
    check_span(scene_tx(s, "got"), "7");
    check_span(scene_tx(s, "none"), "");
    scene_close(s);
}

TEST(a_dot_selects_as_a_colon_does)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,pass,nolog,setvar:tx.score=4\"\n"
                                 "SecRule TX.score \"@eq 4\" \"id:2,phase:1,pass\"\n"
                                 "SecRule TX.scor \"@unconditionalMatch\" \"id:3,phase:1,pass\"");
    scene_get(s, "/");
    check(scene_has(s, 2));
    check(!scene_has(s, 3));
    scene_close(s);
}

TEST(a_link_may_say_the_status_of_its_chain)
{
    struct scene *s = scene_open("SecRule ARGS:a \"@rx 1\" \"id:1,phase:1,deny,chain\"\n"
                                 "  SecRule ARGS:b \"@rx 2\" \"status:437\"");
    scene_get(s, "/?a=1&b=2");
    check_number(inspection_verdict(s->tx).status, 437);
    scene_close(s);
}

TEST(a_block_in_the_defaults_means_nothing)
{
    struct scene *s = scene_open("SecDefaultAction \"phase:1,log,block,deny,status:400\"\n"
                                 "SecRule ARGS:a \"@rx 1\" \"id:1,phase:1,block\"");
    scene_get(s, "/?a=1");
    check_number(inspection_verdict(s->tx).status, 400);
    scene_close(s);
}

TEST(a_cookie_loses_the_space_behind_its_value)
{
    struct scene *s = scene_open("SecRule REQUEST_COOKIES:b \"@streq c d\" \"id:1,phase:1,pass\"");
    scene_field(s, "Cookie", "a=1;  b=c d \t");
    scene_get(s, "/");
    check(scene_has(s, 1));
    scene_close(s);
}

TEST(a_rule_may_say_how_much_of_a_body_is_inspected)
{
    struct scene *s = scene_open("SecRequestBodyAccess On\n"
                                 "SecAction \"id:1,phase:1,pass,nolog,ctl:requestBodyLimit=5\"\n"
                                 "SecRule ARGS:a \"@streq 123\" \"id:2,phase:2,pass\"\n"
                                 "SecRule STATUS \"@streq 404\" \"id:3,phase:3,pass\"");
    scene_body(s, "application/x-www-form-urlencoded", "a=123456");
    scene_send(s, "POST", "/");
    scene_answer(s, 404, NULL);
    check(scene_has(s, 2));
    check(scene_has(s, 3));
    scene_close(s);
}

/* --- who looks on --- */

struct seen {
    char text[2048];
    size_t len;
};

static void on_event(void *context, const struct watched_event *event)
{
    static const char letters[] = "LTVRXPAODS"; /* ORDER enum watched */
    struct seen *seen = context;
    int len = snprintf(seen->text + seen->len, sizeof seen->text - seen->len,
                       "%c%s " SPAN_FORMAT "=" SPAN_FORMAT "\n", letters[event->kind],
                       event->yes ? "+" : "", span_arg(event->name), span_arg(event->value));
    check(len > 0 && (size_t)len < sizeof seen->text - seen->len);
    seen->len += (size_t)len;
}

static uint64_t zero(void *context)
{
    (void)context;
    return 0;
}

TEST(who_looks_on_is_told_every_value_and_what_became_of_it)
{
    struct scene *s = scene_open("SecRule ARGS \"@streq x\" \"id:1,phase:1,t:lowercase,deny,"
                                 "setvar:tx.n=1,ctl:ruleRemoveById=2\"\n"
                                 "SecRule ARGS \"@streq y\" \"id:2,phase:5\"");
    struct seen seen = {.len = 0};
    s->world.watch = on_event;
    s->world.wall_us = zero;
    s->world.cpu_ns = zero;
    s->world.context = &seen;
    scene_start(s, "GET", "/?a=X&b=Y");
    scene_run(s, PHASE_REQUEST_HEADERS);
    scene_run(s, PHASE_LOGGING);
    check_span(span_make(seen.text, seen.len), "L streq=x\n"
                                               "T+ lowercase=x\nV+ ARGS:a=x\n"
                                               "S+ TX:n=1\nA+ setvar=\nA+ ruleRemoveById=2\n"
                                               "T+ lowercase=y\nV ARGS:b=y\n"
                                               "R+ =\nD+ deny=\nX =\n");
    scene_close(s);
}

int forms_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_percent_sign_behind_a_macro_belongs_to_it_where_it_can_mean_nothing_else),
        cmocka_unit_test(a_macro_may_name_its_key_by_a_pattern),
        cmocka_unit_test(a_dot_selects_as_a_colon_does),
        cmocka_unit_test(a_link_may_say_the_status_of_its_chain),
        cmocka_unit_test(a_block_in_the_defaults_means_nothing),
        cmocka_unit_test(a_cookie_loses_the_space_behind_its_value),
        cmocka_unit_test(a_rule_may_say_how_much_of_a_body_is_inspected),
        cmocka_unit_test(who_looks_on_is_told_every_value_and_what_became_of_it),
    };
    return cmocka_run_group_tests_name("forms", tests, NULL, NULL);
}
