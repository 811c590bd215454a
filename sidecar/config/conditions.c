/* SPDX-License-Identifier: Apache-2.0 */
/* A row for each word that may stand in a match. */
#include "sidecar/config/conditions.h"

#include <string.h>

#include "rules/base/number.h"

enum { DEPTH_MOST = 8, TEXT_BYTES = 64 * 1024 };

struct builder {
    const struct value *value;
    unsigned depth;
    bool wrong; /* a fault was said */
};

typedef void read_condition(struct builder *builder, const struct node *node, struct condition *to);

static read_condition read_all, read_parts, read_not, read_sets, read_networks, read_texts,
    read_named, read_certificate, read_countries, read_subdivisions, read_cities, read_numbers,
    read_anonymous;

static const struct word {
    const char *name;
    enum condition_kind kind;
    read_condition *read;
    const char *expected;
} words[] = {
    {"all", CONDITION_ALL, read_parts, "a list of matches"},
    {"any", CONDITION_ANY, read_parts, "a list of matches"},
    {"not", CONDITION_NOT, read_not, "a match"},
    {"ip_set", CONDITION_IP_SET, read_sets, "the name of an ip_set, or a list of names"},
    {"address", CONDITION_ADDRESS, read_networks, "a network like 10.0.0.0/8, or a list of them"},
    {"method", CONDITION_METHOD, read_texts, "a method like POST, or a list of them"},
    {"path", CONDITION_PATH, read_texts, "a path like /login or /admin/*, or a list of them"},
    {"host", CONDITION_HOST, read_texts, "a host like api.example or *.example, or a list of them"},
    {"route", CONDITION_ROUTE, read_texts, "a route's path like /orders/{id}, or a list of them"},
    {"header", CONDITION_HEADER, read_named, "a map of field names to patterns"},
    {"query", CONDITION_QUERY, read_named, "a map of argument names to patterns"},
    {"certificate", CONDITION_SUBJECT, read_certificate,
     "a map of subject, issuer, san and fingerprint to patterns"},
    {"country", CONDITION_COUNTRY, read_countries, "a country like DE, XX for unknown, or a list"},
    {"registered_country", CONDITION_REGISTERED_COUNTRY, read_countries,
     "a country like DE, XX for unknown, or a list"},
    {"represented_country", CONDITION_REPRESENTED_COUNTRY, read_countries,
     "a country like US, XX for none, or a list"},
    {"subdivision", CONDITION_SUBDIVISION, read_subdivisions,
     "a subdivision like DE-BY, or a list"},
    {"city", CONDITION_CITY, read_cities, "a city's English name like Munich, or a list"},
    {"asn", CONDITION_ASN, read_numbers, "the number of an autonomous system, or a list of them"},
    {"anonymous", CONDITION_ANONYMOUS, read_anonymous,
     "any, vpn, hosting, public_proxy, tor, residential_proxy, or a list of them"},
};
enum { WORDS = sizeof words / sizeof *words };

static void refuse(struct builder *builder, const struct node *at, struct span hint,
                   const char *expected)
{
    static const char *const kinds[] = {[NODE_LIST] = "a list", [NODE_MAP] = "a map"};
    const char *path = builder->value->option->path;
    builder->wrong = true;
    if (at->kind == NODE_SCALAR)
        fault_add(builder->value->reading->faults, FAULT_ERROR, at->place, hint,
                  "%s: found '" SPAN_FORMAT "', expected %s", path,
                  span_arg(span_first(at->text, 200)), expected);
    else
        fault_add(builder->value->reading->faults, FAULT_ERROR, at->place, hint,
                  "%s: found %s, expected %s", path, kinds[at->kind], expected);
}

static void *room(struct builder *builder, size_t count, size_t size)
{
    void *at = arena_alloc(builder->value->reading->arena, (count + 1) * size);
    builder->wrong |= at == NULL; /* a full arena is said at the end */
    return at;
}

/* Calls each() for the scalar itself, or for every item of a list of scalars. */
static size_t each_text(struct builder *builder, const struct node *node, const char *expected,
                        void (*each)(struct builder *builder, const struct node *item, size_t i,
                                     void *to),
                        void *to)
{
    if (node->kind == NODE_SCALAR && node->text.len > 0) {
        each(builder, node, 0, to);
        return 1;
    }
    size_t count = 0;
    bool fits = node->kind == NODE_LIST && node->count > 0;
    for (const struct node *item = node->first; fits && item != NULL; item = item->next) {
        fits = item->kind == NODE_SCALAR && item->text.len > 0;
        if (fits)
            each(builder, item, count++, to);
    }
    if (!fits)
        refuse(builder, node, span_make(NULL, 0), expected);
    return fits ? count : 0;
}

static const char *expected_of(const struct condition *condition)
{
    for (size_t i = 0; i < WORDS; i++)
        if (words[i].kind == condition->kind)
            return words[i].expected;
    return "";
}

/* ---- one word ---- */

static void keep_text(struct builder *builder, const struct node *item, size_t i, void *to)
{
    struct span *texts = to;
    texts[i] = value_keep(builder->value, item->text);
}

static void read_texts(struct builder *builder, const struct node *node, struct condition *to)
{
    struct span *texts = room(builder, node->count, sizeof *texts);
    if (texts == NULL)
        return;
    to->texts = texts;
    to->text_count = each_text(builder, node, expected_of(to), keep_text, texts);
}

static void keep_network(struct builder *builder, const struct node *item, size_t i, void *to)
{
    struct network *networks = to;
    if (!network_parse(item->text, &networks[i]))
        refuse(builder, item, SPAN("no bits behind the prefix"),
               "a network like 10.0.0.0/8 or one address");
}

static void read_networks(struct builder *builder, const struct node *node, struct condition *to)
{
    struct network *networks = room(builder, node->count, sizeof *networks);
    if (networks == NULL)
        return;
    to->networks = networks;
    to->network_count = each_text(builder, node, expected_of(to), keep_network, networks);
}

/* ---- where the client is ---- */

/* Such a question can only be answered by one of two databases. */
static void need_database(struct builder *builder, const struct node *node, const char *first,
                          const char *second)
{
    const struct node *root = builder->value->reading->root;
    if (tree_find_path(root, span_text(first)) == NULL &&
        tree_find_path(root, span_text(second)) == NULL) {
        builder->wrong = true;
        fault_add(builder->value->reading->faults, FAULT_ERROR, node->key_place, span_make(NULL, 0),
                  "%s: '%s' needs %s%s%s", builder->value->option->path, node->key.at, first,
                  strcmp(first, second) != 0 ? " or " : "",
                  strcmp(first, second) != 0 ? second : "");
    }
}

static bool is_letters(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!byte_is_alpha(text.at[i]))
            return false;
    return true;
}

static void keep_country(struct builder *builder, const struct node *item, size_t i, void *to)
{
    if (item->text.len == 2 && is_letters(item->text))
        keep_text(builder, item, i, to);
    else
        refuse(builder, item, SPAN("two letters of ISO 3166-1"), "a country like DE");
}

static void keep_subdivision(struct builder *builder, const struct node *item, size_t i, void *to)
{
    struct span code = item->text;
    struct span country = span_cut(&code, '-');
    if (country.len == 2 && is_letters(country) && code.len >= 1 && code.len <= 3)
        keep_text(builder, item, i, to);
    else
        refuse(builder, item, SPAN("ISO 3166-2: country and subdivision"),
               "a subdivision like DE-BY");
}

static void read_codes(struct builder *builder, const struct node *node, struct condition *to,
                       void (*keep)(struct builder *builder, const struct node *item, size_t i,
                                    void *to))
{
    struct span *texts = room(builder, node->count, sizeof *texts);
    if (texts == NULL)
        return;
    to->texts = texts;
    to->text_count = each_text(builder, node, expected_of(to), keep, texts);
}

static void read_countries(struct builder *builder, const struct node *node, struct condition *to)
{
    need_database(builder, node, "geo.country_db", "geo.city_db");
    read_codes(builder, node, to, keep_country);
}

static void read_subdivisions(struct builder *builder, const struct node *node,
                              struct condition *to)
{
    need_database(builder, node, "geo.city_db", "geo.city_db");
    read_codes(builder, node, to, keep_subdivision);
}

static void read_cities(struct builder *builder, const struct node *node, struct condition *to)
{
    need_database(builder, node, "geo.city_db", "geo.city_db");
    read_texts(builder, node, to);
}

static void keep_number(struct builder *builder, const struct node *item, size_t i, void *to)
{
    struct span digits =
        span_starts(item->text, SPAN("AS")) ? span_from(item->text, 2) : item->text;
    uint32_t *numbers = to;
    uint64_t number;
    if (number_parse(digits, &number) && number <= UINT32_MAX)
        numbers[i] = (uint32_t)number;
    else
        refuse(builder, item, span_make(NULL, 0), "a number like 64496 or AS64496; 0: unknown");
}

static void read_numbers(struct builder *builder, const struct node *node, struct condition *to)
{
    need_database(builder, node, "geo.asn_db", "geo.asn_db");
    uint32_t *numbers = room(builder, node->count, sizeof *numbers);
    if (numbers == NULL)
        return;
    to->numbers = numbers;
    to->number_count = each_text(builder, node, expected_of(to), keep_number, numbers);
}

static void keep_anonymous(struct builder *builder, const struct node *item, size_t i, void *to)
{
    unsigned *bits = to;
    (void)i;
    for (unsigned bit = 0; geo_anonymous_word(bit) != NULL; bit++) {
        if (span_is(item->text, span_text(geo_anonymous_word(bit)))) {
            *bits |= 1U << bit;
            return;
        }
    }
    refuse(builder, item, span_make(NULL, 0),
           "any, vpn, hosting, public_proxy, tor or residential_proxy");
}

static void read_anonymous(struct builder *builder, const struct node *node, struct condition *to)
{
    need_database(builder, node, "geo.anonymous_db", "geo.anonymous_db");
    each_text(builder, node, expected_of(to), keep_anonymous, &to->anonymous);
}

enum { NAMES_SHOWN = 64 };

/* The ip_sets section may stand behind the list, so the name is looked for in the tree. */
static void keep_set(struct builder *builder, const struct node *item, size_t i, void *to)
{
    const struct node *sets = tree_find(builder->value->reading->root, SPAN("ip_sets"));
    const char *names[NAMES_SHOWN];
    size_t count = 0, *indexes = to;
    for (const struct node *set = sets != NULL ? sets->first : NULL; set != NULL;
         set = set->next, count++) {
        if (span_is(set->key, item->text)) {
            indexes[i] = count;
            return;
        }
        if (count < NAMES_SHOWN)
            names[count] = set->key.at;
    }
    char hint[160];
    refuse(builder, item,
           nearest_hint(item->text, names, count < NAMES_SHOWN ? count : NAMES_SHOWN, hint,
                        sizeof hint),
           "the name of an ip_set");
}

static void read_sets(struct builder *builder, const struct node *node, struct condition *to)
{
    size_t *indexes = room(builder, node->count, sizeof *indexes);
    if (indexes == NULL)
        return;
    to->sets = indexes;
    to->set_count = each_text(builder, node, expected_of(to), keep_set, indexes);
}

/* Each name is a condition of its own; several must all hold. */
static void read_named(struct builder *builder, const struct node *node, struct condition *to)
{
    enum condition_kind kind = to->kind;
    if (node->kind != NODE_MAP || node->count == 0) {
        refuse(builder, node, SPAN("{ x-debug: \"*\" }"), expected_of(to));
        return;
    }
    struct condition *parts = room(builder, node->count, sizeof *parts);
    if (parts == NULL)
        return;
    *to = (struct condition){.kind = CONDITION_ALL, .parts = parts, .part_count = node->count};
    for (const struct node *item = node->first; item != NULL; item = item->next, parts++) {
        *parts = (struct condition){.kind = kind, .name = value_keep(builder->value, item->key)};
        read_texts(builder, item, parts);
    }
}

static void read_certificate_word(struct builder *builder, const struct node *item,
                                  struct condition *to)
{
    static const struct {
        const char *name;
        enum condition_kind kind;
    } kinds[] = {{"subject", CONDITION_SUBJECT},
                 {"issuer", CONDITION_ISSUER},
                 {"san", CONDITION_SAN},
                 {"fingerprint", CONDITION_FINGERPRINT}};
    const char *names[sizeof kinds / sizeof *kinds];
    char hint[80];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        names[i] = kinds[i].name;
        if (!span_is(item->key, span_text(kinds[i].name)))
            continue;
        *to = (struct condition){.kind = CONDITION_SUBJECT}; /* whose words are expected */
        read_texts(builder, item, to);
        to->kind = kinds[i].kind;
        return;
    }
    builder->wrong = true;
    fault_add(builder->value->reading->faults, FAULT_ERROR, item->key_place,
              nearest_hint(item->key, names, sizeof kinds / sizeof *kinds, hint, sizeof hint),
              "unknown key '%s' in %s of a certificate", item->key.at,
              builder->value->option->path);
}

static void read_certificate(struct builder *builder, const struct node *node, struct condition *to)
{
    if (node->kind != NODE_MAP || node->count == 0) {
        refuse(builder, node, SPAN("{ san: \"DNS:*.shop.example\" }"), expected_of(to));
        return;
    }
    struct condition *parts = room(builder, node->count, sizeof *parts);
    if (parts == NULL)
        return;
    *to = (struct condition){.kind = CONDITION_ALL, .parts = parts, .part_count = node->count};
    for (const struct node *item = node->first; item != NULL; item = item->next)
        read_certificate_word(builder, item, parts++);
}

static void read_not(struct builder *builder, const struct node *node, struct condition *to)
{
    struct condition *part = room(builder, 1, sizeof *part);
    if (part == NULL)
        return;
    to->parts = part;
    to->part_count = 1;
    read_all(builder, node, part);
}

static void read_parts(struct builder *builder, const struct node *node, struct condition *to)
{
    if (node->kind != NODE_LIST || node->count == 0) {
        refuse(builder, node, span_make(NULL, 0), expected_of(to));
        return;
    }
    struct condition *parts = room(builder, node->count, sizeof *parts);
    if (parts == NULL)
        return;
    to->parts = parts;
    to->part_count = node->count;
    for (const struct node *item = node->first; item != NULL; item = item->next)
        read_all(builder, item, parts++);
}

/* ---- a match: a map of words ---- */

static void read_word(struct builder *builder, const struct node *node, struct condition *to)
{
    const char *names[WORDS];
    char hint[160];
    for (size_t i = 0; i < WORDS; i++) {
        names[i] = words[i].name;
        if (!span_is(node->key, span_text(words[i].name)))
            continue;
        *to = (struct condition){.kind = words[i].kind};
        words[i].read(builder, node, to);
        return;
    }
    builder->wrong = true;
    fault_add(builder->value->reading->faults, FAULT_ERROR, node->key_place,
              nearest_hint(node->key, names, WORDS, hint, sizeof hint), "unknown key '%s' in %s",
              node->key.at, builder->value->option->path);
}

static void read_all(struct builder *builder, const struct node *node, struct condition *to)
{
    *to = (struct condition){.kind = CONDITION_ALL};
    if (node->kind != NODE_MAP || node->count == 0) {
        refuse(builder, node, SPAN("{ path: /login }"), "a match: a map of what has to hold");
        return;
    }
    if (builder->depth == DEPTH_MOST) {
        refuse(builder, node, span_make(NULL, 0), "at most 8 matches inside each other");
        return;
    }
    struct condition *parts = room(builder, node->count, sizeof *parts);
    if (parts == NULL)
        return;
    builder->depth++;
    to->parts = parts;
    to->part_count = node->count;
    for (const struct node *item = node->first; item != NULL; item = item->next)
        read_word(builder, item, parts++);
    builder->depth--;
}

const struct condition *condition_read(const struct value *value)
{
    struct builder builder = {.value = value};
    struct condition *condition = room(&builder, 1, sizeof *condition);
    if (condition != NULL)
        read_all(&builder, value->node, condition);
    return builder.wrong ? NULL : condition;
}

const struct condition *condition_read_certificate(const struct value *value)
{
    struct builder builder = {.value = value};
    struct condition *condition = room(&builder, 1, sizeof *condition);
    if (condition != NULL) {
        condition->kind = CONDITION_SUBJECT;
        read_certificate(&builder, value->node, condition);
    }
    return builder.wrong ? NULL : condition;
}

/* ---- as text ---- */

static void node_print(struct buf *to, const struct node *node);

static void items_print(struct buf *to, const struct node *node)
{
    for (const struct node *item = node->first; item != NULL; item = item->next) {
        if (item != node->first)
            buf_add(to, SPAN(", "));
        if (node->kind == NODE_MAP) {
            value_print_text(to, item->key);
            buf_add(to, SPAN(": "));
        }
        node_print(to, item);
    }
}

static void node_print(struct buf *to, const struct node *node)
{
    switch (node->kind) {
    case NODE_SCALAR: value_print_text(to, node->text); return;
    case NODE_LIST: buf_add_byte(to, '['); break;
    case NODE_MAP: buf_add_byte(to, '{'); break;
    }
    items_print(to, node);
    buf_add_byte(to, node->kind == NODE_LIST ? ']' : '}');
}

struct span condition_text(const struct value *value)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    items_print(&text, value->node);
    struct span kept = value_keep(value, buf_span(&text));
    buf_fini(&text);
    return kept;
}
