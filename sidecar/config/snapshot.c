/* SPDX-License-Identifier: Apache-2.0 */
/* Parts, counted and shared; a snapshot is a few of them and a few numbers. */
#include <stdlib.h>

#include "exporters/metrics.h"
#include "rules/base/map.h"
#include "rules/base/must.h"
#include "rules/match/pattern.h"
#include "sidecar/config/api_key_parts.h"
#include "sidecar/config/authorizer_stores.h"
#include "sidecar/config/aws_keys.h"
#include "sidecar/config/geo_files.h"
#include "sidecar/config/ip_lists.h"
#include "sidecar/config/key_sets.h"
#include "sidecar/config/live_sets.h"
#include "sidecar/config/policy_file.h"
#include "sidecar/config/precedence.h"
#include "sidecar/config/rate_stores.h"
#include "sidecar/config/snapshot_inside.h"
#include "sidecar/config/tls_parts.h"
#include "sidecar/config/web_acl_files.h"
#include "sidecar/guard/address_set.h"

/* Of this process: how many live, how many there were. */
static _Atomic unsigned alive;
static _Atomic uint64_t latest_number;

/* ---- the snapshot ---- */

/* What is read and what was put in, side by side. */
static struct address_set *address_sets(const struct snapshot_parts *parts)
{
    const struct settings *settings = parts->settings->value;
    const struct networks *const *networks = ip_lists_sets(parts->ip_lists->value);
    struct live_entries *const *live = live_sets_at(parts->live_sets->value);
    struct address_set *sets = must_alloc((settings->ip_set_count + 1) * sizeof *sets);
    for (size_t i = 0; i < settings->ip_set_count; i++)
        sets[i] = (struct address_set){
            .name = settings->ip_sets[i].name,
            .networks = networks[i],
            .live = live[i],
            .is_missing = ip_lists_is_missing(parts->ip_lists->value, i),
            .denies = settings->ip_sets[i].on_failure == ON_FAILURE_DENY,
        };
    return sets;
}

static uint64_t hash_of_all(const struct snapshot_parts *parts)
{
    static const uint8_t key[16] = "a whole snapshot";
    uint64_t hashes[] = {parts->effective.hash, parts->rules->hash,   parts->routes->hash,
                         parts->ip_lists->hash, parts->geo->hash,     parts->key_sets->hash,
                         parts->tls->hash,      parts->policy->hash,  parts->web_acls->hash,
                         parts->api_keys->hash, parts->aws_keys->hash};
    return siphash(key, span_make((const char *)hashes, sizeof hashes));
}

/* Whoever wrote it has been told already what is wrong with it. */
static struct pattern *audit_status_of(const struct settings *settings)
{
    size_t offset;
    char why[160];
    struct span text = settings->audit_log.relevant_status;
    return text.at != NULL ? pattern_new(text, PATTERN_RULE, &offset, why, sizeof why) : NULL;
}

/* Whom rules may refuse. */
static void say_waf(struct snapshot_parts *parts)
{
    struct snapshot *snapshot = &parts->snapshot;
    const struct settings *settings = parts->settings->value;
    bool loaded = snapshot->ruleset != NULL;
    parts->waf_routes = must_alloc((settings->route_count + 1) * sizeof *parts->waf_routes);
    snapshot->waf_effective = loaded && snapshot->inspection.engine == ENGINE_ON;
    snapshot->waf_routes = parts->waf_routes;
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct route_settings *route = &settings->routes[i];
        if (route->rules.mode_given)
            parts->waf_routes[snapshot->waf_route_count++] = (struct waf_route){
                route->method, route->pattern, loaded && route->rules.mode == ENGINE_ON};
    }
}

static void snapshot_fill(struct snapshot_parts *parts, struct faults *faults)
{
    const struct settings *settings = parts->settings->value;
    const struct rules_value *rules = parts->rules->value;
    struct faults *known = faults_new(); /* said when the databases were read */
    parts->effective = *settings;
    snapshot_settle_geo(&parts->effective, rules->ruleset, known);
    faults_free(known);
    parts->ip_sets = address_sets(parts);
    parts->snapshot = (struct snapshot){
        .settings = &parts->effective,
        .ruleset = rules->ruleset,
        .inspection = precedence_settle(&parts->effective, rules->ruleset, faults),
        .routes = parts->routes->value,
        .ip_sets = parts->ip_sets,
        .key_stores = key_sets_stores(parts->key_sets->value),
        .tokens = key_sets_tokens(parts->key_sets->value),
        .aws_keys = parts->aws_keys->value,
        .remotes = authorizer_stores_at(parts->remotes->value),
        .pulses = authorizer_stores_pulses(parts->remotes->value),
        .geo = geo_files_geo(parts->geo->value),
        .resource_policy = policy_file_policy(parts->policy->value),
        .api_keys = api_key_part_keys(parts->api_keys->value),
        .rates = rate_stores_at(parts->rates->value),
        .tls_servers = tls_parts_servers(parts->tls->value),
        .tls_clients = tls_parts_clients(parts->tls->value),
        .web_acls = web_acl_files_all(parts->web_acls->value),
        .web_acl_body_bytes = web_acl_files_body_bytes(parts->web_acls->value),
        .number = atomic_fetch_add(&latest_number, 1) + 1,
        .hash = hash_of_all(parts),
        .parts = parts,
    };
    parts->snapshot.certificates =
        tls_parts_expiries(parts->tls->value, &parts->snapshot.certificate_count);
    parts->audit_status = audit_status_of(&parts->effective);
    parts->snapshot.audit_status = parts->audit_status;
    say_waf(parts);
    if (rules->ruleset == NULL)
        return;
    const struct rule_settings *said = &rules->ruleset->settings;
    parts->snapshot.components = said->component_signature;
    parts->snapshot.web_app_id = said->web_app_id;
    parts->snapshot.sensor_id = said->sensor_id;
}

static struct snapshot *finish(struct snapshot_parts *parts, struct faults *faults)
{
    atomic_init(&parts->count, 1);
    snapshot_fill(parts, faults);
    atomic_fetch_add(&alive, 1);
    return &parts->snapshot;
}

struct snapshot *snapshot_build(const struct settings_source *source, const struct snapshot *before,
                                struct faults *faults)
{
    struct snapshot_parts *parts = must_alloc(sizeof *parts);
    if (!snapshot_parts_build(parts, source, before, faults)) {
        snapshot_parts_free(parts);
        return NULL;
    }
    return finish(parts, faults);
}

/* ---- what changes by itself ---- */

uint64_t snapshot_stamp(const struct snapshot *snapshot, enum renewal renewal)
{
    const struct settings *settings = snapshot->settings;
    switch (renewal) {
    case RENEW_TLS: return tls_files_stamp(settings);
    case RENEW_IP_LISTS: return ip_lists_stamp(settings, snapshot->parts->ip_lists->value);
    case RENEW_GEO: return geo_files_stamp(settings);
    case RENEW_API_KEYS: return api_key_part_stamp(settings);
    case RENEWALS: break;
    }
    return 0;
}

uint64_t snapshot_refresh_us(const struct snapshot *snapshot, enum renewal renewal)
{
    const struct settings *settings = snapshot->settings;
    switch (renewal) {
    case RENEW_TLS: return tls_files_refresh_us(settings);
    case RENEW_IP_LISTS: return ip_lists_refresh_us(settings);
    case RENEW_GEO: return geo_files_refresh_us(settings);
    case RENEW_API_KEYS: return api_key_part_refresh_us(settings);
    case RENEWALS: break;
    }
    return 0;
}

struct snapshot *snapshot_renew(const struct snapshot *before, unsigned which,
                                struct faults *faults)
{
    struct snapshot_parts *parts = must_alloc(sizeof *parts);
    if (!snapshot_parts_renew(parts, before, which, faults)) {
        snapshot_parts_free(parts);
        return NULL;
    }
    struct faults *said = faults_new(); /* of what has not changed everything was said already */
    struct snapshot *snapshot = finish(parts, said);
    faults_free(said);
    return snapshot;
}

/* ---- who holds it ---- */

struct snapshot *snapshot_take(struct snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->parts->count, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_give(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    struct snapshot_parts *parts = snapshot->parts;
    if (atomic_fetch_sub_explicit(&parts->count, 1, memory_order_acq_rel) > 1)
        return;
    snapshot_parts_free(parts);
    atomic_fetch_sub(&alive, 1);
}

unsigned snapshots_alive(void)
{
    return atomic_load(&alive);
}
