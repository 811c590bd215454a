/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/identity_source.h"

#include "rules/base/buf.h"
#include "rules/match/pattern.h"
#include "sidecar/guard/grouped.h"

enum { PATTERN_BYTES = 64 * 1024 };

static const char *const words[IDENTITY_KINDS] = {
#define IDENTITY_SOURCE(id, word, sentence) word,
#include "sidecar/guard/identity_sources.tbl"
};

static const char *const names[IDENTITY_CONTEXTS] = {
#define IDENTITY_CONTEXT(id, name, sentence) "$context." name,
#include "sidecar/guard/identity_sources.tbl"
};

const char *identity_context_name(size_t i)
{
    return i < IDENTITY_CONTEXTS ? names[i] : NULL;
}

static bool context_read(struct span text, struct identity_source *source)
{
    struct span prefix = SPAN("$context.");
    for (unsigned i = 0; i < IDENTITY_CONTEXTS; i++)
        if (span_is(span_from(span_text(names[i]), prefix.len), text)) {
            source->context = (enum identity_context)i;
            return true;
        }
    return false;
}

bool identity_source_read(struct span text, struct identity_source *source)
{
    *source = (struct identity_source){0};
    if (span_starts(text, SPAN("$")))
        text = span_from(text, 1);
    else if (span_starts(text, SPAN("method.request.")))
        text = span_from(text, SPAN("method.").len);
    else if (span_starts(text, SPAN("request.")))
        return false; /* neither API spells it so */
    for (unsigned i = 0; i < IDENTITY_KINDS; i++) {
        struct span word = span_text(words[i]);
        if (!span_starts(text, word))
            continue;
        source->kind = (enum identity_kind)i;
        source->name = span_from(text, word.len);
        if (source->kind == IDENTITY_CONTEXT)
            return context_read(source->name, source);
        return source->kind == IDENTITY_HEADER ? http_is_token(source->name) : source->name.len > 0;
    }
    return false;
}

struct pattern *identity_pattern(struct span text, char *why, size_t size)
{
    struct buf whole;
    size_t offset;
    struct pattern *alone = pattern_new(text, PATTERN_RULE, &offset, why, size);
    if (alone == NULL)
        return NULL; /* a)|(b is none, though it would be one inside of what follows */
    pattern_free(alone);
    buf_init(&whole, PATTERN_BYTES);
    buf_add(&whole, SPAN("\\A(?:"));
    buf_add(&whole, text);
    buf_add(&whole, SPAN(")\\z"));
    struct pattern *pattern = pattern_new(buf_span(&whole), PATTERN_RULE, &offset, why, size);
    buf_fini(&whole);
    return pattern;
}

/* ---- values ---- */

static struct span stage_variable(const struct authorizer_request *request, struct span name)
{
    for (size_t i = 0; i < request->stage_variable_count; i++)
        if (span_is(request->stage_variables[i].name, name))
            return request->stage_variables[i].value;
    return span_make(NULL, 0);
}

static struct span context_value(enum identity_context context,
                                 const struct authorizer_request *request)
{
    const struct asked *asked = request->asked;
    struct span prefix = asked->host, none = {NULL, 0};
    const struct authorizer_certificate *certificate = request->certificate;
    switch (context) {
    case IDENTITY_CONTEXT_ACCOUNT_ID: return authorizer_names(request->api).account;
    case IDENTITY_CONTEXT_API_ID: return authorizer_names(request->api).api;
    case IDENTITY_CONTEXT_STAGE: return authorizer_names(request->api).stage;
    case IDENTITY_CONTEXT_DOMAIN_NAME: return asked->host;
    case IDENTITY_CONTEXT_DOMAIN_PREFIX: return span_cut(&prefix, '.');
    case IDENTITY_CONTEXT_HTTP_METHOD: return asked->method;
    case IDENTITY_CONTEXT_PATH: return asked->path;
    case IDENTITY_CONTEXT_PROTOCOL: return asked->protocol;
    case IDENTITY_CONTEXT_RESOURCE_PATH: return asked->route;
    case IDENTITY_CONTEXT_ROUTE_KEY: return request->route_key;
    case IDENTITY_CONTEXT_SOURCE_IP: return asked->address_text;
    case IDENTITY_CONTEXT_USER_AGENT: return fields_get(asked->fields, SPAN("user-agent"));
    case IDENTITY_CONTEXT_API_KEY: return request->api_key;
    case IDENTITY_CONTEXT_SUBJECT: return certificate != NULL ? certificate->subject : none;
    case IDENTITY_CONTEXT_SERIAL: return certificate != NULL ? certificate->serial : none;
    case IDENTITY_CONTEXTS: break;
    }
    return none;
}

/* The values of one source, one after the other. */
struct walk {
    const struct identity_source *source;
    const struct authorizer_request *request;
    size_t i;          /* of fields, or of the only value */
    struct span query; /* what is left of it */
};

static struct walk walk_begin(const struct identity_source *source,
                              const struct authorizer_request *request)
{
    return (struct walk){source, request, 0, request->asked->query};
}

static bool next_field(struct walk *walk, struct span *value)
{
    const struct fields *fields = walk->request->asked->fields;
    while (walk->i < fields->count) {
        const struct pair *field = &fields->at[walk->i++];
        *value = field->value;
        if (span_is_nocase(field->name, walk->source->name))
            return true;
    }
    return false;
}

static bool next_argument(struct walk *walk, struct span *value)
{
    struct arena *arena = walk->request->asked->arena;
    while (walk->query.at != NULL) {
        struct span text = span_cut(&walk->query, '&'), name = span_cut(&text, '=');
        if (!span_is(grouped_decoded(name, true, arena), walk->source->name))
            continue;
        *value = grouped_decoded(text, true, arena);
        return true;
    }
    return false;
}

static bool walk_next(struct walk *walk, struct span *value)
{
    switch (walk->source->kind) {
    case IDENTITY_HEADER: return next_field(walk, value);
    case IDENTITY_QUERY: return next_argument(walk, value);
    case IDENTITY_CONTEXT: *value = context_value(walk->source->context, walk->request); break;
    case IDENTITY_STAGE_VARIABLE: *value = stage_variable(walk->request, walk->source->name); break;
    case IDENTITY_KINDS: return false;
    }
    return walk->i++ == 0;
}

/* One as it is, several with commas between them; any bytes. */
static struct span value_of(const struct identity_source *source,
                            const struct authorizer_request *request)
{
    struct walk walk = walk_begin(source, request);
    struct span value, more;
    struct buf all;
    if (!walk_next(&walk, &value))
        return span_make(NULL, 0);
    if (!walk_next(&walk, &more))
        return value;
    buf_init(&all, AUTHORIZER_EVENT_BYTES);
    buf_add(&all, value);
    do {
        buf_add_byte(&all, ',');
        buf_add(&all, more);
    } while (walk_next(&walk, &more));
    value =
        buf_is_full(&all) ? span_make(NULL, 0) : arena_copy(request->asked->arena, buf_span(&all));
    buf_fini(&all);
    return value;
}

bool identity_find(const struct identity_source *sources, size_t count,
                   struct authorizer_request *request)
{
    struct span *values = arena_alloc(request->asked->arena, (count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        if (values == NULL)
            return false;
        values[i] = value_of(&sources[i], request);
        if (span_trim_ows(values[i]).len == 0)
            return false;
    }
    request->identity = values;
    request->identity_count = values != NULL ? count : 0;
    return values != NULL;
}

/* ---- the key ---- */

static void key_add(struct buf *key, struct span value)
{
    buf_add_number(key, (int64_t)value.len);
    buf_add_byte(key, ':');
    buf_add(key, value);
}

/* a,b as one value and a and b as two are told apart by their lengths. */
static void key_add_source(struct buf *key, const struct identity_source *source,
                           const struct authorizer_request *request)
{
    struct walk walk = walk_begin(source, request);
    struct span value;
    while (walk_next(&walk, &value))
        key_add(key, value);
    buf_add_byte(key, ';');
}

struct span identity_key(const struct identity_source *sources, size_t count,
                         const struct authorizer_request *request)
{
    struct buf key;
    struct span copy = {NULL, 0};
    buf_init(&key, AUTHORIZER_EVENT_BYTES);
    for (size_t i = 0; i < count; i++)
        key_add_source(&key, &sources[i], request);
    if (!buf_is_full(&key))
        copy = arena_copy(request->asked->arena, buf_span(&key));
    buf_fini(&key);
    return copy;
}
