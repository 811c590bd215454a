/* SPDX-License-Identifier: Apache-2.0 */
/* What one run of a web ACL keeps: labels, and what its body is. */
#include <stdlib.h>
#include <string.h>

#include "rules/base/buf.h"
#include "rules/base/must.h"
#include "rules/match/pattern.h"
#include "sidecar/guard/web_acl_inside.h"
#include "tests/check.h"
#include "tests/unit/guard/suites.h"

enum { TEXT_BYTES = 1 << 20 };

/* ---- labels ---- */

/* Every one of `rules` rules matches, counts and has a label of its own; then `last` follows. */
static struct web_acl *labelling(unsigned rules, const char *last)
{
    struct buf text;
    struct faults *faults = faults_new();
    struct web_acl_names names = {.has_countries = true};
    buf_init(&text, TEXT_BYTES);
    buf_add(&text, SPAN("{\"Name\":\"acl\",\"DefaultAction\":{\"Allow\":{}},\"Rules\":["));
    for (unsigned i = 0; i < rules; i++)
        buf_format(&text,
                   "{\"Name\":\"r%u\",\"Priority\":%u,\"Action\":{\"Count\":{}},\"RuleLabels\":"
                   "[{\"Name\":\"l%u\"}],\"Statement\":{\"RegexMatchStatement\":{\"RegexString\":"
                   "\".\",\"FieldToMatch\":{\"UriPath\":{}},\"TextTransformations\":"
                   "[{\"Priority\":0,\"Type\":\"NONE\"}]}}},",
                   i, i, i);
    buf_format(&text, "{\"Name\":\"last\",\"Priority\":1000,%s}]}", last);
    struct web_acl *acl = web_acl_read(buf_span(&text), "web-acl.json", &names, faults);
    check(acl != NULL);
    faults_free(faults);
    buf_fini(&text);
    return acl;
}

static void check_last(unsigned rules, const char *last, enum web_acl_end end, size_t labels)
{
    struct web_acl *acl = labelling(rules, last);
    struct web_acl_outcome *outcome = must_alloc(sizeof *outcome);
    struct arena *arena = arena_new(NULL, TEXT_BYTES);
    struct scratch *scratch = scratch_new();
    struct asked_place place = {.is_known = true, .place = {.country = SPAN("DE")}};
    struct fields fields = {0};
    struct asked asked = {.raw_path = SPAN("/"),
                          .fields = &fields,
                          .place = &place,
                          .arena = arena,
                          .scratch = scratch};
    web_acl_run(acl, &asked, outcome);
    check_number(outcome->end, end);
    check_number(outcome->label_count, labels);
    if (end == WEB_ACL_FAILED)
        check_span(outcome->rule, "last");
    scratch_free(scratch);
    arena_free(arena);
    free(outcome);
    web_acl_free(acl);
}

#define EVERY_PATH                                                                                 \
    "\"Statement\":{\"RegexMatchStatement\":{\"RegexString\":\".\",\"FieldToMatch\":{\"UriPath\":" \
    "{}},\"TextTransformations\":[{\"Priority\":0,\"Type\":\"NONE\"}]}}"
#define COUNTS ",\"Action\":{\"Count\":{}}"

TEST(a_label_without_room_is_a_failure_and_does_not_vanish)
{
    static const char more[] = EVERY_PATH COUNTS ",\"RuleLabels\":[{\"Name\":\"more\"}]";
    check_last(99, more, WEB_ACL_PASSED, 100);
    check_last(100, more, WEB_ACL_FAILED, 100);
}

TEST(a_label_that_is_there_needs_no_room)
{
    static const char same[] = EVERY_PATH COUNTS ",\"RuleLabels\":[{\"Name\":\"l7\"}]";
    check_last(100, same, WEB_ACL_PASSED, 100);
}

TEST(a_block_stands_without_room_for_its_label)
{
    static const char blocks[] =
        EVERY_PATH ",\"Action\":{\"Block\":{}},\"RuleLabels\":[{\"Name\":\"more\"}]";
    check_last(100, blocks, WEB_ACL_BLOCKED, 100);
}

TEST(a_place_without_room_for_its_labels_is_a_failure)
{
    static const char geo[] =
        "\"Statement\":{\"GeoMatchStatement\":{\"CountryCodes\":[\"FR\"]}}" COUNTS;
    check_last(98, geo, WEB_ACL_PASSED, 100);
    check_last(99, geo, WEB_ACL_FAILED, 100);
}

/* ---- patterns over their limits ---- */

#define OVER                                                                       \
    "\"RegexMatchStatement\":{\"RegexString\":\"^(a+)+$\",\"FieldToMatch\":{"      \
    "\"SingleHeader\":{\"Name\":\"x\"}},\"TextTransformations\":[{\"Priority\":0," \
    "\"Type\":\"NONE\"}]}"
/* It runs over, but another part says that the rule does not match. */
#define OVER_AND_NO                                                                          \
    "\"AndStatement\":{\"Statements\":[{" OVER "},{\"SizeConstraintStatement\":{\"Size\":9," \
    "\"ComparisonOperator\":\"GT\",\"FieldToMatch\":{\"UriPath\":{}},"                       \
    "\"TextTransformations\":[{\"Priority\":0,\"Type\":\"NONE\"}]}}]}"

/* `rules` with such a statement run over; what a Block behind them comes to, and by which rule. */
static enum web_acl_end end_behind(unsigned rules, const char *statement, const char *failed)
{
    struct pair pairs[] = {
        {SPAN_INIT("x"), SPAN_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")}};
    struct fields fields = {pairs, 1, 1};
    struct faults *faults = faults_new();
    struct web_acl_names names = {0};
    struct web_acl_outcome *outcome = must_alloc(sizeof *outcome);
    struct scratch *scratch = scratch_new();
    struct asked asked = {.raw_path = SPAN("/"), .fields = &fields, .scratch = scratch};
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    buf_add(&text, SPAN("{\"Name\":\"acl\",\"DefaultAction\":{\"Allow\":{}},\"Rules\":["));
    for (unsigned i = 0; i < rules; i++)
        buf_format(
            &text,
            "{\"Name\":\"r%u\",\"Priority\":%u,\"Action\":{\"Block\":{}},\"Statement\":{%s}},", i,
            i, statement);
    buf_add(&text,
            SPAN("{\"Name\":\"last\",\"Priority\":9," EVERY_PATH ",\"Action\":{\"Block\":{}}}]}"));
    struct web_acl *acl = web_acl_read(buf_span(&text), "web-acl.json", &names, faults);
    check(acl != NULL);
    web_acl_run(acl, &asked, outcome);
    enum web_acl_end end = outcome->end;
    check_span(outcome->rule, end == WEB_ACL_FAILED ? failed : "last");
    web_acl_free(acl);
    buf_fini(&text);
    scratch_free(scratch);
    free(outcome);
    faults_free(faults);
    return end;
}

TEST(behind_four_patterns_over_their_limits_no_further_rule_is_asked)
{
    check_number(end_behind(1, OVER, "r0"), WEB_ACL_BLOCKED);
    check_number(end_behind(3, OVER, "r0"), WEB_ACL_BLOCKED);
    check_number(end_behind(4, OVER, "r0"), WEB_ACL_FAILED);
    check_number(end_behind(8, OVER, "r0"), WEB_ACL_FAILED);
}

TEST(the_fourth_pattern_over_its_limits_is_a_failure_though_another_part_says_no)
{
    check_number(end_behind(3, OVER_AND_NO, ""), WEB_ACL_BLOCKED);
    check_number(end_behind(4, OVER_AND_NO, "r3"), WEB_ACL_FAILED);
    check_number(end_behind(8, OVER_AND_NO, "r3"), WEB_ACL_FAILED);
}

/* ---- what was found ---- */

static enum web_acl_look find_mark(void *context, struct span value)
{
    static const struct web_acl_statement statement = {.kind = KIND_SQLI};
    if (span_find_byte(value, '!') == SPAN_NONE)
        return LOOK_NO;
    web_acl_note_found(context, &statement, value);
    return LOOK_YES;
}

TEST(what_is_found_in_one_of_all_headers_is_told_with_its_name)
{
    struct pair pairs[] = {{SPAN_INIT("A"), SPAN_INIT("1")},
                           {SPAN_INIT("X-Api-Key"), SPAN_INIT("k!")},
                           {SPAN_INIT("Cookie"), SPAN_INIT("a=1; s=2!")}};
    struct fields fields = {pairs, 3, 3};
    struct arena *arena = arena_new(NULL, TEXT_BYTES);
    struct asked asked = {.raw_path = SPAN("/!"), .fields = &fields, .arena = arena};
    struct web_acl_run run = {.asked = &asked, .arena = arena};
    const struct web_acl_field headers = {.component = COMPONENT_HEADERS};
    const struct web_acl_field path = {.component = COMPONENT_URI_PATH};
    const struct web_acl_field cookies = {.component = COMPONENT_COOKIES};
    check_number(web_acl_field_look(&headers, &run, find_mark, &run), LOOK_YES);
    check_span(run.found->name, "X-Api-Key");
    check_span(run.found->data, "k!");
    check_number(web_acl_field_look(&path, &run, find_mark, &run), LOOK_YES);
    check_span(run.found->name, "");
    check_number(web_acl_field_look(&cookies, &run, find_mark, &run), LOOK_YES);
    check_span(run.found->name, "");
    arena_free(arena);
}

/* ---- the body ---- */

static enum web_acl_look never(void *context, struct span value)
{
    (void)context;
    (void)value;
    return LOOK_NO;
}

TEST(a_body_is_judged_once_for_all_statements)
{
    const struct web_acl_field field = {.component = COMPONENT_JSON_BODY,
                                        .invalid = FALLBACK_MATCH};
    struct web_acl_run run = {.arena = arena_new(NULL, TEXT_BYTES)};
    check_number(web_acl_json_look(&field, &run, SPAN("[1,"), never, NULL), LOOK_YES);
    check_number(run.json, JSON_BROKEN);
    /* another text of the same run is not looked at again: there is none */
    check_number(web_acl_json_look(&field, &run, SPAN("[1]"), never, NULL), LOOK_YES);
    run.json = JSON_UNREAD;
    check_number(web_acl_json_look(&field, &run, SPAN("[1]"), never, NULL), LOOK_NO);
    check_number(run.json, JSON_WELL);
    arena_free(run.arena);
}

TEST(a_body_that_is_more_than_the_arena_holds_is_a_failure)
{
    const struct web_acl_field field = {.component = COMPONENT_JSON_BODY,
                                        .invalid = FALLBACK_NO_MATCH};
    struct web_acl_run run = {.arena = arena_new(NULL, 8192)};
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    buf_add(&text, SPAN("[\"\\u0041"));
    for (unsigned i = 0; i < 10000; i++)
        buf_add_byte(&text, 'x');
    buf_add(&text, SPAN("\"]"));
    check_number(web_acl_json_look(&field, &run, buf_span(&text), never, NULL), LOOK_FAILED);
    check_number(run.json, JSON_OVER);
    buf_fini(&text);
    arena_free(run.arena);
}

int web_acl_run_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_without_room_is_a_failure_and_does_not_vanish),
        cmocka_unit_test(a_label_that_is_there_needs_no_room),
        cmocka_unit_test(a_block_stands_without_room_for_its_label),
        cmocka_unit_test(a_place_without_room_for_its_labels_is_a_failure),
        cmocka_unit_test(behind_four_patterns_over_their_limits_no_further_rule_is_asked),
        cmocka_unit_test(
            the_fourth_pattern_over_its_limits_is_a_failure_though_another_part_says_no),
        cmocka_unit_test(what_is_found_in_one_of_all_headers_is_told_with_its_name),
        cmocka_unit_test(a_body_is_judged_once_for_all_statements),
        cmocka_unit_test(a_body_that_is_more_than_the_arena_holds_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
