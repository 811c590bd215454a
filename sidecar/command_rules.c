/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate rules list`, and which of the words was meant. */
#include "sidecar/command_rules.h"

#include <stdio.h>
#include <string.h>

#include "rules/base/number.h"
#include "rules/language/ruleset.h"
#include "sidecar/arguments.h"
#include "sidecar/command.h"
#include "sidecar/explain.h"

enum { OUTPUT_BYTES = 64 << 20, TAG_BYTES = 128 };

struct snapshot *rules_snapshot(const struct settings_source *source)
{
    struct faults *faults = faults_new();
    struct snapshot *snapshot = snapshot_build(source, NULL, faults);
    if (snapshot == NULL) {
        struct buf text;
        buf_init(&text, OUTPUT_BYTES);
        faults_print(faults, &text);
        fwrite(text.at, 1, text.len, stderr);
        buf_fini(&text);
    }
    faults_free(faults);
    return snapshot;
}

void rules_print_out(struct buf *text)
{
    if (text->len > 0)
        fwrite(text->at, 1, text->len, stdout);
    buf_fini(text);
}

/* ---- list ---- */

static const struct argument_row list_rows[] = {
    ARGUMENT_FILE,
    ARGUMENT_SET,
    {'p', "--phase", "N", "only those of a phase, 1 to 5"},
    {'t', "--tag", "TAG", "only those with this tag"},
};
static const struct argument_table list_table = {
    "rules list -c FILE... [--phase N] [--tag TAG] [--set KEY=VALUE]...",
    "Lists the rules in the order in which they run: id, phase, paranoia level, severity,\n"
    "file:line, message.",
    list_rows, sizeof list_rows / sizeof *list_rows};

struct filter {
    uint64_t phase; /* 0: all */
    struct span tag;
};

static bool has_tag(const struct rule *rule, struct span tag)
{
    for (size_t i = 0; i < rule->tag_count; i++)
        if (span_is(tag, rule->tags[i].text))
            return true;
    return false;
}

static bool is_wanted(const struct filter *filter, const struct rule *rule)
{
    return (filter->phase == 0 || filter->phase == (uint64_t)rule->phase) &&
           (filter->tag.at == NULL || has_tag(rule, filter->tag));
}

/* "paranoia-level/2" of its tags; "-" where it has none. */
static struct span paranoia(const struct rule *rule)
{
    struct span prefix = SPAN("paranoia-level/");
    for (size_t i = 0; i < rule->tag_count; i++)
        if (span_starts(rule->tags[i].text, prefix))
            return span_from(rule->tags[i].text, prefix.len);
    return SPAN("-");
}

static void print_row(const struct rule *rule, struct buf *to)
{
    const char *severity = severity_name(rule->severity);
    buf_format(to, "%-8llu %d %-2.*s %-9s ", (unsigned long long)rule->id, (int)rule->phase,
               span_arg(paranoia(rule)), *severity != '\0' ? severity : "-");
    buf_format(to, "%s:%u", rule->file, rule->line);
    if (rule->message.text.len > 0)
        buf_add(to, SPAN("  "));
    plain_add(to, rule->message.text);
    buf_add_byte(to, '\n');
}

/* A tag of the rule that may have been meant; near stays as it is where there is none. */
static void find_near(const struct rule *rule, struct span tag, char near[TAG_BYTES])
{
    for (size_t i = 0; i < rule->tag_count; i++) {
        char name[TAG_BYTES];
        const char *const names[] = {name};
        snprintf(name, sizeof name, SPAN_FORMAT, span_arg(rule->tags[i].text));
        if (nearest_name(tag, names, 1) == NULL)
            continue;
        memcpy(near, name, sizeof name);
        return;
    }
}

/* False, and said: no rule has it. */
static bool tag_is_known(const struct ruleset *ruleset, struct span tag)
{
    char near[TAG_BYTES] = "";
    for (unsigned p = 1; ruleset != NULL && p < PHASE_COUNT; p++)
        for (size_t i = 0; i < ruleset->phases[p].count; i++) {
            const struct rule *rule = ruleset->phases[p].steps[i].rule;
            if (rule != NULL && has_tag(rule, tag))
                return true;
            if (rule != NULL && *near == '\0')
                find_near(rule, tag, near);
        }
    fprintf(stderr, "sidegate rules list: no rule has the tag '" SPAN_FORMAT "'%s%s%s\n",
            span_arg(tag), *near != '\0' ? " (did you mean '" : "", near,
            *near != '\0' ? "'?)" : "");
    return false;
}

static void list_rules(const struct ruleset *ruleset, const struct filter *filter)
{
    struct buf text;
    buf_init(&text, OUTPUT_BYTES);
    for (unsigned p = 1; ruleset != NULL && p < PHASE_COUNT; p++) {
        const struct ruleset_phase *phase = &ruleset->phases[p];
        for (size_t i = 0; i < phase->count; i++)
            if (phase->steps[i].rule != NULL && is_wanted(filter, phase->steps[i].rule))
                print_row(phase->steps[i].rule, &text);
    }
    rules_print_out(&text);
}

static int list_all(const struct settings_source *source, const struct filter *filter)
{
    struct snapshot *snapshot = rules_snapshot(source);
    if (snapshot == NULL)
        return EXIT_REFUSED;
    bool known = filter->tag.at == NULL || tag_is_known(snapshot->ruleset, filter->tag);
    if (known)
        list_rules(snapshot->ruleset, filter);
    snapshot_give(snapshot);
    return known ? 0 : 1;
}

int rules_list(int argc, char **argv)
{
    struct arguments arguments;
    struct argument_sources sources;
    struct filter filter = {0};
    const struct argument_row *row;
    arguments_begin(&arguments, &list_table, argc, argv);
    argument_sources_init(&sources, argc);
    while ((row = arguments_next(&arguments)) != NULL) {
        if (argument_sources_take(&sources, &arguments, row))
            continue;
        struct span value = span_text(arguments.value);
        if (row->mark == 't')
            filter.tag = value;
        else if (!number_parse(value, &filter.phase) || filter.phase < 1 || filter.phase > 5)
            arguments_refuse(&arguments, "--phase: found '%s', expected a number from 1 to 5",
                             arguments.value);
    }
    int code = argument_sources_finish(&sources, &arguments) ? list_all(&sources.source, &filter)
                                                             : arguments.code;
    argument_sources_fini(&sources);
    return code;
}

/* ---- the words ---- */

static const struct argument_table rules_table = {
    "rules list|show|test",
    "Lists the rules, shows one as it was loaded, or tries go-ftw's tests on them.", NULL, 0};

int command_rules(int argc, char **argv)
{
    static const struct argument_word each[] = {
        {"list", rules_list},
        {"show", rules_show},
        {"test", rules_test},
    };
    return arguments_run_word(&rules_table, each, sizeof each / sizeof *each, argc, argv);
}
