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
    check(sqli_detect(SPAN("1 union select 1,a,1,a,1,a,(1),(2),(3),(4),(5)"), &finding));
    check_number(strlen(finding.fingerprint), SQLI_FINGERPRINT);
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
        cmocka_unit_test(evasions_are_seen_through),
        cmocka_unit_test(the_dialects_of_comments_are_both_tried),
        cmocka_unit_test(sentences_are_harmless),
        cmocka_unit_test(data_is_harmless),
        cmocka_unit_test(a_long_text_is_cut_and_still_judged),
    };
    return cmocka_run_group_tests_name("sqli", tests, NULL, NULL);
}
