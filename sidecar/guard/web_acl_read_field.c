/* SPDX-License-Identifier: Apache-2.0 */
/* FieldToMatch and TextTransformations. */
#include "sidecar/guard/web_acl_reader.h"

enum { TRANSFORMS_MOST = 10, TRANSFORM_WCU = 10 };

struct web_acl_charge {
    const struct web_acl_charge *next;
    struct span key; /* the component and the chain up to here */
};

typedef void read_component(struct web_acl_reader *r, const json_t *value,
                            struct web_acl_field *field);
static read_component read_nothing, read_header, read_argument, read_body, read_json, read_many,
    read_order, read_fragment;

static const struct component_row {
    const char *member;
    enum web_acl_component component;
    read_component *read;
    const char *chosen, *left_out; /* names of lists in MatchPattern */
} components[] = {
    {"SingleHeader", COMPONENT_SINGLE_HEADER, read_header, NULL, NULL},
    {"SingleQueryArgument", COMPONENT_SINGLE_ARGUMENT, read_argument, NULL, NULL},
    {"AllQueryArguments", COMPONENT_ALL_ARGUMENTS, read_nothing, NULL, NULL},
    {"UriPath", COMPONENT_URI_PATH, read_nothing, NULL, NULL},
    {"UriFragment", COMPONENT_URI_FRAGMENT, read_fragment, NULL, NULL},
    {"QueryString", COMPONENT_QUERY_STRING, read_nothing, NULL, NULL},
    {"Method", COMPONENT_METHOD, read_nothing, NULL, NULL},
    {"Body", COMPONENT_BODY, read_body, NULL, NULL},
    {"JsonBody", COMPONENT_JSON_BODY, read_json, "IncludedPaths", NULL},
    {"Headers", COMPONENT_HEADERS, read_many, "IncludedHeaders", "ExcludedHeaders"},
    {"Cookies", COMPONENT_COOKIES, read_many, "IncludedCookies", "ExcludedCookies"},
    {"HeaderOrder", COMPONENT_HEADER_ORDER, read_order, NULL, NULL},
};
enum { COMPONENTS = sizeof components / sizeof *components };

/* ---- the components ---- */

static void read_nothing(struct web_acl_reader *r, const json_t *value, struct web_acl_field *field)
{
    (void)field;
    if (!json_is_object(value) || json_object_size(value) > 0)
        reader_refuse(r, SPAN(""), "expected {}");
}

static void read_name(struct web_acl_reader *r, const json_t *value, struct web_acl_field *field,
                      size_t most)
{
    if (!READER_MEMBERS(r, value, "Name"))
        return;
    field->name = reader_text(r, value, "Name", true);
    if (field->name.at != NULL && (field->name.len == 0 || field->name.len > most))
        reader_refuse(r, SPAN(""), "'Name' has 1 to %zu bytes", most);
}

static void read_header(struct web_acl_reader *r, const json_t *value, struct web_acl_field *field)
{
    read_name(r, value, field, 64);
}

static void read_argument(struct web_acl_reader *r, const json_t *value,
                          struct web_acl_field *field)
{
    read_name(r, value, field, 30);
}

static void read_oversize(struct web_acl_reader *r, const json_t *value,
                          struct web_acl_field *field, bool needed)
{
    static const char *const words[] = {"CONTINUE", "MATCH", "NO_MATCH"};
    size_t word = reader_word(r, value, "OversizeHandling", needed, words, 3);
    if (word != SPAN_NONE)
        field->oversize = (enum web_acl_fallback)word;
}

static void read_body(struct web_acl_reader *r, const json_t *value, struct web_acl_field *field)
{
    if (READER_MEMBERS(r, value, "OversizeHandling"))
        read_oversize(r, value, field, false);
}

static void read_order(struct web_acl_reader *r, const json_t *value, struct web_acl_field *field)
{
    if (READER_MEMBERS(r, value, "OversizeHandling"))
        read_oversize(r, value, field, true);
}

static void read_fragment(struct web_acl_reader *r, const json_t *value,
                          struct web_acl_field *field)
{
    static const char *const words[] = {"MATCH", "NO_MATCH"};
    if (!READER_MEMBERS(r, value, "FallbackBehavior"))
        return;
    size_t word = reader_word(r, value, "FallbackBehavior", false, words, 2);
    field->invalid = word == 0 ? FALLBACK_MATCH : FALLBACK_NO_MATCH;
}

static const struct component_row *row_of(const struct web_acl_field *field)
{
    size_t i = 0;
    while (components[i].component != field->component)
        i++;
    return &components[i];
}

static void read_choice(struct web_acl_reader *r, const json_t *value, struct web_acl_field *field)
{
    const struct component_row *row = row_of(field);
    const char *members[] = {"All", row->chosen, row->left_out};
    const json_t *pattern = json_object_get(value, "MatchPattern");
    size_t mark = reader_enter(r, "MatchPattern");
    if (reader_is_object(r, pattern, members, row->left_out != NULL ? 3 : 2)) {
        if (json_object_size(pattern) != 1)
            reader_refuse(r, SPAN(""), "expected exactly one member");
        if (json_object_get(pattern, "All") == NULL) {
            bool chosen = json_object_get(pattern, row->chosen) != NULL;
            field->choice = chosen ? CHOICE_INCLUDED : CHOICE_EXCLUDED;
            field->names = reader_texts(
                r, pattern, chosen || row->left_out == NULL ? row->chosen : row->left_out, 1,
                &field->name_count);
        }
    }
    reader_leave(r, mark);
}

static void read_scope(struct web_acl_reader *r, const json_t *value, struct web_acl_field *field)
{
    static const char *const words[] = {"ALL", "KEY", "VALUE"};
    size_t word = reader_word(r, value, "MatchScope", true, words, 3);
    if (word != SPAN_NONE)
        field->scope = (enum web_acl_scope)word;
}

static void read_many(struct web_acl_reader *r, const json_t *value, struct web_acl_field *field)
{
    if (!READER_MEMBERS(r, value, "MatchPattern", "MatchScope", "OversizeHandling"))
        return;
    read_choice(r, value, field);
    read_scope(r, value, field);
    read_oversize(r, value, field, true);
}

static void read_json(struct web_acl_reader *r, const json_t *value, struct web_acl_field *field)
{
    static const char *const words[] = {"MATCH", "NO_MATCH", "EVALUATE_AS_STRING"};
    static const enum web_acl_fallback fallbacks[] = {FALLBACK_MATCH, FALLBACK_NO_MATCH,
                                                      FALLBACK_AS_STRING};
    if (!READER_MEMBERS(r, value, "MatchPattern", "MatchScope", "InvalidFallbackBehavior",
                        "OversizeHandling"))
        return;
    read_choice(r, value, field);
    read_scope(r, value, field);
    read_oversize(r, value, field, false);
    size_t word = reader_word(r, value, "InvalidFallbackBehavior", false, words, 3);
    if (word != SPAN_NONE)
        field->invalid = fallbacks[word];
    for (size_t i = 0; i < field->name_count; i++) {
        if (field->names[i].len > 0 && field->names[i].at[0] != '/')
            reader_refuse(r, SPAN("/a/b"), "'" SPAN_FORMAT "' is no JSON pointer",
                          span_arg(field->names[i]));
        if (field->names[i].len > WEB_ACL_POINTER)
            reader_refuse(r, SPAN(""), "a JSON pointer has at most 512 bytes");
    }
}

/* ---- which one ---- */

static bool is_fingerprint(const char *member)
{
    return strcmp(member, "JA3Fingerprint") == 0 || strcmp(member, "JA4Fingerprint") == 0;
}

static const struct component_row *find_component(struct web_acl_reader *r, const char *member)
{
    const char *names[COMPONENTS];
    for (size_t i = 0; i < COMPONENTS; i++) {
        names[i] = components[i].member;
        if (strcmp(member, names[i]) == 0)
            return &components[i];
    }
    if (is_fingerprint(member))
        reader_refuse(r, SPAN("take this statement out"),
                      "%s: fingerprints of TLS clients are not taken here", member);
    else
        reader_refuse_word(r, span_text(member), names, COMPONENTS, "component of a request");
    return NULL;
}

static const struct component_row *read_component_of(struct web_acl_reader *r, const json_t *object,
                                                     struct web_acl_field *field)
{
    union { /* jansson's iterators want no const; nothing is changed */
        const json_t *in;
        json_t *out;
    } value = {json_object_get(object, "FieldToMatch")};
    const struct component_row *row = NULL;
    size_t mark = reader_enter(r, "FieldToMatch");
    if (json_object_size(value.in) == 1) {
        void *only = json_object_iter(value.out);
        row = find_component(r, json_object_iter_key(only));
        if (row != NULL) {
            size_t inside = reader_enter(r, row->member);
            field->component = row->component;
            row->read(r, json_object_iter_value(only), field);
            reader_leave(r, inside);
        }
    } else {
        reader_refuse(r, SPAN("{\"UriPath\": {}}"),
                      "expected an object with exactly one component");
    }
    reader_leave(r, mark);
    return row;
}

/* ---- transformations ---- */

struct chain {
    web_acl_transform *transform;
    struct span name;
    uint64_t priority;
};

static void read_link(struct web_acl_reader *r, const json_t *item, struct chain *link)
{
    const char *names[WEB_ACL_TRANSFORMS_MOST];
    if (!READER_MEMBERS(r, item, "Priority", "Type"))
        return;
    reader_number(r, item, "Priority", true, (struct reader_range){0, UINT32_MAX}, &link->priority);
    link->name = reader_text(r, item, "Type", true);
    link->transform = link->name.at != NULL ? web_acl_transform_find(link->name) : NULL;
    if (link->name.at != NULL && link->transform == NULL)
        reader_refuse_word(r, link->name, names, web_acl_transform_names(names),
                           "text transformation");
}

static void sort_chain(struct web_acl_reader *r, struct chain *chain, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && chain[j].priority <= chain[j - 1].priority; j--) {
            if (chain[j].priority == chain[j - 1].priority) {
                reader_refuse(r, SPAN(""), "priority %llu stands twice",
                              (unsigned long long)chain[j].priority);
                break;
            }
            struct chain link = chain[j];
            chain[j] = chain[j - 1];
            chain[j - 1] = link;
        }
}

/* A transformation of the same component behind the same ones is charged once in a web ACL. */
static unsigned charge(struct web_acl_reader *r, struct span key)
{
    for (const struct web_acl_charge *c = r->charges; c != NULL; c = c->next)
        if (span_is(c->key, key))
            return 0;
    struct web_acl_charge *new = arena_alloc(r->arena, sizeof *new);
    if (new != NULL) {
        *new = (struct web_acl_charge){r->charges, key};
        r->charges = new;
    }
    return TRANSFORM_WCU;
}

static bool does_something(const struct chain *link)
{
    return link->transform != NULL && !span_is(link->name, SPAN("NONE"));
}

static web_acl_transform *const *keep_chain(struct web_acl_reader *r, const struct chain *chain,
                                            size_t count, size_t *kept_count)
{
    web_acl_transform **kept = arena_alloc(r->arena, (count + 1) * sizeof *kept);
    for (size_t i = 0; i < count && kept != NULL; i++)
        if (does_something(&chain[i]))
            kept[(*kept_count)++] = chain[i].transform;
    return kept;
}

static unsigned charge_chain(struct web_acl_reader *r, const json_t *object,
                             const struct chain *chain, size_t count)
{
    char *component =
        json_dumps(json_object_get(object, "FieldToMatch"), JSON_SORT_KEYS | JSON_COMPACT);
    struct span key = arena_copy(r->arena, span_text(component));
    unsigned units = 0;
    free(component);
    for (size_t i = 0; i < count; i++) {
        if (!does_something(&chain[i]))
            continue;
        key = arena_format(r->arena, SPAN_FORMAT "|" SPAN_FORMAT, span_arg(key),
                           span_arg(chain[i].name));
        units += charge(r, key);
    }
    return units;
}

/* How many there are. */
static size_t read_chain(struct web_acl_reader *r, const json_t *object,
                         struct chain chain[TRANSFORMS_MOST])
{
    const json_t *list = reader_list(r, object, "TextTransformations", true, 1);
    size_t count = json_array_size(list);
    size_t mark = reader_enter(r, "TextTransformations");
    if (count > TRANSFORMS_MOST) {
        reader_refuse(r, SPAN(""), "at most 10 of them");
        count = TRANSFORMS_MOST;
    }
    for (size_t i = 0; i < count; i++) {
        size_t item = reader_enter_item(r, i);
        read_link(r, json_array_get(list, i), &chain[i]);
        reader_leave(r, item);
    }
    sort_chain(r, chain, count);
    reader_leave(r, mark);
    return count;
}

void reader_transforms(struct web_acl_reader *r, const json_t *object,
                       web_acl_transform *const **transforms, size_t *count)
{
    struct chain chain[TRANSFORMS_MOST] = {{0}};
    size_t links = read_chain(r, object, chain);
    *transforms = keep_chain(r, chain, links, count);
}

unsigned reader_field(struct web_acl_reader *r, const json_t *object,
                      struct web_acl_statement *statement, bool *doubles)
{
    const struct component_row *row = read_component_of(r, object, &statement->field);
    struct chain chain[TRANSFORMS_MOST] = {{0}};
    size_t links = read_chain(r, object, chain);
    statement->transforms = keep_chain(r, chain, links, &statement->transform_count);
    unsigned units = charge_chain(r, object, chain, links);
    enum web_acl_component component = statement->field.component;
    if (row == NULL)
        return 0;
    r->acl->wants_body |= component == COMPONENT_BODY || component == COMPONENT_JSON_BODY;
    *doubles = component == COMPONENT_JSON_BODY;
    return units + (component == COMPONENT_ALL_ARGUMENTS ? 10 : 0);
}
