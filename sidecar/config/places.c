/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options that name something outside: files, addresses, networks, media types. */

#include "rules/base/number.h"
#include "sidecar/config/private_file.h"
#include "sidecar/config/values.h"

/* ---- files ---- */

struct span value_path(const struct value *value, const struct node *node)
{
    if (node->text.len > 0 && node->text.at[0] == '/')
        return value_keep(value, node->text);
    struct span path =
        arena_format(value->reading->arena, "%s/" SPAN_FORMAT, node->folder, span_arg(node->text));
    return value_keep(value, path);
}

static enum value_result path_read(const struct value *value)
{
    if (value->node->text.len == 0)
        return VALUE_UNFIT;
    *(struct span *)value_at(value) = value_path(value, value->node);
    return VALUE_TAKEN;
}

static enum value_result path_or_off_read(const struct value *value)
{
    if (!span_is(value->node->text, SPAN("off")))
        return path_read(value);
    *(struct span *)value_at(value) = span_make(NULL, 0);
    return VALUE_TAKEN;
}

static bool span_or_off_print(const struct option *option, const void *base, size_t i,
                              struct buf *to)
{
    return value_span_print(option, base, i, to) || buf_add(to, SPAN("off"));
}

const struct option_type type_path = {
    .name = "file", .expected = "the name of a file", .read = path_read, .print = value_span_print};
const struct option_type type_path_or_off = {.name = "file | off",
                                             .expected = "the name of a file, or off",
                                             .read = path_or_off_read,
                                             .print = span_or_off_print};

typedef bool file_reader(const char *path, struct buf *to, bool *everybody, char *why, size_t size);

/* The token is the file's first line. */
static enum value_result first_line_read(const struct value *value, file_reader *read)
{
    bool everybody = false;
    struct span path = value_path(value, value->node);
    char why[160];
    struct buf text;
    buf_init(&text, 4096);
    enum value_result result = VALUE_TAKEN;
    if (value->node->text.len == 0) {
        result = VALUE_UNFIT;
    } else if (!read(path.at, &text, &everybody, why, sizeof why)) {
        result = value_refuse(value, value->node, "", why);
    } else {
        struct span rest = buf_span(&text);
        struct span token = span_trim(span_cut(&rest, '\n'), " \t\r");
        if (token.len == 0)
            result = value_refuse(value, value->node, "", "there is no token in it");
        *(struct span *)value_at(value) = path;
        *(struct span *)value_also(value) = value_keep(value, token);
    }
    if (everybody && result == VALUE_TAKEN)
        fault_add(value->reading->faults, FAULT_WARNING, value->node->place,
                  SPAN("who has the token gives orders: chmod go-r"),
                  "%s: everybody may read the file", value->option->path);
    buf_wipe(&text);
    return result;
}

static enum value_result token_file_read(const struct value *value)
{
    return first_line_read(value, maybe_secret_file_read);
}

static bool only_secret_read(const char *path, struct buf *to, bool *everybody, char *why,
                             size_t size)
{
    *everybody = false;
    return secret_file_read(path, to, why, size);
}

static enum value_result secret_file_option_read(const struct value *value)
{
    return first_line_read(value, only_secret_read);
}

const struct option_type type_secret_file = {.name = "file",
                                             .expected = "the name of a file with a secret",
                                             .read = secret_file_option_read,
                                             .print = value_span_print};
const struct option_type type_token_file = {.name = "file",
                                            .expected = "the name of a file with a token",
                                            .read = token_file_read,
                                            .print = value_span_print};

/* ---- lists of texts ---- */

/* Room for what the list has, at the option's field, with its count behind `also`. */
static void *list_begin(const struct value *value, size_t size)
{
    void *items = arena_alloc(value->reading->arena, value->node->count * size);
    *(void **)value_at(value) = items;
    *(size_t *)value_also(value) = items != NULL ? value->node->count : 0;
    return items;
}

/* False, and said, where an item is no text. */
static bool is_text(const struct value *value, const struct node *item)
{
    if (item->kind == NODE_SCALAR && item->text.len > 0)
        return true;
    struct value one = {value->reading, value->option, item, value->base};
    value_refuse_unfit(&one);
    return false;
}

static bool spans_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    const struct span *const *items = (const void *)((const char *)base + option->at);
    const size_t *count = (const void *)((const char *)base + option->also);
    if (i < *count)
        value_print_text(to, (*items)[i]);
    return i < *count;
}

static struct place *file_places(const struct value *value)
{
    struct settings *settings = value->reading->settings;
    struct place *places = arena_alloc(value->reading->arena, value->node->count * sizeof *places);
    if (value->option->at == offsetof(struct settings, rules.files))
        settings->rules.file_places = places;
    else if (value->option->at == offsetof(struct settings, rules.before))
        settings->rules.before_places = places;
    else
        settings->rules.after_places = places;
    return places;
}

static enum value_result files_read(const struct value *value)
{
    struct span *files = list_begin(value, sizeof *files);
    struct place *places = file_places(value);
    if (files == NULL || places == NULL)
        return VALUE_TAKEN; /* a full arena is said at the end */
    size_t i = 0;
    for (const struct node *item = value->node->first; item != NULL; item = item->next, i++) {
        if (!is_text(value, item))
            continue;
        files[i] = value_path(value, item);
        places[i] = item->place;
        places[i].file = arena_string(value->reading->arena, span_text(item->place.file));
    }
    return VALUE_TAKEN;
}

const struct option_type type_files = {.name = "list of files",
                                       .expected = "a list of files or patterns",
                                       .is_list = true,
                                       .read = files_read,
                                       .print = spans_print};

static enum value_result types_read(const struct value *value)
{
    struct span *types = list_begin(value, sizeof *types);
    size_t i = 0;
    for (const struct node *item = value->node->first; item != NULL && types != NULL;
         item = item->next) {
        if (!is_text(value, item))
            continue;
        size_t slash = span_find_byte(item->text, '/');
        if (slash == SPAN_NONE || slash == 0 || slash + 1 == item->text.len)
            value_refuse(value, item, "", "expected a media type like text/html");
        else
            types[i++] = value_keep(value, item->text);
    }
    return VALUE_TAKEN;
}

const struct option_type type_types = {.name = "list of media types",
                                       .expected = "a list of media types",
                                       .is_list = true,
                                       .read = types_read,
                                       .print = spans_print};

/* ---- addresses ---- */

const char *address_wrong(struct span text)
{
    if (span_starts(text, SPAN("unix:")))
        return "expected unix:/path with a path of at most 107 bytes";
    size_t colon = span_find_last_byte(text, ':');
    uint64_t number;
    if (number_parse(text, &number))
        return "the host is missing: expected host:port, like 127.0.0.1:8080, or unix:/path";
    bool in_brackets = text.len > 0 && text.at[text.len - 1] == ']';
    if (colon == SPAN_NONE || in_brackets)
        return "the port is missing: expected host:port or unix:/path";
    uint64_t port;
    if (!number_parse(span_from(text, colon + 1), &port) || port > 65535)
        return "the port is out of range: expected 1 to 65535";
    return "the host is neither a numeric address nor localhost; IPv6 goes in brackets";
}

static enum value_result address_read(const struct value *value)
{
    struct span text = value->node->text;
    if (text.len == 0)
        return VALUE_UNFIT;
    if (!address_parse(text, value_also(value)))
        return value_refuse(value, value->node, "", address_wrong(text));
    *(struct span *)value_at(value) = value_keep(value, text);
    return VALUE_TAKEN;
}

static enum value_result address_or_off_read(const struct value *value)
{
    if (!span_is(value->node->text, SPAN("off")))
        return address_read(value);
    *(struct span *)value_at(value) = span_make(NULL, 0);
    return VALUE_TAKEN;
}

const struct option_type type_address = {.name = "address",
                                         .expected = "host:port or unix:/path",
                                         .read = address_read,
                                         .print = value_span_print};
const struct option_type type_address_or_off = {.name = "address | off",
                                                .expected = "host:port, unix:/path or off",
                                                .read = address_or_off_read,
                                                .print = span_or_off_print};

/* A resolver cannot be resolved: numbers only. */
static enum value_result dns_servers_read(const struct value *value)
{
    struct span *servers = list_begin(value, sizeof *servers);
    size_t i = 0;
    for (const struct node *item = value->node->first; item != NULL && servers != NULL;
         item = item->next, i++) {
        struct address address;
        if (!is_text(value, item))
            continue;
        bool numeric = byte_is_digit(item->text.at[0]) || item->text.at[0] == '[';
        if (numeric && address_parse(item->text, &address))
            servers[i] = value_keep(value, item->text);
        else
            value_refuse(value, item, "like 127.0.0.1:53 or [::1]:53",
                         "expected a numeric address and a port");
    }
    return VALUE_TAKEN;
}

const struct option_type type_dns_servers = {.name = "list of addresses",
                                             .expected = "a list of addresses like 127.0.0.1:53",
                                             .is_list = true,
                                             .read = dns_servers_read,
                                             .print = spans_print};

static enum value_result networks_read(const struct value *value)
{
    struct network *networks = list_begin(value, sizeof *networks);
    size_t i = 0;
    for (const struct node *item = value->node->first; item != NULL && networks != NULL;
         item = item->next, i++) {
        if (is_text(value, item) && !network_parse(item->text, &networks[i]))
            value_refuse(value, item, "10.0.0.0/8, 2001:db8::/32 or one address",
                         "this is no network, or has bits behind its prefix");
    }
    return VALUE_TAKEN;
}

static bool network_print(const struct network *network, struct buf *to)
{
    char text[IP_TEXT_MOST];
    size_t len = ip_write(&network->at, text);
    unsigned before = ip_is_v4(&network->at) ? IP_MAPPED_BITS : 0;
    return buf_format(to, "\"" SPAN_FORMAT "/%u\"", span_arg(span_make(text, len)),
                      network->bits - before);
}

static bool networks_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    const struct network *const *items = (const void *)((const char *)base + option->at);
    const size_t *count = (const void *)((const char *)base + option->also);
    return i < *count && network_print(&(*items)[i], to);
}

const struct option_type type_networks = {.name = "list of networks",
                                          .expected = "a list of networks",
                                          .is_list = true,
                                          .read = networks_read,
                                          .print = networks_print};
