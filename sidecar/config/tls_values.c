/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options of TLS. */
#include "rules/base/number.h"
#include "sidecar/config/values.h"

/* ---- listeners[].tls.certificates ---- */

static bool is_key(struct span key)
{
    return span_is(key, SPAN("cert_file")) || span_is(key, SPAN("key_file"));
}

/* A file's name beside a key of the item, and its place; false, and said, where there is none. */
static bool file_read_in(const struct value *value, const struct node *item, const char *key,
                         struct span *path, struct place *place)
{
    const struct node *node = tree_find(item, span_text(key));
    for (const struct node *n = item->first; node == NULL && n != NULL; n = n->next)
        if (nearest_name(n->key, &key, 1) != NULL && !is_key(n->key))
            return false; /* that is what was meant, and said */
    if (node == NULL || node->kind != NODE_SCALAR || node->text.len == 0) {
        fault_add(value->reading->faults, FAULT_ERROR, (node != NULL ? node : item)->place,
                  SPAN("{ cert_file: tls.crt, key_file: tls.key }"),
                  "%s: '%s' is missing: expected the name of a file", value->option->path, key);
        return false;
    }
    *path = value_path(value, node);
    *place = node->place;
    place->file = arena_string(value->reading->arena, span_text(node->place.file));
    return true;
}

static void refuse_other_keys(const struct value *value, const struct node *item)
{
    static const char *const names[] = {"cert_file", "key_file"};
    char hint[128];
    for (const struct node *node = item->first; node != NULL; node = node->next)
        if (!is_key(node->key))
            fault_add(value->reading->faults, FAULT_ERROR, node->key_place,
                      nearest_hint(node->key, names, 2, hint, sizeof hint),
                      "unknown key '%s' in %s", node->key.at, value->option->path);
}

static enum value_result certificates_read(const struct value *value)
{
    struct listener_settings *listener = value->base;
    const struct node *list = value->node;
    if (list->kind != NODE_LIST || list->count == 0)
        return VALUE_UNFIT;
    struct certificate_files *files =
        arena_alloc(value->reading->arena, list->count * sizeof *files);
    if (files == NULL)
        return VALUE_TAKEN; /* a full arena is said at the end */
    for (const struct node *item = list->first; item != NULL; item = item->next) {
        struct certificate_files *to = &files[listener->tls.certificate_count++];
        if (item->kind != NODE_MAP) {
            value_refuse(value, item, "{ cert_file: tls.crt, key_file: tls.key }",
                         "expected a map with cert_file and key_file");
            continue;
        }
        refuse_other_keys(value, item);
        file_read_in(value, item, "cert_file", &to->cert_file, &to->cert_place);
        file_read_in(value, item, "key_file", &to->key_file, &to->key_place);
    }
    listener->tls.certificates = files;
    return VALUE_TAKEN;
}

/* The whole list: without TLS there is none, not an empty one. */
static bool certificates_print(const struct option *option, const void *base, size_t i,
                               struct buf *to)
{
    (void)option;
    (void)i;
    const struct listener_settings *listener = base;
    for (size_t at = 0; at < listener->tls.certificate_count; at++) {
        buf_add(to, at == 0 ? SPAN("[{cert_file: ") : SPAN(", {cert_file: "));
        value_print_text(to, listener->tls.certificates[at].cert_file);
        buf_add(to, SPAN(", key_file: "));
        value_print_text(to, listener->tls.certificates[at].key_file);
        buf_add_byte(to, '}');
    }
    return listener->tls.certificate_count > 0 && buf_add_byte(to, ']');
}

const struct option_type type_certificates = {
    .name = "list of certificates",
    .expected = "a list of { cert_file: ..., key_file: ... } with at least one",
    .takes_any = true,
    .read = certificates_read,
    .print = certificates_print};

/* ---- words that mean something only beside certificates ---- */

static enum value_result word_read(const struct value *value)
{
    const struct option_type *type = value->option->type;
    for (unsigned i = 0; i < type->word_count; i++) {
        if (!span_is(value->node->text, span_text(type->words[i])))
            continue;
        *(unsigned *)value_at(value) = i;
        return VALUE_TAKEN;
    }
    return VALUE_UNFIT;
}

static bool word_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const struct listener_settings *listener = base;
    unsigned word = *(const unsigned *)(const void *)((const char *)base + option->at);
    if (listener->tls.certificate_count == 0)
        return false;
    value_print_text(to, span_text(option->type->words[word]));
    return true;
}

static const char *const version_words[] = {[TLS_1_2] = "1.2", [TLS_1_3] = "1.3"};
const struct option_type type_tls_version = {.name = "1.2 | 1.3",
                                             .expected = "1.2 or 1.3",
                                             .read = word_read,
                                             .print = word_print,
                                             .words = version_words,
                                             .word_count = 2};

static const char *const auth_words[] = {[TLS_CLIENT_AUTH_OFF] = "off",
                                         [TLS_CLIENT_AUTH_OPTIONAL] = "optional",
                                         [TLS_CLIENT_AUTH_REQUIRED] = "required"};
const struct option_type type_client_auth = {.name = "off | optional | required",
                                             .expected = "off, optional or required",
                                             .read = word_read,
                                             .print = word_print,
                                             .words = auth_words,
                                             .word_count = 3};

#define DAY_US (UINT64_C(86400) * 1000000)

static enum value_result refresh_read(const struct value *value)
{
    uint64_t us;
    if (!duration_parse(value->node->text, &us) || us > DAY_US)
        return VALUE_UNFIT;
    *(uint64_t *)value_at(value) = us;
    return VALUE_TAKEN;
}

static bool refresh_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)option;
    (void)i;
    const struct listener_settings *listener = base;
    char text[32];
    return listener->tls.certificate_count > 0 &&
           buf_add(to, span_make(text, duration_write(text, listener->tls.refresh_us)));
}

const struct option_type type_tls_refresh = {.name = "time",
                                             .expected = "a time with a unit, up to 24h, or 0",
                                             .read = refresh_read,
                                             .print = refresh_print};
