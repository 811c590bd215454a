/* SPDX-License-Identifier: Apache-2.0 */
/* What one finished exchange has to say. The worker fills it in `account`, counts it (metrics.h)
 * and folds it into a record (record.h) for the ring. All spans are borrowed until both have
 * returned. Times in microseconds. */
#ifndef SIDEGATE_EXPORTERS_REPORT_H
#define SIDEGATE_EXPORTERS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"
#include "rules/match/result.h"

enum execution_level { EXECUTION_OFF, EXECUTION_ERROR, EXECUTION_INFO };
enum waf_action { WAF_OFF, WAF_PASS, WAF_BLOCK, WAF_WOULD_BLOCK };

struct report_stage {
    struct span name;     /* of the stage table: static text */
    uint64_t start_us;    /* since the exchange began: where the stage before has ended */
    uint64_t duration_us; /* until the next stage began: they sum to the whole */
};

struct report_attempt {
    struct span address;                        /* "127.0.0.1:3000" */
    uint64_t start_us, duration_us, connect_us; /* connect 0: a reused connection */
    unsigned status;                            /* 0: no answer */
    struct span error; /* "connection_refused", "timeout"...; empty: none */
    uint8_t span_id[8];
    bool reused, tls;
};

enum {
    REPORT_ATTEMPTS = 4,
    REPORT_DECISIONS = 16,
    REPORT_MEMBERS = 16,
    REPORT_LABELS = 100,
    REPORT_INSERTED = 20,
};

/* The rule that a decision of the access list or of a web ACL comes from. Texts of type char are
 * static, and "" where there is nothing to say. */
struct report_waf_rule {
    const char *type;                   /* "REGULAR", "RATE_BASED", "GROUP", "MANAGED_RULE_GROUP" */
    struct span rule;                   /* that stands in the list */
    struct span group, inner;           /* of a group: which, and which of its rules; empty: none */
    const char *condition;              /* "SQL_INJECTION", "XSS", "" */
    const char *sensitivity, *location; /* "LOW"; "QUERY_STRING" */
    struct span field;                  /* the header's name */
    struct span data; /* what was found: pieces with a NUL between them, or what it was found in */
    const char *limit_key;           /* "IP", "FORWARDEDIP", "CUSTOMKEYS", "CONSTANT" */
    uint64_t limit, window_s, burst; /* of RATE_BASED; burst 0: the limit */
};

/* What a control came to, beside the rules. */
struct report_decision {
    const char *stage, *control, *word; /* "inspect_head", "access", "block": static text */
    struct span name, reason;           /* of the entry: "abroad", "country: [FR]" */
    const struct report_waf_rule *rule; /* NULL: nobody asked for it */
};

/* An uploaded file: the audit log's part J. */
struct report_file {
    struct span field, name; /* as the form says */
    uint64_t bytes;
};

/* What the audit log holds beyond the rest. Filled only where the transaction is relevant. */
struct report_audit {
    bool wanted;
    struct span parts;      /* letters, as SecAuditLogParts and ctl:auditLogParts came to */
    struct span components; /* SecComponentSignature */
    struct span web_app_id, sensor_id; /* SecWebAppId, SecSensorId */
    /* of the heads, in order; the request's also for waf_log */
    const struct pair *request_fields, *response_fields;
    size_t request_field_count, response_field_count;
    struct span request_body, response_body; /* what was inspected, as it came */
    bool body_has_secret;                    /* the request's, as far as rules looked at it */
    bool request_is_cut, response_is_cut;    /* the body went on */
    struct span fields_of_form;              /* part I: a form's values without its files */
    const struct report_file *files;
    size_t file_count;
    const struct pair *masked; /* what rules named as secret, variable and value: sanitise.h */
    size_t masked_count;
};

/* What rules could carry from where it stood into their texts: it is said by none, but what of it
 * is a secret is taken out of those (sanitise.h). */
struct report_brought {
    const struct pair *arguments, *cookies, *request_fields, *response_fields;
    size_t argument_count, cookie_count, request_field_count, response_field_count;
    struct span request_body, response_body; /* as far as rules looked at them */
    bool is_lost;                            /* there was no memory to say all of it */
};

struct report {
    /* who and when */
    uint64_t began_wall_us, duration_us;
    struct span request_id;
    uint8_t trace_id[16], span_id[8], parent_id[8]; /* parent all zero: a root */
    bool sampled;
    struct span trace_state;
    struct span sampling_rule; /* X-Ray's that decided; empty: none was asked */
    bool is_linked;            /* to a caller's trace that was not taken over */
    uint8_t link_trace_id[16], link_span_id[8];
    struct span client_address;
    unsigned client_port;
    bool geo_on; /* the next three were looked for; empty, 0: nobody knows */
    struct span client_country, client_region; /* ISO 3166: "DE", "DE-BY" */
    uint64_t client_asn;
    struct span peer_address; /* of the connection */
    unsigned peer_port;
    struct span listener, server_address;
    unsigned server_port;

    struct {
        struct span version, cipher;       /* "1.3", "TLS_AES_128_GCM_SHA256"; empty: no TLS */
        struct span server_name;           /* that the client asked for; empty: none */
        struct span client, client_issuer; /* subject and issuer of its verified certificate */
        struct span client_fingerprint;    /* SHA-256, hexadecimal */
        struct span client_serial;         /* hexadecimal */
        struct span client_not_before, client_not_after; /* "Aug  5 09:36:04 2021 GMT" */
        bool resumed;
    } tls; /* of the client's connection */

    /* what was asked; what did not parse is empty */
    struct span method, scheme, authority, target, path, query, protocol, user_agent, referer;
    struct span route;     /* the template; empty: none was found */
    struct span route_key; /* as it was written: "GET /orders/{id}", "$default" */

    /* what was answered */
    unsigned status;              /* 0: no answer left */
    uint64_t bytes_in, bytes_out; /* of bodies */
    struct span error;            /* low-cardinality word: "bad_request_line", "client_gone",
                                     "upstream_timeout", "waf_blocked"...; empty: none */
    struct span error_type, error_message; /* where that was answered in API Gateway's words:
                                              "ACCESS_DENIED", "Forbidden"; else empty */

    struct report_attempt attempts[REPORT_ATTEMPTS];
    size_t attempt_count;
    struct span upstream_request_id, upstream_extended_id; /* what a backend of AWS's calls it */
    unsigned resends;                                      /* attempts that were made, less one */

    const struct report_stage *stages;
    size_t stage_count;

    bool access_on; /* there is an access list, whether it decided or not */
    const struct report_decision *decisions;
    size_t decision_count;
    const struct span *metrics; /* by decision: the name that it is counted under; empty: none; at
                                   NULL, and NULL: its own. No record has it */

    /* Who was let in by whom; name empty: nobody was asked. */
    struct {
        struct span name, type, principal;
        const char *word;  /* "allow", "block", "would_block": static text */
        struct span cache; /* "hit", "miss", "shared" with another's call; empty: not kept */
        bool is_called;    /* somebody elsewhere was asked: */
        struct report_attempt call;
        const struct pair *members; /* of its context: those that the access log names */
        size_t member_count;
    } authorizer;

    struct { /* whose AWS signature it is; empty: nobody's */
        struct span account, user, arn, organization;
    } caller;

    struct span api_key_id, usage_plan; /* of a key that is known; empty: none was asked for */

    struct {
        enum waf_action action;
        enum rule_engine mode;
        int64_t score, outbound_score;
        const struct rule_match *matches;
        size_t match_count;
        const struct report_brought *brought; /* NULL: nothing; only where there are matches */
        struct span redirect_literals; /* of a verdict's, see there; for a report with `brought` */
        uint64_t decided_by;           /* the rule's id; 0: none */
        uint64_t cpu_ns;
        unsigned limits[LIMIT_KINDS];
        bool is_struck;             /* a limit was hit... */
        struct limit_struck struck; /* ...and here */
    } waf;
    struct { /* for AWS WAF's own log */
        bool wanted;
        bool sampled;        /* it is to be kept as a sample (sample_store.h); no record says so */
        struct span web_acl; /* of the first web ACL: its ARN or name; empty: there is none */
        const struct span *labels;
        size_t label_count;
        const struct pair *inserted; /* fields that rules added for the backend */
        size_t inserted_count;
        uint64_t inspected_bytes; /* of the request's body */
    } waf_log;
    struct { /* for the execution log */
        enum execution_level level;
        bool traces;          /* data_trace: the texts below the first */
        struct span identity; /* masked; empty: none came */
        struct span path, query, request_headers, request_body; /* "{id=7}" */
        struct span endpoint_headers, endpoint_answer_headers, answer_headers, answer_body;
    } execution;
    struct report_audit audit;
};

/* Of an exchange that is not over yet, for X-Ray alone: who, when and what was asked. Its error is
 * a word that no other has, so that nobody else's record is longer for it. */
#define REPORT_GOES_ON "in_progress"
static inline bool report_goes_on(const struct report *report)
{
    return report->status == 0 && span_is(report->error, SPAN(REPORT_GOES_ON));
}

#endif
