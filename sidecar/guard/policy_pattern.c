/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/policy_pattern.h"

#include "rules/base/glob.h"
#include "sidecar/guard/policy.h"

enum { ANY_RUN = 256, ANY_BYTE = 257 };

/* What stands between "${" and "}", and how long the whole is; false: it does not end. */
static bool variable_at(struct span text, struct span *inside, size_t *len)
{
    size_t end = span_find_byte(text, '}');
    if (end == SPAN_NONE)
        return false;
    *inside = span_first(span_from(text, 2), end - 2);
    *len = end + 1;
    return true;
}

/* "key" or "key, 'default'". */
static bool variable_read(struct span inside, struct policy_piece *piece)
{
    size_t comma = span_find_byte(inside, ',');
    *piece = (struct policy_piece){.kind = PIECE_VARIABLE,
                                   .text = span_trim(span_first(inside, comma), " ")};
    if (comma != SPAN_NONE) {
        struct span quoted = span_trim(span_from(inside, comma + 1), " ");
        if (quoted.len < 2 || quoted.at[0] != '\'' || quoted.at[quoted.len - 1] != '\'')
            return false;
        piece->fallback = span_make(quoted.at + 1, quoted.len - 2);
    }
    return piece->text.len > 0 && span_find_byte(piece->text, '$') == SPAN_NONE;
}

static bool is_escape(struct span inside)
{
    return inside.len == 1 && (inside.at[0] == '*' || inside.at[0] == '?' || inside.at[0] == '$');
}

static bool opens_variable(struct span text, unsigned reading)
{
    return (reading & POLICY_VARIABLES) != 0 && span_starts(text, SPAN("${"));
}

static bool is_wildcard(char byte, unsigned reading)
{
    return (reading & POLICY_WILDCARDS) != 0 && (byte == '*' || byte == '?');
}

/* One piece from the front of `text`; returns how long it is there, 0: broken. */
static size_t piece_read(struct span text, unsigned reading, struct policy_piece *piece)
{
    *piece = (struct policy_piece){.kind = PIECE_TEXT};
    if (opens_variable(text, reading)) {
        struct span inside;
        size_t len;
        if (!variable_at(text, &inside, &len))
            return 0;
        if (is_escape(inside))
            piece->text = inside;
        else if (!variable_read(inside, piece))
            return 0;
        return len;
    }
    if (is_wildcard(text.at[0], reading)) {
        piece->kind = text.at[0] == '*' ? PIECE_ANY_RUN : PIECE_ANY_BYTE;
        return 1;
    }
    size_t len = 1;
    while (len < text.len && !is_wildcard(text.at[len], reading) &&
           !opens_variable(span_from(text, len), reading))
        len++;
    piece->text = span_first(text, len);
    return len;
}

bool policy_pattern_read(struct span text, unsigned reading, struct arena *arena,
                         struct policy_pattern *out)
{
    *out = (struct policy_pattern){0};
    size_t count = 0;
    struct policy_piece piece;
    for (size_t at = 0, len; at < text.len; at += len, count++)
        if ((len = piece_read(span_from(text, at), reading, &piece)) == 0)
            return false;
    struct policy_piece *pieces = arena_alloc(arena, count * sizeof *pieces);
    if (pieces == NULL)
        return false;
    for (size_t at = 0, i = 0; i < count; i++)
        at += piece_read(span_from(text, at), reading, &pieces[i]);
    *out = (struct policy_pattern){.pieces = pieces, .count = count};
    return true;
}

/* --- filled in ---------------------------------------------------------------------------- */

static bool put(struct policy_run *run, struct span text)
{
    if (text.len > POLICY_ROOM - run->len) {
        run->over_limit = true;
        return false;
    }
    for (size_t i = 0; i < text.len; i++)
        run->room[run->len++] = (uint8_t)text.at[i];
    return true;
}

static bool put_wildcard(struct policy_run *run, uint16_t wildcard)
{
    if (run->len == POLICY_ROOM) {
        run->over_limit = true;
        return false;
    }
    run->room[run->len++] = wildcard;
    return true;
}

/* A key with several values is no value: which of them is meant nobody can say. */
static bool put_variable(struct policy_run *run, const struct policy_piece *piece)
{
    const struct policy_request *request = run->request;
    struct span value, second;
    bool one = request->value(request->context, piece->text, 0, &value) &&
               !request->value(request->context, piece->text, 1, &second);
    if (!one && piece->fallback.at == NULL)
        return false;
    return put(run, one ? value : piece->fallback);
}

static bool fill(struct policy_run *run, const struct policy_pattern *pattern)
{
    run->len = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        const struct policy_piece *piece = &pattern->pieces[i];
        bool fits = false;
        switch (piece->kind) {
        case PIECE_TEXT: fits = put(run, piece->text); break;
        case PIECE_ANY_RUN: fits = put_wildcard(run, ANY_RUN); break;
        case PIECE_ANY_BYTE: fits = put_wildcard(run, ANY_BYTE); break;
        case PIECE_VARIABLE: fits = put_variable(run, piece); break;
        }
        if (!fits)
            return false;
    }
    return true;
}

/* --- compared ----------------------------------------------------------------------------- */

struct filled { /* a pattern, or one part of it */
    const uint16_t *at;
    size_t len;
};

static enum glob_place at_byte(const void *pattern, size_t p, char byte)
{
    uint16_t is = ((const uint16_t *)pattern)[p];
    if (is == ANY_RUN)
        return GLOB_STAR;
    return is == ANY_BYTE || is == (uint8_t)byte ? GLOB_FITS : GLOB_DIFFERS;
}

static enum glob_place at_letter(const void *pattern, size_t p, char byte)
{
    uint16_t is = ((const uint16_t *)pattern)[p];
    if (is >= ANY_RUN)
        return at_byte(pattern, p, byte);
    return byte_lower((char)is) == byte_lower(byte) ? GLOB_FITS : GLOB_DIFFERS;
}

static bool fits(struct filled pattern, struct span text, bool nocase)
{
    return glob_walk(pattern.at, pattern.len, nocase ? at_letter : at_byte, text);
}

bool policy_pattern_matches(struct policy_run *run, const struct policy_pattern *pattern,
                            struct span text, bool nocase)
{
    return fill(run, pattern) && fits((struct filled){run->room, run->len}, text, nocase);
}

/* Up to the next colon; the last part takes all that is left. */
static struct filled part_cut(struct filled *rest, bool last)
{
    size_t len = 0;
    while (len < rest->len && (last || rest->at[len] != ':'))
        len++;
    struct filled part = {rest->at, len};
    size_t skip = len < rest->len ? len + 1 : len;
    *rest = (struct filled){rest->at + skip, rest->len - skip};
    return part;
}

static bool is_star(struct filled pattern)
{
    return pattern.len == 1 && pattern.at[0] == ANY_RUN;
}

/* How many parts it has; the last one may hold colons. */
static size_t part_count(struct filled pattern)
{
    size_t colons = 0;
    for (size_t i = 0; i < pattern.len; i++)
        colons += pattern.at[i] == ':';
    return colons + 1 < ARN_PARTS ? colons + 1 : ARN_PARTS;
}

/* "execute-api:/stage/VERB/path" and a resource "API/stage/VERB/path". */
static bool abbreviation_matches(struct filled pattern, const struct span parts[ARN_PARTS])
{
    struct span resource = parts[ARN_PARTS - 1];
    size_t slash = span_find_byte(resource, '/');
    return span_is(parts[2], SPAN("execute-api")) && slash != SPAN_NONE &&
           fits(pattern, span_from(resource, slash), false);
}

bool policy_pattern_matches_arn(struct policy_run *run, const struct policy_pattern *pattern,
                                struct span arn, bool completed)
{
    if (!fill(run, pattern))
        return false;
    struct filled rest = {run->room, run->len};
    if (is_star(rest) && !pattern->abbreviated)
        return true;
    struct span parts[ARN_PARTS];
    if (!arn_split(arn, parts))
        return false;
    if (pattern->abbreviated)
        return abbreviation_matches(rest, parts);
    size_t count = part_count(rest);
    if (count < ARN_PARTS && !completed)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!fits(part_cut(&rest, i + 1 == ARN_PARTS), parts[i], false))
            return false;
    return true;
}
