/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate check`: everything that a start would read and compile, and nothing opened. */
#include <stdio.h>

#include "rules/base/encode.h"
#include "rules/language/ruleset.h"
#include "sidecar/arguments.h"
#include "sidecar/command.h"
#include "sidecar/config/exclusions.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/explain.h"
#include "sidecar/web_acl_costs.h"

enum { OUTPUT_BYTES = 16 << 20 };

static const struct argument_row rows[] = {
    ARGUMENT_FILE,
    ARGUMENT_SET,
    {'w', "--strict", NULL, "warnings refuse too"},
    {'j', "--json", NULL, "the result as one JSON document on stdout"},
};
static const struct argument_table table = {
    "check -c FILE... [--strict] [--json] [--set KEY=VALUE]...",
    "Reads the configuration and compiles the rules; says file:line:column: message (hint).", rows,
    sizeof rows / sizeof *rows};

struct check {
    const struct snapshot *snapshot; /* NULL: refused */
    const struct faults *faults;
    bool well;
};

static bool has_rules(const struct check *check)
{
    return check->snapshot != NULL && check->snapshot->ruleset != NULL;
}

static unsigned rule_count(const struct check *check)
{
    return has_rules(check) ? check->snapshot->ruleset->rule_count : 0;
}

/* ---- what acts on rules ---- */

/* How many changes in a row come from the same directive. */
static size_t change_run(const struct ruleset *ruleset, size_t from)
{
    const struct ruleset_change *first = &ruleset->changes[from];
    size_t end = from + 1;
    while (end < ruleset->change_count && ruleset->changes[end].line == first->line &&
           ruleset->changes[end].file == first->file)
        end++;
    return end - from;
}

static void acting_text(const struct check *check, struct buf *to)
{
    const struct ruleset *ruleset = check->snapshot->ruleset;
    const struct settings *settings = check->snapshot->settings;
    for (size_t i = 0, run; i < ruleset->change_count; i += run) {
        run = change_run(ruleset, i);
        buf_add(to, SPAN("acts: "));
        change_add(to, &ruleset->changes[i]);
        buf_format(to, ": rules %zu\n", run);
    }
    for (size_t i = 0; i < settings->rules.exclusion_count; i++) {
        const struct exclusion_settings *exclusion = &settings->rules.exclusions[i];
        buf_format(to, "%s: exclusion (%s:%u) ", exclusion->expired ? "acts no more" : "acts",
                   exclusion->place.file, exclusion->place.line);
        exclusion_print(exclusion, to);
        buf_format(to, ": rules %zu\n", exclusion_rule_count(exclusion, settings, ruleset));
    }
}

static void acting_row(struct buf *to, struct span text, const char *file, unsigned line)
{
    buf_add(to,
            to->len > 0 && to->at[to->len - 1] == '}' ? SPAN(",{\"file\":") : SPAN("{\"file\":"));
    json_add_string(to, span_text(file));
    buf_format(to, ",\"line\":%u,\"text\":", line);
    json_add_string(to, text);
}

static void acting_json(const struct check *check, struct buf *to)
{
    const struct ruleset *ruleset = check->snapshot->ruleset;
    const struct settings *settings = check->snapshot->settings;
    struct buf text;
    buf_init(&text, OUTPUT_BYTES);
    for (size_t i = 0, run; i < ruleset->change_count; i += run) {
        const struct ruleset_change *change = &ruleset->changes[i];
        run = change_run(ruleset, i);
        acting_row(to, change->directive, change->file, change->line);
        buf_format(to, ",\"rules\":%zu}", run);
    }
    for (size_t i = 0; i < settings->rules.exclusion_count; i++) {
        const struct exclusion_settings *exclusion = &settings->rules.exclusions[i];
        if (exclusion->expired)
            continue;
        buf_clear(&text);
        exclusion_print(exclusion, &text);
        acting_row(to, buf_span(&text), exclusion->place.file, exclusion->place.line);
        buf_format(to, ",\"rules\":%zu}", exclusion_rule_count(exclusion, settings, ruleset));
    }
    buf_fini(&text);
}

/* ---- the whole ---- */

static void text_print(const struct check *check, struct buf *to)
{
    size_t errors = faults_count(check->faults, FAULT_ERROR);
    size_t warnings = faults_count(check->faults, FAULT_WARNING);
    faults_print(check->faults, to);
    if (has_rules(check))
        acting_text(check, to);
    if (check->snapshot != NULL)
        web_acl_costs_text(check->snapshot->settings, check->snapshot->web_acls, "", to);
    if (check->well)
        buf_format(to, "well: listeners %zu, upstreams %zu, rules %u, warnings %zu\n",
                   check->snapshot->settings->listener_count,
                   check->snapshot->settings->upstream_count, rule_count(check), warnings);
    else
        buf_format(to, "refused: errors %zu, warnings %zu\n", errors, warnings);
}

static void fault_print(const struct fault *fault, struct buf *to)
{
    buf_format(to, "{\"kind\":\"%s\",\"file\":", fault->kind == FAULT_ERROR ? "error" : "warning");
    json_add_string(to, span_text(fault->place.file));
    buf_format(to, ",\"line\":%u,\"column\":%u,\"message\":", fault->place.line,
               fault->place.column);
    json_add_string(to, span_text(fault->message));
    buf_add(to, SPAN(",\"hint\":"));
    json_add_string(to, span_text(fault->hint));
    buf_add_byte(to, '}');
}

static void json_print(const struct check *check, struct buf *to)
{
    buf_format(to, "{\"ok\":%s,\"errors\":%zu,\"warnings\":%zu,\"rules\":%u,\"faults\":[",
               check->well ? "true" : "false", faults_count(check->faults, FAULT_ERROR),
               faults_count(check->faults, FAULT_WARNING), rule_count(check));
    const struct fault *fault;
    for (size_t i = 0; (fault = faults_at(check->faults, i)) != NULL; i++) {
        if (i > 0)
            buf_add_byte(to, ',');
        fault_print(fault, to);
    }
    buf_add(to, SPAN("],\"acts\":["));
    if (has_rules(check))
        acting_json(check, to);
    buf_add(to, SPAN("],\"web_acls\":["));
    if (check->snapshot != NULL)
        web_acl_costs_json(check->snapshot->settings, check->snapshot->web_acls, to);
    buf_add(to, SPAN("]}\n"));
}

static int check_source(const struct settings_source *source, bool strict, bool json)
{
    struct faults *faults = faults_new();
    struct snapshot *snapshot = snapshot_build(source, NULL, faults);
    struct check check = {.snapshot = snapshot, .faults = faults};
    check.well = snapshot != NULL && (!strict || faults_count(faults, FAULT_WARNING) == 0);
    struct buf text;
    buf_init(&text, OUTPUT_BYTES);
    if (json)
        json_print(&check, &text);
    else
        text_print(&check, &text);
    fwrite(text.at, 1, text.len, check.well || json ? stdout : stderr);
    buf_fini(&text);
    snapshot_give(snapshot);
    faults_free(faults);
    return check.well ? 0 : EXIT_REFUSED;
}

int command_check(int argc, char **argv)
{
    struct arguments arguments;
    struct argument_sources sources;
    bool strict = false, json = false;
    const struct argument_row *row;
    arguments_begin(&arguments, &table, argc, argv);
    argument_sources_init(&sources, argc);
    while ((row = arguments_next(&arguments)) != NULL) {
        if (argument_sources_take(&sources, &arguments, row))
            continue;
        if (row->mark == 'w')
            strict = true;
        else
            json = true;
    }
    int code = argument_sources_finish(&sources, &arguments)
                   ? check_source(&sources.source, strict, json)
                   : arguments.code;
    argument_sources_fini(&sources);
    return code;
}
