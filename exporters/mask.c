/* SPDX-License-Identifier: Apache-2.0 */
/* Queries, paths and addresses. Every one of every request is asked about, so a question comes
 * first that most of them answer in few instructions a byte. */
#include "exporters/mask.h"

#include "exporters/secret_beside.h"
#include "exporters/secret_places.h"

enum { ESCAPED_MOST = 3 }; /* how often a value may be escaped */

/* Does a parameter begin there, which a ';' says only where it is followed by `name=`? */
static bool begins_parameter(struct span text)
{
    size_t len = word_length(text);
    return len > 0 && len < text.len && text.at[len] == '=';
}

struct span parameter_cut(struct span *rest)
{
    size_t len = 0;
    while (len < rest->len && rest->at[len] != '&' &&
           (rest->at[len] != ';' || !begins_parameter(span_from(*rest, len + 1))))
        len++;
    struct span parameter = span_first(*rest, len);
    *rest = span_from(*rest, len);
    return parameter;
}

/* What is of interest in names alone stands first. */
enum mark { MARK_NONE, MARK_JOINT, MARK_EQUALS, MARK_SEPARATOR, MARK_PERCENT, MARK_SIGN };
static const unsigned char marks[256] = {
    ['='] = MARK_EQUALS, ['&'] = MARK_SEPARATOR, [';'] = MARK_SEPARATOR, ['%'] = MARK_PERCENT,
    [':'] = MARK_SIGN,   ['>'] = MARK_SIGN,      ['.'] = MARK_JOINT,     ['['] = MARK_JOINT,
    [']'] = MARK_JOINT,  ['/'] = MARK_JOINT,     ['+'] = MARK_JOINT};

/* Is it the escape of a sign that stands between a name and a value, or one of such an escape? */
static bool escapes_sign(const char *at, const char *end)
{
    return end - at > 2 && (at[1] == '3' || (at[1] == '2' && at[2] == '5'));
}

/* Up to the next separator, or the end; signs that may stand between a name and a value are
 * counted. */
static inline const char *value_end(const char *at, const char *end, unsigned *signs)
{
    for (; at < end; at++) {
        unsigned char mark = marks[(unsigned char)*at];
        if (mark <= MARK_JOINT)
            continue;
        if (mark == MARK_SEPARATOR)
            break;
        *signs += mark != MARK_PERCENT || escapes_sign(at, end);
    }
    return at;
}

static void spaces_undone(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '+')
            text[i] = ' ';
}

/* Its escapes undone, as often as there are any: an address with a token, a JSON text with a
 * password? Without memory to look: it is said to. */
static bool holds_escaped(struct span value)
{
    struct buf room;
    buf_init(&room, value.len);
    char *to = buf_room(&room, value.len);
    bool holds = to == NULL;
    if (to != NULL) {
        value = percent_undone(value, to);
        spaces_undone(to, value.len);
        holds = text_may_have_secrets(value);
    }
    for (int i = 1; i < ESCAPED_MOST && !holds && span_find_byte(value, '%') != SPAN_NONE; i++) {
        value = percent_undone(value, to);
        holds = text_may_have_secrets(value);
    }
    buf_fini(&room);
    return holds;
}

/* Of a value that has signs. */
static bool value_holds_secret(struct span value)
{
    if (text_may_have_secrets(value))
        return true;
    bool is_escaped =
        span_find_byte(value, '%') != SPAN_NONE || span_find_byte(value, '+') != SPAN_NONE;
    return is_escaped && holds_escaped(value);
}

/* What a name has besides letters. */
struct oddities {
    unsigned joints; /* it has parts, or escapes */
    unsigned signs;  /* that may stand between a name and a value, so it may hold both */
};

/* Up to the next '=' or separator, or the end. */
static inline const char *name_end(const char *at, const char *end, struct oddities *odd)
{
    for (; at < end; at++) {
        unsigned char mark = marks[(unsigned char)*at];
        if (mark == MARK_NONE)
            continue;
        if (mark == MARK_EQUALS || mark == MARK_SEPARATOR)
            break;
        odd->joints++;
        odd->signs += mark == MARK_SIGN || (mark == MARK_PERCENT && escapes_sign(at, end));
    }
    return at;
}

static bool is_long_secret(const char *from, const char *to)
{
    return to - from >= SECRET_WORD_SHORTEST &&
           text_has_secret(span_make(from, (size_t)(to - from)));
}

/* Is the name itself what nobody may know, or has it a secret in it: password%3Dhunter2? */
static bool name_holds_secret(struct span name, struct oddities odd)
{
    return is_long_secret(name.at, name.at + name.len) ||
           (odd.signs > 0 && value_holds_secret(name));
}

struct span parameter_secret(struct span parameter)
{
    unsigned signs = 0;
    struct oddities odd = {0, 0};
    struct span value = parameter;
    struct span name = span_cut(&value, '=');
    (void)name_end(name.at, name.at + name.len, &odd);
    if (name_holds_secret(name, odd))
        return parameter;
    if (value.at == NULL)
        return value;
    if ((name_is_secret(name) && !value_is_harmless(name, value)) || text_has_secret(value))
        return value;
    for (const char *at = value.at, *end = value.at + value.len; at < end; at++)
        at = value_end(at, end, &signs);
    return signs > 0 && value_holds_secret(value) ? value : (struct span){NULL, 0};
}

/* By its name, or what stands beside it? Its value ends at `at`. */
static bool is_secret_parameter(struct span query, struct span name, const char *at)
{
    const char *value = name.at + name.len + 1;
    if (!name_is_secret(name))
        return parameter_is_named(query, name);
    bool is_whole = at == query.at + query.len || *at == '&';
    return !is_whole || !value_is_harmless(name, span_make(value, (size_t)(at - value)));
}

bool query_has_secret(struct span query)
{
    if (query.len == 0) /* there may be no text at all */
        return false;
    const char *end = query.at + query.len;
    for (const char *at = query.at; at < end; at++) {
        unsigned signs = 0;
        struct oddities odd = {0, 0};
        const char *start = at, *equals = name_end(at, end, &odd);
        struct span name = span_make(start, (size_t)(equals - start));
        at = equals < end && *equals == '=' ? value_end(equals + 1, end, &signs) : equals;
        if (name_holds_secret(name, odd) || is_long_secret(equals, at))
            return true;
        if (equals < at &&
            (odd.joints > 0 || name_may_be_secret(name) || plain_name_may_say(name)) &&
            is_secret_parameter(query, name, at))
            return true;
        if (signs > 0 && value_holds_secret(span_make(equals + 1, (size_t)(at - equals - 1))))
            return true;
    }
    return false;
}

struct span query_secret(struct span query, struct span parameter)
{
    struct span hidden = parameter_secret(parameter), value = parameter;
    struct span name = span_cut(&value, '=');
    return hidden.at == NULL && value.at != NULL && parameter_is_named(query, name) ? value
                                                                                    : hidden;
}

/* `query`: where it stands; or itself. */
static void add_parameter(struct buf *to, struct span query, struct span parameter)
{
    struct span hidden = query_secret(query, parameter);
    if (hidden.at == NULL) {
        buf_add(to, parameter);
        return;
    }
    buf_add(to, span_first(parameter, (size_t)(hidden.at - parameter.at)));
    buf_add(to, SPAN(MASK));
}

/* What was added since; rather nothing than a secret. */
static struct span added(const struct buf *scratch, size_t start)
{
    return buf_is_full(scratch) ? SPAN("") : span_from(buf_span(scratch), start);
}

struct span query_masked(struct span query, struct buf *scratch)
{
    if (!query_has_secret(query))
        return query;
    size_t start = scratch->len;
    for (struct span rest = query; rest.len > 0; rest = span_from(rest, 1)) {
        add_parameter(scratch, query, parameter_cut(&rest));
        buf_add(scratch, span_first(rest, 1));
    }
    return added(scratch, start);
}

/* ann:password of https://ann:password@host/; nothing: at == NULL. */
static struct span user_of(struct span url)
{
    const struct span none = {NULL, 0}, slashes = SPAN("://");
    if (url.len == 0 || url.at[0] == '/' || span_find_byte(url, '@') == SPAN_NONE)
        return none;
    size_t start = span_find(url, slashes);
    if (start == SPAN_NONE)
        return none;
    struct span user = span_from(url, start + slashes.len);
    user = span_first(user, span_find_byte(user, '/'));
    size_t at = span_find_last_byte(user, '@');
    user = span_first(user, at);
    return at != SPAN_NONE && span_find_byte(user, ':') != SPAN_NONE ? user : none;
}

/* /token%3D..: a sign that is escaped. */
static bool escaped_segment_has_secret(struct span path)
{
    if (span_find_byte(path, '%') == SPAN_NONE)
        return false;
    while (path.at != NULL) {
        struct span segment = span_cut(&path, '/');
        if (span_find_byte(segment, '%') != SPAN_NONE && parameter_secret(segment).at != NULL)
            return true;
    }
    return false;
}

/* ;jsessionid=.., /token=..: is a parameter or a segment a secret by its name? */
static bool segment_has_secret(struct span path)
{
    size_t at = 0, next;
    while ((next = span_find_byte(span_from(path, at), '=')) != SPAN_NONE) {
        size_t end = at + next, start = end;
        while (start > at && path.at[start - 1] != '/' && path.at[start - 1] != ';')
            start--;
        if (name_is_secret(span_make(path.at + start, end - start)))
            return true;
        at = end + 1;
    }
    return false;
}

static bool path_has_secret(struct span path)
{
    return text_has_secret(path) || user_of(path).at != NULL || segment_has_secret(path) ||
           escaped_segment_has_secret(path);
}

bool url_has_secret(struct span url)
{
    struct span query = url;
    struct span path = span_cut(&query, '?');
    return path_has_secret(path) || query_has_secret(query);
}

/* `before`: the path up to there. */
static void add_segment(struct buf *to, struct span before, struct span segment)
{
    struct span rest = segment, name = span_cut(&rest, ';');
    if (word_is_placed(before, name) || text_has_secret(name))
        buf_add(to, SPAN(MASK));
    else if (span_find_byte(name, '=') != SPAN_NONE || span_find_byte(name, '%') != SPAN_NONE)
        add_parameter(to, name, name);
    else
        buf_add(to, name);
    while (rest.at != NULL) {
        buf_add_byte(to, ';');
        struct span parameter = span_cut(&rest, ';');
        add_parameter(to, parameter, parameter);
    }
}

struct span path_masked(struct span path, struct buf *scratch)
{
    if (!path_has_secret(path))
        return path;
    size_t start = scratch->len;
    struct span user = user_of(path);
    if (user.at != NULL) {
        buf_add(scratch, span_first(path, (size_t)(user.at - path.at)));
        buf_add(scratch, SPAN(MASK));
        path = span_from(path, (size_t)(user.at - path.at) + user.len);
    }
    const char *first = path.at;
    while (path.at != NULL) {
        struct span segment = span_cut(&path, '/');
        add_segment(scratch, span_make(first, (size_t)(segment.at - first)), segment);
        buf_add(scratch, path.at != NULL ? SPAN("/") : SPAN(""));
    }
    return added(scratch, start);
}

struct span url_masked(struct span url, struct buf *scratch)
{
    size_t start = scratch->len;
    if (!url_has_secret(url))
        return url;
    struct span query = url;
    struct span path = span_cut(&query, '?');
    struct span shown = path_masked(path, scratch);
    if (shown.at == path.at)
        buf_add(scratch, path);
    if (query.at != NULL) {
        buf_add_byte(scratch, '?');
        if (query_masked(query, scratch).at == query.at)
            buf_add(scratch, query);
    }
    return added(scratch, start);
}

/* ---- hosts ---- */

struct span field_user(struct span name, struct span value)
{
    bool is_forwarded = span_is_nocase(name, SPAN("forwarded"));
    size_t at = span_find_last_byte(value, '@');
    if (at == SPAN_NONE || (!is_forwarded && !span_is_nocase(name, SPAN("host")) &&
                            !span_is_nocase(name, SPAN("x-forwarded-host"))))
        return span_first(value, 0);
    struct span before = span_first(value, at), key = SPAN("host=");
    size_t start = is_forwarded ? span_find_nocase(before, key) : SPAN_NONE;
    return start == SPAN_NONE ? before : span_from(before, start + key.len);
}
