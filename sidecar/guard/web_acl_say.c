/* SPDX-License-Identifier: Apache-2.0 */
/* A rule that matched, in the words of AWS WAF's log. */
#include "rules/base/arena.h"
#include "sidecar/guard/web_acl_inside.h"

enum { DATA_BYTES = 256 }; /* of what was found */

void web_acl_note_found(struct web_acl_run *run, const struct web_acl_statement *statement,
                        struct span value)
{
    if (run->asked->arena == NULL)
        return;
    struct web_acl_found *found = arena_alloc(run->asked->arena, sizeof *found);
    if (found == NULL)
        return;
    found->statement = statement;
    found->name = arena_copy(run->asked->arena, run->header);
    found->data = arena_copy(run->asked->arena, span_first(value, DATA_BYTES));
    run->found = found;
}

static const char *location_of(const struct web_acl_field *field)
{
    switch (field->component) {
    case COMPONENT_SINGLE_HEADER:
    case COMPONENT_HEADERS: return "HEADER";
    case COMPONENT_SINGLE_ARGUMENT: return "SINGLE_QUERY_ARG";
    case COMPONENT_ALL_ARGUMENTS: return "ALL_QUERY_ARGS";
    case COMPONENT_URI_PATH: return "URI";
    case COMPONENT_URI_FRAGMENT: return "URI_FRAGMENT";
    case COMPONENT_QUERY_STRING: return "QUERY_STRING";
    case COMPONENT_METHOD: return "METHOD";
    case COMPONENT_BODY: return "BODY";
    case COMPONENT_JSON_BODY: return "JSON_BODY";
    case COMPONENT_COOKIES: return "COOKIES";
    case COMPONENT_HEADER_ORDER: return "HEADER_ORDER";
    }
    return "UNKNOWN";
}

static void say_found(const struct web_acl_found *found, struct decision_rule *to)
{
    const struct web_acl_statement *statement = found->statement;
    bool sql = statement->kind == KIND_SQLI;
    to->condition = sql ? "SQL_INJECTION" : "XSS";
    to->sensitivity = !sql ? "" : statement->sensitive ? "HIGH" : "LOW";
    to->location = location_of(&statement->field);
    to->field = found->name.len > 0 ? found->name : statement->field.name;
    to->data = found->data;
}

static const char *key_of(const struct web_acl_rate *rate)
{
    if (rate->key_count == 0)
        return "CONSTANT";
    if (rate->key_count > 1)
        return "CUSTOMKEYS";
    switch (rate->keys[0].kind) {
    case KEY_IP: return "IP";
    case KEY_FORWARDED_IP: return "FORWARDEDIP";
    case KEY_HEADER:
    case KEY_COOKIE:
    case KEY_ARGUMENT:
    case KEY_QUERY_STRING:
    case KEY_URI_PATH:
    case KEY_METHOD:
    case KEY_LABELS:
    case KEY_ASN: break;
    }
    return "CUSTOMKEYS";
}

/* The group that a rule of the web ACL names; NULL: it names none. */
static const struct web_acl_group *group_of(const struct web_acl *acl, struct span rule)
{
    for (size_t i = 0; i < acl->top.rule_count; i++)
        if (span_is(acl->top.rules[i].name, rule))
            return acl->top.rules[i].statement.group;
    return NULL;
}

struct decision_rule web_acl_say(const struct web_acl *acl, const struct web_acl_matched *matched,
                                 struct arena *arena)
{
    struct decision_rule said = {.type = "REGULAR",
                                 .rule = SPAN("Default_Action"),
                                 .condition = "",
                                 .sensitivity = "",
                                 .location = "",
                                 .limit_key = ""};
    const struct web_acl_rule *rule = matched->rule;
    if (rule == NULL)
        return said;
    struct span inner = rule->name;
    said.rule = span_cut(&inner, '/'); /* a group's rules are called after the one that names it */
    const struct web_acl_group *group = group_of(acl, said.rule);
    if (rule->statement.kind == KIND_RATE) {
        said.type = "RATE_BASED";
        said.limit_key = key_of(rule->statement.rate);
        said.limit = rule->statement.rate->limit;
        said.window_s = rule->statement.rate->window_s;
    }
    if (group != NULL) {
        said.type = group->is_managed ? "MANAGED_RULE_GROUP" : "GROUP";
        said.group = group->is_managed
                         ? arena_format(arena, "AWS#" SPAN_FORMAT, span_arg(group->name))
                         : group->name;
        said.inner = inner;
    }
    if (matched->found != NULL)
        say_found(matched->found, &said);
    return said;
}

struct span web_acl_arn(const struct web_acl *acl)
{
    return acl->arn.at != NULL ? acl->arn : acl->name;
}
