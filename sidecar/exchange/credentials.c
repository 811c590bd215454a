/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/exchange/credentials.h"

#include "sidecar/config/authorizer_stores.h"
#include "sidecar/exchange/inside.h"

struct found {
    struct pair *at; /* NULL: only counted */
    size_t count;
    struct arena *arena;
};

static void add(struct found *found, struct span collection, struct span name, struct span value)
{
    const struct span parts[] = {collection, SPAN(":"), name};
    if (found->at != NULL)
        found->at[found->count] =
            (struct pair){name.len == 0 ? name : arena_join(found->arena, parts, 3), value};
    found->count++;
}

/* Is it an identity that an authorizer elsewhere is asked with? */
static bool is_identity(const struct remote_authorizer *remote, enum identity_kind kind,
                        struct span name)
{
    for (size_t i = 0; remote != NULL && i < remote->identity_count; i++) {
        const struct identity_source *source = &remote->identity[i];
        if (source->kind == kind && (kind == IDENTITY_HEADER ? span_is_nocase(source->name, name)
                                                             : span_is(source->name, name)))
            return true;
    }
    return false;
}

static bool is_credential_field(const struct exchange *x, struct span name)
{
    const struct settings *settings = x->settings;
    if (settings->api_keys.file.at != NULL && span_is_nocase(name, settings->api_keys.header))
        return true;
    for (size_t i = 0; i < settings->authorizer_count; i++) {
        enum authorizer_type type = settings->authorizers[i].type;
        if (type != AUTHORIZER_MTLS && span_is_nocase(name, SPAN("authorization")))
            return true;
        if (type == AUTHORIZER_SIGV4 && span_is_nocase(name, SPAN("x-amz-security-token")))
            return true;
        if (is_identity(x->snapshot->remotes[i], IDENTITY_HEADER, name))
            return true;
    }
    return false;
}

static bool is_credential_argument(const struct exchange *x, struct span name)
{
    const struct settings *settings = x->settings;
    for (size_t i = 0; i < settings->authorizer_count; i++) {
        if (settings->authorizers[i].type == AUTHORIZER_SIGV4 &&
            (span_is_nocase(name, SPAN("x-amz-signature")) ||
             span_is_nocase(name, SPAN("x-amz-security-token"))))
            return true;
        if (is_identity(x->snapshot->remotes[i], IDENTITY_QUERY, name))
            return true;
    }
    return false;
}

/* The value, and by itself what stands behind its scheme, and its signature: that may have been
 * matched, and be logged, alone. */
static void add_field(struct found *found, const struct pair *field)
{
    struct span part = field->value;
    add(found, SPAN("REQUEST_HEADERS"), field->name, field->value);
    (void)span_cut(&part, ' ');
    if (part.at != NULL)
        add(found, SPAN(""), SPAN(""), span_trim_ows(part));
    if (span_find_byte(field->value, '=') == SPAN_NONE)
        return; /* a token: long, and without parameters */
    size_t signature = span_find_nocase(field->value, SPAN("signature="));
    if (signature != SPAN_NONE)
        add(found, SPAN(""), SPAN(""), span_from(field->value, signature + SPAN("signature=").len));
}

static void add_arguments(const struct exchange *x, struct found *found)
{
    struct span query = x->client->head->target;
    (void)span_cut(&query, '?');
    while (query.at != NULL) {
        struct span value = span_cut(&query, '&');
        struct span name = span_cut(&value, '=');
        if (value.len > 0 && is_credential_argument(x, name))
            add(found, SPAN("ARGS"), name, value);
    }
}

size_t credentials(const struct exchange *x, bool fields_too, struct pair *to, struct arena *arena)
{
    struct found found = {.at = to, .arena = arena};
    const struct fields *fields = &x->client->head->fields;
    if (x->settings->api_keys.file.at == NULL && x->settings->authorizer_count == 0)
        return 0;
    for (size_t i = 0; fields_too && i < fields->count; i++)
        if (is_credential_field(x, fields->at[i].name))
            add_field(&found, &fields->at[i]);
    add_arguments(x, &found);
    return found.count;
}
