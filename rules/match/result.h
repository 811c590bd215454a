/* SPDX-License-Identifier: Apache-2.0 */
/* What an inspection says to the outside: the verdict and the rules that matched. This header is
 * all that exporters know of rules. */
#ifndef SIDEGATE_RULES_MATCH_RESULT_H
#define SIDEGATE_RULES_MATCH_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

enum rule_phase {
    PHASE_REQUEST_HEADERS = 1,
    PHASE_REQUEST_BODY = 2,
    PHASE_RESPONSE_HEADERS = 3,
    PHASE_RESPONSE_BODY = 4,
    PHASE_LOGGING = 5,
};
enum { PHASE_COUNT = 6 }; /* for arrays indexed by phase; 0 is unused */

enum rule_engine {
    ENGINE_OFF,
    ENGINE_DETECTION_ONLY, /* everything is evaluated and logged, nothing is refused */
    ENGINE_ON,
};

/* What becomes of an XML document: the two views of it, an argument for each element, or both. */
enum xml_view { XML_AS_TREE, XML_AS_BOTH, XML_AS_ARGUMENTS };

enum audit_engine { AUDIT_OFF, AUDIT_ON, AUDIT_RELEVANT_ONLY };

enum verdict_action {
    VERDICT_PASS,
    VERDICT_DENY,     /* refuse with `status` */
    VERDICT_DROP,     /* close without an answer */
    VERDICT_REDIRECT, /* answer `status` with Location `redirect` */
};

struct verdict {
    enum verdict_action action; /* in detection_only always PASS */
    bool would_block; /* detection_only: what action would have been something else than PASS */
    unsigned status;  /* 100 to 599 where action is DENY or REDIRECT, or would have been */
    struct span redirect;
    struct span redirect_literals; /* where it was expanded what stands in the rule itself, with a
                                      NUL behind each; at NULL: it was not */
    uint64_t rule_id;              /* the rule that decided; 0 where none did */
};

enum { SEVERITY_NONE = 8 }; /* severities are 0 (EMERGENCY) to 7 (DEBUG) */

/* One rule that matched and has `log` or `auditlog`: what one line of the rule log says. All spans
 * live as long as the inspection's arena or the ruleset. */
struct rule_match {
    uint64_t rule_id;
    enum rule_phase phase;
    const char *file; /* where the rule stands */
    unsigned line;
    struct span operator_text;     /* "detectSQLi", "Rx" argument and the like, for the reason */
    struct span operator_argument; /* with macros expanded */
    bool negated;
    struct span variable_name; /* "ARGS:id": the last link's matched variable */
    struct span variable_value;
    struct span message; /* expanded; empty where the rule has none */
    struct span data;    /* logdata, expanded */
    unsigned severity;   /* or SEVERITY_NONE */
    struct span revision, version;
    unsigned maturity, accuracy; /* 0: not given */
    const struct span *tags;     /* expanded */
    size_t tag_count;
    bool is_fixed; /* message and tags stand in the rule as they are */
    /* Of each of its texts that was expanded what stands in the rule itself; at NULL: it was not.
     */
    struct {
        struct span argument, message, data;
        const struct span *tags; /* NULL: none was */
    } literals;
    const struct span *links; /* of a chain: in which variables its links matched */
    size_t link_count;
    bool disruptive; /* this match decided (or would have decided) the request's fate */
    bool audit;      /* has auditlog */
    bool audit_only; /* nolog,auditlog: nothing but the audit log speaks of it */
};

enum limit_kind {
    LIMIT_CPU_BUDGET,   /* the exchange's whole budget ran out */
    LIMIT_PATTERN,      /* PCRE2's match, depth or heap limit */
    LIMIT_REQUEST_BODY, /* more body than is inspected */
    LIMIT_RESPONSE_BODY,
    LIMIT_ARGUMENTS,
    LIMIT_MEMORY, /* the arena's ceiling */
    LIMIT_KINDS,
};
/* Where a limit struck: the first that ended the rules, or else the first of the others. */
struct limit_struck {
    enum limit_kind kind;
    enum rule_phase phase; /* 0: before the first one */
    uint64_t rule_id;      /* the rule that was at work; 0: none, a body came in */
    struct span target;    /* "ARGS:q": the value that it looked at last; empty: none */
};
const char *limit_name(enum limit_kind kind); /* "cpu_budget"... */

#endif
