/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the Core Rule Set's regression tests that the front end decides about: those that it
 * has to answer with 400 before any rule, and their neighbours that have to reach the rules. */
#include "tests/unit/wire/h1_reading.h"
#include "tests/unit/wire/suites.h"

#define FIELDS "User-Agent: OWASP CRS test agent\r\nAccept: text/html;q=0.9,*/*;q=0.8\r\n"
#define HEAD(line, host, more)                                                               \
    {                                                                                        \
        line "\r\n" host FIELDS more "\r\n", sizeof(line "\r\n" host FIELDS more "\r\n") - 1 \
    }
#define LOCAL "Host: localhost\r\n"

struct front {
    const char *test;
    struct span bytes;
    unsigned status; /* 0: passes */
    bool to_rules;   /* the head is shown to the rules, refused or not */
};

static const struct front fronts[] = {
    {"920100-1", HEAD("GET /get HTTP/1.1", LOCAL, ""), 0, true},
    {"920100-2", HEAD("     GET /get HTTP/1.1", LOCAL, ""), 400, false},
    {"920100-3", HEAD("OPTIONS * HTTP/1.1", LOCAL, ""), 0, true},
    {"920100-4", HEAD("CONNECT 1.2.3.4:80 HTTP/1.1", LOCAL, ""), 0, true},
    {"920100-5", HEAD("CONNECT www.coreruleset.org HTTP/1.1", LOCAL, ""), 400, false},
    {"920100-6", HEAD("CONNECT www.coreruleset.org:80 HTTP/1.1", LOCAL, ""), 0, true},
    {"920100-7", HEAD("GET /get/index.html?I=Like&Apples=Today#tag HTTP/1.1", LOCAL, ""), 400,
     false},
    {"920100-8", HEAD("GET /get/index.html:80?I=Like&Apples=Today#tag HTTP/1.1", LOCAL, ""), 400,
     false},
    {"920100-9", HEAD("OPTIONS / HTTP/1.1", LOCAL, ""), 0, true},
    {"920100-10", HEAD("REALLYLONGUNREALMETHOD / HTTP/1.1", LOCAL, ""), 0, true},
    {"920100-11", HEAD("GET \\ HTTP/1.1", LOCAL, ""), 400, false},
    {"920100-12", HEAD("\tGET /get HTTP/1.1", LOCAL, "Keep-Alive: 300\r\n"), 400, false},
    {"920100-13", HEAD("GET \\index.html HTTP\\1.0", LOCAL, ""), 400, false},
    {"920100-14", HEAD("|GET /get HTTP/1.1", LOCAL, ""), 0, true},
    {"920100-15",
     HEAD("GET /get/vuln.xml.php?input=<script xmlns=\"http://www.w3.org/1999/xhtml\"></script>&// "
          "HTTP/1.1",
          LOCAL, ""),
     400, false},
    {"920100-16", HEAD("GET http://localhost HTTP/1.1", LOCAL, ""), 0, true},
    {"920160-1", HEAD("GET / HTTP/1.1", LOCAL, "Content-Length: NotDigits\r\n"), 400, false},
    {"920160-2", HEAD("POST / HTTP/1.1", LOCAL, "Content-Length: NotDigits\r\n"), 400, false},
    {"920160-3", HEAD("POST / HTTP/1.1", LOCAL, "Content-Length: 123x\r\n"), 400, false},
    {"920160-4", HEAD("POST /post HTTP/1.1", LOCAL, "Content-Length: 3\r\n"), 0, true},
    {"920160-5", HEAD("POST / HTTP/1.1", LOCAL, "Content-Length: 3;\r\n"), 400, false},
    {"920180-1", HEAD("POST / HTTP/1.1", LOCAL, ""), 0, true},
    {"920180-4", HEAD("POST / HTTP/2.0", LOCAL, ""), 505, true},
    {"920270-4", HEAD("GET /?test=test1 HTTP/1.1", "Host: localhost%00\r\n", ""), 400, true},
    {"920270-5", HEAD("GET /?test=test1 HTTP/1.1", LOCAL, "Referer: anything%00\r\n"), 0, true},
    {"920274-1", HEAD("GET /get?test=test1 HTTP/1.1", "Host: localhost%1F\r\n", ""), 400, true},
    {"920280-1", HEAD("GET / HTTP/1.0", "", ""), 0, true},
    {"920280-3", HEAD("GET / HTTP/0.9", LOCAL, ""), 400, false},
    {"920290-1", HEAD("GET / HTTP/1.1", "Host: \r\n", ""), 400, true},
    {"920290-4", SPAN_INIT("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400, true},
    {"920350-6", HEAD("GET / HTTP/1.1", "Host: [fe80::f1:01:fe01:1]:80\r\n", ""), 0, true},
    {"920430-3", HEAD("GET / HTTP/0.9", LOCAL, ""), 400, false},
    {"920430-4", HEAD("GET / HTTP/2", LOCAL, ""), 505, true},
    {"920430-6", HEAD("GET / 1.1", LOCAL, ""), 400, false},
    {"920430-7", HEAD("GET / TEST", LOCAL, ""), 400, false},
    {"920430-8", HEAD("GET / HTTP/4.0", LOCAL, ""), 505, true},
    {"920430-9", HEAD("GET / HTTP/0.8", LOCAL, ""), 400, false},
    {"920430-10", HEAD("GET / JUNK/1.0", LOCAL, ""), 400, false},
    {"920610-1", HEAD("GET /%23fragment HTTP/1.1", LOCAL, ""), 0, true},
    {"920610-2", HEAD("GET /#fragment HTTP/1.1", LOCAL, ""), 400, false},
    {"921140-1", HEAD("GET / HTTP/1.1", LOCAL, "SomeHeader: Headerdata\rInjectedHeader: code\r\n"),
     400, false},
    {"921140-2", HEAD("GET / HTTP/1.1", LOCAL, "SomeHeader: Headerdata%0dInjectedHeader: code\r\n"),
     0, true},
};

TEST(requests_of_the_core_rule_set_meet_the_front_end_as_expected)
{
    for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++) {
        struct reading r = read_request(fronts[i].bytes);
        bool to_rules = r.parse == H1_READY;
        if (r.refusal.status != fronts[i].status || to_rules != fronts[i].to_rules)
            print_error("%s: status %u, rules %d\n", fronts[i].test, r.refusal.status, to_rules);
        check_number(r.refusal.status, fronts[i].status);
        check_number(to_rules, fronts[i].to_rules);
        check(!r.refusal.silent);
        reading_end(&r);
    }
}

TEST(the_test_without_a_version_is_silent_but_named) /* 920430-5 */
{
    struct reading r = read_request((struct span)HEAD("GET / ", LOCAL, ""));
    check_number(r.parse, H1_BROKEN);
    check(r.refusal.silent);
    check_span(r.head.protocol, "HTTP/0.9");
    reading_end(&r);
}

int h1_crs_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_the_core_rule_set_meet_the_front_end_as_expected),
        cmocka_unit_test(the_test_without_a_version_is_silent_but_named),
    };
    return cmocka_run_group_tests_name("h1_crs", tests, NULL, NULL);
}
