/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts files into directives and directives into words, as Apache does, but for one thing: of all
 * escapes only the one of the quote itself is undone, so that a pattern reads the same everywhere.
 */
#include "rules/language/line.h"

#include <stdint.h>

#include "rules/base/must.h"

/* From `offset` on the bytes stood side by side in one line of the file. */
struct cut {
    size_t offset;
    unsigned line, column;
};

struct region {
    struct region *next;
    char *at;
    size_t len;
    struct rows cuts;      /* of struct cut; at least one */
    unsigned line, column; /* behind the last byte */
};

static unsigned reader_column(const struct line_reader *r)
{
    return (unsigned)(r->at - r->line_start) + 1;
}

static struct region *region_begin(struct line *line, size_t size, struct place place)
{
    struct region *region = arena_alloc(line->arena, sizeof *region);
    must(region != NULL);
    /* One byte more than the text, so that "right behind it" is in no other region. */
    region->at = arena_text(line->arena, size + 1);
    must(region->at != NULL);
    region->next = line->regions;
    line->regions = region;
    struct cut *cut = rows_add(&region->cuts, line->arena, sizeof *cut);
    *cut = (struct cut){0, place.line, place.column};
    region->line = place.line;
    region->column = place.column;
    return region;
}

static void region_add(struct region *region, struct arena *arena, char byte, struct place place)
{
    if (place.line != region->line || place.column != region->column) {
        struct cut *cut = rows_add(&region->cuts, arena, sizeof *cut);
        *cut = (struct cut){region->len, place.line, place.column};
    }
    region->at[region->len++] = byte;
    region->line = place.line;
    region->column = place.column + 1;
}

static struct place region_place(const struct region *region, size_t offset)
{
    const struct cut *cuts = region->cuts.at;
    size_t i = region->cuts.count;
    while (i > 1 && cuts[i - 1].offset > offset)
        i--;
    const struct cut *cut = &cuts[i - 1];
    return (struct place){NULL, cut->line, cut->column + (unsigned)(offset - cut->offset)};
}

struct place line_place(const struct line *line, const char *at)
{
    for (const struct region *r = line->regions; r != NULL; r = r->next) {
        if ((uintptr_t)at < (uintptr_t)r->at || (uintptr_t)at > (uintptr_t)r->at + r->len)
            continue;
        size_t offset = (size_t)(at - r->at);
        struct place place = offset == r->len && offset > 0
                                 ? (struct place){NULL, r->line, r->column}
                                 : region_place(r, offset);
        place.file = line->file;
        return place;
    }
    return (struct place){line->file, line->number, 0};
}

struct span line_word(const struct line *line, size_t i)
{
    const struct span *words = line->words.at;
    return i < line->words.count ? words[i] : (struct span){NULL, 0};
}

struct span line_unescape(struct line *line, struct span text, char quote)
{
    if (span_find_byte(text, quote) == SPAN_NONE)
        return text;
    struct region *region = region_begin(line, text.len, line_place(line, text.at));
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\\' && i + 1 < text.len && text.at[i + 1] == quote)
            i++;
        region_add(region, line->arena, text.at[i], line_place(line, text.at + i));
    }
    return span_make(region->at, region->len);
}

void line_reader_init(struct line_reader *reader, struct arena *arena, struct faults *faults,
                      const char *file, struct span text)
{
    *reader = (struct line_reader){
        .arena = arena, .faults = faults, .file = file, .text = text, .line = 1};
    if (span_starts(text, SPAN("\xef\xbb\xbf"))) /* a byte order mark */
        reader->at = reader->line_start = 3;
}

/* Length of a backslash at `at` that joins two lines, with the line's end; 0 where there is none.
 */
static size_t joint_length(struct span text, size_t at)
{
    struct span rest = span_from(text, at);
    if (rest.len == 0 || rest.at[0] != '\\')
        return 0;
    if (rest.len == 1)
        return 1; /* the file ends with it */
    if (rest.at[1] == '\n')
        return 2;
    return span_starts(rest, SPAN("\\\r\n")) ? 3 : 0;
}

static void pass_joints(struct line_reader *r)
{
    for (size_t len = joint_length(r->text, r->at); len > 0; len = joint_length(r->text, r->at)) {
        r->at += len;
        if (len == 1)
            return; /* the file ends here: there is no line behind it */
        r->line++;
        r->line_start = r->at;
    }
}

/* The byte at the cursor, behind joints; '\n' at the end of a line or of the file. */
static char reader_byte(struct line_reader *r)
{
    pass_joints(r);
    if (r->at == r->text.len || span_starts(span_from(r->text, r->at), SPAN("\r\n")))
        return '\n';
    return r->text.at[r->at];
}

static bool byte_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void pass_blanks(struct line_reader *r)
{
    while (byte_is_blank(reader_byte(r)))
        r->at++;
}

static void pass_line_end(struct line_reader *r)
{
    while (reader_byte(r) != '\n')
        r->at++;
    if (r->at < r->text.len)
        r->at += r->text.at[r->at] == '\r' ? 2 : 1;
    r->line++;
    r->line_start = r->at;
}

/* A comment goes on behind a backslash, as in Apache; what it swallows may have been meant as a
 * rule, so that is said. */
static void pass_comment(struct line_reader *r)
{
    unsigned line = r->line;
    bool swallows = false;
    while (!swallows && reader_byte(r) != '\n') {
        char byte = r->text.at[r->at];
        bool begins = r->line != line && !byte_is_blank(byte);
        swallows = begins && byte != '#';
        if (begins)
            line = r->line;
        if (!swallows)
            r->at++;
    }
    if (swallows)
        fault_add(r->faults, FAULT_WARNING, (struct place){r->file, r->line, reader_column(r)},
                  SPAN(""), "this line belongs to the comment above, which ends with a backslash");
    pass_line_end(r);
}

/* How many bytes the escape at the cursor has: 2 for \" and \\, else 1. */
static size_t escape_length(const struct line_reader *r, char quote)
{
    struct span rest = span_from(r->text, r->at);
    if (quote == '\0' || rest.len < 2 || rest.at[0] != '\\')
        return 1;
    if (rest.at[1] == quote)
        return 2;
    return rest.at[1] == '\\' && joint_length(r->text, r->at + 1) == 0 ? 2 : 1;
}

/* Walks to the end of a word; `quote` is 0 for a bare one. With `to` the bytes are copied. False:
 * the line ended before the quote did. */
static bool walk_word(struct line_reader *r, char quote, struct region *to)
{
    for (char c = reader_byte(r); c != '\n'; c = reader_byte(r)) {
        if (quote == '\0' ? byte_is_blank(c) : c == quote)
            return true;
        size_t len = escape_length(r, quote);
        size_t from = len == 2 && r->text.at[r->at + 1] == quote ? 1 : 0;
        for (size_t i = 0; i < len; i++, r->at++)
            if (to != NULL && i >= from)
                region_add(to, r->arena, r->text.at[r->at],
                           (struct place){r->file, r->line, reader_column(r)});
    }
    return quote == '\0';
}

/* Apache and ModSecurity 3 take the rest of the line. */
static void warn_quote(const struct line_reader *r, struct place place)
{
    fault_add(r->faults, FAULT_WARNING, place, SPAN(""),
              "this quote is not closed: the rest of the line is taken");
}

/* Takes the word at the cursor. */
static void read_word(struct line_reader *r, struct line *line)
{
    char quote = reader_byte(r);
    struct place opening = {r->file, r->line, reader_column(r)};
    if (quote == '"' || quote == '\'')
        r->at++;
    else
        quote = '\0';
    pass_joints(r);
    struct line_reader start = *r;
    bool closed = walk_word(r, quote, NULL);
    if (!closed)
        warn_quote(r, opening);
    size_t most = r->at - start.at;
    *r = start;
    struct region *region =
        region_begin(line, most, (struct place){NULL, r->line, reader_column(r)});
    walk_word(r, quote, region);
    struct span *word = rows_add(&line->words, r->arena, sizeof *word);
    *word = span_make(region->at, region->len);
    if (quote == '\0' || !closed)
        return;
    r->at++;
    char next = reader_byte(r);
    if (next != '\n' && !byte_is_blank(next)) {
        fault_add(r->faults, FAULT_ERROR, (struct place){r->file, r->line, reader_column(r)},
                  SPAN("a quote inside is written \\\""), "'%c' follows the closing quote", next);
        line->broken = true;
    }
}

struct line *line_read(struct line_reader *r)
{
    for (;;) {
        pass_blanks(r);
        if (r->at == r->text.len)
            return NULL;
        char first = reader_byte(r);
        if (first != '\n' && first != '#')
            break;
        if (first == '#')
            pass_comment(r);
        else
            pass_line_end(r);
    }
    struct line *line = arena_alloc(r->arena, sizeof *line);
    must(line != NULL);
    *line =
        (struct line){.arena = r->arena, .faults = r->faults, .file = r->file, .number = r->line};
    while (!line->broken && reader_byte(r) != '\n') {
        read_word(r, line);
        pass_blanks(r);
    }
    pass_line_end(r);
    return line;
}

struct line *line_of_word(struct arena *arena, struct faults *faults, struct place place,
                          struct span text)
{
    struct line *line = arena_alloc(arena, sizeof *line);
    must(line != NULL);
    *line =
        (struct line){.arena = arena, .faults = faults, .file = place.file, .number = place.line};
    struct region *region = region_begin(line, text.len, place);
    for (size_t i = 0; i < text.len; i++) {
        region_add(region, arena, text.at[i], place);
        place.column++;
    }
    struct span *word = rows_add(&line->words, arena, sizeof *word);
    *word = span_make(region->at, region->len);
    return line;
}
