/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the parts of a CRS folder and hands everything to the language in order. */
#include "sidecar/config/rule_load.h"

#include <limits.h>
#include <stdio.h>

#include "rules/base/map.h"
#include "rules/base/must.h"
#include "rules/sets/sets.h"
#include "sidecar/config/exclusions.h"

enum { LOAD_FILE_BYTES = 1 << 20, TEXT_BYTES = 16 << 10 };

struct load {
    const struct settings *settings;
    const struct ruleset_source *source;
    struct ruleset_builder *builder;
    struct faults *faults;
};

/* ---- the crs.* keys ---- */

struct level {
    size_t at;          /* in struct crs_levels */
    const char *handed; /* what a route's is handed in as */
    const char *names[2];
};
static const struct level levels[] = {
#define LEVEL(field, first, second) \
    {offsetof(struct crs_levels, field), "sidegate_" #field, {first, second}},
#include "sidecar/config/crs_levels.tbl"
#undef LEVEL
};
enum { LEVELS = sizeof levels / sizeof *levels };

static unsigned level_of(const struct crs_levels *from, const struct level *level)
{
    return *(const unsigned *)(const void *)((const char *)from + level->at);
}

/* A bit for each level that some route says. */
static unsigned levels_of_routes(const struct settings *settings)
{
    unsigned bits = 0;
    for (size_t i = 0; i < settings->route_count; i++)
        for (unsigned row = 0; row < LEVELS; row++)
            if (level_of(&settings->routes[i].rules.crs, &levels[row]) != 0)
                bits |= 1U << row;
    return bits;
}

/* What is not given leaves what crs-setup.conf says. */
static void top_add(const struct crs_levels *given, struct buf *to)
{
    size_t before = to->len;
    buf_add(to, SPAN("SecAction \"id:9990000,phase:1,t:none,pass,nolog"));
    size_t empty = to->len;
    for (unsigned row = 0; row < LEVELS; row++)
        for (unsigned i = 0; i < 2; i++)
            if (level_of(given, &levels[row]) != 0 && levels[row].names[i] != NULL)
                buf_format(to, ",\\\n  setvar:tx.%s=%u", levels[row].names[i],
                           level_of(given, &levels[row]));
    if (to->len == empty)
        to->len = before;
    else
        buf_add(to, SPAN("\"\n"));
}

static void handed_add(unsigned row, struct buf *to)
{
    buf_format(to, "SecRule TX:%s \"@unconditionalMatch\" \"id:%u,phase:1,t:none,pass,nolog",
               levels[row].handed, 9990001 + row);
    for (unsigned i = 0; i < 2; i++)
        if (levels[row].names[i] != NULL)
            buf_format(to, ",\\\n  setvar:tx.%s=%%{tx.%s}", levels[row].names[i],
                       levels[row].handed);
    buf_add(to, SPAN("\"\n"));
}

/* A rule that counts has to run: where a route raises the one, the other goes with it. */
static const char raise_text[] =
    "SecRule TX:sidegate_paranoia \"@unconditionalMatch\" "
    "\"id:9990005,phase:1,t:none,pass,nolog,chain\"\n"
    "  SecRule TX:executing_paranoia_level|TX:detection_paranoia_level "
    "\"@lt %{tx.sidegate_paranoia}\" \"t:none,"
    "setvar:tx.executing_paranoia_level=%{tx.sidegate_paranoia},"
    "setvar:tx.detection_paranoia_level=%{tx.sidegate_paranoia}\"\n";

static void keys_add(const struct load *load)
{
    unsigned handed = levels_of_routes(load->settings);
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    top_add(&load->settings->rules.crs.levels, &text);
    for (unsigned row = 0; row < LEVELS; row++)
        if ((handed & (1U << row)) != 0)
            handed_add(row, &text);
    if ((handed & 1) != 0)
        buf_add(&text, span_text(raise_text));
    if (text.len > 0)
        ruleset_builder_add_text(load->builder, "settings: rules.crs", buf_span(&text));
    buf_fini(&text);
}

/* ---- the folder ---- */

static bool path_make(const struct load *load, const char *name, char path[PATH_MAX])
{
    struct span folder = load->settings->rules.crs.folder;
    int len = snprintf(path, PATH_MAX, SPAN_FORMAT "/%s", span_arg(folder), name);
    return len > 0 && len < PATH_MAX;
}

static void on_path(void *to, const char *path)
{
    (void)to;
    (void)path;
}

static bool exists(const struct load *load, const char *name, char path[PATH_MAX])
{
    return path_make(load, name, path) &&
           load->source->glob(load->source->context, path, on_path, NULL) > 0;
}

static bool add_where_there(const struct load *load, const char *pattern)
{
    char path[PATH_MAX];
    bool there = exists(load, pattern, path);
    if (there)
        ruleset_builder_add(load->builder, path, load->settings->rules.crs.place);
    return there;
}

static void folder_add(const struct load *load)
{
    struct place place = load->settings->rules.crs.place;
    char path[PATH_MAX];
    bool has_setup =
        add_where_there(load, "crs-setup.conf") || add_where_there(load, "crs-setup.conf.example");
    keys_add(load);
    add_where_there(load, "plugins/*-config.conf");
    add_where_there(load, "plugins/*-before.conf");
    bool has_rules = add_where_there(load, "rules/*.conf");
    if (!has_rules && !exists(load, ".", path))
        fault_add(load->faults, FAULT_ERROR, place,
                  SPAN("Debian's package is modsecurity-crs; rules.baseline needs no folder"),
                  "rules.crs.folder: there is no folder '%s'", load->settings->rules.crs.folder.at);
    else if (!has_rules)
        fault_add(load->faults, FAULT_ERROR, place,
                  SPAN("expected owasp-crs.load, or crs-setup.conf and rules/*.conf"),
                  "rules.crs.folder: '%s' holds no Core Rule Set",
                  load->settings->rules.crs.folder.at);
    else if (!has_setup)
        fault_add(load->faults, FAULT_ERROR, place, span_make(NULL, 0),
                  "rules.crs.folder: '%s' has neither crs-setup.conf nor crs-setup.conf.example",
                  load->settings->rules.crs.folder.at);
    add_where_there(load, "plugins/*-after.conf");
}

/* ---- owasp-crs.load, as Debian installs it ---- */

/* Behind the line that includes crs-setup.conf; 0 where there is none. */
static size_t after_setup(struct span text)
{
    struct span rest = text;
    while (rest.at != NULL) {
        struct span line = span_trim(span_cut(&rest, '\n'), " \t\r");
        if (span_starts_nocase(line, SPAN("Include")) &&
            span_find(line, SPAN("crs-setup")) != SPAN_NONE)
            return rest.at != NULL ? (size_t)(rest.at - text.at) : text.len;
    }
    return 0;
}

/* The rest comes with as many empty lines before it, so that faults name the right line. */
static void rest_add(const struct load *load, const char *path, struct span text, size_t start)
{
    struct buf rest;
    buf_init(&rest, (size_t)LOAD_FILE_BYTES * 2);
    for (size_t i = 0; i < start; i++)
        if (text.at[i] == '\n')
            buf_add_byte(&rest, '\n');
    buf_add(&rest, span_from(text, start));
    ruleset_builder_add_text(load->builder, path, buf_span(&rest));
    buf_fini(&rest);
}

static void load_file_add(const struct load *load, const char *path)
{
    char why[160];
    struct buf text;
    buf_init(&text, LOAD_FILE_BYTES);
    if (load->source->read(load->source->context, path, &text, why, sizeof why)) {
        size_t start = after_setup(buf_span(&text));
        ruleset_builder_add_text(load->builder, path, span_first(buf_span(&text), start));
        keys_add(load);
        rest_add(load, path, buf_span(&text), start);
    } else {
        fault_add(load->faults, FAULT_ERROR, load->settings->rules.crs.place, span_make(NULL, 0),
                  "cannot read %s: %s", path, why);
    }
    buf_fini(&text);
}

static void crs_add(const struct load *load)
{
    char path[PATH_MAX];
    if (load->settings->rules.crs.folder.at == NULL)
        return;
    if (exists(load, "owasp-crs.load", path))
        load_file_add(load, path);
    else
        folder_add(load);
}

/* ---- all ---- */

static void names_add(const struct load *load, const struct span *files, const struct place *places,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        ruleset_builder_add(load->builder, files[i].at, places[i]);
}

static struct ruleset *load_once(const struct settings *settings, struct rule_files *files,
                                 struct span base, struct faults *faults)
{
    const struct ruleset_source *source = rule_files_source(files);
    struct load load = {settings, source, ruleset_builder_new(source, faults), faults};
    size_t before = faults_count(faults, FAULT_ERROR);
    exclusions_add(settings, load.builder);
    if (base.len > 0)
        ruleset_builder_add_text(load.builder, "settings: content types", base);
    names_add(&load, settings->rules.before, settings->rules.before_places,
              settings->rules.before_count);
    if (settings->rules.baseline)
        ruleset_builder_add_text(load.builder, "baseline.conf", sets_baseline());
    crs_add(&load);
    names_add(&load, settings->rules.files, settings->rules.file_places,
              settings->rules.file_count);
    names_add(&load, settings->rules.after, settings->rules.after_places,
              settings->rules.after_count);
    struct ruleset *ruleset = ruleset_builder_finish(load.builder);
    ruleset_builder_free(load.builder);
    if (ruleset != NULL)
        exclusions_warn(settings, ruleset, faults);
    if (faults_count(faults, FAULT_ERROR) == before)
        return ruleset;
    ruleset_free(ruleset);
    return NULL;
}

static void faults_move(const struct faults *from, struct faults *to)
{
    const struct fault *fault;
    for (size_t i = 0; (fault = faults_at(from, i)) != NULL; i++)
        fault_add(to, fault->kind, fault->place, span_text(fault->hint), "%s", fault->message);
}

/* The base stands first, and which of its rules the files define is known only once they are read:
 * where they define one, everything is built again with what is left of the base. */
struct ruleset *rules_load(const struct settings *settings, struct rule_files *files,
                           struct faults *faults)
{
    struct faults *first = faults_new();
    bool with_crs = settings->rules.crs.folder.at != NULL;
    struct buf base;
    buf_init(&base, TEXT_BYTES);
    rule_files_add_base(files, with_crs, &base);
    struct ruleset *ruleset = load_once(settings, files, buf_span(&base), first);
    if (rule_files_have_base(files)) {
        ruleset_free(ruleset);
        buf_clear(&base);
        rule_files_add_base(files, with_crs, &base);
        ruleset = load_once(settings, files, buf_span(&base), faults);
    } else {
        faults_move(first, faults);
    }
    faults_free(first);
    buf_fini(&base);
    return ruleset;
}

static void key_list(struct buf *to, const struct span *files, size_t count)
{
    buf_format(to, "%zu", count);
    for (size_t i = 0; i < count; i++)
        buf_format(to, "\n" SPAN_FORMAT, span_arg(files[i]));
}

uint64_t rules_load_key(const struct settings *settings)
{
    static const uint8_t key[16] = "what rules load";
    struct buf text;
    buf_init(&text, 16 << 20);
    buf_format(&text, SPAN_FORMAT "\n%d %u", span_arg(settings->rules.crs.folder),
               (int)settings->rules.baseline, levels_of_routes(settings));
    for (unsigned row = 0; row < LEVELS; row++)
        buf_format(&text, " %u", level_of(&settings->rules.crs.levels, &levels[row]));
    buf_add_byte(&text, '\n');
    key_list(&text, settings->rules.before, settings->rules.before_count);
    key_list(&text, settings->rules.files, settings->rules.file_count);
    key_list(&text, settings->rules.after, settings->rules.after_count);
    exclusions_key(settings, &text);
    uint64_t hash = siphash(key, buf_span(&text));
    buf_fini(&text);
    return hash;
}
