/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options that say who receives exports: which signals, and fields that are secrets. */
#include "exporters/otlp_body.h"
#include "sidecar/config/private_file.h"
#include "sidecar/config/values.h"
#include "sidecar/http/fields.h"

enum { FILE_BYTES = 64 * 1024, FIELDS_MOST = 32, VALUE_BYTES = 16 * 1024 };

/* What says how a request is to be read is for the exporter itself to say. */
static bool is_ours(struct span name)
{
    static const struct span ours[] = {
        SPAN_INIT("host"),       SPAN_INIT("te"),         SPAN_INIT("transfer-encoding"),
        SPAN_INIT("connection"), SPAN_INIT("expect"),     SPAN_INIT("upgrade"),
        SPAN_INIT("user-agent"), SPAN_INIT("keep-alive"),
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (span_is_nocase(name, ours[i]))
            return true;
    }
    return span_starts_nocase(name, SPAN("content-")) || span_starts_nocase(name, SPAN("grpc-"));
}

static bool is_value(struct span value)
{
    bool is = value.len > 0 && value.len <= VALUE_BYTES;
    for (size_t i = 0; i < value.len && is; i++)
        is = value.at[i] == '\t' || (value.at[i] >= ' ' && value.at[i] != 0x7f);
    return is;
}

/* NULL: nothing. None of them quotes the value. */
static const char *what_is_wrong(struct span name, struct span value)
{
    if (!http_is_token(name))
        return "this is no name of a field";
    if (is_ours(name))
        return "the exporter says this field itself";
    return is_value(value) ? NULL : "this is no value of a field";
}

/* ---- headers ---- */

/* What is wrong is said by name: the value may be a secret. */
static enum value_result refuse(const struct value *value, struct place place, struct span name,
                                const char *wrong)
{
    fault_add(value->reading->faults, FAULT_ERROR, place, span_make(NULL, 0),
              "%s: %s" SPAN_FORMAT "%s%s", value->option->path, name.len > 0 ? "'" : "",
              span_arg(span_first(name, 100)), name.len > 0 ? "': " : "expected ", wrong);
    return VALUE_SAID;
}

static enum value_result headers_read(const struct value *value)
{
    const struct node *map = value->node;
    if (map->kind != NODE_MAP || map->count > FIELDS_MOST)
        return refuse(value, map->place, SPAN(""), value->option->type->expected);
    struct pair *pairs = arena_alloc(value->reading->arena, (map->count + 1) * sizeof *pairs);
    size_t *count = value_also(value);
    for (const struct node *item = map->first; item != NULL && pairs != NULL; item = item->next) {
        const char *wrong = item->kind == NODE_SCALAR ? what_is_wrong(item->key, item->text)
                                                      : "this is no value of a field";
        if (wrong != NULL)
            return refuse(value, item->key_place, item->key, wrong);
        pairs[(*count)++] =
            (struct pair){value_keep(value, item->key), value_keep(value, item->text)};
    }
    *(const struct pair **)value_at(value) = pairs;
    return VALUE_TAKEN;
}

static bool headers_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const struct pair *const *pairs = (const void *)((const char *)base + option->at);
    const size_t *count = (const void *)((const char *)base + option->also);
    for (size_t n = 0; n < *count; n++) {
        buf_add(to, n == 0 ? SPAN("{") : SPAN(", "));
        value_print_text(to, (*pairs)[n].name);
        buf_add(to, SPAN(": \"********\""));
    }
    return *count > 0 && buf_add_byte(to, '}');
}

const struct option_type type_export_headers = {.name = "fields",
                                                .expected = "fields and their values, like "
                                                            "{ x-tenant: shop }",
                                                .takes_any = true,
                                                .read = headers_read,
                                                .print = headers_print};

/* ---- headers_file ---- */

/* NULL: well. */
static const char *file_lines_read(const struct value *value, struct span text)
{
    struct header_list *list = value_also(value);
    struct pair *pairs = arena_alloc(value->reading->arena, (size_t)FIELDS_MOST * sizeof *pairs);
    list->at = pairs;
    while (text.at != NULL && pairs != NULL) {
        struct span line = span_trim(span_cut(&text, '\n'), " \t\r"), field = line;
        if (line.len == 0 || line.at[0] == '#')
            continue;
        struct span name = span_cut(&field, ':');
        field = span_trim(field, " \t");
        if (field.at == NULL)
            return "expected lines like 'Authorization: Bearer ...'";
        const char *wrong =
            list->count < FIELDS_MOST ? what_is_wrong(name, field) : "there are too many fields";
        if (wrong != NULL)
            return wrong;
        pairs[list->count++] = (struct pair){value_keep(value, name), value_keep(value, field)};
    }
    return list->count > 0 ? NULL : "there is no field in it";
}

static enum value_result headers_file_read(const struct value *value)
{
    char why[160];
    struct buf text;
    if (value->node->text.len == 0)
        return VALUE_UNFIT;
    struct span path = value_path(value, value->node);
    buf_init(&text, FILE_BYTES);
    const char *wrong = secret_file_read(path.at, &text, why, sizeof why)
                            ? file_lines_read(value, buf_span(&text))
                            : why;
    buf_wipe(&text);
    if (wrong != NULL)
        return value_refuse(value, value->node, "", wrong);
    *(struct span *)value_at(value) = path;
    return VALUE_TAKEN;
}

const struct option_type type_headers_file = {.name = "file",
                                              .expected = "the name of a file with fields",
                                              .read = headers_file_read,
                                              .print = value_span_print};

/* ---- resource ---- */

enum { ATTRIBUTE_BYTES = 255 };

static enum value_result attributes_read(const struct value *value)
{
    const struct node *map = value->node;
    if (map->kind != NODE_MAP || map->count > RESOURCE_GIVEN_MOST)
        return refuse(value, map->place, SPAN(""), value->option->type->expected);
    struct pair *pairs = arena_alloc(value->reading->arena, (map->count + 1) * sizeof *pairs);
    size_t *count = value_also(value);
    for (const struct node *item = map->first; item != NULL && pairs != NULL; item = item->next) {
        if (item->kind != NODE_SCALAR || item->key.len == 0 || item->key.len > ATTRIBUTE_BYTES)
            return refuse(value, item->key_place, item->key, "expected a name and a text");
        pairs[(*count)++] =
            (struct pair){value_keep(value, item->key), value_keep(value, item->text)};
    }
    *(const struct pair **)value_at(value) = pairs;
    return VALUE_TAKEN;
}

const struct option_type type_resource_attributes = {
    .name = "attributes",
    .expected = "attributes and their texts, like { team: shop }, at most 24",
    .takes_any = true,
    .read = attributes_read,
    .print = value_pairs_print};
