/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the parts of a CRS folder and hands everything to the language in order. */
#include "sidecar/config/rule_load.h"

#include <limits.h>
#include <stdio.h>

#include "rules/base/map.h"
#include "rules/base/must.h"
#include "rules/sets/sets.h"

enum { LOAD_FILE_BYTES = 1 << 20, TEXT_BYTES = 16 << 10 };

struct load {
    const struct settings *settings;
    const struct ruleset_source *source;
    struct ruleset_builder *builder;
    struct faults *faults;
};

/* ---- the crs.* keys ---- */

static void set_add(struct buf *to, const char *name, int value)
{
    if (value >= 0)
        buf_format(to, ",\\\n  setvar:tx.%s=%d", name, value);
}

/* What is not given leaves what crs-setup.conf says. */
static void keys_add(const struct load *load)
{
    int blocking = load->settings->rules.crs.paranoia;
    int detection = load->settings->rules.crs.detection_paranoia;
    int inbound = load->settings->rules.crs.inbound_threshold;
    int outbound = load->settings->rules.crs.outbound_threshold;
    if (blocking < 0 && detection < 0 && inbound < 0 && outbound < 0)
        return;
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    buf_add(&text, SPAN("SecAction \"id:9990000,phase:1,t:none,pass,nolog"));
    set_add(&text, "paranoia_level", blocking);
    set_add(&text, "blocking_paranoia_level", blocking);
    set_add(&text, "executing_paranoia_level", detection);
    set_add(&text, "detection_paranoia_level", detection);
    set_add(&text, "inbound_anomaly_score_threshold", inbound);
    set_add(&text, "outbound_anomaly_score_threshold", outbound);
    buf_add(&text, SPAN("\"\n"));
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
    bool has_setup =
        add_where_there(load, "crs-setup.conf") || add_where_there(load, "crs-setup.conf.example");
    keys_add(load);
    add_where_there(load, "plugins/*-config.conf");
    add_where_there(load, "plugins/*-before.conf");
    if (!add_where_there(load, "rules/*.conf"))
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
    struct buf base;
    buf_init(&base, TEXT_BYTES);
    rule_files_add_base(files, &base);
    struct ruleset *ruleset = load_once(settings, files, buf_span(&base), first);
    if (rule_files_have_base(files)) {
        ruleset_free(ruleset);
        buf_clear(&base);
        rule_files_add_base(files, &base);
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
    buf_format(&text, SPAN_FORMAT "\n%d %d %d %d %d\n", span_arg(settings->rules.crs.folder),
               settings->rules.baseline, settings->rules.crs.paranoia,
               settings->rules.crs.detection_paranoia, settings->rules.crs.inbound_threshold,
               settings->rules.crs.outbound_threshold);
    key_list(&text, settings->rules.before, settings->rules.before_count);
    key_list(&text, settings->rules.files, settings->rules.file_count);
    key_list(&text, settings->rules.after, settings->rules.after_count);
    uint64_t hash = siphash(key, buf_span(&text));
    buf_fini(&text);
    return hash;
}
