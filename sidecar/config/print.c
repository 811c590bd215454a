/* SPDX-License-Identifier: Apache-2.0 */
/* The table walked once more, this time from the fields to text. Rows of one section stand together
 * in the table, so a section's head is written when the first of its rows comes. */
#include "sidecar/config/print.h"

#include <stdio.h>

#include "rules/base/map.h"
#include "sidecar/config/alarm_entry.h"
#include "sidecar/config/options.h"
#include "sidecar/config/read.h"
#include "sidecar/config/values.h"

enum { PRINT_BYTES = 16 << 20, INDENT = 2 };

struct printer {
    const struct settings *settings;
    struct buf *to;
    struct span section; /* the heads that stand already: "rules.crs" */
    unsigned base;       /* columns that all lines are indented by */
    bool dash;           /* the next line begins a list's item */
};

static void begin_line(struct printer *p, size_t depth)
{
    size_t columns = p->base + depth * INDENT;
    for (size_t i = 0; i < columns; i++)
        buf_add_byte(p->to, p->dash && i + 2 == columns ? '-' : ' ');
    p->dash = false;
}

/* The heads between what stands and where the row is: "rules:", "  crs:". Returns how deep that is;
 * `path` becomes the row's own key. */
static size_t sections_print(struct printer *p, struct span *path)
{
    struct span open = p->section;
    const char *start = path->at;
    size_t depth = 0;
    for (;; depth++) {
        size_t dot = span_find_byte(*path, '.');
        if (dot == SPAN_NONE)
            break;
        struct span head = span_first(*path, dot);
        bool stands = open.at != NULL && span_is(span_cut(&open, '.'), head);
        if (!stands) {
            begin_line(p, depth);
            buf_format(p->to, SPAN_FORMAT ":\n", span_arg(head));
            open = span_make(NULL, 0);
        }
        *path = span_from(*path, dot + 1);
    }
    p->section = span_make(start, (size_t)(path->at - start));
    return depth;
}

static bool value_print(const struct printer *p, const struct option *option, const void *base,
                        struct buf *to)
{
    if (option->type == &type_upstream) {
        const struct route_settings *route = base;
        if (route->upstream < p->settings->upstream_count)
            value_print_text(to, p->settings->upstreams[route->upstream].name);
        return route->upstream < p->settings->upstream_count;
    }
    if (!option->type->is_list)
        return option->type->print(option, base, 0, to);
    buf_add_byte(to, '[');
    for (size_t i = 0;; i++) {
        size_t before = to->len;
        if (i > 0)
            buf_add(to, SPAN(", "));
        if (!option->type->print(option, base, i, to)) {
            to->len = before;
            break;
        }
    }
    return buf_add_byte(to, ']');
}

/* `path` is the row's within its struct. */
static void row_print(struct printer *p, const struct option *option, const void *base,
                      struct span path)
{
    struct buf value;
    buf_init(&value, PRINT_BYTES);
    if (value_print(p, option, base, &value)) {
        size_t depth = sections_print(p, &path);
        begin_line(p, depth);
        buf_format(p->to, SPAN_FORMAT ": ", span_arg(path));
        buf_add(p->to, buf_span(&value));
        buf_add_byte(p->to, '\n');
    }
    buf_fini(&value);
}

/* An authorizer has those options alone that mean something to it. */
static bool is_of_item(const struct option_group *group, const void *item, struct span path)
{
    return !span_is(span_text(group->path), SPAN("authorizers.*")) ||
           authorizer_takes(item, span_cut(&path, '.'));
}

static void item_print(struct printer *p, const struct option_group *group, const void *item)
{
    const struct option *option;
    size_t prefix = strlen(group->path) + 1;
    p->section = span_make(NULL, 0);
    for (size_t i = 0; (option = options_at(i)) != NULL; i++) {
        struct span path = span_from(span_text(option->path), prefix);
        if (option_group_of(option) == group && is_of_item(group, item, path))
            row_print(p, option, item, path);
    }
}

static void group_print(struct printer *p, const struct option_group *group)
{
    const char *base = (const char *)p->settings;
    const char *const *items = (const void *)(base + group->items);
    const size_t *count = (const void *)(base + group->count);
    struct span path = span_text(group->path);
    bool by_name = span_ends(path, SPAN(".*"));
    bool is_map = !by_name && !span_ends(path, SPAN("[]")) && *count == 1; /* one is a map */
    if (*count == 0)
        return;
    if (by_name || span_ends(path, SPAN("[]")))
        path = span_first(path, path.len - 2);
    size_t depth = sections_print(p, &path);
    begin_line(p, depth);
    buf_format(p->to, SPAN_FORMAT ":\n", span_arg(path));
    for (size_t i = 0; i < *count; i++) {
        const char *item = *items + i * group->size;
        p->base = (unsigned)(depth + (is_map ? 1 : 2)) * INDENT;
        if (by_name) {
            const struct span *name = (const void *)(item + group->name);
            buf_format(p->to, "  " SPAN_FORMAT ":\n", span_arg(*name));
        }
        p->dash = !by_name && !is_map;
        item_print(p, group, item);
    }
    p->base = 0;
    p->section = span_make(NULL, 0);
}

void settings_print(const struct settings *settings, struct buf *to)
{
    struct printer p = {.settings = settings, .to = to};
    const struct option_group *latest = NULL;
    const struct option *option;
    for (size_t i = 0; (option = options_at(i)) != NULL; i++) {
        const struct option_group *group = option_group_of(option);
        if (group == NULL)
            row_print(&p, option, settings, span_text(option->path));
        else if (group != latest)
            group_print(&p, group);
        latest = group;
    }
}

void settings_options(struct buf *to)
{
    const struct option *option;
    buf_format(to, "%-32s %-20s %-28s %-8s %s\n", "key", "type", "default", "effect", "");
    for (size_t i = 0; (option = options_at(i)) != NULL; i++)
        buf_format(to, "%-32s %-20s %-28s %-8s %s\n", option->path, option->type->name,
                   option->standard != NULL ? option->standard : "-",
                   option->effect == EFFECT_LIVE ? "live" : "restart", option->sentence);
}

static void receiver_add(const struct receiver_settings *receiver, struct buf *to)
{
    buf_add(to, receiver->endpoint);
    buf_add(to, receiver->url);
    for (size_t i = 0; i < receiver->header_count; i++)
        buf_format(to, "\n" SPAN_FORMAT, span_arg(receiver->headers[i].value));
    for (size_t i = 0; i < receiver->file_headers.count; i++)
        buf_format(to, "\n" SPAN_FORMAT ":" SPAN_FORMAT,
                   span_arg(receiver->file_headers.at[i].name),
                   span_arg(receiver->file_headers.at[i].value));
}

static void secret_add(const struct option *option, const void *base, struct buf *to)
{
    bool is_url = option->type != &type_secret_file;
    const struct span *secret =
        (const void *)((const char *)base + (is_url ? option->at : option->also));
    if (!is_url || !url_is_shown_whole(*secret))
        buf_add(to, *secret);
    buf_add_byte(to, '\0');
}

static bool may_hide(const struct option *option)
{
    return option->type == &type_secret_file || option->type == &type_url ||
           option->type == &type_call_url;
}

/* What stands in files of secrets, and URLs that are shown in part: another secret makes other
 * settings. */
static void secrets_add(const struct settings *settings, struct buf *to)
{
    const struct option *option;
    for (size_t i = 0; (option = options_at(i)) != NULL; i++) {
        const struct option_group *group = option_group_of(option);
        if (!may_hide(option))
            continue;
        if (group == NULL) {
            secret_add(option, settings, to);
            continue;
        }
        const char *const *items = (const void *)((const char *)settings + group->items);
        const size_t *count = (const void *)((const char *)settings + group->count);
        for (size_t j = 0; j < *count; j++)
            secret_add(option, *items + j * group->size, to);
    }
}

/* Where an alarm's notices go, and what they bring along. */
static void actions_add(const struct alarm_settings *alarm, struct buf *to)
{
    for (size_t state = 0; state < ALARM_STATES; state++)
        for (size_t i = 0; i < alarm->actions[state].count; i++) {
            const struct alarm_action *action = &alarm->actions[state].list[i];
            buf_add(to, action->url);
            alarm_arguments_hidden(action, to);
            for (size_t h = 0; h < action->header_count; h++)
                buf_format(to, "\n" SPAN_FORMAT ":" SPAN_FORMAT, span_arg(action->headers[h].name),
                           span_arg(action->headers[h].value));
            buf_add_byte(to, '\0');
        }
}

static uint64_t hash_of_secrets(struct buf *text)
{
    static const uint8_t key[16] = "settings of one";
    uint64_t hash = siphash(key, buf_span(text));
    buf_wipe(text);
    return hash;
}

/* What print masks or leaves out. */
static void masked_add(const struct settings *settings, struct buf *to)
{
    buf_add(to, settings->admin.token);
    buf_add_byte(to, '\0');
    for (size_t i = 0; i < settings->otlp.receiver_count; i++)
        receiver_add(&settings->otlp.receivers[i], to);
    for (size_t i = 0; i < settings->alarm_count; i++)
        actions_add(&settings->alarms[i], to);
    secrets_add(settings, to);
}

bool settings_have_same_secrets(const struct settings *a, const struct settings *b)
{
    struct buf one, other;
    buf_init(&one, PRINT_BYTES);
    buf_init(&other, PRINT_BYTES);
    masked_add(a, &one);
    masked_add(b, &other);
    uint64_t first = hash_of_secrets(&one);
    return first == hash_of_secrets(&other);
}

uint64_t settings_hash(const struct settings *settings)
{
    struct buf text;
    buf_init(&text, PRINT_BYTES);
    settings_print(settings, &text);
    masked_add(settings, &text);
    buf_format(&text, "%llx", (unsigned long long)settings->traces.xray.sampling.held.hash);
    buf_format(&text, "%d%d%d%d%d%d", settings->rules.mode_given,
               settings->rules.request_inspect_given, settings->rules.request_over_given,
               settings->rules.response_inspect_given, settings->rules.response_over_given,
               settings->rules.response_types_given);
    return hash_of_secrets(&text);
}

static void places_print(struct buf *to, const struct place *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_format(to, "%s:%u:%u\n", places[i].file, places[i].line, places[i].column);
}

uint64_t settings_places_hash(const struct settings *settings)
{
    static const uint8_t key[16] = "places of faults";
    struct buf text;
    buf_init(&text, PRINT_BYTES);
    places_print(&text, &settings->rules.place, 1);
    places_print(&text, &settings->rules.crs.place, 1);
    places_print(&text, settings->rules.before_places, settings->rules.before_count);
    places_print(&text, settings->rules.file_places, settings->rules.file_count);
    places_print(&text, settings->rules.after_places, settings->rules.after_count);
    for (size_t i = 0; i < settings->rules.exclusion_count; i++)
        places_print(&text, &settings->rules.exclusions[i].place, 1);
    for (size_t i = 0; i < settings->route_count; i++)
        places_print(&text, &settings->routes[i].place, 1);
    for (size_t i = 0; i < settings->upstream_count; i++) {
        const struct upstream_tls_settings *tls = &settings->upstreams[i].tls;
        const struct place places[] = {tls->ca_place, tls->cert_place, tls->key_place};
        places_print(&text, places, sizeof places / sizeof *places);
    }
    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct listener_tls_settings *tls = &settings->listeners[i].tls;
        const struct place places[] = {tls->ciphers_place, tls->client_ca_place, tls->crl_place};
        places_print(&text, places, sizeof places / sizeof *places);
        for (size_t j = 0; j < tls->certificate_count; j++) {
            places_print(&text, &tls->certificates[j].cert_place, 1);
            places_print(&text, &tls->certificates[j].key_place, 1);
        }
    }
    uint64_t hash = siphash(key, buf_span(&text));
    buf_fini(&text);
    return hash;
}

/* ---- what a reload changes, and what it cannot ---- */

static void section_text(const struct settings *settings, const struct option *option,
                         struct buf *to)
{
    struct printer p = {.settings = settings, .to = to};
    const struct option_group *group = option_group_of(option);
    const char *base = (const char *)settings;
    if (group == NULL) {
        value_print(&p, option, base, to);
        return;
    }
    const char *const *items = (const void *)(base + group->items);
    const size_t *count = (const void *)(base + group->count);
    for (size_t i = 0; i < *count; i++) {
        value_print(&p, option, *items + i * group->size, to);
        buf_add_byte(to, '\n');
    }
}

void settings_compare(const struct settings *before, const struct settings *after,
                      void (*say)(void *context, const struct option *option, struct span before,
                                  struct span after),
                      void *context)
{
    const struct option *option;
    for (size_t i = 0; (option = options_at(i)) != NULL; i++) {
        struct buf old, new;
        buf_init(&old, PRINT_BYTES);
        buf_init(&new, PRINT_BYTES);
        section_text(before, option, &old);
        section_text(after, option, &new);
        if (!span_is(buf_span(&old), buf_span(&new)))
            say(context, option, buf_span(&old), buf_span(&new));
        buf_fini(&old);
        buf_fini(&new);
    }
}

struct warning {
    const struct settings *after;
    struct faults *faults;
};

static void warn(void *context, const struct option *option, struct span before, struct span after)
{
    const struct warning *warning = context;
    (void)before;
    (void)after;
    if (option->effect != EFFECT_LIVE)
        fault_add(warning->faults, FAULT_WARNING, warning->after->rules.place, span_make(NULL, 0),
                  "%s has changed; it takes effect at the next start", option->path);
}

void settings_warn_restart(const struct settings *before, const struct settings *after,
                           struct faults *faults)
{
    struct warning warning = {after, faults};
    settings_compare(before, after, warn, &warning);
}
