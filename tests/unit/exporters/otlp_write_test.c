/* SPDX-License-Identifier: Apache-2.0 */
/* What is written by hand, beside the library: what it reads of our bytes it would write alike. */
#include "exporters/otlp_write.h"

#include <stdlib.h>

#include "exporters/log_records.h"
#include "exporters/proto/otlp.pb-c.h"
#include "exporters/spans.h"
#include "rules/base/encode.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

enum { REPORTS = 5000, ROOM = 1 << 20, TEXT_LONGEST = 20000, REPORT_TEXTS = 14, TEXTS = 1 << 16 };

struct maker {
    uint64_t state;
    char texts[TEXTS]; /* any bytes: what is drawn is cut out of them */
    struct rule_match matches[20];
    struct report_decision decisions[REPORT_DECISIONS];
    struct report_stage stages[30];
};

static uint64_t draw(struct maker *maker, uint64_t below)
{
    maker->state ^= maker->state << 13;
    maker->state ^= maker->state >> 7;
    maker->state ^= maker->state << 17;
    return maker->state % below;
}

/* Mostly small, now and then as large as it can be. */
static uint64_t draw_number(struct maker *maker)
{
    switch (draw(maker, 4)) {
    case 0: return 0;
    case 1: return draw(maker, 200);
    case 2: return draw(maker, UINT32_MAX);
    default: return UINT64_MAX - draw(maker, 3);
    }
}

/* Two of three are letters; the rest is any bytes, most of them no UTF-8. */
static struct span draw_text(struct maker *maker)
{
    static const size_t lengths[] = {0,  1,  3,  7,   8,   12,  15,
                                     16, 31, 33, 127, 128, 300, TEXT_LONGEST};
    size_t which = draw(maker, 200) == 0 ? 13 : draw(maker, 13);
    bool is_wild = draw(maker, 3) == 0;
    size_t begin = is_wild ? TEXTS / 2 : 0;
    return span_make(maker->texts + begin + draw(maker, 1000), lengths[which]);
}

static struct maker *maker_new(void)
{
    struct maker *maker = calloc(1, sizeof *maker);
    check(maker != NULL);
    maker->state = 0x9e3779b97f4a7c15U;
    for (size_t i = 0; i < TEXTS; i++)
        maker->texts[i] = (char)(i < TEXTS / 2 ? 'a' + draw(maker, 26) : draw(maker, 256));
    return maker;
}

static void draw_matches(struct maker *maker, struct report *report)
{
    report->waf.matches = maker->matches;
    report->waf.match_count = draw(maker, 20);
    for (size_t i = 0; i < report->waf.match_count; i++) {
        maker->matches[i] = (struct rule_match){
            .rule_id = (unsigned)draw(maker, UINT32_MAX),
            .phase = (enum rule_phase)(PHASE_REQUEST_HEADERS + draw(maker, 5)),
            .message = draw_text(maker),
            .version = draw_text(maker),
            .variable_name = draw_text(maker),
            .audit_only = draw(maker, 8) == 0,
            .file = "",
        };
    }
}

static void draw_lists(struct maker *maker, struct report *report)
{
    draw_matches(maker, report);
    report->decisions = maker->decisions;
    report->decision_count = draw(maker, 4);
    for (size_t i = 0; i < report->decision_count; i++)
        maker->decisions[i] = (struct report_decision){"admit",          "access",         "block",
                                                       draw_text(maker), draw_text(maker), NULL};
    report->stages = maker->stages;
    report->stage_count = draw(maker, 30);
    for (size_t i = 0; i < report->stage_count; i++)
        maker->stages[i] =
            (struct report_stage){SPAN("await_answer"), draw_number(maker), draw_number(maker)};
    report->attempt_count = draw(maker, REPORT_ATTEMPTS + 1);
    for (size_t i = 0; i < report->attempt_count; i++) {
        report->attempts[i].address = draw_text(maker);
        report->attempts[i].error = draw_text(maker);
        report->attempts[i].status = (unsigned)draw(maker, 600);
        report->attempts[i].start_us = draw_number(maker);
    }
}

static struct report draw_report(struct maker *maker)
{
    struct report report = sample_report();
    struct span *const texts[REPORT_TEXTS] = {
        &report.trace_state, &report.client_address, &report.listener, &report.method,
        &report.scheme,      &report.authority,      &report.path,     &report.query,
        &report.protocol,    &report.user_agent,     &report.route,    &report.error,
        &report.tls.version, &report.tls.cipher};
    for (size_t i = 0; i < REPORT_TEXTS; i++) {
        if (draw(maker, 2) == 0)
            *texts[i] = draw_text(maker);
    }
    report.status = (unsigned)draw(maker, 600);
    report.bytes_in = draw_number(maker);
    report.client_asn = draw_number(maker);
    report.is_linked = draw(maker, 2) == 0;
    report.authorizer.is_called = draw(maker, 4) == 0;
    report.authorizer.word = "allow";
    report.waf.score = (int)draw(maker, 1000);
    if (draw(maker, 2) == 0)
        memset(report.parent_id, 0, sizeof report.parent_id);
    draw_lists(maker, &report);
    return report;
}

/* Every text of a message that the library has read is valid UTF-8: it does not look itself. */
static void check_packs_alike(const ProtobufCMessage *message, const struct buf *ours)
{
    uint8_t *theirs = malloc(ROOM);
    check(theirs != NULL && message != NULL);
    check_number(protobuf_c_message_get_packed_size(message), ours->len);
    protobuf_c_message_pack(message, theirs);
    check(memcmp(theirs, ours->at, ours->len) == 0);
    free(theirs);
}

TEST(spans_are_written_as_the_library_writes_them)
{
    struct maker *maker = maker_new();
    struct span_maker *spans = span_maker_new();
    struct buf ours;
    buf_init(&ours, ROOM);
    for (unsigned i = 0; i < REPORTS; i++) {
        struct report report = draw_report(maker);
        const struct attribute_limits few = {.length = (unsigned)draw(maker, 40),
                                             .most = (unsigned)draw(maker, 30)};
        buf_clear(&ours);
        span_maker_limit(spans, &(const struct span_limits){few, few, 3, i % 2});
        unsigned count = spans_add(spans, &ours, &report);
        check(!buf_is_full(&ours));
        Otlp__ScopeSpans *read =
            otlp__scope_spans__unpack(NULL, ours.len, (const uint8_t *)ours.at);
        check(read != NULL);
        check_number(read->n_spans, count);
        check_packs_alike(&read->base, &ours);
        otlp__scope_spans__free_unpacked(read, NULL);
    }
    buf_fini(&ours);
    span_maker_free(spans);
    free(maker);
}

TEST(log_records_are_written_as_the_library_writes_them)
{
    struct maker *maker = maker_new();
    struct log_maker *logs = log_maker_new();
    struct buf ours;
    buf_init(&ours, ROOM);
    for (unsigned i = 0; i < REPORTS; i++) {
        struct report report = draw_report(maker);
        buf_clear(&ours);
        unsigned count = log_request_add(logs, &ours, &report);
        count += log_events_add(logs, &ours, &report);
        check(!buf_is_full(&ours));
        Otlp__ScopeLogs *read = otlp__scope_logs__unpack(NULL, ours.len, (const uint8_t *)ours.at);
        check(read != NULL);
        check_number(read->n_log_records, count);
        check_packs_alike(&read->base, &ours);
        otlp__scope_logs__free_unpacked(read, NULL);
    }
    buf_fini(&ours);
    log_maker_free(logs);
    free(maker);
}

/* Reads a KeyValue that was written as field 1 of an ArrayValue's sister. */
static Otlp__KeyValueList *read_list(const struct buf *bytes)
{
    Otlp__KeyValueList *list =
        otlp__key_value_list__unpack(NULL, bytes->len, (const uint8_t *)bytes->at);
    check(list != NULL);
    return list;
}

TEST(every_kind_of_attribute_is_read_as_it_was_written)
{
    struct buf bytes;
    buf_init(&bytes, ROOM);
    struct attributes attributes = {.to = &bytes, .field = 1};
    const uint64_t numbers[] = {0, 127, 128, UINT32_MAX};
    attribute_text(&attributes, SPAN("text"), SPAN("f\xc3\xbcnf"));
    attribute_pieces(&attributes, SPAN("pieces"),
                     (const struct span[]){SPAN("a\xff"), SPAN(""), SPAN("b")}, 3);
    attribute_number(&attributes, SPAN("number"), UINT64_MAX);
    attribute_truth(&attributes, SPAN("truth"), false);
    attribute_numbers(&attributes, SPAN("numbers"), numbers, 4);
    attribute_text(&attributes, SPAN("empty"), SPAN(""));
    attribute_number(&attributes, SPAN("zero"), 0);
    attribute_numbers(&attributes, SPAN("none"), numbers, 0);
    Otlp__KeyValueList *list = read_list(&bytes);
    check_number(list->n_values, 5);
    assert_string_equal(list->values[0]->value->string_value, "f\xc3\xbcnf");
    assert_string_equal(list->values[1]->value->string_value, "a\xef\xbf\xbd"
                                                              "b");
    check(list->values[2]->value->int_value == INT64_MAX);
    check_number(list->values[3]->value->value_case, OTLP__ANY_VALUE__VALUE_BOOL_VALUE);
    check_number(list->values[4]->value->array_value->n_values, 4);
    for (size_t i = 0; i < 4; i++)
        check_number(list->values[4]->value->array_value->values[i]->int_value, numbers[i]);
    otlp__key_value_list__free_unpacked(list, NULL);
    buf_fini(&bytes);
}

TEST(a_text_of_any_bytes_becomes_valid_utf_8)
{
    struct maker *maker = maker_new();
    struct buf bytes;
    buf_init(&bytes, ROOM);
    for (unsigned i = 0; i < REPORTS; i++) {
        buf_clear(&bytes);
        struct span text = draw_text(maker);
        attribute_text(&(struct attributes){.to = &bytes, .field = 1}, SPAN("key"), text);
        Otlp__KeyValueList *list = read_list(&bytes);
        check_number(list->n_values, text.len > 0 ? 1 : 0);
        if (text.len > 0)
            check(utf8_is_valid(span_text(list->values[0]->value->string_value)));
        otlp__key_value_list__free_unpacked(list, NULL);
    }
    buf_fini(&bytes);
    free(maker);
}

TEST(what_does_not_fit_leaves_the_buffer_marked_as_full)
{
    struct maker *maker = maker_new();
    struct span_maker *spans = span_maker_new();
    for (size_t room = 0; room < 1500; room += 7) {
        struct report report = sample_report();
        struct buf ours;
        buf_init(&ours, room);
        spans_add(spans, &ours, &report);
        check(buf_is_full(&ours));
        buf_fini(&ours);
    }
    span_maker_free(spans);
    free(maker);
}

int otlp_write_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_written_as_the_library_writes_them),
        cmocka_unit_test(log_records_are_written_as_the_library_writes_them),
        cmocka_unit_test(every_kind_of_attribute_is_read_as_it_was_written),
        cmocka_unit_test(a_text_of_any_bytes_becomes_valid_utf_8),
        cmocka_unit_test(what_does_not_fit_leaves_the_buffer_marked_as_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
