/* SPDX-License-Identifier: Apache-2.0 */
/* Folding and reading walk the same lists in the same order: the lists are the format. A change of
 * them is a change of RECORD_VERSION. */
#include "exporters/record.h"

#include <assert.h>
#include <string.h>

#include "rules/base/must.h"

/* NUMBER(member) */
#define REPORT_NUMBERS(NUMBER)      \
    NUMBER(began_wall_us)           \
    NUMBER(duration_us)             \
    NUMBER(sampled)                 \
    NUMBER(is_linked)               \
    NUMBER(client_port)             \
    NUMBER(peer_port)               \
    NUMBER(server_port)             \
    NUMBER(status)                  \
    NUMBER(geo_on)                  \
    NUMBER(client_asn)              \
    NUMBER(bytes_in)                \
    NUMBER(bytes_out)               \
    NUMBER(resends)                 \
    NUMBER(tls.resumed)             \
    NUMBER(waf.action)              \
    NUMBER(waf.mode)                \
    NUMBER(waf.score)               \
    NUMBER(waf.outbound_score)      \
    NUMBER(waf.decided_by)          \
    NUMBER(waf.cpu_ns)              \
    NUMBER(waf.is_struck)           \
    NUMBER(waf.struck.kind)         \
    NUMBER(waf.struck.phase)        \
    NUMBER(waf.struck.rule_id)      \
    NUMBER(waf_log.wanted)          \
    NUMBER(waf_log.inspected_bytes) \
    NUMBER(execution.level)         \
    NUMBER(execution.traces)

/* TEXT(member, longest) */
#define REPORT_TEXTS(TEXT)           \
    TEXT(request_id, 256)            \
    TEXT(trace_state, 1024)          \
    TEXT(client_address, 256)        \
    TEXT(client_country, 8)          \
    TEXT(client_region, 16)          \
    TEXT(peer_address, 256)          \
    TEXT(listener, 256)              \
    TEXT(server_address, 512)        \
    TEXT(method, 256)                \
    TEXT(scheme, 32)                 \
    TEXT(authority, 512)             \
    TEXT(route, 1024)                \
    TEXT(error, 64)                  \
    TEXT(protocol, 32)               \
    TEXT(tls.version, 16)            \
    TEXT(tls.cipher, 64)             \
    TEXT(tls.server_name, 256)       \
    TEXT(tls.client, 512)            \
    TEXT(tls.client_issuer, 512)     \
    TEXT(tls.client_fingerprint, 64) \
    TEXT(route_key, 1024)            \
    TEXT(waf.struck.target, 256)     \
    TEXT(path, 8192)                 \
    TEXT(query, 8192)                \
    TEXT(target, 8192)               \
    TEXT(user_agent, 2048)           \
    TEXT(referer, 2048)

/* Likewise; most requests have none of them, and then one number says so. */
#define RARE_TEXTS(TEXT)                          \
    TEXT(tls.client_serial, 64)                   \
    TEXT(tls.client_not_before, 32)               \
    TEXT(tls.client_not_after, 32)                \
    TEXT(sampling_rule, 64)                       \
    TEXT(error_type, 64)                          \
    TEXT(error_message, 256)                      \
    TEXT(upstream_request_id, 256)                \
    TEXT(upstream_extended_id, 256)               \
    TEXT(caller.account, 32)                      \
    TEXT(caller.user, 256)                        \
    TEXT(caller.arn, 512)                         \
    TEXT(caller.organization, 64)                 \
    TEXT(waf_log.web_acl, 256)                    \
    TEXT(execution.identity, 1100)                \
    TEXT(execution.path, 1100)                    \
    TEXT(execution.query, 1100)                   \
    TEXT(execution.request_headers, 1100)         \
    TEXT(execution.request_body, 1100)            \
    TEXT(execution.endpoint_headers, 1100)        \
    TEXT(execution.endpoint_answer_headers, 1100) \
    TEXT(execution.answer_headers, 1100)          \
    TEXT(execution.answer_body, 1100)

/* Static texts of a rule of the access list. */
#define WAF_RULE_WORDS(TEXT) \
    TEXT(type, 32)           \
    TEXT(condition, 32)      \
    TEXT(sensitivity, 16)    \
    TEXT(location, 32)       \
    TEXT(limit_key, 32)

#define WAF_RULE_TEXTS(TEXT) \
    TEXT(rule, 128)          \
    TEXT(group, 256)         \
    TEXT(inner, 128)         \
    TEXT(field, 64)          \
    TEXT(data, 256)

#define ATTEMPT_NUMBERS(NUMBER) \
    NUMBER(start_us)            \
    NUMBER(duration_us)         \
    NUMBER(connect_us)          \
    NUMBER(status)              \
    NUMBER(reused)              \
    NUMBER(tls)

#define ATTEMPT_TEXTS(TEXT) \
    TEXT(address, 256)      \
    TEXT(error, 64)

#define MATCH_NUMBERS(NUMBER) \
    NUMBER(rule_id)           \
    NUMBER(phase)             \
    NUMBER(line)              \
    NUMBER(negated)           \
    NUMBER(severity)          \
    NUMBER(maturity)          \
    NUMBER(accuracy)          \
    NUMBER(disruptive)        \
    NUMBER(audit)             \
    NUMBER(audit_only)

#define MATCH_TEXTS(TEXT)        \
    TEXT(message, 1024)          \
    TEXT(data, 512)              \
    TEXT(variable_name, 256)     \
    TEXT(variable_value, 512)    \
    TEXT(operator_text, 64)      \
    TEXT(operator_argument, 256) \
    TEXT(revision, 64)           \
    TEXT(version, 64)

/* TEXT(member, longest): bodies last, so that they never crowd out a head */
#define AUDIT_TEXTS(TEXT) \
    TEXT(parts, 64)       \
    TEXT(components, 512) \
    TEXT(web_app_id, 256) \
    TEXT(sensor_id, 256)  \
    TEXT(fields_of_form, 65536)

enum {
    TEXT_OVERHEAD = sizeof(uint32_t) + 1,
    NAME_LONGEST = 64,
    DECISION_LONGEST = 256,
    FILE_LONGEST = 512,
    MEMBER_LONGEST = 1024,
    TAG_LONGEST = 128,
    LABEL_LONGEST = 512,
    FIELD_NAME_LONGEST = 512,
    FIELD_VALUE_LONGEST = 8192,
    BODY_LONGEST = 131072,
    BODIES = 2,
};

/* How many rows a list has. */
#define ONE(...)    0,
#define COUNT(rows) (sizeof((char[]){rows(ONE)}))
enum {
    REPORT_BYTES = 8 * COUNT(REPORT_NUMBERS) + 32 + TEXT_OVERHEAD * COUNT(REPORT_TEXTS) + 8 +
                   TEXT_OVERHEAD * COUNT(RARE_TEXTS),
    ATTEMPT_BYTES = 8 * COUNT(ATTEMPT_NUMBERS) + 8 + TEXT_OVERHEAD * COUNT(ATTEMPT_TEXTS),
    STAGE_BYTES = 8 * 2 + TEXT_OVERHEAD,
    DECISION_BYTES = 32 + TEXT_OVERHEAD * (5 + COUNT(WAF_RULE_WORDS) + COUNT(WAF_RULE_TEXTS)),
    MATCH_BYTES =
        8 * COUNT(MATCH_NUMBERS) + 8 + TEXT_OVERHEAD * (COUNT(MATCH_TEXTS) + 1 + RECORD_TAGS),
};
static_assert(8 * (6 + LIMIT_KINDS) + REPORT_BYTES + (REPORT_ATTEMPTS + 1) * ATTEMPT_BYTES + 8 +
                      (7 + 2 * REPORT_MEMBERS) * TEXT_OVERHEAD + RECORD_STAGES * STAGE_BYTES +
                      REPORT_DECISIONS * DECISION_BYTES + RECORD_MATCHES * MATCH_BYTES <=
                  RECORD_FIXED_BYTES,
              "whatever the texts are, numbers and lengths have their room");
static_assert((size_t)8 * (7 + BODIES) +
                      (size_t)TEXT_OVERHEAD *
                          (COUNT(AUDIT_TEXTS) + BODIES + (size_t)4 * RECORD_FIELDS + REPORT_LABELS +
                           (size_t)2 * REPORT_INSERTED) +
                      (size_t)(8 + 2 * TEXT_OVERHEAD) * RECORD_FILES <=
                  RECORD_AUDIT_FIXED_BYTES,
              "so have those of the audited part");

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

static inline void put_text(struct pen *pen, struct span text, size_t longest)
{
    text = span_first(text, longest < pen->text_left ? longest : pen->text_left);
    pen->text_left -= text.len;
    uint32_t len = (uint32_t)text.len;
    put_bytes(pen, &len, sizeof len);
    if (text.len > 0)
        put_bytes(pen, text.at, text.len);
    *pen->at++ = '\0';
}

static inline size_t at_most(size_t count, size_t most)
{
    return count < most ? count : most;
}

#define PUT_NUMBER(member)         put_number(pen, (uint64_t)from->member);
#define PUT_TEXT(member, longest)  put_text(pen, from->member, longest);

#define OR_LENGTH(member, longest) | from->member.len

static void put_rare_texts(struct pen *pen, const struct report *from)
{
    bool has_any = (0 RARE_TEXTS(OR_LENGTH)) != 0;
    put_number(pen, has_any);
    if (!has_any)
        return;
    RARE_TEXTS(PUT_TEXT)
}

static void put_attempt(struct pen *pen, const struct report_attempt *from)
{
    ATTEMPT_NUMBERS(PUT_NUMBER)
    ATTEMPT_TEXTS(PUT_TEXT)
    put_bytes(pen, from->span_id, sizeof from->span_id);
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
    for (size_t i = 0; i < count; i++) {
        put_number(pen, report->stages[i].start_us);
        put_number(pen, report->stages[i].duration_us);
        put_text(pen, span_text(report->stages[i].name), NAME_LONGEST);
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
    put_text(pen, report->authorizer.name, DECISION_LONGEST);
    put_text(pen, report->authorizer.type, NAME_LONGEST);
    put_text(pen, report->authorizer.principal, DECISION_LONGEST);
    put_text(pen, span_text(report->authorizer.word), NAME_LONGEST);
    put_text(pen, report->authorizer.cache, NAME_LONGEST);
    put_number(pen, report->authorizer.is_called);
    put_attempt(pen, &report->authorizer.call);
    size_t members = at_most(report->authorizer.member_count, REPORT_MEMBERS);
    put_number(pen, members);
    for (size_t i = 0; i < members; i++) {
        put_text(pen, report->authorizer.members[i].name, DECISION_LONGEST);
        put_text(pen, report->authorizer.members[i].value, MEMBER_LONGEST);
    }
    put_text(pen, report->api_key_id, DECISION_LONGEST);
    put_text(pen, report->usage_plan, DECISION_LONGEST);
}

static void put_match(struct pen *pen, const struct rule_match *from)
{
    MATCH_NUMBERS(PUT_NUMBER)
    MATCH_TEXTS(PUT_TEXT)
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

size_t record_fold(const struct report *report, char *to)
{
    const struct report *from = report;
    struct pen pen_of_texts = {.text_left = RECORD_TEXT_BYTES}, *pen = &pen_of_texts;
    pen->at = to;
    put_number(pen, RECORD_VERSION);
    REPORT_NUMBERS(PUT_NUMBER)
    put_bytes(pen, from->trace_id, sizeof from->trace_id);
    put_bytes(pen, from->span_id, sizeof from->span_id);
    put_bytes(pen, from->parent_id, sizeof from->parent_id);
    put_bytes(pen, from->link_trace_id, sizeof from->link_trace_id);
    put_bytes(pen, from->link_span_id, sizeof from->link_span_id);
    REPORT_TEXTS(PUT_TEXT)
    put_rare_texts(pen, from);
    for (size_t i = 0; i < LIMIT_KINDS; i++)
        put_number(pen, from->waf.limits[i]);
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

/* The reader trusts nothing: a record may come from a child that died badly. `broken` is sticky. */
struct eye {
    struct span rest;
    bool broken;
};

static void take_bytes(struct eye *eye, void *to, size_t len)
{
    if (eye->rest.len < len) {
        eye->broken = true;
        memset(to, 0, len);
        return;
    }
    memcpy(to, eye->rest.at, len);
    eye->rest = span_from(eye->rest, len);
}

static uint64_t take_number(struct eye *eye)
{
    uint64_t number;
    take_bytes(eye, &number, sizeof number);
    return number;
}

static size_t take_count(struct eye *eye, size_t most)
{
    uint64_t count = take_number(eye);
    eye->broken |= count > most;
    return eye->broken ? 0 : (size_t)count;
}

static struct span take_text(struct eye *eye)
{
    uint32_t len;
    take_bytes(eye, &len, sizeof len);
    if (eye->broken || eye->rest.len <= len || eye->rest.at[len] != '\0') {
        eye->broken = true;
        return SPAN("");
    }
    struct span text = span_first(eye->rest, len);
    eye->rest = span_from(eye->rest, (size_t)len + 1);
    return text;
}

#define TAKE_NUMBER(member)           to->member = (__typeof__(to->member))take_number(eye);
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
    struct eye eye_of_bytes = {bytes, false}, *eye = &eye_of_bytes;
    struct report *to = &view->report;
    if (take_number(eye) != RECORD_VERSION)
        return false;
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
    return !eye->broken && eye->rest.len == 0 && to->waf.action <= WAF_WOULD_BLOCK &&
           to->waf.mode <= ENGINE_ON && to->waf.struck.kind < LIMIT_KINDS &&
           to->execution.level <= EXECUTION_INFO;
}
