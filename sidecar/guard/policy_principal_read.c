/* SPDX-License-Identifier: Apache-2.0 */
/* The Principal of a statement: "*", or { "AWS": [...], "Service": ..., "Federated": ... }. */
#include "sidecar/guard/policy_inside.h"

static const char *const kind_names[] = {"AWS", "Service", "Federated"};
enum { KIND_COUNT = sizeof kind_names / sizeof *kind_names, ACCOUNT_DIGITS = 12 };

static bool is_account(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!byte_is_digit(text.at[i]))
            return false;
    return text.len == ACCOUNT_DIGITS;
}

/* "*", an account or its root, or one whole ARN. */
static bool aws_read(struct span text, struct policy_principal *out)
{
    struct span parts[ARN_PARTS];
    *out = (struct policy_principal){.name = text, .kind = NAMED_ANYONE};
    if (span_is(text, SPAN("*")))
        return true;
    out->kind = NAMED_ACCOUNT;
    if (is_account(text))
        return true;
    if (!arn_split(text, parts) || span_find_byte(text, '*') != SPAN_NONE)
        return false;
    if (span_is(parts[2], SPAN("iam")) && span_is(parts[5], SPAN("root"))) {
        out->name = parts[4];
        return is_account(parts[4]);
    }
    out->kind = NAMED_AWS;
    return true;
}

static bool principal_read(size_t kind, struct span text, struct policy_principal *out)
{
    if (kind == 0)
        return aws_read(text, out);
    bool anyone = span_is(text, SPAN("*"));
    *out = (struct policy_principal){.name = text, .kind = NAMED_FEDERATED};
    if (kind == 1)
        out->kind = NAMED_SERVICE;
    return text.len > 0 && !anyone && span_find_byte(text, '*') == SPAN_NONE;
}

static void names_read(struct policy_reader *reader, json_t *json, size_t kind,
                       struct policy_statement *statement)
{
    if (policy_list_count(json) == 0)
        policy_fault(reader, SPAN(""), "expected at least one principal");
    for (size_t i = 0; i < policy_list_count(json); i++) {
        size_t was = json_is_array(json) ? policy_path_index(reader, i) : reader->path_len;
        json_t *one = policy_list_at(json, i);
        struct policy_principal *to = &statement->principals[statement->principal_count++];
        if (!json_is_string(one) || !principal_read(kind, policy_text(reader, one), to))
            policy_fault(reader, SPAN(""),
                         kind == 0 ? "expected *, an account, or an ARN without wildcards"
                                   : "expected a name without wildcards");
        policy_path_leave(reader, was);
    }
}

static size_t kind_find(const char *name)
{
    size_t i = 0;
    while (i < KIND_COUNT && strcmp(kind_names[i], name) != 0)
        i++;
    return i;
}

static void kinds_read(struct policy_reader *reader, json_t *json,
                       struct policy_statement *statement)
{
    const char *name;
    json_t *names;
    json_object_foreach(json, name, names)
    {
        size_t kind = kind_find(name);
        size_t was = policy_path_enter(reader, name);
        if (kind < KIND_COUNT)
            names_read(reader, names, kind, statement);
        else
            policy_fault_unknown(reader, "kind of principal", name, kind_names, KIND_COUNT);
        policy_path_leave(reader, was);
    }
}

void policy_principals_read(struct policy_reader *reader, json_t *json,
                            struct policy_statement *statement)
{
    size_t count = 1;
    const char *name;
    json_t *names;
    json_object_foreach(json, name, names) count += policy_list_count(names);
    statement->principals = arena_alloc(reader->arena, count * sizeof *statement->principals);
    if (statement->principals == NULL)
        return;
    if (json_is_object(json) && json_object_size(json) > 0) {
        kinds_read(reader, json, statement);
        return;
    }
    statement->principals[statement->principal_count++].kind = NAMED_ANYONE;
    if (!json_is_string(json) || strcmp(json_string_value(json), "*") != 0)
        policy_fault(reader, SPAN(""), "expected \"*\" or an object like {\"AWS\": \"...\"}");
}
