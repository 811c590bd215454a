/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's side: from a report to bytes. */
#include <string.h>

#include "exporters/record_fields.h"
#include "rules/base/copy.h"
#include "rules/base/must.h"

struct pen {
    char *at;
    size_t text_left; /* the budget of all texts */
};

static inline void put_bytes(struct pen *pen, const void *bytes, size_t len)
{
    memcpy(pen->at, bytes, len);
    pen->at += len;
}

static inline void put_number(struct pen *pen, uint64_t number)
{
    put_bytes(pen, &number, sizeof number);
}

static inline struct span text_cut(const struct pen *pen, struct span text, size_t longest)
{
    return span_first(text, longest < pen->text_left ? longest : pen->text_left);
}

/* What is cut already. */
static inline void put_cut(struct pen *pen, struct span text)
{
    copy_short(pen->at, text.at, text.len);
    pen->at[text.len] = '\0';
    pen->at += text.len + 1;
    pen->text_left -= text.len;
}

static inline void put_text(struct pen *pen, struct span text, size_t longest)
{
    text = text_cut(pen, text, longest);
    uint32_t len = (uint32_t)text.len;
    put_bytes(pen, &len, sizeof len);
    put_cut(pen, text);
}

static inline size_t at_most(size_t count, size_t most)
{
    return count < most ? count : most;
}

#define PUT_NUMBER(member)         put_bytes(pen, &from->member, sizeof from->member);
#define PUT_TEXT(member, longest)  put_text(pen, from->member, longest);

#define PUT_FLAG(member)           flags |= (uint64_t)from->member << row++;
#define OR_LENGTH(member, longest) | from->member.len

/* What is given, and the texts among it. */
static void put_given(struct pen *pen, uint64_t flags, const void *from,
                      const struct text_row *rows, size_t count)
{
    char *given_at = pen->at;
    uint64_t given = flags << FLAGS_FROM;
    pen->at += GIVEN_BYTES;
    for (size_t i = 0; i < count; i++) {
        struct span text;
        memcpy(&text, (const char *)from + rows[i].member, sizeof text);
        if (text.len == 0)
            continue;
        given |= UINT64_C(1) << i;
        put_text(pen, text, rows[i].longest);
    }
    memcpy(given_at, &given, sizeof given);
}

static void put_rare_texts(struct pen *pen, const struct report *from)
{
    bool has_any = (0 RARE_TEXTS(OR_LENGTH)) != 0;
    put_given(pen, 0, from, rare_texts, has_any ? COUNT(RARE_TEXTS) : 0);
}

static void put_attempt(struct pen *pen, const struct report_attempt *from)
{
    uint64_t flags = 0;
    unsigned row = 0;
    ATTEMPT_NUMBERS(PUT_NUMBER)
    put_bytes(pen, from->span_id, sizeof from->span_id);
    ATTEMPT_FLAGS(PUT_FLAG)
    put_given(pen, flags, from, attempt_texts, COUNT(ATTEMPT_TEXTS));
}

static void put_attempts(struct pen *pen, const struct report *report)
{
    size_t count = at_most(report->attempt_count, REPORT_ATTEMPTS);
    put_number(pen, count);
    for (size_t i = 0; i < count; i++)
        put_attempt(pen, &report->attempts[i]);
}

static void put_stages(struct pen *pen, const struct report *report)
{
    size_t count = at_most(report->stage_count, RECORD_STAGES);
    put_number(pen, count);
    put_number(pen, count > 0 ? report->stages->start_us : 0);
    for (size_t i = 0; i < count; i++) {
        const struct report_stage *stage = &report->stages[i];
        struct span name = text_cut(pen, stage->name, NAME_LONGEST);
        put_number(pen, stage->duration_us << STAGE_NAME_BITS | name.len);
        put_cut(pen, name);
    }
}

static void put_waf_rule(struct pen *pen, const struct report_waf_rule *from)
{
    put_number(pen, from != NULL);
    if (from == NULL)
        return;
#define PUT_WORD(member, longest) put_text(pen, span_text(from->member), longest);
    WAF_RULE_WORDS(PUT_WORD)
#undef PUT_WORD
    WAF_RULE_TEXTS(PUT_TEXT)
    PUT_NUMBER(limit)
    PUT_NUMBER(window_s)
    PUT_NUMBER(burst)
}

static void put_decisions(struct pen *pen, const struct report *report)
{
    size_t count = at_most(report->decision_count, REPORT_DECISIONS);
    put_number(pen, count);
    for (size_t i = 0; i < count; i++) {
        const struct report_decision *from = &report->decisions[i];
        put_text(pen, span_text(from->stage), NAME_LONGEST);
        put_text(pen, span_text(from->control), NAME_LONGEST);
        put_text(pen, span_text(from->word), NAME_LONGEST);
        put_text(pen, from->name, DECISION_LONGEST);
        put_text(pen, from->reason, DECISION_LONGEST);
        put_waf_rule(pen, from->rule);
    }
}

static void put_authorizer(struct pen *pen, const struct report *report)
{
    bool was_asked = report->authorizer.name.len > 0;
    put_number(pen, was_asked);
    if (!was_asked)
        return;
    put_text(pen, report->authorizer.name, DECISION_LONGEST);
    put_text(pen, report->authorizer.type, NAME_LONGEST);
    put_text(pen, report->authorizer.principal, DECISION_LONGEST);
    put_text(pen, span_text(report->authorizer.word), NAME_LONGEST);
    put_text(pen, report->authorizer.cache, NAME_LONGEST);
    put_number(pen, report->authorizer.is_called);
    if (report->authorizer.is_called)
        put_attempt(pen, &report->authorizer.call);
    size_t members = at_most(report->authorizer.member_count, REPORT_MEMBERS);
    put_number(pen, members);
    for (size_t i = 0; i < members; i++) {
        put_text(pen, report->authorizer.members[i].name, DECISION_LONGEST);
        put_text(pen, report->authorizer.members[i].value, MEMBER_LONGEST);
    }
}

static void put_match(struct pen *pen, const struct rule_match *from)
{
    uint64_t flags = 0;
    unsigned row = 0;
    MATCH_NUMBERS(PUT_NUMBER)
    MATCH_FLAGS(PUT_FLAG)
    put_given(pen, flags, from, match_texts, COUNT(MATCH_TEXTS));
    put_text(pen, span_text(from->file), FILE_LONGEST);
    size_t tags = at_most(from->tag_count, RECORD_TAGS);
    put_number(pen, tags);
    for (size_t i = 0; i < tags; i++)
        put_text(pen, from->tags[i], TAG_LONGEST);
}

static void put_pairs(struct pen *pen, const struct pair *pairs, size_t count)
{
    count = at_most(count, RECORD_FIELDS);
    put_number(pen, count);
    for (size_t i = 0; i < count; i++) {
        put_text(pen, pairs[i].name, FIELD_NAME_LONGEST);
        put_text(pen, pairs[i].value, FIELD_VALUE_LONGEST);
    }
}

/* A body, and whether it went on. */
static void put_body(struct pen *pen, struct span body, bool is_cut)
{
    size_t room = at_most(BODY_LONGEST, pen->text_left);
    put_number(pen, is_cut || body.len > room);
    put_text(pen, body, BODY_LONGEST);
}

static void put_waf_log(struct pen *pen, const struct report *report)
{
    size_t labels = at_most(report->waf_log.label_count, REPORT_LABELS);
    put_number(pen, labels);
    for (size_t i = 0; i < labels; i++)
        put_text(pen, report->waf_log.labels[i], LABEL_LONGEST);
    put_pairs(pen, report->waf_log.inserted,
              at_most(report->waf_log.inserted_count, REPORT_INSERTED));
}

static void put_audit(struct pen *pen, const struct report_audit *from)
{
    put_pairs(pen, from->response_fields, from->response_field_count);
    size_t files = at_most(from->file_count, RECORD_FILES);
    put_number(pen, files);
    for (size_t i = 0; i < files; i++) {
        put_number(pen, from->files[i].bytes);
        put_text(pen, from->files[i].field, FIELD_NAME_LONGEST);
        put_text(pen, from->files[i].name, FIELD_NAME_LONGEST);
    }
    AUDIT_TEXTS(PUT_TEXT)
    put_body(pen, from->request_body, from->request_is_cut);
    put_body(pen, from->response_body, from->response_is_cut);
}

/* Beyond the plain record: the request's head, what is audited, AWS WAF's log. */
static void put_heads(struct pen *pen, const struct report *report)
{
    put_number(pen, report->audit.wanted);
    if (!report->audit.wanted && !report->waf_log.wanted)
        return;
    pen->text_left = report->audit.wanted ? RECORD_AUDIT_TEXT_BYTES : RECORD_HEADS_TEXT_BYTES;
    put_pairs(pen, report->audit.request_fields, report->audit.request_field_count);
    if (report->waf_log.wanted)
        put_waf_log(pen, report);
    if (report->audit.wanted)
        put_audit(pen, &report->audit);
}

size_t record_room(const struct report *report)
{
    if (report->audit.wanted)
        return RECORD_LARGEST_BYTES;
    size_t heads = RECORD_AUDIT_FIXED_BYTES + RECORD_HEADS_TEXT_BYTES;
    return report->waf_log.wanted ? RECORD_BYTES + heads : RECORD_BYTES;
}

static void put_ids(struct pen *pen, const struct report *from)
{
    put_bytes(pen, from->trace_id, sizeof from->trace_id);
    put_bytes(pen, from->span_id, sizeof from->span_id);
    put_bytes(pen, from->parent_id, sizeof from->parent_id);
    put_bytes(pen, from->link_trace_id, sizeof from->link_trace_id);
    put_bytes(pen, from->link_span_id, sizeof from->link_span_id);
}

static void put_texts(struct pen *pen, const struct report *from)
{
    uint64_t flags = 0;
    unsigned row = 0;
    REPORT_FLAGS(PUT_FLAG)
    put_given(pen, flags, from, report_texts, COUNT(REPORT_TEXTS));
}

static void put_struck(struct pen *pen, const struct limit_struck *from)
{
    put_bytes(pen, &from->kind, sizeof from->kind);
    put_bytes(pen, &from->phase, sizeof from->phase);
    put_bytes(pen, &from->rule_id, sizeof from->rule_id);
    put_text(pen, from->target, TARGET_LONGEST);
}

size_t record_fold(const struct report *report, char *to)
{
    const struct report *from = report;
    struct pen pen_of_texts = {.text_left = RECORD_TEXT_BYTES}, *pen = &pen_of_texts;
    pen->at = to;
    put_number(pen, RECORD_VERSION);
    REPORT_NUMBERS(PUT_NUMBER)
    put_ids(pen, from);
    put_texts(pen, from);
    put_rare_texts(pen, from);
    put_bytes(pen, from->waf.limits, sizeof from->waf.limits);
    if (from->waf.is_struck)
        put_struck(pen, &from->waf.struck);
    put_attempts(pen, from);
    put_stages(pen, from);
    put_decisions(pen, from);
    put_authorizer(pen, from);
    size_t matches = at_most(from->waf.match_count, RECORD_MATCHES);
    put_number(pen, matches);
    for (size_t i = 0; i < matches; i++)
        put_match(pen, &from->waf.matches[i]);
    put_heads(pen, from);
    size_t size = (size_t)(pen->at - to);
    must(size <= record_room(report));
    return size;
}
