/* SPDX-License-Identifier: Apache-2.0 */
/* One transaction through the rules.
 *
 *   inspection_begin -> set_client, set_request -> run(1) -> request_body... -> run(2)
 *                    -> set_response -> run(3) -> response_body... -> run(4) -> run(5) ->
 * inspection_end
 *
 * Everything given stays borrowed until inspection_end: the caller keeps heads and bodies where
 * they are. What the inspection itself needs lies in the arena it is given. An inspection belongs
 * to one thread at a time. */
#ifndef SIDEGATE_RULES_INSPECTION_H
#define SIDEGATE_RULES_INSPECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"
#include "rules/match/lookup.h"
#include "rules/match/pattern.h"
#include "rules/match/result.h"
#include "rules/watch.h"

struct ruleset;
struct inspection;

/* What rules cannot know by themselves. Every function may be called on the thread that runs the
 * inspection. */
struct inspection_world {
    uint64_t (*wall_us)(void *context); /* microseconds since 1970 */
    uint64_t (*cpu_ns)(void *context);  /* a clock that the budget is measured with */
    /* Persistent collections (IP, GLOBAL, SESSION, USER, RESOURCE), by collection name and key: get
     * copies the value into `arena` (false: absent); set with value.at == NULL removes. Of a
     * collection and key to which nothing is written for `timeout_s` (0: the store's own) all is
     * forgotten; expire bounds one variable, whatever is written later. NULL functions: every
     * collection is empty and forgets. */
    bool (*store_get)(void *context, struct span collection, struct span key, struct span name,
                      struct arena *arena, struct span *value);
    void (*store_set)(void *context, struct span collection, struct span key, struct span name,
                      struct span value, uint64_t timeout_s);
    void (*store_expire)(void *context, struct span collection, struct span key, struct span name,
                         uint64_t seconds);
    /* Calls found() for each variable of that collection and key; what it is given is good until it
     * returns. NULL: they cannot be listed. */
    void (*store_each)(void *context, struct span collection, struct span key,
                       void (*found)(void *to, struct span name, struct span value), void *to);
    /* Whom @rbl asks, with its own context; the key is the ruleset's. */
    struct lookups lookups;
    /* Told what happens, in order; what it is shown is good until it returns. NULL: nobody looks.
     */
    void (*watch)(void *context, const struct watched_event *event);
    void *context;
    struct scratch *scratch; /* the worker's */
    /* What ENV holds besides what rules set there: the process's environment. Of it logs see what a
     * rule asks for by name, or all where one asks for all. */
    const struct pair *environment;
    size_t environment_count;
};

struct inspection_client {
    struct span address; /* as text */
    unsigned port;
    struct span server_address;
    unsigned server_port;
    struct span request_id;
};

struct inspection_request {
    struct span line; /* the request line as it came, without its end */
    struct span method;
    struct span target;        /* as it came */
    struct span protocol;      /* "HTTP/1.1" */
    const struct pair *fields; /* as they came, in order, names in the client's case; Host from
                                  :authority included */
    size_t field_count;
};

struct inspection_response {
    unsigned status;
    struct span protocol;
    struct span status_line;
    const struct pair *fields;
    size_t field_count;
};

/* What the settings (YAML over SecLang) came to; borrowed. */
struct inspection_options {
    enum rule_engine engine;
    bool request_body_access, response_body_access;
    uint64_t request_body_limit, response_body_limit; /* bytes inspected */
    const struct span *response_body_types;
    size_t response_body_type_count;
    enum audit_engine audit_engine;
    struct span audit_parts;
};
/* What the ruleset's own directives say. */
struct inspection_options inspection_options_of(const struct ruleset *ruleset);

/* NULL: the arena is full. `options` is copied. */
struct inspection *inspection_begin(const struct ruleset *ruleset,
                                    const struct inspection_options *options,
                                    const struct inspection_world *world, struct arena *arena);
void inspection_end(struct inspection *tx); /* NULL allowed */

void inspection_set_client(struct inspection *tx, const struct inspection_client *client);
void inspection_set_request(struct inspection *tx, const struct inspection_request *request);
/* A variable of TX that rules find already set; before the first phase. Both are borrowed. */
void inspection_set_tx(struct inspection *tx, struct span name, struct span value);
/* After phase 1: does any rule, or the audit log, still want the body? False lets it pass
 * uninspected (access off, engine off, allow). */
bool inspection_wants_request_body(const struct inspection *tx);
/* In order, any number of times. Bytes beyond the limit are counted, not kept. */
void inspection_request_body(struct inspection *tx, struct span bytes);
/* The end; `cut`: there was more than the limit, and it was not read (INBOUND_DATA_ERROR). */
void inspection_request_body_end(struct inspection *tx, bool cut);

void inspection_set_response(struct inspection *tx, const struct inspection_response *response);
/* By engine, access and media type; asked after phase 3. */
bool inspection_wants_response_body(const struct inspection *tx);
void inspection_response_body(struct inspection *tx, struct span bytes);
void inspection_response_body_end(struct inspection *tx, bool cut);

enum inspection_step {
    INSPECTION_DONE,  /* the phase is over, or a rule decided: ask for the verdict */
    INSPECTION_MORE,  /* the slice is used up: call again with the same phase */
    INSPECTION_LIMIT, /* memory or a rule limit stopped it: the caller's on_failure policy decides
                       */
};
/* Runs a phase for about `budget_ns` (0: to its end). Its place (step, link, target, value) is kept
 * over MORE. Phases run once and in order; one that was left out (an early refusal) is simply not
 * run; 5 may always run. */
enum inspection_step inspection_run(struct inspection *tx, enum rule_phase phase,
                                    uint64_t budget_ns);

/* The decision so far. Stays PASS while no disruptive rule matched. Phase 5 never changes it. */
struct verdict inspection_verdict(const struct inspection *tx);
/* What the options said, or ctl:ruleEngine since. */
enum rule_engine inspection_engine(const struct inspection *tx);
/* The matches so far that some log speaks of, in order. What a sanitise... action named stands
 * there as stars. */
const struct rule_match *inspection_matches(struct inspection *tx, size_t *count);
/* The texts that no log may show, and the variables that held them ("ARGS:password"; at == NULL:
 * only the text is known). A text at NULL: the name alone is known, for the body was not read, or
 * not whole. After inspection_matches(). */
size_t inspection_secret_count(const struct inspection *tx);
struct span inspection_secret(const struct inspection *tx, size_t i);
struct span inspection_secret_name(const struct inspection *tx, size_t i);
/* What the request brought under names, as rules see it: its arguments and its cookies. False:
 * there was no memory for them. */
bool inspection_arguments(struct inspection *tx, const struct pair **at, size_t *count);
bool inspection_cookies(struct inspection *tx, const struct pair **at, size_t *count);
/* There was no memory to note all of them: nothing that the client sent may be logged then. */
bool inspection_secrets_are_lost(const struct inspection *tx);
/* The inbound and outbound anomaly scores that CRS 3 and 4 keep in TX; 0 where there are none. */
int64_t inspection_score(const struct inspection *tx, bool outbound);
/* How often a limit was hit. */
unsigned inspection_limits(const struct inspection *tx, enum limit_kind kind);
/* Where the limit struck that there is to tell; NULL: none was hit. */
const struct limit_struck *inspection_struck(const struct inspection *tx);
/* The caller's budget ran out: counted as LIMIT_CPU_BUDGET where the rules stand. */
void inspection_exhausted(struct inspection *tx);
/* CPU spent so far: on phases, on taking bodies apart, and what inspection_spend() added. */
uint64_t inspection_cpu_ns(const struct inspection *tx);
/* Counts time that the caller took for it: undoing codings. */
void inspection_spend(struct inspection *tx, uint64_t ns);
/* What SecAuditEngine and ctl:auditEngine, ctl:auditLogParts came to for this transaction. Neither
 * `never` nor `always`: where a match has `audit`, or the answer's status is relevant. */
struct inspection_audit {
    bool never, always;
    struct span parts;
};
struct inspection_audit inspection_audit(const struct inspection *tx);
/* A TX variable's value, for explain and tests; empty at == NULL: unset. */
struct span inspection_tx(const struct inspection *tx, struct span name);

#endif
