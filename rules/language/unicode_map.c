/* SPDX-License-Identifier: Apache-2.0 */
/* SecUnicodeMapFile: the best fits of one code page out of a file of many, which looks so:
 *
 *   1250  (ANSI - Central Europe)
 *   00a1:21 00a2:63 00a3:4c ...
 */
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "rules/language/builder.h"
#include "rules/language/choice.h"

enum { FILE_MOST_BYTES = 4 << 20 };

/* "00a1:21" */
static void map_one(struct span text, uint8_t *map)
{
    uint8_t from[2], to;
    struct span rest = text;
    struct span left = span_cut(&rest, ':');
    if (rest.at != NULL && hex_read(left, from, 2) && hex_read(rest, &to, 1))
        map[from[0] << 8 | from[1]] = to;
}

/* A line that begins with a number opens that page, one in parentheses a page without one. False:
 * the page is not there. */
static bool map_page(struct span text, uint64_t page, uint8_t *map)
{
    bool inside = false, found = false;
    while (text.at != NULL) {
        struct span line = span_trim(span_cut(&text, '\n'), " \t\r");
        uint64_t number;
        struct span first = line;
        first = span_cut(&first, ' ');
        if (number_parse(first, &number) && first.len < 6)
            inside = number == page;
        else if (span_starts(line, SPAN("(")))
            inside = false;
        found |= inside;
        while (inside && line.at != NULL)
            map_one(span_cut(&line, ' '), map);
    }
    return found;
}

static bool read_map(struct ruleset_builder *builder, struct line *line, struct buf *file)
{
    char why[160] = "";
    struct span name = line_word(line, 1);
    const char *path = builder_path(builder, name, line->file);
    if (builder->source->read(builder->source->context, path, file, why, sizeof why))
        return true;
    fault_add(line->faults, FAULT_ERROR, line_place(line, name.at), SPAN(""), "cannot read %s: %s",
              path, why);
    return false;
}

DIRECTIVE_FUNCTION(unicode_map)
{
    uint64_t page;
    struct buf file;
    if (!number_read(line, line_word(line, 2), directive_row(which)->name, 1, 99999, &page))
        return;
    buf_init(&file, FILE_MOST_BYTES);
    uint8_t *map = arena_alloc(line->arena, UNICODE_MAP_BYTES);
    must(map != NULL);
    if (read_map(builder, line, &file)) {
        builder_hash(builder, buf_span(&file));
        builder->settings.unicode_map = map;
        if (!map_page(buf_span(&file), page, map))
            fault_add(line->faults, FAULT_ERROR, line_place(line, line_word(line, 2).at), SPAN(""),
                      "the file has no code page '" SPAN_FORMAT "'",
                      span_arg(span_first(line_word(line, 2), 20)));
    }
    buf_fini(&file);
}
