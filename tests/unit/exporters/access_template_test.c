/* SPDX-License-Identifier: Apache-2.0 */
/* Access log lines by templates: presets, every variable, and bytes that would forge a line. */
#include <stdio.h>

#include "exporters/access_template.h"
#include "exporters/context_variables.h"
#include "tests/check.h"
#include "tests/unit/exporters/json.h"
#include "tests/unit/exporters/sample.h"

enum { LINE_BYTES = 1 << 16 };

/* The line without its line feed, in `line`. */
static struct span line_of(const char *format, const struct report *report, struct buf *line)
{
    struct access_template_fault fault;
    struct buf scratch;
    struct access_template *made = access_template_new(span_text(format), &fault);
    check_span(span_text(fault.message), "");
    check(made != NULL);
    buf_init(&scratch, LINE_BYTES);
    buf_clear(line);
    access_template_add(made, line, report, &scratch);
    check(!buf_is_full(line) && scratch.len == 0);
    buf_fini(&scratch);
    access_template_free(made);
    check_number(span_find_byte(buf_span(line), '\n'), line->len - 1);
    return span_first(buf_span(line), line->len - 1);
}

static const struct report_stage walked[] = {
    {SPAN_INIT("read_head"), 0, 1000},       {SPAN_INIT("inspect_head"), 1000, 2500},
    {SPAN_INIT("inspect_body"), 3500, 1500}, {SPAN_INIT("authenticate"), 5000, 3000},
    {SPAN_INIT("authorizer"), 8000, 20000},  {SPAN_INIT("authorize"), 28000, 4000},
    {SPAN_INIT("connect"), 32000, 1000},     {SPAN_INIT("await_answer"), 33000, 9999},
    {SPAN_INIT("respond"), 42999, 1}};
static const struct report_decision refused[] = {
    {"authenticate", "authorizer", "block", SPAN_INIT("jwt"), SPAN_INIT("expired"), NULL},
    {"authorizer", "authorizer", "block", SPAN_INIT("fn"), SPAN_INIT("not_authorized"), NULL},
    {"authorize", "policy", "block", SPAN_INIT("p"), SPAN_INIT("explicit deny"), NULL},
    {"inspect_head", "access", "would_block", SPAN_INIT("abroad"), SPAN_INIT("country: FR"), NULL}};

/* A report that has everything there is a variable for. */
static struct report whole_report(void)
{
    struct report report = sample_report();
    report.duration_us = 43210;
    report.bytes_in = 88;
    report.stages = walked;
    report.stage_count = sizeof walked / sizeof *walked;
    report.decisions = refused;
    report.decision_count = sizeof refused / sizeof *refused;
    report.status = 403;
    report.error = SPAN("upstream_timeout");
    report.attempts[1].duration_us = 7860;
    report.attempts[1].error = SPAN("timeout");
    report.tls.client_issuer = SPAN("CN=ca");
    report.tls.client_serial = SPAN("0a");
    report.tls.client_not_before = SPAN("Aug  5 09:36:04 2021 GMT");
    report.tls.client_not_after = SPAN("Aug  5 09:36:04 2031 GMT");
    report.route_key = SPAN("ANY /orders/{id}");
    report.upstream_request_id = SPAN("backend-1");
    report.upstream_extended_id = SPAN("backend-2");
    report.caller.account = SPAN("123456789012");
    report.caller.user = SPAN("AIDA1");
    report.caller.arn = SPAN("arn:aws:iam::123456789012:user/alice");
    report.caller.organization = SPAN("o-1");
    static const struct pair members[] = {{SPAN_INIT("sub"), SPAN_INIT("alice@example")},
                                          {SPAN_INIT("claims"), SPAN_INIT("all")}};
    report.authorizer.members = members;
    report.authorizer.member_count = 2;
    report.authorizer.principal = SPAN("alice");
    report.authorizer.is_called = true;
    report.authorizer.call.status = 201;
    report.authorizer.call.duration_us = 19999;
    report.api_key_id = SPAN("k1");
    return report;
}

static const struct {
    const char *name, *value;
} values[] = {
    {"authenticate.error", "expired"},
    {"authenticate.latency", "3"},
    {"authenticate.status", "403"},
    {"authorize.error", "explicit deny"},
    {"authorize.latency", "4"},
    {"authorize.status", "403"},
    {"authorizer.error", "not_authorized"},
    {"authorizer.integrationLatency", "19"},
    {"authorizer.integrationStatus", "201"},
    {"authorizer.latency", "20"},
    {"authorizer.principalId", "alice"},
    {"authorizer.status", "403"},
    {"authorizer.sub", "alice@example"}, /* for authorizer.<...> */
    {"authorizer.claims.sub", "alice@example"},
    {"awsEndpointRequestId", "backend-1"},
    {"awsEndpointRequestId2", "backend-2"},
    {"cipherSuite", "TLS_AES_128_GCM_SHA256"},
    {"dataProcessed", "600"},
    {"domainName", "shop.example"},
    {"domainPrefix", "shop"},
    {"error.message", "upstream_timeout"},
    {"error.messageString", "\"upstream_timeout\""},
    {"error.responseType", "INTEGRATION_TIMEOUT"},
    {"extendedRequestId", "01-abc"},
    {"httpMethod", "GET"},
    {"identity.accountId", "123456789012"},
    {"identity.apiKeyId", "k1"},
    {"identity.caller", "AIDA1"},
    {"identity.clientCert.issuerDN", "CN=ca"},
    {"identity.clientCert.serialNumber", "0a"},
    {"identity.clientCert.subjectDN", "CN=till"},
    {"identity.clientCert.validity.notAfter", "Aug  5 09:36:04 2031 GMT"},
    {"identity.clientCert.validity.notBefore", "Aug  5 09:36:04 2021 GMT"},
    {"identity.principalOrgId", "o-1"},
    {"identity.sourceIp", "203.0.113.9"},
    {"identity.user", "AIDA1"},
    {"identity.userAgent", "curl/7.88.1"},
    {"identity.userArn", "arn:aws:iam::123456789012:user/alice"},
    {"integration.error", "timeout"},
    {"integration.integrationStatus", "200"},
    {"integration.latency", "7"},
    {"integration.requestId", "backend-1"},
    {"integration.responseTransferMode", "STREAMED"},
    {"integration.status", "200"},
    {"integration.timeToAllHeaders", "10"},
    {"integrationErrorMessage", "timeout"},
    {"integrationLatency", "7"},
    {"integrationStatus", "200"},
    {"path", "/orders/7"},
    {"protocol", "HTTP/1.1"},
    {"requestId", "01-abc"},
    {"requestTime", "21/Nov/2026:09:40:00 +0000"},
    {"requestTimeEpoch", "1795254000123"},
    {"resourcePath", "/orders/{id}"},
    {"responseLatency", "43"},
    {"responseLength", "512"},
    {"routeKey", "ANY /orders/{id}"},
    {"status", "403"},
    {"tlsVersion", "TLSv1.3"},
    {"waf.error", "cpu_budget"},
    {"waf.latency", "4"},
    {"waf.status", "200"},
    {"wafResponseCode", "WAF_ALLOW"},
    {"xrayTraceId", "1-4bf92f35-77b34da6a3ce929d0e0e4736"},
};
enum { VALUES = sizeof values / sizeof *values };

/* The value of one variable, within quotes. */
static struct span value_of(const char *name, const struct report *report, struct buf *line)
{
    char format[200];
    snprintf(format, sizeof format, "$context.requestId|\"$context.%s\"", name);
    struct span text = line_of(format, report, line);
    size_t bar = span_find_byte(text, '|');
    return span_first(span_from(text, bar + 2), text.len - bar - 3);
}

TEST(every_variable_of_the_table_has_its_value)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    const struct report report = whole_report();
    const struct context_variable *variable;
    size_t with_meaning = 0;
    for (size_t i = 0; (variable = context_at(i)) != NULL; i++)
        with_meaning += variable->kind != CONTEXT_KIND_NOTHING;
    check_number(with_meaning, VALUES);
    for (size_t i = 0; i < VALUES; i++) {
        if (strcmp(values[i].name, "error.messageString") == 0)
            continue; /* it brings quotes: below */
        check_span(value_of(values[i].name, &report, &line), values[i].value);
    }
    buf_fini(&line);
}

TEST(what_a_request_did_not_have_is_a_hyphen)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    const struct report empty = {.status = 0};
    for (size_t i = 0; i < VALUES; i++) {
        const char *name = values[i].name, *expected = "-";
        if (strcmp(name, "requestTime") == 0)
            expected = "01/Jan/1970:00:00:00 +0000";
        else if (strcmp(name, "xrayTraceId") == 0)
            expected = "1-00000000-000000000000000000000000";
        else if (strcmp(name, "requestTimeEpoch") == 0 || strcmp(name, "responseLatency") == 0 ||
                 strcmp(name, "responseLength") == 0 || strcmp(name, "dataProcessed") == 0)
            expected = "0";
        check_span(value_of(name, &empty, &line), expected);
    }
    buf_fini(&line);
}

TEST(a_phase_that_blocked_has_the_status_and_one_that_passed_has_200)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    struct report report = whole_report();
    report.waf.action = WAF_BLOCK;
    check_span(value_of("waf.status", &report, &line), "403");
    check_span(value_of("wafResponseCode", &report, &line), "WAF_BLOCK");
    check_span(value_of("error.responseType", &report, &line), "WAF_FILTERED");
    report.waf.action = WAF_PASS;
    report.decision_count = 0;
    report.error = SPAN("");
    check_span(value_of("authenticate.status", &report, &line), "200");
    check_span(value_of("authorizer.error", &report, &line), "-");
    check_span(value_of("error.responseType", &report, &line), "-");
    buf_fini(&line);
}

TEST(an_answer_in_api_gateways_words_has_its_type_and_message)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    struct report report = plain_report();
    static const struct {
        unsigned status;
        const char *error, *type;
    } cases[] = {{200, "", "-"},
                 {404, "no_route", "RESOURCE_NOT_FOUND"},
                 {413, "body_too_long", "REQUEST_TOO_LARGE"},
                 {429, "rate_limited", "THROTTLED"},
                 {431, "header_too_long", "DEFAULT_4XX"},
                 {503, "overloaded", "DEFAULT_5XX"},
                 {502, "upstream_broken", "INTEGRATION_FAILURE"},
                 {504, "upstream_timeout", "INTEGRATION_TIMEOUT"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        report.status = cases[i].status;
        report.error = span_text(cases[i].error);
        check_span(value_of("error.responseType", &report, &line), cases[i].type);
    }
    report.error_type = SPAN("ACCESS_DENIED");
    report.error_message = SPAN("User is not authorized");
    check_span(value_of("error.responseType", &report, &line), "ACCESS_DENIED");
    check_span(value_of("error.message", &report, &line), "User is not authorized");
    buf_fini(&line);
}

TEST(members_of_an_authorizers_context_are_named_once_and_are_few)
{
    struct access_template_fault fault;
    struct access_template *made = access_template_new(
        SPAN("$context.requestId $context.authorizer.a $context.authorizer.claims.b "
             "$context.authorizer.a $context.authorizer.status $context.authorizer.principalId"),
        &fault);
    check(made != NULL);
    check_span(access_template_member(made, 0), "a");
    check_span(access_template_member(made, 1), "b");
    check(access_template_member(made, 2).at == NULL);
    access_template_free(made);
    struct buf format;
    buf_init(&format, LINE_BYTES);
    buf_add(&format, SPAN("$context.requestId"));
    for (int i = 0; i < ACCESS_TEMPLATE_MEMBERS; i++)
        buf_format(&format, " $context.authorizer.m%d", i);
    made = access_template_new(buf_span(&format), &fault);
    check(made != NULL);
    access_template_free(made);
    buf_add(&format, SPAN(" $context.authorizer.more"));
    check(access_template_new(buf_span(&format), &fault) == NULL);
    check_span(span_text(fault.message),
               "a template names 16 members of an authorizer's context at most");
    buf_fini(&format);
}

TEST(the_host_of_an_address_keeps_its_brackets_and_loses_its_port)
{
    static const struct {
        const char *authority, *domain, *prefix;
    } cases[] = {{"a.b.example", "a.b.example", "a"},
                 {"a.example:80", "a.example", "a"},
                 {"[::1]:80", "[::1]", "[::1]"},
                 {"[::1]", "[::1]", "[::1]"},
                 {"localhost", "localhost", "localhost"}};
    struct buf line;
    buf_init(&line, LINE_BYTES);
    struct report report = plain_report();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        report.authority = span_text(cases[i].authority);
        check_span(value_of("domainName", &report, &line), cases[i].domain);
        check_span(value_of("domainPrefix", &report, &line), cases[i].prefix);
    }
    buf_fini(&line);
}

TEST(presets_are_those_of_the_console)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    const struct report report = sample_report();
    check_span(line_of("clf", &report, &line),
               "203.0.113.9 - - [21/Nov/2026:09:40:00 +0000] \"GET /orders/{id} HTTP/1.1\" 200 512 "
               "01-abc 01-abc");
    check_span(line_of("csv", &report, &line),
               "203.0.113.9,-,-,21/Nov/2026:09:40:00 +0000,GET,/orders/{id},HTTP/1.1,200,512,"
               "01-abc,01-abc");
    check_span(line_of("xml", &report, &line),
               "<request id=\"01-abc\"> <extendedRequestId>01-abc</extendedRequestId> "
               "<ip>203.0.113.9</ip> <caller>-</caller> <user>-</user> "
               "<requestTime>21/Nov/2026:09:40:00 +0000</requestTime> <httpMethod>GET</httpMethod> "
               "<resourcePath>/orders/{id}</resourcePath> <status>200</status> "
               "<protocol>HTTP/1.1</protocol> <responseLength>512</responseLength> </request>");
    buf_fini(&line);
}

#define CONSOLE_JSON                                                                       \
    "{ \"requestId\":\"$context.requestId\", "                                             \
    "\"extendedRequestId\":\"$context.extendedRequestId\",\"ip\": "                        \
    "\"$context.identity.sourceIp\", \"caller\":\"$context.identity.caller\", "            \
    "\"user\":\"$context.identity.user\", \"requestTime\":\"$context.requestTime\", "      \
    "\"httpMethod\":\"$context.httpMethod\", \"resourcePath\":\"$context.resourcePath\", " \
    "\"status\":\"$context.status\", \"protocol\":\"$context.protocol\", "                 \
    "\"responseLength\":\"$context.responseLength\" }"

TEST(the_consoles_json_is_a_template_like_any_other)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    const struct report report = sample_report();
    check_span(line_of(CONSOLE_JSON, &report, &line),
               "{ \"requestId\":\"01-abc\", \"extendedRequestId\":\"01-abc\",\"ip\": "
               "\"203.0.113.9\", \"caller\":\"-\", \"user\":\"-\", "
               "\"requestTime\":\"21/Nov/2026:09:40:00 +0000\", \"httpMethod\":\"GET\", "
               "\"resourcePath\":\"/orders/{id}\", \"status\":\"200\", \"protocol\":\"HTTP/1.1\", "
               "\"responseLength\":\"512\" }");
    buf_fini(&line);
}

TEST(text_around_variables_stays_as_it_is)
{
    static const struct {
        const char *format, *line;
    } cases[] = {
        {"$context.requestId.", "01-abc."},
        {"$context.requestId-$context.status", "01-abc-200"},
        {"$input.body $$context.requestId $util $", "$input.body $01-abc $util $"},
        {"a=$context.status, id=$context.extendedRequestId\\n", "a=200, id=01-abc"},
        {"$context.requestId\n", "01-abc"},
        {"\\n $context.requestId", "\\n 01-abc"},
    };
    struct buf line;
    buf_init(&line, LINE_BYTES);
    const struct report report = plain_report();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_span(line_of(cases[i].format, &report, &line), cases[i].line);
    buf_fini(&line);
}

TEST(a_message_string_has_quotes_that_fit_its_place)
{
    static const struct {
        const char *format, *line;
    } cases[] = {
        {"$context.requestId $context.error.messageString", "01-abc \"a\\\" b\\\\\""},
        {"$context.requestId \"$context.error.messageString\"", "01-abc \"\\\"a\\\" b\\\\\\\"\""},
        {"{\"id\":\"$context.requestId\",\"m\":$context.error.messageString}",
         "{\"id\":\"01-abc\",\"m\":\"a\\\" b\\\\\"}"},
        {"{\"id\":\"$context.requestId\",\"m\":\"$context.error.messageString\"}",
         "{\"id\":\"01-abc\",\"m\":\"\\\"a\\\" b\\\\\\\"\"}"},
        {"<r id='$context.requestId' m='$context.error.messageString'/>",
         "<r id='01-abc' m='&quot;a&quot; b\\\\&quot;'/>"},
    };
    struct buf line;
    buf_init(&line, LINE_BYTES);
    struct report report = plain_report();
    report.error = SPAN("a\" b\\");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_span(line_of(cases[i].format, &report, &line), cases[i].line);
    report.error = SPAN("");
    check_span(line_of(cases[0].format, &report, &line), "01-abc -");
    check_span(line_of(cases[2].format, &report, &line), "{\"id\":\"01-abc\",\"m\":\"-\"}");
    buf_fini(&line);
}

/* Every byte in every text of a request. */
static struct report hostile_report(char byte, char text[4])
{
    struct report report = plain_report();
    memcpy(text, (char[]){'a', byte, 'b', byte}, 4);
    report.method = report.path = report.route = report.user_agent = span_make(text, 4);
    report.request_id = report.client_address = report.protocol = span_make(text, 4);
    report.authority = report.error = report.caller.user = span_make(text, 2);
    return report;
}

static size_t count_of(struct span text, char byte)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == byte;
    return count;
}

static size_t blanks_outside_quotes(struct span text)
{
    size_t count = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\\')
            i++;
        else if (text.at[i] == '"')
            quoted = !quoted;
        else
            count += !quoted && text.at[i] == ' ';
    }
    check(!quoted);
    return count;
}

TEST(no_byte_of_a_request_makes_another_line_or_field_of_a_template)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    char bytes[4];
    for (unsigned byte = 0; byte < 256; byte++) {
        const struct report report = hostile_report((char)byte, bytes);
        struct span text = line_of("clf", &report, &line);
        for (size_t i = 0; i < text.len; i++)
            check(text.at[i] >= 0x20 && text.at[i] < 0x7f);
        check_number(blanks_outside_quotes(text), 9);
        text = line_of("a=$context.identity.userAgent,id=$context.requestId;$context.path", &report,
                       &line);
        check_number(count_of(text, ','), 1);
        check_number(count_of(text, ';'), 1);
        check_number(count_of(text, '='), 2);
    }
    buf_fini(&line);
}

TEST(no_byte_of_a_request_breaks_a_template_that_is_json)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    char bytes[4];
    for (unsigned byte = 0; byte < 256; byte++) {
        const struct report report = hostile_report((char)byte, bytes);
        check(json_is_valid(line_of("{\"id\":\"$context.requestId\",\"a b\":\"ip "
                                    "$context.identity.sourceIp\",\"caller\":"
                                    "\"$context.identity.caller\",\"$context.path\":"
                                    "\"$context.httpMethod $context.requestTime\"}",
                                    &report, &line)));
        check(json_is_valid(line_of("{\"\\\"a\":$context.requestId,\"b\":[$context.path,"
                                    "$context.status,$context.identity.apiKeyId,"
                                    "$context.requestTime,$context.error.messageString]}",
                                    &report, &line)));
    }
    buf_fini(&line);
}

TEST(csv_and_xml_have_their_own_escapes)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    struct report report = plain_report();
    report.method = SPAN("a,b\"c\\\n\xe9");
    check(span_find(line_of("csv", &report, &line), SPAN(",\"a,b\"\"c\\\\\\x0a\\xe9\",")) !=
          SPAN_NONE);
    report.method = SPAN("<a b='1' c=\"2\">&\\\t");
    check(span_find(line_of("xml", &report, &line),
                    SPAN("<httpMethod>&lt;a b=&apos;1&apos; c=&quot;2&quot;&gt;&amp;\\\\\\x09"
                         "</httpMethod>")) != SPAN_NONE);
    buf_fini(&line);
}

TEST(a_variable_without_meaning_is_refused_with_the_reason)
{
    struct access_template_fault fault;
    const struct context_variable *variable;
    size_t refusals = 0;
    for (size_t i = 0; (variable = context_at(i)) != NULL; i++) {
        char format[200], expected[sizeof fault.message];
        struct span name = span_text(variable->name);
        if (variable->kind != CONTEXT_KIND_NOTHING)
            continue;
        if (span_ends(name, SPAN("<...>")))
            name = span_first(name, name.len - SPAN("<...>").len);
        const char *more = name.at[name.len - 1] == '.' ? "header.x" : "";
        snprintf(format, sizeof format, "$context.requestId $context." SPAN_FORMAT "%s",
                 span_arg(name), more);
        check(access_template_new(span_text(format), &fault) == NULL);
        snprintf(expected, sizeof expected, "$context." SPAN_FORMAT "%s has no meaning here: %s",
                 span_arg(name), more, variable->sentence);
        check_span(span_text(fault.message), expected);
        refusals++;
    }
    check(refusals > 0);
}

TEST(a_template_that_cannot_be_is_refused)
{
    static const struct {
        const char *format, *message, *hint;
    } cases[] = {
        {"$context.requestID", "there is no variable $context.requestID",
         "did you mean '$context.requestId'?"},
        {"$context.identity.sourceip $context.requestId",
         "there is no variable $context.identity.sourceip",
         "did you mean '$context.identity.sourceIp'?"},
        {"$context.requestId $context.", "there is no variable $context.", ""},
        {"$context.requestId $context.zzzzzzzzzz", "there is no variable $context.zzzzzzzzzz", ""},
        {"$context.status", "a template needs $context.requestId or $context.extendedRequestId",
         ""},
        {"$context.requestId\n$context.status", "a template is one line without control bytes", ""},
        {"$context.requestId\t$context.status", "a template is one line without control bytes", ""},
    };
    struct access_template_fault fault;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(access_template_new(span_text(cases[i].format), &fault) == NULL);
        check_span(span_text(fault.message), cases[i].message);
        check_span(span_text(fault.hint), cases[i].hint);
    }
    char text[ACCESS_TEMPLATE_LONGEST + 2];
    memset(text, 'x', sizeof text);
    memcpy(text, "$context.requestId ", 19);
    struct access_template *made =
        access_template_new(span_make(text, ACCESS_TEMPLATE_LONGEST), &fault);
    check(made != NULL);
    access_template_free(made);
    check(access_template_new(span_make(text, ACCESS_TEMPLATE_LONGEST + 1), &fault) == NULL);
    check_span(span_text(fault.message), "a template has 3072 bytes at most");
}

TEST(without_memory_a_line_of_a_template_is_whole_or_marked)
{
    struct access_template_fault fault;
    struct access_template *made = access_template_new(SPAN("clf"), &fault);
    const struct report report = sample_report();
    unsigned marked = 0;
    for (unsigned n = 1; n < 9; n++) {
        struct buf line, scratch;
        buf_init(&line, LINE_BYTES);
        buf_init(&scratch, LINE_BYTES);
        buf_fail_nth(n);
        access_template_add(made, &line, &report, &scratch);
        buf_fail_nth(0);
        marked += buf_is_full(&line);
        if (!buf_is_full(&line))
            check(span_ends(buf_span(&line), SPAN(" 200 512 01-abc 01-abc\n")));
        buf_fini(&line);
        buf_fini(&scratch);
    }
    check(marked > 0 && marked < 8);
    access_template_free(made);
}

int access_template_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variable_of_the_table_has_its_value),
        cmocka_unit_test(what_a_request_did_not_have_is_a_hyphen),
        cmocka_unit_test(a_phase_that_blocked_has_the_status_and_one_that_passed_has_200),
        cmocka_unit_test(an_answer_in_api_gateways_words_has_its_type_and_message),
        cmocka_unit_test(members_of_an_authorizers_context_are_named_once_and_are_few),
        cmocka_unit_test(the_host_of_an_address_keeps_its_brackets_and_loses_its_port),
        cmocka_unit_test(presets_are_those_of_the_console),
        cmocka_unit_test(the_consoles_json_is_a_template_like_any_other),
        cmocka_unit_test(text_around_variables_stays_as_it_is),
        cmocka_unit_test(a_message_string_has_quotes_that_fit_its_place),
        cmocka_unit_test(no_byte_of_a_request_makes_another_line_or_field_of_a_template),
        cmocka_unit_test(no_byte_of_a_request_breaks_a_template_that_is_json),
        cmocka_unit_test(csv_and_xml_have_their_own_escapes),
        cmocka_unit_test(a_variable_without_meaning_is_refused_with_the_reason),
        cmocka_unit_test(a_template_that_cannot_be_is_refused),
        cmocka_unit_test(without_memory_a_line_of_a_template_is_whole_or_marked),
    };
    return cmocka_run_group_tests_name("templates of the access log", tests, NULL, NULL);
}
