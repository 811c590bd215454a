/* SPDX-License-Identifier: Apache-2.0 */
/* What no single value can know: the look at the settings as a whole. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "sidecar/config/exclusions.h"
#include "sidecar/config/read.h"

/* Where a path stands, or the file as a whole. */
static struct place place_of(const struct reading *reading, const char *path)
{
    const struct node *node = tree_find_path(reading->root, span_text(path));
    if (node != NULL)
        return node->place;
    return (struct place){.file = reading->root->place.file};
}

static bool is_given(const struct reading *reading, const char *path)
{
    return tree_find_path(reading->root, span_text(path)) != NULL;
}

/* Was it given, or written so that it was refused? */
static bool is_meant(const struct reading *reading, const char *section, const char *key)
{
    const struct node *map = tree_find_path(reading->root, span_text(section));
    return map != NULL && (tree_find(map, span_text(key)) != NULL ||
                           reading_refused_key(reading, map, key) || map->kind != NODE_MAP);
}

static void refuse(struct reading *reading, struct place place, const char *hint,
                   const char *message)
{
    fault_add(reading->faults, FAULT_ERROR, place, span_text(hint), "%s", message);
}

static void *writable(const void *items)
{
    /* the settings are still being made; nobody else sees them */
    union {
        const void *in;
        void *out;
    } items_of = {items};
    return items_of.out;
}

/* ---- listeners ---- */

static const struct node *listener_node(const struct reading *reading, size_t i, const char *key)
{
    const struct node *list = tree_find(reading->root, SPAN("listeners"));
    const struct node *item = list != NULL ? tree_at(list, i) : NULL;
    const struct node *value = item != NULL ? tree_find(item, span_text(key)) : NULL;
    return value != NULL ? value : item;
}

static void refuse_twins(struct reading *reading, size_t i)
{
    const struct listener_settings *listeners = reading->settings->listeners;
    for (size_t j = 0; j < i; j++) {
        if (listeners[i].name.len > 0 && span_is(listeners[i].name, listeners[j].name)) {
            const struct node *at = listener_node(reading, i, "name");
            fault_add(reading->faults, FAULT_ERROR, at->place, span_make(NULL, 0),
                      "listeners[].name: '%s' stands twice", listeners[i].name.at);
        }
        bool shares = listeners[i].address.len > 0 && listeners[j].address.len > 0 &&
                      span_is(listeners[i].address_text, listeners[j].address_text) &&
                      !span_ends(listeners[i].address_text, SPAN(":0"));
        if (shares) {
            const struct node *at = listener_node(reading, i, "address");
            fault_add(reading->faults, FAULT_ERROR, at->place, span_make(NULL, 0),
                      "listeners[].address: '%s' stands twice", listeners[i].address_text.at);
        }
    }
}

static void check_listeners(struct reading *reading)
{
    struct settings *settings = reading->settings;
    struct listener_settings *listeners = writable(settings->listeners);
    if (settings->listener_count == 0 && !reading_refused_key(reading, reading->root, "listeners"))
        refuse(reading, place_of(reading, "listeners"), "listeners: [{ address: 127.0.0.1:8080 }]",
               "there is no listener: nothing would be accepted");
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (listeners[i].name.len == 0)
            listeners[i].name = listeners[i].address_text;
        refuse_twins(reading, i);
    }
}

/* ---- upstreams and routes ---- */

static void check_routes(struct reading *reading)
{
    struct settings *settings = reading->settings;
    const struct node *list = tree_find(reading->root, SPAN("routes"));
    if (settings->upstream_count == 0 && !reading_refused_key(reading, reading->root, "upstreams"))
        refuse(reading, place_of(reading, "upstreams"),
               "upstreams: { app: { targets: [\"http://127.0.0.1:3000\"] } }",
               "there is no upstream: nobody would answer");
    if (settings->upstream_count > 1 && settings->route_count == 0 &&
        !reading_refused_key(reading, reading->root, "routes"))
        refuse(reading, place_of(reading, "upstreams"),
               "routes: [{ match: \"ANY /{proxy+}\", upstream: ... }]",
               "there are several upstreams and no routes that choose between them");
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct node *node = tree_at(list, i);
        bool has_one = tree_find(node, SPAN("upstream")) != NULL ||
                       reading_refused_key(reading, node, "upstream");
        if (!has_one && settings->upstream_count > 1)
            refuse(reading, node->place, "add upstream: NAME",
                   "routes[]: there are several upstreams and this route names none");
    }
}

static struct place place_in(const struct node *node, const char *path)
{
    const struct node *found = tree_find_path(node, span_text(path));
    return found != NULL ? found->place : node->place;
}

/* What a route says of the rules has to mean something. */
static void check_route_rules(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *list = tree_find(reading->root, SPAN("routes"));
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct node *node = tree_at(list, i);
        const struct crs_levels *own = &settings->routes[i].rules.crs;
        unsigned blocking =
            own->paranoia != 0 ? own->paranoia : settings->rules.crs.levels.paranoia;
        if (own->detection_paranoia != 0 && own->detection_paranoia < blocking)
            refuse(reading, place_in(node, "rules.crs.detection_paranoia"),
                   "a rule that counts has to run",
                   "routes[].rules.crs.detection_paranoia is below the paranoia of this route");
        if (tree_find_path(node, SPAN("rules.crs")) != NULL &&
            settings->rules.crs.folder.at == NULL && !is_meant(reading, "rules.crs", "folder"))
            refuse(reading, place_in(node, "rules.crs"), "add rules.crs.folder",
                   "routes[].rules.crs: there is no folder, so that nothing is loaded");
        bool inspects =
            settings->routes[i].rules.mode_given && settings->routes[i].rules.mode != ENGINE_OFF;
        if (inspects && !settings->rules.present)
            fault_add(reading->faults, FAULT_WARNING, place_in(node, "rules.mode"),
                      SPAN("add rules.crs.folder or rules.files"),
                      "routes[].rules.mode: there is nothing to load, so that nothing is "
                      "inspected");
    }
}

/* ---- the rest ---- */

static bool is_loopback(const struct address *address)
{
    union {
        const struct sockaddr_storage *any;
        const struct sockaddr_in *v4;
        const struct sockaddr_in6 *v6;
    } at = {&address->at};
    switch (address->at.ss_family) {
    case AF_INET: return (ntohl(at.v4->sin_addr.s_addr) >> 24) == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&at.v6->sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&at.v6->sin6_addr) && at.v6->sin6_addr.s6_addr[12] == 127);
    default: return true; /* a Unix socket: the file's rights say who may */
    }
}

static void check_admin(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    if (settings->admin.address_text.at == NULL || settings->admin.address.len == 0)
        return;
    if (!is_loopback(&settings->admin.address) && !is_meant(reading, "admin", "token_file"))
        refuse(reading, place_of(reading, "admin.address"), "add admin.token_file",
               "admin.address: off loopback the admin API demands a token");
}

/* Two that listen on one address would take each other's connections. */
static void refuse_shared(struct reading *reading, const char *key, struct span text)
{
    const struct settings *settings = reading->settings;
    bool shares = false;
    for (size_t i = 0; text.at != NULL && i < settings->listener_count; i++)
        shares = shares || span_is(settings->listeners[i].address_text, text);
    if (shares && !span_ends(text, SPAN(":0")))
        fault_add(reading->faults, FAULT_ERROR, place_of(reading, key), SPAN("give each its own"),
                  "%s: a listener has '%s' already", key, text.at);
}

static void check_rules(struct reading *reading)
{
    struct settings *settings = reading->settings;
    struct place at = place_of(reading, "rules.crs.folder");
    at.file = arena_string(reading->arena, span_text(at.file));
    settings->rules.crs.place = at;
    at = place_of(reading, "rules");
    at.file = arena_string(reading->arena, span_text(at.file));
    settings->rules.place = at;
    settings->rules.mode_given = is_given(reading, "rules.mode");
    settings->rules.request_inspect_given = is_given(reading, "rules.request_body.inspect");
    settings->rules.request_over_given = is_given(reading, "rules.request_body.over_limit");
    settings->rules.response_inspect_given = is_given(reading, "rules.response_body.inspect");
    settings->rules.response_over_given = is_given(reading, "rules.response_body.over_limit");
    settings->rules.response_types_given = is_given(reading, "rules.response_body.types");
    settings->rules.present =
        settings->rules.baseline || settings->rules.crs.folder.at != NULL ||
        settings->rules.file_count + settings->rules.before_count + settings->rules.after_count > 0;
    const struct crs_levels *levels = &settings->rules.crs.levels;
    if (levels->detection_paranoia != 0 && levels->detection_paranoia < levels->paranoia)
        refuse(reading, place_of(reading, "rules.crs.detection_paranoia"),
               "a rule that counts has to run",
               "rules.crs.detection_paranoia is below rules.crs.paranoia");
    bool crs_only = settings->rules.crs.folder.at == NULL && is_given(reading, "rules.crs") &&
                    !is_meant(reading, "rules.crs", "folder");
    if (crs_only && !node_is_empty(tree_find_path(reading->root, SPAN("rules.crs"))))
        refuse(reading, place_of(reading, "rules.crs"), "add rules.crs.folder",
               "rules.crs: there is no folder, so that nothing is loaded");
}

static void check_exclusions(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    struct exclusion_settings *exclusions = writable(settings->rules.exclusions);
    if (settings->rules.exclusion_count > EXCLUSIONS_MOST)
        fault_add(reading->faults, FAULT_ERROR, place_of(reading, "rules.exclusions"), SPAN(""),
                  "rules.exclusions: there are more than %d", (int)EXCLUSIONS_MOST);
    for (size_t i = 0; i < settings->rules.exclusion_count; i++) {
        struct exclusion_settings *exclusion = &exclusions[i];
        exclusion->expired = exclusion->expires_s != 0 && exclusion->expires_s <= reading->now_s;
        if (exclusion->expired)
            fault_add(reading->faults, FAULT_WARNING, exclusion->expires_place,
                      SPAN("take it out, or give it another day"),
                      "rules.exclusions[].expires: this day has come: the exclusion does not act");
    }
}

static void check_emf(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *emf = tree_find_path(reading->root, SPAN("metrics.emf"));
    const struct node *path = emf != NULL ? tree_find(emf, SPAN("path")) : NULL;
    if (emf != NULL && log_settings_want(&settings->metrics.emf.to) &&
        settings->metrics.series == 0)
        fault_add(reading->faults, FAULT_ERROR, path != NULL ? path->place : emf->place, SPAN(""),
                  "metrics.emf.path: there are no metrics to say: metrics.series is 0");
}

static void check_audit_log(struct reading *reading)
{
    struct settings *settings = reading->settings;
    settings->audit_log.path_given = is_given(reading, "audit_log.path");
    settings->audit_log.when_given = is_given(reading, "audit_log.when");
    settings->audit_log.parts_given = is_given(reading, "audit_log.parts");
    settings->audit_log.format_given = is_given(reading, "audit_log.format");
    settings->audit_log.type_given = is_given(reading, "audit_log.type");
    if (settings->audit_log.type == AUDIT_CONCURRENT &&
        settings->audit_log.storage_dir.at == NULL &&
        !is_meant(reading, "audit_log", "storage_dir"))
        refuse(reading, place_of(reading, "audit_log.type"), "add audit_log.storage_dir",
               "audit_log.type: there is no folder for the transactions' own files");
}

/* Words about rules, and no rules: it would be a surprise that nothing is inspected. */
static void warn_of_nothing(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *rules = tree_find(reading->root, SPAN("rules"));
    if (rules == NULL || node_is_empty(rules) || settings->rules.present ||
        settings->rules.mode == ENGINE_OFF || faults_count(reading->faults, FAULT_ERROR) > 0)
        return;
    fault_add(reading->faults, FAULT_WARNING, rules->place,
              SPAN("add rules.baseline, rules.crs.folder or rules.files"),
              "rules: there is nothing to load, so that nothing is inspected");
}

void settings_check(struct reading *reading)
{
    check_listeners(reading);
    check_routes(reading);
    check_admin(reading);
    refuse_shared(reading, "status.address", reading->settings->status.address_text);
    refuse_shared(reading, "admin.address", reading->settings->admin.address_text);
    check_rules(reading);
    check_exclusions(reading);
    check_route_rules(reading);
    check_audit_log(reading);
    check_emf(reading);
    filters_check(reading);
    alarms_check(reading);
    otlp_check(reading);
    sinks_check(reading);
    xray_check(reading);
    guard_check(reading);
    rates_check(reading);
    usage_plans_check(reading);
    authorizers_check(reading);
    tls_check(reading);
    effect_check(reading);
    files_check(reading);
    warn_of_nothing(reading);
}
