/* SPDX-License-Identifier: Apache-2.0 */
/* The exporter's side: from bytes to a report. */
#include <string.h>

#include "exporters/record_fields.h"

/* The reader trusts nothing: a record may come from a child that died badly. `broken` is sticky,
 * and nothing is left then. */
struct eye {
    const char *at, *end;
    bool broken;
};

static void set_broken(struct eye *eye)
{
    eye->broken = true;
    eye->at = eye->end;
}

static inline size_t left(const struct eye *eye)
{
    return (size_t)(eye->end - eye->at);
}

static inline void take_bytes(struct eye *eye, void *to, size_t len)
{
    if (left(eye) < len) {
        set_broken(eye);
        memset(to, 0, len);
        return;
    }
    memcpy(to, eye->at, len);
    eye->at += len;
}

static inline uint64_t take_number(struct eye *eye)
{
    uint64_t number;
    take_bytes(eye, &number, sizeof number);
    return number;
}

static inline size_t take_count(struct eye *eye, size_t most)
{
    uint64_t count = take_number(eye);
    if (count > most)
        set_broken(eye);
    return eye->broken ? 0 : (size_t)count;
}

/* So many bytes and a NUL. */
static inline struct span take_cut(struct eye *eye, size_t len)
{
    const char *text = eye->at;
    if (left(eye) <= len || text[len] != '\0') {
        set_broken(eye);
        return SPAN("");
    }
    eye->at = text + len + 1;
    return span_make(text, len);
}

static inline struct span take_text(struct eye *eye)
{
    uint32_t len;
    if (left(eye) < sizeof len) {
        set_broken(eye);
        return SPAN("");
    }
    memcpy(&len, eye->at, sizeof len);
    eye->at += sizeof len;
    return take_cut(eye, len);
}

/* Numbers lie side by side: one look whether they are there is enough for all of them. */
static inline const char *take_numbers(struct eye *eye, size_t bytes)
{
    static const char nothing[8 * COUNT(REPORT_NUMBERS)];
    const char *numbers = eye->at;
    if (left(eye) < bytes) {
        set_broken(eye);
        return nothing;
    }
    eye->at += bytes;
    return numbers;
}

static inline void number_take(const char **numbers, void *to, size_t size)
{
    memcpy(to, *numbers, size);
    *numbers += size;
}

#define ADD_BYTES(member)          bytes += sizeof to->member;
#define TAKE_NUMBER(member)        number_take(&numbers, &to->member, sizeof to->member);
#define TAKE_FLAG(member)          to->member = (flags >> row++ & 1) != 0;
#define TAKE_TEXT(member, longest) to->member = take_text(eye);

static void take_given(struct eye *eye, uint64_t given, void *to, const struct text_row *rows,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct span text = (given >> i & 1) != 0 ? take_text(eye) : SPAN("");
        memcpy((char *)to + rows[i].member, &text, sizeof text);
    }
}

static void take_attempt(struct eye *eye, struct report_attempt *to)
{
    size_t bytes = 0;
    ATTEMPT_NUMBERS(ADD_BYTES)
    const char *numbers = take_numbers(eye, bytes);
    unsigned row = 0;
    ATTEMPT_NUMBERS(TAKE_NUMBER)
    take_bytes(eye, to->span_id, sizeof to->span_id);
    uint64_t given = take_number(eye), flags = given >> FLAGS_FROM;
    take_given(eye, given, to, attempt_texts, COUNT(ATTEMPT_TEXTS));
    ATTEMPT_FLAGS(TAKE_FLAG)
}

static void take_attempts(struct eye *eye, struct report *report)
{
    report->attempt_count = take_count(eye, REPORT_ATTEMPTS);
    for (size_t i = 0; i < report->attempt_count; i++)
        take_attempt(eye, &report->attempts[i]);
}

static void take_stages(struct eye *eye, struct record_view *view)
{
    view->report.stages = view->stages;
    view->report.stage_count = take_count(eye, RECORD_STAGES);
    uint64_t start_us = take_number(eye);
    for (size_t i = 0; i < view->report.stage_count; i++) {
        uint64_t number = take_number(eye), duration_us = number >> STAGE_NAME_BITS;
        struct span name = take_cut(eye, number & ((1 << STAGE_NAME_BITS) - 1));
        view->stages[i] = (struct report_stage){name, start_us, duration_us};
        start_us += duration_us;
    }
}

static const struct report_waf_rule *take_waf_rule(struct eye *eye, struct report_waf_rule *to)
{
    if (take_number(eye) == 0)
        return NULL;
#define TAKE_WORD(member, longest) to->member = take_text(eye).at;
    WAF_RULE_WORDS(TAKE_WORD)
#undef TAKE_WORD
    WAF_RULE_TEXTS(TAKE_TEXT)
    const char *numbers = take_numbers(eye, 3 * sizeof(uint64_t));
    TAKE_NUMBER(limit)
    TAKE_NUMBER(window_s)
    TAKE_NUMBER(burst)
    return to;
}

static void take_decisions(struct eye *eye, struct record_view *view)
{
    view->report.decisions = view->decisions;
    view->report.decision_count = take_count(eye, REPORT_DECISIONS);
    for (size_t i = 0; i < view->report.decision_count; i++) {
        struct report_decision *to = &view->decisions[i];
        to->stage = take_text(eye).at;
        to->control = take_text(eye).at;
        to->word = take_text(eye).at;
        to->name = take_text(eye);
        to->reason = take_text(eye);
        to->rule = take_waf_rule(eye, &view->rules[i]);
    }
}

static void take_authorizer(struct eye *eye, struct record_view *view)
{
    struct report *report = &view->report;
    memset(&report->authorizer, 0, sizeof report->authorizer);
    report->authorizer.word = "";
    report->authorizer.members = view->members;
    if (take_number(eye) == 0)
        return;
    report->authorizer.name = take_text(eye);
    report->authorizer.type = take_text(eye);
    report->authorizer.principal = take_text(eye);
    report->authorizer.word = take_text(eye).at;
    report->authorizer.cache = take_text(eye);
    report->authorizer.is_called = take_number(eye) != 0;
    if (report->authorizer.is_called)
        take_attempt(eye, &report->authorizer.call);
    report->authorizer.member_count = take_count(eye, REPORT_MEMBERS);
    for (size_t i = 0; i < report->authorizer.member_count; i++) {
        view->members[i].name = take_text(eye);
        view->members[i].value = take_text(eye);
    }
}

static void take_match(struct eye *eye, struct rule_match *to, struct span *tags)
{
    size_t bytes = 0;
    MATCH_NUMBERS(ADD_BYTES)
    const char *numbers = take_numbers(eye, bytes);
    unsigned row = 0;
    MATCH_NUMBERS(TAKE_NUMBER)
    uint64_t given = take_number(eye), flags = given >> FLAGS_FROM;
    take_given(eye, given, to, match_texts, COUNT(MATCH_TEXTS));
    MATCH_FLAGS(TAKE_FLAG)
    to->file = take_text(eye).at;
    to->tags = tags;
    to->tag_count = take_count(eye, RECORD_TAGS);
    for (size_t i = 0; i < to->tag_count; i++)
        tags[i] = take_text(eye);
    eye->broken |= to->phase < PHASE_REQUEST_HEADERS || to->phase > PHASE_LOGGING;
}

static void take_matches(struct eye *eye, struct record_view *view)
{
    view->report.waf.matches = view->matches;
    view->report.waf.match_count = take_count(eye, RECORD_MATCHES);
    for (size_t i = 0; i < view->report.waf.match_count && !eye->broken; i++)
        take_match(eye, &view->matches[i], &view->tags[i * RECORD_TAGS]);
}

static size_t take_pairs(struct eye *eye, struct pair *pairs, size_t most)
{
    size_t count = take_count(eye, most);
    for (size_t i = 0; i < count; i++) {
        pairs[i].name = take_text(eye);
        pairs[i].value = take_text(eye);
    }
    return count;
}

static void take_waf_log(struct eye *eye, struct record_view *view)
{
    struct report *to = &view->report;
    to->waf_log.label_count = take_count(eye, REPORT_LABELS);
    for (size_t i = 0; i < to->waf_log.label_count; i++)
        view->labels[i] = take_text(eye);
    to->waf_log.inserted_count = take_pairs(eye, view->inserted, REPORT_INSERTED);
}

static void take_audit(struct eye *eye, struct record_view *view)
{
    struct report_audit *to = &view->report.audit;
    to->response_field_count = take_pairs(eye, view->response_fields, RECORD_FIELDS);
    to->file_count = take_count(eye, RECORD_FILES);
    for (size_t i = 0; i < to->file_count; i++) {
        view->files[i].bytes = take_number(eye);
        view->files[i].field = take_text(eye);
        view->files[i].name = take_text(eye);
    }
    AUDIT_TEXTS(TAKE_TEXT)
    to->request_is_cut = take_number(eye) != 0;
    to->request_body = take_text(eye);
    to->response_is_cut = take_number(eye) != 0;
    to->response_body = take_text(eye);
}

static void take_heads(struct eye *eye, struct record_view *view)
{
    struct report *to = &view->report;
    to->waf_log.labels = view->labels;
    to->waf_log.inserted = view->inserted;
    to->waf_log.label_count = to->waf_log.inserted_count = 0;
    to->audit = (struct report_audit){.wanted = take_number(eye) != 0,
                                      .request_fields = view->request_fields,
                                      .response_fields = view->response_fields,
                                      .files = view->files};
    if (!to->audit.wanted && !to->waf_log.wanted)
        return;
    to->audit.request_field_count = take_pairs(eye, view->request_fields, RECORD_FIELDS);
    if (to->waf_log.wanted)
        take_waf_log(eye, view);
    if (to->audit.wanted)
        take_audit(eye, view);
}

static void take_ids(struct eye *eye, struct report *to)
{
    take_bytes(eye, to->trace_id, sizeof to->trace_id);
    take_bytes(eye, to->span_id, sizeof to->span_id);
    take_bytes(eye, to->parent_id, sizeof to->parent_id);
    take_bytes(eye, to->link_trace_id, sizeof to->link_trace_id);
    take_bytes(eye, to->link_span_id, sizeof to->link_span_id);
}

#define TAKE_NOTHING(member, longest) to->member = SPAN("");

/* Mostly there is none of them: then nothing is walked. */
static void take_rare_texts(struct eye *eye, struct report *to)
{
    uint64_t given = take_number(eye);
    if (given != 0) {
        take_given(eye, given, to, rare_texts, COUNT(RARE_TEXTS));
    } else {
        RARE_TEXTS(TAKE_NOTHING)
    }
}

static void take_texts(struct eye *eye, struct report *to)
{
    uint64_t given = take_number(eye), flags = given >> FLAGS_FROM;
    take_given(eye, given, to, report_texts, COUNT(REPORT_TEXTS));
    unsigned row = 0;
    REPORT_FLAGS(TAKE_FLAG)
}

static void take_struck(struct eye *eye, struct limit_struck *to)
{
    const char *numbers =
        take_numbers(eye, sizeof to->kind + sizeof to->phase + sizeof to->rule_id);
    TAKE_NUMBER(kind)
    TAKE_NUMBER(phase)
    TAKE_NUMBER(rule_id)
    TAKE_TEXT(target, )
}

bool record_read(struct span record, struct record_view *view)
{
    struct eye eye_of_bytes = {record.at, record.at + record.len, false}, *eye = &eye_of_bytes;
    struct report *to = &view->report;
    if (take_number(eye) != RECORD_VERSION)
        return false;
    size_t bytes = 0;
    REPORT_NUMBERS(ADD_BYTES)
    const char *numbers = take_numbers(eye, bytes);
    REPORT_NUMBERS(TAKE_NUMBER)
    take_ids(eye, to);
    take_texts(eye, to);
    take_rare_texts(eye, to);
    take_bytes(eye, to->waf.limits, sizeof to->waf.limits);
    to->waf.struck = (struct limit_struck){.target = SPAN("")};
    if (to->waf.is_struck)
        take_struck(eye, &to->waf.struck);
    take_attempts(eye, to);
    take_stages(eye, view);
    take_decisions(eye, view);
    take_authorizer(eye, view);
    take_matches(eye, view);
    take_heads(eye, view);
    return !eye->broken && eye->at == eye->end && to->waf.action <= WAF_WOULD_BLOCK &&
           to->waf.mode <= ENGINE_ON && to->waf.struck.kind < LIMIT_KINDS &&
           to->execution.level <= EXECUTION_INFO;
}
