/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options of authorizers, and of routes that name them. */
#include "rules/base/encode.h"
#include "sidecar/config/values.h"
#include "sidecar/guard/cognito.h"
#include "sidecar/guard/jwk.h"
#include "sidecar/guard/jws.h"
#include "sidecar/http/fields.h"

enum { NAMES_SHOWN = 64, HINT_BYTES = 160 };

/* ---- type ---- */

static const char *const types[AUTHORIZER_TYPES] = {
#define AUTHORIZER_TYPE(id, word, sentence) word,
#include "sidecar/config/authorizer_types.tbl"
#undef AUTHORIZER_TYPE
};

struct span authorizer_type_word(enum authorizer_type type)
{
    return span_text(types[type]);
}

bool authorizer_has_keys(const struct authorizer_settings *settings)
{
    return settings->type == AUTHORIZER_JWT || settings->type == AUTHORIZER_COGNITO;
}

static enum value_result kind_read(const struct value *value)
{
    for (unsigned i = 0; i < AUTHORIZER_TYPES; i++)
        if (span_is(value->node->text, span_text(types[i]))) {
            *(enum authorizer_type *)value_at(value) = (enum authorizer_type)i;
            return VALUE_TAKEN;
        }
    return VALUE_UNFIT;
}

static bool kind_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const enum authorizer_type *type = (const void *)((const char *)base + option->at);
    return buf_add(to, span_text(types[*type]));
}

const struct option_type type_authorizer_type = {
    .name = "type of authorizer",
    .expected = "one of:"
#define AUTHORIZER_TYPE(id, word, sentence) " " word
#include "sidecar/config/authorizer_types.tbl"
#undef AUTHORIZER_TYPE
    ,
    .read = kind_read,
    .print = kind_print,
    .words = types,
    .word_count = AUTHORIZER_TYPES,
};

/* ---- lists of texts ---- */

enum value_result value_texts_read(const struct value *value, bool (*is_one)(struct span text),
                                   const char *expected)
{
    const struct node *list = value->node;
    struct span *texts = arena_alloc(value->reading->arena, (list->count + 1) * sizeof *texts);
    size_t *count = value_also(value);
    for (const struct node *item = list->first; item != NULL && texts != NULL; item = item->next) {
        if (item->kind != NODE_SCALAR || !is_one(item->text))
            return value_refuse(value, item, "", expected);
        texts[(*count)++] = value_keep(value, item->text);
    }
    *(const struct span **)value_at(value) = texts;
    return VALUE_TAKEN;
}

bool value_texts_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    const struct span *const *texts = (const void *)((const char *)base + option->at);
    const size_t *count = (const void *)((const char *)base + option->also);
    if (i < *count)
        value_print_text(to, (*texts)[i]);
    return i < *count;
}

static bool is_any(struct span text)
{
    return text.len > 0;
}

static enum value_result audiences_read(const struct value *value)
{
    return value_texts_read(value, is_any, "expected a text");
}

const struct option_type type_audiences = {.name = "list of texts",
                                           .expected = "a list of texts",
                                           .is_list = true,
                                           .one_will_do = true,
                                           .read = audiences_read,
                                           .print = value_texts_print};

/* RFC 6749 3.3: it goes into a field of an answer as it is. */
static bool is_scope(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '\\')
            return false;
    }
    return text.len > 0 && text.len <= 256;
}

static enum value_result scopes_read(const struct value *value)
{
    return value_texts_read(value, is_scope,
                            "expected a scope like orders.read: no spaces or quotes");
}

const struct option_type type_scopes = {.name = "list of scopes",
                                        .expected = "a list of scopes",
                                        .is_list = true,
                                        .one_will_do = true,
                                        .read = scopes_read,
                                        .print = value_texts_print};

/* ---- algorithms ---- */

static enum value_result refuse_algorithm(const struct value *value, const struct node *item)
{
    const char *names[JWS_ALGORITHMS];
    char hint[HINT_BYTES];
    for (unsigned i = 0; i < JWS_ALGORITHMS; i++)
        names[i] = jws_algorithm_name((enum jws_algorithm)i);
    fault_add(value->reading->faults, FAULT_ERROR, item->place,
              nearest_hint(item->text, names, JWS_ALGORITHMS, hint, sizeof hint),
              "%s: there is no algorithm '" SPAN_FORMAT "'", value->option->path,
              span_arg(span_first(item->text, 200)));
    return VALUE_SAID;
}

static enum value_result algorithms_read(const struct value *value)
{
    unsigned *set = value_at(value);
    for (const struct node *item = value->node->first; item != NULL; item = item->next) {
        enum jws_algorithm algorithm =
            item->kind == NODE_SCALAR ? jws_algorithm_find(item->text) : JWS_ALGORITHMS;
        if (algorithm == JWS_ALGORITHMS)
            return refuse_algorithm(value, item);
        *set |= JWS_SET(algorithm);
    }
    return *set != 0 ? VALUE_TAKEN : VALUE_UNFIT;
}

static bool algorithms_print(const struct option *option, const void *base, size_t i,
                             struct buf *to)
{
    unsigned set = *(const unsigned *)(const void *)((const char *)base + option->at);
    for (unsigned algorithm = 0; algorithm < JWS_ALGORITHMS; algorithm++)
        if ((set & JWS_SET(algorithm)) != 0 && i-- == 0)
            return buf_add(to, span_text(jws_algorithm_name((enum jws_algorithm)algorithm)));
    return false;
}

const struct option_type type_jws_algorithms = {.name = "list of algorithms",
                                                .expected = "a list of algorithms, like [ES256]",
                                                .is_list = true,
                                                .one_will_do = true,
                                                .read = algorithms_read,
                                                .print = algorithms_print};

/* ---- headers: { field: claim } ---- */

/* What says where a body ends, or whom a request is for, is no place for a claim. */
static bool is_field(struct span name)
{
    static const struct span ours[] = {
        SPAN_INIT("host"),
        SPAN_INIT("content-length"),
        SPAN_INIT("transfer-encoding"),
        SPAN_INIT("connection"),
        SPAN_INIT("te"),
        SPAN_INIT("trailer"),
        SPAN_INIT("upgrade"),
        SPAN_INIT("expect"),
        SPAN_INIT("keep-alive"),
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (span_is_nocase(name, ours[i]))
            return false;
    return http_is_token(name);
}

static enum value_result headers_read(const struct value *value)
{
    const struct node *map = value->node;
    struct pair *pairs = arena_alloc(value->reading->arena, (map->count + 1) * sizeof *pairs);
    size_t *count = value_also(value);
    if (map->kind != NODE_MAP)
        return VALUE_UNFIT;
    for (const struct node *item = map->first; item != NULL && pairs != NULL; item = item->next) {
        if (item->kind != NODE_SCALAR || item->text.len == 0)
            return value_refuse(value, item, "", "expected the name of a claim");
        if (!is_field(item->key))
            return value_refuse(value, item, "X-User", "this is no field that could hold a claim");
        pairs[(*count)++] =
            (struct pair){value_keep(value, item->key), value_keep(value, item->text)};
    }
    *(const struct pair **)value_at(value) = pairs;
    return VALUE_TAKEN;
}

bool value_pairs_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const struct pair *const *pairs = (const void *)((const char *)base + option->at);
    const size_t *count = (const void *)((const char *)base + option->also);
    for (size_t n = 0; n < *count; n++) {
        buf_add(to, n == 0 ? SPAN("{") : SPAN(", "));
        value_print_text(to, (*pairs)[n].name);
        buf_add(to, SPAN(": "));
        value_print_text(to, (*pairs)[n].value);
    }
    return *count > 0 && buf_add_byte(to, '}');
}

const struct option_type type_claim_headers = {.name = "fields and claims",
                                               .expected =
                                                   "fields and claims, like { X-User: sub }",
                                               .takes_any = true,
                                               .read = headers_read,
                                               .print = value_pairs_print};

/* ---- jwks: a document in the document ---- */

/* Members of keys are texts and lists of texts: whatever YAML says becomes JSON of these. */
static void add_json(struct buf *to, const struct node *node)
{
    const char *gap = "";
    if (node->kind == NODE_SCALAR) {
        json_add_string(to, node->text);
        return;
    }
    buf_add_byte(to, node->kind == NODE_MAP ? '{' : '[');
    for (const struct node *item = node->first; item != NULL; item = item->next, gap = ",") {
        buf_format(to, "%s", gap);
        if (node->kind == NODE_MAP) {
            json_add_string(to, item->key);
            buf_add_byte(to, ':');
        }
        add_json(to, item);
    }
    buf_add_byte(to, node->kind == NODE_MAP ? '}' : ']');
}

/* The text of a JSON document, or YAML of the same shape. */
static enum value_result key_set_value_read(const struct value *value)
{
    struct buf text;
    struct key_set_problem problem;
    buf_init(&text, KEY_SET_BYTES + 1);
    if (value->node->kind == NODE_SCALAR)
        buf_add(&text, value->node->text);
    else
        add_json(&text, value->node);
    struct key_set *set = key_set_read(buf_span(&text), &problem);
    const char *wrong = set == NULL                ? problem.why
                        : key_set_has_secrets(set) ? "a secret belongs into a jwks_file"
                                                   : NULL;
    key_set_free(set);
    *(struct span *)value_at(value) = value_keep(value, buf_span(&text));
    buf_fini(&text);
    return wrong == NULL ? VALUE_TAKEN
                         : value_refuse(value, value->node, "a JWK Set, RFC 7517", wrong);
}

const struct option_type type_key_set = {.name = "key set",
                                         .expected = "a JWK Set: { keys: [{ kty: EC, ... }] }",
                                         .takes_any = true,
                                         .read = key_set_value_read,
                                         .print = value_span_print};

/* ---- user_pool ---- */

static enum value_result user_pool_read(const struct value *value)
{
    struct span text = value->node->text;
    if (cognito_issuer(text, value->reading->arena).at == NULL)
        return VALUE_UNFIT;
    *(struct span *)value_at(value) = value_keep(value, text);
    return VALUE_TAKEN;
}

const struct option_type type_user_pool = {.name = "user pool",
                                           .expected =
                                               "a user pool, like eu-west-1_AbC123, or its ARN",
                                           .read = user_pool_read,
                                           .print = value_span_print};

/* ---- routes[].authorizer: its section may stand behind the routes ---- */

static enum value_result name_read(const struct value *value)
{
    const struct node *authorizers = tree_find(value->reading->root, SPAN("authorizers"));
    const char *names[NAMES_SHOWN];
    size_t i = 0;
    char hint[HINT_BYTES];
    struct span text = value->node->text;
    if (text.len == 0)
        return VALUE_UNFIT;
    if (span_is(text, SPAN("none")))
        return VALUE_TAKEN;
    for (const struct node *node = authorizers != NULL ? authorizers->first : NULL; node != NULL;
         node = node->next, i++) {
        if (span_is(node->key, text)) {
            *(struct span *)value_at(value) = value_keep(value, text);
            *(size_t *)value_also(value) = i;
            return VALUE_TAKEN;
        }
        if (i < NAMES_SHOWN)
            names[i] = node->key.at;
    }
    fault_add(value->reading->faults, FAULT_ERROR, value->node->place,
              nearest_hint(text, names, i < NAMES_SHOWN ? i : NAMES_SHOWN, hint, sizeof hint),
              "%s: there is no authorizer '" SPAN_FORMAT "'", value->option->path,
              span_arg(span_first(text, 200)));
    return VALUE_SAID;
}

const struct option_type type_route_authorizer = {.name = "name of an authorizer",
                                                  .expected = "the name of an authorizer, or none",
                                                  .read = name_read,
                                                  .print = value_span_print};
