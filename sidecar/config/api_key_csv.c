/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/api_key_csv.h"

#include "sidecar/guard/api_key.h"

enum { FIELDS_MOST = 64, TEXT_MOST = 1024 };

enum column { COLUMN_NAME, COLUMN_KEY, COLUMN_DESCRIPTION, COLUMN_ENABLED, COLUMN_PLANS, COLUMNS };

static const char *const column_names[COLUMNS] = {
    [COLUMN_NAME] = "name",
    [COLUMN_KEY] = "key",
    [COLUMN_DESCRIPTION] = "description",
    [COLUMN_ENABLED] = "enabled",
    [COLUMN_PLANS] = "usageplanids",
};

struct reader {
    const char *file;
    struct span rest;
    unsigned line; /* of what comes next */
    struct arena *arena;
    struct faults *faults;
    size_t at[COLUMNS]; /* which field it is; FIELDS_MOST: there is none */
    bool well;
};

static void refuse(struct reader *reader, unsigned line, const char *hint, const char *message)
{
    struct place place = {.file = reader->file, .line = line};
    fault_add(reader->faults, FAULT_ERROR, place, span_text(hint), "%s", message);
    reader->well = false;
}

/* ---- fields ---- */

/* What stands between quotes; the first one is read already. */
static struct span quoted_take(struct reader *reader, char quote)
{
    char *to = arena_text(reader->arena, reader->rest.len + 1);
    unsigned began = reader->line;
    size_t len = 0;
    while (to != NULL && reader->rest.len > 0) {
        char c = reader->rest.at[0];
        reader->rest = span_from(reader->rest, 1);
        bool ends = c == quote && (reader->rest.len == 0 || reader->rest.at[0] != quote);
        if (ends) {
            arena_trim(reader->arena, to, len);
            return span_make(to, len);
        }
        if (c == quote) /* twice: itself */
            reader->rest = span_from(reader->rest, 1);
        reader->line += c == '\n';
        to[len++] = c;
    }
    refuse(reader, began, "", "a quote has no end");
    return SPAN("");
}

static void skip_blanks(struct reader *reader)
{
    while (reader->rest.len > 0 && (reader->rest.at[0] == ' ' || reader->rest.at[0] == '\t'))
        reader->rest = span_from(reader->rest, 1);
}

static struct span field_take(struct reader *reader)
{
    skip_blanks(reader);
    char first = (char)(reader->rest.len > 0 ? reader->rest.at[0] : '\0');
    if (first == '"' || first == '\'') {
        reader->rest = span_from(reader->rest, 1);
        struct span field = quoted_take(reader, first);
        skip_blanks(reader);
        return field;
    }
    size_t len = 0;
    while (len < reader->rest.len && reader->rest.at[len] != ',' && reader->rest.at[len] != '\n')
        len++;
    struct span field = span_trim(span_first(reader->rest, len), " \t\r");
    reader->rest = span_from(reader->rest, len);
    return field;
}

/* The fields of a line, and of the lines that its quotes go over. */
static size_t fields_take(struct reader *reader, struct span fields[FIELDS_MOST])
{
    for (size_t count = 0;;) {
        struct span field = field_take(reader);
        if (count < FIELDS_MOST)
            fields[count++] = field;
        if (reader->rest.len > 0 && reader->rest.at[0] == '\r')
            reader->rest = span_from(reader->rest, 1);
        bool goes_on = reader->rest.len > 0 && reader->rest.at[0] == ',';
        bool line_ends = reader->rest.len > 0 && reader->rest.at[0] == '\n';
        if (reader->rest.len > 0 && !goes_on && !line_ends) {
            refuse(reader, reader->line, "", "something stands behind a quote");
            reader->rest = SPAN("");
            return 0;
        }
        reader->line += line_ends;
        reader->rest = span_from(reader->rest, goes_on || line_ends);
        if (!goes_on)
            return count;
    }
}

/* ---- the head ---- */

static bool head_read(struct reader *reader)
{
    struct span fields[FIELDS_MOST];
    size_t count = fields_take(reader, fields);
    for (size_t c = 0; c < COLUMNS; c++) {
        reader->at[c] = FIELDS_MOST;
        for (size_t i = count; i > 0; i--)
            if (span_is_nocase(fields[i - 1], span_text(column_names[c])))
                reader->at[c] = i - 1;
    }
    if (reader->well &&
        (reader->at[COLUMN_NAME] == FIELDS_MOST || reader->at[COLUMN_KEY] == FIELDS_MOST))
        refuse(reader, 1, "Name,Key,Description,Enabled,UsagePlanIds",
               "the first line has to name the columns Name and Key");
    return reader->well;
}

/* ---- a key ---- */

static bool enabled_read(struct span text, bool *enabled)
{
    *enabled = text.len == 0 || span_is_nocase(text, SPAN("true"));
    return *enabled || span_is_nocase(text, SPAN("false"));
}

static bool plans_read(struct reader *reader, struct span text, struct api_key_row *row)
{
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++)
        most += text.at[i] == ',';
    struct span *plans = arena_alloc(reader->arena, most * sizeof *plans);
    if (plans == NULL)
        return false;
    while (text.len > 0) {
        struct span name = span_trim(span_cut(&text, ','), " \t'\"");
        if (name.len == 0)
            continue;
        if (!api_key_is_id(name))
            return false;
        plans[row->plan_count++] = name;
    }
    row->plans = plans;
    return true;
}

static void row_read(struct reader *reader, unsigned line, const struct span *fields, size_t count,
                     void (*found)(void *to, const struct api_key_row *row), void *to)
{
    struct span of[COLUMNS];
    struct api_key_row row = {.plan_count = 0};
    for (size_t c = 0; c < COLUMNS; c++)
        of[c] = reader->at[c] < count ? fields[reader->at[c]] : SPAN("");
    row.name = of[COLUMN_NAME];
    row.value = of[COLUMN_KEY];
    row.description = of[COLUMN_DESCRIPTION];
    if (!api_key_is_value(row.value))
        refuse(reader, line, "",
               "Key: expected 20 to 128 visible characters without quotes and commas");
    else if (row.name.len == 0 || row.name.len > TEXT_MOST || row.description.len > TEXT_MOST)
        refuse(reader, line, "", "Name: expected 1 to 1024 bytes, and a Description up to as many");
    else if (!enabled_read(of[COLUMN_ENABLED], &row.enabled))
        refuse(reader, line, "", "Enabled: expected true or false");
    else if (!plans_read(reader, of[COLUMN_PLANS], &row))
        refuse(reader, line, "",
               "UsagePlanIds: expected names of usage plans with commas between them");
    else
        found(to, &row);
}

bool api_key_csv_read(const char *file, struct span text, struct arena *arena,
                      struct faults *faults, void (*row)(void *to, const struct api_key_row *row),
                      void *to)
{
    struct reader reader = {
        .file = file, .line = 1, .arena = arena, .faults = faults, .well = true};
    reader.rest = span_starts(text, SPAN("\xef\xbb\xbf")) ? span_from(text, 3) : text;
    if (!head_read(&reader))
        return false;
    while (reader.rest.len > 0) {
        struct span fields[FIELDS_MOST];
        unsigned line = reader.line;
        size_t count = fields_take(&reader, fields);
        bool is_empty = count == 1 && fields[0].len == 0;
        if (count > 0 && !is_empty)
            row_read(&reader, line, fields, count, row, to);
    }
    return reader.well && !arena_is_full(arena);
}
