/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy is once it was read: for the files policy*.c alone.
 *
 *   policy -- statement -- principals   ANYONE | ACCOUNT 123456789012 | AWS arn... | SERVICE ...
 *                      |-- actions      patterns
 *                      |-- resources    patterns of ARNs
 *                      `-- conditions   operator, key, values     (all must hold) */
#ifndef SIDEGATE_SIDECAR_GUARD_POLICY_INSIDE_H
#define SIDEGATE_SIDECAR_GUARD_POLICY_INSIDE_H

#include <jansson.h>

#include "sidecar/guard/policy.h"
#include "sidecar/guard/policy_pattern.h"
#include "sidecar/guard/policy_value.h"

enum compare_kind {
    COMPARE_STRING,
    COMPARE_NUMBER,
    COMPARE_DATE,
    COMPARE_BOOL,
    COMPARE_BINARY,
    COMPARE_ADDRESS,
    COMPARE_ARN,
    COMPARE_ABSENCE,
};
enum compare_how {
    HOW_EQUAL,
    HOW_EQUAL_NOCASE,
    HOW_LIKE,
    HOW_LESS,
    HOW_LESS_EQUAL,
    HOW_GREATER,
    HOW_GREATER_EQUAL,
};
struct policy_operator {
    const char *name;
    enum compare_kind kind;
    enum compare_how how;
    bool negated;
};

enum condition_set { SET_NONE, SET_ANY, SET_ALL };

struct policy_value { /* one of a condition; its operator says which of these is filled */
    struct policy_pattern pattern;
    struct decimal number;
    int64_t instant;
    bool truth;
    struct span bytes;
    struct network block;
};

struct policy_condition {
    const struct policy_operator *compare;
    enum condition_set set;
    bool if_exists;
    struct span key;
    struct policy_value *values;
    size_t value_count;
};

enum named_principal {
    NAMED_ANYONE,
    NAMED_ACCOUNT, /* twelve digits */
    NAMED_AWS,     /* an ARN */
    NAMED_SERVICE,
    NAMED_FEDERATED,
};
struct policy_principal {
    enum named_principal kind;
    struct span name;
};

struct policy_patterns {
    bool negated; /* NotAction, NotResource */
    struct policy_pattern *at;
    size_t count;
};

struct policy_statement {
    struct span sid;
    bool deny;
    bool principals_negated;
    struct policy_principal *principals;
    size_t principal_count;
    struct policy_patterns actions, resources;
    struct policy_condition *conditions;
    size_t condition_count;
};

struct policy {
    struct arena *arena; /* everything, this struct as well */
    enum policy_kind kind;
    struct policy_statement *statements;
    size_t count;
};

bool policy_condition_holds(struct policy_run *run, const struct policy_condition *condition);

/* --- while a document is read ------------------------------------------------------------- */

struct policy_reader {
    struct arena *arena;
    struct faults *faults;
    const char *file;
    enum policy_kind kind;
    bool variables;  /* the version has them */
    char path[512];  /* "Statement[0].Condition" */
    size_t path_len; /* what does not fit any more is left out */
};
/* Puts ".name" or "[i]" at the end of the path; returns what the path was, for _leave. */
size_t policy_path_enter(struct policy_reader *reader, const char *name);
size_t policy_path_index(struct policy_reader *reader, size_t i);
void policy_path_leave(struct policy_reader *reader, size_t was);
/* "path: message"; `hint` may be empty. */
void policy_fault(struct policy_reader *reader, struct span hint, const char *message);
/* "path: unknown member 'x' (did you mean...)". */
void policy_fault_unknown(struct policy_reader *reader, const char *what, const char *wrong,
                          const char *const *names, size_t count);

/* One value or an array of them. */
size_t policy_list_count(json_t *json);
json_t *policy_list_at(json_t *json, size_t i);
/* A copy that lives as long as the policy; empty where it is no string. */
struct span policy_text(struct policy_reader *reader, json_t *json);

void policy_conditions_read(struct policy_reader *reader, json_t *json,
                            struct policy_statement *statement);
void policy_principals_read(struct policy_reader *reader, json_t *json,
                            struct policy_statement *statement);

#endif
