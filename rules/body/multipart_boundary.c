/* SPDX-License-Identifier: Apache-2.0 */
/* The boundary parameter of multipart/form-data. Servers differ in how they read odd spellings of
 * it, and whoever reads another boundary than we do sees other parts than we do. So what is not
 * plain is refused, with ModSecurity's rules and words. */
#include "rules/body/multipart.h"

enum { CONTENT_TYPE_MOST_BYTES = 1024 };

static const struct span mime_type = SPAN_INIT("multipart/form-data");
static const struct span parameter = SPAN_INIT("boundary");

static bool invalid(struct multipart *multipart, const char *why)
{
    body_fail(multipart->body, "Multipart parsing error: Multipart: %s.", why);
    return false;
}

/* How often the word stands there with a "=" somewhere behind it, in any case. */
static size_t count_parameters(struct span text)
{
    size_t count = 0, at;
    while ((at = span_find_nocase(text, parameter)) != SPAN_NONE) {
        text = span_from(text, at + parameter.len);
        count += span_find_byte(text, '=') != SPAN_NONE ? 1 : 0;
    }
    return count;
}

/* RFC 2046 5.1.1: bcharsnospace, and spaces that are not at the end. */
static bool characters_are_valid(struct span boundary)
{
    for (size_t i = 0; i < boundary.len; i++) {
        char c = boundary.at[i];
        bool space = c == ' ' && i + 1 < boundary.len;
        bool other = c != '\0' && c != ' ' && strchr("'()+_,-./:=?", c) != NULL;
        if (!byte_is_alpha(c) && !byte_is_digit(c) && !space && !other)
            return false;
    }
    return true;
}

/* Between the type and the parameter there should be one semicolon and white space. */
static bool check_before(struct multipart *multipart, struct span between)
{
    bool semicolon = false;
    for (size_t i = 0; i < between.len; i++) {
        if (byte_is_space(between.at[i]))
            continue;
        if (semicolon || between.at[i] != ';')
            return invalid(multipart, "Invalid boundary in C-T (malformed)");
        semicolon = true;
    }
    multipart->flags->missing_semicolon = !semicolon;
    return true;
}

/* Between the parameter's name and its "=" there should be nothing. */
static bool check_name_end(struct multipart *multipart, struct span between)
{
    for (size_t i = 0; i < between.len; i++) {
        if (!byte_is_space(between.at[i]))
            return invalid(multipart, "Invalid boundary in C-T (parameter name)");
        multipart->flags->boundary_whitespace = true;
    }
    return true;
}

static bool check_value(struct multipart *multipart, struct span value)
{
    bool opens = value.len > 0 && value.at[0] == '"';
    bool closes = value.len > 1 && value.at[value.len - 1] == '"';
    if (value.len > 0 && byte_is_space(value.at[0]))
        multipart->flags->boundary_whitespace = true;
    if (opens != closes)
        return invalid(multipart, "Invalid boundary in C-T (quote)");
    if (opens) {
        value = span_from(span_first(value, value.len - 1), 1);
        multipart->flags->boundary_quoted = true;
    }
    if (count_parameters(value) > 0)
        return invalid(multipart, "Invalid boundary in C-T (content)");
    /* A further parameter, as "; charset=UTF-8" of some frameworks, is tolerated. */
    size_t semicolon = span_find_byte(value, ';');
    value = span_first(value, semicolon);
    if (!characters_are_valid(value))
        return invalid(multipart, "Invalid boundary in C-T (characters)");
    if (value.len == 0)
        return invalid(multipart, "Invalid boundary in C-T (empty)");
    multipart->delimiter = arena_format(multipart->body->arena, "--" SPAN_FORMAT, span_arg(value));
    return multipart->delimiter.len > 0;
}

bool multipart_read_boundary(struct multipart *multipart)
{
    struct span type = multipart->body->content_type;
    if (type.len == 0)
        return invalid(multipart, "Content-Type header not available");
    if (type.len > CONTENT_TYPE_MOST_BYTES)
        return invalid(multipart, "Invalid boundary in C-T (length)");
    if (!span_starts_nocase(type, mime_type))
        return invalid(multipart, "Invalid MIME type");
    size_t count = count_parameters(type);
    if (count > 1)
        return invalid(multipart, "Multiple boundary parameters in C-T");
    size_t at = span_find(type, parameter);
    if (at == SPAN_NONE)
        return invalid(multipart, count > 0 ? "Invalid boundary in C-T (case sensitivity)"
                                            : "Boundary not found in C-T");
    struct span between = span_from(span_first(type, at), mime_type.len);
    if (!check_before(multipart, between))
        return false;
    struct span rest = span_from(type, at + parameter.len);
    size_t equals = span_find_byte(rest, '=');
    if (equals == SPAN_NONE)
        return invalid(multipart, "Invalid boundary in C-T (malformed)");
    return check_name_end(multipart, span_first(rest, equals)) &&
           check_value(multipart, span_from(rest, equals + 1));
}
