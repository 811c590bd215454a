/* SPDX-License-Identifier: Apache-2.0 */
/* What receivers read: every byte. */
#include "exporters/alarms/notice.h"
#include "tests/check.h"
#include "tests/unit/alarms/suites.h"

enum { TEXT_BYTES = 64 << 10 };

static const struct alarm_action hook = {.shown = SPAN_INIT("https://a.example")};
static const struct alarm_change change = {.id = "0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b",
                                           .before = ALARM_STATE_OK,
                                           .state = ALARM_STATE_ALARM,
                                           .reason = SPAN_INIT("because \"so\""),
                                           .wall_us = 1767225600123456};

static void check_text(struct buf *text, const char *want)
{
    check_span(buf_span(text), want);
    buf_fini(text);
}

static struct notice notice_of(const struct alarm_settings *alarm)
{
    return (struct notice){
        .alarm = alarm, .change = &change, .service = SPAN("orders"), .environment = SPAN("blue")};
}

TEST(a_message_of_a_metric_alarm_has_its_trigger)
{
    const struct pair dimensions[] = {{SPAN("route"), SPAN("/pets/{id}")},
                                      {SPAN("method"), SPAN("GET")}};
    const struct alarm_metric latency = {.metric = SPAN("Latency"),
                                         .dimensions = dimensions,
                                         .dimension_count = 2,
                                         .statistic_text = SPAN("p99"),
                                         .statistic = {.kind = STATISTIC_PERCENTILE}};
    struct alarm_settings alarm = {.name = SPAN("slow \"pets\""),
                                   .metrics = &latency,
                                   .metric_count = 1,
                                   .period_s = 60,
                                   .few_keep_state = true,
                                   .test = {ALARM_GREATER_OR_EQUAL, 2500, 5, 3, ALARM_IGNORE}};
    alarm.actions[ALARM_STATE_ALARM] = (struct alarm_action_list){&hook, 1};
    struct notice notice = notice_of(&alarm);
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    notice.configured_us = 1767225000000000;
    notice_add_message(&text, &notice);
    check_text(
        &text,
        "{\"AlarmName\":\"slow \\\"pets\\\"\",\"AlarmDescription\":null,\"AWSAccountId\":"
        "\"000000000000\",\"AlarmConfigurationUpdatedTimestamp\":\"2025-12-31T23:50:00.000+0000\","
        "\"NewStateValue\":\"ALARM\",\"NewStateReason\":\"because \\\"so\\\"\",\"StateChangeTime\":"
        "\"2026-01-01T00:00:00.123+0000\",\"Region\":\"blue\",\"AlarmArn\":"
        "\"arn:aws:cloudwatch:blue:000000000000:alarm:slow \\\"pets\\\"\",\"OldStateValue\":\"OK\","
        "\"OKActions\":[],\"AlarmActions\":[\"https://a.example\"],\"InsufficientDataActions\":[],"
        "\"Trigger\":{\"MetricName\":\"Latency\",\"Namespace\":\"Sidegate\",\"Dimensions\":[{"
        "\"name\":"
        "\"route\",\"value\":\"/pets/{id}\"},{\"name\":\"method\",\"value\":\"GET\"}],"
        "\"StatisticType\":\"ExtendedStatistic\",\"ExtendedStatistic\":\"p99\",\"Unit\":null,"
        "\"Period\":60,\"EvaluationPeriods\":5,\"DatapointsToAlarm\":3,\"ComparisonOperator\":"
        "\"GreaterThanOrEqualToThreshold\",\"Threshold\":2500.0,\"TreatMissingData\":\"ignore\","
        "\"EvaluateLowSampleCountPercentile\":\"ignore\"}}");
}

TEST(a_message_of_expressions_has_the_queries_and_one_of_a_rule_the_rule)
{
    const struct alarm_metric metrics[] = {
        {.id = SPAN("e"), .metric = SPAN("5XXError"), .statistic_text = SPAN("Sum")},
        {.id = SPAN("r"), .expression = SPAN("100*e"), .returns = true}};
    const struct alarm_settings math = {.name = SPAN("m"),
                                        .metrics = metrics,
                                        .metric_count = 2,
                                        .period_s = 10,
                                        .band_id = SPAN("b"),
                                        .test = {ALARM_OUTSIDE, 0, 1, 1, ALARM_MISSING}},
                                rule = {.name = SPAN("c"), .rule = SPAN("ALARM(m)")};
    struct notice notice = notice_of(&math);
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    notice_add_message(&text, &notice);
    size_t at = span_find(buf_span(&text), SPAN("\"Trigger\""));
    check(at != SPAN_NONE);
    check_span(
        span_from(buf_span(&text), at),
        "\"Trigger\":{\"Metrics\":[{\"Id\":\"e\",\"MetricStat\":{\"Metric\":{\"MetricName\":"
        "\"5XXError\",\"Namespace\":\"Sidegate\",\"Dimensions\":[]},\"Period\":10,\"Stat\":"
        "\"Sum\"},\"ReturnData\":false},{\"Id\":\"r\",\"Expression\":\"100*e\",\"ReturnData\":"
        "true}],\"Period\":10,\"EvaluationPeriods\":1,\"DatapointsToAlarm\":1,"
        "\"ComparisonOperator\":\"LessThanLowerOrGreaterThanUpperThreshold\","
        "\"ThresholdMetricId\":\"b\",\"TreatMissingData\":\"missing\","
        "\"EvaluateLowSampleCountPercentile\":null}}");
    buf_clear(&text);
    notice = notice_of(&rule);
    notice_add_message(&text, &notice);
    check(span_ends(buf_span(&text), SPAN(",\"AlarmRule\":\"ALARM(m)\"}")));
    check(span_find(buf_span(&text), SPAN("Trigger")) == SPAN_NONE);
    buf_fini(&text);
}

TEST(an_envelope_has_the_message_as_a_text)
{
    const struct alarm_settings alarm = {.name = SPAN("c"), .rule = SPAN("ALARM(m)")};
    const struct notice notice = notice_of(&alarm);
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    notice_add_envelope(&text, &notice, 1767225601000000);
    check(span_starts(
        buf_span(&text),
        SPAN("{\"Type\":\"Notification\",\"MessageId\":"
             "\"0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b\",\"TopicArn\":"
             "\"arn:aws:sns:blue:000000000000:orders\",\"Subject\":"
             "\"ALARM: \\\"c\\\" in blue\",\"Message\":\"{\\\"AlarmName\\\":\\\"c\\\",")));
    check(span_ends(buf_span(&text), SPAN("}\",\"Timestamp\":\"2026-01-01T00:00:01.000Z\"}")));
    buf_fini(&text);
}

TEST(an_alert_is_known_by_its_labels_and_ends_by_its_time)
{
    const struct alarm_settings alarm = {
        .name = SPAN("c"), .description = SPAN("a b"), .rule = SPAN("ALARM(m)")};
    struct notice notice = notice_of(&alarm);
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    notice.environment = SPAN("");
    notice_add_alert(&text, &notice, 1767225600000000, 1767225840000000);
    check_text(&text, "[{\"labels\":{\"alertname\":\"c\",\"service\":\"orders\"},\"annotations\":"
                      "{\"summary\":\"a b\",\"description\":\"because \\\"so\\\"\",\"id\":"
                      "\"0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b\"},\"startsAt\":"
                      "\"2026-01-01T00:00:00.000Z\",\"endsAt\":\"2026-01-01T00:04:00.000Z\"}]");
}

int notice_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_of_a_metric_alarm_has_its_trigger),
        cmocka_unit_test(a_message_of_expressions_has_the_queries_and_one_of_a_rule_the_rule),
        cmocka_unit_test(an_envelope_has_the_message_as_a_text),
        cmocka_unit_test(an_alert_is_known_by_its_labels_and_ends_by_its_time),
    };
    return cmocka_run_group_tests_name("notices of alarms", tests, NULL, NULL);
}
