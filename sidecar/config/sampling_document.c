/* SPDX-License-Identifier: Apache-2.0 */
/* JSON is read as the YAML that it is, so that every fault has its place. */
#include "sidecar/config/sampling_document.h"

#include <stddef.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/base/number.h"
#include "sidecar/config/document.h"
#include "sidecar/http/sampling.h"

enum { LOCAL_VERSION = 2, RECORD_VERSION = 1, HINT_BYTES = 160 };

static void refuse(const struct sampling_document *d, const struct node *at, const char *message)
{
    fault_add(d->faults, FAULT_ERROR, at->place, SPAN(""), "%s", message);
}

/* Says what is no map, and every member that is none of these. */
static bool is_map_of(const struct sampling_document *d, const struct node *map,
                      const char *const *members, size_t count)
{
    char hint[HINT_BYTES];
    bool good = true;
    if (map->kind != NODE_MAP) {
        refuse(d, map, "expected an object");
        return false;
    }
    for (const struct node *at = map->first; at != NULL && !d->is_answer; at = at->next) {
        size_t i = 0;
        while (i < count && !span_is(at->key, span_text(members[i])))
            i++;
        if (i < count)
            continue;
        fault_add(d->faults, FAULT_ERROR, at->key_place,
                  nearest_hint(at->key, members, count, hint, sizeof hint),
                  "'" SPAN_FORMAT "' is no member of this object",
                  span_arg(span_first(at->key, 80)));
        good = false;
    }
    return good;
}

#define IS_MAP_OF(d, map, ...)                                \
    is_map_of((d), (map), (const char *const[]){__VA_ARGS__}, \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* A member of a map; NULL: not there, said where it is needed. */
static const struct node *member(const struct sampling_document *d, const struct node *map,
                                 const char *name, bool is_needed)
{
    const struct node *found = tree_find(map, span_text(name));
    if (found == NULL && is_needed)
        fault_add(d->faults, FAULT_ERROR, map->place, SPAN(""), "%s is missing", name);
    return found;
}

/* A pattern; what fits anything is none. */
static void read_pattern(const struct sampling_document *d, const struct node *map,
                         const char *name, bool is_needed, struct span *to)
{
    const struct node *node = member(d, map, name, is_needed);
    if (node == NULL)
        return;
    if (node->kind != NODE_SCALAR)
        refuse(d, node, "expected a text");
    else if (!span_is(node->text, SPAN("*")))
        *to = node->text;
}

static void read_count(const struct sampling_document *d, const struct node *map, const char *name,
                       uint64_t most, unsigned *to)
{
    const struct node *node = member(d, map, name, true);
    uint64_t number;
    if (node == NULL)
        return;
    if (node->kind != NODE_SCALAR || !number_parse(node->text, &number) || number > most)
        fault_add(d->faults, FAULT_ERROR, node->place, SPAN(""),
                  "%s: expected a whole number from 0 to %llu", name, (unsigned long long)most);
    else
        *to = (unsigned)number;
}

static void read_rate(const struct sampling_document *d, const struct node *map, const char *name,
                      unsigned *to)
{
    const struct node *node = member(d, map, name, true);
    char *end = NULL;
    if (node == NULL)
        return;
    double rate = node->kind == NODE_SCALAR && node->text.len > 0 && node->text.at[0] != '-'
                      ? strtod(node->text.at, &end)
                      : -1;
    if (end == NULL || *end != '\0' || !(rate >= 0 && rate <= 1))
        fault_add(d->faults, FAULT_ERROR, node->place, SPAN(""),
                  "%s: expected a number from 0 to 1", name);
    else
        *to = (unsigned)(rate * SAMPLING_WHOLE + 0.5);
}

static const struct node *read_list(const struct sampling_document *d, const struct node *map,
                                    const char *name)
{
    const struct node *list = member(d, map, name, true);
    if (list == NULL || list->kind == NODE_LIST)
        return list;
    refuse(d, list, "expected a list");
    return NULL;
}

static bool is_taken(const struct sampling_rule *rules, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(rules[i].name, name))
            return true;
    return false;
}

static bool has_room(const struct sampling_document *d, const struct node *list, size_t count)
{
    if (count < SAMPLING_RULES_MOST - 1) /* one is the default's */
        return true;
    fault_add(d->faults, FAULT_ERROR, list->place, SPAN(""), "there are more than %d rules",
              SAMPLING_RULES_MOST - 1);
    return false;
}

static struct node *parse(const struct sampling_document *d, struct span text)
{
    const struct document document = {
        .arena = d->arena, .faults = d->faults, .file = d->file, .folder = "", .has_lines = true};
    return document_parse(&document, text);
}

/* ---- the file of the SDKs ---- */

static void read_local_rule(const struct sampling_document *d, const struct node *map,
                            struct sampling_rule *rules, size_t i)
{
    struct sampling_rule *rule = &rules[i];
    struct span description = SPAN("");
    *rule = (struct sampling_rule){.priority = (unsigned)i + 1};
    if (!IS_MAP_OF(d, map, "description", "host", "http_method", "url_path", "fixed_target",
                   "rate"))
        return;
    read_pattern(d, map, "description", false, &description);
    read_pattern(d, map, "host", true, &rule->host);
    read_pattern(d, map, "http_method", true, &rule->method);
    read_pattern(d, map, "url_path", true, &rule->path);
    read_count(d, map, "fixed_target", UINT32_MAX / 2, &rule->reservoir);
    read_rate(d, map, "rate", &rule->rate);
    description = span_first(description, SAMPLING_NAME_MOST);
    bool is_name = description.len > 0 && !span_is(description, sampling_rule_default.name) &&
                   !is_taken(rules, i, description);
    rule->name = is_name ? description : arena_format(d->arena, "rule %zu", i + 1);
}

static void read_local_default(const struct sampling_document *d, const struct node *root,
                               struct sampling_rule *rule)
{
    const struct node *map = member(d, root, "default", true);
    *rule = sampling_rule_default;
    if (map == NULL || !IS_MAP_OF(d, map, "fixed_target", "rate"))
        return;
    read_count(d, map, "fixed_target", UINT32_MAX / 2, &rule->reservoir);
    read_rate(d, map, "rate", &rule->rate);
}

static void read_local(const struct sampling_document *d, const struct node *root,
                       struct sampling_rule *rules, size_t *count)
{
    unsigned version = LOCAL_VERSION;
    if (!IS_MAP_OF(d, root, "version", "rules", "default"))
        return;
    read_count(d, root, "version", UINT32_MAX, &version);
    if (version != LOCAL_VERSION)
        refuse(d, member(d, root, "version", true), "version: expected 2");
    const struct node *list =
        tree_find(root, SPAN("rules")) != NULL ? read_list(d, root, "rules") : NULL;
    for (const struct node *at = list != NULL ? list->first : NULL; at != NULL; at = at->next) {
        if (!has_room(d, list, *count))
            return;
        read_local_rule(d, at, rules, (*count)++);
    }
    read_local_default(d, root, &rules[(*count)++]);
}

/* ---- GetSamplingRules ---- */

static const struct {
    const char *name;
    size_t at;
} patterns[] = {
    {"ServiceName", offsetof(struct sampling_rule, service_name)},
    {"ServiceType", offsetof(struct sampling_rule, service_type)},
    {"Host", offsetof(struct sampling_rule, host)},
    {"HTTPMethod", offsetof(struct sampling_rule, method)},
    {"URLPath", offsetof(struct sampling_rule, path)},
    {"ResourceARN", offsetof(struct sampling_rule, resource_arn)},
};

static void read_attributes(const struct sampling_document *d, const struct node *map,
                            struct sampling_rule *rule)
{
    const struct node *attributes = member(d, map, "Attributes", false);
    if (attributes == NULL || node_is_empty(attributes) ||
        (attributes->kind == NODE_SCALAR && span_is(attributes->text, SPAN("null"))))
        return;
    if (attributes->kind != NODE_MAP || attributes->count > SAMPLING_ATTRIBUTES_MOST) {
        refuse(d, attributes, "Attributes: expected an object with five members at most");
        return;
    }
    for (const struct node *at = attributes->first; at != NULL; at = at->next) {
        if (at->kind == NODE_SCALAR)
            rule->attributes[rule->attribute_count++] = (struct pair){at->key, at->text};
        else
            refuse(d, at, "expected a text");
    }
}

static bool read_record_rule(const struct sampling_document *d, const struct node *map,
                             const struct sampling_rule *before, size_t count,
                             struct sampling_rule *rule)
{
    *rule = (struct sampling_rule){.priority = 0};
    if (!IS_MAP_OF(d, map, "RuleName", "RuleARN", "Priority", "FixedRate", "ReservoirSize",
                   "ServiceName", "ServiceType", "Host", "HTTPMethod", "URLPath", "ResourceARN",
                   "Version", "Attributes", "SamplingRateBoost"))
        return true;
    const struct node *version = member(d, map, "Version", false);
    if (version != NULL && !span_is(version->text, SPAN("1"))) {
        if (!d->is_answer)
            refuse(d, version, "Version: expected 1");
        return false;
    }
    const struct node *name = member(d, map, "RuleName", true);
    if (name != NULL &&
        (name->kind != NODE_SCALAR || name->text.len == 0 || name->text.len > SAMPLING_NAME_MOST))
        refuse(d, name, "RuleName: expected a name of 64 characters at most");
    else if (name != NULL && is_taken(before, count, name->text))
        refuse(d, name, "RuleName: another rule has this name");
    else if (name != NULL)
        rule->name = name->text;
    bool is_default = span_is(rule->name, sampling_rule_default.name);
    rule->priority = SAMPLING_PRIORITY_DEFAULT;
    if (!is_default)
        read_count(d, map, "Priority", SAMPLING_PRIORITY_MOST, &rule->priority);
    read_rate(d, map, "FixedRate", &rule->rate);
    read_count(d, map, "ReservoirSize", UINT32_MAX / 2, &rule->reservoir);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns && !is_default; i++) {
        struct span pattern = {NULL, 0};
        read_pattern(d, map, patterns[i].name, false, &pattern);
        memcpy((char *)rule + patterns[i].at, &pattern, sizeof pattern);
    }
    if (!is_default)
        read_attributes(d, map, rule);
    return true;
}

static void read_records(const struct sampling_document *d, const struct node *root,
                         struct sampling_rule *rules, size_t *count)
{
    if (!IS_MAP_OF(d, root, "SamplingRuleRecords", "NextToken"))
        return;
    const struct node *list = read_list(d, root, "SamplingRuleRecords");
    for (const struct node *at = list != NULL ? list->first : NULL; at != NULL; at = at->next) {
        if (!IS_MAP_OF(d, at, "SamplingRule", "CreatedAt", "ModifiedAt"))
            continue;
        const struct node *rule = member(d, at, "SamplingRule", true);
        if (rule == NULL)
            continue;
        if (!has_room(d, list, *count))
            return;
        if (read_record_rule(d, rule, rules, *count, &rules[*count]))
            (*count)++;
    }
}

/* ---- either ---- */

const struct sampling_rules *sampling_rules_close(struct sampling_rule *rules, size_t count,
                                                  struct arena *arena)
{
    bool has_default = is_taken(rules, count, sampling_rule_default.name);
    struct sampling_rules *closed = arena_alloc(arena, sizeof *closed);
    struct sampling_rule *copy = arena_alloc(arena, (count + 1) * sizeof *copy);
    must(closed != NULL && copy != NULL);
    memcpy(copy, rules, count * sizeof *copy);
    if (!has_default)
        copy[count++] = sampling_rule_default;
    sampling_rules_sort(copy, count);
    *closed = (struct sampling_rules){copy, count};
    return closed;
}

const struct sampling_rules *sampling_document_read(const struct sampling_document *d,
                                                    struct span text)
{
    struct sampling_rule rules[SAMPLING_RULES_MOST];
    size_t count = 0, before = faults_count(d->faults, FAULT_ERROR);
    const struct node *root = parse(d, text);
    if (root == NULL)
        return NULL;
    if (tree_find(root, SPAN("SamplingRuleRecords")) != NULL)
        read_records(d, root, rules, &count);
    else
        read_local(d, root, rules, &count);
    if (faults_count(d->faults, FAULT_ERROR) > before)
        return NULL;
    return sampling_rules_close(rules, count, d->arena);
}

bool sampling_document_add(const struct sampling_document *d, struct span text,
                           struct sampling_rule *rules, size_t *count, struct span *next)
{
    size_t before = faults_count(d->faults, FAULT_ERROR);
    const struct node *root = parse(d, text);
    if (root == NULL)
        return false;
    read_records(d, root, rules, count);
    const struct node *token = tree_find(root, SPAN("NextToken"));
    bool is_more = token != NULL && token->kind == NODE_SCALAR && token->text.len > 0 &&
                   !(token->plain && span_is(token->text, SPAN("null")));
    *next = is_more ? token->text : span_make(NULL, 0);
    return faults_count(d->faults, FAULT_ERROR) == before;
}
