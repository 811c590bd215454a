/* SPDX-License-Identifier: Apache-2.0 */
/* Which route a request takes: by method and path pattern, the most specific first, as API Gateway
 * orders them: a literal segment before {name}, {name} before {proxy+}; a named method before ANY.
 */
#ifndef SIDEGATE_SIDECAR_CONFIG_ROUTES_H
#define SIDEGATE_SIDECAR_CONFIG_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/fault.h"
#include "sidecar/config/settings.h"

struct routes;

struct route {
    struct span template; /* what http_route shows: "/orders/{id}"; empty for the route of a
                             configuration without any */
    struct span key;      /* as it was written: "GET /orders/{id}"; without any route: "$default" */
    unsigned upstream;
    uint64_t request_timeout_us;
    bool mode_given; /* else rules.mode and SecRuleEngine hold */
    enum rule_engine mode;
    const struct pair *variables; /* of TX, for the rules (route_rules.h) */
    size_t variable_count;
    const size_t *rate_limits; /* indexes in the settings', in order */
    size_t rate_limit_count;
    size_t authorizer; /* index in the settings', from 1; 0: none */
    const struct span *scopes;
    size_t scope_count;
    bool needs_api_key;
    size_t number; /* in the settings; of a configuration without any: SIZE_MAX */
};

/* Two routes for the same requests are a fault at the second. Without any, everything goes to the
 * only upstream. */
struct routes *routes_new(const struct settings *settings, struct faults *faults);
void routes_free(struct routes *routes);
/* `path` is the canonical one. NULL: none fits. */
const struct route *routes_match(const struct routes *routes, struct span method, struct span path);
/* What stands where the template has {name} and {name+}, in order, escapes and all: as many pairs
 * as there is room for are filled in; returns how many. The path is one that the route fits. */
enum { ROUTE_PARAMETERS_MOST = 64 };
size_t route_parameters(const struct route *route, struct span path,
                        struct pair to[ROUTE_PARAMETERS_MOST]);
/* Every route, for metrics; the i-th or NULL. */
const struct route *routes_at(const struct routes *routes, size_t i);

#endif
