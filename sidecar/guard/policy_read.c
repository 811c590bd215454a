/* SPDX-License-Identifier: Apache-2.0 */
/* A policy document: its version and its statements. */
#include <stdio.h>

#include "rules/base/must.h"
#include "sidecar/guard/policy_inside.h"

enum { ARENA_MOST = 8 * 1024 * 1024 };

/* --- where we are ------------------------------------------------------------------------- */

static size_t path_add(struct policy_reader *reader, const char *before, const char *name)
{
    size_t was = reader->path_len, room = sizeof reader->path - was;
    int len = snprintf(reader->path + was, room, "%s%s", was > 0 ? before : "", name);
    reader->path_len += len > 0 && (size_t)len < room ? (size_t)len : 0;
    reader->path[reader->path_len] = '\0';
    return was;
}

size_t policy_path_enter(struct policy_reader *reader, const char *name)
{
    return path_add(reader, ".", name);
}

size_t policy_path_index(struct policy_reader *reader, size_t i)
{
    char index[32];
    snprintf(index, sizeof index, "[%zu]", i);
    return path_add(reader, "", index);
}

void policy_path_leave(struct policy_reader *reader, size_t was)
{
    reader->path_len = was;
    reader->path[was] = '\0';
}

void policy_fault(struct policy_reader *reader, struct span hint, const char *message)
{
    struct place place = {.file = reader->file};
    fault_add(reader->faults, FAULT_ERROR, place, hint, "%s%s%s", reader->path,
              reader->path_len > 0 ? ": " : "", message);
}

void policy_fault_unknown(struct policy_reader *reader, const char *what, const char *wrong,
                          const char *const *names, size_t count)
{
    char hint[96], message[160];
    struct span near = nearest_hint(span_text(wrong), names, count, hint, sizeof hint);
    snprintf(message, sizeof message, "unknown %s '%.64s'", what, wrong);
    policy_fault(reader, near, message);
}

/* --- parts that stand in several places ---------------------------------------------------- */

size_t policy_list_count(json_t *json)
{
    return json_is_array(json) ? json_array_size(json) : 1;
}

json_t *policy_list_at(json_t *json, size_t i)
{
    return json_is_array(json) ? json_array_get(json, i) : json;
}

struct span policy_text(struct policy_reader *reader, json_t *json)
{
    return arena_copy(reader->arena, span_make(json_string_value(json), json_string_length(json)));
}

static void members_check(struct policy_reader *reader, json_t *json, const char *const *names,
                          size_t count)
{
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        bool known = false;
        for (size_t i = 0; i < count && !known; i++)
            known = strcmp(names[i], name) == 0;
        if (!known)
            policy_fault_unknown(reader, "member", name, names, count);
    }
}

/* --- actions and resources ----------------------------------------------------------------- */

static bool action_read(struct policy_reader *reader, struct span text, struct policy_pattern *out)
{
    bool named = span_is(text, SPAN("*")) || span_find_byte(text, ':') != SPAN_NONE;
    return named && policy_pattern_read(text, POLICY_WILDCARDS, reader->arena, out);
}

static bool resource_read(struct policy_reader *reader, struct span text,
                          struct policy_pattern *out)
{
    unsigned reading = POLICY_WILDCARDS | (reader->variables ? POLICY_VARIABLES : 0u);
    bool abbreviated = span_starts(text, SPAN("execute-api:/"));
    if (abbreviated)
        text = span_from(text, SPAN("execute-api:").len);
    else if (!span_starts(text, SPAN("arn:")) && !span_is(text, SPAN("*")))
        return false;
    if (!policy_pattern_read(text, reading, reader->arena, out))
        return false;
    out->abbreviated = abbreviated;
    return true;
}

typedef bool policy_pattern_reader(struct policy_reader *reader, struct span text,
                                   struct policy_pattern *out);

static void patterns_read(struct policy_reader *reader, json_t *json, policy_pattern_reader *read,
                          const char *wanted, struct policy_patterns *out)
{
    size_t count = policy_list_count(json);
    out->at = arena_alloc(reader->arena, count * sizeof *out->at);
    if (out->at == NULL)
        return;
    out->count = count;
    if (count == 0)
        policy_fault(reader, SPAN(""), wanted);
    for (size_t i = 0; i < count; i++) {
        size_t was = json_is_array(json) ? policy_path_index(reader, i) : reader->path_len;
        json_t *one = policy_list_at(json, i);
        if (!json_is_string(one) || !read(reader, policy_text(reader, one), &out->at[i]))
            policy_fault(reader, SPAN(""), wanted);
        policy_path_leave(reader, was);
    }
}

/* One of two members, `name` or `not`: says which of them it is. */
static json_t *one_of(struct policy_reader *reader, json_t *json, const char *name,
                      const char * not, bool *negated)
{
    json_t *plain = json_object_get(json, name), *turned = json_object_get(json, not );
    char message[64];
    snprintf(message, sizeof message, "expected %s or %s%s", name, not,
             plain != NULL ? ", not both" : "");
    if ((plain != NULL) == (turned != NULL))
        policy_fault(reader, SPAN(""), message);
    *negated = plain == NULL;
    return plain != NULL && turned != NULL ? NULL : plain != NULL ? plain : turned;
}

static void actions_read(struct policy_reader *reader, json_t *json,
                         struct policy_statement *statement)
{
    bool negated;
    json_t *list = one_of(reader, json, "Action", "NotAction", &negated);
    if (list == NULL)
        return;
    size_t was = policy_path_enter(reader, negated ? "NotAction" : "Action");
    statement->actions.negated = negated;
    patterns_read(reader, list, action_read, "expected an action like execute-api:Invoke, or *",
                  &statement->actions);
    policy_path_leave(reader, was);
}

static void resources_read(struct policy_reader *reader, json_t *json,
                           struct policy_statement *statement)
{
    bool negated;
    json_t *list = one_of(reader, json, "Resource", "NotResource", &negated);
    if (list == NULL)
        return;
    size_t was = policy_path_enter(reader, negated ? "NotResource" : "Resource");
    statement->resources.negated = negated;
    patterns_read(reader, list, resource_read,
                  "expected an ARN, execute-api:/stage/VERB/path, or *", &statement->resources);
    policy_path_leave(reader, was);
}

/* --- statements ---------------------------------------------------------------------------- */

static const char *const statement_members[] = {"Sid",          "Effect",      "Principal",
                                                "NotPrincipal", "Action",      "NotAction",
                                                "Resource",     "NotResource", "Condition"};

static void effect_read(struct policy_reader *reader, json_t *json,
                        struct policy_statement *statement)
{
    static const char *const effects[] = {"Allow", "Deny"};
    const char *effect = json_string_value(json_object_get(json, "Effect"));
    size_t was = policy_path_enter(reader, "Effect");
    if (effect == NULL)
        policy_fault(reader, SPAN(""), "expected Allow or Deny");
    else if (strcmp(effect, effects[0]) != 0 && strcmp(effect, effects[1]) != 0)
        policy_fault_unknown(reader, "effect", effect, effects, 2);
    else
        statement->deny = strcmp(effect, effects[1]) == 0;
    policy_path_leave(reader, was);
}

static void who_read(struct policy_reader *reader, json_t *json, struct policy_statement *statement)
{
    bool negated;
    bool named = json_object_get(json, "Principal") || json_object_get(json, "NotPrincipal");
    if (reader->kind != POLICY_RESOURCE) {
        if (named)
            policy_fault(reader, SPAN(""), "only a resource policy names principals");
        return;
    }
    json_t *list = one_of(reader, json, "Principal", "NotPrincipal", &negated);
    if (list == NULL)
        return;
    size_t was = policy_path_enter(reader, negated ? "NotPrincipal" : "Principal");
    statement->principals_negated = negated;
    policy_principals_read(reader, list, statement);
    policy_path_leave(reader, was);
}

static void statement_read(struct policy_reader *reader, json_t *json,
                           struct policy_statement *statement)
{
    if (!json_is_object(json)) {
        policy_fault(reader, SPAN(""), "expected a statement, an object");
        return;
    }
    members_check(reader, json, statement_members,
                  sizeof statement_members / sizeof *statement_members);
    json_t *sid = json_object_get(json, "Sid"), *condition = json_object_get(json, "Condition");
    if (sid != NULL && !json_is_string(sid))
        policy_fault(reader, SPAN(""), "expected a text as Sid");
    statement->sid = policy_text(reader, sid);
    effect_read(reader, json, statement);
    who_read(reader, json, statement);
    actions_read(reader, json, statement);
    resources_read(reader, json, statement);
    if (condition == NULL)
        return;
    size_t was = policy_path_enter(reader, "Condition");
    policy_conditions_read(reader, condition, statement);
    policy_path_leave(reader, was);
}

/* A Sid says in logs which statement it was: there is one of each. */
static void sids_check(struct policy_reader *reader, const struct policy *policy)
{
    for (size_t i = 0; i < policy->count; i++)
        for (size_t k = 0; k < i; k++)
            if (policy->statements[i].sid.len > 0 &&
                span_is(policy->statements[i].sid, policy->statements[k].sid)) {
                size_t was = policy_path_index(reader, i);
                policy_fault(reader, SPAN(""), "another statement has this Sid");
                policy_path_leave(reader, was);
            }
}

static void statements_read(struct policy_reader *reader, json_t *json, struct policy *policy)
{
    size_t was = policy_path_enter(reader, "Statement");
    size_t count = json != NULL ? policy_list_count(json) : 0;
    if (count == 0)
        policy_fault(reader, SPAN(""), "expected at least one statement");
    policy->statements = arena_alloc(reader->arena, count * sizeof *policy->statements);
    policy->count = policy->statements != NULL ? count : 0;
    for (size_t i = 0; i < policy->count; i++) {
        size_t before = json_is_array(json) ? policy_path_index(reader, i) : reader->path_len;
        statement_read(reader, policy_list_at(json, i), &policy->statements[i]);
        policy_path_leave(reader, before);
    }
    sids_check(reader, policy);
    policy_path_leave(reader, was);
}

/* --- the document -------------------------------------------------------------------------- */

/* Without a version it is the old one, in which ${...} is text. */
static void version_read(struct policy_reader *reader, json_t *json)
{
    static const char *const versions[] = {"2012-10-17", "2008-10-17"};
    json_t *member = json_object_get(json, "Version");
    const char *version = json_string_value(member);
    reader->variables = version != NULL && strcmp(version, versions[0]) == 0;
    size_t was = policy_path_enter(reader, "Version");
    if (member != NULL && version == NULL)
        policy_fault(reader, SPAN(""), "expected \"2012-10-17\"");
    else if (version != NULL && !reader->variables && strcmp(version, versions[1]) != 0)
        policy_fault_unknown(reader, "version", version, versions, 2);
    policy_path_leave(reader, was);
}

static void document_read(struct policy_reader *reader, json_t *json, struct policy *policy)
{
    static const char *const members[] = {"Version", "Id", "Statement"};
    if (!json_is_object(json)) {
        policy_fault(reader, SPAN(""), "expected a policy, an object");
        return;
    }
    members_check(reader, json, members, sizeof members / sizeof *members);
    version_read(reader, json);
    statements_read(reader, json_object_get(json, "Statement"), policy);
    if (arena_is_full(reader->arena))
        policy_fault(reader, SPAN(""), "the policy is too large");
}

static json_t *json_read(struct span text, const char *file, struct faults *faults)
{
    struct place place = {.file = file};
    if (text.len > POLICY_BYTES_MOST) {
        fault_add(faults, FAULT_ERROR, place, SPAN(""), "the policy is longer than %d bytes",
                  POLICY_BYTES_MOST);
        return NULL;
    }
    json_error_t error;
    json_t *json =
        json_loadb(text.at != NULL ? text.at : "", text.len, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        place.line = error.line > 0 ? (unsigned)error.line : 0;
        place.column = error.column > 0 ? (unsigned)error.column : 0;
        fault_add(faults, FAULT_ERROR, place, SPAN(""), "no JSON: %s", error.text);
    }
    return json;
}

struct policy *policy_read(struct span text, enum policy_kind kind, const char *file,
                           struct faults *faults)
{
    json_t *json = json_read(text, file, faults);
    if (json == NULL)
        return NULL;
    size_t before = faults_count(faults, FAULT_ERROR);
    struct arena *arena = arena_new(NULL, ARENA_MOST);
    must(arena != NULL);
    struct policy *policy = arena_alloc(arena, sizeof *policy);
    must(policy != NULL);
    *policy = (struct policy){.arena = arena, .kind = kind};
    struct policy_reader reader = {.arena = arena, .faults = faults, .file = file, .kind = kind};
    document_read(&reader, json, policy);
    json_decref(json);
    if (faults_count(faults, FAULT_ERROR) == before)
        return policy;
    policy_free(policy);
    return NULL;
}

void policy_free(struct policy *policy)
{
    if (policy != NULL)
        arena_free(policy->arena);
}

size_t policy_bytes(const struct policy *policy)
{
    return policy != NULL ? arena_used(policy->arena) : 0;
}
