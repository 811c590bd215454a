/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a snapshot: read, compiled, or taken over from the one before. */
#include <stdlib.h>

#include "rules/base/map.h"
#include "rules/base/must.h"
#include "sidecar/config/api_key_parts.h"
#include "sidecar/config/authorizer_stores.h"
#include "sidecar/config/aws_keys.h"
#include "sidecar/config/ca_files.h"
#include "sidecar/config/geo_files.h"
#include "sidecar/config/ip_lists.h"
#include "sidecar/config/key_sets.h"
#include "sidecar/config/live_sets.h"
#include "sidecar/config/policy_file.h"
#include "sidecar/config/print.h"
#include "sidecar/config/rate_stores.h"
#include "sidecar/config/rule_load.h"
#include "sidecar/config/snapshot_inside.h"
#include "sidecar/config/tls_parts.h"
#include "sidecar/config/web_acl_files.h"
#include "sidecar/state/documents.h"

/* ---- parts ---- */

static struct part *part_new(uint64_t hash, void *value, void (*free_value)(void *))
{
    struct part *part = must_alloc(sizeof *part);
    atomic_init(&part->count, 1);
    part->hash = hash;
    part->value = value;
    part->free = free_value;
    return part;
}

static struct part *part_take(struct part *part)
{
    atomic_fetch_add_explicit(&part->count, 1, memory_order_relaxed);
    return part;
}

static void part_give(struct part *part)
{
    if (part == NULL || atomic_fetch_sub_explicit(&part->count, 1, memory_order_acq_rel) > 1)
        return;
    part->free(part->value);
    free(part);
}

/* Takes the value; where the old part has the same in it, that one is taken. */
static struct part *part_or_old(struct part *old, uint64_t hash, void *value,
                                void (*free_value)(void *))
{
    if (old == NULL || old->hash != hash)
        return part_new(hash, value, free_value);
    free_value(value);
    return part_take(old);
}

/* ---- settings ---- */

static void free_settings(void *value)
{
    settings_free(value);
}

static struct part *settings_part(const struct settings_source *source,
                                  const struct snapshot *before, struct faults *faults)
{
    struct settings *settings = settings_read(source, faults);
    if (settings == NULL)
        return NULL;
    /* the places too: what is wrong in a rule is said at the line of today */
    uint64_t hash = settings->hash ^ settings_places_hash(settings);
    if (before != NULL && before->parts->settings->hash == hash) {
        settings_free(settings);
        return part_take(before->parts->settings);
    }
    if (before != NULL)
        settings_warn_restart(before->parts->settings->value, settings, faults);
    return part_new(hash, settings, free_settings);
}

/* ---- rules ---- */

static void free_rules(void *value)
{
    struct rules_value *rules = value;
    ruleset_free(rules->ruleset);
    rule_files_free(rules->files);
    free(rules);
}

static struct part *rules_part(const struct settings *settings, const struct snapshot *before,
                               struct faults *faults)
{
    uint64_t key = rules_load_key(settings);
    if (before != NULL) {
        const struct rules_value *old = before->parts->rules->value;
        if (old->key == key && rule_files_are_unchanged(old->files))
            return part_take(before->parts->rules);
    }
    struct rules_value *rules = must_alloc(sizeof *rules);
    size_t errors = faults_count(faults, FAULT_ERROR);
    rules->key = key;
    rules->files = rule_files_new();
    if (settings->rules.present)
        rules->ruleset = rules_load(settings, rules->files, faults);
    if (faults_count(faults, FAULT_ERROR) == errors)
        return part_new(key ^ rule_files_hash(rules->files), rules, free_rules);
    free_rules(rules);
    return NULL;
}

/* ---- routes ---- */

static void free_routes(void *value)
{
    routes_free(value);
}

/* An upstream is an index in them, so the names in their order count too. */
static uint64_t routes_hash(const struct settings *settings)
{
    static const uint8_t key[16] = "routes of a set";
    struct buf text;
    buf_init(&text, 32 << 20);
    buf_format(&text, "%llu\n", (unsigned long long)settings->timeouts.request_us);
    for (size_t i = 0; i < settings->upstream_count; i++)
        buf_format(&text, SPAN_FORMAT "\n", span_arg(settings->upstreams[i].name));
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct route_settings *route = &settings->routes[i];
        buf_format(&text, SPAN_FORMAT " " SPAN_FORMAT " %u %llu", span_arg(route->method),
                   span_arg(route->pattern), route->upstream,
                   (unsigned long long)route->request_timeout_us);
        buf_format(&text, " %d%d", (int)route->rules.mode_given, (int)route->rules.mode);
        for (size_t n = 0; n < route->rate_limit_count; n++)
            buf_format(&text, " %zu", route->rate_limit_indexes[n]);
#define LEVEL(field, first, second) buf_format(&text, " %u", route->rules.crs.field);
#include "sidecar/config/crs_levels.tbl"
#undef LEVEL
        if (route->needs_api_key)
            buf_add(&text, SPAN(" key"));
        if (route->authorizer_name.at != NULL)
            buf_format(&text, " %zu", route->authorizer);
        for (size_t s = 0; s < route->scope_count; s++)
            buf_format(&text, " \"" SPAN_FORMAT "\"", span_arg(route->scopes[s]));
        buf_add_byte(&text, '\n');
    }
    uint64_t hash = siphash(key, buf_span(&text));
    buf_fini(&text);
    return hash;
}

static struct part *routes_part(const struct settings *settings, const struct snapshot *before,
                                struct faults *faults)
{
    uint64_t hash = routes_hash(settings);
    if (before != NULL && before->parts->routes->hash == hash)
        return part_take(before->parts->routes);
    struct routes *routes = routes_new(settings, faults);
    return routes != NULL ? part_new(hash, routes, free_routes) : NULL;
}

/* ---- lists of addresses ---- */

static void free_ip_lists(void *value)
{
    ip_lists_free(value);
}

static struct part *ip_lists_part(const struct settings *settings, struct documents *documents,
                                  const struct snapshot *before, struct faults *faults)
{
    struct part *old = before != NULL ? before->parts->ip_lists : NULL;
    if (documents != NULL && before == NULL) /* another folder takes effect at a restart */
        documents_keep_in(documents, settings->process.state_dir);
    struct ip_lists *lists =
        ip_lists_new(settings, documents, old != NULL ? old->value : NULL, faults);
    return lists != NULL ? part_or_old(old, ip_lists_hash(lists), lists, free_ip_lists) : NULL;
}

static void free_live_sets(void *value)
{
    live_sets_free(value);
}

static struct part *live_sets_part(const struct settings *settings, const struct snapshot *before)
{
    const struct live_sets *old = before != NULL ? before->parts->live_sets->value : NULL;
    return part_new(0, live_sets_new(settings, old), free_live_sets);
}

/* ---- keys of authorizers ---- */

static void free_key_sets(void *value)
{
    key_sets_free(value);
}

static struct part *key_sets_part(const struct settings *settings, const struct snapshot *before,
                                  struct faults *faults)
{
    struct part *old = before != NULL ? before->parts->key_sets : NULL;
    struct key_sets *sets = key_sets_new(settings, old != NULL ? old->value : NULL, faults);
    return sets != NULL ? part_or_old(old, key_sets_hash(sets), sets, free_key_sets) : NULL;
}

/* ---- API keys ---- */

static void free_api_keys(void *value)
{
    api_key_part_free(value);
}

static struct part *api_keys_part(const struct settings *settings, const struct snapshot *before,
                                  struct faults *faults)
{
    struct part *old = before != NULL ? before->parts->api_keys : NULL;
    struct api_key_part *part = api_key_part_new(settings, old != NULL ? old->value : NULL, faults);
    return part != NULL ? part_or_old(old, api_key_part_hash(part), part, free_api_keys) : NULL;
}

/* Where it is what it was, or broken, the old one is taken. */
static struct part *api_keys_renewed(const struct settings *settings, struct part *old,
                                     struct faults *faults)
{
    struct api_key_part *part = api_key_part_renew(settings, old->value, faults);
    return part != NULL ? part_or_old(old, api_key_part_hash(part), part, free_api_keys)
                        : part_take(old);
}

/* ---- keys of signatures ---- */

static void free_aws_keys(void *value)
{
    aws_keys_free(value);
}

static struct part *aws_keys_part(const struct settings *settings, const struct snapshot *before,
                                  struct faults *faults)
{
    struct aws_keys *keys = aws_keys_new(settings, faults);
    struct part *old = before != NULL ? before->parts->aws_keys : NULL;
    return keys != NULL ? part_or_old(old, aws_keys_hash(keys), keys, free_aws_keys) : NULL;
}

/* ---- geo ---- */

static void free_geo(void *value)
{
    geo_files_free(value);
}

void snapshot_settle_geo(struct settings *settings, const struct ruleset *ruleset,
                         struct faults *faults)
{
    if (ruleset == NULL)
        return;
    const struct rule_settings *said = &ruleset->settings;
    struct span *files = settings->geo.files;
    bool given = files[GEO_COUNTRY].at != NULL || files[GEO_CITY].at != NULL;
    if (said->geo_db.at != NULL && given) {
        fault_add(faults, FAULT_WARNING, said->geo_db_place, span_make(NULL, 0),
                  "geo.%s wins over SecGeoLookupDb",
                  files[GEO_COUNTRY].at != NULL ? "country_db" : "city_db");
    } else if (said->geo_db.at != NULL) {
        files[GEO_COUNTRY] = said->geo_db;
        settings->geo.places[GEO_COUNTRY] = said->geo_db_place;
    } else if (said->geo_lookup_place.file != NULL && !given) {
        fault_add(faults, FAULT_WARNING, said->geo_lookup_place, SPAN("add geo.country_db"),
                  "@geoLookup never matches: there is no database");
    }
}

static struct part *geo_part(const struct settings *settings, const struct part *rules,
                             const struct snapshot *before, struct faults *faults)
{
    const struct rules_value *loaded = rules->value;
    struct part *old = before != NULL ? before->parts->geo : NULL;
    struct settings settled = *settings;
    snapshot_settle_geo(&settled, loaded->ruleset, faults);
    struct geo_files *files = geo_files_new(&settled, old != NULL ? old->value : NULL, faults);
    return files != NULL ? part_or_old(old, geo_files_hash(files), files, free_geo) : NULL;
}

/* ---- the resource policy ---- */

static void free_policy(void *value)
{
    policy_file_free(value);
}

static struct part *policy_part(const struct settings *settings, const struct snapshot *before,
                                struct faults *faults)
{
    struct policy_file *file = policy_file_new(settings, faults);
    struct part *old = before != NULL ? before->parts->policy : NULL;
    return file != NULL ? part_or_old(old, policy_file_hash(file), file, free_policy) : NULL;
}

/* ---- authorizers that are asked elsewhere ---- */

static void free_remotes(void *value)
{
    authorizer_stores_free(value);
}

/* As with limits: the answers lie in stores that are shared one by one. */
static struct part *remotes_part(const struct settings *settings, const struct snapshot *before)
{
    const struct authorizer_stores *old = before != NULL ? before->parts->remotes->value : NULL;
    return part_new(0, authorizer_stores_new(settings, old), free_remotes);
}

/* ---- limits ---- */

static void free_rates(void *value)
{
    rate_stores_free(value);
}

/* The settings have all of it; what is counted lies in the stores, which are shared one by one. */
static struct part *rates_part(const struct settings *settings, const struct snapshot *before,
                               struct faults *faults)
{
    const struct rate_stores *old = before != NULL ? before->parts->rates->value : NULL;
    struct rate_stores *stores = rate_stores_new(settings, old, faults);
    return stores != NULL ? part_new(0, stores, free_rates) : NULL;
}

/* ---- what listeners present ---- */

static void free_tls(void *value)
{
    tls_parts_free(value);
}

static struct part *tls_part(const struct settings *settings, const struct snapshot *before,
                             struct faults *faults)
{
    struct part *old = before != NULL ? before->parts->tls : NULL;
    struct tls_parts *parts = tls_parts_new(settings, old != NULL ? old->value : NULL, faults);
    if (parts == NULL)
        return NULL;
    if (old != NULL && old->hash == tls_parts_hash(parts)) {
        tls_parts_free(parts);
        return part_take(old);
    }
    return part_new(tls_parts_hash(parts), parts, free_tls);
}

/* ---- web ACLs ---- */

static void free_web_acls(void *value)
{
    web_acl_files_free(value);
}

static struct part *web_acls_part(const struct settings *settings, const struct snapshot *before,
                                  struct faults *faults)
{
    struct web_acl_files *files =
        web_acl_files_new(settings, before != NULL ? before->parts->web_acls->value : NULL, faults);
    if (files == NULL)
        return NULL;
    if (before != NULL && before->parts->web_acls->hash == web_acl_files_hash(files)) {
        web_acl_files_free(files);
        return part_take(before->parts->web_acls);
    }
    return part_new(web_acl_files_hash(files), files, free_web_acls);
}

/* ---- all of them ---- */

void snapshot_parts_free(struct snapshot_parts *parts)
{
    pattern_free(parts->audit_status);
    part_give(parts->api_keys);
    part_give(parts->remotes);
    part_give(parts->web_acls);
    part_give(parts->geo);
    part_give(parts->policy);
    part_give(parts->rates);
    part_give(parts->tls);
    part_give(parts->ip_lists);
    part_give(parts->live_sets);
    part_give(parts->key_sets);
    part_give(parts->aws_keys);
    free(parts->ip_sets);
    free(parts->waf_routes);
    part_give(parts->routes);
    part_give(parts->rules);
    part_give(parts->settings);
    free(parts);
}

bool snapshot_parts_build(struct snapshot_parts *parts, const struct settings_source *source,
                          const struct snapshot *before, struct faults *faults)
{
    bool well = true;
    parts->settings = settings_part(source, before, faults);
    if (parts->settings != NULL) {
        /* all, so that one run says everything */
        well = ca_files_check(parts->settings->value, faults);
        parts->rules = rules_part(parts->settings->value, before, faults);
        parts->routes = routes_part(parts->settings->value, before, faults);
        parts->ip_lists = ip_lists_part(parts->settings->value, source->documents, before, faults);
        parts->live_sets = live_sets_part(parts->settings->value, before);
        parts->key_sets = key_sets_part(parts->settings->value, before, faults);
        parts->api_keys = api_keys_part(parts->settings->value, before, faults);
        parts->aws_keys = aws_keys_part(parts->settings->value, before, faults);
        parts->remotes = remotes_part(parts->settings->value, before);
        parts->web_acls = web_acls_part(parts->settings->value, before, faults);
        parts->tls = tls_part(parts->settings->value, before, faults);
        parts->policy = policy_part(parts->settings->value, before, faults);
        if (parts->rules != NULL)
            parts->geo = geo_part(parts->settings->value, parts->rules, before, faults);
        parts->rates = rates_part(parts->settings->value, before, faults);
    }
    return well && parts->rules != NULL && parts->routes != NULL && parts->ip_lists != NULL &&
           parts->key_sets != NULL && parts->geo != NULL && parts->rates != NULL &&
           parts->tls != NULL && parts->policy != NULL && parts->web_acls != NULL &&
           parts->api_keys != NULL && parts->aws_keys != NULL;
}

/* ---- what changes by itself ---- */

static bool has(unsigned which, enum renewal renewal)
{
    return (which & 1u << renewal) != 0;
}

static struct part *tls_renewed(const struct settings *settings, struct part *old,
                                struct faults *faults)
{
    struct tls_parts *parts = tls_parts_renew(settings, old->value, faults);
    return parts != NULL ? part_or_old(old, tls_parts_hash(parts), parts, free_tls)
                         : part_take(old);
}

/* What is broken stays as it was. */
static void renew_parts(struct snapshot_parts *parts, const struct snapshot *before, unsigned which,
                        struct faults *faults)
{
    struct snapshot_parts *old = before->parts;
    const struct settings *settings = before->settings;
    if (has(which, RENEW_IP_LISTS)) {
        struct ip_lists *lists = ip_lists_renew(settings, old->ip_lists->value, faults);
        parts->ip_lists = part_or_old(old->ip_lists, ip_lists_hash(lists), lists, free_ip_lists);
    } else {
        parts->ip_lists = part_take(old->ip_lists);
    }
    if (has(which, RENEW_GEO)) {
        struct geo_files *files = geo_files_renew(settings, old->geo->value, faults);
        parts->geo = part_or_old(old->geo, geo_files_hash(files), files, free_geo);
    } else {
        parts->geo = part_take(old->geo);
    }
    parts->api_keys = has(which, RENEW_API_KEYS) ? api_keys_renewed(settings, old->api_keys, faults)
                                                 : part_take(old->api_keys);
    parts->tls =
        has(which, RENEW_TLS) ? tls_renewed(settings, old->tls, faults) : part_take(old->tls);
}

/* What changes only with the settings. */
static void take_others(struct snapshot_parts *parts, const struct snapshot_parts *old)
{
    parts->settings = part_take(old->settings);
    parts->rules = part_take(old->rules);
    parts->routes = part_take(old->routes);
    parts->live_sets = part_take(old->live_sets);
    parts->key_sets = part_take(old->key_sets);
    parts->aws_keys = part_take(old->aws_keys);
    parts->remotes = part_take(old->remotes);
    parts->policy = part_take(old->policy);
    parts->web_acls = part_take(old->web_acls);
    parts->rates = part_take(old->rates);
}

bool snapshot_parts_renew(struct snapshot_parts *parts, const struct snapshot *before,
                          unsigned which, struct faults *faults)
{
    const struct snapshot_parts *old = before->parts;
    renew_parts(parts, before, which, faults);
    take_others(parts, old);
    return parts->tls != old->tls || parts->ip_lists != old->ip_lists || parts->geo != old->geo ||
           parts->api_keys != old->api_keys;
}
