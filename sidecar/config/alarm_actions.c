/* SPDX-License-Identifier: Apache-2.0 */
/* `actions:` of an alarm: who is told, and how. What is secret of it (a URL's path, values of
 * headers) is kept for the one who calls, and never printed. */
#include "exporters/crc32c.h"
#include "exporters/mask.h"
#include "rules/base/number.h"
#include "sidecar/config/alarm_entry.h"
#include "sidecar/config/private_file.h"
#include "sidecar/config/values.h"
#include "sidecar/guard/discovery.h"

enum { SECRET_BYTES = 4096, WHY_BYTES = 160, TEXT_BYTES = 64 << 10, SECOND_US = 1000000 };
static const uint64_t webhook_us = 10 * (uint64_t)SECOND_US, command_us = 30 * (uint64_t)SECOND_US,
                      timeout_most_us = 300 * (uint64_t)SECOND_US;

/* ---- words ---- */

static const char *type_word(unsigned i)
{
    static const char *const words[] = {"webhook", "command", "log", NULL};
    return words[i];
}

static const char *format_word(unsigned i)
{
    static const char *const words[] = {"alertmanager", "sns", NULL};
    return words[i];
}

static bool type_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    unsigned index;
    bool well = alarm_word_read(reading, node, type_word, &index);
    ((struct alarm_action *)to)->type = (enum alarm_action_type)index;
    return well;
}

static bool format_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    unsigned index;
    bool well = alarm_word_read(reading, node, format_word, &index);
    ((struct alarm_action *)to)->format = (enum alarm_action_format)index;
    return well;
}

bool alarm_flag_read(const struct node *node, bool *to)
{
    *to = node->kind == NODE_SCALAR && span_is(node->text, SPAN("true"));
    return *to || (node->kind == NODE_SCALAR && span_is(node->text, SPAN("false")));
}

static bool raw_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_flag_read(node, &((struct alarm_action *)to)->is_raw);
}

static bool timeout_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    uint64_t *timeout_us = &((struct alarm_action *)to)->timeout_us;
    return node->kind == NODE_SCALAR && duration_parse(node->text, timeout_us) &&
           *timeout_us >= SECOND_US && *timeout_us <= timeout_most_us;
}

static bool action_name_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    struct span *name = &((struct alarm_action *)to)->name;
    for (size_t i = 0; i < node->text.len; i++)
        if (!byte_is_alpha(node->text.at[i]) && !byte_is_digit(node->text.at[i]) &&
            strchr("_-.", node->text.at[i]) == NULL)
            return false;
    *name = span_text(arena_string(reading->arena, node->text));
    return node->kind == NODE_SCALAR && name->len > 0 && name->len <= 63;
}

/* ---- files ---- */

static const char *path_of(struct alarm_reading *reading, const struct node *node)
{
    if (node->text.at[0] == '/')
        return arena_string(reading->arena, node->text);
    return arena_string(reading->arena, arena_format(reading->arena, "%s/" SPAN_FORMAT,
                                                     node->folder, span_arg(node->text)));
}

static void refuse_file(struct alarm_reading *reading, const struct node *node, const char *why)
{
    fault_add(reading->faults, FAULT_ERROR, node->place, SPAN(""),
              SPAN_FORMAT ": '" SPAN_FORMAT "': %s", span_arg(node->key),
              span_arg(span_first(node->text, ALARM_SHOWN_BYTES)), why);
}

/* The first line of a file that not everybody may read. False: said. */
static bool secret_read(struct alarm_reading *reading, const struct node *node, struct span *to)
{
    char why[WHY_BYTES] = "expected the name of a file";
    struct buf text;
    buf_init(&text, SECRET_BYTES);
    bool well = node->kind == NODE_SCALAR && node->text.len > 0 &&
                secret_file_read(path_of(reading, node), &text, why, sizeof why);
    struct span rest = buf_span(&text);
    if (well)
        *to = span_text(arena_string(reading->arena, span_trim(span_cut(&rest, '\n'), " \t\r")));
    if (well && to->len == 0)
        refuse_file(reading, node, "there is nothing in the file's first line");
    if (!well)
        refuse_file(reading, node, why);
    buf_wipe(&text);
    return well && to->len > 0;
}

static bool ca_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    if (node->kind != NODE_SCALAR || node->text.len == 0)
        return false;
    ((struct alarm_action *)to)->ca_file = span_text(path_of(reading, node));
    return true;
}

/* ---- url ---- */

static bool url_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    if (node->kind != NODE_SCALAR || !discovery_is_url(node->text))
        return false;
    ((struct alarm_action *)to)->url = span_text(arena_string(reading->arena, node->text));
    return true;
}

static bool url_file_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    struct alarm_action *action = to;
    if (!secret_read(reading, node, &action->url))
        return true;
    if (!discovery_is_url(action->url))
        refuse_file(reading, node, "its first line is no http:// or https:// URL");
    return true;
}

/* https://host:port */
static struct span origin_of(struct span url)
{
    size_t scheme = span_find(url, SPAN("://")) + 3;
    struct span rest = span_from(url, scheme);
    size_t end = 0;
    while (end < rest.len && strchr("/?#", rest.at[end]) == NULL)
        end++;
    return span_first(url, scheme + end);
}

/* ---- headers ---- */

static bool is_header_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!byte_is_alpha(name.at[i]) && !byte_is_digit(name.at[i]) && name.at[i] != '-' &&
            name.at[i] != '_')
            return false;
    return name.len > 0;
}

static bool is_header_value(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7f)
            return false;
    return true;
}

static bool header_add(struct alarm_reading *reading, const struct node *node, struct span value,
                       struct alarm_action *action)
{
    struct pair *all = arena_alloc(reading->arena, ALARM_HEADERS_MOST * sizeof *all);
    if (!is_header_name(node->key) || !is_header_value(value))
        return alarm_refuse(
            reading, node->key_place,
            "headers: a name has letters, digits, - and _, a value no control bytes");
    if (action->header_count == ALARM_HEADERS_MOST)
        return alarm_refuse(reading, node->key_place, "headers: 16 of them at the most");
    if (all == NULL)
        return alarm_refuse(reading, node->place, "it does not fit into memory");
    for (size_t i = 0; i < action->header_count; i++)
        all[i] = action->headers[i];
    all[action->header_count++] = (struct pair){node->key, value};
    action->headers = all;
    return true;
}

static bool headers_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    if (node->kind != NODE_MAP)
        return false;
    for (const struct node *n = node->first; n != NULL; n = n->next) {
        if (n->kind != NODE_SCALAR)
            return false;
        header_add(reading, n, n->text, to);
    }
    return true;
}

static bool header_files_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    struct span value;
    if (node->kind != NODE_MAP)
        return false;
    for (const struct node *n = node->first; n != NULL; n = n->next)
        if (secret_read(reading, n, &value))
            header_add(reading, n, value, to);
    return true;
}

/* ---- command ---- */

static bool run_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    size_t count = 0;
    if (node->kind != NODE_LIST || node->count == 0 || node->count > ALARM_ARGUMENTS_MOST)
        return false;
    const char **argv = alarm_list_new(reading, node, sizeof *argv);
    for (const struct node *n = node->first; argv != NULL && n != NULL; n = n->next) {
        if (n->kind != NODE_SCALAR)
            return false;
        argv[count++] = arena_string(reading->arena, n->text);
    }
    if (count > 0 && argv[0][0] != '/' && node->first != NULL)
        alarm_refuse(reading, node->first->place,
                     "run: expected the absolute name of a program, like /usr/bin/page");
    ((struct alarm_action *)to)->argv = argv;
    return true;
}

/* ---- one action ---- */

static const struct alarm_key action_keys[] = {
    {"type", type_read, "webhook, command or log"},
    {"name", action_name_read, "a name of letters, digits, _ - and ., at most 63"},
    {"url", url_read, "http://host/path or https://host/path, without a user"},
    {"url_file", url_file_read, "the name of a file"},
    {"format", format_read, "alertmanager or sns"},
    {"raw_message_delivery", raw_read, "true or false"},
    {"headers", headers_read, "a map of names and values"},
    {"header_files", header_files_read, "a map of names and files"},
    {"ca_file", ca_read, "the name of a file"},
    {"run", run_read, "a program and its arguments, like [/usr/bin/page, ops], 32 at the most"},
    {"timeout", timeout_read, "a time from 1s to 5m"},
};

static bool has(const struct node *node, const char *key)
{
    return tree_find(node, span_text(key)) != NULL;
}

/* Of one that is there. */
static struct place place_of_key(const struct node *node, const char *key)
{
    return tree_find(node, span_text(key))->key_place;
}

/* Keys that mean something for one type alone. */
static void action_check(struct alarm_reading *reading, const struct node *node,
                         const struct alarm_action *action)
{
    static const struct {
        const char *key;
        enum alarm_action_type type;
    } owned[] = {
        {"url", ALARM_ACTION_WEBHOOK},     {"url_file", ALARM_ACTION_WEBHOOK},
        {"format", ALARM_ACTION_WEBHOOK},  {"raw_message_delivery", ALARM_ACTION_WEBHOOK},
        {"headers", ALARM_ACTION_WEBHOOK}, {"header_files", ALARM_ACTION_WEBHOOK},
        {"ca_file", ALARM_ACTION_WEBHOOK}, {"run", ALARM_ACTION_COMMAND},
    };
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        if (has(node, owned[i].key) && owned[i].type != action->type)
            fault_add(reading->faults, FAULT_ERROR, place_of_key(node, owned[i].key), SPAN(""),
                      "`%s` has no meaning for type %s", owned[i].key,
                      type_word((unsigned)action->type));
    if (!has(node, "type"))
        alarm_refuse(reading, node->place, "`type` is missing: webhook, command or log");
    else if (action->type == ALARM_ACTION_WEBHOOK && has(node, "url") == has(node, "url_file"))
        alarm_refuse(reading, has(node, "url") ? place_of_key(node, "url_file") : node->place,
                     "a webhook has either `url` or `url_file`");
    else if (action->type == ALARM_ACTION_COMMAND && !has(node, "run"))
        alarm_refuse(reading, node->place, "`run` is missing");
    else if (action->type == ALARM_ACTION_LOG && has(node, "timeout"))
        alarm_refuse(reading, place_of_key(node, "timeout"),
                     "`timeout` has no meaning for type log");
    if (action->is_raw && action->format != ALARM_FORMAT_SNS)
        alarm_refuse(reading, place_of_key(node, "raw_message_delivery"),
                     "`raw_message_delivery` goes with format sns");
}

/* ---- text ---- */

void alarm_node_print(struct buf *to, const struct node *node)
{
    const char *comma = "";
    if (node->kind == NODE_SCALAR) {
        value_print_text(to, node->text);
        return;
    }
    buf_add(to, node->kind == NODE_MAP ? SPAN("{ ") : SPAN("["));
    for (const struct node *n = node->first; n != NULL; n = n->next) {
        buf_add(to, span_text(comma));
        if (node->kind == NODE_MAP) {
            value_print_text(to, n->key);
            buf_add(to, SPAN(": "));
        }
        alarm_node_print(to, n);
        comma = ", ";
    }
    buf_add(to, node->kind == NODE_MAP ? SPAN(" }") : SPAN("]"));
}

static void url_print(struct buf *to, struct span url)
{
    struct buf text;
    struct span origin = origin_of(url);
    buf_init(&text, TEXT_BYTES);
    buf_add(&text, origin);
    if (url.len > origin.len && !span_is(span_from(url, origin.len), SPAN("/")))
        buf_add(&text, SPAN("/***"));
    value_print_text(to, buf_span(&text));
    buf_fini(&text);
}

static void headers_print(struct buf *to, const struct node *headers)
{
    const char *comma = "";
    buf_add(to, SPAN("{ "));
    for (const struct node *n = headers->first; n != NULL; n = n->next, comma = ", ") {
        buf_add(to, span_text(comma));
        value_print_text(to, n->key);
        buf_add(to, SPAN(": \"***\""));
    }
    buf_add(to, SPAN(" }"));
}

/* --token SECRET, -u USER:PASSWORD: is the next argument a secret? */
static bool announces_secret(const char *argument)
{
    struct span name = span_trim(span_text(argument), "-");
    return argument[0] == '-' && (span_is(name, SPAN("u")) || span_is(name, SPAN("user")) ||
                                  (span_find_byte(name, '=') == SPAN_NONE && name_is_secret(name)));
}

/* The arguments as they are shown: --password=SECRET and `X-Key: SECRET` by their names, tokens and
 * keys by how they read. The first is the program. */
static void argument_show(const struct alarm_action *action, size_t i, struct buf *to)
{
    struct span argument = span_text(action->argv[i]);
    if (i > 1 && announces_secret(action->argv[i - 1]))
        buf_add(to, SPAN(MASK));
    else if (i > 0)
        text_mask_secrets(to, argument);
    else
        buf_add(to, argument);
}

static void arguments_print(struct buf *to, const struct alarm_action *action)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    buf_add_byte(to, '[');
    for (size_t i = 0; action->argv[i] != NULL; i++) {
        buf_clear(&text);
        argument_show(action, i, &text);
        buf_add(to, i > 0 ? SPAN(", ") : SPAN(""));
        value_print_text(to, buf_span(&text));
    }
    buf_add_byte(to, ']');
    buf_fini(&text);
}

void alarm_arguments_hidden(const struct alarm_action *action, struct buf *to)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    for (size_t i = 0; action->argv != NULL && action->argv[i] != NULL; i++) {
        buf_clear(&text);
        argument_show(action, i, &text);
        if (!span_is(buf_span(&text), span_text(action->argv[i])))
            buf_format(to, "\n%s", action->argv[i]);
    }
    buf_fini(&text);
}

/* As alarm_node_print(), without what is secret. */
static void action_print(struct buf *to, const struct node *node, const struct alarm_action *action)
{
    const char *comma = "";
    buf_add(to, SPAN("{ "));
    for (const struct node *n = node->first; n != NULL; n = n->next, comma = ", ") {
        buf_add(to, span_text(comma));
        value_print_text(to, n->key);
        buf_add(to, SPAN(": "));
        if (span_is(n->key, SPAN("url")))
            url_print(to, action->url);
        else if (span_is(n->key, SPAN("headers")))
            headers_print(to, n);
        else if (span_is(n->key, SPAN("run")))
            arguments_print(to, action);
        else
            alarm_node_print(to, n);
    }
    buf_add(to, SPAN(" }"));
}

static struct span kept(struct alarm_reading *reading, const struct buf *text)
{
    return span_text(arena_string(reading->arena, buf_span(text)));
}

static void texts_make(struct alarm_reading *reading, const struct node *node,
                       struct alarm_action *action)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    alarm_node_print(&text, node);
    action->key = crc32c(0, buf_span(&text));
    action->key += action->key == 0;
    buf_clear(&text);
    action_print(&text, node, action);
    action->text = kept(reading, &text);
    buf_clear(&text);
    switch (action->type) {
    case ALARM_ACTION_WEBHOOK: buf_add(&text, origin_of(action->url)); break;
    case ALARM_ACTION_COMMAND: buf_add(&text, span_text(action->argv[0])); break;
    case ALARM_ACTION_LOG: buf_add(&text, SPAN("log")); break;
    }
    action->shown = kept(reading, &text);
    buf_fini(&text);
}

/* By its name; of several at one host by where it stands, for what else tells them apart is secret.
 */
static void show_apart(struct alarm_reading *reading, struct span key,
                       const struct alarm_action_list *list, struct alarm_action *all)
{
    bool has_twin[ALARM_ACTIONS_MOST] = {false};
    for (size_t i = 0; i < list->count; i++)
        for (size_t k = 0; k < list->count; k++)
            has_twin[i] = has_twin[i] || (k != i && span_is(all[i].shown, all[k].shown));
    for (size_t i = 0; i < list->count; i++) {
        struct span shown = all[i].shown;
        if (all[i].name.len > 0)
            shown = arena_format(reading->arena, SPAN_FORMAT " (" SPAN_FORMAT ")",
                                 span_arg(all[i].name), span_arg(shown));
        else if (has_twin[i])
            shown = arena_format(reading->arena, SPAN_FORMAT " (" SPAN_FORMAT "[%zu])",
                                 span_arg(shown), span_arg(key), i);
        all[i].shown = span_text(arena_string(reading->arena, shown));
    }
}

/* ---- the list ---- */

static void action_read(struct alarm_reading *reading, const struct node *node,
                        struct alarm_action_list *to, struct alarm_action *action)
{
    size_t before = alarm_said(reading);
    alarm_map_read(reading, node, action_keys, sizeof action_keys / sizeof *action_keys, action);
    if (alarm_said(reading) == before)
        action_check(reading, node, action);
    if (alarm_said(reading) > before)
        return;
    if (action->timeout_us == 0)
        action->timeout_us = action->type == ALARM_ACTION_COMMAND ? command_us : webhook_us;
    texts_make(reading, node, action);
    for (size_t i = 0; i < to->count; i++)
        if (to->list[i].key == action->key)
            alarm_refuse(reading, node->place, "the same action stands in the list already");
    to->count++;
}

bool alarm_actions_read(struct alarm_reading *reading, const struct node *node,
                        struct alarm_action_list *to)
{
    if (node->kind != NODE_LIST || node->count > ALARM_ACTIONS_MOST)
        return false;
    struct alarm_action *list = alarm_list_new(reading, node, sizeof *list);
    to->list = list;
    for (const struct node *n = node->first; list != NULL && n != NULL; n = n->next)
        action_read(reading, n, to, &list[to->count]);
    if (list != NULL && to->count <= ALARM_ACTIONS_MOST)
        show_apart(reading, node->key, to, list);
    return true;
}

void alarm_actions_print(struct buf *to, const struct alarm_action_list *actions)
{
    buf_add_byte(to, '[');
    for (size_t i = 0; i < actions->count; i++) {
        buf_add(to, i > 0 ? SPAN(", ") : SPAN(""));
        buf_add(to, actions->list[i].text);
    }
    buf_add_byte(to, ']');
}
