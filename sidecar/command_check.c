/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate check`: everything that a start would read and compile, and nothing opened. */
#include <stdio.h>

#include "rules/base/encode.h"
#include "rules/language/ruleset.h"
#include "sidecar/arguments.h"
#include "sidecar/command.h"
#include "sidecar/config/snapshot.h"

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

static unsigned rule_count(const struct check *check)
{
    bool any = check->snapshot != NULL && check->snapshot->ruleset != NULL;
    return any ? check->snapshot->ruleset->rule_count : 0;
}

static void text_print(const struct check *check, struct buf *to)
{
    size_t errors = faults_count(check->faults, FAULT_ERROR);
    size_t warnings = faults_count(check->faults, FAULT_WARNING);
    faults_print(check->faults, to);
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
