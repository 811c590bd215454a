/* SPDX-License-Identifier: Apache-2.0 */
/* Segment documents as X-Ray's documentation has them. */
#include "exporters/xray.h"

#include <stdio.h>

#include "exporters/sanitise.h"
#include "tests/check.h"
#include "tests/unit/exporters/json.h"
#include "tests/unit/exporters/sample.h"

#define TIMES8(text)   text text text text text text text text
#define TIMES64(text)  TIMES8(TIMES8(text))
#define TIMES512(text) TIMES8(TIMES64(text))

static const struct xray_service service = {
    .name = SPAN_INIT("orders-sidecar"),
    .environment = SPAN_INIT("prod"),
    .origin = SPAN_INIT("AWS::ApiGateway::Stage"),
    .account = SPAN_INIT("123456789012"),
    .region = SPAN_INIT("eu-west-1"),
    .api = SPAN_INIT("shop"),
    .stage = SPAN_INIT("live"),
};

struct fixture {
    struct buf text;
};

static struct span make(struct fixture *f, const struct report *report,
                        const struct xray_service *of, size_t most)
{
    buf_init(&f->text, (size_t)1 << 20);
    xray_add(&f->text, report, of, most);
    check(!buf_is_full(&f->text));
    check(f->text.len <= most);
    check(f->text.at[f->text.len - 1] == '\n');
    struct span document = span_first(buf_span(&f->text), f->text.len - 1);
    if (!json_is_valid(document))
        print_error(SPAN_FORMAT "\n", span_arg(document));
    check(json_is_valid(document));
    return document;
}

static void drop(struct fixture *f)
{
    buf_fini(&f->text);
}

static bool has(struct span document, const char *text)
{
    return span_find(document, span_text(text)) != SPAN_NONE;
}

static void check_has(struct span document, const char *text)
{
    if (!has(document, text))
        print_error("\"%s\" is missing in " SPAN_FORMAT "\n", text, span_arg(document));
    check(has(document, text));
}

TEST(a_plain_request_is_a_segment_with_what_must_be_there)
{
    struct fixture f;
    struct report report = plain_report();
    report.tls.version = report.tls.cipher = SPAN("");
    static const struct xray_service nobody = {.name = SPAN_INIT("orders-sidecar")};
    struct span document = make(&f, &report, &nobody, XRAY_DOCUMENT_BYTES);
    check_span(document,
               "{\"name\":\"orders-sidecar\",\"id\":\"00f067aa0ba902b7\","
               "\"trace_id\":\"1-4bf92f35-77b34da6a3ce929d0e0e4736\","
               "\"start_time\":1795254000.123456,\"end_time\":1795254000.124456,"
               "\"service\":{\"version\":\"" SIDEGATE_VERSION "\"},"
               "\"http\":{\"request\":{\"method\":\"GET\","
               "\"url\":\"https://shop.example:8443/orders/7?q=1\","
               "\"client_ip\":\"203.0.113.9\",\"x_forwarded_for\":true,"
               "\"user_agent\":\"curl/7.88.1\"},"
               "\"response\":{\"status\":200,\"content_length\":512}},"
               "\"aws\":{\"xray\":{\"sdk\":\"Sidegate\",\"sdk_version\":\"" SIDEGATE_VERSION
               "\"}},\"annotations\":{\"request_id\":\"01-abc\",\"listener\":\"public\","
               "\"http_route\":\"/orders/{id}\",\"waf_action\":\"pass\"},\"subsegments\":[],"
               "\"metadata\":{\"default\":{\"request_id\":\"01-abc\","
               "\"extended_request_id\":\"01-abc\"},\"sidegate\":{\"protocol\":\"HTTP/1.1\","
               "\"rules\":[],\"decisions\":[]}}}");
    drop(&f);
}

TEST(stages_are_subsegments_and_attempts_lie_within_them)
{
    struct fixture f;
    struct report report = sample_report();
    report.sampling_rule = SPAN("own");
    struct span document = make(&f, &report, &service, XRAY_DOCUMENT_BYTES);
    check_has(document, "\"sampling_rule_name\":\"own\"");
    check_has(document, "\"parent_id\":\"0000000000000009\"");
    check_has(document, "\"name\":\"read_head\",\"start_time\":1795254000.123456,"
                        "\"end_time\":1795254000.123556}");
    check_has(document, "\"name\":\"await_answer\",\"start_time\":1795254000.123556,"
                        "\"end_time\":1795254000.124256,\"subsegments\":["
                        "{\"id\":\"0101010101010101\",\"name\":\"127.0.0.1:3000\","
                        "\"start_time\":1795254000.123566,\"end_time\":1795254000.123586,"
                        "\"namespace\":\"remote\",\"http\":{\"request\":{\"method\":\"GET\","
                        "\"url\":\"http://127.0.0.1:3000/orders/7?q=1\"}},\"fault\":true,"
                        "\"cause\":{\"exceptions\":[{\"id\":\"");
    check_has(document, "\"type\":\"connection_refused\",\"message\":\"connection_refused\"}]}},"
                        "{\"id\":\"0202020202020202\",\"name\":\"127.0.0.1:3001\"");
    check_has(document, "\"response\":{\"status\":200}}}]},{\"id\":\"");
    drop(&f);
}

TEST(an_api_of_awss_is_named_as_api_gateway_names_it)
{
    struct fixture f;
    struct report report = sample_report();
    struct span document = make(&f, &report, &service, XRAY_DOCUMENT_BYTES);
    check_has(document, "\"origin\":\"AWS::ApiGateway::Stage\",\"resource_arn\":"
                        "\"arn:aws:apigateway:eu-west-1::/restapis/shop/stages/live\"");
    check_has(document, "\"aws\":{\"account_id\":\"123456789012\",\"api_gateway\":{"
                        "\"account_id\":\"123456789012\",\"rest_api_id\":\"shop\","
                        "\"stage\":\"live\",\"request_id\":\"01-abc\"}");
    check_has(document, "\"annotations\":{\"aws:api_id\":\"shop\",\"aws:api_stage\":\"live\","
                        "\"environment\":\"prod\"");
    drop(&f);
}

/* The flags of the segment, which stand behind `aws`. */
static void check_flags(unsigned status, const char *error, const char *flags)
{
    struct fixture f;
    struct report report = plain_report();
    report.status = status;
    report.error = span_text(error);
    struct span document = make(&f, &report, &service, XRAY_DOCUMENT_BYTES);
    static const char *const all[] = {"error", "throttle", "fault"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[32];
        snprintf(text, sizeof text, ",\"%s\":true", all[i]);
        check(has(document, text) == (strstr(flags, all[i]) != NULL));
    }
    drop(&f);
}

TEST(error_throttle_and_fault_follow_the_status)
{
    check_flags(200, "", "");
    check_flags(304, "", "");
    check_flags(400, "bad_request_line", "error");
    check_flags(403, "waf_blocked", "error");
    check_flags(429, "rate_exceeded", "error throttle");
    check_flags(499, "", "error");
    check_flags(500, "", "fault");
    check_flags(504, "upstream_timeout", "fault");
    check_flags(0, "client_gone", "error");
    check_flags(0, "upstream_cut_off", "fault");
}

TEST(a_failure_has_a_cause_that_names_the_attempts)
{
    struct fixture f;
    struct report report = sample_report();
    report.attempts[1].status = 503;
    report.status = 503;
    struct span document = make(&f, &report, &service, XRAY_DOCUMENT_BYTES);
    size_t at = span_find(document, SPAN("\"type\":\"503\",\"message\":\"503\",\"remote\":true,"
                                         "\"cause\":\""));
    check(at != SPAN_NONE);
    struct span cause = span_first(
        span_from(document, at + sizeof "'type':'503','message':'503','remote':true,'cause':'" - 1),
        16);
    char id[40];
    snprintf(id, sizeof id, "{\"id\":\"" SPAN_FORMAT "\",\"type\"", span_arg(cause));
    check_has(document, id);
    drop(&f);
}

TEST(a_block_says_which_rule_and_why)
{
    struct fixture f;
    struct report report = sample_report();
    report.attempt_count = 0;
    report.status = 403;
    report.error = SPAN("waf_blocked");
    report.waf.action = WAF_BLOCK;
    struct span document = make(&f, &report, &service, XRAY_DOCUMENT_BYTES);
    check_has(document, "\"type\":\"waf_blocked\",\"message\":\"Inbound Anomaly Score Exceeded\"");
    check_has(document, "\"waf_action\":\"block\",\"waf_rule_id\":949110,\"waf_score\":5");
    check_has(document, "\"rules\":[{\"id\":942100,\"message\":\"SQL Injection\","
                        "\"variable\":\"ARGS:q\"},{\"id\":949110,");
    check_has(document, "\"decisions\":[{\"control\":\"access\",\"name\":\"abroad\","
                        "\"decision\":\"would_block\",\"reason\":\"path: /orders/*\"}]");
    drop(&f);
}

TEST(the_call_to_an_authorizer_is_a_remote_subsegment_that_names_no_path)
{
    struct fixture f;
    struct report report = sample_report();
    report.authorizer.name = SPAN("custom");
    report.authorizer.principal = SPAN("alice");
    report.authorizer.word = "allow";
    report.authorizer.is_called = true;
    report.authorizer.call = (struct report_attempt){.address = SPAN("127.0.0.1:9000"),
                                                     .start_us = 5,
                                                     .duration_us = 50,
                                                     .status = 200,
                                                     .span_id = {3, 3, 3, 3, 3, 3, 3, 3}};
    struct span document = make(&f, &report, &service, XRAY_DOCUMENT_BYTES);
    check_has(document, "\"user\":\"alice\"");
    check_has(document, "\"subsegments\":[{\"id\":\"0303030303030303\","
                        "\"name\":\"127.0.0.1:9000\",\"start_time\":1795254000.123461,"
                        "\"end_time\":1795254000.123511,\"namespace\":\"remote\","
                        "\"http\":{\"request\":{\"method\":\"POST\"},\"response\":"
                        "{\"status\":200}},\"annotations\":{\"authorizer\":\"custom\"}}]}");
    drop(&f);
}

TEST(a_trace_that_was_not_taken_over_is_linked)
{
    struct fixture f;
    struct report report = plain_report();
    report.is_linked = true;
    report.link_trace_id[0] = report.link_span_id[7] = 7;
    check_has(make(&f, &report, &service, XRAY_DOCUMENT_BYTES),
              "\"links\":[{\"trace_id\":\"1-07000000-000000000000000000000000\","
              "\"id\":\"0000000000000007\"}]");
    drop(&f);
}

TEST(secrets_of_the_query_are_masked_in_every_url)
{
    struct fixture f;
    struct report report = sample_report();
    report.query = SPAN("a=1&token=s3cret");
    struct arena *arena = arena_new(NULL, 1 << 16);
    report_sanitise(&report, NULL, 0, arena);
    struct span document = make(&f, &report, &service, XRAY_DOCUMENT_BYTES);
    check(!has(document, "s3cret"));
    check_has(document, "\"url\":\"http://127.0.0.1:3001/orders/7?a=1&token=REDACTED\"");
    check_has(document, "\"url\":\"https://shop.example:8443/orders/7?a=1&token=REDACTED\"");
    drop(&f);
    arena_free(arena);
}

TEST(texts_have_250_characters_and_names_the_signs_that_are_allowed)
{
    struct fixture f;
    struct report report = sample_report();
    struct xray_service odd = service;
    odd.name = SPAN("b\xc3\xbc"
                    "cher<shop>(1)\n");
    report.user_agent = SPAN(TIMES64("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac") "tail");
    report.attempts[0].address = SPAN("[::1]:3000");
    struct span document = make(&f, &report, &odd, XRAY_DOCUMENT_BYTES);
    check_has(document, "\"name\":\"b\xc3\xbc"
                        "chershop1\"");
    check_has(document, "\"name\":\"::1:3000\"");
    size_t at = span_find(document, SPAN("\"user_agent\":\""));
    check(at != SPAN_NONE);
    struct span agent = span_from(document, at + 14);
    check_number(span_find_byte(agent, '"'), 250 * 3);
    drop(&f);
}

TEST(a_document_without_room_loses_subsegments_and_counts_them)
{
    enum { STAGES = 64 };
    struct fixture f;
    struct report report = sample_report();
    struct report_stage stages[STAGES];
    for (size_t i = 0; i < STAGES; i++)
        stages[i] = (struct report_stage){SPAN(TIMES64("\\\\\\\\")), i * 10, 10};
    report.stages = stages;
    report.stage_count = STAGES;
    check(!has(make(&f, &report, &service, XRAY_DOCUMENT_BYTES), "subsegments_cut"));
    drop(&f);
    struct span document = make(&f, &report, &service, XRAY_LEAST_BYTES);
    check_has(document, "\"subsegments_cut\":");
    check_has(document, "\"metadata\":{\"default\":{\"request_id\":\"01-abc\"");
    drop(&f);
}

TEST(the_worst_request_fits_into_a_datagram)
{
    enum { STAGES = 64, MATCHES = 256 };
    static const struct span worst = SPAN_INIT(TIMES512("\x01\xff"));
    struct fixture f;
    struct report report = sample_report();
    struct report_stage stages[STAGES];
    struct rule_match matches[MATCHES];
    struct report_decision decisions[REPORT_DECISIONS];
    for (size_t i = 0; i < STAGES; i++)
        stages[i] = (struct report_stage){SPAN("a_stage_of_the_table"), i * 10, 10};
    for (size_t i = 0; i < MATCHES; i++)
        matches[i] =
            (struct rule_match){.rule_id = UINT64_MAX, .message = worst, .variable_name = worst};
    for (size_t i = 0; i < REPORT_DECISIONS; i++)
        decisions[i] = (struct report_decision){"stage", "control", "block", worst, worst, NULL};
    for (size_t i = 0; i < REPORT_ATTEMPTS; i++)
        report.attempts[i] = (struct report_attempt){.address = worst, .error = worst};
    report.attempt_count = REPORT_ATTEMPTS;
    report.stages = stages;
    report.stage_count = STAGES;
    report.waf.matches = matches;
    report.waf.match_count = MATCHES;
    report.decisions = decisions;
    report.decision_count = REPORT_DECISIONS;
    report.method = report.authority = report.path = report.query = report.user_agent = worst;
    report.route = report.error = report.error_message = report.client_address = worst;
    report.authorizer.principal = worst;
    report.authorizer.name = worst;
    report.authorizer.is_called = true;
    report.authorizer.call = report.attempts[0];
    report.client_country = report.api_key_id = report.usage_plan = worst;
    (void)make(&f, &report, &service, XRAY_DOCUMENT_BYTES);
    drop(&f);
}

int xray_tests(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_request_is_a_segment_with_what_must_be_there),
        cmocka_unit_test(stages_are_subsegments_and_attempts_lie_within_them),
        cmocka_unit_test(an_api_of_awss_is_named_as_api_gateway_names_it),
        cmocka_unit_test(error_throttle_and_fault_follow_the_status),
        cmocka_unit_test(a_failure_has_a_cause_that_names_the_attempts),
        cmocka_unit_test(a_block_says_which_rule_and_why),
        cmocka_unit_test(the_call_to_an_authorizer_is_a_remote_subsegment_that_names_no_path),
        cmocka_unit_test(a_trace_that_was_not_taken_over_is_linked),
        cmocka_unit_test(secrets_of_the_query_are_masked_in_every_url),
        cmocka_unit_test(texts_have_250_characters_and_names_the_signs_that_are_allowed),
        cmocka_unit_test(a_document_without_room_loses_subsegments_and_counts_them),
        cmocka_unit_test(the_worst_request_fits_into_a_datagram),
    };
    return cmocka_run_group_tests_name("xray", tests, NULL, NULL);
}
