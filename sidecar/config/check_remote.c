/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizers that are asked elsewhere: what their options have to do with each other. */
#include "rules/match/pattern.h"
#include "sidecar/config/read.h"
#include "sidecar/guard/identity_source.h"

enum { NAMES_MOST = 64, HINT_BYTES = 160, WHY_BYTES = 160 };
#define TTL_MOST_US (UINT64_C(3600) * 1000000)

/* One authorizer and where it stands. */
struct remote {
    struct reading *reading;
    const struct authorizer_settings *settings;
    const struct node *node;
};

static void refuse(const struct remote *remote, const char *option, const char *hint,
                   const char *message)
{
    const struct node *at = tree_find(remote->node, span_text(option));
    fault_add(remote->reading->faults, FAULT_ERROR, (at != NULL ? at : remote->node)->place,
              span_text(hint), "authorizers.*.%s: %s", option, message);
}

static void check_url(const struct remote *remote)
{
    struct span url = remote->settings->url;
    size_t start = span_find(url, SPAN("://"));
    if (start == SPAN_NONE)
        return; /* missing: said already */
    struct span authority = span_from(url, start + 3);
    authority = span_first(authority, strcspn(authority.at, "/?#"));
    if (span_find_byte(authority, '@') != SPAN_NONE)
        refuse(remote, "url", "without user and password", "nobody would be told them");
    else if (span_find_byte(url, '#') != SPAN_NONE)
        refuse(remote, "url", "", "what stands behind '#' is never sent");
    else if (remote->settings->type == AUTHORIZER_LAMBDA && span_find_byte(url, '?') != SPAN_NONE)
        refuse(remote, "url", "http://127.0.0.1:9001", "an endpoint has no query");
}

static void check_identity(const struct remote *remote)
{
    const struct authorizer_settings *settings = remote->settings;
    struct identity_source source;
    if (reading_refused_key(remote->reading, remote->node, "identity") ||
        reading_refused_key(remote->reading, remote->node, "payload"))
        return;
    if (settings->payload == AUTHORIZER_TOKEN) {
        if (settings->identity_count > 1 ||
            (settings->identity_count == 1 &&
             (!identity_source_read(settings->identity[0], &source) ||
              source.kind != IDENTITY_HEADER)))
            refuse(remote, "identity", "[$request.header.authorization]",
                   "payload token has one field as its token");
    } else if (settings->identity_count == 0 && settings->ttl_us > 0 &&
               !reading_refused_key(remote->reading, remote->node, "ttl")) {
        refuse(remote, "identity", "name its sources, or say ttl: 0",
               "answers cannot be kept without an identity");
    } else if (settings->identity_count == 0 && settings->validation.at != NULL) {
        refuse(remote, "validation", "add identity", "there is no identity to match");
    }
}

static void check_variables(const struct remote *remote)
{
    const struct authorizer_settings *settings = remote->settings;
    const char *names[NAMES_MOST];
    size_t count = 0;
    char hint[HINT_BYTES];
    if (reading_refused_key(remote->reading, remote->node, "stage_variables"))
        return;
    for (; count < settings->stage_variable_count && count < NAMES_MOST; count++)
        names[count] = settings->stage_variables[count].name.at;
    for (size_t i = 0; i < settings->identity_count; i++) {
        struct identity_source source;
        bool known = !identity_source_read(settings->identity[i], &source) ||
                     source.kind != IDENTITY_STAGE_VARIABLE;
        for (size_t k = 0; k < settings->stage_variable_count && !known; k++)
            known = span_is(settings->stage_variables[k].name, source.name);
        if (!known)
            fault_add(remote->reading->faults, FAULT_ERROR,
                      tree_find(remote->node, SPAN("identity"))->place,
                      nearest_hint(source.name, names, count, hint, sizeof hint),
                      "authorizers.*.identity: there is no '" SPAN_FORMAT "' in stage_variables",
                      span_arg(source.name));
    }
}

static void check_validation(const struct remote *remote)
{
    char why[WHY_BYTES];
    if (remote->settings->validation.at == NULL)
        return;
    struct pattern *pattern = identity_pattern(remote->settings->validation, why, sizeof why);
    if (pattern == NULL)
        refuse(remote, "validation", why, "this is no pattern");
    pattern_free(pattern);
}

static void check_one(const struct remote *remote)
{
    const struct authorizer_settings *settings = remote->settings;
    check_url(remote);
    check_identity(remote);
    check_variables(remote);
    check_validation(remote);
    if (settings->ttl_us > TTL_MOST_US)
        refuse(remote, "ttl", "1h", "an answer is kept for an hour at the most");
    if (settings->form != AUTHORIZER_EITHER && settings->payload != AUTHORIZER_2_0 &&
        !reading_refused_key(remote->reading, remote->node, "payload"))
        refuse(remote, "answer", "payload: \"2.0\"", "the other payloads have policies alone");
}

static bool is_remote(const struct authorizer_settings *settings)
{
    return settings->type == AUTHORIZER_LAMBDA || settings->type == AUTHORIZER_HTTP;
}

static void check_scopes(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *list = tree_find(reading->root, SPAN("routes"));
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct route_settings *route = &settings->routes[i];
        const struct node *scopes = tree_find(tree_at(list, i), SPAN("scopes"));
        if (scopes != NULL && route->scope_count > 0 && route->authorizer_name.at != NULL &&
            route->authorizer < settings->authorizer_count &&
            is_remote(&settings->authorizers[route->authorizer]))
            fault_add(reading->faults, FAULT_ERROR, scopes->place, SPAN("its policy says it"),
                      "routes[].scopes: they are of tokens, and this authorizer reads none");
    }
}

void remote_authorizers_check(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *list = tree_find(reading->root, SPAN("authorizers"));
    const struct node *node = list != NULL ? list->first : NULL;
    for (size_t i = 0; node != NULL && i < settings->authorizer_count; i++, node = node->next) {
        const struct remote remote = {reading, &settings->authorizers[i], node};
        if (is_remote(remote.settings))
            check_one(&remote);
    }
    check_scopes(reading);
}
