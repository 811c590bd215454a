/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/alarms/notice.h"

#include <time.h>

#include "rules/base/encode.h"

enum { MESSAGE_BYTES = 96 << 10, SECOND_US = 1000000, MILLISECOND_US = 1000 };
#define ACCOUNT "000000000000"

/* ---- words ---- */

/* 2026-11-21T09:38:11.123+0000, or with Z behind it */
static void time_add(struct buf *to, uint64_t wall_us, const char *zone)
{
    struct tm tm;
    time_t seconds = (time_t)(wall_us / SECOND_US);
    if (gmtime_r(&seconds, &tm) != NULL)
        buf_format(to, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03u%s\"", tm.tm_year + 1900, tm.tm_mon + 1,
                   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   (unsigned)(wall_us % SECOND_US / MILLISECOND_US), zone);
}

static void member_add(struct buf *to, const char *name, struct span text)
{
    buf_format(to, ",\"%s\":", name);
    if (text.len > 0)
        json_add_string(to, text);
    else
        buf_add(to, SPAN("null"));
}

static struct span region_of(const struct notice *notice)
{
    return notice->environment.len > 0 ? notice->environment : SPAN("local");
}

static const char *state_of(const struct notice *notice)
{
    return alarm_state_word(notice->change->state);
}

void notice_add_arn(struct buf *to, const struct notice *notice)
{
    buf_format(to, "arn:aws:cloudwatch:" SPAN_FORMAT ":" ACCOUNT ":alarm:" SPAN_FORMAT,
               span_arg(region_of(notice)), span_arg(notice->alarm->name));
}

/* ---- CloudWatch's message ---- */

static void arn_member_add(struct buf *to, const struct notice *notice)
{
    struct buf arn;
    buf_init(&arn, MESSAGE_BYTES);
    notice_add_arn(&arn, notice);
    member_add(to, "AlarmArn", buf_span(&arn));
    buf_fini(&arn);
}

static void actions_add(struct buf *to, const char *name, const struct alarm_action_list *actions)
{
    buf_format(to, ",\"%s\":[", name);
    for (size_t i = 0; i < actions->count; i++) {
        buf_add(to, i > 0 ? SPAN(",") : SPAN(""));
        json_add_string(to, actions->list[i].shown);
    }
    buf_add_byte(to, ']');
}

/* "MetricName":...,"Namespace":...,"Dimensions":[...] */
static void metric_add(struct buf *to, const struct alarm_metric *metric)
{
    buf_add(to, SPAN("\"MetricName\":"));
    json_add_string(to, metric->metric);
    member_add(to, "Namespace", metric->namespace.len > 0 ? metric->namespace : SPAN("Sidegate"));
    buf_add(to, SPAN(",\"Dimensions\":["));
    for (size_t i = 0; i < metric->dimension_count; i++) {
        buf_add(to, i > 0 ? SPAN(",{\"name\":") : SPAN("{\"name\":"));
        json_add_string(to, metric->dimensions[i].name);
        buf_add(to, SPAN(",\"value\":"));
        json_add_string(to, metric->dimensions[i].value);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, ']');
}

/* AVERAGE, or p99 */
static void statistic_add(struct buf *to, const struct alarm_metric *metric)
{
    bool is_extended = statistic_asks_order(&metric->statistic);
    if (is_extended) {
        member_add(to, "StatisticType", SPAN("ExtendedStatistic"));
        member_add(to, "ExtendedStatistic", metric->statistic_text);
        return;
    }
    member_add(to, "StatisticType", SPAN("Statistic"));
    buf_add(to, SPAN(",\"Statistic\":\""));
    for (size_t i = 0; i < metric->statistic_text.len; i++) {
        char c = metric->statistic_text.at[i];
        buf_add_byte(to, (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c));
    }
    buf_add_byte(to, '"');
}

static void query_add(struct buf *to, const struct alarm_settings *alarm,
                      const struct alarm_metric *metric)
{
    buf_add(to, SPAN("{\"Id\":"));
    json_add_string(to, metric->id);
    if (metric->expression.len > 0) {
        member_add(to, "Expression", metric->expression);
    } else {
        buf_add(to, SPAN(",\"MetricStat\":{\"Metric\":{"));
        metric_add(to, metric);
        buf_format(to, "},\"Period\":%u", alarm->period_s);
        member_add(to, "Stat", metric->statistic_text);
        buf_add_byte(to, '}');
    }
    buf_format(to, ",\"ReturnData\":%s}", metric->returns ? "true" : "false");
}

static void metrics_add(struct buf *to, const struct alarm_settings *alarm)
{
    const struct alarm_metric *first = alarm->metrics;
    if (alarm->metric_count == 1 && first->expression.len == 0) {
        metric_add(to, first);
        statistic_add(to, first);
        buf_add(to, SPAN(",\"Unit\":null"));
        return;
    }
    buf_add(to, SPAN("\"Metrics\":["));
    for (size_t i = 0; i < alarm->metric_count; i++) {
        buf_add(to, i > 0 ? SPAN(",") : SPAN(""));
        query_add(to, alarm, &first[i]);
    }
    buf_add_byte(to, ']');
}

static void trigger_add(struct buf *to, const struct alarm_settings *alarm)
{
    const struct alarm_test *test = &alarm->test;
    buf_add(to, SPAN(",\"Trigger\":{"));
    metrics_add(to, alarm);
    buf_format(to, ",\"Period\":%u,\"EvaluationPeriods\":%u,\"DatapointsToAlarm\":%u",
               alarm->period_s, test->evaluation_periods, test->datapoints_to_alarm);
    member_add(to, "ComparisonOperator", span_text(alarm_operator_word(test->comparison)));
    if (alarm->band_id.len > 0) {
        member_add(to, "ThresholdMetricId", alarm->band_id);
    } else {
        buf_add(to, SPAN(",\"Threshold\":"));
        alarm_number_add(to, test->threshold);
    }
    member_add(to, "TreatMissingData", span_text(alarm_missing_word(test->missing)));
    member_add(to, "EvaluateLowSampleCountPercentile",
               alarm->few_keep_state ? SPAN("ignore") : SPAN(""));
    buf_add_byte(to, '}');
}

void notice_add_message(struct buf *to, const struct notice *notice)
{
    const struct alarm_settings *alarm = notice->alarm;
    const struct alarm_change *change = notice->change;
    buf_add(to, SPAN("{\"AlarmName\":"));
    json_add_string(to, alarm->name);
    member_add(to, "AlarmDescription", alarm->description);
    member_add(to, "AWSAccountId", SPAN(ACCOUNT));
    buf_add(to, SPAN(",\"AlarmConfigurationUpdatedTimestamp\":"));
    if (notice->configured_us > 0)
        time_add(to, notice->configured_us, "+0000");
    else
        buf_add(to, SPAN("null"));
    member_add(to, "NewStateValue", span_text(state_of(notice)));
    member_add(to, "NewStateReason", change->reason);
    buf_add(to, SPAN(",\"StateChangeTime\":"));
    time_add(to, change->wall_us, "+0000");
    member_add(to, "Region", region_of(notice));
    arn_member_add(to, notice);
    member_add(to, "OldStateValue", span_text(alarm_state_word(change->before)));
    actions_add(to, "OKActions", &alarm->actions[ALARM_STATE_OK]);
    actions_add(to, "AlarmActions", &alarm->actions[ALARM_STATE_ALARM]);
    actions_add(to, "InsufficientDataActions", &alarm->actions[ALARM_STATE_INSUFFICIENT_DATA]);
    if (alarm->metric_count > 0)
        trigger_add(to, alarm);
    else
        member_add(to, "AlarmRule", alarm->rule);
    buf_add_byte(to, '}');
}

/* ---- SNS's envelope ---- */

void notice_add_envelope(struct buf *to, const struct notice *notice, uint64_t now_us)
{
    struct buf text;
    buf_init(&text, MESSAGE_BYTES);
    buf_add(to, SPAN("{\"Type\":\"Notification\""));
    member_add(to, "MessageId", span_text(notice->change->id));
    buf_format(&text, "arn:aws:sns:" SPAN_FORMAT ":" ACCOUNT ":" SPAN_FORMAT,
               span_arg(region_of(notice)), span_arg(notice->service));
    member_add(to, "TopicArn", buf_span(&text));
    buf_clear(&text);
    buf_format(&text, "%s: \"" SPAN_FORMAT "\" in " SPAN_FORMAT, state_of(notice),
               span_arg(notice->alarm->name), span_arg(region_of(notice)));
    member_add(to, "Subject", buf_span(&text));
    buf_clear(&text);
    notice_add_message(&text, notice);
    member_add(to, "Message", buf_span(&text));
    buf_fini(&text);
    buf_add(to, SPAN(",\"Timestamp\":"));
    time_add(to, now_us, "Z");
    buf_add_byte(to, '}');
}

/* ---- Alertmanager ---- */

static void labels_add(struct buf *to, const struct notice *notice)
{
    buf_add(to, SPAN("{\"labels\":{\"alertname\":"));
    json_add_string(to, notice->alarm->name);
    member_add(to, "service", notice->service);
    if (notice->environment.len > 0)
        member_add(to, "environment", notice->environment);
    buf_add_byte(to, '}');
}

static void annotations_add(struct buf *to, const struct notice *notice)
{
    const struct alarm_settings *alarm = notice->alarm;
    buf_add(to, SPAN(",\"annotations\":{\"summary\":"));
    json_add_string(to, alarm->description.len > 0 ? alarm->description : alarm->name);
    member_add(to, "description", notice->change->reason);
    member_add(to, "id", span_text(notice->change->id));
    buf_add_byte(to, '}');
}

void notice_add_alert(struct buf *to, const struct notice *notice, uint64_t since_us,
                      uint64_t until_us)
{
    buf_add_byte(to, '[');
    labels_add(to, notice);
    annotations_add(to, notice);
    buf_add(to, SPAN(",\"startsAt\":"));
    time_add(to, since_us, "Z");
    buf_add(to, SPAN(",\"endsAt\":"));
    time_add(to, until_us, "Z");
    buf_add(to, SPAN("}]"));
}
