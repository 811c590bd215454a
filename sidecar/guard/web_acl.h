/* SPDX-License-Identifier: Apache-2.0 */
/* A WAFv2 web ACL in JSON, as AWS's API prints it: read once, frozen, asked by any thread.
 *
 *   {"WebACL": {"Name", "DefaultAction", "Rules": [..], ..},      get-web-acl; or the inside alone
 *    "RuleGroups": [..], "IPSets": [..], "RegexPatternSets": [..]}
 *
 * What an ARN names is looked for in the same document by ARN, then by the name in it; an IP set
 * also among the ip_sets of the settings. Semantics: AWS WAF's developer guide, "Rule statements",
 * "Request components", "Text transformations". AWS's managed rules are secret: under their names
 * stand rules of our own (web_acl_managed.tbl). */
#ifndef SIDEGATE_SIDECAR_GUARD_WEB_ACL_H
#define SIDEGATE_SIDECAR_GUARD_WEB_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/fault.h"
#include "rules/base/span.h"
#include "sidecar/guard/asked.h"
#include "sidecar/guard/decision.h"

struct web_acl;

/* The ip_sets of the settings, in the order of asked.ip_sets. */
struct web_acl_names {
    const struct span *ip_sets;
    size_t ip_set_count;
    bool has_countries, has_asns; /* there is a database of them */
};

/* NULL where there are errors: each says `file` and the path in the JSON; line and column where the
 * text is no JSON. Nothing of `text` is kept. */
struct web_acl *web_acl_read(struct span text, const char *file, const struct web_acl_names *names,
                             struct faults *faults);
void web_acl_free(struct web_acl *acl); /* NULL allowed */

struct span web_acl_name(const struct web_acl *acl);
unsigned web_acl_capacity(const struct web_acl *acl); /* web ACL capacity units, as we count them */
/* Opens the stores that its rate-based statements count in; those of `before` that count the same,
 * by the names of web ACL and rule and all that the statement says, are taken. `nth`: how many of
 * its name come before it. False: there is no memory. To be done before the first
 * run. 10,000 keys a statement, 4 MiB: state/rates.h. */
bool web_acl_open(struct web_acl *acl, unsigned nth, const struct web_acl *const *before,
                  size_t before_count);
size_t web_acl_rule_count(const struct web_acl *acl);
/* A group that one of its rules names. */
struct web_acl_group_facts {
    struct span name, rule;
    unsigned capacity; /* what the web ACL is charged: the one that the group says it has */
    unsigned counted;  /* what its rules cost as we count them; of a managed one: its capacity */
    bool is_managed;
};
/* The i-th of them, in the order of the rules; false: there are no more. */
bool web_acl_group_at(const struct web_acl *acl, size_t i, struct web_acl_group_facts *facts);
bool web_acl_has_managed(const struct web_acl *acl); /* a managed group: rules of ours */
/* How much of a body it looks at; 0: no statement asks for one. */
size_t web_acl_body_bytes(const struct web_acl *acl);

enum web_acl_end {
    WEB_ACL_ALLOWED, /* by a rule */
    WEB_ACL_BLOCKED,
    WEB_ACL_PASSED, /* no rule ended it and the default action is Allow */
    WEB_ACL_FAILED, /* a pattern or a value ran over its limits, so that a rule said neither yes
                       nor no; and no other rule blocked */
};

enum { WEB_ACL_LABELS = 100, WEB_ACL_COUNTED = 8, WEB_ACL_INSERTED = 10 };

struct web_acl_rule;
struct web_acl_found;
/* A rule that matched; web_acl_say() has its words. */
struct web_acl_matched {
    const struct web_acl_rule *rule;   /* NULL: the default action */
    const struct web_acl_found *found; /* of SQL injection and script; NULL: of neither */
};

/* Texts are borrowed from the web ACL. */
struct web_acl_outcome {
    enum web_acl_end end;
    struct web_acl_matched ended_by; /* of FAILED: the first that did not know */
    struct span rule;                /* that ended it: "name", "group/name", "Default_Action" */
    struct span words; /* the same, to be read: of a rate-based one "name: over 9 in 60 s by IP" */
    bool list_never_came;                 /* of FAILED: an ip_set that refuses meanwhile */
    const struct guard_answer *answer;    /* of BLOCKED */
    struct span counted[WEB_ACL_COUNTED]; /* words of rules that only count */
    struct web_acl_matched counted_by[WEB_ACL_COUNTED];
    size_t counted_count;
    struct span rated[WEB_ACL_COUNTED]; /* where nothing is counted (asked.rates == NULL): limits
                                           that the request would count towards */
    size_t rated_count;
    struct span labels[WEB_ACL_LABELS];
    size_t label_count;
    struct pair inserted[WEB_ACL_INSERTED]; /* fields for the backend */
    size_t inserted_count;
};

/* Takes out what comes under a name that its rules insert, or one that a backend may take for it:
 * such a field is the web ACL's alone, whether a rule inserts it this time or none does. */
void web_acl_clean(const struct web_acl *acl, struct fields *fields);

void web_acl_run(const struct web_acl *acl, const struct asked *asked,
                 struct web_acl_outcome *outcome);

/* What becomes of what it says. */
enum web_acl_use {
    WEB_ACL_DECIDES, /* and where it does not know, it blocks */
    WEB_ACL_LETS_ON, /* where it does not know, the request goes on */
    WEB_ACL_DETECTS, /* nothing */
};
/* Notes in asked.changes which rules had to do with it whose VisibilityConfig has requests sampled.
 * web_acl_sample.c */
void web_acl_note_samples(const struct web_acl *acl, const struct web_acl_outcome *outcome,
                          enum web_acl_use use, const struct asked *asked);
/* Under which it is counted: the MetricName of the rule, or of the one that names its group; its
 * name, where it has none; "Default_Action". Empty: CloudWatchMetricsEnabled is false. */
struct span web_acl_metric_name(const struct web_acl *acl, const struct web_acl_matched *matched);
/* A MetricName in it. */
struct web_acl_metric {
    struct span metric, rule; /* "name", "group/name", "Default_Action" */
    bool is_sampled;          /* SampledRequestsEnabled */
};
/* The i-th of them; false: there are no more. */
bool web_acl_metric_at(const struct web_acl *acl, size_t i, struct web_acl_metric *metric);

/* For AWS WAF's log; what has to be made lies in the arena. web_acl_say.c */
struct decision_rule web_acl_say(const struct web_acl *acl, const struct web_acl_matched *matched,
                                 struct arena *arena);
struct span web_acl_arn(const struct web_acl *acl); /* its name, where it says no ARN */

#endif
