/* SPDX-License-Identifier: Apache-2.0 */
/* A lexer of two states: inside of a tag, where attributes stand, and outside. */
#include "rules/match/xss_tokens.h"

enum { DECLARATION = 512 };

static bool is_space(char c)
{
    return (unsigned char)c <= ' ';
}

static size_t skip_space(struct span text, size_t at)
{
    while (at < text.len && is_space(text.at[at]))
        at++;
    return at;
}

static bool leave(struct xss_lexer *lexer, char quote)
{
    size_t end = span_find_byte(lexer->text, quote);

    lexer->at = end == SPAN_NONE ? lexer->text.len : end + 1;
    return end != SPAN_NONE;
}

bool xss_lexer_init(struct xss_lexer *lexer, struct span text, enum xss_place place)
{
    *lexer = (struct xss_lexer){.text = text, .in_tag = place != XSS_TEXT};
    switch (place) {
    case XSS_TEXT: return span_find_byte(text, '<') != SPAN_NONE;
    case XSS_SINGLE: return leave(lexer, '\'');
    case XSS_DOUBLE: return leave(lexer, '"');
    case XSS_BACK: return leave(lexer, '`');
    case XSS_UNQUOTED: break; /* the first word, the value, reads as an attribute without one */
    }
    return true;
}

/* The bytes up to `end`, which is passed over; or all that is left. */
static struct span take_to(struct xss_lexer *lexer, size_t start, struct span end)
{
    struct span rest = span_from(lexer->text, start);
    size_t found = span_find(rest, end);
    struct span taken = span_first(rest, found);

    lexer->at = found == SPAN_NONE ? lexer->text.len : start + found + end.len;
    return taken;
}

static bool ends_name(char c)
{
    return is_space(c) || c == '/' || c == '>';
}

/* NUL bytes stand in a name without ending it: old browsers passed over them. */
static struct span take_name(struct xss_lexer *lexer, bool attribute)
{
    size_t start = lexer->at;

    while (lexer->at < lexer->text.len) {
        char c = lexer->text.at[lexer->at];

        if (c != '\0' && ends_name(c))
            break;
        if (attribute && c == '=' && lexer->at > start)
            break;
        lexer->at++;
    }
    return span_make(lexer->text.at + start, lexer->at - start);
}

static struct span take_value(struct xss_lexer *lexer)
{
    size_t start = lexer->at;
    char quote = (char)(start < lexer->text.len ? lexer->text.at[start] : '\0');

    if (quote == '"' || quote == '\'')
        return take_to(lexer, start + 1, span_make(&quote, 1));
    if (quote == '`' && span_find_byte(span_from(lexer->text, start + 1), '`') != SPAN_NONE)
        return take_to(lexer, start + 1, SPAN("`"));
    while (lexer->at < lexer->text.len && !is_space(lexer->text.at[lexer->at]) &&
           lexer->text.at[lexer->at] != '>')
        lexer->at++;
    return span_make(lexer->text.at + start, lexer->at - start);
}

static struct xss_token take_attribute(struct xss_lexer *lexer)
{
    struct xss_token token = {.kind = XSS_ATTRIBUTE, .name = take_name(lexer, true)};
    size_t equals = skip_space(lexer->text, lexer->at);

    if (equals < lexer->text.len && lexer->text.at[equals] == '=') {
        lexer->at = skip_space(lexer->text, equals + 1);
        token.value = take_value(lexer);
    }
    return token;
}

/* The text of a comment or declaration, of which only the beginning matters. What stands in it is
 * then cut into pieces as well: browsers do not agree on where it ends. */
static struct xss_token take_declaration(struct xss_lexer *lexer, enum xss_kind kind)
{
    struct span text = span_first(span_from(lexer->text, lexer->at), DECLARATION);

    if (kind == XSS_DECLARATION && span_starts(text, SPAN("--"))) {
        kind = XSS_COMMENT;
        text = span_from(text, 2);
        text = span_first(text, span_find(text, SPAN("-->")));
    } else {
        text = span_first(text, span_find_byte(text, '>'));
    }
    return (struct xss_token){.kind = kind, .name = text};
}

/* From a "<" on; false where it begins nothing. */
static bool take_markup(struct xss_lexer *lexer, struct xss_token *token)
{
    char c;

    lexer->at++;
    while (lexer->at < lexer->text.len && lexer->text.at[lexer->at] == '\0')
        lexer->at++;
    c = (char)(lexer->at < lexer->text.len ? lexer->text.at[lexer->at] : '\0');
    if (c == '!' || c == '?') {
        lexer->at++;
        *token = take_declaration(lexer, c == '!' ? XSS_DECLARATION : XSS_INSTRUCTION);
        return true;
    }
    if (!byte_is_alpha(c))
        return false; /* also </name: an end tag's attributes do nothing */
    *token = (struct xss_token){.kind = XSS_TAG, .name = take_name(lexer, false)};
    lexer->in_tag = true;
    return true;
}

/* The next attribute of the tag; false at its end. */
static bool take_in_tag(struct xss_lexer *lexer, struct xss_token *token)
{
    while (lexer->at < lexer->text.len &&
           (is_space(lexer->text.at[lexer->at]) || lexer->text.at[lexer->at] == '/'))
        lexer->at++;
    if (lexer->at == lexer->text.len)
        return false;
    if (lexer->text.at[lexer->at] == '>') {
        lexer->at++;
        lexer->in_tag = false;
        return false;
    }
    *token = take_attribute(lexer);
    return true;
}

struct xss_token xss_next(struct xss_lexer *lexer)
{
    struct xss_token token;

    while (lexer->at < lexer->text.len) {
        size_t found;

        if (lexer->in_tag) {
            if (take_in_tag(lexer, &token))
                return token;
            continue;
        }
        found = span_find_byte(span_from(lexer->text, lexer->at), '<');
        if (found == SPAN_NONE)
            break;
        lexer->at += found;
        if (take_markup(lexer, &token))
            return token;
    }
    return (struct xss_token){.kind = XSS_END};
}
