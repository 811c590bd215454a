/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"
#include "tests/unit/body/story.h"
#include "tests/unit/body/suites.h"

#define ERROR "flag failed\nwhy JSON parsing error: "

TEST(names_are_those_of_modsecurity_3)
{
    check_story(JSON("{\"a\":\"1\",\"b\":{\"c\":{\"d\":\"2\"},\"e\":\"3\"},\"f\":\"4\"}"),
                "arg json.a=1\narg json.b.c.d=2\narg json.b.e=3\narg json.f=4\n");
    check_story(JSON("{\"x\":[\"1\",[\"2\",\"3\"],{\"y\":\"4\"},\"5\"],\"z\":\"6\"}"),
                "arg json.x.array_0=1\narg json.x.array_1.array_0=2\n"
                "arg json.x.array_1.array_1=3\narg json.x.array_2.y=4\narg json.x.array_3=5\n"
                "arg json.z=6\n");
    check_story(JSON("[\"1\",{\"a\":\"2\"},[]]"), "arg json.array_0=1\narg json.array_1.a=2\n");
    check_story(JSON("\"top\""), "arg json=top\n");
    check_story(JSON("{\"\":1,\"a.b\":2}"), "arg json.empty-key=1\narg json.a.b=2\n");
}

TEST(values_are_text)
{
    check_story(JSON(" { \"a\" : -0.5e+10 , \"b\" : true , \"c\" : false , \"d\" : null ,\r\n"
                     "\"e\":\"\",\t\"f\":12345678901234567890123 } "),
                "arg json.a=-0.5e+10\narg json.b=true\narg json.c=false\narg json.d=\n"
                "arg json.e=\narg json.f=12345678901234567890123\n");
    check_story(JSON("0"), "arg json=0\n");
}

TEST(strings_are_decoded)
{
    check_story(JSON("[\"\\\"\\\\\\/\\b\\f\\r\\t\",\"\\u0041\\u00e4\\u20ac\\ud83d\\ude00\","
                     "\"\xe2\x82\xac\"]"),
                "arg json.array_0=\"\\/\b\f\r\t\narg json.array_1=A\xc3\xa4\xe2\x82\xac"
                "\xf0\x9f\x98\x80\narg json.array_2=\xe2\x82\xac\n");
    check_story(JSON("{\"\\u0061\\u003cscript\":1}"), "arg json.a<script=1\n");
}

TEST(a_surrogate_without_its_pair_becomes_a_replacement)
{
    check_story(JSON("[\"\\ud800\",\"\\udc00x\",\"\\ud800\\n\",\"\\ud800\\u0041\"]"),
                "arg json.array_0=\xef\xbf\xbd\narg json.array_1=\xef\xbf\xbdx\n"
                "arg json.array_2=\xef\xbf\xbd\n\narg json.array_3=\xef\xbf\xbd"
                "A\n");
}

TEST(a_repeated_key_is_handed_out_each_time)
{
    check_story(JSON("{\"a\":1,\"a\":2}"), "arg json.a=1\narg json.a=2\n");
}

TEST(an_empty_body_is_no_fault_but_an_empty_document_is)
{
    check_story(JSON(""), "");
    check_story(JSON(" "), ERROR "premature EOF\n");
    check_story(JSON("{}"), "");
    check_story(JSON("[]"), "");
}

TEST(what_is_wrong_is_told_and_what_came_before_is_handed_out)
{
    check_story(JSON("{\"a\":1,\"b\":<}"), "arg json.a=1\n" ERROR "invalid token\n");
    check_story(JSON("{\"a\":1}}"), "arg json.a=1\n" ERROR "trailing garbage\n");
    check_story(JSON("{\"a\" 1}"),
                ERROR "object key and value must be separated by a colon (':')\n");
    check_story(JSON("{a:1}"), ERROR "invalid object key (must be a string)\n");
    check_story(JSON("[1 2]"),
                "arg json.array_0=1\n" ERROR "after array element, I expect ',' or ']'\n");
    check_story(JSON("[1}"),
                "arg json.array_0=1\n" ERROR "after array element, I expect ',' or ']'\n");
    check_story(JSON("{\"a\":1,}"),
                "arg json.a=1\n" ERROR "invalid object key (must be a string)\n");
    check_story(JSON("[\"\n\"]"), ERROR "invalid character inside string\n");
    check_story(JSON("[\"\\x\"]"),
                ERROR "inside a string, '\\' occurs before a character which it may not\n");
    check_story(JSON("[\"\xff\"]"), ERROR "invalid bytes in UTF8 string\n");
    check_story(JSON("[\"\\u12g4\"]"), ERROR "invalid (non-hex) character after '\\u' in string\n");
    check_story(JSON("[-x]"), ERROR "malformed number, a digit is required\n");
    check_story(JSON("[\"a"), "arg json.array_0=a\n" ERROR "premature EOF\n");
    check_story(JSON("[1\0]"),
                "arg json.array_0=1\n" ERROR "after array element, I expect ',' or ']'\n");
}

TEST(a_body_that_was_cut_has_no_end_to_miss)
{
    static const struct {
        struct span text;
        const char *story;
    } cuts[] = {
        {SPAN_INIT("{\"a\":1,\"b\":\"<scr"), "arg json.a=1\narg json.b=<scr\n"},
        {SPAN_INIT("{\"a\":1,\"b\":12"), "arg json.a=1\narg json.b=12\n"},
        {SPAN_INIT("{\"a\":1,\"b\":1."), "arg json.a=1\narg json.b=1.\n"},
        {SPAN_INIT("{\"a\":1,\"b\":tr"), "arg json.a=1\n"},
        {SPAN_INIT("{\"a\":1,\"b\":\"x\\"), "arg json.a=1\narg json.b=x\n"},
        {SPAN_INIT("{\"a\":1,\"b\":\"x\\u00"), "arg json.a=1\narg json.b=x\n"},
        {SPAN_INIT("{\"a\":1,\"b"), "arg json.a=1\n"},
        {SPAN_INIT("{\"a\":1,\"b\""), "arg json.a=1\n"},
        {SPAN_INIT("{\"a\":1,\"b\":"), "arg json.a=1\n"},
        {SPAN_INIT("{\"a\":1,"), "arg json.a=1\n"},
        {SPAN_INIT("{\"a\":1"), "arg json.a=1\n"},
        {SPAN_INIT("{\"a\":1,x"), "arg json.a=1\n" ERROR "invalid object key (must be a string)\n"},
    };
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct input input = {.kind = BODY_JSON, .text = cuts[i].text, .cut = true};
        check_story(&input, cuts[i].story);
    }
}

TEST(depth_has_a_limit)
{
    struct input input = {.kind = BODY_JSON,
                          .text = SPAN_INIT("{\"a\":[{\"b\":1}]}"),
                          .limits = {.arguments = 9, .depth = 3}};
    check_story(&input, "arg json.a.array_0.b=1\n");
    input.limits.depth = 2;
    check_story(&input, ERROR "Parsing depth limit exceeded\n");
    input.cut = true; /* cut or not */
    check_story(&input, ERROR "Parsing depth limit exceeded\n");
}

TEST(arguments_beyond_the_limit_are_counted_out_but_still_parsed)
{
    struct input input = {
        .kind = BODY_JSON, .text = SPAN_INIT("[1,2,3]"), .limits = {.arguments = 2, .depth = 9}};
    check_story(&input, "arg json.array_0=1\narg json.array_1=2\nflag too_many_arguments\n");
    input.text = SPAN("[1,2,3");
    check_story(&input, "arg json.array_0=1\narg json.array_1=2\nflag failed\n"
                        "flag too_many_arguments\nwhy JSON parsing error: premature EOF\n");
}

int json_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_modsecurity_3),
        cmocka_unit_test(values_are_text),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(a_surrogate_without_its_pair_becomes_a_replacement),
        cmocka_unit_test(a_repeated_key_is_handed_out_each_time),
        cmocka_unit_test(an_empty_body_is_no_fault_but_an_empty_document_is),
        cmocka_unit_test(what_is_wrong_is_told_and_what_came_before_is_handed_out),
        cmocka_unit_test(a_body_that_was_cut_has_no_end_to_miss),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(arguments_beyond_the_limit_are_counted_out_but_still_parsed),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
