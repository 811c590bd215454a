/* SPDX-License-Identifier: Apache-2.0 */
/* The directives of the audit log. */
#include "rules/language/builder.h"
#include "rules/language/choice.h"
#include "rules/match/pattern.h"

DIRECTIVE_FUNCTION(audit_engine)
{
    static const struct choice choices[] = {
        {"On", AUDIT_ON}, {"Off", AUDIT_OFF}, {"RelevantOnly", AUDIT_RELEVANT_ONLY}};
    unsigned value;
    if (choice_read(line, line_word(line, 1), directive_row(which)->name, choices, 3, &value)) {
        builder->settings.audit.engine = (enum audit_engine)value;
        builder->settings.given.audit_engine = true;
    }
}

DIRECTIVE_FUNCTION(audit_parts)
{
    struct span word = line_word(line, 1);
    for (size_t i = 0; i < word.len; i++)
        if (span_find_byte(SPAN("ABCDEFGHIJKZ"), word.at[i]) == SPAN_NONE) {
            fault_add(line->faults, FAULT_ERROR, line_place(line, word.at + i), SPAN(""),
                      "%s is letters from A to K and Z, not '%c'", directive_row(which)->name,
                      word.at[i]);
            return;
        }
    builder->settings.audit.parts = word;
    builder->settings.given.audit_parts = true;
}

/* A name is relative to the file that it stands in. */
static struct span path_of(const struct line *line, struct span name)
{
    size_t slash = span_find_last_byte(span_text(line->file), '/');
    if (slash == SPAN_NONE || span_starts(name, SPAN("/")))
        return arena_format(line->arena, SPAN_FORMAT, span_arg(name));
    return arena_format(line->arena, SPAN_FORMAT "/" SPAN_FORMAT,
                        span_arg(span_make(line->file, slash)), span_arg(name));
}

DIRECTIVE_FUNCTION(audit_log)
{
    struct span word = line_word(line, 1);
    if (word.len == 0 || word.at[0] == '|')
        fault_add(line->faults, FAULT_ERROR, line_place(line, word.at), SPAN("name a file"),
                  "%s: records are given to no program", directive_row(which)->name);
    else
        builder->settings.audit.path = path_of(line, word);
}

DIRECTIVE_FUNCTION(audit_storage_dir)
{
    (void)which;
    builder->settings.audit.storage_dir = path_of(line, line_word(line, 1));
}

/* Octal as chmod takes it, or "default", which is 0. */
static void read_mode(struct line *line, enum directive which, unsigned *mode)
{
    struct span word = line_word(line, 1);
    unsigned value = 0;
    bool well = word.len > 0 && word.len <= 5;
    if (span_is_nocase(word, SPAN("default"))) {
        *mode = 0;
        return;
    }
    for (size_t i = 0; i < word.len && well; i++) {
        well = word.at[i] >= '0' && word.at[i] <= '7';
        value = value * 8 + (unsigned)(word.at[i] - '0');
    }
    if (well && value > 0 && value <= 0777)
        *mode = value;
    else
        fault_add(line->faults, FAULT_ERROR, line_place(line, word.at), SPAN(""),
                  "%s is default, or an octal mode from 0001 to 0777, not '" SPAN_FORMAT "'",
                  directive_row(which)->name, span_arg(span_first(word, 80)));
}

DIRECTIVE_FUNCTION(audit_folder_mode)
{
    read_mode(line, which, &builder->settings.audit.folder_mode);
}

DIRECTIVE_FUNCTION(audit_file_mode)
{
    read_mode(line, which, &builder->settings.audit.file_mode);
}

DIRECTIVE_FUNCTION(audit_type)
{
    static const struct choice choices[] = {{"Serial", 0}, {"Concurrent", 1}, {"Parallel", 1}};
    unsigned value;
    if (!choice_read(line, line_word(line, 1), directive_row(which)->name, choices, 3, &value))
        return;
    builder->settings.audit.is_concurrent = value == 1;
    builder->settings.given.audit_type = true;
}

DIRECTIVE_FUNCTION(audit_format)
{
    static const struct choice choices[] = {{"Native", 0}, {"JSON", 1}};
    unsigned value;
    if (!choice_read(line, line_word(line, 1), directive_row(which)->name, choices, 2, &value))
        return;
    builder->settings.audit.is_json = value == 1;
    builder->settings.given.audit_format = true;
}

DIRECTIVE_FUNCTION(audit_relevant_status)
{
    size_t offset = 0;
    char why[160];
    struct span word = line_word(line, 1);
    struct pattern *pattern = pattern_new(word, PATTERN_RULE, &offset, why, sizeof why);
    if (pattern == NULL)
        fault_add(line->faults, FAULT_ERROR, line_place(line, word.at + offset), SPAN(""), "%s: %s",
                  directive_row(which)->name, why);
    else
        builder->settings.audit.relevant_status = word;
    pattern_free(pattern);
}
