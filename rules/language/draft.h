/* SPDX-License-Identifier: Apache-2.0 */
/* A rule while files are being read: its arrays still grow, its markers are still names. */
#ifndef SIDEGATE_RULES_LANGUAGE_DRAFT_H
#define SIDEGATE_RULES_LANGUAGE_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/fault.h"
#include "rules/language/line.h"
#include "rules/language/rows.h"
#include "rules/language/ruleset.h"

struct draft {
    struct rule rule;            /* complete but for the fields below */
    struct rows targets;         /* of struct target */
    struct rows transformations; /* of const struct transformation * */
    struct rows actions;         /* of struct action */
    struct rows tags;            /* of struct macro */
    struct rows namespaces;      /* of struct pair */

    struct draft *next;           /* the chain's next link */
    const struct draft *defaults; /* what SecDefaultAction said for its phase; NULL: nothing */
    bool has_disruptive;          /* among its own actions; the last one counts */
    bool has_chain;               /* another link must follow */
    struct place chain_place;
    struct place id_place;
    struct span skip_after; /* a marker's name; empty: none */
    struct place skip_after_place;
    uint64_t skip;
    bool removed; /* by a SecRuleRemoveBy... */
};

/* What stands in the files, in order: a rule's first link, or a marker. */
struct entry {
    struct draft *draft; /* NULL: a marker */
    const char *marker;
};

/* A SecRuleRemoveBy... or SecRuleUpdate...: carried out when all files are read. */
enum update_kind { UPDATE_REMOVE, UPDATE_TARGETS, UPDATE_ACTIONS };
enum update_by { BY_ID, BY_TAG, BY_MSG };
struct update_ids {
    struct id_range range;
    uint64_t link; /* id:1 is the second link of the chain */
    struct place place;
    struct span text;
};
struct update {
    enum update_kind kind;
    enum update_by by;
    struct rows ids;               /* of struct update_ids */
    struct span text;              /* of a tag or message */
    const struct pattern *pattern; /* of the text, where it reads like one; else NULL */
    struct place place;            /* of the text */
    struct rows targets;           /* of struct target: to add */
    struct rows replaced;          /* of struct target: to take away first */
    struct line *line;             /* the directive's */
    struct span directive;         /* as text; made when it first changes a rule */
    struct span actions;
};

#endif
