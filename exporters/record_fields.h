/* SPDX-License-Identifier: Apache-2.0 */
/* The lists that folding and reading walk in the same order: they are the format. A change of them
 * is a change of RECORD_VERSION. */
#ifndef SIDEGATE_EXPORTERS_RECORD_FIELDS_H
#define SIDEGATE_EXPORTERS_RECORD_FIELDS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/record.h"

/* NUMBER(member): as many bytes as the member has */
#define REPORT_NUMBERS(NUMBER)      \
    NUMBER(began_wall_us)           \
    NUMBER(duration_us)             \
    NUMBER(client_port)             \
    NUMBER(peer_port)               \
    NUMBER(server_port)             \
    NUMBER(status)                  \
    NUMBER(client_asn)              \
    NUMBER(bytes_in)                \
    NUMBER(bytes_out)               \
    NUMBER(resends)                 \
    NUMBER(waf.action)              \
    NUMBER(waf.mode)                \
    NUMBER(waf.score)               \
    NUMBER(waf.outbound_score)      \
    NUMBER(waf.decided_by)          \
    NUMBER(waf.cpu_ns)              \
    NUMBER(waf_log.inspected_bytes) \
    NUMBER(execution.level)

/* FLAG(member): a bit of what is given */
#define REPORT_FLAGS(FLAG) \
    FLAG(sampled)          \
    FLAG(is_linked)        \
    FLAG(geo_on)           \
    FLAG(tls.resumed)      \
    FLAG(waf.is_struck)    \
    FLAG(waf_log.wanted)   \
    FLAG(execution.traces)

/* TEXT(member, longest): those that are empty are one bit */
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
    TEXT(api_key_id, 256)            \
    TEXT(usage_plan, 256)            \
    TEXT(path, 8192)                 \
    TEXT(query, 8192)                \
    TEXT(target, 8192)               \
    TEXT(user_agent, 2048)           \
    TEXT(referer, 2048)

/* Likewise; most requests have none of them, and none of them is looked at then. */
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
    NUMBER(status)

#define ATTEMPT_FLAGS(FLAG) \
    FLAG(reused)            \
    FLAG(tls)

#define ATTEMPT_TEXTS(TEXT) \
    TEXT(address, 256)      \
    TEXT(error, 64)

#define MATCH_NUMBERS(NUMBER) \
    NUMBER(rule_id)           \
    NUMBER(phase)             \
    NUMBER(line)              \
    NUMBER(severity)          \
    NUMBER(maturity)          \
    NUMBER(accuracy)

#define MATCH_FLAGS(FLAG) \
    FLAG(negated)         \
    FLAG(disruptive)      \
    FLAG(audit)           \
    FLAG(audit_only)

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
    STAGE_NAME_BITS = 8, /* a stage's length of its name, below what it took */
    TARGET_LONGEST = 256,
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

/* Lists of texts as tables: a loop over them is a tenth of the code, which is seldom in a cache
 * when a request ends. */
struct text_row {
    uint32_t member, longest; /* where in the struct */
};
#define REPORT_ROW(member, longest)  {offsetof(struct report, member), longest},
#define ATTEMPT_ROW(member, longest) {offsetof(struct report_attempt, member), longest},
#define MATCH_ROW(member, longest)   {offsetof(struct rule_match, member), longest},
static const struct text_row report_texts[] = {REPORT_TEXTS(REPORT_ROW)};
static const struct text_row rare_texts[] = {RARE_TEXTS(REPORT_ROW)};
static const struct text_row attempt_texts[] = {ATTEMPT_TEXTS(ATTEMPT_ROW)};
static const struct text_row match_texts[] = {MATCH_TEXTS(MATCH_ROW)};
#undef REPORT_ROW
#undef ATTEMPT_ROW
#undef MATCH_ROW

/* The bits of what is given: those of texts from the lowest on, flags above them. */
enum { FLAGS_FROM = 32, GIVEN_MOST = 64 };
static_assert(COUNT(REPORT_TEXTS) <= FLAGS_FROM && COUNT(RARE_TEXTS) <= FLAGS_FROM &&
                  COUNT(REPORT_FLAGS) <= GIVEN_MOST - FLAGS_FROM,
              "a bit for each");
static_assert(NAME_LONGEST < 1 << STAGE_NAME_BITS, "a stage's number has room for it");
enum {
    IDS_BYTES = 16 + 8 + 8 + 16 + 8,
    GIVEN_BYTES = 8,
    REPORT_BYTES = 8 * COUNT(REPORT_NUMBERS) + IDS_BYTES + GIVEN_BYTES +
                   TEXT_OVERHEAD * COUNT(REPORT_TEXTS) + GIVEN_BYTES +
                   TEXT_OVERHEAD * COUNT(RARE_TEXTS),
    STRUCK_BYTES = 3 * 8 + TEXT_OVERHEAD,
    ATTEMPT_BYTES =
        8 * COUNT(ATTEMPT_NUMBERS) + 8 + GIVEN_BYTES + TEXT_OVERHEAD * COUNT(ATTEMPT_TEXTS),
    STAGE_BYTES = 8 + 1,
    DECISION_BYTES = 32 + TEXT_OVERHEAD * (5 + COUNT(WAF_RULE_WORDS) + COUNT(WAF_RULE_TEXTS)),
    AUTHORIZER_BYTES = 3 * 8 + (5 + 2 * REPORT_MEMBERS) * TEXT_OVERHEAD,
    MATCH_BYTES = 8 * COUNT(MATCH_NUMBERS) + 8 + GIVEN_BYTES +
                  TEXT_OVERHEAD * (COUNT(MATCH_TEXTS) + 1 + RECORD_TAGS),
};
static_assert(8 * (6 + LIMIT_KINDS) + REPORT_BYTES + STRUCK_BYTES +
                      (REPORT_ATTEMPTS + 1) * ATTEMPT_BYTES + AUTHORIZER_BYTES +
                      RECORD_STAGES * STAGE_BYTES + REPORT_DECISIONS * DECISION_BYTES +
                      RECORD_MATCHES * MATCH_BYTES <=
                  RECORD_FIXED_BYTES,
              "whatever the texts are, numbers and lengths have their room");
static_assert((size_t)8 * (7 + BODIES) +
                      (size_t)TEXT_OVERHEAD *
                          (COUNT(AUDIT_TEXTS) + BODIES + (size_t)4 * RECORD_FIELDS + REPORT_LABELS +
                           (size_t)2 * REPORT_INSERTED) +
                      (size_t)(8 + 2 * TEXT_OVERHEAD) * RECORD_FILES <=
                  RECORD_AUDIT_FIXED_BYTES,
              "so have those of the audited part");

#endif
