/* SPDX-License-Identifier: Apache-2.0 */
/* Transformations of comments, and cmdLine. */
#include "rules/match/transformation_rows.h"

static bool starts(struct span in, size_t at, const char *text)
{
    return span_starts(span_from(in, at), span_text(text));
}

struct span transformation_replace_comments(struct span in, struct arena *arena)
{
    size_t start = span_find(in, SPAN("/*"));

    if (start == SPAN_NONE)
        return in;

    struct writing to = writing_begin(arena, in, start, in.len);
    size_t i = start;

    if (to.at == NULL)
        return span_make(NULL, 0);
    while (i < in.len) {
        if (!starts(in, i, "/*")) {
            writing_add(&to, in.at[i++]);
            continue;
        }

        size_t end = span_find(span_from(in, i + 2), SPAN("*/"));

        writing_add(&to, ' '); /* one that does not end is one, too */
        i = end == SPAN_NONE ? in.len : i + 2 + end + 2;
    }
    return writing_end(arena, in, &to);
}

/* Could the byte begin or end a comment? Most cannot: they are copied without a closer look. */
static bool is_comment_byte(char c)
{
    return c == '/' || c == '*' || c == '<' || c == '-' || c == '#';
}

static size_t find_comment_byte(struct span in)
{
    size_t i = 0;

    while (i < in.len && !is_comment_byte(in.at[i]))
        i++;
    return i;
}

/* Length of what begins a comment that has an end, or 0. */
static size_t comment_begins(struct span in, size_t at)
{
    return starts(in, at, "/*") ? 2 : starts(in, at, "<!--") ? 4 : 0;
}

/* The place behind the comment whose inside starts at `at`; SPAN_NONE where it does not end. Either
 * end will do, whatever the beginning was: ModSecurity does not tell them apart. */
static size_t comment_ends(struct span in, size_t at)
{
    for (; at < in.len; at++)
        if (starts(in, at, "*/"))
            return at + 2;
        else if (starts(in, at, "-->"))
            return at + 3;
    return SPAN_NONE;
}

struct span transformation_remove_comments(struct span in, struct arena *arena)
{
    size_t i = find_comment_byte(in);

    if (i == in.len)
        return in;

    struct writing to = writing_begin(arena, in, i, in.len);

    if (to.at == NULL)
        return span_make(NULL, 0);
    while (i < in.len) {
        size_t begin = is_comment_byte(in.at[i]) ? comment_begins(in, i) : 0;

        if (begin == 0 && (in.at[i] == '#' || starts(in, i, "--")))
            break; /* a comment to the end of the line, which ModSecurity takes as the end of all */
        if (begin == 0) {
            writing_add(&to, in.at[i++]);
            continue;
        }
        i = comment_ends(in, i + begin);
        if (i == SPAN_NONE) {
            writing_add(&to, ' ');
            break;
        }
        /* The byte behind a comment is copied unseen, so that one comment directly behind another
         * stays; behind the last byte that is the terminating NUL. So do ModSecurity 2 and 3, and
         * rules are written for them. */
        writing_add(&to, (char)(i < in.len ? in.at[i] : '\0'));
        i++;
    }
    return writing_end(arena, in, &to);
}

struct span transformation_remove_comments_char(struct span in, struct arena *arena)
{
    enum { MARKS = 6 };
    static const char *const marks[MARKS] = {"/*", "*/", "<!--", "-->", "--", "#"};
    size_t i = find_comment_byte(in);

    if (i == in.len)
        return in;

    struct writing to = writing_begin(arena, in, i, in.len);

    if (to.at == NULL)
        return span_make(NULL, 0);
    while (i < in.len) {
        size_t mark = is_comment_byte(in.at[i]) ? 0 : MARKS;

        while (mark < MARKS && !starts(in, i, marks[mark]))
            mark++;
        if (mark < MARKS)
            i += strlen(marks[mark]);
        else
            writing_add(&to, in.at[i++]);
    }
    return writing_end(arena, in, &to);
}

struct span transformation_cmd_line(struct span in, struct arena *arena)
{
    struct writing to = writing_begin(arena, in, 0, in.len);
    bool space = false; /* the last byte written is a space of a run */

    if (to.at == NULL)
        return span_make(NULL, 0);
    for (size_t i = 0; i < in.len; i++) {
        switch (in.at[i]) {
        case '"':
        case '\'':
        case '\\':
        case '^': break; /* a shell takes them away, a pattern would stumble over them */
        case ' ':
        case ',':
        case ';':
        case '\t':
        case '\r':
        case '\n':
            if (!space)
                writing_add(&to, ' ');
            space = true;
            break;
        case '/':
        case '(':
            if (space)
                to.len--; /* "cmd /c" is "cmd/c" */
            writing_add(&to, in.at[i]);
            space = false;
            break;
        default: writing_add(&to, byte_lower(in.at[i])); space = false;
        }
    }
    return writing_end(arena, in, &to);
}
