/* SPDX-License-Identifier: Apache-2.0 */
/* Files and --set, merged into one tree and read into one struct. */
#include "sidecar/config/settings.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/config/document.h"
#include "sidecar/config/environment.h"
#include "sidecar/config/print.h"
#include "sidecar/config/private_file.h"
#include "sidecar/config/read.h"

enum {
    SETTINGS_BYTES = 32 << 20, /* of one reading: all texts that are kept */
    TREE_BYTES = 128 << 20,    /* of one reading: all nodes */
    FILE_BYTES = 4 << 20,
};

/* The settings lie in their own arena. */
struct settings_owned {
    struct settings settings;
    struct arena *arena;
};

struct sources {
    const struct settings_source *source;
    struct environment environment;
    struct arena *tree;
    struct faults *faults;
    struct node *root; /* NULL: no file could be read */
    const char *here;  /* the working folder */
};

static const char *process_environment(void *context, const char *name)
{
    (void)context;
    return getenv(name); // NOLINT(concurrency-mt-unsafe): nobody here calls setenv
}

static const char *process_variable(void *context, size_t i)
{
    (void)context;
    return environ != NULL ? environ[i] : NULL;
}

/* ---- files ---- */

/* The absolute folder of a file: what the names in it are relative to. */
static const char *folder_of(struct sources *sources, const char *file)
{
    size_t slash = span_find_last_byte(span_text(file), '/');
    struct span folder = slash == SPAN_NONE ? SPAN(".") : span_make(file, slash > 0 ? slash : 1);
    const char *named = arena_string(sources->tree, folder);
    char path[PATH_MAX];
    if (named == NULL || realpath(named, path) == NULL)
        return sources->here;
    return arena_string(sources->tree, span_text(path));
}

static void file_add(struct sources *sources, const char *file)
{
    char why[160];
    struct buf text;
    buf_init(&text, FILE_BYTES);
    if (!file_read(file, &text, why, sizeof why)) {
        fault_add(sources->faults, FAULT_ERROR, (struct place){.file = file}, span_make(NULL, 0),
                  "cannot be read: %s", why);
        buf_fini(&text);
        return;
    }
    struct document document = {.arena = sources->tree,
                                .faults = sources->faults,
                                .file = file,
                                .folder = folder_of(sources, file),
                                .has_lines = true,
                                .environment = sources->environment.get,
                                .context = sources->environment.context};
    struct node *root = document_parse(&document, buf_span(&text));
    buf_fini(&text);
    if (root == NULL)
        return;
    if (root->kind != NODE_MAP) {
        fault_add(sources->faults, FAULT_ERROR, root->place, SPAN("version: 1"),
                  "expected a map of settings, like 'version: 1'");
        return;
    }
    if (sources->root == NULL)
        sources->root = root;
    else
        tree_merge(sources->root, root);
}

/* ---- --set KEY=VALUE ---- */

static bool set_apply(struct sources *sources, struct document *document, struct span key,
                      struct span text)
{
    struct node empty = {.kind = NODE_SCALAR,
                         .plain = true,
                         .place = {.file = document->file},
                         .text = SPAN(""),
                         .folder = document->folder};
    const struct node *value = text.len > 0 ? document_parse(document, text) : &empty;
    struct span wrong;
    if (value == NULL)
        return true; /* said already */
    if (tree_set(sources->root, sources->tree, key, value, &wrong))
        return true;
    fault_add(sources->faults, FAULT_ERROR, (struct place){.file = document->file},
              SPAN("items are counted from 0"), "there is no item '" SPAN_FORMAT "' in that list",
              span_arg(wrong));
    return false;
}

static void set_add(struct sources *sources, const char *set)
{
    struct span value = span_text(set);
    struct span key = span_cut(&value, '=');
    struct span file = arena_format(sources->tree, "--set " SPAN_FORMAT, span_arg(key));
    if (file.at == NULL)
        return;
    struct document document = {.arena = sources->tree,
                                .faults = sources->faults,
                                .file = arena_string(sources->tree, file),
                                .folder = sources->here,
                                .environment = sources->environment.get,
                                .context = sources->environment.context};
    if (key.len == 0 || value.at == NULL)
        fault_add(sources->faults, FAULT_ERROR, (struct place){.file = document.file},
                  SPAN("--set limits.body=1MiB"), "expected KEY=VALUE");
    else
        set_apply(sources, &document, key, value);
}

/* ---- all of it ---- */

static void sources_read(struct sources *sources)
{
    for (size_t i = 0; i < sources->source->file_count; i++)
        file_add(sources, sources->source->files[i]);
    if (sources->root == NULL && sources->source->file_count > 0)
        return;
    if (sources->root == NULL) { /* --set alone */
        sources->root = arena_alloc(sources->tree, sizeof *sources->root);
        must(sources->root != NULL);
        *sources->root = (struct node){.kind = NODE_MAP, .place = {.file = "--set"}};
    }
    for (size_t i = 0; i < sources->source->set_count; i++)
        set_add(sources, sources->source->sets[i]);
    environment_add(&sources->environment, sources->root, sources->tree, sources->faults);
    environment_add_xray(&sources->environment, sources->root, sources->tree, sources->faults);
    environment_check_names(&sources->environment, sources->faults);
}

static struct settings *settings_new(void)
{
    struct arena *arena = arena_new(NULL, SETTINGS_BYTES);
    must(arena != NULL);
    struct settings_owned *owned = arena_alloc(arena, sizeof *owned);
    must(owned != NULL);
    owned->arena = arena;
    return &owned->settings;
}

static struct arena *arena_of(struct settings *settings)
{
    return ((struct settings_owned *)(void *)settings)->arena;
}

static struct settings *tree_to_settings(struct sources *sources)
{
    struct settings *settings = settings_new();
    struct reading reading = {.arena = arena_of(settings),
                              .faults = sources->faults,
                              .settings = settings,
                              .root = sources->root,
                              .now_s = sources->source->now_s};
    if (reading.now_s == 0)
        reading.now_s = (uint64_t)time(NULL);
    read_tree(&reading);
    settings_check(&reading);
    if (environment_disables_export(&sources->environment)) {
        settings->otlp.receiver_count = 0;
        settings->otlp.channel_count = 0;
        settings->traces.on = false;
        settings->traces.exporters = TRACE_EXPORTER_NONE;
        settings->metrics.push = false;
        settings->logs.otlp = OTLP_LOG_NONE;
    }
    if (arena_is_full(reading.arena) || arena_is_full(sources->tree))
        fault_add(sources->faults, FAULT_ERROR, sources->root->place, span_make(NULL, 0),
                  "the settings are too large");
    return settings;
}

struct settings *settings_read(const struct settings_source *source, struct faults *faults)
{
    size_t before = faults_count(faults, FAULT_ERROR);
    char here[PATH_MAX];
    struct sources sources = {
        .source = source,
        .environment = {source->environment, source->context, source->variable_at},
        .tree = arena_new(NULL, TREE_BYTES),
        .faults = faults,
        .here = getcwd(here, sizeof here) != NULL ? here : "/"};
    must(sources.tree != NULL);
    if (sources.environment.get == NULL) {
        sources.environment.get = process_environment;
        sources.environment.at = process_variable;
    }
    sources_read(&sources);
    struct settings *settings = sources.root != NULL ? tree_to_settings(&sources) : NULL;
    arena_free(sources.tree);
    if (faults_count(faults, FAULT_ERROR) > before) {
        settings_free(settings);
        return NULL;
    }
    must(settings != NULL);
    settings->hash = settings_hash(settings);
    return settings;
}

static void wipe_headers(const struct receiver_settings *receiver)
{
    for (size_t i = 0; i < receiver->header_count; i++)
        span_wipe(receiver->headers[i].value);
    for (size_t i = 0; i < receiver->file_headers.count; i++)
        span_wipe(receiver->file_headers.at[i].value);
}

void settings_free(struct settings *settings)
{
    if (settings == NULL)
        return;
    struct arena *arena = arena_of(settings);
    span_wipe(settings->admin.token);
    for (size_t i = 0; i < settings->otlp.receiver_count; i++)
        wipe_headers(&settings->otlp.receivers[i]);
    arena_free(arena);
}
