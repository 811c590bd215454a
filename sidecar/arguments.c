/* SPDX-License-Identifier: Apache-2.0 */
/* One table, one walk. */
#include "sidecar/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"
#include "rules/base/number.h"
#include "sidecar/command.h"
#include "sidecar/metric_request.h"

enum { ROWS_MOST = 16, SECOND_US = 1000000 };

static void usage_print(const struct argument_table *table, FILE *to)
{
    fprintf(to, "usage: sidegate %s\n%s\n", table->usage, table->sentence);
    for (size_t i = 0; i < table->count; i++) {
        const struct argument_row *row = &table->rows[i];
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", row->name,
                 row->value != NULL && row->name[0] != '\0' ? " " : "",
                 row->value != NULL ? row->value : "");
        fprintf(to, "  %-22s %s\n", left, row->sentence);
    }
}

void arguments_begin(struct arguments *arguments, const struct argument_table *table, int argc,
                     char **argv)
{
    must(table->count <= ROWS_MOST);
    *arguments =
        (struct arguments){.table = table, .argc = argc, .argv = argv, .next = 1, .code = -1};
}

/* "alarms list" of "alarms list [--json]": what a person has typed. */
static size_t called_length(const char *usage)
{
    size_t len = 0;
    for (;;) {
        size_t word = strspn(usage + len, "abcdefghijklmnopqrstuvwxyz-");
        if (word == 0 || usage[len] == '-' ||
            (usage[len + word] != ' ' && usage[len + word] != '\0'))
            return len > 0 ? len - 1 : 0;
        len += word + 1;
        if (usage[len - 1] == '\0')
            return len - 1;
    }
}

void arguments_refuse(struct arguments *arguments, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    const char *usage = arguments->table->usage;
    fprintf(stderr, "sidegate %.*s: %s\nusage: sidegate %s\n", (int)called_length(usage), usage,
            text, usage);
    arguments->code = EXIT_USAGE;
}

bool arguments_moment(struct arguments *arguments, int64_t *to)
{
    int64_t seconds;
    bool well = metric_time_parse(span_text(arguments->value), &seconds);
    if (well)
        *to = seconds;
    else
        arguments_refuse(arguments, "'%s' is no time like 2026-11-21T20:00:00Z", arguments->value);
    return well;
}

bool arguments_duration(struct arguments *arguments, uint64_t *to_us)
{
    uint64_t us;
    bool well = duration_parse(span_text(arguments->value), &us) && us >= SECOND_US;
    if (well)
        *to_us = us;
    else
        arguments_refuse(arguments, "'%s' is no time like 60s", arguments->value);
    return well;
}

static void refuse_word(struct arguments *arguments, const struct argument_word *words,
                        size_t count, const char *what)
{
    const char *names[ROWS_MOST];
    char near[160], all[256] = "";
    for (size_t i = 0; i < count; i++) {
        const char *comma = i == 0 ? "" : i + 1 < count ? ", " : " or ";
        size_t len = strlen(all);
        snprintf(all + len, sizeof all - len, "%s%s", comma, words[i].name);
        names[i] = words[i].name;
    }
    if (*what == '\0')
        arguments_refuse(arguments, "%s?", all);
    else
        arguments_refuse(arguments, "unknown word '%s'%s", what,
                         nearest_remark(span_text(what), names, count, near, sizeof near));
}

int arguments_run_word(const struct argument_table *table, const struct argument_word *words,
                       size_t count, int argc, char **argv)
{
    struct arguments arguments;
    const char *what = argc > 1 ? argv[1] : "";
    must(count <= ROWS_MOST);
    for (size_t i = 0; i < count; i++)
        if (strcmp(what, words[i].name) == 0)
            return words[i].run(argc - 1, argv + 1);
    arguments_begin(&arguments, table, argc, argv);
    if (*what == '-')
        arguments_next(&arguments);
    else
        refuse_word(&arguments, words, count, what);
    return arguments.code;
}

static bool has_row(const struct argument_table *table, const char *name)
{
    size_t i = 0;
    while (i < table->count && strcmp(table->rows[i].name, name) != 0)
        i++;
    return i < table->count;
}

static bool names_configuration(struct span word)
{
    return span_is(word, SPAN("-c")) || span_is(word, SPAN("--config")) ||
           span_starts(word, SPAN("--config=")) || span_ends(word, SPAN(".yaml")) ||
           span_ends(word, SPAN(".yml"));
}

static void refuse_unknown(struct arguments *arguments, const char *word)
{
    const char *names[ROWS_MOST];
    char near[160];
    const struct argument_table *table = arguments->table;
    const char *what = word[0] == '-' ? "option" : "argument", *remark;
    bool is_configuration = names_configuration(span_text(word));
    for (size_t i = 0; i < table->count; i++)
        names[i] = table->rows[i].name;
    if (has_row(table, "-c") && word[0] != '-') {
        arguments_refuse(arguments, "unknown argument '%s' (did you mean '-c %s'?)", word, word);
        return;
    }
    if (has_row(table, "-c") && is_configuration)
        remark = " (did you mean '-c'?)";
    else if (has_row(table, "--admin") && is_configuration)
        remark = " (a running one has its files; --admin names which one)";
    else
        remark = nearest_remark(span_text(word), names, table->count, near, sizeof near);
    arguments_refuse(arguments, "unknown %s '%s'%s", what, word, remark);
}

/* "--set=a=b" is "--set" "a=b". */
static const struct argument_row *row_find(const struct argument_table *table, const char *word,
                                           const char **attached)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct argument_row *row = &table->rows[i];
        size_t len = strlen(row->name);
        *attached = NULL;
        if (len == 0 && (word[0] != '-' || word[1] == '\0')) {
            *attached = word;
            return row;
        }
        if (strcmp(word, row->name) == 0)
            return row;
        if (row->value != NULL && len > 2 && strncmp(word, row->name, len) == 0 &&
            word[len] == '=') {
            *attached = word + len + 1;
            return row;
        }
    }
    return NULL;
}

const struct argument_row *arguments_next(struct arguments *arguments)
{
    if (arguments->code >= 0 || arguments->next >= arguments->argc)
        return NULL;
    const char *word = arguments->argv[arguments->next++];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        usage_print(arguments->table, stdout);
        arguments->code = 0;
        return NULL;
    }
    const struct argument_row *row = row_find(arguments->table, word, &arguments->value);
    if (row == NULL) {
        refuse_unknown(arguments, word);
        return NULL;
    }
    if (row->value == NULL || arguments->value != NULL)
        return row;
    if (arguments->next == arguments->argc) {
        arguments_refuse(arguments, "%s wants %s behind it", row->name, row->value);
        return NULL;
    }
    arguments->value = arguments->argv[arguments->next++];
    return row;
}

/* ---- where settings come from ---- */

void argument_sources_init(struct argument_sources *sources, int argc)
{
    size_t bytes = (size_t)argc * sizeof(char *) + 1;
    *sources = (struct argument_sources){must_alloc(bytes), must_alloc(bytes), {0}};
    sources->source.files = sources->files;
    sources->source.sets = sources->sets;
}

void argument_sources_fini(struct argument_sources *sources)
{
    free(sources->files);
    free(sources->sets);
}

bool argument_sources_take(struct argument_sources *sources, const struct arguments *arguments,
                           const struct argument_row *row)
{
    if (row->mark == 'c')
        sources->files[sources->source.file_count++] = arguments->value;
    else if (row->mark == 's')
        sources->sets[sources->source.set_count++] = arguments->value;
    else
        return false;
    return true;
}

bool argument_sources_finish(struct argument_sources *sources, struct arguments *arguments)
{
    if (arguments->code < 0 && sources->source.file_count == 0)
        arguments_refuse(arguments, "no configuration: give at least one -c FILE");
    return arguments->code < 0;
}
