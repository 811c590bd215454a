/* SPDX-License-Identifier: Apache-2.0 */
/* OTEL_* to keys of the tree. */
#include "sidecar/config/environment.h"

#include <stdio.h>

#include "exporters/otlp_signal.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "sidecar/config/values.h"

/* How a variable's text becomes a key's. */
enum how {
    HOW_AS_IS,
    HOW_NO_CASE,      /* its words are in small letters here */
    HOW_MILLISECONDS, /* "10000": 10000ms */
    HOW_NUMBER,
    HOW_HISTOGRAMS, /* OpenTelemetry's names of aggregations */
    HOW_LOGS,       /* otlp: all that there is */
    HOW_ADDRESS,    /* a scheme may be missing */
    HOW_PAIRS,      /* "a=b,c=d", with %xx: a map */
};

struct row {
    const char *name, *path;
    enum how how;
};

static const struct row rows[] = {
#define VARIABLE(name, path, how) {name, path, how},
#define RECEIVER(name, key, how)
#define ANSWERED(name)
#define IDLE(name, fine, why)
#include "sidecar/config/environment.tbl"
#undef VARIABLE
#undef RECEIVER
};

/* Behind OTEL_EXPORTER_OTLP_, or that with a signal. */
static const struct row receiver_rows[] = {
#define VARIABLE(name, path, how)
#define RECEIVER(name, key, how) {name, key, how},
#include "sidecar/config/environment.tbl"
#undef VARIABLE
#undef RECEIVER
#undef ANSWERED
#undef IDLE
};
enum {
    RECEIVER_ROWS = sizeof receiver_rows / sizeof *receiver_rows,
    NAME_BYTES = 96,
    HINT_BYTES = 160
};

struct adding {
    const struct environment *environment;
    struct node *root;
    struct arena *arena;
    struct faults *faults;
};

static struct span variable(const struct adding *adding, const char *name)
{
    const struct environment *environment = adding->environment;
    return span_text(environment->get(environment->context, name));
}

/* ---- values ---- */

static bool is_word_of(const struct option_type *type, struct span text)
{
    for (unsigned i = 0; i < type->word_count; i++)
        if (span_is(text, span_text(type->words[i])))
            return true;
    return type->word_count == 0;
}

static struct span small_letters(struct arena *arena, struct span text)
{
    char *small = arena_text(arena, text.len);
    for (size_t i = 0; i < text.len && small != NULL; i++)
        small[i] = byte_lower(text.at[i]);
    return small != NULL ? span_make(small, text.len) : text;
}

static struct span histograms(struct span text)
{
    if (span_is_nocase(text, SPAN("base2_exponential_bucket_histogram")))
        return SPAN("exponential");
    return span_is_nocase(text, SPAN("explicit_bucket_histogram")) ? SPAN("explicit") : text;
}

/* The variable beside OTEL_EXPORTER_OTLP_TRACES_ENDPOINT that ends with `what`; where it is not
 * set, that of all signals. */
static struct span beside(const struct adding *adding, const char *name, const char *what)
{
    char other[NAME_BYTES];
    struct span signal = span_text(name);
    must(span_ends(signal, SPAN("ENDPOINT")));
    signal.len -= strlen("ENDPOINT");
    snprintf(other, sizeof other, SPAN_FORMAT "%s", span_arg(signal), what);
    struct span own = variable(adding, other);
    snprintf(other, sizeof other, "OTEL_EXPORTER_OTLP_%s", what);
    return own.len > 0 ? own : variable(adding, other);
}

static bool is_grpc(const struct adding *adding, const char *name)
{
    const struct node *node = tree_find_path(adding->root, SPAN("otlp.protocol"));
    struct span given =
        node != NULL && node->kind == NODE_SCALAR ? node->text : beside(adding, name, "PROTOCOL");
    return span_is(given, SPAN("grpc"));
}

/* gRPC's endpoints may be host:port: ..._INSECURE says whether that is plain TCP. */
static struct span address(const struct adding *adding, const char *name, struct span text)
{
    if (span_find(text, SPAN("://")) != SPAN_NONE || !is_grpc(adding, name))
        return text;
    bool insecure = span_is_nocase(beside(adding, name, "INSECURE"), SPAN("true"));
    return arena_format(adding->arena, "%s://" SPAN_FORMAT, insecure ? "http" : "https",
                        span_arg(text));
}

/* Bytes that are written as %xx; what is no such thing stands as it is. */
static struct span percent_decoded(struct arena *arena, struct span text)
{
    char *to = arena_text(arena, text.len + 1);
    size_t len = 0;
    if (to != NULL)
        percent_read(text, false, to, text.len, &len);
    return to != NULL ? span_text(arena_string(arena, span_make(to, len))) : span_make(NULL, 0);
}

/* What is wrong is told without the text: values may be secrets. False: ignored. */
static bool pairs_fill(const struct adding *adding, struct span text, struct node *map)
{
    map->kind = NODE_MAP;
    while (text.at != NULL) {
        struct span value = span_trim(span_cut(&text, ','), " \t");
        if (value.len == 0)
            continue;
        struct span name = span_trim(span_cut(&value, '='), " \t");
        struct node *item = arena_alloc(adding->arena, sizeof *item);
        if (value.at == NULL || name.len == 0 || item == NULL) {
            fault_add(adding->faults, FAULT_WARNING, map->place, span_make(NULL, 0),
                      "what is not NAME=VALUE, NAME=VALUE is ignored");
            continue;
        }
        *item = (struct node){.kind = NODE_SCALAR, .place = map->place, .folder = "."};
        item->key_place = map->place;
        item->key = percent_decoded(adding->arena, name);
        item->text = percent_decoded(adding->arena, span_trim(value, " \t"));
        tree_add(map, item);
    }
    return map->count > 0;
}

static void say_ignored(const struct adding *adding, const struct option_type *type,
                        const struct node *node, struct span text, const char *expected)
{
    char hint[HINT_BYTES];
    struct span near = nearest_hint(text, type->words, type->word_count, hint, sizeof hint);
    fault_add(adding->faults, FAULT_WARNING, node->place, near,
              "'" SPAN_FORMAT "' is ignored: expected %s", span_arg(text), expected);
}

/* The words of a list that the option knows, with commas; each other one is said. at == NULL: there
 * are none. */
static struct span known_words(const struct adding *adding, const struct option_type *type,
                               const struct node *node, struct span text)
{
    struct span known = {NULL, 0};
    while (text.at != NULL) {
        struct span word = span_trim(span_cut(&text, ','), " ");
        if (word.len == 0)
            continue;
        if (!is_word_of(type, word))
            say_ignored(adding, type, node, word, type->expected);
        else if (known.at == NULL)
            known = word;
        else
            known = arena_format(adding->arena, SPAN_FORMAT "," SPAN_FORMAT, span_arg(known),
                                 span_arg(word));
    }
    return known;
}

/* The text as the option would have it; at == NULL: it is none of the kind. */
static struct span translated(const struct adding *adding, enum how how, const char *name,
                              const struct option_type *type, struct span text)
{
    uint64_t number = 0;
    bool is_number = number_parse(text, &number);
    switch (how) {
    case HOW_NO_CASE: return small_letters(adding->arena, text);
    case HOW_HISTOGRAMS: return histograms(text);
    case HOW_LOGS: return span_is(text, SPAN("otlp")) ? SPAN("requests, events") : text;
    case HOW_ADDRESS: return address(adding, name, text);
    case HOW_MILLISECONDS:
        return is_number && number > 0
                   ? arena_format(adding->arena, SPAN_FORMAT "ms", span_arg(text))
                   : span_make(NULL, 0);
    case HOW_NUMBER:
        return is_number && number >= type->least && number <= type->most ? text
                                                                          : span_make(NULL, 0);
    case HOW_AS_IS:
    case HOW_PAIRS: break;
    }
    return text;
}

static const char *expected_of(enum how how, const struct option_type *type)
{
    if (how == HOW_MILLISECONDS)
        return "milliseconds";
    if (how != HOW_NUMBER)
        return type->expected;
    return type->least > 0 ? "a number from 1 to 1000000" : "a number from 0 to 1000000";
}

/* Fills a node; false: the text is none that the option knows, which was said. */
static bool value_fill(const struct adding *adding, enum how how, struct span text,
                       const struct option_type *type, struct node *node)
{
    if (how == HOW_PAIRS)
        return pairs_fill(adding, text, node);
    struct span own = translated(adding, how, node->place.file, type, text);
    if (own.at == NULL) {
        say_ignored(adding, type, node, text, expected_of(how, type));
        return false;
    }
    if (how != HOW_NUMBER && type->is_list) {
        own = known_words(adding, type, node, own);
        if (own.at == NULL)
            return false;
    } else if (how != HOW_NUMBER && !is_word_of(type, own)) {
        say_ignored(adding, type, node, own, type->expected);
        return false;
    }
    node->text = span_text(arena_string(adding->arena, own));
    return true;
}

/* NULL: the variable is not there, or ignored. */
static struct node *node_of(const struct adding *adding, const char *name, const char *path,
                            enum how how)
{
    struct span text = variable(adding, name);
    struct node *node = arena_alloc(adding->arena, sizeof *node);
    const char *file = arena_string(adding->arena, span_text(name));
    const struct option *option = options_find(span_text(path));
    must(option != NULL);
    if (text.len == 0 || node == NULL || file == NULL)
        return NULL;
    *node = (struct node){.kind = NODE_SCALAR, .place = {.file = file}, .folder = "."};
    node->key_place = node->place;
    return value_fill(adding, how, text, option->type, node) ? node : NULL;
}

static void add_rows(const struct adding *adding)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span path = span_text(rows[i].path), wrong;
        if (tree_find_path(adding->root, path) != NULL)
            continue;
        struct node *node = node_of(adding, rows[i].name, rows[i].path, rows[i].how);
        if (node != NULL)
            tree_set(adding->root, adding->arena, path, node, &wrong);
    }
}

/* ---- what the sampler is told ---- */

static void set_scalar(const struct adding *adding, const char *path, struct span text)
{
    struct node *node = arena_alloc(adding->arena, sizeof *node);
    struct span wrong;
    if (node == NULL || tree_find_path(adding->root, span_text(path)) != NULL)
        return;
    *node = (struct node){.kind = NODE_SCALAR,
                          .place = {.file = "OTEL_TRACES_SAMPLER_ARG"},
                          .text = span_text(arena_string(adding->arena, text)),
                          .folder = "."};
    node->key_place = node->place;
    tree_set(adding->root, adding->arena, span_text(path), node, &wrong);
}

/* "endpoint=http://localhost:2000,polling_interval=360": as AWS's distribution has it. */
static bool add_rules_argument(const struct adding *adding, struct span text)
{
    uint64_t seconds;
    while (text.at != NULL) {
        struct span value = span_trim(span_cut(&text, ','), " "), name = span_cut(&value, '=');
        if (span_is(name, SPAN("endpoint")) && value.len > 0)
            set_scalar(adding, "traces.xray.sampling.endpoint", value);
        else if (span_is(name, SPAN("polling_interval")) && number_parse(value, &seconds) &&
                 seconds > 0)
            set_scalar(adding, "traces.xray.sampling.refresh",
                       arena_format(adding->arena, SPAN_FORMAT "s", span_arg(value)));
        else
            return false;
    }
    return true;
}

static bool is_part(struct span text)
{
    struct span decimals = text, whole = span_cut(&decimals, '.');
    uint64_t ones, rest = 0;
    return number_parse(whole, &ones) && ones <= 1 &&
           (decimals.at == NULL || (number_parse(decimals, &rest) && decimals.len <= 9)) &&
           (ones == 0 || rest == 0);
}

/* Each sampler reads it in its own way; what it does not know is said, and nothing more. */
static void add_sampler_argument(const struct adding *adding)
{
    struct span text = variable(adding, "OTEL_TRACES_SAMPLER_ARG");
    const struct node *sampler = tree_find_path(adding->root, SPAN("traces.sampler"));
    bool is_xray = sampler != NULL && span_is(sampler->text, SPAN("xray"));
    bool fits = text.len == 0 || (is_xray ? add_rules_argument(adding, text) : is_part(text));
    if (!fits)
        fault_add(adding->faults, FAULT_WARNING, (struct place){.file = "OTEL_TRACES_SAMPLER_ARG"},
                  span_make(NULL, 0), "'" SPAN_FORMAT "' is ignored: expected %s",
                  span_arg(span_first(text, 200)),
                  is_xray ? "endpoint=URL, polling_interval=SECONDS"
                          : "a number from 0 to 1, like 0.25");
    else if (text.len > 0 && !is_xray)
        set_scalar(adding, "traces.ratio", text);
}

/* ---- the receiver ---- */

/* "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"; signal NULL: of all. */
static void name_write(char name[NAME_BYTES], const char *signal, const char *what)
{
    char large[16] = "";
    for (size_t i = 0; signal != NULL && signal[i] != '\0' && i + 1 < sizeof large; i++)
        large[i] = (char)(signal[i] - 'a' + 'A');
    snprintf(name, NAME_BYTES, "OTEL_EXPORTER_OTLP_%s%s%s", large, signal != NULL ? "_" : "", what);
}

static struct node *row_node(const struct adding *adding, const struct row *row, const char *signal)
{
    char name[NAME_BYTES], path[32];
    name_write(name, signal, row->name);
    snprintf(path, sizeof path, "otlp.%s", row->path);
    return node_of(adding, name, path, row->how);
}

/* A map with what `from` has but `key`; the values are shared. */
static struct node *copy_without(struct arena *arena, const struct node *from, struct span key)
{
    struct node *map = arena_alloc(arena, sizeof *map);
    if (map == NULL)
        return NULL;
    *map = *from;
    map->first = map->last = map->next = NULL;
    map->count = 0;
    for (const struct node *child = from->first; child != NULL; child = child->next) {
        struct node *item = arena_alloc(arena, sizeof *item);
        if (item == NULL)
            return NULL;
        *item = *child;
        item->next = NULL;
        if (!span_is(item->key, key))
            tree_add(map, item);
    }
    return map;
}

static struct node *with(struct arena *arena, struct node *map, const char *key, struct node *value)
{
    if (map == NULL || value == NULL)
        return NULL;
    map = copy_without(arena, map, span_text(key));
    if (map == NULL)
        return NULL;
    value->key = span_text(key);
    tree_add(map, value);
    return map;
}

static struct node *signals_node(struct arena *arena, const char *names)
{
    struct node *node = arena_alloc(arena, sizeof *node);
    if (node != NULL)
        *node = (struct node){.kind = NODE_SCALAR, .text = span_text(names), .folder = "."};
    return node;
}

/* Was it the environment that asked for this signal to be exported by OTLP? */
static bool is_asked_for(const struct adding *adding, enum otlp_signal signal)
{
    static const struct {
        const char *variable, *path;
    } exporters[OTLP_SIGNALS] = {[OTLP_TRACES] = {"OTEL_TRACES_EXPORTER", "traces.exporter"},
                                 [OTLP_METRICS] = {"OTEL_METRICS_EXPORTER", "metrics.exporter"},
                                 [OTLP_LOGS] = {"OTEL_LOGS_EXPORTER", "logs.otlp"}};
    const char *name = exporters[signal].variable;
    const struct node *node = tree_find_path(adding->root, span_text(exporters[signal].path));
    struct span words = variable(adding, name);
    while (node != NULL && strcmp(node->place.file, name) == 0 && words.at != NULL)
        if (span_is(span_trim(span_cut(&words, ','), " "), SPAN("otlp")))
            return true;
    return false;
}

/* Where collectors listen, for who was only told to export. NULL: an address is known, or nobody
 * was. */
static struct node *standard_endpoint(const struct adding *adding, const struct node *receiver,
                                      enum otlp_signal signal)
{
    const struct node *protocol = tree_find(receiver, SPAN("protocol"));
    bool by_grpc =
        protocol != NULL && protocol->kind == NODE_SCALAR && span_is(protocol->text, SPAN("grpc"));
    bool is_known =
        tree_find(receiver, SPAN("endpoint")) != NULL || tree_find(receiver, SPAN("url")) != NULL;
    struct node *node = NULL;
    if (is_known || !is_asked_for(adding, signal) ||
        (node = arena_alloc(adding->arena, sizeof *node)) == NULL)
        return NULL;
    *node = (struct node){.kind = NODE_SCALAR,
                          .place = {.file = "OTEL_EXPORTER_OTLP_ENDPOINT"},
                          .text = by_grpc ? SPAN("http://localhost:4317")
                                          : SPAN("http://localhost:4318"),
                          .folder = "."};
    node->key_place = node->place;
    return node;
}

/* What this signal has for its own, over `all`; NULL: nothing. A signal's endpoint is the whole
 * address. */
static struct node *own_receiver(const struct adding *adding, const struct node *given,
                                 struct node *all, enum otlp_signal number)
{
    const char *signal = otlp_signal_row(number)->name;
    struct node *own = NULL;
    for (size_t i = 0; i < RECEIVER_ROWS; i++) {
        const struct row *row = &receiver_rows[i];
        bool is_endpoint = row->how == HOW_ADDRESS;
        if (tree_find(given, span_text(row->path)) != NULL)
            continue;
        struct node *value = row_node(adding, row, signal);
        if (value == NULL)
            continue;
        struct node *before = own != NULL ? own : all;
        if (is_endpoint)
            before = copy_without(adding->arena, before, SPAN("endpoint"));
        own = with(adding->arena, before, is_endpoint ? "url" : row->path, value);
    }
    struct node *endpoint = standard_endpoint(adding, own != NULL ? own : all, number);
    if (endpoint != NULL)
        own = with(adding->arena, own != NULL ? own : all, "endpoint", endpoint);
    return own != NULL ? with(adding->arena, own, "signals", signals_node(adding->arena, signal))
                       : NULL;
}

/* Signals with variables of their own become receivers of the same name; what is left is one, too.
 */
static struct node *split(const struct adding *adding, const struct node *given, struct node *all)
{
    struct node *list = arena_alloc(adding->arena, sizeof *list);
    char rest[64] = "";
    if (list == NULL)
        return NULL;
    *list = (struct node){.kind = NODE_LIST, .place = all->place, .folder = all->folder};
    for (unsigned signal = 0; signal < OTLP_SIGNALS; signal++) {
        const char *name = otlp_signal_row((enum otlp_signal)signal)->name;
        struct node *own = own_receiver(adding, given, all, (enum otlp_signal)signal);
        size_t len = strlen(rest);
        if (own != NULL)
            tree_add(list, own);
        else
            snprintf(rest + len, sizeof rest - len, "%s%s", len > 0 ? "," : "", name);
    }
    const char *names = arena_string(adding->arena, span_text(rest));
    if (list->count == 0 || names == NULL)
        return all;
    struct node *left = with(adding->arena, all, "signals", signals_node(adding->arena, names));
    if (*names != '\0' && left != NULL)
        tree_add(list, left);
    return list;
}

/* A list of receivers, or whole addresses, are the file's own affair. */
static void add_receiver(const struct adding *adding)
{
    const struct node nothing = {.kind = NODE_MAP, .folder = "."};
    const struct node *otlp = tree_find(adding->root, SPAN("otlp"));
    struct span wrong;
    if (otlp == NULL || node_is_empty(otlp))
        otlp = &nothing;
    if (otlp->kind != NODE_MAP || tree_find(otlp, SPAN("url")) != NULL ||
        tree_find(otlp, SPAN("signals")) != NULL)
        return;
    struct node *all = copy_without(adding->arena, otlp, SPAN(""));
    for (size_t i = 0; i < RECEIVER_ROWS && all != NULL; i++) {
        const struct row *row = &receiver_rows[i];
        struct node *value =
            tree_find(otlp, span_text(row->path)) == NULL ? row_node(adding, row, NULL) : NULL;
        if (value != NULL)
            all = with(adding->arena, all, row->path, value);
    }
    struct node *made = all != NULL ? split(adding, otlp, all) : NULL;
    if (made != NULL && (made != all || made->count > otlp->count))
        tree_set(adding->root, adding->arena, SPAN("otlp"), made, &wrong);
}

static void check_disabled(const struct adding *adding)
{
    struct span text = variable(adding, "OTEL_SDK_DISABLED");
    if (text.len > 0 && !span_is_nocase(text, SPAN("true")) && !span_is_nocase(text, SPAN("false")))
        fault_add(adding->faults, FAULT_WARNING, (struct place){.file = "OTEL_SDK_DISABLED"},
                  span_make(NULL, 0), "'" SPAN_FORMAT "' is ignored: expected true or false",
                  span_arg(span_first(text, 200)));
}

void environment_add(const struct environment *environment, struct node *root, struct arena *arena,
                     struct faults *faults)
{
    const struct adding adding = {environment, root, arena, faults};
    add_rows(&adding);
    add_sampler_argument(&adding);
    add_receiver(&adding);
    check_disabled(&adding);
}

bool environment_disables_export(const struct environment *environment)
{
    struct span text = span_text(environment->get(environment->context, "OTEL_SDK_DISABLED"));
    return span_is_nocase(text, SPAN("true"));
}
