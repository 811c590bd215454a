/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/rate_stores.h"

#include <stdlib.h>

#include "rules/base/map.h"
#include "rules/base/must.h"

struct rate_stores {
    struct rates **at;
    uint64_t *hashes; /* of name and settings */
    size_t count;
};

/* What makes counts comparable: who is counted together, and by which measure. What an entry is
 * about may change. */
static uint64_t hash_of(const char *section, const struct rate_settings *rate)
{
    static const uint8_t key[16] = "limits of a set";
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_format(&text, "%s " SPAN_FORMAT "\n%d %u %u %llu %u %u\n", section, span_arg(rate->name),
               (int)rate->how.algorithm, rate->how.limit, rate->how.burst,
               (unsigned long long)rate->how.window_us, rate->how.keys_most, rate->ipv6_prefix);
    for (size_t i = 0; i < rate->part_count; i++)
        buf_format(&text, "%d " SPAN_FORMAT "\n", (int)rate->parts[i].kind,
                   span_arg(rate->parts[i].name));
    uint64_t hash = siphash(key, buf_span(&text));
    buf_fini(&text);
    return hash;
}

static struct rates *make(const struct rate_settings *rate, struct faults *faults)
{
    struct rates *rates = rates_new(&rate->how);
    if (rates == NULL)
        fault_add(faults, FAULT_ERROR, rate->place, SPAN("a smaller max_keys"),
                  "there is no memory for %u keys", rate->how.keys_most);
    return rates;
}

static void add(struct rate_stores *stores, const char *section, const struct rate_settings *rate,
                const struct rate_stores *before, struct faults *faults)
{
    uint64_t hash = hash_of(section, rate);
    must(rate->store == stores->count);
    stores->hashes[stores->count] = hash;
    for (size_t i = 0; before != NULL && i < before->count; i++) {
        if (before->hashes[i] != hash)
            continue;
        stores->at[stores->count++] = rates_take(before->at[i]);
        return;
    }
    stores->at[stores->count++] = make(rate, faults);
}

static void add_plan(struct rate_stores *stores, const struct usage_plan_settings *plan,
                     const struct rate_stores *before, struct faults *faults)
{
    if (plan->throttle.how.limit > 0)
        add(stores, "usage_plans", &plan->throttle, before, faults);
    for (size_t i = 0; i < plan->route_count; i++)
        add(stores, "usage_plans", &plan->routes[i].throttle, before, faults);
}

struct rate_stores *rate_stores_new(const struct settings *settings,
                                    const struct rate_stores *before, struct faults *faults)
{
    size_t errors = faults_count(faults, FAULT_ERROR);
    struct rate_stores *stores = must_alloc(sizeof *stores);
    stores->at = must_alloc((settings->rate_store_count + 1) * sizeof(struct rates *));
    stores->hashes = must_alloc((settings->rate_store_count + 1) * sizeof *stores->hashes);
    for (size_t i = 0; i < settings->access_count; i++)
        if (settings->access[i].rate.how.limit > 0)
            add(stores, "access", &settings->access[i].rate, before, faults);
    for (size_t i = 0; i < settings->rate_limit_count; i++)
        add(stores, "rate_limits", &settings->rate_limits[i].rate, before, faults);
    for (size_t i = 0; i < settings->usage_plan_count; i++)
        add_plan(stores, &settings->usage_plans[i], before, faults);
    if (faults_count(faults, FAULT_ERROR) == errors)
        return stores;
    rate_stores_free(stores);
    return NULL;
}

void rate_stores_free(struct rate_stores *stores)
{
    if (stores == NULL)
        return;
    for (size_t i = 0; i < stores->count; i++)
        rates_give(stores->at[i]);
    free(stores->hashes);
    free(stores->at);
    free(stores);
}

struct rates *const *rate_stores_at(const struct rate_stores *stores)
{
    return stores->at;
}
