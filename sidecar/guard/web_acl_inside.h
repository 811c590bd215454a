/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a web ACL: what reading makes and asking goes by. For web_acl*.c alone.
 *
 *   web_acl -- rules, by priority -- statement -- parts
 *                    |                   `------- group -- rules, with the overrides of this place
 *                    `-- action: allow, block (answer), count; labels
 */
#ifndef SIDEGATE_SIDECAR_GUARD_WEB_ACL_INSIDE_H
#define SIDEGATE_SIDECAR_GUARD_WEB_ACL_INSIDE_H

#include "rules/base/arena.h"
#include "rules/base/buf.h"
#include "sidecar/guard/web_acl.h"

struct networks;
struct pattern;
struct scratch;
struct transformation;

/* ---- what is looked at ---- */

enum web_acl_component {
    COMPONENT_SINGLE_HEADER,
    COMPONENT_SINGLE_ARGUMENT,
    COMPONENT_ALL_ARGUMENTS,
    COMPONENT_URI_PATH,
    COMPONENT_URI_FRAGMENT,
    COMPONENT_QUERY_STRING,
    COMPONENT_METHOD,
    COMPONENT_BODY,
    COMPONENT_JSON_BODY,
    COMPONENT_HEADERS,
    COMPONENT_COOKIES,
    COMPONENT_HEADER_ORDER,
};
enum web_acl_choice { CHOICE_ALL, CHOICE_INCLUDED, CHOICE_EXCLUDED };
enum web_acl_scope { SCOPE_ALL, SCOPE_KEY, SCOPE_VALUE };
/* What becomes of what cannot be looked at: too long, not there, no JSON. */
enum web_acl_fallback { FALLBACK_CONTINUE, FALLBACK_MATCH, FALLBACK_NO_MATCH, FALLBACK_AS_STRING };

enum { WEB_ACL_POINTER = 512 }; /* of a JSON pointer among the names */
struct web_acl_field {
    enum web_acl_component component;
    struct span name;
    enum web_acl_choice choice;
    const struct span *names; /* headers, cookies, JSON pointers */
    size_t name_count;
    enum web_acl_scope scope;
    enum web_acl_fallback oversize, invalid; /* invalid: no JSON; no fragment */
};

typedef struct span web_acl_transform(struct span in, struct arena *arena);

/* ---- statements ---- */

enum web_acl_kind {
    KIND_AND,
    KIND_OR,
    KIND_NOT,
    KIND_BYTES,
    KIND_REGEX, /* one of the patterns */
    KIND_SIZE,
    KIND_SQLI,
    KIND_XSS,
    KIND_IP_SET,
    KIND_LABEL,
    KIND_COUNTRY,
    KIND_ASN,
    KIND_RATE,
    KIND_GROUP,
};
enum web_acl_position {
    POSITION_EXACTLY,
    POSITION_STARTS_WITH,
    POSITION_ENDS_WITH,
    POSITION_CONTAINS,
    POSITION_CONTAINS_WORD,
};
enum web_acl_comparison { COMPARE_EQ, COMPARE_NE, COMPARE_LE, COMPARE_LT, COMPARE_GE, COMPARE_GT };
enum web_acl_hop { HOP_FIRST, HOP_LAST, HOP_ANY };

/* Whose address: the client's where header.at is NULL. */
struct web_acl_forwarded {
    struct span header;
    bool invalid_matches;
    enum web_acl_hop hop;
};

/* What requests are counted together by. */
enum web_acl_key_kind {
    KEY_IP,
    KEY_FORWARDED_IP,
    KEY_HEADER,
    KEY_COOKIE,
    KEY_ARGUMENT,
    KEY_QUERY_STRING,
    KEY_URI_PATH,
    KEY_METHOD,
    KEY_LABELS, /* of a namespace, all of them */
    KEY_ASN,
};
enum { WEB_ACL_KEYS = 5 };

struct web_acl_key {
    enum web_acl_key_kind kind;
    struct span name; /* of the header, the cookie, the argument; the namespace */
    web_acl_transform *const *transforms;
    size_t transform_count;
};

struct web_acl_rate {
    struct web_acl_rate *next; /* of the web ACL */
    uint64_t limit, window_s;
    struct web_acl_key keys[WEB_ACL_KEYS]; /* none: all requests together */
    size_t key_count;
    struct span said;    /* "rule: over 100 in 300 s by IP" */
    uint64_t hash;       /* of whose it is and what it counts */
    struct rates *store; /* NULL: nobody opened it */
};

struct web_acl_group;

struct web_acl_statement {
    enum web_acl_kind kind;
    const struct web_acl_statement *parts; /* of AND, OR, NOT; of GROUP and RATE: its scope-down */
    size_t part_count;
    struct web_acl_field field;
    web_acl_transform *const *transforms;
    size_t transform_count;
    struct span text; /* BYTES: what is searched; LABEL: the whole key */
    enum web_acl_position position;
    const struct pattern *const *patterns;
    size_t pattern_count;
    enum web_acl_comparison comparison;
    uint64_t size;
    bool sensitive;                  /* SQLI: HIGH */
    bool is_namespace;               /* LABEL */
    const struct networks *networks; /* IP_SET of the document; NULL: of the settings */
    size_t set;
    const struct span *countries;
    size_t country_count;
    const uint64_t *asns;
    size_t asn_count;
    struct web_acl_forwarded forwarded;
    const struct web_acl_rate *rate;
    const struct web_acl_group *group;
};

/* ---- rules ---- */

enum web_acl_action { ACTION_COUNT, ACTION_ALLOW, ACTION_BLOCK };

/* VisibilityConfig. */
struct web_acl_visibility {
    struct span metric; /* at == NULL: not given */
    bool is_sampled;    /* SampledRequestsEnabled */
    bool is_unmetered;  /* CloudWatchMetricsEnabled is false */
};

struct web_acl_rule {
    struct span name; /* "name"; of a group's rules "group/name" */
    uint64_t priority;
    struct web_acl_statement statement;
    enum web_acl_action action;
    bool counts_group; /* OverrideAction Count */
    struct guard_answer answer;
    const struct span *labels; /* whole ones */
    size_t label_count;
    const struct pair *inserted;
    size_t inserted_count;
    struct web_acl_visibility visibility;
};

struct web_acl_group {
    const struct web_acl_rule *rules;
    size_t rule_count;
    struct span name;
    unsigned capacity, counted; /* WCU: as it says of itself, as we count */
    bool is_managed;
};

struct web_acl {
    struct arena *arena;   /* everything below, and this */
    struct span name, arn; /* arn.at == NULL: not given */
    struct web_acl_group top;
    enum web_acl_action standard; /* ALLOW or BLOCK */
    struct guard_answer standard_answer;
    const struct pair *standard_inserted;
    size_t standard_inserted_count;
    unsigned capacity;
    struct web_acl_rate *rates;          /* of all its rules and groups */
    const struct web_acl_name *inserted; /* every name that a rule inserts, once */
    bool wants_body, has_managed;
    struct web_acl_visibility visibility; /* of the default action */
    bool is_sampled;                      /* that, or one of the rules */
    size_t body_limit;
    struct web_acl_held *held; /* what is not the arena's: patterns, networks */
};

struct web_acl_name {
    const struct web_acl_name *next;
    struct span name;
};

struct web_acl_held {
    struct web_acl_held *next;
    struct pattern *pattern;
    struct networks *networks;
};

/* ---- asking ---- */

/* What SQL injection or script was found in; lies in asked.arena. */
struct web_acl_found {
    const struct web_acl_statement *statement;
    struct span name; /* of the header; empty: it is in none, or there was no memory */
    struct span data;
};
enum web_acl_look { LOOK_NO, LOOK_YES, LOOK_FAILED };

/* What the body is as JSON: found by the first who asks. OVER: nobody knows, it is too deep or too
 * much. */
enum web_acl_json { JSON_UNREAD, JSON_WELL, JSON_BROKEN, JSON_OVER };

/* Patterns over their limits that are put up with: no request takes all of them to theirs. */
enum { WEB_ACL_EXHAUSTED = 4 };

/* One run. Values that are made on the way lie in `arena`, which each statement begins anew. */
struct web_acl_run {
    const struct web_acl *acl;
    const struct asked *asked;
    struct web_acl_outcome *outcome;
    struct arena *arena;
    enum web_acl_json json;
    const struct web_acl_rule *failed; /* the first that did not know; NULL: all did */
    bool labels_are_open;              /* who did not know would have given some */
    struct span header;                /* that is looked at; of other components empty */
    const struct web_acl_found *found; /* by the rule under way; NULL: nothing that is told */
    unsigned exhausted;                /* patterns that ran over their limits, which costs */
};

/* Shows `test` each value of the component until it says yes. web_acl_field.c */
typedef enum web_acl_look web_acl_test(void *context, struct span value);
enum web_acl_look web_acl_field_look(const struct web_acl_field *field, struct web_acl_run *run,
                                     web_acl_test *test, void *context);
/* Keys and values of a JSON text, the same one in all of a run, read as AWS's parser does:
 * web_acl_json.c. A text that is too deep and a full arena are LOOK_FAILED, but for a value before
 * that `test` says yes to. */
enum web_acl_look web_acl_json_look(const struct web_acl_field *field, struct web_acl_run *run,
                                    struct span text, web_acl_test *test, void *context);
/* A label that later rules see; each stands once. False: there is no room. web_acl.c */
bool web_acl_label_add(struct web_acl_outcome *outcome, struct span label);
bool web_acl_label_is(const struct web_acl_outcome *outcome, struct span label);
/* web_acl_match.c */
enum web_acl_look web_acl_statement_look(const struct web_acl_statement *statement,
                                         struct web_acl_run *run);
/* Notes it; where there is no memory, nothing. web_acl_say.c */
void web_acl_note_found(struct web_acl_run *run, const struct web_acl_statement *statement,
                        struct span value);
/* Counts the request, and is it one too many? web_acl_rate.c */
enum web_acl_look web_acl_rate_look(const struct web_acl_statement *statement,
                                    struct web_acl_run *run);
/* The first address of a header; NO: it is not there, or the address is none and is not to match;
 * FAILED: it is none and matches. web_acl_match.c */
enum web_acl_look web_acl_first_hop(const struct web_acl_forwarded *forwarded,
                                    const struct asked *asked, struct ip *ip);

/* By AWS's name; NULL: none. web_acl_transform.c */
web_acl_transform *web_acl_transform_find(struct span name);
/* All of them, for the nearest one; how many. */
enum { WEB_ACL_TRANSFORMS_MOST = 40 };
size_t web_acl_transform_names(const char *names[WEB_ACL_TRANSFORMS_MOST]);

#endif
