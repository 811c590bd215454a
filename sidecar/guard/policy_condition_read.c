/* SPDX-License-Identifier: Apache-2.0 */
/* The Condition of a statement: { "ForAnyValue:StringLikeIfExists": { "key": [values] } }. */
#include <stdio.h>

#include "sidecar/guard/policy_inside.h"

static const struct policy_operator operators[] = {
#define POLICY_OPERATOR(name, kind, how, negated) {#name, COMPARE_##kind, HOW_##how, negated},
#include "sidecar/guard/policy_operators.tbl"
#undef POLICY_OPERATOR
};
static const char *const operator_names[] = {
#define POLICY_OPERATOR(name, kind, how, negated) #name,
#include "sidecar/guard/policy_operators.tbl"
#undef POLICY_OPERATOR
};
enum { OPERATOR_COUNT = sizeof operators / sizeof *operators };

static const char *const set_names[] = {"ForAnyValue", "ForAllValues"};
static const enum condition_set sets[] = {SET_ANY, SET_ALL};

static const struct policy_operator *operator_find(struct span name)
{
    for (size_t i = 0; i < OPERATOR_COUNT; i++)
        if (span_is(name, span_text(operators[i].name)))
            return &operators[i];
    return NULL;
}

static bool set_read(struct policy_reader *reader, struct span prefix, struct policy_condition *out)
{
    for (size_t i = 0; i < 2; i++)
        if (span_is(prefix, span_text(set_names[i]))) {
            out->set = sets[i];
            return true;
        }
    char wrong[64];
    snprintf(wrong, sizeof wrong, SPAN_FORMAT, span_arg(span_first(prefix, sizeof wrong - 1)));
    policy_fault_unknown(reader, "set prefix", wrong, set_names, 2);
    return false;
}

static bool operator_read(struct policy_reader *reader, const char *written,
                          struct policy_condition *out)
{
    struct span name = span_text(written);
    if (span_find_byte(name, ':') != SPAN_NONE && !set_read(reader, span_cut(&name, ':'), out))
        return false;
    out->if_exists = span_ends(name, SPAN("IfExists"));
    if (out->if_exists)
        name = span_first(name, name.len - SPAN("IfExists").len);
    out->compare = operator_find(name);
    if (out->compare == NULL) {
        char wrong[64];
        snprintf(wrong, sizeof wrong, SPAN_FORMAT, span_arg(span_first(name, sizeof wrong - 1)));
        policy_fault_unknown(reader, "condition operator", wrong, operator_names, OPERATOR_COUNT);
        return false;
    }
    if (out->compare->kind == COMPARE_ABSENCE && (out->if_exists || out->set != SET_NONE)) {
        policy_fault(reader, SPAN(""), "Null takes neither IfExists nor a set prefix");
        return false;
    }
    return true;
}

/* A scalar as text: booleans and numbers may stand without quotes. */
static struct span scalar_text(struct policy_reader *reader, json_t *json)
{
    if (json_is_boolean(json))
        return json_is_true(json) ? SPAN("true") : SPAN("false");
    if (json_is_integer(json))
        return arena_format(reader->arena, "%lld", (long long)json_integer_value(json));
    if (json_is_real(json))
        return arena_format(reader->arena, "%.15g", json_real_value(json));
    return policy_text(reader, json);
}

/* Wildcards alone fit what is no ARN's beginning; a variable may become one. */
static bool may_be_arn(struct span text)
{
    return span_starts(text, SPAN("arn:")) || span_starts(text, SPAN("*")) ||
           span_starts(text, SPAN("${"));
}

static bool pattern_value(struct policy_reader *reader, const struct policy_operator *compare,
                          struct span text, struct policy_pattern *out)
{
    unsigned reading = reader->variables ? POLICY_VARIABLES : 0;
    if (compare->how == HOW_LIKE)
        reading |= POLICY_WILDCARDS;
    return (compare->kind != COMPARE_ARN || may_be_arn(text)) &&
           policy_pattern_read(text, reading, reader->arena, out);
}

static bool value_read(struct policy_reader *reader, const struct policy_operator *compare,
                       struct span text, struct policy_value *out)
{
    switch (compare->kind) {
    case COMPARE_STRING:
    case COMPARE_ARN: return pattern_value(reader, compare, text, &out->pattern);
    case COMPARE_NUMBER: return decimal_parse(text, &out->number);
    case COMPARE_DATE: return instant_parse(text, &out->instant);
    case COMPARE_BOOL:
    case COMPARE_ABSENCE: return truth_parse(text, &out->truth);
    case COMPARE_BINARY: return base64_parse(text, reader->arena, &out->bytes);
    case COMPARE_ADDRESS: return block_parse(text, &out->block);
    }
    return false;
}

static const char *wanted(enum compare_kind kind)
{
    switch (kind) {
    case COMPARE_STRING: return "expected a text whose ${variables} are closed";
    case COMPARE_NUMBER: return "expected a number";
    case COMPARE_DATE: return "expected a date like 2026-11-21T09:30:00Z, or seconds from 1970";
    case COMPARE_BOOL:
    case COMPARE_ABSENCE: return "expected true or false";
    case COMPARE_BINARY: return "expected base64";
    case COMPARE_ADDRESS: return "expected an address or a network like 203.0.113.0/24";
    case COMPARE_ARN: break;
    }
    return "expected an ARN, arn:partition:service:region:account:resource";
}

static void values_read(struct policy_reader *reader, json_t *json,
                        struct policy_condition *condition)
{
    size_t count = policy_list_count(json);
    condition->values = arena_alloc(reader->arena, count * sizeof *condition->values);
    if (condition->values == NULL)
        return;
    condition->value_count = count;
    if (count == 0)
        policy_fault(reader, SPAN(""), "expected at least one value");
    for (size_t i = 0; i < count; i++) {
        json_t *value = policy_list_at(json, i);
        size_t was = json_is_array(json) ? policy_path_index(reader, i) : reader->path_len;
        if (json_is_array(value) || json_is_object(value) || json_is_null(value) ||
            !value_read(reader, condition->compare, scalar_text(reader, value),
                        &condition->values[i]))
            policy_fault(reader, SPAN(""), wanted(condition->compare->kind));
        policy_path_leave(reader, was);
    }
}

static size_t key_count(json_t *json)
{
    size_t count = 0;
    for (void *at = json_object_iter(json); at != NULL; at = json_object_iter_next(json, at))
        count += json_object_size(json_object_iter_value(at));
    return count;
}

/* Every key of one operator is a condition of its own. */
static void keys_read(struct policy_reader *reader, json_t *json,
                      const struct policy_condition *like, struct policy_statement *statement)
{
    if (!json_is_object(json)) {
        policy_fault(reader, SPAN(""), "expected an object of keys");
        return;
    }
    const char *key;
    json_t *values;
    json_object_foreach(json, key, values)
    {
        size_t was = policy_path_enter(reader, key);
        struct policy_condition *condition = &statement->conditions[statement->condition_count++];
        *condition = *like;
        condition->key = arena_copy(reader->arena, span_text(key));
        values_read(reader, values, condition);
        policy_path_leave(reader, was);
    }
}

void policy_conditions_read(struct policy_reader *reader, json_t *json,
                            struct policy_statement *statement)
{
    if (!json_is_object(json)) {
        policy_fault(reader, SPAN(""), "expected an object of operators");
        return;
    }
    size_t count = key_count(json);
    statement->conditions = arena_alloc(reader->arena, count * sizeof *statement->conditions);
    if (statement->conditions == NULL)
        return;
    const char *name;
    json_t *keys;
    json_object_foreach(json, name, keys)
    {
        size_t was = policy_path_enter(reader, name);
        struct policy_condition condition = {0};
        if (operator_read(reader, name, &condition))
            keys_read(reader, keys, &condition, statement);
        policy_path_leave(reader, was);
    }
}
