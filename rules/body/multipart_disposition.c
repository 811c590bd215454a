/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Disposition: form-data; name="..."; filename="..."
 *
 * RFC 7578 4.2, read as ModSecurity reads it: these two parameters only and each once. What the
 * protected server might understand in another way is said to be wrong, or flagged. */
#include "rules/body/multipart.h"

static bool byte_is_token(char c) /* RFC 2045 5.1 */
{
    return c > ' ' && c < 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static struct span skip_blanks(struct span text)
{
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = span_from(text, 1);
    return text;
}

/* Takes the bytes up to the first that is in `stops`, or all. */
static struct span take_until(struct span *rest, const char *stops)
{
    size_t len = 0;
    while (len < rest->len && strchr(stops, rest->at[len]) == NULL)
        len++;
    struct span taken = span_first(*rest, len);
    *rest = span_from(*rest, len);
    return taken;
}

/* Only the quote and the backslash can be escaped: a backslash before anything else is one, since
 * there are clients that send paths of Windows like that. */
static bool is_escape(struct span text, size_t i, char quote)
{
    return text.at[i] == '\\' && i + 1 < text.len &&
           (text.at[i + 1] == quote || text.at[i + 1] == '\\');
}

static struct span unescape(struct arena *arena, struct span text, char quote)
{
    if (span_find_byte(text, '\\') == SPAN_NONE)
        return text;
    char *to = arena_text(arena, text.len);
    if (to == NULL)
        return (struct span){NULL, 0};
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        i += is_escape(text, i, quote) ? 1 : 0;
        to[len++] = text.at[i];
    }
    return span_make(to, len);
}

/* Behind the opening quote; moves behind the closing one. */
static const char *take_quoted(struct arena *arena, struct span *rest, char quote,
                               struct span *value)
{
    size_t len = 0;
    while (len < rest->len && rest->at[len] != quote) {
        if (rest->at[len] == '\\' && len + 1 == rest->len)
            return "nothing behind a backslash";
        len += is_escape(*rest, len, quote) ? 2 : 1;
    }
    if (len >= rest->len)
        return "quote not closed";
    *value = unescape(arena, span_first(*rest, len), quote);
    *rest = span_from(*rest, len + 1);
    return NULL;
}

/* Both kinds of quotes are read, as some servers do, but the single one is none in the RFC. Within
 * double quotes it is an ordinary character. */
static const char *take_value(struct multipart *multipart, struct span *rest, struct span *value)
{
    char quote = rest->at[0];
    if (quote == '"' || quote == '\'') {
        multipart->flags->invalid_quoting |= quote == '\'';
        *rest = span_from(*rest, 1);
        return take_quoted(multipart->body->arena, rest, quote, value);
    }
    size_t len = 0;
    while (len < rest->len && byte_is_token(rest->at[len]))
        len++;
    *value = span_first(*rest, len);
    *rest = span_from(*rest, len);
    multipart->flags->invalid_quoting |= span_find_byte(*value, '\'') != SPAN_NONE;
    return NULL;
}

static char *decode_escape(struct span text, size_t i, char *to)
{
    *to = (char)(byte_hex(text.at[i + 1]) * 16 + byte_hex(text.at[i + 2]));
    return to + 1;
}

/* RFC 8187 3.2.1: utf-8'en'%61b.txt. RFC 7578 4.2 forbids it here, but there are senders, and
 * servers that go by it. */
static const char *take_extended(struct multipart *multipart, struct span *rest)
{
    struct part *part = &multipart->part;
    if (part->has_extended)
        return "Duplicate Content-Disposition filename*";
    struct span text = take_until(rest, "; \t");
    size_t charset = span_find_byte(text, '\'');
    if (charset == SPAN_NONE || charset == 0)
        return "filename* without a character set";
    text = span_from(text, charset + 1);
    size_t language = span_find_byte(text, '\'');
    if (language == SPAN_NONE)
        return "filename* without a language";
    text = span_from(text, language + 1);
    char *start = arena_text(multipart->body->arena, text.len), *to = start;
    for (size_t i = 0; start != NULL && i < text.len; i++) {
        if (text.at[i] != '%') {
            *to++ = text.at[i];
            continue;
        }
        if (i + 2 >= text.len || byte_hex(text.at[i + 1]) < 0 || byte_hex(text.at[i + 2]) < 0)
            return "filename* with a broken escape";
        to = decode_escape(text, i, to);
        i += 2;
    }
    part->has_extended = true;
    part->extended = span_make(start, (size_t)(to - start));
    return NULL;
}

static const char *settle(struct multipart *multipart, struct span name, struct span value)
{
    struct part *part = &multipart->part;
    if (span_is(name, SPAN("name"))) {
        multipart->body->result.multipart_name = value;
        if (part->has_name)
            return "Duplicate Content-Disposition name";
        part->has_name = true;
        part->name = value;
        return NULL;
    }
    if (span_is(name, SPAN("filename"))) {
        multipart->body->result.multipart_filename = value;
        if (part->has_filename)
            return "Duplicate Content-Disposition filename";
        part->has_filename = true;
        part->filename = value;
        return NULL;
    }
    return "unknown parameter";
}

/* One parameter, and the semicolon that leads to another. */
static const char *read_parameter(struct multipart *multipart, struct span *rest)
{
    *rest = skip_blanks(*rest);
    if (rest->len == 0)
        return "nothing behind a semicolon";
    struct span value = {NULL, 0}, name = take_until(rest, "= \t");
    *rest = skip_blanks(*rest);
    if (rest->len == 0 || rest->at[0] != '=')
        return "parameter without a value";
    *rest = skip_blanks(span_from(*rest, 1));
    if (rest->len == 0)
        return "parameter without a value";
    const char *wrong;
    if (span_is(name, SPAN("filename*")))
        wrong = take_extended(multipart, rest);
    else if ((wrong = take_value(multipart, rest, &value)) == NULL)
        wrong = settle(multipart, name, value);
    if (wrong != NULL)
        return wrong;
    const char *end = rest->at;
    *rest = skip_blanks(*rest);
    if (rest->len == 0)
        return NULL;
    if (rest->at[0] != ';') {
        bool quoted = rest->at == end && (end[-1] == '"' || end[-1] == '\'');
        multipart->flags->invalid_quoting |= quoted;
        return "text behind a value";
    }
    *rest = span_from(*rest, 1);
    return NULL;
}

/* Alone it is the file's name; beside another one it should say the same. */
static void settle_extended(struct multipart *multipart)
{
    struct part *part = &multipart->part;
    if (!part->has_extended)
        return;
    multipart->flags->invalid_part |=
        !part->has_filename || !span_is(part->filename, part->extended);
    if (part->has_filename)
        return;
    part->has_filename = true;
    part->filename = part->extended;
    multipart->body->result.multipart_filename = part->extended;
}

const char *multipart_read_disposition(struct multipart *multipart, struct span value)
{
    static const struct span type = SPAN_INIT("form-data");
    if (!span_starts(value, type))
        return "not form-data";
    struct span rest = skip_blanks(span_from(value, type.len));
    if (rest.len > 0 && rest.at[0] != ';')
        return "semicolon missing";
    rest = span_from(rest, 1);
    const char *wrong = NULL;
    while (wrong == NULL && rest.len > 0)
        wrong = read_parameter(multipart, &rest);
    if (wrong == NULL)
        settle_extended(multipart);
    return wrong;
}
