/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/match/sqli.h"

#include "tests/check.h"
#include "tests/unit/match/operators/suites.h"

static void is_attack(const char *text, const char *decision)
{
    struct sqli_finding finding = {.decision = "nothing"};
    struct span value = span_text(text);
    bool found = sqli_detect(value, &finding);

    if (!found || strcmp(finding.decision, decision) != 0)
        print_error(SPAN_FORMAT ": %s, not %s\n", span_arg(value), finding.decision, decision);
    check(found && strcmp(finding.decision, decision) == 0);
}

static void is_harmless(const char *text)
{
    struct sqli_finding finding = {.decision = "nothing"};
    struct span value = span_text(text);

    if (sqli_detect(value, &finding))
        print_error(SPAN_FORMAT ": %s\n", span_arg(value), finding.decision);
    check(!sqli_detect(value, NULL));
}

TEST(each_decision_has_an_attack)
{
    is_attack("1 union select 2", "union");
    is_attack("x') UNION ALL select NULL --", "union");
    is_attack("sleep(20)", "call");
    is_attack("x')waitfor delay'5:0:20'--", "call");
    is_attack("1 into outfile '/tmp/x'", "call");
    is_attack("1234 OR 1=1", "tautology");
    is_attack("-1839' or '1'='1", "tautology");
    is_attack("1 or true", "condition");
    is_attack("1 or ascii(a)", "function");
    is_attack("ascii(substring(version() from 1 for 1))", "nested");
    is_attack("1 and (select password from users)", "subselect");
    is_attack("1; drop table users", "stacked");
    is_attack("select char(0x66)", "statement");
    is_attack("admin'--", "comment");
    is_attack("'='", "string");
    is_attack("180' order by 1", "tail");
    is_attack("case '1' when 2 then 2 end", "case");
    is_attack("1 /*!or*/ 2", "hidden");
}

TEST(the_fingerprint_is_the_folded_row)
{
    struct sqli_finding finding;

    check(sqli_detect(SPAN("-1839' or '1'='1"), &finding));
    check_span(span_text(finding.fingerprint), "s&s=s~");
    check(sqli_detect(SPAN("1+2/**/union(select 1,2,3,4 from a)"), &finding));
    check_span(span_text(finding.fingerprint), "1U(E1,1kn)");
    check(sqli_detect(SPAN("1 union select 1,a,1,a,1,a,(a),(b),(c),(d),(e)"), &finding));
    check_number(strlen(finding.fingerprint), SQLI_FINGERPRINT);
}

TEST(the_parts_are_what_the_fingerprint_stands_for)
{
    static const char *const parts[] = {"-1839", "or", "1", "=", "1"};
    struct sqli_finding finding;

    check(sqli_detect(SPAN("-1839' or '1'='1"), &finding));
    check_number(finding.part_count, 5);
    for (size_t i = 0; i < 5; i++)
        check_span(finding.parts[i], parts[i]);
    check(sqli_detect(SPAN("1 union select 1,a,1,a,1,a,(a),(b),(c),(d),(e)"), &finding));
    check_number(finding.part_count, SQLI_FINGERPRINT);
}

TEST(evasions_are_seen_through)
{
    is_attack("1.or-id", "condition");
    is_attack(".1or-UTC_DATE--", "condition");
    is_attack("1/**/or/**/1=1", "tautology");
    is_attack("1\xa0or\xa0"
              "1=1",
              "tautology");
    is_attack("1 oR(1)=1", "tautology");
    is_attack("1 || 1=1", "tautology");
    is_attack("1 union/*!50000(select*/ 1)", "hidden");
    is_attack("-1 union\nselect 1", "union");
    is_attack("' OR 1=1;' ", "tautology");
    is_attack(")-sleep(9999", "call");
    is_attack("SELECT-id-1.FROM`users`", "statement");
    is_attack("0); show warnings; set @q=0x1; prepare s from @q", "stacked");
    is_attack("1 or 1=1 -- comment", "tautology");
    is_attack("x\" and 1=1 `", "tautology");
    is_attack("1;DECLARE @a varchar(9)", "call");
    is_attack("U&'a' uescape '!' union select 1", "union");
}

TEST(the_dialects_of_comments_are_both_tried)
{
    is_attack("1--1 union select 2", "union"); /* two signs to MySQL */
    is_attack("-1#\nunion select 1", "union"); /* a comment to MySQL */
    is_attack("1' == --1 OR 1", "tautology");
}

/* Each is a public report of an attack that libinjection does not see. */
TEST(what_libinjection_is_known_to_miss)
{
    is_attack("0); show warnings; set @q=0x1; prepare s from @q; execute s", "stacked");
    is_attack("1 or true", "condition");
    is_attack("1.or-id", "condition");
    is_attack("SELECT-id-1.FROM`users`", "statement");
    is_attack("' OR 1=1;' ", "tautology");
    is_attack(")-sleep(9999", "call");
    is_attack("1<@", "variable");
    is_attack("1<@ or 1", "tautology");
    is_attack("1 and{`if`updatexml(1,concat(0x3a,(select 1)),1)}", "call");
    is_attack("1 or {`a` 1}", "escape");
    is_attack("9999 or {if length((select username from user where id=1))>0}", "escape");
    is_attack("select{x table_name}from{x information_schema.tables}", "statement");
    is_attack("*/UNION SELECT password FROM users--", "union");
    is_attack("admin'#", "comment");
}

/* Each is a public report of an honest value that libinjection takes for an attack. */
TEST(what_libinjection_is_known_to_alarm_at)
{
    is_harmless("2104 GRANT AVE #A");
    is_harmless("123--567890");
    is_harmless("006--u-m4YIaIyga-cq8yK");
    is_harmless("TEST 0001 - (09/07/2025)");
    is_harmless("Rate is 0.02/min (EU) for all");
    is_harmless("<a href=\"x\" class=\"y\">text</a>");
    is_harmless("<?xml version=\"1.0\" encoding=\"UTF-8\"?><a b=\"c\"/>");
    is_harmless("a!@#");
    is_harmless("Passw0rd!@#");
    is_harmless("cos(accckt)");
}

TEST(halves_of_statements)
{
    is_attack("-1 union", "union");
    is_attack("-1#\r\n\r\nunion #", "union");
    is_attack("x' UNION select id from users where id>0//", "union");
    is_attack("{x} UNION SELECT a", "union");
    is_attack("1) from users where username='x", "tail");
    is_attack("3 where prod.id=3/*", "tail");
    is_attack("-(1) having 1 for all", "tail");
    is_attack("9' (select count(*) from users as a, users as b) '9", "subselect");
    is_attack("-1 --\n (select id from users limit 1,1)", "subselect");
    is_attack("1 or 1=(select top 1 a ':' b from users where id=3)--", "subselect");
    is_attack("1 AND SELECT TOP 10 a FROM users -- 1", "subselect");
    is_attack("116 AND SUBSTRING((y=1..3()),1,1)=x--", "function");
    is_attack("1 - ORD('A')", "function");
    is_attack("AND ISNULL(1/0)", "function");
    is_attack("MID(@@hostname, 1, 1)", "nested");
    is_attack("DATABASE() LIKE SCHEMA()", "nested");
    is_attack("a-7 or 1 group by concat(concat_ws(0x3a,version()),floor(rand(0)*2))", "nested");
    is_attack("a,IIF(2510=9436,a,1/0)", "call");
    is_attack("1))+1", "parentheses");
    is_attack("14/**/or(1)group\tby", "hidden");
    is_attack("1 /* /* */ */ 2", "hidden");
    is_attack("1'--sp_password", "comment");
    is_attack("@version--", "comment");
    is_attack("1 - (1 - 1) --", "comment");
    is_attack("'; anything: goto anything -- -a", "stacked");
    is_attack("1; delete quick from users", "stacked");
    is_attack("1; EXECUTE AS LOGIN 'root'; GO", "stacked");
    is_attack("' or MATCH a AGAINST ('+b -c' IN BOOLEAN MODE); -- -a", "function");
    is_attack("x IN BOOLEAN MODE) and (8)=(3)", "tautology");
    is_attack("a AND COS(3)=SIN(4)", "tautology");
    is_attack("x\"OR-\"1", "string");
    is_attack("EXEC sp_add_job @name = 'x'", "statement");
    is_attack("@q = null+null+ 'x'", "statement");
    is_attack("SELECT (-1);", "statement");
    is_attack("CASE WHEN TRUE THEN TRUE END IS UNKNOWN FOR UPDATE", "case");
}

TEST(quotation_marks_in_sentences_are_harmless)
{
    static const char *const texts[] = {
        "startup scripts in \"/etc/init.d/\" should not contain",
        "or '/usr/share/doc/' for it",
        "import {a} from './page'",
        "the relations \"<<\", \"<=\", \"=\", \">=\" and \">>\" for strictly",
        "is configured to make \"<--\" generate DEL",
        "literal strings. \"<url>\" is one",
        "characters \"+\" \".\" \"~\" (plus, full stop",
        "a package \"*name*\" has",
        "this \"Delete\" will not work, but \"<--\"",
        "BAMBOO CHARCOAL SOAP 1 '#",
        "1.1-1~bpo70+1 << 1.1-1 and 1.2 << 1.2-1~bpo70+1",
        "Select user(s)",
        "select count(s)",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        is_harmless(texts[i]);
}

TEST(sentences_are_harmless)
{
    static const char *const texts[] = {
        "",
        "this is not isqli",
        "O'Reilly",
        "rock'n'roll",
        "John O'Connor and Mary O'Brien",
        "1 or 2",
        "5 AND A QUARTER BY 8 INCHES",
        "SELECT one",
        "(select one)",
        "Western Union select branches",
        "O'connors UNION selected a few friends from a",
        "5 order by phone",
        "drop table reservations please",
        "Let's go; select an item",
        "it's 5 o'clock -- somewhere",
        "sleep (8 hours per night)",
        "between 5 and 10",
        "I was having true friends",
        "1950' AND 60'S WOMEN'S COATS WITH FAKE",
        "\"quoted\" and \"quoted too\"",
        "true or false",
        "WOMEN';S ART DEC",
        "1; exec will create the case 7",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        is_harmless(texts[i]);
}

TEST(data_is_harmless)
{
    static const char *const texts[] = {
        "2104 GRANT AVE #A",
        "123--567890",
        "006--u-m4YIaIyga-cq8yK",
        "TEST 0001 - (09/07/2025)",
        "Rate is 0.02/min (EU) for all",
        "<a href=\"x\" class=\"y\">",
        "<A HREF=\"/APPS/\">here</A>",
        "a!@#",
        "cos(accckt)",
        "user@example.com",
        "https://example.com/?a=1&b='x'",
        "SGVsbG8gV29ybGQ=",
        "2010-01-01 12:00:00",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0",
        "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
        "5' 11\"",
        "{\"a\": \"b\", \"c\": [1,2]}",
        "/post/foo/9'union all/bar",
        "/post/foo/24 union all select 1,2,3 from aa/bar",
        "User(login_name),Images(url_170x135)",
        "src/*/*/main.c",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        is_harmless(texts[i]);
}

/* Deep or long texts must neither be slow nor leave the row. */
TEST(a_long_text_is_cut_and_still_judged)
{
    static char text[200000];

    memset(text, '(', sizeof(text));
    check(!sqli_detect(span_make(text, sizeof(text)), NULL));
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = "1,"[i % 2];
    check(!sqli_detect(span_make(text, sizeof(text)), NULL));
    memset(text, ' ', sizeof(text));
    memcpy(text, "1 or", 4);
    memcpy(text + sizeof(text) - 3, "1=1", 3);
    check(sqli_detect(span_make(text, sizeof(text)), NULL));
}

int sqli_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_decision_has_an_attack),
        cmocka_unit_test(the_fingerprint_is_the_folded_row),
        cmocka_unit_test(the_parts_are_what_the_fingerprint_stands_for),
        cmocka_unit_test(evasions_are_seen_through),
        cmocka_unit_test(the_dialects_of_comments_are_both_tried),
        cmocka_unit_test(what_libinjection_is_known_to_miss),
        cmocka_unit_test(what_libinjection_is_known_to_alarm_at),
        cmocka_unit_test(halves_of_statements),
        cmocka_unit_test(quotation_marks_in_sentences_are_harmless),
        cmocka_unit_test(sentences_are_harmless),
        cmocka_unit_test(data_is_harmless),
        cmocka_unit_test(a_long_text_is_cut_and_still_judged),
    };
    return cmocka_run_group_tests_name("sqli", tests, NULL, NULL);
}
