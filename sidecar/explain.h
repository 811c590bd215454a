/* SPDX-License-Identifier: Apache-2.0 */
/* What `sidegate explain` says about one request, for people and as one line of JSON. */
#ifndef SIDEGATE_SIDECAR_EXPLAIN_H
#define SIDEGATE_SIDECAR_EXPLAIN_H

#include "rules/base/buf.h"
#include "sidecar/explanation.h"
#include "sidecar/offline.h"

struct explain_report {
    const char *file; /* where the request came from */
    const struct snapshot *snapshot;
    const struct offline_answer *answer;
    const struct explanation *explanation;
    const struct rule *wanted; /* --rule; NULL: none, or not loaded */
    bool silent_too;           /* rules without `log`, too */
    bool bare_lines;           /* the request's lines end with LF alone */
};

void explain_text(const struct explain_report *report, struct buf *to);
void explain_json(const struct explain_report *report, struct buf *to);

/* The log's entry of a rule that matched; `*next` is the place in the answer's matches, from 0.
 * NULL: it is not logged. */
const struct rule_match *explain_match(const struct explain_report *report,
                                       const struct explained_rule *rule, size_t *next);
/* "waf_blocked" in words, with the rule that decided. */
void explain_decision(const struct explain_report *report, struct buf *to);
/* The i-th thing that only the running program has, so that it was not looked at; false: there is
 * no more. */
bool explain_unseen(const struct explain_report *report, size_t i, struct buf *to);
/* Why the wanted rule did what it did, as lines. */
void explain_fate(const struct explain_report *report, struct buf *to);

/* Quoted, with what is not printable escaped; long text is cut, and its length
 * is said. From `start` on `len` bytes are marked « »; SPAN_NONE: nothing is. */
void quote_add(struct buf *to, struct span text, size_t start, size_t len);
/* The same without quotes and marks, and whole. */
void plain_add(struct buf *to, struct span text);
const char *severity_name(unsigned severity); /* "" for none */
/* "@rx argument", "!@rx", or "SecAction". */
void operator_add(struct buf *to, const struct rule *link);
/* "!ARGS:x|&FILES" */
void target_add(struct buf *to, const struct target *target);
/* "SecRuleRemoveById 942100 (own.conf:3)" */
void change_add(struct buf *to, const struct ruleset_change *change);
/* "rule 942100, own.conf:3"; of an exclusion: "the exclusion of sidegate.yaml:7, full text search"
 */
void rule_name_add(struct buf *to, const struct settings *settings, const struct rule *rule);
/* "ctl:ruleRemoveTargetById=942100;ARGS:x" */
void ctl_add(struct buf *to, const struct action *action);

#endif
