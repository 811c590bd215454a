/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of the two logs, and what is masked in them. */
#include "exporters/access_log.h"
#include "exporters/mask.h"
#include "exporters/rule_log.h"
#include "exporters/when.h"
#include "tests/check.h"
#include "tests/unit/exporters/json.h"
#include "tests/unit/exporters/sample.h"

static void check_json_line(struct span line)
{
    check(line.len > 0 && line.at[line.len - 1] == '\n');
    check_number(span_find_byte(line, '\n'), line.len - 1);
    check(json_is_valid(span_first(line, line.len - 1)));
}

static struct span access_line(struct buf *line, const struct report *report)
{
    buf_clear(line);
    access_log_add(line, report);
    check(!buf_is_full(line));
    check_json_line(buf_span(line));
    return buf_span(line);
}

TEST(the_access_line_has_all_fields_in_their_order)
{
    struct buf line;
    buf_init(&line, 1 << 20);
    struct report report = sample_report();
    report.waf.action = WAF_WOULD_BLOCK;
    report.waf.mode = ENGINE_DETECTION_ONLY;
    check_span(
        access_line(&line, &report),
        "{\"time\":\"2026-11-21T09:40:00.123456Z\",\"request_id\":\"01-abc\","
        "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span_id\":\"00f067aa0ba902b7\","
        "\"client_address\":\"203.0.113.9\",\"listener\":\"public\",\"method\":\"GET\","
        "\"authority\":\"shop.example:8443\",\"path\":\"/orders/7\",\"query\":\"q=1\","
        "\"protocol\":\"HTTP/1.1\",\"tls\":{\"version\":\"1.3\","
        "\"cipher\":\"TLS_AES_128_GCM_SHA256\",\"server_name\":\"shop.example\","
        "\"resumed\":true,\"client\":\"CN=till\",\"client_fingerprint\":\"ab12\"},"
        "\"status\":200,\"duration_us\":1000,\"bytes_in\":0,"
        "\"bytes_out\":512,\"upstream\":{\"address\":\"127.0.0.1:3001\",\"status\":200,"
        "\"duration_us\":600,\"attempts\":2,\"error\":null},\"waf\":{\"action\":\"would_block\","
        "\"mode\":\"detection_only\",\"score\":5,\"rules\":[942100,949110],\"cpu_us\":21500,"
        "\"limit\":{\"name\":\"cpu_budget\",\"phase\":2,\"rule\":942100,\"target\":\"ARGS:q\"}},"
        "\"decisions\":[{\"control\":\"access\",\"name\":\"abroad\",\"decision\":\"would_block\","
        "\"reason\":\"path: "
        "/orders/*\"}],\"authorizer\":null,\"api_key_id\":null,\"usage_plan\":null,"
        "\"error\":null,\"route\":\"/orders/{id}\",\"user_agent\":\"curl/7.88.1\","
        "\"referer\":null,\"stage_us\":{\"read_head\":100,\"await_answer\":700,\"respond\":200}}"
        "\n");
    buf_fini(&line);
}

TEST(a_broken_head_has_a_line_too)
{
    struct buf line;
    buf_init(&line, 1 << 20);
    struct report report = {.error = SPAN("bad_request_line"), .status = 0};
    struct span text = access_line(&line, &report);
    check(span_find(text, SPAN("\"method\":null,")) != SPAN_NONE);
    check(span_find(text, SPAN("\"status\":null,")) != SPAN_NONE);
    check(span_find(text, SPAN("\"upstream\":null,")) != SPAN_NONE);
    check(span_find(text, SPAN("\"error\":\"bad_request_line\",")) != SPAN_NONE);
    check(span_find(text, SPAN("\"mode\":\"off\",")) != SPAN_NONE);
    buf_fini(&line);
}

TEST(every_byte_makes_a_valid_line)
{
    struct buf line;
    buf_init(&line, 1 << 20);
    struct report report = plain_report();
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[] = {'/', (char)byte, 'x', (char)byte};
        report.path = report.query = report.user_agent = report.method = span_make(text, 4);
        report.authority = report.referer = report.request_id = span_make(text, 2);
        access_line(&line, &report);
    }
    report = plain_report();
    report.path = SPAN("/caf\xc3\xa9/\xc3(\xed\xa0\x80\xf0\x9f\x98\x80\n");
    struct span text = access_line(&line, &report);
    check(span_find(text, SPAN("/caf\xc3\xa9/\\u00c3(\\u00ed\\u00a0\\u0080\xf0\x9f\x98\x80\\n")) !=
          SPAN_NONE);
    buf_fini(&line);
}

TEST(a_stage_that_ran_twice_stands_once_with_its_sum)
{
    struct buf line;
    buf_init(&line, 1 << 20);
    struct report report = sample_report();
    const struct report_stage twice[] = {{SPAN_INIT("connect"), 0, 10},
                                         {SPAN_INIT("send"), 10, 5},
                                         {SPAN_INIT("connect"), 15, 20},
                                         {SPAN_INIT("send"), 35, 7}};
    report.stages = twice;
    report.stage_count = 4;
    struct span text = access_line(&line, &report);
    check(span_find(text, SPAN("\"stage_us\":{\"connect\":30,\"send\":12}")) != SPAN_NONE);
    buf_fini(&line);
}

TEST(an_address_keeps_all_but_the_secrets_of_its_query)
{
    static const struct {
        const char *url, *masked;
    } cases[] = {
        {"", ""},
        {"http://a/token=1", "http://a/token=REDACTED"},
        {"http://a/page=1", "http://a/page=1"},
        {"http://a/?q=1", "http://a/?q=1"},
        {"http://a/b?q=1&token=x#top", "http://a/b?q=1&token=REDACTED"},
    };
    struct buf scratch;
    buf_init(&scratch, 4096);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_span(url_masked(span_text(cases[i].url), &scratch), cases[i].masked);
    buf_fini(&scratch);
}

TEST(secrets_in_the_query_are_masked_whatever_their_spelling)
{
    static const struct {
        const char *query, *masked;
    } cases[] = {
        {"", ""},
        {"q=1&page=2", "q=1&page=2"},
        {"token=abc", "token=REDACTED"},
        {"a=1&Access_Token=x&b=2", "a=1&Access_Token=REDACTED&b=2"},
        {"password=a=b&secret=&api_key=k", "password=REDACTED&secret=REDACTED&api_key=REDACTED"},
        {"X-Amz-Signature=ff&X-Amz-Date=1", "X-Amz-Signature=REDACTED&X-Amz-Date=REDACTED"},
        {"%74oken=abc&key", "%74oken=REDACTED&key"},
        {"a=1;sig=zz;b=2", "a=1;sig=REDACTED;b=2"},
        {"tokens=1&monkey=2", "tokens=1&monkey=2"},
        {"&&=&token=1&", "&&=&token=REDACTED&"},
        {"user[password]=a&user[name]=b", "user[password]=REDACTED&user[name]=b"},
        {"pwd[]=a&%5Btoken%5D=b&[]=c&]=d", "pwd[]=REDACTED&%5Btoken%5D=REDACTED&[]=c&]=d"},
        {"code=x&encode=y", "code=REDACTED&encode=y"},
    };
    struct buf scratch;
    buf_init(&scratch, 4096);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&scratch);
        check_span(query_masked(span_text(cases[i].query), &scratch), cases[i].masked);
    }
    struct buf small;
    buf_init(&small, 8);
    check_span(query_masked(SPAN("token=abcdefghi"), &small), "");
    buf_fini(&small);
    buf_fini(&scratch);
}

TEST(times_are_those_of_the_calendar)
{
    static const struct {
        uint64_t us;
        const char *rfc3339, *apache;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z", "Thu Jan 01 00:00:00.000000 1970"},
        {UINT64_C(951827696000001), "2000-02-29T12:34:56.000001Z",
         "Tue Feb 29 12:34:56.000001 2000"},
        {UINT64_C(4107542399999999), "2100-02-28T23:59:59.999999Z",
         "Sun Feb 28 23:59:59.999999 2100"},
        {UINT64_C(4107542400000000), "2100-03-01T00:00:00.000000Z",
         "Mon Mar 01 00:00:00.000000 2100"},
    };
    struct buf text;
    buf_init(&text, 100);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&text);
        when_add_rfc3339(&text, cases[i].us);
        check_span(buf_span(&text), cases[i].rfc3339);
        buf_clear(&text);
        when_add_apache(&text, cases[i].us);
        check_span(buf_span(&text), cases[i].apache);
    }
    buf_fini(&text);
}

TEST(a_match_is_a_line_in_modsecuritys_form)
{
    struct buf line;
    buf_init(&line, 1 << 20);
    struct report report = sample_report();
    rule_log_add(&line, &report, 0);
    check_span(
        buf_span(&line),
        "[Sat Nov 21 09:40:00.123456 2026] [security2:error] [client 203.0.113.9] ModSecurity: "
        "Warning. Matched \"Operator `detectSQLi' with parameter `' against variable `ARGS:q' "
        "(Value: `1' or 1=1' ) [file \"/rules/REQUEST-942.conf\"] [line \"46\"] [id \"942100\"] "
        "[msg \"SQL Injection\"] [data \"Matched Data: s&1 found within ARGS:q: 1' or 1=1\"] "
        "[severity \"CRITICAL\"] [ver \"OWASP_CRS/4.0.0\"] [tag \"attack-sqli\"] "
        "[tag \"paranoia-level/1\"] [hostname \"shop.example\"] [uri \"/orders/7\"] "
        "[unique_id \"01-abc\"]\n");
    buf_fini(&line);
}

TEST(the_match_that_blocked_says_so)
{
    struct buf line;
    buf_init(&line, 1 << 20);
    struct report report = sample_report();
    report.waf.action = WAF_BLOCK;
    report.status = 403;
    rule_log_add(&line, &report, 1);
    check(span_find(buf_span(&line), SPAN("ModSecurity: Access denied with code 403 (phase 2). "
                                          "Matched \"Operator `ge' with parameter `5' ")) !=
          SPAN_NONE);
    check(span_find(buf_span(&line), SPAN("[severity")) == SPAN_NONE);
    buf_clear(&line);
    rule_log_add(&line, &report, 0);
    check(span_find(buf_span(&line), SPAN("ModSecurity: Warning. ")) != SPAN_NONE);
    buf_fini(&line);
}

TEST(no_byte_of_a_request_ends_a_line_or_a_quote_of_the_rule_log)
{
    struct buf line;
    buf_init(&line, 1 << 20);
    struct report report = sample_report();
    struct rule_match match = report.waf.matches[0];
    report.waf.matches = &match;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[] = {(char)byte};
        match.variable_value = match.data = match.message = span_make(text, 1);
        report.path = report.request_id = report.client_address = span_make(text, 1);
        buf_clear(&line);
        rule_log_add(&line, &report, 0);
        struct span whole = buf_span(&line);
        check_number(span_find_byte(whole, '\n'), whole.len - 1);
        for (size_t i = 0; i + 1 < whole.len; i++)
            check(whole.at[i] >= 0x20 && whole.at[i] < 0x7f);
    }
    report = sample_report();
    match = report.waf.matches[0];
    report.waf.matches = &match;
    match.data = SPAN("a\"] [id \"1\\\n\x01\xff");
    buf_clear(&line);
    rule_log_add(&line, &report, 0);
    check(span_find(buf_span(&line), SPAN("[data \"a\\\"] [id \\\"1\\\\\\n\\x01\\xff\"]")) !=
          SPAN_NONE);
    buf_fini(&line);
}

TEST(data_is_cut_at_512_bytes)
{
    struct buf line;
    buf_init(&line, 1 << 20);
    char text[600];
    memset(text, 'd', sizeof text);
    struct report report = sample_report();
    struct rule_match match = report.waf.matches[0];
    match.data = span_make(text, sizeof text);
    report.waf.matches = &match;
    rule_log_add(&line, &report, 0);
    size_t start = span_find(buf_span(&line), SPAN("[data \"")) + 7;
    check_number(span_find_byte(span_from(buf_span(&line), start), '"'), 512);
    buf_fini(&line);
}

TEST(without_memory_a_line_is_whole_or_marked)
{
    struct report report = sample_report();
    unsigned marked = 0;
    for (unsigned n = 1; n < 10; n++) {
        struct buf line;
        buf_init(&line, 1 << 20);
        buf_fail_nth(n);
        access_log_add(&line, &report);
        buf_fail_nth(0);
        marked += buf_is_full(&line);
        if (!buf_is_full(&line))
            check_json_line(buf_span(&line));
        buf_fini(&line);
    }
    check(marked > 0 && marked < 9);
}

int line_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_access_line_has_all_fields_in_their_order),
        cmocka_unit_test(a_broken_head_has_a_line_too),
        cmocka_unit_test(every_byte_makes_a_valid_line),
        cmocka_unit_test(a_stage_that_ran_twice_stands_once_with_its_sum),
        cmocka_unit_test(an_address_keeps_all_but_the_secrets_of_its_query),
        cmocka_unit_test(secrets_in_the_query_are_masked_whatever_their_spelling),
        cmocka_unit_test(times_are_those_of_the_calendar),
        cmocka_unit_test(a_match_is_a_line_in_modsecuritys_form),
        cmocka_unit_test(the_match_that_blocked_says_so),
        cmocka_unit_test(no_byte_of_a_request_ends_a_line_or_a_quote_of_the_rule_log),
        cmocka_unit_test(data_is_cut_at_512_bytes),
        cmocka_unit_test(without_memory_a_line_is_whole_or_marked),
    };
    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
