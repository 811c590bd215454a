/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate explain`: requests from files through the parser and the rules, with what was seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"
#include "rules/base/number.h"
#include "sidecar/arguments.h"
#include "sidecar/command.h"
#include "sidecar/config/private_file.h"
#include "sidecar/explain.h"
#include "sidecar/http/forwarded.h"

enum {
    REQUEST_BYTES = 64 << 20,
    OUTPUT_BYTES = 256 << 20,
    ARENA_BYTES = 256 << 20,
    WHY_BYTES = 160,
};

static const struct argument_row rows[] = {
    ARGUMENT_FILE,
    ARGUMENT_SET,
    {'r', "--rule", "ID", "this rule alone: each value it was tried on, and why it did not match"},
    {'a', "--all", NULL, "rules that matched without being logged, too"},
    {'f', "--client", "ADDRESS", "where the request comes from: 127.0.0.1 unless told otherwise"},
    {'l', "--crlf", NULL, "lines that end with LF alone are made to end with CR LF"},
    {'j', "--json", NULL, "one JSON document a line and request"},
    {'w', "", "REQUEST", "a file with a request's bytes, or -"},
};
static const struct argument_table table = {
    "explain -c FILE... REQUEST... [--rule ID] [--all] [--client ADDRESS] [--crlf] [--json]",
    "Shows what the rules make of a request: a file of bytes as they come over the wire, or -.\n"
    "Nothing is opened or forwarded; an empty 200 is taken for the backend's answer.",
    rows, sizeof rows / sizeof *rows};

struct explain {
    struct argument_sources sources;
    const char **files;
    size_t file_count;
    uint64_t rule;
    struct span client;
    bool silent_too, crlf, json;
};

/* ---- reading ---- */

static bool read_request(const char *name, struct buf *to)
{
    char why[WHY_BYTES];
    bool is_read = input_read(name, to, why, sizeof why);
    if (!is_read)
        fprintf(stderr, "sidegate explain: %s: %s\n", name, why);
    return is_read;
}

static bool lines_are_bare(struct span bytes)
{
    size_t end = span_find_byte(bytes, '\n');
    return end != SPAN_NONE && (end == 0 || bytes.at[end - 1] != '\r');
}

static void make_crlf(struct buf *bytes)
{
    struct buf made;
    buf_init(&made, (size_t)REQUEST_BYTES * 2);
    for (size_t i = 0; i < bytes->len; i++) {
        if (bytes->at[i] == '\n' && (i == 0 || bytes->at[i - 1] != '\r'))
            buf_add_byte(&made, '\r');
        buf_add_byte(&made, bytes->at[i]);
    }
    buf_fini(bytes);
    *bytes = made;
}

/* ---- one request ---- */

static void print_out(struct buf *text)
{
    if (text->len > 0)
        fwrite(text->at, 1, text->len, stdout);
    buf_fini(text);
}

static bool explain_one(const struct explain *explain, const struct snapshot *snapshot,
                        struct offline *offline, const char *file)
{
    struct buf bytes, text;
    buf_init(&bytes, REQUEST_BYTES);
    bool is_read = read_request(file, &bytes);
    struct arena *arena = is_read ? arena_new(NULL, ARENA_BYTES) : NULL;
    if (arena != NULL) {
        struct explanation explanation;
        bool bare = lines_are_bare(buf_span(&bytes));
        if (bare && explain->crlf)
            make_crlf(&bytes);
        explanation_init(&explanation, arena, explain->rule);
        struct offline_visit visit = {explain->client, explanation_watch, &explanation};
        struct explain_report report = {
            .file = file,
            .snapshot = snapshot,
            .answer = offline_run(offline, buf_span(&bytes), &visit),
            .explanation = &explanation,
            .silent_too = explain->silent_too,
            .bare_lines = bare && !explain->crlf,
        };
        if (explain->rule != 0 && snapshot->ruleset != NULL)
            report.wanted = ruleset_find(snapshot->ruleset, explain->rule);
        buf_init(&text, OUTPUT_BYTES);
        (explain->json ? explain_json : explain_text)(&report, &text);
        print_out(&text);
    }
    arena_free(arena);
    buf_fini(&bytes);
    return is_read;
}

static int explain_all(const struct explain *explain)
{
    struct faults *faults = faults_new();
    struct snapshot *snapshot = snapshot_build(&explain->sources.source, NULL, faults);
    int code = 0;
    if (snapshot == NULL) {
        struct buf text;
        buf_init(&text, OUTPUT_BYTES);
        faults_print(faults, &text);
        fwrite(text.at, 1, text.len, stderr);
        buf_fini(&text);
        code = EXIT_REFUSED;
    } else {
        struct offline *offline = offline_new(snapshot);
        for (size_t i = 0; i < explain->file_count; i++)
            if (!explain_one(explain, snapshot, offline, explain->files[i]))
                code = 1;
        offline_free(offline);
    }
    snapshot_give(snapshot);
    faults_free(faults);
    return code;
}

/* ---- the command line ---- */

static void take(struct explain *explain, struct arguments *arguments,
                 const struct argument_row *row)
{
    struct ip ip;
    struct span value = span_text(arguments->value);
    switch (row->mark) {
    case 'w': explain->files[explain->file_count++] = arguments->value; break;
    case 'a': explain->silent_too = true; break;
    case 'l': explain->crlf = true; break;
    case 'j': explain->json = true; break;
    case 'r':
        if (!number_parse(value, &explain->rule) || explain->rule == 0)
            arguments_refuse(arguments, "--rule: found '%s', expected a rule's id",
                             arguments->value);
        break;
    default:
        explain->client = value;
        if (!ip_parse(value, &ip))
            arguments_refuse(arguments, "--client: found '%s', expected an address",
                             arguments->value);
        break;
    }
}

int command_explain(int argc, char **argv)
{
    struct arguments arguments;
    const struct argument_row *row;
    struct explain explain = {.client = SPAN("127.0.0.1")};
    arguments_begin(&arguments, &table, argc, argv);
    argument_sources_init(&explain.sources, argc);
    explain.files = must_alloc((size_t)argc * sizeof(char *) + 1);
    while ((row = arguments_next(&arguments)) != NULL)
        if (!argument_sources_take(&explain.sources, &arguments, row))
            take(&explain, &arguments, row);
    bool is_well = argument_sources_finish(&explain.sources, &arguments);
    if (is_well && explain.file_count == 0)
        arguments_refuse(&arguments, "no request: name a file, or - for what comes in");
    int code = arguments.code < 0 ? explain_all(&explain) : arguments.code;
    free(explain.files);
    argument_sources_fini(&explain.sources);
    return code;
}
