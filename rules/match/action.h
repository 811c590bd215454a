/* SPDX-License-Identifier: Apache-2.0 */
/* The actions of a rule, one row each, and the small structs that those with work to do are parsed
 * into. */
#ifndef SIDEGATE_RULES_MATCH_ACTION_H
#define SIDEGATE_RULES_MATCH_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"
#include "rules/match/macro.h"
#include "rules/match/pattern.h"
#include "rules/match/variable.h"

enum action_name {
#define ACTION(id, name, group, argument, sentence) ACTION_##id,
#include "rules/match/actions.tbl"
#undef ACTION
    ACTION_COUNT,
};

enum action_group {
    GROUP_METADATA,       /* id, msg, tag... */
    GROUP_DISRUPTIVE,     /* deny, block, pass...: the last one given counts */
    GROUP_DATA,           /* status, redirect's code... */
    GROUP_FLOW,           /* chain, skip, skipAfter */
    GROUP_NON_DISRUPTIVE, /* run whenever a link matches */
};
enum action_argument { ARGUMENT_NONE, ARGUMENT_OPTIONAL, ARGUMENT_REQUIRED };

struct action_row {
    const char *name;
    enum action_group group;
    enum action_argument argument;
    const char *sentence;
};
const struct action_row *action_row(enum action_name name);
bool action_find(struct span name, enum action_name *out); /* ASCII case does not matter */
const char *const *action_names(size_t *count);

/* A target of a rule, an exclusion, or what ctl:ruleRemoveTarget... names. */
enum selector_kind { SELECTOR_ALL, SELECTOR_NAME, SELECTOR_PATTERN };
struct target {
    enum variable variable;
    bool excluded;      /* !ARGS:x */
    bool counted;       /* &ARGS */
    bool is_expression; /* XML: an expression of XPath that needs a tree */
    enum selector_kind selector;
    struct span name; /* as written: "x", or the pattern's text without slashes, or the XPath */
    const struct pattern *pattern; /* SELECTOR_PATTERN; freed with the ruleset */
};

enum setvar_how { SETVAR_SET, SETVAR_ADD, SETVAR_SUBTRACT, SETVAR_UNSET };

enum ctl_name {
#define CTL(id, name, sentence) CTL_##id,
#include "rules/match/ctls.tbl"
#undef CTL
    CTL_COUNT,
};
bool ctl_find(struct span name, enum ctl_name *out);
const char *const *ctl_names(size_t *count);

struct id_range {
    uint64_t first, last;
};

/* A non-disruptive action with work to do. They run in the order in which they were written. */
struct action {
    enum action_name name;
    union {
        struct {
            enum variable collection;
            struct macro key, value;
            enum setvar_how how;
        } setvar;
        struct {
            enum variable collection;
            struct macro key, seconds;
        } expirevar;
        struct {
            enum variable collection;
            struct macro key;
        } initcol; /* also setsid (SESSION), setuid (USER), setrsc (RESOURCE) */
        struct {
            struct macro name, value;
        } setenv;
        struct {
            enum variable collection;
            struct macro key;
            struct macro amount, seconds; /* so much less each so many seconds */
        } deprecatevar;
        struct {
            struct span name;  /* of the argument or field */
            size_t head, tail; /* bytes that stay visible */
        } sanitise;
        struct {
            enum ctl_name name;
            struct span text;     /* the value as written: On, JSON, +E, a tag, a message */
            struct id_range ids;  /* ...ById */
            struct span tag;      /* ...ByTag, ...ByMsg: the text before the semicolon */
            struct target target; /* ruleRemoveTarget... */
        } ctl;
    };
};

#endif
