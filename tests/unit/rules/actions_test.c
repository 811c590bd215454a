/* SPDX-License-Identifier: Apache-2.0 */
/* What rules write: TX, ENV, the persistent collections, and the engine's own switches. */
#include "tests/unit/rules/scene.h"
#include "tests/unit/rules/suites.h"

#include <stdio.h>

TEST(setvar_sets_adds_subtracts_and_removes)
{
    struct scene *s = scene_open(
        "SecAction \"id:1,phase:1,pass,nolog,setvar:tx.a=5,setvar:tx.b=text,setvar:tx.c\"\n"
        "SecAction \"id:2,phase:1,pass,nolog,setvar:tx.a=+7,setvar:tx.new=+2,setvar:!tx.b\"\n"
        "SecAction \"id:3,phase:1,pass,nolog,setvar:tx.d=%{tx.a},setvar:tx.a=-2\"");
    scene_get(s, "/");
    check_span(scene_tx(s, "a"), "10");
    check_unset(scene_tx(s, "b"));
    check_span(scene_tx(s, "c"), "1");
    check_span(scene_tx(s, "d"), "12");
    check_span(scene_tx(s, "new"), "2");
    scene_close(s);
}

TEST(a_counter_never_goes_below_zero_nor_over_its_end)
{
    struct scene *s = scene_open(
        "SecAction \"id:1,phase:1,pass,nolog,setvar:tx.a=3,setvar:tx.a=-8\"\n"
        "SecAction \"id:2,phase:1,pass,nolog,setvar:tx.b=9223372036854775800,setvar:tx.b=+100\"");
    scene_get(s, "/");
    check_span(scene_tx(s, "a"), "0");
    check_span(scene_tx(s, "b"), "9223372036854775807");
    scene_close(s);
}

TEST(a_macro_may_stand_in_the_name_and_in_the_number)
{
    struct scene *s =
        scene_open("SecAction \"id:1,phase:1,pass,nolog,setvar:tx.critical=5\"\n"
                   "SecRule ARGS:k \"@rx .\" "
                   "\"id:2,phase:1,pass,nolog,setvar:'tx.score_%{MATCHED_VAR}=+%{tx.critical}'\"\n"
                   "SecAction \"id:3,phase:1,pass,nolog,setvar:'tx.score_x=+%{tx.critical}'\"");
    scene_get(s, "/?k=x");
    check_span(scene_tx(s, "score_x"), "10");
    scene_close(s);
}

TEST(setenv_writes_a_variable_that_rules_can_read)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,pass,nolog,setenv:who=%{REMOTE_ADDR}\"\n"
                                 "SecRule ENV:who \"@streq 192.0.2.7\" \"id:2,phase:1,pass,log\"");
    scene_get(s, "/");
    check(scene_has(s, 2));
    scene_close(s);
}

/* --- persistent collections --- */

struct memory {
    char line[8][160];
    size_t count;
    char value[32];
};

static void note(struct memory *memory, const char *what, const struct span *parts, size_t count)
{
    char *line = memory->line[memory->count++ % 8];
    size_t len = (size_t)snprintf(line, 160, "%s", what);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(line + len, 160 - len, " %.*s", (int)parts[i].len, parts[i].at);
}

static uint64_t memory_clock(void *context)
{
    (void)context;
    return 1;
}

/* What a collection knows about itself is persistent_test.c's subject. */
static bool is_own(struct span name)
{
    return span_is(name, SPAN("CREATE_TIME")) || span_is(name, SPAN("LAST_UPDATE_TIME")) ||
           span_is(name, SPAN("UPDATE_COUNTER"));
}

static bool memory_get(void *context, struct span collection, struct span key, struct span name,
                       struct arena *arena, struct span *value)
{
    struct memory *memory = context;
    if (is_own(name))
        return false;
    note(memory, "get", (struct span[]){collection, key, name}, 3);
    *value = arena_copy(arena, span_text(memory->value));
    return memory->value[0] != '\0';
}

static void memory_set(void *context, struct span collection, struct span key, struct span name,
                       struct span value, uint64_t timeout_s)
{
    check_number(timeout_s, 0);
    struct memory *memory = context;
    if (is_own(name))
        return;
    note(memory, value.at == NULL ? "remove" : "set", (struct span[]){collection, key, name, value},
         value.at == NULL ? 3 : 4);
    snprintf(memory->value, sizeof(memory->value), "%.*s", (int)value.len,
             value.at == NULL ? "" : value.at);
}

static void memory_expire(void *context, struct span collection, struct span key, struct span name,
                          uint64_t seconds)
{
    struct memory *memory = context;
    char number[24];
    snprintf(number, sizeof(number), "%llu", (unsigned long long)seconds);
    note(memory, "expire", (struct span[]){collection, key, name, span_text(number)}, 4);
}

static void memory_give(struct scene *s, struct memory *memory)
{
    s->world.wall_us = memory_clock;
    s->world.cpu_ns = memory_clock;
    s->world.store_get = memory_get;
    s->world.store_set = memory_set;
    s->world.store_expire = memory_expire;
    s->world.context = memory;
}

TEST(a_persistent_collection_is_opened_by_its_key_and_kept_by_the_world)
{
    struct memory memory = {0};
    struct scene *s =
        scene_open("SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}\"\n"
                   "SecAction \"id:2,phase:1,pass,nolog,setvar:ip.hits=+1,expirevar:ip.hits=60\"\n"
                   "SecRule IP:hits \"@eq 1\" \"id:3,phase:1,pass,log,setvar:!ip.hits\"\n"
                   "SecRule &IP:hits \"@eq 0\" \"id:4,phase:1,pass,log\"");
    memory_give(s, &memory);
    scene_get(s, "/");
    check(scene_has(s, 3));
    check_span(scene_match(s, 3)->variable_name, "IP:hits");
    check(scene_has(s, 4));
    check_span(span_text(memory.line[0]), "get IP 192.0.2.7 hits");
    check_span(span_text(memory.line[1]), "set IP 192.0.2.7 hits 1");
    check_span(span_text(memory.line[2]), "expire IP 192.0.2.7 hits 60");
    check_span(span_text(memory.line[4]), "remove IP 192.0.2.7 hits");
    scene_close(s);
}

TEST(a_collection_that_nobody_opened_is_empty_and_forgets)
{
    struct memory memory = {0};
    struct scene *s = scene_open("SecAction \"id:1,phase:1,pass,nolog,setvar:ip.hits=1\"\n"
                                 "SecRule IP:hits \"@rx .\" \"id:2,phase:1,pass,log\"");
    memory_give(s, &memory);
    scene_get(s, "/");
    check(!scene_has(s, 2));
    check_number(memory.count, 0);
    scene_close(s);
}

TEST(without_a_store_an_open_collection_forgets_too)
{
    struct scene *s =
        scene_open("SecAction \"id:1,phase:1,pass,nolog,initcol:ip=x,setvar:ip.a=1\"\n"
                   "SecRule IP:a \"@rx .\" \"id:2,phase:1,pass,log\"");
    scene_get(s, "/");
    check(!scene_has(s, 2));
    check(s->step == INSPECTION_DONE);
    scene_close(s);
}

TEST(setsid_and_setuid_open_their_collections_and_say_their_keys)
{
    struct memory memory = {0};
    struct scene *s = scene_open(
        "SecRule REQUEST_COOKIES:sid \"@rx .\" \"id:1,phase:1,pass,nolog,setsid:%{MATCHED_VAR}\"\n"
        "SecAction \"id:2,phase:1,pass,log,setuid:bob,setvar:session.n=1,"
        "msg:'%{SESSIONID} %{USERID}'\"");
    memory_give(s, &memory);
    scene_field(s, "Cookie", "sid=s1");
    scene_get(s, "/");
    check_span(scene_match(s, 2)->message, "s1 bob");
    check_span(span_text(memory.line[0]), "set SESSION s1 n 1");
    scene_close(s);
}

/* --- ctl --- */

TEST(ctl_rule_engine_off_ends_every_phase_from_here_on)
{
    struct scene *s = scene_open("SecAction \"id:1,phase:1,pass,log,ctl:ruleEngine=Off\"\n"
                                 "SecAction \"id:2,phase:1,deny,log\"\n"
                                 "SecAction \"id:3,phase:2,deny,log\"");
    scene_get(s, "/");
    check(scene_has(s, 1));
    check_number(scene_count(s), 1);
    check(inspection_verdict(s->tx).action == VERDICT_PASS);
    scene_close(s);
}

TEST(ctl_rule_engine_detection_only_turns_a_refusal_into_a_remark)
{
    struct scene *s =
        scene_open("SecAction \"id:1,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly\"\n"
                   "SecAction \"id:2,phase:1,deny,log\"");
    scene_get(s, "/");
    check(inspection_verdict(s->tx).action == VERDICT_PASS);
    check(inspection_verdict(s->tx).would_block);
    scene_close(s);
}

TEST(ctl_audit_switches_are_handed_out)
{
    struct scene *s = scene_open(
        "SecAuditEngine RelevantOnly\nSecAuditLogParts ABHZ\n"
        "SecAction "
        "\"id:1,phase:1,pass,nolog,ctl:auditEngine=On,ctl:auditLogParts=+E,ctl:auditLogParts=-H\"");
    scene_get(s, "/");
    struct inspection_audit audit = inspection_audit(s->tx);
    check(audit.always);
    check(!audit.never);
    check_span(audit.parts, "ABZE");
    scene_close(s);
}

TEST(ctl_request_body_access_decides_whether_the_body_is_wanted)
{
    struct scene *s = scene_open("SecRequestBodyAccess On\n"
                                 "SecRule REQUEST_FILENAME \"@streq /upload\" "
                                 "\"id:1,phase:1,pass,nolog,ctl:requestBodyAccess=Off\"\n"
                                 "SecRule ARGS \"@rx .\" \"id:2,phase:2,deny,log\"");
    scene_start(s, "POST", "/upload");
    scene_run(s, PHASE_REQUEST_HEADERS);
    check(!inspection_wants_request_body(s->tx));
    scene_again(s, 1 << 20);
    scene_start(s, "POST", "/other");
    scene_run(s, PHASE_REQUEST_HEADERS);
    check(inspection_wants_request_body(s->tx));
    scene_close(s);
}

int actions_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setvar_sets_adds_subtracts_and_removes),
        cmocka_unit_test(a_counter_never_goes_below_zero_nor_over_its_end),
        cmocka_unit_test(a_macro_may_stand_in_the_name_and_in_the_number),
        cmocka_unit_test(setenv_writes_a_variable_that_rules_can_read),
        cmocka_unit_test(a_persistent_collection_is_opened_by_its_key_and_kept_by_the_world),
        cmocka_unit_test(a_collection_that_nobody_opened_is_empty_and_forgets),
        cmocka_unit_test(without_a_store_an_open_collection_forgets_too),
        cmocka_unit_test(setsid_and_setuid_open_their_collections_and_say_their_keys),
        cmocka_unit_test(ctl_rule_engine_off_ends_every_phase_from_here_on),
        cmocka_unit_test(ctl_rule_engine_detection_only_turns_a_refusal_into_a_remark),
        cmocka_unit_test(ctl_audit_switches_are_handed_out),
        cmocka_unit_test(ctl_request_body_access_decides_whether_the_body_is_wanted),
    };
    return cmocka_run_group_tests_name("actions", tests, NULL, NULL);
}
