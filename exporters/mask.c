/* SPDX-License-Identifier: Apache-2.0 */
/* Which names announce a secret is a table; how a name is written (case, percent-encoding) does not
 * save it from being recognised. Every name of every request is asked about: its last two letters
 * rule most of them out. */
#include "exporters/mask.h"

#include <stdint.h>
#include <string.h>

enum {
    SHORTEST = 3,       /* no shorter name announces one */
    NAME_LONGEST = 192, /* of longer names the end counts */
    WORD_SHORTEST = 16, /* what text_has_secret() finds is no shorter */
};

enum place {
    ARGUMENT = 1, /* also of members and cookies */
    FIELD = 2,
};

/* Name, how much of a name it has to be (ENDS: `new_password`, WHOLE: nothing before it), where,
 * and its last two letters. */
#define SECRET_NAMES(X)                                                 \
    X("token", ENDS, ARGUMENT | FIELD, 'e', 'n')                        \
    X("password", ENDS, ARGUMENT | FIELD, 'r', 'd')                     \
    X("passwd", ENDS, ARGUMENT | FIELD, 'w', 'd')                       \
    X("passphrase", ENDS, ARGUMENT | FIELD, 's', 'e')                   \
    X("secret", ENDS, ARGUMENT | FIELD, 'e', 't')                       \
    X("api_key", ENDS, ARGUMENT | FIELD, 'e', 'y')                      \
    X("api-key", ENDS, ARGUMENT | FIELD, 'e', 'y')                      \
    X("apikey", ENDS, ARGUMENT | FIELD, 'e', 'y')                       \
    X("secret_key", ENDS, ARGUMENT | FIELD, 'e', 'y')                   \
    X("secret-key", ENDS, ARGUMENT | FIELD, 'e', 'y')                   \
    X("secretkey", ENDS, ARGUMENT | FIELD, 'e', 'y')                    \
    X("private_key", ENDS, ARGUMENT | FIELD, 'e', 'y')                  \
    X("private-key", ENDS, ARGUMENT | FIELD, 'e', 'y')                  \
    X("privatekey", ENDS, ARGUMENT | FIELD, 'e', 'y')                   \
    X("access_key", ENDS, ARGUMENT | FIELD, 'e', 'y')                   \
    X("access-key", ENDS, ARGUMENT | FIELD, 'e', 'y')                   \
    X("accesskey", ENDS, ARGUMENT | FIELD, 'e', 'y')                    \
    X("signature", ENDS, ARGUMENT | FIELD, 'r', 'e')                    \
    X("authorization", ENDS, ARGUMENT | FIELD, 'o', 'n')                \
    X("cookie", ENDS, FIELD, 'i', 'e')                                  \
    X("session", ENDS, ARGUMENT, 'o', 'n')                              \
    X("sessionid", ENDS, ARGUMENT | FIELD, 'i', 'd')                    \
    X("session_id", ENDS, ARGUMENT | FIELD, 'i', 'd')                   \
    X("session-id", ENDS, ARGUMENT | FIELD, 'i', 'd')                   \
    X("sessid", ENDS, ARGUMENT, 'i', 'd')                               \
    X("sid", WHOLE, ARGUMENT, 'i', 'd')                                 \
    X("key", WHOLE, ARGUMENT, 'e', 'y')                                 \
    X("sig", WHOLE, ARGUMENT, 'i', 'g')                                 \
    X("awsaccesskeyid", WHOLE, ARGUMENT, 'i', 'd')                      \
    X("code", WHOLE, ARGUMENT, 'd', 'e') /* OAuth's (RFC 6749 4.1.2) */ \
    X("assertion", ENDS, ARGUMENT, 'o', 'n')                            \
    X("auth", WHOLE, ARGUMENT, 't', 'h')                                \
    X("pwd", WHOLE, ARGUMENT, 'w', 'd')                                 \
    X("pass", WHOLE, ARGUMENT, 's', 's')                                \
    X("otp", WHOLE, ARGUMENT, 't', 'p')                                 \
    X("jwt", WHOLE, ARGUMENT, 'w', 't')

/* One bit of 64 for two letters, in any case. */
#define TAIL(a, b) (UINT64_C(1) << ((((unsigned)(a) | 0x20) * 5 + ((unsigned)(b) | 0x20)) & 63))

enum reach { WHOLE, ENDS };

static const struct secret {
    struct span name;
    enum reach reach;
    unsigned places;
    uint64_t tail;
} secrets[] = {
#define X(name, reach, places, a, b) {SPAN_INIT(name), reach, places, TAIL(a, b)},
    SECRET_NAMES(X)
#undef X
};

#define X(name, reach, places, a, b) | TAIL(a, b)
static const uint64_t tails = 0 SECRET_NAMES(X);
#undef X

static bool begins_as_secret(struct span name)
{
    return span_starts_nocase(name, SPAN("x-amz-")) ||
           span_starts_nocase(name, SPAN("x-goog-signature")) ||
           span_starts_nocase(name, SPAN("password")) || span_starts_nocase(name, SPAN("passwd"));
}

/* Does a part of the name begin there: at its start, behind a dot, a colon? */
static bool part_begins(struct span name, size_t at)
{
    return at == 0 || strchr(".:/?", name.at[at - 1]) != NULL;
}

/* TAIL() of its last letters. */
static uint64_t tail_of(struct span name)
{
    const unsigned char *last = (const unsigned char *)name.at + name.len - 1;
    return TAIL(last[-1], *last);
}

static bool is_in_table(struct span name, unsigned places)
{
    uint64_t tail = tail_of(name);
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        const struct secret *secret = &secrets[i];
        if (secret->tail == tail && (secret->places & places) != 0 &&
            span_ends_nocase(name, secret->name) &&
            (secret->reach == ENDS || part_begins(name, name.len - secret->name.len)))
            return true;
    }
    return false;
}

/* Can it begin as one? */
static bool begin_fits(struct span name)
{
    int first = name.at[0] | 0x20;
    return (first == 'p' && (name.at[2] | 0x20) == 's') || (first == 'x' && name.at[1] == '-');
}

static bool end_fits(struct span name)
{
    return (tails & tail_of(name)) != 0;
}

/* In one of the places. */
static bool is_secret(struct span name, unsigned places)
{
    if (name.len < SHORTEST)
        return false;
    if ((places & ARGUMENT) != 0 && begin_fits(name) && begins_as_secret(name))
        return true;
    return end_fits(name) && is_in_table(name, places);
}

/* Percent undone; `to` has room for the text, or is where it stands. */
static struct span percent_undone(struct span text, char *to)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];
        if (byte == '%' && text.len - i > 2) {
            int high = byte_hex(text.at[i + 1]), low = byte_hex(text.at[i + 2]);
            if (high >= 0 && low >= 0) {
                byte = (char)(high << 4 | low);
                i += 2;
            }
        }
        to[len++] = byte;
    }
    return span_make(to, len);
}

/* `to` has NAME_LONGEST bytes. */
static struct span percent_decode(struct span text, char *to)
{
    if (text.len > NAME_LONGEST)
        text = span_from(text, text.len - NAME_LONGEST);
    return percent_undone(text, to);
}

/* user[password] and password[] are names of forms: the last that is one. */
static struct span innermost(struct span name)
{
    while (span_ends(name, SPAN("]"))) {
        size_t open = span_find_last_byte(name, '[');
        if (open != SPAN_NONE && open + 2 < name.len)
            return span_trim(span_from(name, open + 1), "]");
        name = span_first(name, open != SPAN_NONE ? open : name.len - 1);
    }
    return name;
}

bool name_is_secret(struct span name)
{
    char decoded[NAME_LONGEST];
    if (span_find_byte(name, '%') != SPAN_NONE)
        name = percent_decode(name, decoded);
    return is_secret(innermost(name), ARGUMENT);
}

bool field_is_secret(struct span name)
{
    return is_secret(name, FIELD);
}

bool word_names_secret(struct span word)
{
    return is_secret(word, ARGUMENT | FIELD);
}

bool variable_is_secret(struct span variable)
{
    struct span name = variable;
    struct span collection = span_cut(&name, ':');
    if (span_ends_nocase(collection, SPAN("_NAMES")))
        return false;
    if (span_is_nocase(collection, SPAN("REQUEST_HEADERS")) ||
        span_is_nocase(collection, SPAN("RESPONSE_HEADERS")))
        return field_is_secret(name);
    return name.len > 0 && name_is_secret(name);
}

/* ---- queries, paths, addresses ---- */

/* Up to the next separator, which stays in front of the rest. */
static struct span parameter_cut(struct span *rest)
{
    size_t len = 0;
    while (len < rest->len && rest->at[len] != '&' && rest->at[len] != ';')
        len++;
    struct span parameter = span_first(*rest, len);
    *rest = span_from(*rest, len);
    return parameter;
}

enum mark { MARK_NONE, MARK_EQUALS, MARK_SEPARATOR, MARK_PERCENT, MARK_SIGN };
static const unsigned char marks[256] = {
    ['='] = MARK_EQUALS,  ['&'] = MARK_SEPARATOR, [';'] = MARK_SEPARATOR,
    ['%'] = MARK_PERCENT, [':'] = MARK_SIGN,      ['>'] = MARK_SIGN};

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
        if (mark == MARK_NONE)
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
    enum { ESCAPED_MOST = 3 };
    struct buf room;
    buf_init(&room, value.len);
    char *to = buf_room(&room, value.len);
    bool holds = to == NULL;
    if (to != NULL) {
        value = percent_undone(value, to);
        spaces_undone(to, value.len);
        holds = text_holds_secrets(value);
    }
    for (int i = 1; i < ESCAPED_MOST && !holds && span_find_byte(value, '%') != SPAN_NONE; i++) {
        value = percent_undone(value, to);
        holds = text_holds_secrets(value);
    }
    buf_fini(&room);
    return holds;
}

/* Of a value that has signs. */
static bool value_holds_secret(struct span value)
{
    if (text_holds_secrets(value))
        return true;
    bool is_escaped =
        span_find_byte(value, '%') != SPAN_NONE || span_find_byte(value, '+') != SPAN_NONE;
    return is_escaped && holds_escaped(value);
}

struct span parameter_secret(struct span parameter)
{
    unsigned signs = 0;
    struct span value = parameter;
    struct span name = span_cut(&value, '=');
    if (text_has_secret(name))
        return parameter;
    if (value.at == NULL)
        return value;
    if (name_is_secret(name) || text_has_secret(value))
        return value;
    for (const char *at = value.at, *end = value.at + value.len; at < end; at++)
        at = value_end(at, end, &signs);
    return signs > 0 && value_holds_secret(value) ? value : (struct span){NULL, 0};
}

static void add_parameter(struct buf *to, struct span parameter)
{
    struct span hidden = parameter_secret(parameter);
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

/* Up to the next '=' or separator, or the end; escapes are counted. */
static const char *name_end(const char *at, const char *end, unsigned *escapes)
{
    for (; at < end; at++) {
        unsigned char mark = marks[(unsigned char)*at];
        if (mark == MARK_NONE)
            continue;
        if (mark == MARK_EQUALS || mark == MARK_SEPARATOR)
            break;
        *escapes += mark == MARK_PERCENT;
    }
    return at;
}

/* What is no name of the table for its first or last letters is most of them. */
static bool name_fits(struct span name, unsigned escapes)
{
    return name.len >= SHORTEST &&
           (escapes > 0 || end_fits(name) || begin_fits(name) || name.at[name.len - 1] == ']');
}

static bool is_long_secret(const char *from, const char *to)
{
    return to - from >= WORD_SHORTEST && text_has_secret(span_make(from, (size_t)(to - from)));
}

bool query_has_secret(struct span query)
{
    if (query.len == 0) /* there may be no text at all */
        return false;
    const char *end = query.at + query.len;
    for (const char *at = query.at; at < end; at++) {
        unsigned escapes = 0, signs = 0;
        const char *start = at, *equals = name_end(at, end, &escapes);
        at = equals < end && *equals == '=' ? value_end(equals + 1, end, &signs) : equals;
        if (is_long_secret(start, equals) || is_long_secret(equals, at))
            return true;
        struct span name = span_make(start, (size_t)(equals - start));
        if (equals < at && name_fits(name, escapes) && name_is_secret(name))
            return true;
        if (signs > 0 && value_holds_secret(span_make(equals + 1, (size_t)(at - equals - 1))))
            return true;
    }
    return false;
}

struct span query_masked(struct span query, struct buf *scratch)
{
    if (!query_has_secret(query))
        return query;
    size_t start = scratch->len;
    while (query.len > 0) {
        add_parameter(scratch, parameter_cut(&query));
        buf_add(scratch, span_first(query, 1));
        query = span_from(query, 1);
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

static bool path_has_secret(struct span path)
{
    return text_has_secret(path) || user_of(path).at != NULL;
}

bool url_has_secret(struct span url)
{
    struct span query = url;
    struct span path = span_cut(&query, '?');
    return path_has_secret(path) || query_has_secret(query);
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
    while (path.at != NULL) {
        struct span segment = span_cut(&path, '/');
        buf_add(scratch, text_has_secret(segment) ? SPAN(MASK) : segment);
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
