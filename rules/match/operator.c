/* SPDX-License-Identifier: Apache-2.0 */
/* The table of operators, and the way in: compile, run, free. */
#include "rules/match/operator.h"

#include <stdarg.h>
#include <stdio.h>

#include "rules/match/operator_rows.h"

static const struct operator_row rows[] = {
#define OPERATOR(name, compile, run, release, sentence) \
    {name, operator_compile_##compile, operator_run_##run, operator_release_##release, sentence},
#include "rules/match/operators.tbl"
#undef OPERATOR
};

static const char *const names[] = {
#define OPERATOR(name, compile, run, release, sentence) name,
#include "rules/match/operators.tbl"
#undef OPERATOR
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* Operators of other engines that are known and cannot be had here. */
static const struct pair refused[] = {
    {SPAN_INIT("inspectFile"), SPAN_INIT("a rule starts no programs and runs no scripts")},
    {SPAN_INIT("fuzzyHash"), SPAN_INIT("there is no database of ssdeep hashes")},
    {SPAN_INIT("gsbLookup"), SPAN_INIT("rules ask no services")},
    {SPAN_INIT("rsub"), SPAN_INIT("bodies are not changed by rules")},
    {SPAN_INIT("validateHash"), SPAN_INIT("links are not signed")},
    {SPAN_INIT("validateNid"), SPAN_INIT("national numbers are found by @rx")},
    {SPAN_INIT("restpath"), SPAN_INIT("paths are taken apart by routes")},
    {SPAN_INIT("pmFromDataset"), SPAN_INIT("phrases stand in files: @pmFromFile")},
    {SPAN_INIT("ipMatchFromDataset"), SPAN_INIT("addresses stand in files: @ipMatchFromFile")},
};

static void fault_name(struct operator_build *build, struct span name)
{
    build->wrong = name;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (span_is_nocase(refused[i].name, name)) {
            operator_fault(build, 0, "@" SPAN_FORMAT " is not supported: " SPAN_FORMAT,
                           span_arg(refused[i].name), span_arg(refused[i].value));
            return;
        }
    operator_fault(build, 0, "no such operator: @" SPAN_FORMAT, span_arg(name));
}

static const struct operator_row *find_row(struct span name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (span_is_nocase(span_text(rows[i].name), name))
            return &rows[i];
    return NULL;
}

bool operator_fault(struct operator_build *build, size_t offset, const char *format, ...)
{
    va_list arguments;

    build->offset = offset;
    va_start(arguments, format);
    vsnprintf(build->why, sizeof(build->why), format, arguments);
    va_end(arguments);
    return false;
}

bool operator_read_file(struct operator_build *build, struct span name, struct buf *to)
{
    if (name.len == 0)
        return operator_fault(build, 0, "the name of a file is missing");
    if (span_starts_nocase(name, SPAN("https:")) || span_starts_nocase(name, SPAN("http:")))
        return operator_fault(build, 0, "an address is not supported: files are read from disk");
    if (build->read_file == NULL)
        return operator_fault(build, 0, "there are no files here");
    return build->read_file(build->context, name, to, build->why, sizeof(build->why));
}

/* Patterns and phrases may hold %{ as their own text, so there an unknown name is no fault. */
static bool parse_argument(struct operator* op, struct span argument, struct operator_build *build)
{
    bool is_text = op->row->release == operator_release_pattern ||
                   op->row->release == operator_release_phrases;

    if (macro_parse(argument, build->arena, &op->argument, &build->offset, &build->wrong))
        return true;
    if (!is_text)
        return operator_fault(build, build->offset, "no such variable: " SPAN_FORMAT,
                              span_arg(build->wrong));
    build->wrong = span_make(NULL, 0);
    build->offset = 0;
    op->argument = (struct macro){.text = arena_copy(build->arena, argument)};
    return true;
}

struct operator* operator_compile(struct span name, bool negated, struct span argument,
                                  struct operator_build *build)
{
    const struct operator_row *row = find_row(name);
    struct operator* op;

    build->offset = 0;
    build->why[0] = '\0';
    build->wrong = span_make(NULL, 0);
    if (row == NULL) {
        fault_name(build, name);
        return NULL;
    }
    op = arena_alloc(build->arena, sizeof(*op));
    if (op == NULL) {
        operator_fault(build, 0, "the rules take more memory than they may");
        return NULL;
    }
    op->row = row;
    op->negated = negated;
    if (!parse_argument(op, argument, build) || !row->compile(op, build))
        return NULL;
    return op;
}

void operator_free(struct operator* op)
{
    if (op != NULL)
        op->row->release(op);
}

enum operator_answer operator_run(const struct operator* op, struct operator_run *run)
{
    enum operator_answer answer;

    run->captures.count = 0;
    answer = op->row->run(op, run);
    bool is_said = answer == OPERATOR_NO || answer == OPERATOR_YES;
    return is_said && op->negated ? operator_answer_of(answer == OPERATOR_NO) : answer;
}

const char *operator_name(const struct operator* op)
{
    return op->row->name;
}

bool operator_is_negated(const struct operator* op)
{
    return op->negated;
}

const struct macro *operator_argument(const struct operator* op)
{
    return &op->argument;
}

bool operator_escapes_values(const struct operator* op)
{
    return op->row->release == operator_release_pattern;
}

bool operator_reads_document(const struct operator* op)
{
    return op->row->run == operator_run_validate_schema ||
           op->row->run == operator_run_validate_dtd;
}

const char *const *operator_names(size_t *count)
{
    *count = ROWS;
    return names;
}

bool operator_compile_text(struct operator* op, struct operator_build *build)
{
    (void)op;
    (void)build;
    return true;
}

void operator_release_nothing(struct operator* op)
{
    (void)op;
}

enum operator_answer operator_run_no_match(const struct operator* op, struct operator_run *run)
{
    (void)op;
    (void)run;
    return OPERATOR_NO;
}

enum operator_answer operator_run_unconditional_match(const struct operator* op,
                                                      struct operator_run *run)
{
    (void)op;
    (void)run;
    return OPERATOR_YES;
}
