/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/match/xss.h"

#include "tests/check.h"
#include "tests/unit/match/operators/suites.h"

static void is_attack(const char *text, const char *decision, const char *part)
{
    struct xss_finding finding = {.decision = "nothing"};
    struct span value = span_text(text);
    bool found = xss_detect(value, &finding);

    if (!found || strcmp(finding.decision, decision) != 0)
        print_error(SPAN_FORMAT ": %s, not %s\n", span_arg(value), finding.decision, decision);
    check(found && strcmp(finding.decision, decision) == 0);
    check_span(finding.part, part);
}

static void is_harmless(const char *text)
{
    struct xss_finding finding = {.decision = "nothing"};
    struct span value = span_text(text);

    if (xss_detect(value, &finding))
        print_error(SPAN_FORMAT ": %s\n", span_arg(value), finding.decision);
    check(!xss_detect(value, NULL));
}

TEST(tags_that_run_script)
{
    is_attack("x<script>alert(1)", "tag", "script");
    is_attack("<x:SCRIPT src=y>", "tag", "x:SCRIPT");
    is_attack("<svg/onload=alert()", "tag", "svg");
    is_attack("<script<{alert(1)}/></script </>", "tag", "script<{alert(1)}");
    check(xss_detect(SPAN("<scr\0ipt>confirm(0);</scr\0ipt>"), NULL));
    is_attack("<scr\\0ipt src=x>", "tag", "scr\\0ipt"); /* a backslash and a zero */
    is_attack("<!-- x --!><iframe>", "tag", "iframe");
    is_attack("<img src=\"x` `<script>alert(1)</script>\"` `>", "tag", "script");
}

TEST(events_in_every_place)
{
    is_attack("<b onclick=x>", "event", "onclick");
    is_attack("<b/x/onclick = x>", "event", "onclick");
    is_attack("<tag onauxclick=a()>", "event", "onauxclick");
    is_attack("<b onbeforehellfreezes=alert(1)>", "event", "onbeforehellfreezes");
    is_attack("x onerror=alert(1)", "event", "onerror");
    is_attack("x' onerror=alert(1);>", "event", "onerror");
    is_attack("/get/\"onmouseover='prompt(document.cookie)'\"", "event", "onmouseover");
    is_attack("` onfocus=a`1` ", "event", "onfocus");
}

TEST(addresses_and_styles_that_are_script)
{
    is_attack("<a href=\" java\tscript:alert(1)\">", "url", "href");
    is_attack("<a href=j&#97v&#x61script&colon;alert(1)>", "url", "href");
    is_attack("<b data-x='vbscript:x'>", "url", "data-x");
    is_attack("<img src=data:text/html,x>", "url", "src");
    is_attack("x\" href=\"javascript:alert(1)", "url", "href");
    is_attack("<b style='x:exp ression(a)'>", "style", "style");
    is_attack("<b style=behavior:url(x)>", "style", "style");
    is_attack("<b srcdoc=x>", "attribute", "srcdoc");
    is_attack("<animate attributeName=\"xlink:href\" to=x>", "attribute", "attributeName");
}

TEST(comments_and_declarations_that_act)
{
    is_attack("<!--[if IE]>", "comment", "[if IE]>");
    is_attack("<!-- ` -->", "comment", " ` ");
    is_attack("<!DOCTYPE x [<!ENTITY y SYSTEM \"z\">", "declaration",
              "DOCTYPE x [<!ENTITY y SYSTEM \"z\"");
    is_attack("<?xml-stylesheet href=x?>", "declaration", "xml-stylesheet href=x?");
}

TEST(what_libinjection_is_known_to_miss)
{
    is_attack("<tag onauxclick=alert(1)>", "event", "onauxclick");
    is_attack("<tag onpagereveal=alert(1)>", "event", "onpagereveal");
    is_attack("<tag onpageswap=alert(1)>", "event", "onpageswap");
}

TEST(what_libinjection_is_known_to_alarm_at)
{
    is_harmless("filter=in(a,b)");
    is_harmless("<p style=\"color:red\">x</p>");
    is_harmless("<!DOCTYPE html>");
    is_harmless("on+BHFUPFdfsWTEJdw8wug==");
    is_harmless("onAAAA==");
}

TEST(handlers_that_a_namespace_binds)
{
    is_attack("<x xmlns:ev=\"http://www.w3.org/2001/xml-events\" ev:event=\"load\">", "attribute",
              "xmlns:ev");
    is_harmless("<x xmlns:ev=\"http://www.w3.org/1999/xlink\">");
}

TEST(what_is_only_unusual_is_harmless)
{
    static const char *const texts[] = {
        "",
        "this is not an XSS",
        "filter=in(a,b)",
        "<p style=\"color:red\">x</p>",
        "<!DOCTYPE html>",
        "onAAAA==",
        "c29tZSBvbkFBQUE=onABCD==",
        "https://x/?onfoo=1&onload=2",
        "a < b and c > d",
        "if (a<b) c=d",
        "I said \"hello\" to him; on time = 5",
        "<b>bold</b> and <i>it</i>",
        "<a href=\"https://example.com/?a=b\">x</a>",
        "<img src=\"data:image/png;base64,AAAA\">",
        "<td class=\"x\" data-on=\"y\" one=1 online>",
        "email <me@example.com>",
        "<3 <!-- a comment --> <br/>",
        "vector<int> v = 0",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        is_harmless(texts[i]);
}

/* What could make a scan start over and over again. */
TEST(a_long_text_takes_one_pass)
{
    static const char *const pieces[] = {"<!",      "<!--", "<?",    "<",
                                         "a=\"<b ", "a=` ", "<a b=", "'\"`"};
    static char text[200000];

    for (size_t piece = 0; piece < sizeof(pieces) / sizeof(pieces[0]); piece++) {
        size_t len = strlen(pieces[piece]);

        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = pieces[piece][i % len];
        check(!xss_detect(span_make(text, sizeof(text)), NULL));
    }
}

int xss_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_that_run_script),
        cmocka_unit_test(events_in_every_place),
        cmocka_unit_test(addresses_and_styles_that_are_script),
        cmocka_unit_test(comments_and_declarations_that_act),
        cmocka_unit_test(what_libinjection_is_known_to_miss),
        cmocka_unit_test(what_libinjection_is_known_to_alarm_at),
        cmocka_unit_test(handlers_that_a_namespace_binds),
        cmocka_unit_test(what_is_only_unusual_is_harmless),
        cmocka_unit_test(a_long_text_takes_one_pass),
    };
    return cmocka_run_group_tests_name("xss", tests, NULL, NULL);
}
