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

static inline struct span take_text(struct eye *eye)
{
    uint32_t len;
    if (left(eye) < sizeof len) {
        set_broken(eye);
        return SPAN("");
    }
    memcpy(&len, eye->at, sizeof len);
    const char *text = eye->at + sizeof len;
    if (left(eye) - sizeof len <= len || text[len] != '\0') {
        set_broken(eye);
        return SPAN("");
    }
    eye->at = text + len + 1;
    return span_make(text, len);
}

/* Numbers lie side by side: one look whether they are there is enough for all of them. */
static inline const char *take_numbers(struct eye *eye, size_t count)
{
    static const char nothing[8 * COUNT(REPORT_NUMBERS)];
    const char *numbers = eye->at;
    if (left(eye) < 8 * count) {
        set_broken(eye);
        return nothing;
    }
    eye->at += 8 * count;
    return numbers;
}

static inline uint64_t number_of(const char **numbers)
{
    uint64_t number;
    memcpy(&number, *numbers, sizeof number);
    *numbers += sizeof number;
    return number;
}

#define TAKE_NUMBER(member)           to->member = (__typeof__(to->member))number_of(&numbers);
#define TAKE_TEXT(member, longest)    to->member = take_text(eye);
#define TAKE_NOTHING(member, longest) to->member = SPAN("");

static void take_rare_texts(struct eye *eye, struct report *to)
{
    if (take_number(eye) != 0) {
        RARE_TEXTS(TAKE_TEXT)
    } else {
        RARE_TEXTS(TAKE_NOTHING)
    }
}

static void take_attempt(struct eye *eye, struct report_attempt *to)
{
    const char *numbers = take_numbers(eye, COUNT(ATTEMPT_NUMBERS));
    ATTEMPT_NUMBERS(TAKE_NUMBER)
    ATTEMPT_TEXTS(TAKE_TEXT)
    take_bytes(eye, to->span_id, sizeof to->span_id);
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
    for (size_t i = 0; i < view->report.stage_count; i++) {
        view->stages[i].start_us = take_number(eye);
        view->stages[i].duration_us = take_number(eye);
        view->stages[i].name = take_text(eye).at;
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
    const char *numbers = take_numbers(eye, 3);
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
    report->authorizer.name = take_text(eye);
    report->authorizer.type = take_text(eye);
    report->authorizer.principal = take_text(eye);
    report->authorizer.word = take_text(eye).at;
    report->authorizer.cache = take_text(eye);
    report->authorizer.is_called = take_number(eye) != 0;
    take_attempt(eye, &report->authorizer.call);
    report->authorizer.members = view->members;
    report->authorizer.member_count = take_count(eye, REPORT_MEMBERS);
    for (size_t i = 0; i < report->authorizer.member_count; i++) {
        view->members[i].name = take_text(eye);
        view->members[i].value = take_text(eye);
    }
    report->api_key_id = take_text(eye);
    report->usage_plan = take_text(eye);
}

static void take_match(struct eye *eye, struct rule_match *to, struct span *tags)
{
    const char *numbers = take_numbers(eye, COUNT(MATCH_NUMBERS));
    MATCH_NUMBERS(TAKE_NUMBER)
    MATCH_TEXTS(TAKE_TEXT)
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

bool record_read(struct span bytes, struct record_view *view)
{
    struct eye eye_of_bytes = {bytes.at, bytes.at + bytes.len, false}, *eye = &eye_of_bytes;
    struct report *to = &view->report;
    if (take_number(eye) != RECORD_VERSION)
        return false;
    const char *numbers = take_numbers(eye, COUNT(REPORT_NUMBERS));
    REPORT_NUMBERS(TAKE_NUMBER)
    take_bytes(eye, to->trace_id, sizeof to->trace_id);
    take_bytes(eye, to->span_id, sizeof to->span_id);
    take_bytes(eye, to->parent_id, sizeof to->parent_id);
    take_bytes(eye, to->link_trace_id, sizeof to->link_trace_id);
    take_bytes(eye, to->link_span_id, sizeof to->link_span_id);
    REPORT_TEXTS(TAKE_TEXT)
    take_rare_texts(eye, to);
    for (size_t i = 0; i < LIMIT_KINDS; i++)
        to->waf.limits[i] = (unsigned)take_number(eye);
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
