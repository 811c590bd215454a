/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http/sampling_rules.h"

#include "rules/base/glob.h"
#include "rules/base/must.h"
#include "sidecar/http/sampling.h"

const struct sampling_rule sampling_rule_default = {
    .name = SPAN_INIT("Default"),
    .priority = SAMPLING_PRIORITY_DEFAULT,
    .rate = SAMPLING_WHOLE / 20,
    .reservoir = 1,
};

static bool fits(struct span pattern, struct span text)
{
    return pattern.at == NULL || glob_matches_nocase(pattern, text);
}

bool sampling_rule_fits(const struct sampling_rule *rule, const struct sampling_request *request)
{
    if (!fits(rule->method, request->method) || !fits(rule->path, request->path) ||
        !fits(rule->host, request->host) || !fits(rule->service_name, request->service_name) ||
        !fits(rule->service_type, request->service_type) ||
        !fits(rule->resource_arn, request->resource_arn))
        return false;
    for (size_t i = 0; i < rule->attribute_count; i++) {
        const struct pair *attribute = &rule->attributes[i];
        struct span value = fields_get(request->fields, attribute->name);
        if (value.at == NULL || !glob_matches_nocase(attribute->value, value))
            return false;
    }
    return true;
}

size_t sampling_rules_find(const struct sampling_rules *rules,
                           const struct sampling_request *request)
{
    must(rules->count > 0);
    size_t i = 0;
    while (i + 1 < rules->count && !sampling_rule_fits(&rules->at[i], request))
        i++;
    return i;
}

static bool comes_before(const struct sampling_rule *a, const struct sampling_rule *b)
{
    return a->priority != b->priority ? a->priority < b->priority
                                      : span_compare(a->name, b->name) < 0;
}

/* There are few, and most lists are in order. */
void sampling_rules_sort(struct sampling_rule *rules, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && comes_before(&rules[j], &rules[j - 1]); j--) {
            struct sampling_rule later = rules[j - 1];
            rules[j - 1] = rules[j];
            rules[j] = later;
        }
}
