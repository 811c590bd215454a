/* SPDX-License-Identifier: Apache-2.0 */
/* API keys and usage plans as a whole, and what routes want of them. */
#include "rules/base/number.h"
#include "sidecar/config/read.h"
#include "sidecar/http/fields.h"

enum { KEYS_MOST = 131072, TEXT_BYTES = 1024 };

static void refuse(struct reading *reading, const struct node *at, const char *hint,
                   const char *message)
{
    fault_add(reading->faults, FAULT_ERROR, at->place, span_text(hint), "%s", message);
}

/* ---- api_keys ---- */

static void check_keys(struct reading *reading)
{
    struct settings *settings = reading->settings;
    const struct node *file = tree_find_path(reading->root, SPAN("api_keys.file"));
    const struct node *header = tree_find_path(reading->root, SPAN("api_keys.header"));
    const struct node *claim = tree_find_path(reading->root, SPAN("api_keys.claim"));
    if (header != NULL && !http_is_token(settings->api_keys.header))
        refuse(reading, header, "x-api-key", "api_keys.header: this is no name of a field");
    if (claim != NULL && settings->api_keys.source != API_KEY_FROM_AUTHORIZER &&
        !reading_refused_key(reading, tree_find(reading->root, SPAN("api_keys")), "source"))
        refuse(reading, claim, "source: authorizer",
               "api_keys.claim: keys come from a header, and from no token");
    if (file == NULL)
        return;
    settings->api_keys.place = file->place;
    settings->api_keys.place.file = arena_string(reading->arena, span_text(file->place.file));
}

/* Or their section was refused, which was said. */
static bool has_keys(const struct reading *reading)
{
    return reading->settings->api_keys.file.at != NULL ||
           reading_refused_key(reading, reading->root, "api_keys");
}

/* ---- usage_plans ---- */

static void settle(struct reading *reading, const struct node *at, struct rate_settings *throttle,
                   struct span name)
{
    char window[32];
    if (throttle->how.burst == 0)
        throttle->how.burst = throttle->how.limit;
    throttle->how.algorithm = RATE_TOKEN_BUCKET;
    throttle->how.keys_most = KEYS_MOST;
    throttle->name = name;
    throttle->place = at->place;
    throttle->place.file = arena_string(reading->arena, span_text(at->place.file));
    throttle->store = reading->settings->rate_store_count++;
    size_t len = duration_write(window, throttle->how.window_us);
    throttle->text = arena_format(reading->arena, "more than %u in " SPAN_FORMAT " by api_key",
                                  throttle->how.limit, span_arg(span_make(window, len)));
    if (!rate_limit_fits(&throttle->how))
        refuse(reading, at, "a smaller burst, or a shorter time",
               "rate, burst: the bucket would take longer than a year to fill");
}

static void check_quota(struct reading *reading, const struct node *quota,
                        struct usage_plan_settings *plan)
{
    static const char *const words[] = {
        [QUOTA_DAY] = "day", [QUOTA_WEEK] = "week", [QUOTA_MONTH] = "month"};
    plan->quota_text = arena_format(reading->arena, "more than %u a %s", plan->quota.limit,
                                    words[plan->quota.period]);
    if (plan->quota.offset > plan->quota.limit)
        refuse(reading, tree_find(quota, SPAN("offset")), "a number up to the limit",
               "usage_plans.*.quota.offset is more than the limit");
}

static void check_plan(struct reading *reading, const struct node *node,
                       struct usage_plan_settings *plan)
{
    union { /* the settings are still being made; nobody else sees them */
        const struct plan_route *in;
        struct plan_route *out;
    } routes = {plan->routes};
    plan->place = node->place;
    plan->place.file = arena_string(reading->arena, span_text(node->place.file));
    if (plan->quota.limit > 0)
        check_quota(reading, tree_find(node, SPAN("quota")), plan);
    if (plan->throttle.how.limit > 0)
        settle(reading, node, &plan->throttle, plan->name);
    for (size_t i = 0; i < plan->route_count; i++)
        settle(reading, node, &routes.out[i].throttle,
               arena_format(reading->arena, SPAN_FORMAT " " SPAN_FORMAT, span_arg(plan->name),
                            span_arg(plan->routes[i].match)));
}

static void check_plans(struct reading *reading)
{
    union {
        const struct usage_plan_settings *in;
        struct usage_plan_settings *out;
    } plans = {reading->settings->usage_plans};
    const struct node *list = tree_find(reading->root, SPAN("usage_plans"));
    const struct node *node = list != NULL ? list->first : NULL;
    if (node != NULL && !has_keys(reading))
        refuse(reading, list, "add api_keys.file", "usage_plans: there are no API keys");
    if (node != NULL && reading->settings->process.state_dir.at == NULL)
        fault_add(reading->faults, FAULT_WARNING, list->place, SPAN("add process.state_dir"),
                  "usage_plans: what keys have used is forgotten with a restart");
    for (size_t i = 0; node != NULL && i < reading->settings->usage_plan_count;
         i++, node = node->next)
        check_plan(reading, node, &plans.out[i]);
}

/* ---- routes[].api_key ---- */

static void check_route(struct reading *reading, const struct node *node,
                        const struct route_settings *route)
{
    const struct node *at = tree_find(node, SPAN("api_key"));
    const struct settings *settings = reading->settings;
    if (!has_keys(reading))
        refuse(reading, at, "add api_keys.file", "routes[].api_key: there are no API keys");
    else if (settings->api_keys.source == API_KEY_FROM_AUTHORIZER &&
             route->authorizer_name.at == NULL && !reading_refused_key(reading, node, "authorizer"))
        refuse(reading, at, "add authorizer: NAME",
               "routes[].api_key: keys come from an authorizer, and the route asks none");
}

void usage_plans_check(struct reading *reading)
{
    const struct node *routes = tree_find(reading->root, SPAN("routes"));
    check_keys(reading);
    check_plans(reading);
    for (size_t i = 0; i < reading->settings->route_count; i++) {
        const struct node *key = tree_find(tree_at(routes, i), SPAN("api_key"));
        if (key != NULL && reading->settings->routes[i].needs_api_key)
            check_route(reading, tree_at(routes, i), &reading->settings->routes[i]);
    }
}
