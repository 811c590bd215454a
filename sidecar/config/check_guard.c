/* SPDX-License-Identifier: Apache-2.0 */
/* The access list and the lists of addresses as a whole. */
#include "sidecar/config/read.h"
#include "sidecar/guard/arn.h"

static void refuse(struct reading *reading, const struct node *at, const char *hint,
                   const char *message)
{
    fault_add(reading->faults, FAULT_ERROR, at->place, span_text(hint), "%s", message);
}

static const struct node *list_of(const struct reading *reading, const char *key)
{
    const struct node *list = tree_find(reading->root, span_text(key));
    return list != NULL && list->kind != NODE_SCALAR ? list->first : NULL;
}

/* Of an option of a node, or of the node where it is not given; as long as the settings. */
static struct place place_of(struct reading *reading, const struct node *node, const char *option)
{
    const struct node *found = tree_find(node, span_text(option));
    struct place place = (found != NULL ? found : node)->place;
    place.file = arena_string(reading->arena, span_text(place.file));
    return place;
}

/* ---- ip_sets ---- */

enum { URL_REFRESH_US = 600000000 };

static void check_url(struct reading *reading, const struct node *node, const struct node *url,
                      struct ip_set_settings *set)
{
    static const char *const others[] = {"ca_file", "timeout", "max_size", "on_failure"};
    const struct node *refresh = tree_find(node, SPAN("refresh"));
    bool is_missing = url == NULL && !reading_refused_key(reading, node, "url");
    for (size_t i = 0; is_missing && i < sizeof others / sizeof *others; i++) {
        const struct node *other = tree_find(node, span_text(others[i]));
        if (other != NULL)
            fault_add(reading->faults, FAULT_ERROR, other->key_place, SPAN("add url"),
                      "ip_sets: '%s' has no meaning without 'url'", others[i]);
    }
    if (url == NULL)
        return;
    if (tree_find(node, SPAN("file")) != NULL)
        refuse(reading, url, "make two sets of it", "ip_sets: a set has a file or a url");
    if (url->kind == NODE_SCALAR && span_find_byte(url->text, '@') != SPAN_NONE)
        refuse(reading, url, "a list is for everybody who may reach it",
               "ip_sets.*.url: no user is told to the server");
    if (refresh != NULL && set->refresh_us == 0)
        refuse(reading, refresh, "how often the server is asked",
               "ip_sets.*.refresh: a url needs one above 0");
    if (refresh == NULL)
        set->refresh_us = URL_REFRESH_US;
}

static void check_ip_sets(struct reading *reading)
{
    union { /* the settings are still being made; nobody else sees them */
        const struct ip_set_settings *in;
        struct ip_set_settings *out;
    } sets = {reading->settings->ip_sets};
    const struct node *node = list_of(reading, "ip_sets");
    for (size_t i = 0; node != NULL && i < reading->settings->ip_set_count;
         i++, node = node->next) {
        struct ip_set_settings *set = &sets.out[i];
        const struct node *file = tree_find(node, SPAN("file"));
        const struct node *url = tree_find(node, SPAN("url"));
        if (file == NULL && url == NULL && tree_find(node, SPAN("addresses")) == NULL &&
            !reading_refused(reading, node))
            refuse(reading, node, "add addresses, file or url",
                   "ip_sets: this set can hold nothing");
        check_url(reading, node, url, set);
        set->ca_place = place_of(reading, node, "ca_file");
        set->place = (file != NULL ? file : url != NULL ? url : node)->place;
        set->place.file = arena_string(reading->arena, span_text(set->place.file));
    }
}

/* ---- geo ---- */

/* What is wrong with a file is said where it is named. */
static void check_geo(struct reading *reading)
{
    static const char *const keys[GEO_KINDS] = {
        [GEO_COUNTRY] = "geo.country_db",
        [GEO_CITY] = "geo.city_db",
        [GEO_ASN] = "geo.asn_db",
        [GEO_ANONYMOUS] = "geo.anonymous_db",
    };
    for (enum geo_kind kind = 0; kind < GEO_KINDS; kind++) {
        const struct node *node = tree_find_path(reading->root, span_text(keys[kind]));
        if (node == NULL)
            continue;
        struct place *place = &reading->settings->geo.places[kind];
        *place = node->place;
        place->file = arena_string(reading->arena, span_text(place->file));
    }
}

/* ---- policies ---- */

static void check_policies(struct reading *reading)
{
    struct span parts[ARN_PARTS];
    const struct node *file = tree_find_path(reading->root, SPAN("policies.resource"));
    const struct node *api = tree_find_path(reading->root, SPAN("policies.api"));
    bool is_stage = arn_split(reading->settings->policies.api, parts) &&
                    span_is(parts[2], SPAN("execute-api")) &&
                    span_find_byte(parts[ARN_PARTS - 1], '/') != SPAN_NONE;
    if (api != NULL && !is_stage)
        refuse(reading, api, "arn:aws:execute-api:REGION:ACCOUNT:API/STAGE",
               "policies.api: this is no stage of an API");
    if (file == NULL)
        return;
    reading->settings->policies.place = file->place;
    reading->settings->policies.place.file =
        arena_string(reading->arena, span_text(file->place.file));
}

/* ---- the access list ---- */

static void check_rules_entry(struct reading *reading, const struct node *entry)
{
    static const char *const others[] = {"match", "rate", "action", "status", "mode"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const struct node *other = tree_find(entry, span_text(others[i]));
        if (other != NULL)
            fault_add(reading->faults, FAULT_ERROR, other->key_place,
                      SPAN("rules.mode says what they do"),
                      "access[]: '%s' has no meaning beside 'rules'", others[i]);
    }
}

static void refuse_beside(struct reading *reading, const struct node *entry,
                          const char *const *others, size_t count, const char *beside)
{
    for (size_t i = 0; i < count; i++) {
        const struct node *other = tree_find(entry, span_text(others[i]));
        if (other != NULL)
            fault_add(reading->faults, FAULT_ERROR, other->key_place, SPAN(""),
                      "access[]: '%s' has no meaning beside '%s'", others[i], beside);
    }
}

/* A web ACL says itself whom it is about and what becomes of them. */
static void check_web_acl(struct reading *reading, const struct node *entry,
                          struct access_entry *settings)
{
    settings->web_acl_place = place_of(reading, entry, "web_acl");
    static const char *const others[] = {"match", "action", "status", "rules"};
    refuse_beside(reading, entry, others, sizeof others / sizeof *others, "web_acl");
}

static void check_name(struct reading *reading, const struct node *entry)
{
    static const char *const others[] = {"on_failure"};
    if (tree_find(entry, SPAN("web_acl")) != NULL)
        return;
    if (tree_find(entry, SPAN("name")) == NULL && !reading_refused_key(reading, entry, "name"))
        refuse(reading, entry, "name: how logs and metrics call it", "access[].name is missing");
    refuse_beside(reading, entry, others, 1, "match and rules");
}

static void check_entry(struct reading *reading, const struct node *entry)
{
    const struct node *action = tree_find(entry, SPAN("action"));
    const struct node *status = tree_find(entry, SPAN("status"));
    if (action == NULL && reading_refused(reading, entry))
        return; /* a word that is misspelt may be this one, or `rules`, or `web_acl` */
    if (action == NULL)
        refuse(reading, entry, "action: block, allow or count",
               "access[]: 'action' is missing: what becomes of these requests?");
    else if (status != NULL && !span_is(action->text, SPAN("block")))
        refuse(reading, status, "", "access[].status: only who is blocked is answered");
}

static void refuse_twin(struct reading *reading, const struct node *entry)
{
    const struct node *name = tree_find(entry, SPAN("name"));
    for (const struct node *other = list_of(reading, "access"); name != NULL && other != entry;
         other = other->next) {
        const struct node *others = tree_find(other, SPAN("name"));
        if (others != NULL && span_is(others->text, name->text))
            fault_add(reading->faults, FAULT_ERROR, name->place, span_make(NULL, 0),
                      "access[].name: '%s' stands twice", name->text.at);
    }
}

static void check_access(struct reading *reading)
{
    union { /* as with the lists of addresses */
        const struct access_entry *in;
        struct access_entry *out;
    } settings = {reading->settings->access};
    bool has_rules = false;
    size_t i = 0;
    const struct node *list = tree_find(reading->root, SPAN("access"));
    if (list == NULL || list->kind != NODE_LIST)
        return; /* said already */
    for (const struct node *entry = list->first;
         entry != NULL && i < reading->settings->access_count; entry = entry->next, i++) {
        const struct node *rules = tree_find(entry, SPAN("rules"));
        if (entry->kind != NODE_MAP)
            continue; /* said already */
        check_name(reading, entry);
        if (tree_find(entry, SPAN("web_acl")) != NULL)
            check_web_acl(reading, entry, &settings.out[i]);
        else if (rules == NULL)
            check_entry(reading, entry);
        else
            check_rules_entry(reading, entry);
        if (rules != NULL && has_rules)
            refuse(reading, rules, "", "access[].rules: the rules stand in the list already");
        has_rules = has_rules || rules != NULL;
        refuse_twin(reading, entry);
    }
}

void guard_check(struct reading *reading)
{
    check_ip_sets(reading);
    check_geo(reading);
    check_policies(reading);
    check_access(reading);
}
