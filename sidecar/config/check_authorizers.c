/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizers as a whole, and what routes want of them. */
#include "sidecar/config/read.h"
#include "sidecar/guard/discovery.h"

enum { NAMES_MOST = 32, HINT_BYTES = 160 };
#define SIGV4_SKEW_US UINT64_C(300000000) /* as AWS has it */

/* What all types have that are asked elsewhere by an event. */
#define REMOTE_OPTIONS(type)                                                            \
    {type, MAY, "payload"}, {type, MAY, "answer"}, {type, MAY, "identity"},             \
        {type, MAY, "validation"}, {type, MAY, "ttl"}, {type, MAY, "cache_size"},       \
        {type, MAY, "timeout"}, {type, MAY, "stage_variables"}, {type, MAY, "ca_file"}, \
    {                                                                                   \
        type, MAY, "on_failure"                                                         \
    }

/* Which options a type has, beside those that all have. */
static const struct type_option {
    enum authorizer_type type;
    enum { MAY, MUST } need;
    const char *name;
} type_options[] = {
    {AUTHORIZER_JWT, MUST, "issuer"},
    {AUTHORIZER_JWT, MUST, "algorithms"},
    {AUTHORIZER_JWT, MAY, "jwks_file"},
    {AUTHORIZER_JWT, MAY, "jwks"},
    {AUTHORIZER_JWT, MAY, "jwks_url"},
    {AUTHORIZER_JWT, MAY, "ca_file"},
    {AUTHORIZER_JWT, MAY, "refresh"},
    {AUTHORIZER_JWT, MAY, "stale_for"},
    {AUTHORIZER_JWT, MAY, "timeout"},
    {AUTHORIZER_JWT, MAY, "on_failure"},
    {AUTHORIZER_JWT, MAY, "audience"},
    {AUTHORIZER_JWT, MAY, "token_use"},
    {AUTHORIZER_JWT, MAY, "skew"},
    {AUTHORIZER_COGNITO, MUST, "user_pool"},
    {AUTHORIZER_COGNITO, MAY, "audience"},
    {AUTHORIZER_COGNITO, MAY, "skew"},
    {AUTHORIZER_COGNITO, MAY, "jwks_url"},
    {AUTHORIZER_COGNITO, MAY, "ca_file"},
    {AUTHORIZER_COGNITO, MAY, "refresh"},
    {AUTHORIZER_COGNITO, MAY, "stale_for"},
    {AUTHORIZER_COGNITO, MAY, "timeout"},
    {AUTHORIZER_COGNITO, MAY, "on_failure"},
    {AUTHORIZER_MTLS, MAY, "certificate"},
    {AUTHORIZER_INTROSPECTION, MUST, "url"},
    {AUTHORIZER_INTROSPECTION, MAY, "client_id"},
    {AUTHORIZER_INTROSPECTION, MAY, "client_secret_file"},
    {AUTHORIZER_INTROSPECTION, MAY, "bearer_token_file"},
    {AUTHORIZER_INTROSPECTION, MAY, "ca_file"},
    {AUTHORIZER_INTROSPECTION, MAY, "issuer"},
    {AUTHORIZER_INTROSPECTION, MAY, "audience"},
    {AUTHORIZER_INTROSPECTION, MAY, "skew"},
    {AUTHORIZER_INTROSPECTION, MAY, "ttl"},
    {AUTHORIZER_INTROSPECTION, MAY, "timeout"},
    {AUTHORIZER_INTROSPECTION, MAY, "on_failure"},
    {AUTHORIZER_SIGV4, MUST, "region"},
    {AUTHORIZER_SIGV4, MAY, "service"},
    {AUTHORIZER_SIGV4, MAY, "skew"},
    {AUTHORIZER_SIGV4, MAY, "v4a"},
    {AUTHORIZER_SIGV4, MAY, "body"},
    {AUTHORIZER_SIGV4, MAY, "unsigned_payload"},
    {AUTHORIZER_LAMBDA, MUST, "url"},
    {AUTHORIZER_LAMBDA, MUST, "function"},
    REMOTE_OPTIONS(AUTHORIZER_LAMBDA),
    {AUTHORIZER_HTTP, MUST, "url"},
    REMOTE_OPTIONS(AUTHORIZER_HTTP),
};
static const char *const shared_options[] = {"type", "mode", "headers"};
enum {
    TYPE_OPTIONS = sizeof type_options / sizeof *type_options,
    SHARED_OPTIONS = sizeof shared_options / sizeof *shared_options,
};

static bool is_among(struct span name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(name, span_text(names[i])))
            return true;
    return false;
}

bool authorizer_takes(const struct authorizer_settings *settings, struct span option)
{
    if (is_among(option, shared_options, SHARED_OPTIONS))
        return true;
    if (authorizer_has_keys(settings) && settings->keys.url.at == NULL &&
        key_source_is_for_fetching(option))
        return false;
    for (size_t i = 0; i < TYPE_OPTIONS; i++)
        if (type_options[i].type == settings->type &&
            span_is(option, span_text(type_options[i].name)))
            return true;
    return false;
}

/* Of whatever type; what is not was said when it was read. */
static bool is_option(struct span name)
{
    const struct option *option;
    for (size_t i = 0; (option = options_at(i)) != NULL; i++) {
        struct span path = span_text(option->path);
        struct span inside = span_from(path, sizeof "authorizers.*." - 1);
        if (span_starts(path, SPAN("authorizers.*.")) && span_is(span_cut(&inside, '.'), name))
            return true;
    }
    return false;
}

/* Options of other types would do nothing, and options that it needs have no default. */
static void check_options(struct reading *reading, const struct authorizer_settings *settings,
                          const struct node *node)
{
    const char *names[NAMES_MOST];
    size_t count = 0;
    char hint[HINT_BYTES];
    struct span type = authorizer_type_word(settings->type);
    for (; count < SHARED_OPTIONS; count++)
        names[count] = shared_options[count];
    for (size_t i = 0; i < TYPE_OPTIONS; i++) {
        const struct type_option *option = &type_options[i];
        if (option->type != settings->type)
            continue;
        names[count++] = option->name;
        if (option->need == MUST && tree_find(node, span_text(option->name)) == NULL &&
            !reading_refused_key(reading, node, option->name))
            fault_add(reading->faults, FAULT_ERROR, node->place, span_make(NULL, 0),
                      "authorizers.*.%s is missing: type " SPAN_FORMAT " needs it", option->name,
                      span_arg(type));
    }
    for (const struct node *at = node->first; at != NULL; at = at->next)
        if (!is_among(at->key, names, count) && is_option(at->key))
            fault_add(reading->faults, FAULT_ERROR, at->key_place,
                      nearest_hint(at->key, names, count, hint, sizeof hint),
                      "authorizers.*." SPAN_FORMAT " is not for type " SPAN_FORMAT,
                      span_arg(at->key), span_arg(type));
}

/* Without one nothing is known of its other options. */
static bool has_type(const struct reading *reading, const struct node *node)
{
    const struct node *type = tree_find(node, SPAN("type"));
    return type != NULL && !reading_refused(reading, type);
}

static void check_types(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *list = tree_find(reading->root, SPAN("authorizers"));
    const struct node *node = list != NULL ? list->first : NULL;
    for (size_t i = 0; node != NULL && i < settings->authorizer_count; i++, node = node->next)
        if (has_type(reading, node))
            check_options(reading, &settings->authorizers[i], node);
    remote_authorizers_check(reading);
}

/* A signature has no issuer, whose clock is watched, but many signers. */
static void check_sigv4(struct reading *reading, struct authorizer_settings *settings,
                        const struct node *node)
{
    if (settings->type != AUTHORIZER_SIGV4)
        return;
    if (tree_find(node, SPAN("skew")) == NULL)
        settings->skew_us = SIGV4_SKEW_US;
    if (reading->settings->aws_keys.file.at == NULL &&
        !reading_refused_key(reading, reading->root, "aws_keys"))
        fault_add(reading->faults, FAULT_ERROR, node->place, SPAN("add aws_keys: { file: ... }"),
                  "authorizers.*: type sigv4 needs access keys, and there is no aws_keys.file");
}

/* Nobody could ever pass. */
static void check_mtls(struct reading *reading, const struct authorizer_settings *settings,
                       const struct node *node)
{
    if (settings->type != AUTHORIZER_MTLS)
        return;
    for (size_t i = 0; i < reading->settings->listener_count; i++)
        if (reading->settings->listeners[i].tls.client_auth != TLS_CLIENT_AUTH_OFF)
            return;
    if (reading_refused_key(reading, reading->root, "listeners"))
        return;
    fault_add(reading->faults, FAULT_ERROR, node->place,
              SPAN("add tls: { client_auth: required, client_ca_file: ... } to a listener"),
              "authorizers.*: type mtls needs certificates, and no listener asks clients for one");
}

/* Somebody we have to be: RFC 7662 2.1 wants it. And the token is sent there. */
static void check_introspection(struct reading *reading, const struct authorizer_settings *settings,
                                const struct node *node)
{
    bool has_id = settings->client_id.at != NULL, has_secret = settings->client_secret.at != NULL;
    const struct node *url = tree_find(node, SPAN("url"));
    if (url != NULL && reading_refused(reading, url))
        url = NULL; /* said already */
    if (!reading_refused(reading, node) &&
        (has_id != has_secret || has_id == (settings->bearer_token.at != NULL)))
        fault_add(reading->faults, FAULT_ERROR, node->place, SPAN(""),
                  "authorizers.*: type introspection needs client_id with client_secret_file, or "
                  "bearer_token_file alone");
    if (url != NULL && !discovery_is_url(settings->url))
        fault_add(reading->faults, FAULT_ERROR, url->place, SPAN("without user and password"),
                  "authorizers.*.url: expected http://host/path or https://host/path");
    else if (url != NULL && url_is_open(settings->url))
        fault_add(reading->faults, FAULT_WARNING, url->place, SPAN("https://"),
                  "authorizers.*.url: tokens are sent without TLS: whoever is on the way has them");
}

static void check_aws_keys(struct reading *reading)
{
    const struct node *file = tree_find_path(reading->root, SPAN("aws_keys.file"));
    if (file == NULL)
        return;
    reading->settings->aws_keys.place = file->place;
    reading->settings->aws_keys.place.file =
        arena_string(reading->arena, span_text(file->place.file));
}

static void settle(struct reading *reading)
{
    union { /* the settings are still being made; nobody else sees them */
        const struct authorizer_settings *in;
        struct authorizer_settings *out;
    } authorizers = {reading->settings->authorizers};
    const struct node *list = tree_find(reading->root, SPAN("authorizers"));
    const struct node *node = list != NULL ? list->first : NULL;
    for (size_t i = 0; node != NULL && i < reading->settings->authorizer_count;
         i++, node = node->next) {
        const struct node *file = tree_find(node, SPAN("jwks_file"));
        struct place at = (file != NULL ? file : node)->place;
        at.file = arena_string(reading->arena, span_text(at.file));
        authorizers.out[i].place = at;
        const struct node *ca = tree_find(node, SPAN("ca_file"));
        authorizers.out[i].ca_place = ca != NULL ? ca->place : node->place;
        authorizers.out[i].ca_place.file = at.file;
        check_sigv4(reading, &authorizers.out[i], node);
        check_mtls(reading, &authorizers.in[i], node);
        if (authorizers.in[i].type == AUTHORIZER_INTROSPECTION)
            check_introspection(reading, &authorizers.in[i], node);
        if (authorizer_has_keys(&authorizers.in[i]) && has_type(reading, node))
            key_source_check(reading, &authorizers.out[i], node);
    }
}

void authorizers_check(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *list = tree_find(reading->root, SPAN("routes"));
    check_types(reading);
    settle(reading);
    check_aws_keys(reading);
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct node *scopes = tree_find(tree_at(list, i), SPAN("scopes"));
        if (scopes != NULL && settings->routes[i].scope_count > 0 &&
            settings->routes[i].authorizer_name.at == NULL &&
            !reading_refused_key(reading, tree_at(list, i), "authorizer"))
            fault_add(
                reading->faults, FAULT_ERROR, scopes->place, SPAN("add authorizer: NAME"),
                "routes[].scopes: without an authorizer there is no token that could have them");
    }
}
