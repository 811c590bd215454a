/* SPDX-License-Identifier: Apache-2.0 */
/* The execution log: its lines, how many the worker says there are, what a record brings back. */
#include "exporters/execution_log.h"

#include <stdlib.h>

#include "exporters/mask.h"
#include "exporters/queue.h"
#include "exporters/record.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

static const struct execution_place place = {SPAN_INIT("shop"), SPAN_INIT("prod")};

/* All lines; how many there were. */
static unsigned lines_of(const struct report *report, struct buf *to)
{
    struct buf scratch;
    unsigned count = 0;
    buf_init(to, QUEUE_ITEM_BYTES);
    buf_init(&scratch, QUEUE_ITEM_BYTES);
    for (size_t row = 0; execution_log_next(to, &row, report, &place, &scratch);)
        count++;
    buf_fini(&scratch);
    buf_add_byte(to, '\0');
    return count;
}

static void has(const struct report *report, const char *line)
{
    struct buf text;
    unsigned count = lines_of(report, &text);
    check_number(execution_log_lines(report), count);
    if (strstr(text.at, line) == NULL)
        fail_msg("%s is not in\n%s", line, text.at);
    buf_fini(&text);
}

static struct report at_level(enum execution_level level)
{
    struct report report = sample_report();
    report.execution.level = level;
    report.route_key = SPAN("GET /orders/{id}");
    return report;
}

TEST(a_request_without_a_level_has_no_line)
{
    struct report report = at_level(EXECUTION_OFF);
    struct buf text;
    check_number(lines_of(&report, &text), 0);
    check_number(execution_log_lines(&report), 0);
    buf_fini(&text);
}

TEST(the_last_attempt_and_the_traces_id_are_told)
{
    struct report report = at_level(EXECUTION_INFO);
    has(&report, "(01-abc) Endpoint request URI: http://127.0.0.1:3001/orders/7?q=1\n");
    has(&report, "(01-abc) Received response. Status: 200, Integration latency: 0 ms\n");
    has(&report, "(01-abc) X-ray Tracing ID : Root=1-4bf92f35-77b34da6a3ce929d0e0e4736\n");
}

TEST(an_authorizer_is_told_with_its_principal_masked)
{
    struct report report = at_level(EXECUTION_INFO);
    report.authorizer.name = SPAN("custom");
    report.authorizer.principal = SPAN("user|a-long-name-of-somebody-1c70cd");
    report.authorizer.word = "allow";
    report.authorizer.is_called = true;
    report.authorizer.call = (struct report_attempt){.address = SPAN("127.0.0.1:9001")};
    report.execution.identity = SPAN("****cd");
    has(&report, "(01-abc) Starting authorizer: custom for request: 01-abc\n"
                 "(01-abc) Incoming identity: ****cd\n"
                 "(01-abc) Endpoint request URI: http://127.0.0.1:9001\n"
                 "(01-abc) Sending request to http://127.0.0.1:9001\n"
                 "(01-abc) Using valid authorizer policy for principal: "
                 "*****************************1c70cd\n"
                 "(01-abc) Successfully completed authorizer execution\n");
}

TEST(errors_have_their_words)
{
    const struct {
        const char *error, *type, *line;
    } rows[] = {
        {"upstream_timeout", "", ") Execution failed due to a timeout error\n"},
        {"connection_refused", "", ") Execution failed due to a network error communicating with"},
        {"authorizer_failed", "AUTHORIZER_FAILURE",
         ") Execution failed due to configuration error: Authorizer error\n"},
        {"access_denied", "ACCESS_DENIED",
         ") The client is not authorized to perform this operation.\n"},
        {"no_token", "UNAUTHORIZED", ") Unauthorized request: 01-abc\n"},
        {"quota_exceeded", "QUOTA_EXCEEDED",
         ") Key quota limit exceeded for RestApi shop, Stage prod, Resource /orders/{id}, "
         "HttpMethod GET.\n"},
        {"rate_limited", "THROTTLED", ") Gateway response type: THROTTLED with status code: 503\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int level = EXECUTION_ERROR; level <= EXECUTION_INFO; level++) {
            struct report report = at_level((enum execution_level)level);
            report.status = 503;
            report.error = span_text(rows[i].error);
            report.error_type = span_text(rows[i].type);
            report.attempts[1].error = SPAN("connection_refused");
            has(&report, rows[i].line);
            has(&report, ") Method completed with status: 503\n");
        }
}

TEST(a_record_brings_the_data_back)
{
    struct report report = at_level(EXECUTION_INFO);
    report.execution.traces = true;
    report.execution.request_headers = SPAN("{Host=shop.example}");
    report.execution.answer_body = SPAN("{}");
    char *bytes = must_alloc(record_room(&report));
    struct record_view *view = must_alloc(sizeof *view);
    check(record_read(span_make(bytes, record_fold(&report, bytes)), view));
    has(&view->report, ") Method request headers: {Host=shop.example}\n");
    has(&view->report, ") Method response body after transformations: {}\n");
    free(bytes);
    free(view);
}

TEST(secrets_are_masked_by_name_and_by_pattern)
{
    static const char *const rows[][2] = {
        {"{\"password\":\"a b\",\"n\":1}", "{\"password\":\"REDACTED\",\"n\":1}"},
        {"{\"password\" : \"a\\\"b\"}", "{\"password\" : \"REDACTED\"}"},
        {"{\\\"token\\\":\\\"abc\\\"}", "{\\\"token\\\":\\\"REDACTED\\\"}"},
        {"token=abc&a=1", "token=REDACTED&a=1"},
        {"a=1&x-api-key=abc", "a=1&x-api-key=REDACTED"},
        {"<password>ab c</password>", "<password>REDACTED</password>"},
        {"http://x/token=abc </a>password=b", "http://x/token=REDACTED </a>password=REDACTED"},
        {"secret: abc\nname: x", "secret: REDACTED\nname: x"},
        {"Bearer abc.def", "Bearer REDACTED"},
        {"see eyJhbGciOiJub25lIn0.eyJh.sig_1, too", "see REDACTED, too"},
        {"id AKIAIOSFODNN7EXAMPLE.", "id REDACTED"},
        {"a keyboard and a tokenizer: fine", "a keyboard and a tokenizer: fine"},
        {"", ""},
        {"password", "password"},
        {"password=", "password="},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf to;
        buf_init(&to, 4096);
        text_mask_secrets(&to, span_text(rows[i][0]));
        check_span(buf_span(&to), rows[i][1]);
        buf_fini(&to);
    }
}

int execution_log_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_without_a_level_has_no_line),
        cmocka_unit_test(the_last_attempt_and_the_traces_id_are_told),
        cmocka_unit_test(an_authorizer_is_told_with_its_principal_masked),
        cmocka_unit_test(errors_have_their_words),
        cmocka_unit_test(a_record_brings_the_data_back),
        cmocka_unit_test(secrets_are_masked_by_name_and_by_pattern),
    };
    return cmocka_run_group_tests_name("execution_log", tests, NULL, NULL);
}
