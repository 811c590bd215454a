/* SPDX-License-Identifier: Apache-2.0 */
/* X-Ray's sampling rules: of a list in order of priority the first whose every field fits a request
 * decides how many of its kind are traced, so many a second first (the reservoir), then a part of
 * the rest (the rate). */
#ifndef SIDEGATE_SIDECAR_HTTP_SAMPLING_RULES_H
#define SIDEGATE_SIDECAR_HTTP_SAMPLING_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "sidecar/http/fields.h"

enum {
    SAMPLING_RULES_MOST = 100,
    SAMPLING_ATTRIBUTES_MOST = 5,
    SAMPLING_NAME_MOST = 64, /* bytes of a rule's name */
    SAMPLING_PRIORITY_MOST = 9999,
    SAMPLING_PRIORITY_DEFAULT = 10000,
};

/* Texts are patterns with * and ?, compared without case. at == NULL: anything fits. */
struct sampling_rule {
    struct span name;
    struct span service_name, service_type, host, method, path, resource_arn;
    struct pair attributes[SAMPLING_ATTRIBUTES_MOST]; /* fields of the request */
    size_t attribute_count;
    unsigned priority;  /* the least one first; of equal ones by name */
    unsigned rate;      /* in billionths: sampling.h */
    unsigned reservoir; /* a second */
};

/* In the order in which they are asked; the last one fits everything. */
struct sampling_rules {
    const struct sampling_rule *at;
    size_t count; /* from 1 */
};

/* "Default": one a second and 5 % of the rest. */
extern const struct sampling_rule sampling_rule_default;

/* What is asked about. */
struct sampling_request {
    struct span service_name, service_type, resource_arn;
    struct span host, method, path;
    const struct fields *fields;
};

bool sampling_rule_fits(const struct sampling_rule *rule, const struct sampling_request *request);
/* The index of the first that fits. */
size_t sampling_rules_find(const struct sampling_rules *rules,
                           const struct sampling_request *request);
/* Into the order in which they are asked. */
void sampling_rules_sort(struct sampling_rule *rules, size_t count);

#endif
