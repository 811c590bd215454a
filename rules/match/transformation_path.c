/* SPDX-License-Identifier: Apache-2.0 */
/* normalizePath and normalizePathWin: the path without empty segments, /./ and /../. A relative
 * path keeps the ".." that lead above its start; an absolute one ends at the root. */
#include "rules/match/transformation_rows.h"

/* Most paths are clean: no "//", no segment that begins with a dot. */
static bool is_clean(struct span in)
{
    char before = '/';

    if (in.len > 0 && in.at[0] == '/')
        in = span_from(in, 1);
    for (size_t i = 0; i < in.len; i++) {
        if (before == '/' && (in.at[i] == '/' || in.at[i] == '.'))
            return false;
        before = in.at[i];
    }
    return true;
}

/* Where the last segment of what was written begins. */
static size_t last_segment(const struct writing *to)
{
    size_t at = to->len;

    while (at > 0 && to->at[at - 1] != '/')
        at--;
    return at;
}

static void add_segment(struct writing *to, struct span segment)
{
    if (to->len > 0 && to->at[to->len - 1] != '/')
        writing_add(to, '/');
    memmove(to->at + to->len, segment.at, segment.len);
    to->len += segment.len;
}

static void go_up(struct writing *to, bool absolute)
{
    size_t last = last_segment(to);
    struct span segment = span_make(to->at + last, to->len - last);

    if (segment.len > 0 && !span_is(segment, SPAN("..")))
        to->len = last > 1 ? last - 1 : last;
    else if (!absolute)
        add_segment(to, SPAN(".."));
}

static struct span normalize(struct span in, struct span path, struct arena *arena)
{
    if (is_clean(path))
        return path;

    /* "a/../.." writes no more than it read: each ".." was one in the input. */
    struct writing to = writing_begin(arena, path, 0, path.len);
    bool absolute = path.at[0] == '/';
    bool trailing = path.at[path.len - 1] == '/';
    struct span rest = path;

    if (to.at == NULL)
        return span_make(NULL, 0);
    if (absolute)
        writing_add(&to, '/');
    while (rest.at != NULL) {
        struct span segment = span_cut(&rest, '/');

        if (span_is(segment, SPAN("..")))
            go_up(&to, absolute);
        else if (segment.len > 0 && !span_is(segment, SPAN(".")))
            add_segment(&to, segment);
    }
    if (trailing && to.len > 0 && to.at[to.len - 1] != '/')
        writing_add(&to, '/');
    return writing_end(arena, in, &to);
}

struct span transformation_normalize_path(struct span in, struct arena *arena)
{
    return normalize(in, in, arena);
}

struct span transformation_normalize_path_win(struct span in, struct arena *arena)
{
    if (span_find_byte(in, '\\') == SPAN_NONE)
        return normalize(in, in, arena);

    struct writing to = writing_begin(arena, in, in.len, in.len);

    if (to.at == NULL)
        return span_make(NULL, 0);
    for (size_t i = 0; i < in.len; i++)
        if (to.at[i] == '\\')
            to.at[i] = '/';
    return normalize(in, span_make(to.at, to.len), arena);
}
