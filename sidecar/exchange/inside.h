/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of an exchange, for the driver and its stages alone. Fields are grouped by the stage
 * that fills them. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_INSIDE_H
#define SIDEGATE_SIDECAR_EXCHANGE_INSIDE_H

#include "exporters/sample_store.h"
#include "rules/base/buf.h"
#include "rules/base/uuid.h"
#include "rules/inspection.h"
#include "sidecar/config/route_rules.h"
#include "sidecar/exchange/authorizer.h"
#include "sidecar/exchange/decode.h"
#include "sidecar/exchange/exchange.h"
#include "sidecar/exchange/key.h"
#include "sidecar/exchange/pump.h"
#include "sidecar/exchange/trace.h"
#include "sidecar/guard/access.h"
#include "sidecar/guard/gateway_response.h"
#include "sidecar/http/target.h"

/* What a stage answers. */
enum step {
    STEP_NEXT,   /* go on to the following stage */
    STEP_WAIT,   /* something will wake the exchange: call this stage again then */
    STEP_ANSWER, /* our own answer is decided: skip to the stage that composes it */
    STEP_AGAIN,  /* go back to connect */
    STEP_END,    /* nothing more is to be sent: skip to account; from there: let go */
};

enum stage_id {
#define STAGE(id, name, run, wanted, waits, sentence) STAGE_##id,
#include "sidecar/exchange/stages.tbl"
#undef STAGE
    STAGE_COUNT,
};

struct stage {
    struct span name; /* terminated */
    enum step (*run)(struct exchange *x);
    bool (*wanted)(const struct exchange *x);
    const char *waits;
    const char *sentence;
};

#define STAGE(id, name, run, wanted, waits, sentence) enum step run(struct exchange *x);
#include "sidecar/exchange/stages.tbl"
#undef STAGE

enum {
    STAGE_VISITS = STAGE_COUNT + 8, /* rows walked, those of a second attempt included */
    SLICE_NS = 500000,              /* of an inspection, before the neighbours get their turn */
};

/* Our own answer, where the backend's is not used. */
struct own_answer {
    unsigned status;   /* 0: there is none; the backend's answer is composed */
    const char *error; /* the word that log, span and metrics show: static text */
    struct span location;
    unsigned retry_after_s;    /* 0: no Retry-After */
    const struct pair *fields; /* further ones, in the exchange's arena */
    size_t field_count;
    const struct gateway_response *gateway; /* its body is the answer's; NULL: a page of ours */
    struct span gateway_body;         /* instead of that response's own; at == NULL: its own */
    const struct guard_answer *whole; /* type, body and fields are these; NULL: they are not */
    bool close;                       /* the connection cannot go on */
};

struct authorizer_answer;
struct authorizer_call;

struct exchange {
    /* ---- life ---- */
    struct list link;   /* of surroundings.exchanges */
    struct list behind; /* of surroundings.behind */
    struct task task;
    struct surroundings *around;
    struct snapshot *snapshot;
    const struct settings *settings; /* of the snapshot */
    struct arena *arena;
    struct client *client; /* NULL once released */
    const struct connection_facts *facts;

    /* ---- the driver ---- */
    enum stage_id at;
    bool running; /* the driver is at work: a wake only marks */
    bool woken;
    bool head_left; /* the final head went to the client: no other answer is possible any more */
    bool entered;   /* the row has begun: its private state is set */
    struct report_stage visits[STAGE_VISITS];
    unsigned visit_count;
    struct timer row_clock, whole_clock, pump_clock;
    bool row_is_late, whole_is_late, pump_is_late;
    union { /* private to the row that runs; zeroed on entry */
        struct {
            bool asked;
        } gather;
        struct {
            bool continued; /* 100 was sent */
        } await;
        struct {
            bool shown; /* the body, to the rules */
        } inspect;
    } row;

    /* ---- read_head ---- */
    uint64_t began_us, began_wall_us;
    char request_id[UUID_LENGTH];
    struct exchange_trace trace;
    struct target target;
    struct span client_address;
    struct span path; /* canonical */
    unsigned path_doubts;
    bool peer_is_trusted;
    size_t active_place; /* among the surroundings' active ones */
    bool counted_in_flight;

    /* ---- select ---- */
    const struct route *route; /* NULL: none fits */

    /* ---- inspect_*: the access list and the rules ---- */
    struct asked asked; /* what guards see */
    struct asked_place place;
    struct asked_certificate certificate;
    size_t access_at;      /* the entry that is next */
    bool access_allows;    /* an entry let it pass: no rule is asked */
    bool access_waits;     /* for the body: the entry that is next wants to see it */
    bool rules_are_spared; /* access_allows, said when the rules had begun */
    struct asked_changes changes;
    struct decisions decisions;
    struct inspection *inspection; /* NULL: no rules look at it */
    struct arena *inspection_arena;
    struct buf prefix;             /* the request's body as far as it was gathered */
    struct body_decoding decoding; /* the same without its content codings: for rules */
    bool prefix_is_whole, prefix_is_cut, continue_sent;
    bool would_block;
    bool rules_failed; /* a limit stopped them; on_failure decided */

    /* ---- authenticate, authorize ---- */
    struct authorized authorizer;
    struct { /* the request's body, where a signature wants to see it: gather.h */
        struct sigv4_payload *payload; /* NULL: nobody asked for it */
        struct buf bytes;              /* all of it, where the prefix is not */
        bool is_awaited, is_whole, is_good;
        char hash[SHA256_HEX];
    } whole;
    struct {                              /* of an authorizer that is asked elsewhere */
        struct authorizer_call *call;     /* it waits for this one; NULL: for none */
        struct list link;                 /* of the call's, while there is one */
        bool is_asker;                    /* the call was its own */
        struct report_attempt attempt;    /* with is_asker */
        struct authorizer_answer *answer; /* what `authorizer` borrows from; NULL: nothing */
        const char *cache;                /* "hit", "miss", "shared"; NULL: answers are not kept */
    } remote;

    /* ---- key ---- */
    struct key_found usage; /* both NULL: none was asked for */

    /* ---- connect, send ---- */
    struct pool_ticket ticket;
    struct server *server;     /* NULL once released */
    struct pump upload;        /* the request's body */
    struct fields sent_fields; /* for the execution log; none: nobody wants them */
    struct report_attempt attempts[REPORT_ATTEMPTS];
    size_t attempt_count;
    unsigned resends;
    bool second_try; /* the stale connection was given up; only a new one will do */

    /* ---- await_answer, gather_answer ---- */
    struct buf answer_prefix;
    struct body_decoding answer_decoding;
    bool answer_is_gathered; /* for rules: they are shown answer_prefix */
    bool answer_prefix_is_whole, answer_prefix_is_cut;

    /* ---- compose, respond ---- */
    struct own_answer own;
    struct answer_head answer;
    struct span own_body;
    bool no_body;
    struct pump download; /* the answer's body */
    const char *error;    /* what went wrong, in a word; NULL: nothing */
    unsigned sent_status; /* 0: no head left */
    bool answer_is_whole;
};

/* ---- driver.c ---- */

/* Wakes it: from peers, pools and timers. Runs at the end of this turn. */
void exchange_wake(void *exchange);
/* Decides our own answer; returned by a stage as `return answer_with(x, 503, "overloaded")`. */
enum step answer_with(struct exchange *x, unsigned status, const char *error);
/* The same in API Gateway's words. */
enum step answer_gateway(struct exchange *x, enum gateway_response_type type, const char *error);
/* Arms the row's clock; `row_is_late` is set when it fires. */
void row_clock_arm(struct exchange *x, uint64_t for_us);

static inline struct route_choice route_choice_of(const struct exchange *x)
{
    return (struct route_choice){x->route, x->path, x->path_doubts != 0};
}

/* ---- let_go.c ---- */

/* Lets go of everything that the exchange holds, and of itself. */
void exchange_let_go(struct exchange *x);
/* Gives the connection to the backend back or up. */
void exchange_release_server(struct exchange *x);

/* ---- identity.c ---- */

uint64_t random_next(uint64_t state[4]);
void random_bytes(uint64_t state[4], uint8_t *to, size_t len);
void request_id_write(uint64_t state[4], char to[UUID_LENGTH]);
/* Puts an exchange with more inspection to do behind the others. */
void behind_add(struct exchange *x);

/* ---- access.c ---- */

/* Walks the access list up to the rules, or behind them to its end. NEXT: nobody minds. */
enum step access_before_rules(struct exchange *x);
/* Goes on where the list waited for the body. */
enum step access_with_body(struct exchange *x);
/* What web ACLs insert for the backend, and nothing that a client says under these names. */
void access_tell(const struct exchange *x, struct fields *fields);
/* How much of the body the rest of the list may ask for; 0: nothing. */
uint64_t access_body_bytes(const struct exchange *x);
enum step access_behind_rules(struct exchange *x);
/* What guards see, filled in by the first row that asks; its clock is that of this turn. */
const struct asked *asked_of(struct exchange *x);

/* ---- authenticate.c ---- */

/* authenticate_introspection.c: the row, where a token's issuer is asked about it. */
enum step authenticate_by_introspection(struct exchange *x);
/* What a type of authorizer is asked of this request, now. */
struct authorizer_question authorizer_question_of(struct exchange *x);
/* Who is not let in by the authorizer: the decision, and the answer in API Gateway's words; in
 * detection_only NEXT. */
enum step authorizer_refuse(struct exchange *x, const struct authorizer_refusal *refusal);

struct policies_refusal;
/* policy.c: who is not let in by a policy is told in API Gateway's words. */
enum step policy_refuse(struct exchange *x, const struct policies_refusal *refusal);

/* What the backend is told of who it is; fields of these names that a client made up go, whatever
 * the route. */
void authorizer_tell(struct exchange *x, struct fields *fields);

/* ---- authorizer.c, authorizer_call.c ---- */

/* What the report says of the call to an authorizer elsewhere. */
void authorizer_say(struct exchange *x, struct report *report);
/* Gives up all that are under way. */
void authorizer_calls_abort(struct surroundings *around);

/* ---- key.c ---- */

/* What the backend is not shown. */
void key_hide(const struct exchange *x, struct fields *fields);

/* ---- usage_plan.c ---- */

/* The throttles of the key's usage plan, the route's own first; the first that refuses decides. */
enum step plan_throttle(struct exchange *x);
/* Its quota, after all else that could refuse: who was throttled has used nothing. */
enum step plan_quota(struct exchange *x);

/* ---- throttle.c ---- */

/* Who came too often is told when to come again: sets the fields of our own answer. */
void tell_rate(struct exchange *x, const struct decision *decision);
void tell_fields(struct exchange *x, const struct rate_told *told);

/* ---- audit.c ---- */

/* Adds what the audit log wants to know, and takes out of the report what rules named as secret. */
void audit_say(const struct exchange *x, struct report *report);
/* Secrets alone are taken out of what the report has by now; its spans then borrow from the arena.
 */
void audit_hide(const struct exchange *x, struct report *report, struct arena *arena);

/* ---- execution.c: the execution log ---- */

/* Where bodies are traced: the pump shows its first bytes; what was sent to the backend is kept. */
void execution_tap(struct exchange *x, struct pump *pump);
void execution_keep_sent(struct exchange *x, const struct fields *sent);
/* How much is to be said. Then, where it is traced, bodies and the answer's head: they are cleaned
 * like the audit log's; and at last what is said of them. */
void execution_say(const struct exchange *x, struct report *report);
void execution_say_bodies(const struct exchange *x, struct report_audit *to);
void execution_say_data(const struct exchange *x, struct report *report);

/* ---- waf_log.c ---- */

/* Adds what AWS WAF's log wants to know of the decisions, where there is one and its filters keep
 * this request; `rules` has a place for each decision. */
void waf_log_say(const struct exchange *x, struct report *report, struct report_decision *decisions,
                 struct report_waf_rule *rules);

/* What rules of web ACLs found, in pieces, as AWS has it: matchedData. Of what audit_say() has left
 * of it: where a secret was taken out, it may stand as a whole. */
void waf_log_split(const struct exchange *x, struct report *report);

/* ---- sample.c ---- */

/* Rules that keep this request as a sample. */
enum { SAMPLING_MOST = 16 };
struct sampling {
    struct asked_sample at[SAMPLING_MOST];
    struct sample_place places[SAMPLING_MOST];
    size_t count;
};
/* Counts the request for each rule whose requests are sampled; report->waf_log.sampled says whether
 * any of them is to keep it: then heads and secrets are wanted. */
void sample_say(const struct exchange *x, struct report *report, struct sampling *sampling);
/* Keeps it, once the report is whole; a record folded afterwards is the same. */
void sample_keep(const struct exchange *x, struct report *report, const struct sampling *sampling);

/* ---- page.c ---- */

/* The body of our own answers, in HTML, JSON or plain text by Accept; *type is its media type. */
struct span page_write(struct exchange *x, unsigned status, struct span *type);

#endif
