/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON member by member, so that each fault says where it stands:
 *   web-acl.json: Rules[2].Statement.AndStatement.Statements[0].ByteMatchStatement: message (hint)
 * For web_acl*.c alone. A value that is refused reads as nothing; whoever reads goes on, so that
 * one run says everything. */
#ifndef SIDEGATE_SIDECAR_GUARD_WEB_ACL_READER_H
#define SIDEGATE_SIDECAR_GUARD_WEB_ACL_READER_H

#include <jansson.h>

#include "sidecar/guard/web_acl_inside.h"

struct web_acl_charge; /* a transformation that was counted */

struct web_acl_reader {
    struct web_acl *acl; /* what is made */
    struct arena *arena; /* its */
    const struct web_acl_names *names;
    const json_t *document; /* has RuleGroups, IPSets, RegexPatternSets */
    const char *file;
    struct faults *faults;
    struct span prefix;   /* of labels, where we are: "awswaf:1234:webacl:name:" */
    struct span group;    /* we are in this rule's group; at == NULL: at the top */
    struct span rule;     /* whose statement is read: "name", "group/name" */
    const json_t *bodies; /* CustomResponseBodies, where we are */
    unsigned depth;       /* statements inside each other */
    const struct web_acl_charge *charges;
    size_t path_len;
    char path[1024];
};

/* ---- where we are ---- */

/* Goes into a member, or into item `i` of a list; the way back is reader_leave(mark). */
size_t reader_enter(struct web_acl_reader *r, const char *member);
size_t reader_enter_item(struct web_acl_reader *r, size_t i);
void reader_leave(struct web_acl_reader *r, size_t mark);
void reader_refuse(struct web_acl_reader *r, struct span hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of a word that is none of these; the nearest is the hint. `of` says what it should be.
 */
void reader_refuse_word(struct web_acl_reader *r, struct span word, const char *const *words,
                        size_t count, const char *of);

/* ---- values ---- */

/* Says every member that is none of these; false: it is no object. */
bool reader_is_object(struct web_acl_reader *r, const json_t *value, const char *const *members,
                      size_t count);
#define READER_MEMBERS(r, value, ...)                                  \
    reader_is_object((r), (value), (const char *const[]){__VA_ARGS__}, \
                     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* A text kept in the arena, terminated; at == NULL: not there (said where `needed`), or no text. */
struct span reader_text(struct web_acl_reader *r, const json_t *object, const char *member,
                        bool needed);
/* False: not there or outside; said where it is there, or `needed`. */
struct reader_range {
    uint64_t least, most;
};
bool reader_number(struct web_acl_reader *r, const json_t *object, const char *member, bool needed,
                   struct reader_range range, uint64_t *number);
/* The index of the word; SPAN_NONE: not there (said where `needed`), or said. */
size_t reader_word(struct web_acl_reader *r, const json_t *object, const char *member, bool needed,
                   const char *const *words, size_t count);
/* A list with `least` items or more; NULL: not there (said where `needed`), or said. */
const json_t *reader_list(struct web_acl_reader *r, const json_t *object, const char *member,
                          bool needed, size_t least);
/* A list of texts, in the arena. */
const struct span *reader_texts(struct web_acl_reader *r, const json_t *object, const char *member,
                                size_t least, size_t *count);

/* ---- what is kept ---- */

struct web_acl_held *reader_hold(struct web_acl_reader *r);
/* Compiles one of AWS's subset; NULL: said. */
const struct pattern *reader_pattern(struct web_acl_reader *r, struct span text);

/* ---- parts: web_acl_read_field.c, web_acl_read_statement.c, web_acl_read_rule.c ---- */

/* FieldToMatch and TextTransformations of the statement that `object` describes; returns their WCU
 * on top of what the statement itself costs; *doubles: a JSON body. */
unsigned reader_field(struct web_acl_reader *r, const json_t *object,
                      struct web_acl_statement *statement, bool *doubles);
/* TextTransformations alone, without what they cost. */
void reader_transforms(struct web_acl_reader *r, const json_t *object,
                       web_acl_transform *const **transforms, size_t *count);
/* Where a statement stands: some may not stand in all places. */
enum reader_stand {
    STAND_RULE,       /* a rule's of the web ACL */
    STAND_GROUP_RULE, /* a rule's of a group */
    STAND_INSIDE,     /* inside of another */
};
/* Returns its WCU. */
unsigned reader_statement(struct web_acl_reader *r, const json_t *value, enum reader_stand stand,
                          struct web_acl_statement *statement);
/* ForwardedIPConfig, or (where `has_hop`) IPSetForwardedIPConfig, of the statement. */
void reader_forwarded(struct web_acl_reader *r, const json_t *object, const char *member,
                      bool has_hop, struct web_acl_forwarded *to);
/* A ScopeDownStatement where there is one; returns its WCU. */
unsigned reader_scope_down(struct web_acl_reader *r, const json_t *value,
                           struct web_acl_statement *to);
/* A RateBasedStatement: web_acl_read_rate.c */
unsigned reader_rate(struct web_acl_reader *r, const json_t *value, struct web_acl_statement *to);
/* There is no database to tell by: said with the setting. */
void reader_refuse_blind(struct web_acl_reader *r, bool sees, const char *setting);
/* "awswaf:..." as it is, or behind the prefix of where we are. */
struct span reader_label(struct web_acl_reader *r, struct span key);
/* A RuleGroupReferenceStatement, a ManagedRuleGroupStatement. */
unsigned reader_group_reference(struct web_acl_reader *r, const json_t *value,
                                struct web_acl_statement *to);
unsigned reader_managed_group(struct web_acl_reader *r, const json_t *value,
                              struct web_acl_statement *to);
/* The rules of a web ACL or a group, by priority; returns their WCU. */
unsigned reader_rules(struct web_acl_reader *r, const json_t *object, struct web_acl_group *group);
/* Refuses what AWS would: more web ACL capacity units than 5,000. */
void reader_weigh(struct web_acl_reader *r, unsigned units);
/* {"Allow": {..}}, {"Block": {..}} or {"Count": {..}}: into the rule. False: said, or none. */
bool reader_action(struct web_acl_reader *r, const json_t *value, struct web_acl_rule *rule);
/* RuleActionOverrides and ExcludedRules of a reference, put into rules that are the reference's. */
void reader_overrides(struct web_acl_reader *r, const json_t *reference, struct web_acl_rule *rules,
                      size_t count);
/* VisibilityConfig of a web ACL or a rule; nothing where there is none. web_acl_sample.c */
struct web_acl_visibility reader_visibility(struct web_acl_reader *r, const json_t *object);
/* Of `list` ("IPSets") the item that the ARN names; NULL: none. */
const json_t *reader_find(const struct web_acl_reader *r, const char *list, const char *inside,
                          struct span arn);
/* "arn:aws:wafv2:region:account:regional/ipset/NAME/ID": its name; a text without slash: itself. */
struct span web_acl_arn_name(struct span arn);
/* "awswaf:ACCOUNT:webacl:NAME:" as the object says it, or as AWS would. */
struct span reader_prefix(struct web_acl_reader *r, const json_t *object, const char *kind);

#endif
