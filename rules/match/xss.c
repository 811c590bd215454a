/* SPDX-License-Identifier: Apache-2.0 */
/* Places, tables and judgements. */
#include "rules/match/xss.h"

#include "rules/match/xss_tokens.h"

static const struct span tags[] = {
#define XSS_TAG(name) SPAN_INIT(name),
#include "rules/match/xss_names.tbl"
};
static const struct span urls[] = {
#define XSS_URL(name) SPAN_INIT(name),
#include "rules/match/xss_names.tbl"
};
static const struct span always[] = {
#define XSS_ALWAYS(name) SPAN_INIT(name),
#include "rules/match/xss_names.tbl"
};
static const struct span events[] = {
#define XSS_EVENT(name) SPAN_INIT(name),
#include "rules/match/xss_names.tbl"
};
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Attributes that animations put a value into. */
static const struct span animated[] = {SPAN_INIT("href"), SPAN_INIT("xlink:href"), SPAN_INIT("src"),
                                       SPAN_INIT("innerhtml"), SPAN_INIT("style")};

/* What makes a style run script or load it, in old browsers; without white space. */
static const struct span style_words[] = {
    SPAN_INIT("expression("),  SPAN_INIT("behavior:"),    SPAN_INIT("behaviour:"),
    SPAN_INIT("binding:url("), SPAN_INIT("-moz-binding"), SPAN_INIT("javascript:"),
    SPAN_INIT("vbscript:"),    SPAN_INIT("@import"),      SPAN_INIT("-o-link"),
    SPAN_INIT("url(data:"),    SPAN_INIT("\\"),           SPAN_INIT("/*"),
    SPAN_INIT("base64"),
};

static const struct span script_schemes[] = {SPAN_INIT("javascript:"), SPAN_INIT("vbscript:"),
                                             SPAN_INIT("livescript:"), SPAN_INIT("view-source:")};

/* Entities that hide a scheme; others are told by their number. */
static const struct {
    struct span name;
    char byte;
} entities[] = {
    {SPAN_INIT("colon"), ':'},  {SPAN_INIT("tab"), '\t'}, {SPAN_INIT("newline"), '\n'},
    {SPAN_INIT("lpar"), '('},   {SPAN_INIT("rpar"), ')'}, {SPAN_INIT("sol"), '/'},
    {SPAN_INIT("period"), '.'},
};

/* The same but for case and NUL bytes in `text`, or the two bytes \0 that somebody will decode. */
static bool is_name(struct span text, struct span name)
{
    size_t same = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\0')
            continue;
        if (text.at[i] == '\\' && i + 1 < text.len && text.at[i + 1] == '0') {
            i++;
            continue;
        }
        if (same == name.len || byte_lower(text.at[i]) != name.at[same])
            return false;
        same++;
    }
    return same == name.len;
}

static bool is_in(struct span text, const struct span *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_name(text, table[i]))
            return true;
    return false;
}

static struct span local_name(struct span name)
{
    size_t colon = span_find_last_byte(name, ':');

    return colon == SPAN_NONE ? name : span_from(name, colon + 1);
}

static size_t read_number(struct span s, unsigned *value)
{
    bool hexadecimal = s.len > 1 && byte_lower(s.at[1]) == 'x';
    size_t start = hexadecimal ? 2 : 1, i = start;

    for (*value = 0; i < s.len && byte_hex(s.at[i]) >= 0 && (hexadecimal || byte_is_digit(s.at[i]));
         i++)
        if (*value < 0x110000)
            *value = *value * (hexadecimal ? 16 : 10) + (unsigned)byte_hex(s.at[i]);
    return i > start ? i : 0;
}

/* The byte at the start of an attribute's value, an entity decoded; returns how many bytes it took.
 */
static size_t read_byte(struct span s, char *byte)
{
    struct span after = span_from(s, 1);
    size_t len = 0;

    *byte = s.at[0];
    if (s.at[0] != '&' || after.len == 0)
        return 1;
    if (after.at[0] == '#') {
        unsigned value;

        len = read_number(after, &value);
        if (len > 0)
            *byte = (char)(value < 0x80 ? value : '?');
    } else {
        for (size_t i = 0; len == 0 && i < COUNT(entities); i++)
            if (span_starts_nocase(after, entities[i].name)) {
                *byte = entities[i].byte;
                len = entities[i].name.len;
            }
    }
    if (len > 0 && len < after.len && after.at[len] == ';')
        len++;
    return 1 + len;
}

/* Up to `size` bytes of a value as a browser reads an address or a style: entities decoded, lower
 * case, without white space and control bytes. */
static struct span squeeze(struct span value, char *to, size_t size)
{
    size_t len = 0;

    while (value.len > 0 && len < size) {
        char byte;

        value = span_from(value, read_byte(value, &byte));
        if ((unsigned char)byte > ' ')
            to[len++] = byte_lower(byte);
    }
    return span_make(to, len);
}

/* Images are what data: is there for. */
static bool is_data(struct span squeezed)
{
    return span_starts(squeezed, SPAN("data:")) && !span_starts(squeezed, SPAN("data:image/"))
               ? true
               : span_starts(squeezed, SPAN("data:image/svg"));
}

static bool has_script_scheme(struct span squeezed)
{
    for (size_t i = 0; i < COUNT(script_schemes); i++)
        if (span_starts(squeezed, script_schemes[i]))
            return true;
    return false;
}

static bool has_any(struct span text, const char *bytes)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != '\0' && strchr(bytes, text.at[i]) != NULL)
            return true;
    return false;
}

/* on and at least three letters. Known events count with any value in a tag that the text opened
 * itself; all others where the value could call something. */
static bool is_event(const struct xss_token *token, bool own_tag)
{
    struct span name = local_name(token->name);
    struct span event = span_from(name, 2);

    if (event.len < 3 || byte_lower(name.at[0]) != 'o' || byte_lower(name.at[1]) != 'n' ||
        token->value.at == NULL)
        return false;
    for (size_t i = 0; i < event.len; i++)
        if (event.at[i] != '\0' && !byte_is_alpha(event.at[i]))
            return false;
    if (is_in(event, events, COUNT(events)))
        return own_tag || has_any(token->value, "(`=&[\\:.");
    return has_any(token->value, "(`") || (own_tag && has_any(token->value, "=&[\\"));
}

static bool is_script_style(struct span value)
{
    char text[1024];
    struct span squeezed = squeeze(value, text, sizeof(text));

    for (size_t i = 0; i < COUNT(style_words); i++)
        if (span_find(squeezed, style_words[i]) != SPAN_NONE)
            return true;
    return false;
}

/* Which decision the attribute leads to, or NULL. */
static const char *judge_attribute(const struct xss_token *token, bool own_tag)
{
    char start[32];
    struct span squeezed;

    if (is_event(token, own_tag))
        return "event";
    if (token->value.at == NULL)
        return NULL;
    squeezed = squeeze(token->value, start, sizeof(start));
    if (is_in(token->name, urls, COUNT(urls)) ||
        is_in(local_name(token->name), urls, COUNT(urls))) {
        if (has_script_scheme(squeezed) || (own_tag && is_data(squeezed)))
            return "url";
    } else if (own_tag && has_script_scheme(squeezed)) {
        return "url";
    }
    if (own_tag && span_starts_nocase(token->name, SPAN("xmlns:")) &&
        span_find_nocase(token->value, SPAN("xml-events")) != SPAN_NONE)
        return "attribute"; /* binds a handler to an event */
    if (is_name(token->name, SPAN("style")) && is_script_style(token->value))
        return "style";
    if (own_tag && is_in(token->name, always, COUNT(always)))
        return "attribute";
    if (own_tag && is_name(token->name, SPAN("attributename")) &&
        (is_in(token->value, animated, COUNT(animated)) ||
         span_starts_nocase(token->value, SPAN("on"))))
        return "attribute";
    return NULL;
}

static bool ends_tag(struct span s)
{
    if (s.at[0] == '\\' && s.len > 1 && s.at[1] == '0')
        return false;
    return s.at[0] != '\0' && strchr("<>{}()[]\"'`\\^|;,", s.at[0]) != NULL;
}

/* The name ends at the first byte that no name has: browsers read <script<x as a script. */
static bool is_active_tag(struct span name)
{
    struct span local;

    for (size_t i = 0; i < name.len; i++)
        if (ends_tag(span_from(name, i)))
            name.len = i;
    local = local_name(name);

    return is_in(local, tags, COUNT(tags)) || is_in(name, tags, COUNT(tags)) ||
           span_starts_nocase(local, SPAN("svg")) || span_starts_nocase(name, SPAN("svg")) ||
           span_starts_nocase(name, SPAN("xsl"));
}

/* Conditional comments, and back-quotes, which old browsers let end one. */
static bool is_active_comment(struct span text)
{
    return span_find_nocase(text, SPAN("[if")) != SPAN_NONE ||
           span_find_byte(text, '`') != SPAN_NONE;
}

/* <!ENTITY .., <!DOCTYPE x [..; a plain document type does nothing. */
static bool is_active_declaration(struct span text)
{
    return span_find_nocase(text, SPAN("entity")) != SPAN_NONE ||
           (span_starts_nocase(text, SPAN("doctype")) && span_find_byte(text, '[') != SPAN_NONE);
}

static bool is_active_instruction(struct span text)
{
    return span_starts_nocase(text, SPAN("xml-stylesheet")) ||
           span_starts_nocase(text, SPAN("xml:namespace")) ||
           span_starts_nocase(text, SPAN("import"));
}

static const char *judge(const struct xss_token *token, bool own_tag)
{
    switch (token->kind) {
    case XSS_END: break;
    case XSS_TAG: return is_active_tag(token->name) ? "tag" : NULL;
    case XSS_ATTRIBUTE: return judge_attribute(token, own_tag);
    case XSS_COMMENT: return is_active_comment(token->name) ? "comment" : NULL;
    case XSS_DECLARATION: return is_active_declaration(token->name) ? "declaration" : NULL;
    case XSS_INSTRUCTION: return is_active_instruction(token->name) ? "declaration" : NULL;
    }
    return NULL;
}

/* Tags in an attribute's value: not every browser closes the quotes where the standard does. */
static bool detect_in_value(struct span value, struct xss_finding *finding);

static bool detect_from(struct xss_lexer *lexer, bool own_tag, bool values,
                        struct xss_finding *finding)
{
    for (;;) {
        struct xss_token token = xss_next(lexer);
        const char *decision = judge(&token, own_tag);

        if (token.kind == XSS_END)
            return false;
        if (decision != NULL) {
            if (finding != NULL)
                *finding = (struct xss_finding){decision, token.name};
            return true;
        }
        own_tag = own_tag || token.kind == XSS_TAG;
        if (values && own_tag && detect_in_value(token.value, finding))
            return true;
    }
}

static bool detect_in_value(struct span value, struct xss_finding *finding)
{
    struct xss_lexer lexer;

    return xss_lexer_init(&lexer, value, XSS_TEXT) && detect_from(&lexer, false, false, finding);
}

static bool detect_in(struct span text, enum xss_place place, struct xss_finding *finding)
{
    struct xss_lexer lexer;

    return xss_lexer_init(&lexer, text, place) &&
           detect_from(&lexer, place == XSS_TEXT, true, finding);
}

bool xss_detect(struct span text, struct xss_finding *finding)
{
    /* Every attack needs a tag or a value that is given. */
    if (detect_in(text, XSS_TEXT, finding))
        return true;
    if (span_find_byte(text, '=') == SPAN_NONE)
        return false;
    return detect_in(text, XSS_UNQUOTED, finding) || detect_in(text, XSS_SINGLE, finding) ||
           detect_in(text, XSS_DOUBLE, finding) || detect_in(text, XSS_BACK, finding);
}
