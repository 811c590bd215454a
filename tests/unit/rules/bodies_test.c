/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: which parser, which variables, which limits. */
#include "tests/unit/rules/scene.h"
#include "tests/unit/rules/suites.h"

#include <string.h>

TEST(an_urlencoded_body_gives_arguments_and_the_body_variable)
{
    struct scene *s =
        scene_open("SecRule ARGS_POST:a \"@streq x y\" \"id:1,phase:2,pass,log\"\n"
                   "SecRule REQUEST_BODY \"@streq a=x+y&b=%zz\" \"id:2,phase:2,pass,log\"\n"
                   "SecRule REQBODY_PROCESSOR \"@streq URLENCODED\" \"id:3,phase:1,pass,log\"\n"
                   "SecRule URLENCODED_ERROR \"@eq 1\" \"id:4,phase:2,pass,log\"\n"
                   "SecRule REQUEST_BODY_LENGTH \"@eq 10\" \"id:5,phase:2,pass,log\"");
    scene_body(s, "Application/X-WWW-form-urlencoded; charset=utf-8", "a=x+y&b=%zz");
    scene_send(s, "POST", "/");
    check(scene_has(s, 1));
    check(scene_has(s, 2));
    check(scene_has(s, 3));
    check(scene_has(s, 4));
    check(!scene_has(s, 5));
    scene_close(s);
}

static const char multipart_body[] =
    "--b\r\n"
    "Content-Disposition: form-data; name=\"t\"\r\n\r\n"
    "value\r\n"
    "--b\r\n"
    "Content-Disposition: form-data; name=\"f\"; filename=\"x.php\"\r\n"
    "Content-Type: text/plain\r\n\r\n"
    "<?php ?>\r\n"
    "--b--\r\n";

TEST(a_multipart_body_gives_arguments_files_and_no_body_variable)
{
    struct scene *s = scene_open(
        "SecRule ARGS:t \"@streq value\" \"id:1,phase:2,pass,log\"\n"
        "SecRule FILES \"@streq x.php\" \"id:2,phase:2,pass,log\"\n"
        "SecRule FILES_NAMES \"@streq f\" \"id:3,phase:2,pass,log\"\n"
        "SecRule FILES_COMBINED_SIZE \"@eq 8\" \"id:4,phase:2,pass,log\"\n"
        "SecRule FILES_SIZES:f \"@eq 8\" \"id:5,phase:2,pass,log\"\n"
        "SecRule FILES_TMP_CONTENT:f \"@contains php\" \"id:6,phase:2,pass,log\"\n"
        "SecRule MULTIPART_PART_HEADERS:f \"@contains text/plain\" \"id:7,phase:2,pass,log\"\n"
        "SecRule MULTIPART_STRICT_ERROR \"!@eq 0\" \"id:8,phase:2,pass,log\"\n"
        "SecRule REQUEST_BODY \"@rx .\" \"id:9,phase:2,pass,log\"");
    scene_body(s, "multipart/form-data; boundary=b", multipart_body);
    scene_send(s, "POST", "/");
    for (unsigned id = 1; id <= 7; id++)
        check(scene_has(s, id));
    check(!scene_has(s, 8));
    check(!scene_has(s, 9));
    scene_close(s);
}

TEST(a_broken_multipart_body_sets_its_flags)
{
    struct scene *s =
        scene_open("SecRule MULTIPART_STRICT_ERROR \"!@eq 0\" \"id:1,phase:2,pass,log\"\n"
                   "SecRule MULTIPART_DATA_BEFORE \"@eq 1\" \"id:2,phase:2,pass,log\"");
    scene_body(s, "multipart/form-data; boundary=b",
               "before\r\n--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nv\r\n--b--\r\n");
    scene_send(s, "POST", "/");
    check(scene_has(s, 1));
    check(scene_has(s, 2));
    scene_close(s);
}

TEST(line_ends_are_mixed_only_where_both_came)
{
    struct scene *s =
        scene_open("SecRule MULTIPART_CRLF_LF_LINES \"@eq 1\" \"id:1,phase:2,pass,log\"");
    scene_body(s, "multipart/form-data; boundary=b", multipart_body);
    scene_send(s, "POST", "/");
    check(!scene_has(s, 1));
    scene_again(s, 1 << 20);
    scene_body(s, "multipart/form-data; boundary=b",
               "--b\r\nContent-Disposition: form-data; name=t\n\r\nv\r\n--b--\r\n");
    scene_send(s, "POST", "/");
    check(scene_has(s, 1));
    scene_close(s);
}

TEST(the_names_of_every_part_are_seen_and_not_those_of_the_last_alone)
{
    struct scene *s =
        scene_open("SecRule MULTIPART_FILENAME \"@streq x.php\" \"id:1,phase:2,pass,log\"\n"
                   "SecRule MULTIPART_FILENAME \"@streq y.txt\" \"id:2,phase:2,pass,log\"\n"
                   "SecRule MULTIPART_NAME \"@streq f\" \"id:3,phase:2,pass,log\"\n"
                   "SecRule MULTIPART_NAME \"@streq t\" \"id:4,phase:2,pass,log\"\n"
                   "SecRule MULTIPART_NAME \"@streq g\" \"id:5,phase:2,pass,log\"");
    scene_body(s, "multipart/form-data; boundary=b",
               "--b\r\nContent-Disposition: form-data; name=f; filename=x.php\r\n\r\n1\r\n"
               "--b\r\nContent-Disposition: form-data; name=t\r\n\r\n2\r\n"
               "--b\r\nContent-Disposition: form-data; name=g; filename=y.txt\r\n\r\n3\r\n"
               "--b--\r\n");
    scene_send(s, "POST", "/");
    for (unsigned id = 1; id <= 5; id++)
        check(scene_has(s, id));
    scene_close(s);
}

TEST(uploads_are_inspected_file_by_file)
{
    struct scene *s =
        scene_open("SecRule FILES \"@streq a.txt\" \"id:1,phase:2,pass,log\"\n"
                   "SecRule FILES:g \"@streq evil.php\" \"id:2,phase:2,pass,log\"\n"
                   "SecRule &FILES_NAMES \"@eq 2\" \"id:3,phase:2,pass,log\"\n"
                   "SecRule FILES_SIZES:f \"@eq 3\" \"id:4,phase:2,pass,log\"\n"
                   "SecRule FILES_SIZES:g \"@eq 9\" \"id:5,phase:2,pass,log\"\n"
                   "SecRule FILES_COMBINED_SIZE \"@eq 12\" \"id:6,phase:2,pass,log\"\n"
                   "SecRule FILES_TMP_CONTENT \"@rx ^<\\?php\" \"id:7,phase:2,pass,log\"\n"
                   "SecRule FILES_TMP_CONTENT:f \"@contains php\" \"id:8,phase:2,pass,log\"\n"
                   "SecRule ARGS|ARGS_NAMES \"@rx .\" \"id:9,phase:2,pass,log\"");
    scene_body(s, "multipart/form-data; boundary=b",
               "--b\r\nContent-Disposition: form-data; name=f; filename=a.txt\r\n\r\nabc\r\n"
               "--b\r\nContent-Disposition: form-data; name=g; filename=\"evil.php\"\r\n\r\n"
               "<?php\r\n?>\r\n--b--\r\n");
    scene_send(s, "POST", "/");
    for (unsigned id = 1; id <= 7; id++)
        check(scene_has(s, id));
    check_span(scene_match(s, 7)->variable_name, "FILES_TMP_CONTENT:g");
    check(!scene_has(s, 8) && !scene_has(s, 9));
    scene_close(s);
}

/* As in ModSecurity 2: a form cannot break, it has a flag of its own. */
TEST(reqbody_error_is_what_breaks_a_body_of_each_kind)
{
    static const struct {
        const char *type, *body, *message; /* NULL: no error */
    } rows[] = {
        {"application/x-www-form-urlencoded", "a=%zz&&=&%", NULL},
        {"multipart/form-data; boundary=b", "--b\r\n\r\n--b--\r\n", "Multipart"},
        {"multipart/form-data", "--b\r\n", "Multipart"},
        {"multipart/form-data; boundary=b",
         "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n", "Multipart"},
        {"multipart/form-data; boundary=b",
         "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\n", NULL},
        {"application/json", "{\"a\":1}", NULL},
        {"application/json", "{\"a\":1", "JSON"},
        {"application/json", "{\"a\":1}}", "JSON"},
        {"text/xml", "<a>1</a>", NULL},
        {"text/xml", "<a>1</b>", "XML"},
        {"text/xml", "<a>1", "XML"},
        {"text/plain", "\x01{<--b", NULL},
    };
    struct scene *s = scene_open(
        "SecRule REQUEST_HEADERS:Content-Type \"@contains json\" "
        "\"id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON\"\n"
        "SecRule REQUEST_HEADERS:Content-Type \"@contains xml\" "
        "\"id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=XML\"\n"
        "SecRule REQBODY_ERROR \"@eq 1\" \"id:3,phase:2,pass,log,msg:'%{REQBODY_ERROR_MSG}'\"\n"
        "SecRule REQBODY_PROCESSOR_ERROR \"@eq 1\" \"id:4,phase:2,pass,log\"");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        scene_again(s, 1 << 20);
        scene_body(s, rows[i].type, rows[i].body);
        scene_send(s, "POST", "/");
        check(scene_has(s, 3) == (rows[i].message != NULL));
        check(scene_has(s, 4) == (rows[i].message != NULL));
        if (rows[i].message != NULL)
            check(span_starts(scene_match(s, 3)->message, span_text(rows[i].message)));
    }
    scene_close(s);
}

TEST(json_is_parsed_only_where_a_rule_asks_for_it)
{
    static const char rules[] =
        "SecRule REQUEST_HEADERS:Content-Type \"@beginsWith application/json\" "
        "\"id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON\"\n"
        "SecRule ARGS:json.a.b \"@streq evil\" \"id:2,phase:2,pass,log\"\n"
        "SecRule REQBODY_PROCESSOR \"@streq JSON\" \"id:3,phase:2,pass,log\"\n"
        "SecRule REQUEST_BODY \"@rx .\" \"id:4,phase:2,pass,log\"\n"
        "SecRule REQBODY_ERROR \"!@eq 0\" "
        "\"id:5,phase:2,deny,status:400,log,msg:'%{REQBODY_ERROR_MSG}'\"";
    struct scene *s = scene_open(rules);
    scene_body(s, "application/json", "{\"a\":{\"b\":\"evil\"}}");
    scene_send(s, "POST", "/");
    check(scene_has(s, 2));
    check(scene_has(s, 3));
    check(!scene_has(s, 4));
    check(!scene_has(s, 5));
    scene_again(s, 1 << 20);
    scene_body(s, "application/json", "{\"a\":");
    scene_send(s, "POST", "/");
    check(scene_has(s, 5));
    check(scene_match(s, 5)->message.len > 0);
    check_number(inspection_verdict(s->tx).status, 400);
    scene_again(s, 1 << 20);
    scene_body(s, "text/json", "{\"a\":{\"b\":\"evil\"}}");
    scene_send(s, "POST", "/");
    check_number(scene_count(s), 0);
    scene_close(s);
}

TEST(xml_gives_its_text_and_its_attributes)
{
    struct scene *s = scene_open("SecRule REQUEST_HEADERS:Content-Type \"@streq text/xml\" "
                                 "\"id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=XML\"\n"
                                 "SecRule XML:/* \"@contains evil\" \"id:2,phase:2,pass,log\"\n"
                                 "SecRule XML://@* \"@streq bad\" \"id:3,phase:2,pass,log\"\n"
                                 "SecRule XML:/* \"@contains bad\" \"id:4,phase:2,pass,log\"");
    scene_body(s, "text/xml", "<a><b x=\"bad\">evil</b></a>");
    scene_send(s, "POST", "/");
    check(scene_has(s, 2));
    check(scene_has(s, 3));
    check(!scene_has(s, 4));
    check_span(scene_match(s, 3)->variable_name, "XML://@*");
    scene_close(s);
}

TEST(a_document_without_text_has_the_empty_text)
{
    struct scene *s = scene_open("SecRule REQUEST_HEADERS:Content-Type \"@streq text/xml\" "
                                 "\"id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=XML\"\n"
                                 "SecRule &XML:/* \"@eq 1\" \"id:2,phase:2,pass,log\"\n"
                                 "SecRule XML:/* \"@rx ^$\" \"id:3,phase:2,pass,log\"");
    scene_body(s, "text/xml", "<a b=\"c\"/>");
    scene_send(s, "POST", "/");
    check(scene_has(s, 2));
    check(scene_has(s, 3));
    scene_again(s, 1 << 20);
    scene_body(s, "text/xml", "no document");
    scene_send(s, "POST", "/");
    check(!scene_has(s, 2));
    scene_close(s);
}

TEST(a_body_of_no_known_kind_is_looked_at_only_where_it_is_forced)
{
    static const char rules[] =
        "SecRule REQBODY_PROCESSOR \"!@rx (?:URLENCODED|MULTIPART|XML|JSON)\" "
        "\"id:1,phase:1,pass,log,chain\"\n"
        "SecRule ARGS:force \"@streq 1\" \"ctl:forceRequestBodyVariable=On\"\n"
        "SecRule REQUEST_BODY \"@contains evil\" \"id:2,phase:2,pass,log\"";
    struct scene *s = scene_open(rules);
    scene_body(s, "text/plain", "an evil text");
    scene_send(s, "POST", "/");
    check(!scene_has(s, 2));
    scene_again(s, 1 << 20);
    scene_body(s, "text/plain", "an evil text");
    scene_send(s, "POST", "/?force=1");
    check(scene_has(s, 2));
    scene_close(s);
}

TEST(a_body_that_comes_in_pieces_is_one_text)
{
    struct scene *s =
        scene_open("SecRule REQUEST_BODY \"@streq a=12345&b=6\" \"id:1,phase:2,pass,log\"\n"
                   "SecRule ARGS:a \"@streq 12345\" \"id:2,phase:2,pass,log\"");
    scene_field(s, "Content-Type", "application/x-www-form-urlencoded");
    scene_start(s, "POST", "/");
    scene_run(s, PHASE_REQUEST_HEADERS);
    inspection_request_body(s->tx, SPAN("a=12"));
    inspection_request_body(s->tx, SPAN(""));
    inspection_request_body(s->tx, SPAN("345&"));
    inspection_request_body(s->tx, SPAN("b=6"));
    inspection_request_body_end(s->tx, false);
    scene_run(s, PHASE_REQUEST_BODY);
    check(scene_has(s, 1));
    check(scene_has(s, 2));
    scene_close(s);
}

TEST(a_body_beyond_the_limit_is_cut_and_counted)
{
    struct scene *s = scene_open("SecRequestBodyLimit 4\n"
                                 "SecRule INBOUND_DATA_ERROR \"@eq 1\" \"id:1,phase:2,pass,log\"\n"
                                 "SecRule REQUEST_BODY \"@streq a=12\" \"id:2,phase:2,pass,log\"");
    scene_body(s, "application/x-www-form-urlencoded", "a=12345");
    scene_send(s, "POST", "/");
    check(scene_has(s, 1));
    check(scene_has(s, 2));
    check_number(inspection_limits(s->tx, LIMIT_REQUEST_BODY), 1);
    scene_close(s);
}

TEST(more_arguments_than_allowed_are_an_error_and_a_limit)
{
    struct scene *s = scene_open(
        "SecArgumentsLimit 3\n"
        "SecRule REQBODY_ERROR \"@eq 1\" \"id:1,phase:2,pass,log,msg:'%{REQBODY_ERROR_MSG}'\"\n"
        "SecRule &ARGS \"@eq 3\" \"id:2,phase:2,pass,log\"");
    scene_get(s, "/?a=1&b=2&c=3");
    check(!scene_has(s, 1));
    check(scene_has(s, 2));
    scene_again(s, 1 << 20);
    scene_get(s, "/?a=1&b=2&c=3&d=4");
    check_span(scene_match(s, 1)->message, "SecArgumentsLimit exceeded");
    check(scene_has(s, 2));
    check_number(inspection_limits(s->tx, LIMIT_ARGUMENTS), 1);
    scene_again(s, 1 << 20);
    scene_body(s, "application/x-www-form-urlencoded", "c=3&d=4");
    scene_send(s, "POST", "/?a=1&b=2");
    check(scene_has(s, 1));
    check(scene_has(s, 2));
    scene_close(s);
}

TEST(a_body_without_its_files_has_a_limit_of_its_own)
{
    static const char rules[] =
        "SecRequestBodyNoFilesLimit 160\n"
        "SecRule REQBODY_ERROR \"@eq 1\" \"id:1,phase:2,pass,log,msg:'%{REQBODY_ERROR_MSG}'\"";
    struct scene *s = scene_open(rules);
    scene_body(s, "multipart/form-data; boundary=b", multipart_body);
    scene_send(s, "POST", "/");
    check(!scene_has(s, 1));
    scene_again(s, 1 << 20);
    char body[200];
    memset(body, 'a', sizeof(body));
    body[sizeof(body) - 1] = '\0';
    scene_body(s, "application/x-www-form-urlencoded", body);
    scene_send(s, "POST", "/");
    check_span(scene_match(s, 1)->message,
               "Request body excluding files is bigger than the maximum expected.");
    scene_close(s);
}

static const char response_rules[] =
    "SecResponseBodyAccess On\nSecResponseBodyMimeType text/html application/json\n"
    "SecResponseBodyLimit 64\n"
    "SecRule RESPONSE_BODY \"@contains SQL error\" \"id:1,phase:4,deny,log,status:502\"\n"
    "SecRule OUTBOUND_DATA_ERROR \"@eq 1\" \"id:2,phase:4,pass,log\"";

TEST(a_response_body_of_a_listed_type_is_looked_at_in_phase_4)
{
    struct scene *s = scene_open(response_rules);
    scene_answer_field(s, "content-type", "Text/HTML; charset=utf-8");
    scene_get(s, "/");
    scene_answer(s, 200, "<p>SQL error near</p>");
    check(inspection_verdict(s->tx).action == VERDICT_DENY);
    check_number(inspection_verdict(s->tx).status, 502);
    check(!scene_has(s, 2));
    scene_close(s);
}

TEST(a_response_body_of_another_type_is_not_wanted)
{
    struct scene *s = scene_open(response_rules);
    scene_answer_field(s, "Content-Type", "image/png");
    scene_get(s, "/");
    scene_answer(s, 200, "SQL error");
    check(!inspection_wants_response_body(s->tx));
    check_number(scene_count(s), 0);
    scene_close(s);
}

TEST(a_response_body_beyond_the_limit_is_cut)
{
    struct scene *s = scene_open(response_rules);
    scene_answer_field(s, "Content-Type", "text/html");
    scene_get(s, "/");
    scene_answer(s, 200,
                 "0123456789012345678901234567890123456789012345678901234567890123 SQL error");
    check(!scene_has(s, 1));
    check(scene_has(s, 2));
    check_number(inspection_limits(s->tx, LIMIT_RESPONSE_BODY), 1);
    scene_close(s);
}

int bodies_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_urlencoded_body_gives_arguments_and_the_body_variable),
        cmocka_unit_test(a_multipart_body_gives_arguments_files_and_no_body_variable),
        cmocka_unit_test(a_broken_multipart_body_sets_its_flags),
        cmocka_unit_test(line_ends_are_mixed_only_where_both_came),
        cmocka_unit_test(the_names_of_every_part_are_seen_and_not_those_of_the_last_alone),
        cmocka_unit_test(uploads_are_inspected_file_by_file),
        cmocka_unit_test(reqbody_error_is_what_breaks_a_body_of_each_kind),
        cmocka_unit_test(json_is_parsed_only_where_a_rule_asks_for_it),
        cmocka_unit_test(xml_gives_its_text_and_its_attributes),
        cmocka_unit_test(a_document_without_text_has_the_empty_text),
        cmocka_unit_test(a_body_of_no_known_kind_is_looked_at_only_where_it_is_forced),
        cmocka_unit_test(a_body_that_comes_in_pieces_is_one_text),
        cmocka_unit_test(a_body_beyond_the_limit_is_cut_and_counted),
        cmocka_unit_test(more_arguments_than_allowed_are_an_error_and_a_limit),
        cmocka_unit_test(a_body_without_its_files_has_a_limit_of_its_own),
        cmocka_unit_test(a_response_body_of_a_listed_type_is_looked_at_in_phase_4),
        cmocka_unit_test(a_response_body_of_another_type_is_not_wanted),
        cmocka_unit_test(a_response_body_beyond_the_limit_is_cut),
    };
    return cmocka_run_group_tests_name("bodies", tests, NULL, NULL);
}
