/* SPDX-License-Identifier: Apache-2.0 */
/* @pm and @pmFromFile: lists of phrases. Bytes may be written as hexadecimal digits between bars,
 * as Snort does: "|0d 0a|host" ; bars around anything else are bars. */
#include "rules/match/operator_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/match/phrases.h"

enum { FILE_MOST = 64 << 20 };

/* Phrases with their text one behind the other; `list` is made once all is read, since the text
 * moves while it grows. */
struct collecting {
    struct buf text;
    size_t *ends;
    size_t count, room;
};

static void collecting_end_phrase(struct collecting *c)
{
    if (c->text.len == (c->count > 0 ? c->ends[c->count - 1] : 0))
        return; /* an empty one would be everywhere */
    if (c->count == c->room) {
        c->room = c->room * 2 + 16;
        c->ends = must_realloc(c->ends, c->room * sizeof(*c->ends));
    }
    c->ends[c->count++] = c->text.len;
}

static void collecting_fini(struct collecting *c)
{
    buf_fini(&c->text);
    free(c->ends);
}

/* Length of "|41 42|" at the start, or 0. */
static size_t bars_length(struct span s)
{
    size_t i = 1, pairs = 0;

    if (s.len == 0 || s.at[0] != '|')
        return 0;
    while (i + 1 < s.len && byte_hex(s.at[i]) >= 0 && byte_hex(s.at[i + 1]) >= 0) {
        pairs++;
        i += 2;
        while (i < s.len && s.at[i] == ' ')
            i++;
    }
    return pairs > 0 && i < s.len && s.at[i] == '|' ? i + 1 : 0;
}

static void add_bars(struct buf *to, struct span bars)
{
    for (size_t i = 1; i + 1 < bars.len; i++)
        if (bars.at[i] != ' ') {
            buf_add_byte(to, (char)(byte_hex(bars.at[i]) * 16 + byte_hex(bars.at[i + 1])));
            i++;
        }
}

/* Adds one phrase, or, where `words`, one at each white space. */
static void collecting_add(struct collecting *c, struct span text, bool words)
{
    size_t i = 0;

    while (i < text.len) {
        size_t bars = bars_length(span_from(text, i));

        if (bars > 0) {
            add_bars(&c->text, span_make(text.at + i, bars));
            i += bars;
            continue;
        }
        if (words && (text.at[i] == ' ' || (text.at[i] >= '\t' && text.at[i] <= '\r')))
            collecting_end_phrase(c);
        else
            buf_add_byte(&c->text, text.at[i]);
        i++;
    }
    collecting_end_phrase(c);
}

/* False: too much text. */
static bool make_phrases(struct operator* op, struct collecting *c, struct operator_build *build)
{
    struct span *list;
    size_t start = 0;

    if (buf_is_full(&c->text))
        return operator_fault(build, 0, "more than 64 MiB of phrases");
    if (c->count == 0)
        snprintf(build->why, sizeof(build->why), "no phrase to look for: it never matches");
    list = must_alloc((c->count + 1) * sizeof(*list));
    for (size_t i = 0; i < c->count; i++) {
        list[i] = span_make(c->text.at + start, c->ends[i] - start);
        start = c->ends[i];
    }
    op->phrases = phrases_new(list, c->count);
    free(list);
    return true;
}

bool operator_compile_pm(struct operator* op, struct operator_build *build)
{
    struct collecting c = {.count = 0};
    bool made;

    buf_init(&c.text, FILE_MOST);
    collecting_add(&c, op->argument.text, true);
    made = make_phrases(op, &c, build);
    collecting_fini(&c);
    return made;
}

/* A phrase a line, without the white space around it; # begins a comment. */
static void add_lines(struct collecting *c, struct span text)
{
    while (text.at != NULL) {
        struct span line = span_trim(span_cut(&text, '\n'), " \t\r\v\f");

        if (line.len > 0 && line.at[0] != '#')
            collecting_add(c, line, false);
    }
}

bool operator_compile_pm_from_file(struct operator* op, struct operator_build *build)
{
    struct span names = span_trim(op->argument.text, " \t");
    struct collecting c = {.count = 0};
    struct buf file;
    bool made = names.len > 0 || operator_fault(build, 0, "the name of a file is missing");

    buf_init(&c.text, FILE_MOST);
    buf_init(&file, FILE_MOST);
    while (made && names.at != NULL) {
        struct span name = span_cut(&names, ' ');

        buf_clear(&file);
        made = name.len == 0 || operator_read_file(build, name, &file);
        if (made)
            add_lines(&c, buf_span(&file));
    }
    made = made && make_phrases(op, &c, build);
    buf_fini(&file);
    collecting_fini(&c);
    return made;
}

void operator_release_phrases(struct operator* op)
{
    phrases_free(op->phrases);
}

enum operator_answer operator_run_pm(const struct operator* op, struct operator_run *run)
{
    if (!phrases_find(op->phrases, run->value, &run->captures.at[0]))
        return OPERATOR_NO;
    run->captures.count = 1;
    return OPERATOR_YES;
}
