/* SPDX-License-Identifier: Apache-2.0 */
/* sanitise...: what no log shows; and the rules that look into XML documents. */
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/rules/scene.h"
#include "tests/unit/rules/suites.h"

TEST(a_sanitised_argument_is_stars_in_every_match_also_those_before)
{
    struct scene *s = scene_open(
        "SecRule ARGS \"@rx .\" \"id:1,phase:1,pass,t:lowercase,msg:'saw %{MATCHED_VAR}',"
        "logdata:'%{MATCHED_VAR_NAME} %{ARGS.password}'\"\n"
        "SecAction \"id:2,phase:1,pass,nolog,sanitiseArg:password\"\n"
        "SecRule ARGS:other \"@rx .\" \"id:3,phase:1,pass\"");
    scene_get(s, "/?password=SeCret&other=SeCret1");
    check_span(scene_match(s, 1)->data, "ARGS:other ******");
    check_span(scene_match(s, 3)->variable_value, "******1");
    check_span(inspection_secret(s->tx, 0), "SeCret");
    scene_close(s);
}

TEST(an_argument_that_is_sanitised_before_the_body_came_is_a_secret_there_too)
{
    struct scene *s =
        scene_open("SecRequestBodyAccess On\n"
                   "SecAction \"id:1,phase:1,pass,nolog,sanitiseArg:password\"\n"
                   "SecRule REQUEST_BODY \"@rx .\" \"id:2,phase:2,pass,logdata:'%{MATCHED_VAR}'\"");
    scene_body(s, "application/x-www-form-urlencoded", "a=1&password=SeCret");
    scene_send(s, "POST", "/");
    check_span(scene_match(s, 2)->data, "a=1&password=******");
    check_number(inspection_secret_count(s->tx), 1);
    check_span(inspection_secret(s->tx, 0), "SeCret");
    scene_close(s);
}

TEST(of_a_body_that_was_not_read_whole_the_name_is_a_secret)
{
    struct scene *s = scene_open("SecRequestBodyAccess On\nSecArgumentsLimit 1\n"
                                 "SecAction \"id:1,phase:2,pass,sanitiseArg:password\"");
    scene_body(s, "application/x-www-form-urlencoded", "a=1&password=SeCret");
    scene_send(s, "POST", "/");
    scene_match(s, 1);
    check_number(inspection_secret_count(s->tx), 1);
    check_span(inspection_secret_name(s->tx, 0), "ARGS:password");
    check_span(inspection_secret(s->tx, 0), "");
    scene_close(s);
}

TEST(a_secret_that_a_transformation_changed_is_hidden_by_its_name)
{
    struct scene *s = scene_open(
        "SecRule ARGS:password \"@rx .\" \"id:1,phase:1,pass,t:lowercase,sanitiseArg:password,"
        "msg:'saw %{MATCHED_VAR}'\"");
    scene_get(s, "/?password=SeCret");
    check_span(scene_match(s, 1)->variable_value, "******");
    check_span(scene_match(s, 1)->message, "saw ******");
    scene_close(s);
}

TEST(a_secret_stands_in_no_tag_and_no_piece_of_it_in_a_message)
{
    struct scene *s = scene_open(
        "SecAction \"id:9,phase:1,pass,nolog,sanitiseArg:password\"\n"
        "SecRule REQUEST_URI \"@rx .\" \"id:1,phase:1,pass,tag:'plain',tag:'at %{MATCHED_VAR}'\"\n"
        "SecRule ARGS:password \"@rx ^(...)\" \"id:2,phase:1,pass,capture,msg:'begins %{TX.1}'\"\n"
        "SecRule ARGS:password \"@rx ^(...)\" \"id:3,phase:1,pass,capture,msg:'begins %{TX.1}',"
        "logdata:'%{MATCHED_VAR}',tag:'plain',tag:'of %{TX.1}'\"");
    scene_get(s, "/?password=SeCret");
    check_span(scene_match(s, 1)->tags[0], "plain");
    check_span(scene_match(s, 1)->tags[1], "at /?password=******");
    check_span(scene_match(s, 2)->message, "**********");
    check_span(scene_match(s, 3)->message, "**********");
    check_span(scene_match(s, 3)->data, "******");
    check_span(scene_match(s, 3)->tags[0], "plain");
    check_span(scene_match(s, 3)->tags[1], "******");
    scene_close(s);
}

TEST(fields_what_matched_and_its_bytes_can_be_secrets)
{
    struct scene *s = scene_open(
        "SecRule REQUEST_HEADERS:X-Key \"@rx .\" "
        "\"id:1,phase:1,pass,sanitiseRequestHeader:x-key\"\n"
        "SecRule ARGS:a \"@rx 1\" \"id:2,phase:1,pass,sanitiseMatched\"\n"
        "SecRule ARGS:card \"@rx \\d{8}\" \"id:3,phase:1,pass,capture,sanitiseMatchedBytes:1/3,"
        "logdata:'%{TX.0}'\"");
    scene_field(s, "X-Key", "k-123");
    scene_get(s, "/?a=b1c&card=no+12345678");
    check_span(scene_match(s, 1)->variable_value, "*****");
    check_span(scene_match(s, 2)->variable_value, "***");
    check_span(scene_match(s, 3)->variable_value, "no 1****678");
    check_span(scene_match(s, 3)->data, "1****678");
    scene_close(s);
}

/* --- XML --- */

#define XML_ON                            \
    "SecRequestBodyAccess On\nSecAction " \
    "\"id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=XML\"\n"

TEST(a_secret_that_there_is_no_memory_for_is_told_as_lost)
{
    enum { SECRETS = 300, ONE = sizeof("&p=aaaa") - 1 };
    struct scene *s = scene_open("SecAction \"id:1,phase:1,pass,nolog,sanitiseArg:p\"");
    char target[2 + SECRETS * ONE + 1] = "/?";
    unsigned lost = 0, noted = 0;
    for (size_t i = 0; i < SECRETS; i++)
        memcpy(target + 2 + i * ONE, "&p=aaaa", ONE);
    for (size_t ceiling = 16384; ceiling <= 262144; ceiling += 1024) {
        scene_again(s, ceiling);
        scene_start(s, "GET", target);
        if (s->tx == NULL)
            continue;
        scene_run(s, PHASE_REQUEST_HEADERS);
        if (s->step == INSPECTION_DONE) {
            check(inspection_secret_count(s->tx) >= SECRETS);
            check(!inspection_secrets_are_lost(s->tx));
            noted++;
        }
        lost += inspection_secrets_are_lost(s->tx);
    }
    check(lost > 0 && noted > 0);
    scene_close(s);
}

TEST(an_expression_selects_nodes_with_the_namespaces_of_its_rule)
{
    struct scene *s = scene_open(
        XML_ON
        "SecRule XML:/shop/book[@lang='en']/price/text() \"@streq 30\" \"id:2,phase:2,pass\"\n"
        "SecRule XML:/shop/x:note \"@streq here\" \"id:3,phase:2,pass,xmlns:x='urn:n'\"\n"
        "SecRule XML:count(//book) \"@eq 2\" \"id:4,phase:2,pass\"\n"
        "SecRule &XML://price \"@eq 2\" \"id:5,phase:2,pass\"");
    scene_body(s, "text/xml",
               "<shop xmlns:n='urn:n'><book lang='en'><price>30</price></book>"
               "<book><price>7</price></book><n:note>here</n:note></shop>");
    scene_send(s, "POST", "/");
    check(scene_has(s, 2));
    check(scene_has(s, 3));
    check(scene_has(s, 4));
    check(scene_has(s, 5));
    scene_close(s);
}

TEST(a_document_that_is_none_selects_nothing)
{
    struct scene *s = scene_open(XML_ON "SecRule &XML://price \"@eq 0\" \"id:2,phase:2,pass\"");
    scene_body(s, "text/xml", "<shop><price>30</shop>");
    scene_send(s, "POST", "/");
    check(scene_has(s, 2));
    scene_close(s);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    check(file != NULL && fputs(text, file) >= 0);
    check(fclose(file) == 0);
}

static bool is_refused(const char *rules, const char *body)
{
    struct scene *s = scene_open(rules);
    scene_body(s, "text/xml", body);
    scene_send(s, "POST", "/");
    bool refused = inspection_verdict(s->tx).action == VERDICT_DENY;
    scene_close(s);
    return refused;
}

TEST(a_schema_and_a_document_type_say_which_documents_there_are)
{
    char schema[64], definition[64], by_schema[512], by_definition[512];
    snprintf(schema, sizeof schema, "/tmp/sidegate-%d.xsd", (int)getpid());
    snprintf(definition, sizeof definition, "/tmp/sidegate-%d.dtd", (int)getpid());
    write_file(schema, "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>"
                       "<xs:element name='n' type='xs:integer'/></xs:schema>");
    write_file(definition, "<!ELEMENT n (#PCDATA)>");
    snprintf(by_schema, sizeof by_schema,
             XML_ON "SecRule XML \"@validateSchema %s\" \"id:2,phase:2,deny\"", schema);
    snprintf(by_definition, sizeof by_definition,
             XML_ON "SecRule XML \"@validateDTD %s\" \"id:2,phase:2,deny\"", definition);
    check(!is_refused(by_schema, "<n>12</n>"));
    check(is_refused(by_schema, "<n>twelve</n>"));
    check(is_refused(by_schema, "<n>12"));
    check(!is_refused(by_definition, "<n>twelve</n>"));
    check(is_refused(by_definition, "<n><m/></n>"));
    check(unlink(schema) == 0 && unlink(definition) == 0);
}

int secrets_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sanitised_argument_is_stars_in_every_match_also_those_before),
        cmocka_unit_test(an_argument_that_is_sanitised_before_the_body_came_is_a_secret_there_too),
        cmocka_unit_test(of_a_body_that_was_not_read_whole_the_name_is_a_secret),
        cmocka_unit_test(a_secret_that_a_transformation_changed_is_hidden_by_its_name),
        cmocka_unit_test(a_secret_stands_in_no_tag_and_no_piece_of_it_in_a_message),
        cmocka_unit_test(fields_what_matched_and_its_bytes_can_be_secrets),
        cmocka_unit_test(a_secret_that_there_is_no_memory_for_is_told_as_lost),
        cmocka_unit_test(an_expression_selects_nodes_with_the_namespaces_of_its_rule),
        cmocka_unit_test(a_document_that_is_none_selects_nothing),
        cmocka_unit_test(a_schema_and_a_document_type_say_which_documents_there_are),
    };
    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
